/**
 * Ciphertexts that members keep here for each other; the bytes are files. `seq` is the conversation's head, `charter` its
 * charter and `day` the server's when the attachment was complete (all three null before). `size` is the ciphertext's.
 */
export const attachments = `
create table attachments (
  id bytea primary key, conversation bytea not null, account bytea not null, size bigint not null,
  created bigint not null, seq bigint, day bigint, charter bytea, digest bytea);
create index on attachments (account);
create index on attachments (conversation, day);
create table attachment_parts (
  id bytea not null, part integer not null, digest bytea not null, primary key (id, part));
`;
