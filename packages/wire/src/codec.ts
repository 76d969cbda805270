import {
  type AccountId,
  base64,
  type CharterId,
  type Commitment,
  type ConversationId,
  type DayNumber,
  fromBase64,
  fromHex,
  hex,
  type KeyholderIndex,
  type Period,
  type UnixSeconds,
} from "@porchlight/encoding";
import type { LogIndex, TreeSize } from "@porchlight/tlog";
import * as z from "zod";

/** Padded base64 in JSON, bytes in the program. Only the one canonical text of the bytes is accepted. */
export function bytes(maximum: number, exactly?: number) {
  return z.codec(z.string().max(4 * Math.ceil(maximum / 3)), z.custom<Uint8Array>(), {
    decode: (text, context) => {
      const found = decodeBase64(text);
      if (found === null || found.length > maximum || (exactly !== undefined && found.length !== exactly)) {
        context.issues.push({ code: "custom", input: text, message: "not base64 of the right length" });
        return z.NEVER;
      }
      return found;
    },
    encode: encodeBase64,
  });
}

/** Base64 of exactly `length` bytes. */
export function fixedBytes(length: number) {
  return bytes(length, length);
}

/** Lower-case hexadecimal of exactly `length` bytes. */
export function hexBytes(length: number) {
  return z.codec(z.string().regex(new RegExp(`^[0-9a-f]{${2 * length}}$`)), z.custom<Uint8Array>(), {
    decode: (text) => fromHex(text, length),
    encode: hex,
  });
}

// Buffer is twenty times as fast as the portable code where it exists; comparing the re-encoding makes it as strict.
function decodeBase64(text: string): Uint8Array | null {
  if (typeof Buffer === "function") {
    const found = Buffer.from(text, "base64");
    return found.toString("base64") === text
      ? new Uint8Array(found.buffer, found.byteOffset, found.length)
      : null;
  }
  try {
    return fromBase64(text);
  } catch {
    return null;
  }
}

function encodeBase64(value: Uint8Array): string {
  return typeof Buffer === "function"
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")
    : base64(value);
}

function branded<T extends string>(pattern: RegExp) {
  return z.codec(z.string().regex(pattern), z.custom<T>(), {
    decode: (text) => text as T,
    encode: (value): string => value,
  });
}

function number<T extends number>(minimum: number, maximum: number) {
  return z.codec(z.int().min(minimum).max(maximum), z.custom<T>(), {
    decode: (value) => value as T,
    encode: (value): number => value,
  });
}

const ID = /^[0-9a-f]{64}$/;
export const accountIdText = branded<AccountId>(ID);
export const conversationIdText = branded<ConversationId>(ID);
export const charterIdText = branded<CharterId>(ID);
export const commitmentText = branded<Commitment>(ID);
/** The capability that names an order between requester, provider and keyholders: 64 lower-case hex digits. */
export const orderIdText = z.string().regex(ID);
export const periodText = branded<Period>(/^[0-9]{4}-(?:0[1-9]|1[0-2])$/);

export const dayNumberValue = number<DayNumber>(0, 2 ** 32 - 1);
export const unixSecondsValue = number<UnixSeconds>(0, 2 ** 40);
export const keyholderIndexValue = number<KeyholderIndex>(1, 255);
export const logIndexValue = number<LogIndex>(0, Number.MAX_SAFE_INTEGER);
export const treeSizeValue = number<TreeSize>(0, Number.MAX_SAFE_INTEGER);
/** Position of an item in its conversation, from 1 without gaps. */
export const seqValue = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** MLS epoch; the server refuses those beyond 2^53 − 1. */
export const epochValue = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A JWS in General JSON Serialization; what it means is for @porchlight/charter to verify. */
export const signedDocumentValue = z.strictObject({
  payload: z.string().max(512 * 1024),
  signatures: z
    .array(z.strictObject({ protected: z.string().max(500), signature: z.string().max(200) }))
    .min(1)
    .max(64),
});

/** Query parameters arrive as text: a decimal without sign or leading zero. */
export function decimalQuery(maximum: number) {
  return z.codec(z.string().regex(/^(?:0|[1-9][0-9]{0,15})$/), z.int().min(0).max(maximum), {
    decode: Number,
    encode: String,
  });
}
