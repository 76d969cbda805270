/**
 * What only an order to preserve keeps from deletion (PRES-10): moved here by the run that would have deleted it, so that no
 * query of a member's comes upon it, and nobody sees by what is left whose it is. The views are all that is still here: for
 * who answers an order, and for nobody else.
 */
export const held = `
create table held_items (
  conversation bytea not null, seq bigint not null, generation integer not null, epoch bigint not null,
  kind smallint not null, submitter bytea not null, at bigint not null, bytes bytea not null,
  primary key (conversation, seq));
alter table held_items alter column bytes set storage external;
create index on held_items (submitter, at);
create table held_envelopes (
  conversation bytea not null, generation integer not null, epoch bigint not null, device_key bytea not null,
  account bytea not null, day bigint not null, charter bytea not null, seq bigint not null,
  primary key (conversation, generation, epoch, device_key));
create index on held_envelopes (account, day);
create table held_attachments (
  id bytea primary key, conversation bytea not null, account bytea not null, size bigint not null,
  created bigint not null, seq bigint not null, day bigint not null, charter bytea not null, digest bytea not null);
create view kept_items as
  select conversation, seq, generation, epoch, kind, submitter, at, bytes from items
  union all select conversation, seq, generation, epoch, kind, submitter, at, bytes from held_items;
create view kept_envelopes as
  select conversation, generation, epoch, device_key, account, day, charter, seq from envelopes
  union all select conversation, generation, epoch, device_key, account, day, charter, seq from held_envelopes;
create view kept_attachments as
  select id, conversation, account, size, created, seq, day, charter, digest, false as held from attachments
  union all select id, conversation, account, size, created, seq, day, charter, digest, true as held from held_attachments;
`;

/** An id is free again once its file is held: another file of the same id may come to be held as well. */
export const heldFiles = `
alter table held_attachments drop constraint held_attachments_pkey, add primary key (id, created);
`;
