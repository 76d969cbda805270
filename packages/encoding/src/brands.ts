import { EncodingError } from "./error.ts";
import { fromHex, hex } from "./text.ts";

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Seconds since 1970-01-01T00:00:00Z, a whole number. */
export type UnixSeconds = Brand<number, "UnixSeconds">;
/** UTC days since 1970-01-01, u32. */
export type DayNumber = Brand<number, "DayNumber">;
/** A key period: the UTC calendar month `YYYY-MM` (QUO-1). */
export type Period = Brand<string, "Period">;
/** Position of a keyholder in its charter, from 1: the x-coordinate of its share. */
export type KeyholderIndex = Brand<number, "KeyholderIndex">;
/** SHA-256 of an account's identity public key, 64 lower-case hex digits. */
export type AccountId = Brand<string, "AccountId">;
/** Id of a conversation's first MLS group, 64 lower-case hex digits. */
export type ConversationId = Brand<string, "ConversationId">;
/** SHA-256 of a charter document's bytes, 64 lower-case hex digits. */
export type CharterId = Brand<string, "CharterId">;
/** HMAC-SHA-256(opening, signed warrant bytes), 64 lower-case hex digits: what the log shows of an order. */
export type Commitment = Brand<string, "Commitment">;

function integer(value: number, minimum: number, maximum: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < minimum || value > maximum) {
    throw new EncodingError("out-of-range", field);
  }
  return value;
}

export function unixSeconds(value: number): UnixSeconds {
  return integer(value, 0, 2 ** 40, "unix seconds") as UnixSeconds;
}

export function dayNumber(value: number): DayNumber {
  return integer(value, 0, 2 ** 32 - 1, "day number") as DayNumber;
}

export function keyholderIndex(value: number): KeyholderIndex {
  return integer(value, 1, 255, "keyholder index") as KeyholderIndex;
}

function id(text: string, field: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new EncodingError("not-hex", field);
  return text;
}

export function accountId(text: string): AccountId {
  return id(text, "account id") as AccountId;
}

export function conversationId(text: string): ConversationId {
  return id(text, "conversation id") as ConversationId;
}

export function charterId(text: string): CharterId {
  return id(text, "charter id") as CharterId;
}

export function commitment(text: string): Commitment {
  return id(text, "commitment") as Commitment;
}

/** The 32 bytes behind an id. */
export function idBytes(value: AccountId | ConversationId | CharterId | Commitment): Uint8Array {
  return fromHex(value, 32, "id");
}

export function accountIdOf(bytes: Uint8Array): AccountId {
  return accountId(hex(bytes));
}

export function conversationIdOf(bytes: Uint8Array): ConversationId {
  return conversationId(hex(bytes));
}

export function charterIdOf(bytes: Uint8Array): CharterId {
  return charterId(hex(bytes));
}
