/**
 * What several server processes of a deployment have to agree on. `log_heads` has one row: who may write the log and
 * how far it was acknowledged. `charters` are those of the log, for processes that do not keep it.
 */
export const processes = `
create table log_heads (
  origin text primary key, term bigint not null, holder text, beat bigint not null,
  size bigint not null, root bytea not null);
create table charters (charter bytea primary key, document text not null);
`;
