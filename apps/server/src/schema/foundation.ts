/** Ids are 32-byte bytea; `key` texts are the clients' idempotency keys. Times are UnixSeconds of the server's clock. */
export const foundation = `
create table accounts (account bytea primary key, identity_key bytea not null, created bigint not null);
create table persons (account bytea primary key, sealed bytea not null);
create table sessions (
  token_hash bytea primary key, account bytea not null, device_key bytea not null, expires bigint not null);
create table key_packages (
  id bigint generated always as identity primary key,
  account bytea not null, device_key bytea not null, bytes bytea not null);
create index on key_packages (account, device_key, id);

create table conversations (
  conversation bytea primary key,
  creator bytea not null,
  charter bytea,
  group_id bytea not null,
  generation integer not null,
  epoch bigint not null,
  day bigint not null,
  head bigint not null,
  next_group bytea,
  next_charter bytea);
create table leaves (
  conversation bytea not null, leaf bigint not null, account bytea not null, device_key bytea not null,
  primary key (conversation, leaf));
create table memberships (
  conversation bytea not null, account bytea not null, from_seq bigint not null, until_seq bigint,
  primary key (conversation, account, from_seq));
create index on memberships (account) where until_seq is null;
create table items (
  conversation bytea not null, seq bigint not null, generation integer not null, epoch bigint not null,
  kind smallint not null, submitter bytea not null, key text not null, digest bytea not null, at bigint not null,
  bytes bytea not null,
  primary key (conversation, seq),
  unique (conversation, submitter, key));
alter table items alter column bytes set storage external;
create table envelopes (
  conversation bytea not null, generation integer not null, epoch bigint not null, device_key bytea not null,
  account bytea not null, day bigint not null, charter bytea not null, seq bigint not null,
  primary key (conversation, generation, epoch, device_key));
create index on envelopes (account, day);
create table welcomes (
  id bytea primary key, conversation bytea not null, charter bytea, seq bigint not null, epoch bigint not null,
  sender bytea not null, bytes bytea not null, tree bytea);
alter table welcomes alter column bytes set storage external;
alter table welcomes alter column tree set storage external;
create table welcome_recipients (
  account bytea not null, welcome bytea not null, primary key (account, welcome));
create index on welcome_recipients (welcome);

create table orders (
  id_hash bytea primary key, commitment bytea not null unique, index bigint not null, charter bytea not null,
  sealed bytea not null);
create table board (
  session bytea not null, position integer not null, round smallint not null, sender smallint not null,
  digest bytea not null, document text not null,
  primary key (session, position), unique (session, digest));
`;
