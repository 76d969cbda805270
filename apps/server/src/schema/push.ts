/**
 * Where a device's push service takes word for it. `streaming`: when it last had a stream, of the server's clock; `told`:
 * when it was last told. `push_keys` has one row: the VAPID public key that subscriptions were made for. Conversations
 * leave room in their pages, as their heads change with every message.
 */
export const push = `
create table push_subscriptions (
  account bytea not null, device_key bytea not null, endpoint text not null, p256dh bytea not null, auth bytea not null,
  streaming bigint not null, told bigint not null, primary key (account, device_key));
create table push_keys (id integer primary key, public_key bytea not null);
alter table conversations set (fillfactor = 60);
`;
