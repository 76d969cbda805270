import {
  type CharterId,
  type ConversationId,
  charterIdOf,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  EncodingError,
  Reader,
} from "@porchlight/encoding";

// RFC 9420 as far as a delivery service has to read it: who commits, who is added and removed, for which epoch.
// Nothing here is verified: that needs the group's secrets or its context, which the server does not have (DEL-20).

const MLS10 = 1;
const SUITE = 1;
const PUBLIC_MESSAGE = 1;
const PRIVATE_MESSAGE = 2;
const WELCOME = 3;
const SENDER_MEMBER = 1;
const APPLICATION = 1;
const COMMIT = 3;
const CREDENTIAL_BASIC = 1;
const CHARTER_EXTENSION = 0xf0c1;
const MAX_VECTOR = 2 ** 30 - 1;

/** A device as its leaf shows it. */
export type Leaf = { readonly deviceKey: Uint8Array; readonly credential: Uint8Array };

export type CommitProposal =
  | { readonly kind: "add"; readonly leaf: Leaf }
  | { readonly kind: "remove"; readonly leafIndex: number }
  | { readonly kind: "psk" }
  | {
      readonly kind: "reinit";
      readonly groupId: Uint8Array;
      readonly charter: CharterId | null;
      readonly conversation: ConversationId;
      readonly day: DayNumber;
    };

/** What a Commit in a PublicMessage says openly. */
export type CommitHeader = {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly leafIndex: number;
  readonly authenticatedData: Uint8Array;
  readonly proposals: readonly CommitProposal[];
  /** The committer's new leaf, where the Commit carries an UpdatePath. */
  readonly path: Leaf | null;
};

export type MessageHeader = {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly authenticatedData: Uint8Array;
};

/** Strict: everything is read to the end. Throws EncodingError. */
export function parseCommit(bytes: Uint8Array): CommitHeader {
  const reader = new Reader(bytes);
  literal(reader, 2, MLS10, "version");
  literal(reader, 2, PUBLIC_MESSAGE, "wire format");
  const groupId = vector(reader, "group id");
  const epoch = reader.u64("epoch");
  literal(reader, 1, SENDER_MEMBER, "sender type");
  const leafIndex = reader.uint(4, "leaf index");
  const authenticatedData = vector(reader, "authenticated data");
  literal(reader, 1, COMMIT, "content type");
  const proposals: CommitProposal[] = [];
  const list = new Reader(vector(reader, "proposals"));
  while (list.remaining > 0) proposals.push(readProposal(list));
  const path = reader.uint(1, "path");
  if (path > 1) throw new EncodingError("not-canonical", "path");
  const leaf = path === 1 ? readLeaf(reader) : null;
  if (path === 1) vector(reader, "path nodes");
  vector(reader, "signature");
  vector(reader, "confirmation tag");
  vector(reader, "membership tag");
  reader.end("MLSMessage");
  return { groupId, epoch, leafIndex, authenticatedData, proposals, path: leaf };
}

/** An application message in a PrivateMessage. Throws EncodingError. */
export function parseMessage(bytes: Uint8Array): MessageHeader {
  const reader = new Reader(bytes);
  literal(reader, 2, MLS10, "version");
  literal(reader, 2, PRIVATE_MESSAGE, "wire format");
  const groupId = vector(reader, "group id");
  const epoch = reader.u64("epoch");
  literal(reader, 1, APPLICATION, "content type");
  const authenticatedData = vector(reader, "authenticated data");
  vector(reader, "sender data");
  vector(reader, "ciphertext");
  reader.end("MLSMessage");
  return { groupId, epoch, authenticatedData };
}

/** Refuses what is no Welcome; the contents are for those who can open it. Throws EncodingError. */
export function checkWelcome(bytes: Uint8Array): void {
  const reader = new Reader(bytes);
  literal(reader, 2, MLS10, "version");
  literal(reader, 2, WELCOME, "wire format");
  literal(reader, 2, SUITE, "cipher suite");
  vector(reader, "secrets");
  vector(reader, "group info");
  reader.end("MLSMessage");
}

