/**
 * Orders between authorities and this provider (spec/hi1.md). What names a person is sealed. `owner` is an endpoint,
 * `authorisation` the object that another belongs to; `logged` the commitment of a task's order, `given`
 * (later kept with the order itself) when material went out for it. `contents` is a document's body. Of a transaction digest and answer stay for good: what was
 * answered once is answered alike.
 */
export const hi1 = `
create table hi1_registrations (id text primary key, sealed bytea not null);
create table hi1_objects (
  object text primary key, owner text not null, type text not null, status text not null, authorisation text,
  received bigint not null, changed bigint not null, logged bytea, given bigint, sealed bytea not null, contents bytea);
create index on hi1_objects (owner, changed);
create index on hi1_objects (authorisation);
create index on hi1_objects (logged);
alter table hi1_objects alter column contents set storage external;
create table hi1_transactions (
  sender text not null, transaction text not null, digest bytea not null, at bigint not null, answer bytea not null,
  primary key (sender, transaction));
create table hi1_custody (
  number bigint generated always as identity primary key, object text not null, at bigint not null, digest bytea not null,
  sealed bytea not null);
create index on hi1_custody (object, number);
`;
