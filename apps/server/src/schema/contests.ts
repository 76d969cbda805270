/** What persons say against orders about them (CONT-5): sealed as orders are. `digest` is that of the order's id and the account. */
export const contests = `
create table contests (
  id_hash bytea not null, digest bytea not null, at bigint not null, sealed bytea not null, primary key (id_hash, digest));
`;
