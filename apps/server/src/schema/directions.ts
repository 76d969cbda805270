/** What issuers said of their orders later (DEL-51): sealed as orders are; `digest` is what the log shows of one. */
export const directions = `
create table order_directions (
  id_hash bytea not null, digest bytea not null, sealed bytea not null, primary key (id_hash, digest));
`;
