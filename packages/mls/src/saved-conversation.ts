import {
  accountIdOf,
  type CharterId,
  charterIdOf,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  EncodingError,
  fromHex,
  hex,
  idBytes,
  Reader,
  Writer,
} from "@porchlight/encoding";
import { type ClientState, decodeGroupState, encodeGroupState } from "ts-mls";
import { clientConfig } from "./authentication.ts";
import type { CharterTerms, Conversation } from "./conversation.ts";
import { MlsError } from "./error.ts";
import type { MlsSuite } from "./suite.ts";

const VERSION = 1;
const KINDS = ["active", "suspended", "removed"] as const;
const MAX_STATE = 2 ** 31;

/**
 * A conversation as bytes (MLS-70). They hold the device's signature key and every message key that is still open:
 * the caller encrypts them at rest.
 */
export function serializeConversation(conversation: Conversation): Uint8Array {
  const writer = new Writer()
    .uint(VERSION, 1)
    .uint(KINDS.indexOf(conversation.kind), 1)
    .fixed(idBytes(conversation.account), 32)
    .fixed(idBytes(conversation.id), 32)
    .uint(conversation.day, 4);
  writeCharter(writer, conversation.charter);
  if (conversation.kind === "active") {
    const { terms } = conversation;
    writer.uint(terms === null ? 0 : 1, 1);
    if (terms !== null) writer.uint(terms.validFrom, 4).uint(terms.validUntil, 4);
    writer.uint(conversation.leafDay, 4).uint(conversation.envelopes.size, 4);
    for (const [leaf, digest] of conversation.envelopes) writer.uint(leaf, 4).fixed(fromHex(digest, 32), 32);
  }
  if (conversation.kind === "suspended") writeCharter(writer, conversation.next.charter);
  if (conversation.kind !== "removed") writer.opaque(encodeGroupState(conversation.state), 4, "state");
  return writer.finish();
}

/** Strict inverse of {@link serializeConversation}; throws "state-corrupt". */
export function deserializeConversation(suite: MlsSuite, bytes: Uint8Array): Conversation {
  try {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new MlsError("state-corrupt", "version");
    const kind = KINDS[reader.uint(1, "kind")];
    const account = accountIdOf(reader.fixed(32, "account"));
    const id = conversationIdOf(reader.fixed(32, "conversation"));
    const day = dayNumber(reader.uint(4, "day"));
    const common = { suite, account, id, day, charter: readCharter(reader) };
    if (kind === "removed") {
      reader.end("conversation");
      return { kind, ...common };
    }
    if (kind === "suspended") {
      const next = { charter: readCharter(reader) };
      const state = readState(suite, reader);
      reader.end("conversation");
      return { kind, ...common, next, state };
    }
    if (kind === undefined) throw new MlsError("state-corrupt", "kind");
    const terms = readTerms(reader, common.charter);
    const leafDay: DayNumber = dayNumber(reader.uint(4, "leaf day"));
    const envelopes = new Map<number, string>();
    for (let left = reader.uint(4, "envelopes"); left > 0; left--) {
      const leaf = reader.uint(4, "leaf");
      envelopes.set(leaf, hex(reader.fixed(32, "envelope")));
    }
    const state = readState(suite, reader);
    reader.end("conversation");
    return { kind, ...common, terms, leafDay, envelopes, state };
  } catch (cause) {
    if (cause instanceof EncodingError) throw new MlsError("state-corrupt", cause.field, { cause });
    throw cause;
  }
}

function readState(suite: MlsSuite, reader: Reader): ClientState {
  const bytes = reader.opaque(4, MAX_STATE, "state");
  let decoded: ReturnType<typeof decodeGroupState>;
  try {
    decoded = decodeGroupState(bytes, 0);
  } catch (cause) {
    throw new MlsError("state-corrupt", "state", { cause });
  }
  if (decoded === undefined || decoded[1] !== bytes.length) throw new MlsError("state-corrupt", "state");
  return { ...decoded[0], clientConfig: clientConfig(suite) };
}

function writeCharter(writer: Writer, charter: CharterId | null): void {
  if (charter === null) writer.uint(0, 1);
  else writer.uint(1, 1).fixed(idBytes(charter), 32);
}

function readCharter(reader: Reader): CharterId | null {
  return flag(reader) ? charterIdOf(reader.fixed(32, "charter")) : null;
}

function readTerms(reader: Reader, charter: CharterId | null): CharterTerms | null {
  if (!flag(reader)) return null;
  const validFrom = dayNumber(reader.uint(4, "valid from"));
  const validUntil = dayNumber(reader.uint(4, "valid until"));
  if (charter === null) throw new MlsError("state-corrupt", "terms");
  return { charter, validFrom, validUntil };
}

function flag(reader: Reader): boolean {
  const value = reader.uint(1, "flag");
  if (value > 1) throw new MlsError("state-corrupt", "flag");
  return value === 1;
}