function readProposal(reader: Reader): CommitProposal {
  // Proposals by reference would make the membership depend on messages that only members can check.
  literal(reader, 1, 1, "proposal reference");
  const type = reader.uint(2, "proposal type");
  switch (type) {
    case 1:
      return { kind: "add", leaf: readKeyPackage(reader) };
    case 3:
      return { kind: "remove", leafIndex: reader.uint(4, "removed") };
    case 4:
      readPreSharedKey(reader);
      return { kind: "psk" };
    case 5:
      return readReInit(reader);
    default:
      throw new EncodingError("out-of-range", "proposal type");
  }
}

function readKeyPackage(reader: Reader): Leaf {
  literal(reader, 2, MLS10, "version");
  literal(reader, 2, SUITE, "cipher suite");
  vector(reader, "init key");
  const leaf = readLeaf(reader);
  vector(reader, "extensions");
  vector(reader, "signature");
  return leaf;
}

function readLeaf(reader: Reader): Leaf {
  vector(reader, "encryption key");
  const deviceKey = vector(reader, "signature key");
  literal(reader, 2, CREDENTIAL_BASIC, "credential type");
  const credential = vector(reader, "identity");
  for (const field of ["versions", "cipher suites", "extensions", "proposals", "credentials"])
    vector(reader, field);
  const source = reader.uint(1, "leaf node source");
  if (source === 1) reader.fixed(16, "lifetime");
  else if (source === 3) vector(reader, "parent hash");
  else if (source !== 2) throw new EncodingError("out-of-range", "leaf node source");
  vector(reader, "extensions");
  vector(reader, "signature");
  return { deviceKey, credential };
}

function readPreSharedKey(reader: Reader): void {
  // Resumption only: an external key is agreed outside of the group.
  literal(reader, 1, 2, "psk type");
  reader.uint(1, "psk usage");
  vector(reader, "psk group id");
  reader.u64("psk epoch");
  vector(reader, "psk nonce");
}

function readReInit(reader: Reader): CommitProposal {
  const groupId = vector(reader, "group id");
  literal(reader, 2, MLS10, "version");
  literal(reader, 2, SUITE, "cipher suite");
  const extensions = new Reader(vector(reader, "extensions"));
  let found: CommitProposal | null = null;
  while (extensions.remaining > 0) {
    const type = extensions.uint(2, "extension type");
    const data = vector(extensions, "extension data");
    if (type !== CHARTER_EXTENSION) continue;
    if (found !== null) throw new EncodingError("duplicate-key", "charter extension");
    found = { kind: "reinit", groupId, ...readCharterExtension(data) };
  }
  if (found === null) throw new EncodingError("missing-field", "charter extension");
  return found;
}

function readCharterExtension(bytes: Uint8Array): {
  charter: CharterId | null;
  conversation: ConversationId;
  day: DayNumber;
} {
  const reader = new Reader(bytes);
  literal(reader, 1, 1, "charter extension version");
  const present = reader.uint(1, "charter");
  if (present > 1) throw new EncodingError("not-canonical", "charter");
  const charter = present === 1 ? charterIdOf(reader.fixed(32, "charter")) : null;
  const conversation = conversationIdOf(reader.fixed(32, "conversation"));
  const day = dayNumber(reader.uint(4, "day"));
  reader.end("charter extension");
  return { charter, conversation, day };
}

function literal(reader: Reader, size: 1 | 2, expected: number, field: string): void {
  if (reader.uint(size, field) !== expected) throw new EncodingError("out-of-range", field);
}

/** `opaque<V>`, RFC 9420 §2.1.2: the shortest of the three lengths only. */
function vector(reader: Reader, field: string): Uint8Array {
  const first = reader.uint(1, field);
  const prefix = first >> 6;
  if (prefix === 3) throw new EncodingError("out-of-range", field);
  let length = first & 0x3f;
  for (let more = 2 ** prefix - 1; more > 0; more--) length = length * 256 + reader.uint(1, field);
  if ((prefix === 1 && length < 64) || (prefix === 2 && length < 2 ** 14) || length > MAX_VECTOR) {
    throw new EncodingError("not-canonical", field);
  }
  return reader.fixed(length, field);
}
