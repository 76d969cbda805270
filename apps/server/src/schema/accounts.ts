/**
 * Devices of an account, and what lets a person in or back in (spec/accounts.md). `used_day` is a day, never a time.
 * Codes, tokens and secrets are here as SHA-256 only; what is sealed, the server cannot open.
 */
export const accounts = `
alter table accounts add column role text not null default 'member';
alter table accounts add column inviter bytea;
alter table sessions add column created bigint not null default 0;
alter table sessions add column used_day bigint not null default 0;
create index on sessions (account);
create table devices (
  account bytea not null, device_key bytea not null, name text not null, created bigint not null,
  used_day bigint not null, revoked bigint, primary key (account, device_key));
insert into devices select distinct account, device_key, '', 0, 0, null::bigint from sessions;
create table invitations (
  secret_hash bytea primary key, inviter bytea, role text not null, created bigint not null, expires bigint not null,
  used_by bytea, used_at bigint);
create index on invitations (inviter);
create table passkeys (
  credential_id text primary key, account bytea not null, public_key bytea not null, counter bigint not null,
  transports text not null, backed_up boolean not null, label text not null, created bigint not null,
  used_day bigint);
create index on passkeys (account);
create table pairings (
  id bytea primary key, token_hash bytea not null unique, account bytea, host_key bytea, offer bytea not null,
  answer bytea, reveal bytea, grant_box bytea, refused boolean not null default false, expires bigint not null);
create index on pairings (account);
create table recoveries (
  account bytea primary key, recovery_key bytea not null unique, sealed bytea not null, created bigint not null);
create table backup_chunks (
  account bytea not null, device_key bytea not null, generation bigint not null, number bigint not null,
  digest bytea not null, bytes bytea not null, primary key (account, device_key, generation, number));
alter table backup_chunks alter column bytes set storage external;
create table relay_chunks (
  account bytea not null, transfer bytea not null, number bigint not null, digest bytea not null,
  created bigint not null, bytes bytea not null, primary key (account, transfer, number));
alter table relay_chunks alter column bytes set storage external;
create table account_requests (
  conversation bytea not null, account bytea not null, at bigint not null, device_key bytea not null,
  document bytea not null, taken_until bigint not null, primary key (conversation, account));
create table audit (
  number bigint generated always as identity primary key, at bigint not null, actor bytea, act text not null,
  subject bytea, detail text not null);
`;
