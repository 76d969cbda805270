import {
  type AccountId,
  base64,
  EncodingError,
  Fields,
  fromBase64,
  fromUtf8,
  type Json,
  Reader,
  utf8,
  Writer,
} from "@porchlight/encoding";
import {
  type Conversation,
  deserializeConversation,
  type MlsSuite,
  type ProposedCharter,
  serializeConversation,
} from "@porchlight/mls";
import type { NewItem } from "@porchlight/wire";
import { ClientError } from "./error.ts";
import type { ConversationEvent } from "./events.ts";

/** An own commit that the server has not decided on, and the state that it leads to. */
type PendingCommit = {
  readonly item: Extract<NewItem, { kind: "commit" }>;
  readonly next: Conversation;
};

/** A message from its encryption until it is seen in the conversation's order. */
type SentMessage = {
  /** SHA-256 of the wire bytes, hex. */
  readonly digest: string;
  readonly content: Uint8Array;
};

/** Everything of one conversation that must survive a crash, saved as one record. */
export type ConversationRecord = {
  readonly conversation: Conversation;
  /** Seq of the newest item that was applied. */
  readonly cursor: number;
  readonly pending: PendingCommit | null;
  /** Handed to the server, or about to be; handed in again with the same keys after a crash. */
  readonly inFlight: readonly NewItem[];
  /** The own envelope of the current epoch until it is seen in the order: it cannot be made again after a message. */
  readonly envelope: Uint8Array | null;
  readonly sent: readonly SentMessage[];
  /** Contents that wait for an epoch in which they can be sent. */
  readonly outbox: readonly Uint8Array[];
  /** A ReInit that waits for the person's answer, where, and whose. */
  readonly proposal: (ProposedCharter & { readonly seq: number; readonly by: AccountId }) | null;
  /** The charter that the person accepted. */
  readonly accepted: ProposedCharter | null;
  /**
   * Messages of this epoch that were refused, less those that senders' counts have left out: what was told as refused is
   * not told as missing too, and one that comes late does not hide the next that is missing.
   */
  readonly refused: number;
  /** Events that the application has not acknowledged. */
  readonly events: readonly ConversationEvent[];
  /** How many it has acknowledged. */
  readonly handled: number;
  /** SHA-256, hex, of the Welcome that this device joined by; `null` where it began the group. */
  readonly welcome: string | null;
};

const VERSION = 1;
const MAX_PART = 2 ** 31;

/** A record as bytes: private keys and plaintext, to be encrypted at rest by the storage. */
export function formatRecord(record: ConversationRecord): Uint8Array {
  const { pending } = record;
  const facts = {
    cursor: record.cursor,
    pending: pending === null ? null : formatItem(pending.item),
    inFlight: record.inFlight.map(formatItem),
    envelope: record.envelope === null ? null : base64(record.envelope),
    sent: record.sent.map(({ digest, content }) => ({ digest, content: base64(content) })),
    outbox: record.outbox.map((content) => base64(content)),
    proposal: record.proposal,
    accepted: record.accepted,
    events: record.events,
    handled: record.handled,
    refused: record.refused,
    welcome: record.welcome,
  };
  return new Writer()
    .uint(VERSION, 1)
    .opaque(utf8(JSON.stringify(facts)), 4, "facts")
    .opaque(serializeConversation(record.conversation), 4, "conversation")
    .opaque(pending === null ? new Uint8Array(0) : serializeConversation(pending.next), 4, "pending")
    .finish();
}

/** Strict inverse of {@link formatRecord}; throws ClientError "state-corrupt", MlsError. */
export function parseRecord(suite: MlsSuite, bytes: Uint8Array): ConversationRecord {
  try {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new EncodingError("out-of-range", "record.version");
    const text = reader.opaque(4, MAX_PART, "facts");
    const conversation = deserializeConversation(suite, reader.opaque(4, MAX_PART, "conversation"));
    const next = reader.opaque(4, MAX_PART, "pending");
    reader.end("record");
    // JSON.parse: this program wrote it, and storage authenticates it.
    const fields = new Fields(JSON.parse(fromUtf8(text)) as Json, "record");
    const pending = fields.json("pending");
    const envelope = fields.json("envelope");
    const record: ConversationRecord = {
      conversation,
      cursor: fields.integer("cursor"),
      pending:
        pending === null
          ? null
          : { item: parseItem(pending) as PendingCommit["item"], next: deserializeConversation(suite, next) },
      inFlight: fields.array("inFlight", parseItem, Number.MAX_SAFE_INTEGER),
      envelope: envelope === null ? null : fromBase64(String(envelope)),
      sent: fields.array(
        "sent",
        (value, where) => {
          const sent = new Fields(value, where);
          return { digest: sent.string("digest", 64), content: fromBase64(sent.string("content", MAX_PART)) };
        },
        Number.MAX_SAFE_INTEGER,
      ),
      outbox: fields.array("outbox", (value) => fromBase64(String(value)), Number.MAX_SAFE_INTEGER),
      proposal: readProposal(fields.json("proposal")),
      accepted: fields.json("accepted") as unknown as ConversationRecord["accepted"],
      events: (fields.json("events") as unknown as readonly ConversationEvent[]).map(whole),
      handled: fields.integer("handled"),
      refused: fields.integer("refused", Number.MIN_SAFE_INTEGER),
      // Of a version that did not keep it.
      welcome: (fields.optional("welcome") ?? null) === null ? null : fields.string("welcome", 64),
    };
    fields.end();
    return record;
  } catch (cause) {
    if (cause instanceof EncodingError || cause instanceof SyntaxError) {
      throw new ClientError("state-corrupt", "a saved conversation is not what was saved", { cause });
    }
    throw cause;
  }
}

/** Of a version that did not keep whom this device met: they are met when they come again. */
function whole(event: ConversationEvent): ConversationEvent {
  return event.kind === "joined" ? { ...event, members: event.members ?? [] } : event;
}

/** Of a version that did not keep whose it is: it is read from the order again, where it still stands. */
function readProposal(value: Json): ConversationRecord["proposal"] {
  if (value === null || new Fields(value, "proposal").optional("by") === undefined) return null;
  return value as unknown as ConversationRecord["proposal"];
}

/** Messages that were encrypted and not taken go back to the front of the outbox, to be encrypted again. */
export function requeued(
  record: ConversationRecord,
  digestOf: (bytes: Uint8Array) => string,
): ConversationRecord {
  if (record.inFlight.length === 0) return record;
  const digests = new Set(record.inFlight.map(({ bytes }) => digestOf(bytes)));
  const back = record.sent.filter(({ digest }) => digests.has(digest));
  return {
    ...record,
    inFlight: [],
    sent: record.sent.filter(({ digest }) => !digests.has(digest)),
    outbox: [...back.map(({ content }) => content), ...record.outbox],
  };
}

function formatItem(item: NewItem): Json {
  const { kind, key, epoch } = item;
  const common = { kind, key, epoch, bytes: base64(item.bytes) };
  if (item.kind !== "commit") return common;
  const { welcome } = item;
  return {
    ...common,
    welcome:
      welcome === null
        ? null
        : {
            accounts: welcome.accounts,
            bytes: base64(welcome.bytes),
            tree: welcome.tree === null ? null : base64(welcome.tree),
          },
  };
}

function parseItem(value: Json): NewItem {
  const fields = new Fields(value, "item");
  const common = {
    key: fields.string("key", 64),
    epoch: fields.integer("epoch"),
    bytes: fromBase64(fields.string("bytes", MAX_PART)),
  };
  const kind = fields.literal("kind", "commit", "envelope", "message");
  if (kind !== "commit") return { kind, ...common };
  const parcel = fields.json("welcome");
  if (parcel === null) return { kind, ...common, welcome: null };
  const welcome = new Fields(parcel, "welcome");
  const tree = welcome.json("tree");
  return {
    kind,
    ...common,
    welcome: {
      accounts: welcome.json("accounts") as unknown as NonNullable<
        PendingCommit["item"]["welcome"]
      >["accounts"],
      bytes: fromBase64(welcome.string("bytes", MAX_PART)),
      tree: tree === null ? null : fromBase64(String(tree)),
    },
  };
}
