import { hkdf } from "@noble/hashes/hkdf.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  base64,
  concat,
  EncodingError,
  Fields,
  fromBase64,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { ClientError } from "./error.ts";

/**
 * One way to the storage key: it is sealed under what a passkey's PRF extension gives for `salt`, or under what scrypt
 * makes of a passphrase. Slots are no secret; whoever has them can try passphrases, at scrypt's price each.
 */
export type UnlockSlot =
  | {
      readonly kind: "prf";
      /** base64url, as the browser names the passkey. */
      readonly credentialId: string;
      /** Input of the PRF, 32 bytes. */
      readonly salt: Uint8Array;
      readonly wrapped: Uint8Array;
      /** For its person to know it again; slots of before have neither. */
      readonly label?: string;
      /** Unix seconds. */
      readonly made?: number;
    }
  | {
      readonly kind: "passphrase";
      readonly salt: Uint8Array;
      readonly logN: number;
      readonly wrapped: Uint8Array;
    };

const VERSION = 1;
const MOST_SLOTS = 32;
/** Letters of what a passkey is called. */
const MAX_LABEL = 60;
const KEY = 32;
const NONCE = 12;
const TAG = 16;
/** 128 MiB and about half a second: what a thief pays for each passphrase. */
const LOG_N = 17;
const INFO = utf8("porchlight-v1/storage-key\0");

/** For `browserStorage` and `fileStorage`. */
export function newStorageKey(random: (length: number) => Uint8Array): Uint8Array {
  return random(KEY);
}

/** `prf.label` is cut to 60 letters. `prf.salt` is what was given to the extension as `eval.first`, `prf.output` its 32-byte result. */
export async function wrapWithPrf(
  key: Uint8Array,
  prf: {
    readonly credentialId: string;
    readonly salt: Uint8Array;
    readonly output: Uint8Array;
    readonly label?: string;
    readonly made?: number;
  },
  random: (length: number) => Uint8Array,
): Promise<UnlockSlot> {
  const { output, label, ...rest } = prf;
  const wrapped = await seal(prfKey(output, rest.salt), key, random);
  // Half a letter is no text, and what is saved with it is not read again.
  const named = label === undefined ? {} : { label: label.slice(0, MAX_LABEL).toWellFormed() };
  return { kind: "prf", ...rest, ...named, wrapped };
}

export async function wrapWithPassphrase(
  key: Uint8Array,
  passphrase: string,
  random: (length: number) => Uint8Array,
  logN = LOG_N,
): Promise<UnlockSlot> {
  const salt = random(32);
  const wrapped = await seal(await passphraseKey(passphrase, salt, logN), key, random);
  return { kind: "passphrase", salt, logN, wrapped };
}

/** `null`: no slot opens with it. */
export async function unwrapWithPrf(
  slots: readonly UnlockSlot[],
  prf: { readonly credentialId: string; readonly output: Uint8Array },
): Promise<Uint8Array | null> {
  for (const slot of slots) {
    if (slot.kind !== "prf" || slot.credentialId !== prf.credentialId) continue;
    const key = await open(prfKey(prf.output, slot.salt), slot.wrapped);
    if (key !== null) return key;
  }
  return null;
}

/** `null`: no slot opens with it. */
export async function unwrapWithPassphrase(
  slots: readonly UnlockSlot[],
  passphrase: string,
): Promise<Uint8Array | null> {
  for (const slot of slots) {
    if (slot.kind !== "passphrase") continue;
    const key = await open(await passphraseKey(passphrase, slot.salt, slot.logN), slot.wrapped);
    if (key !== null) return key;
  }
  return null;
}

/** Throws ClientError "unlock-ways-full": what was saved with more would not open again. */
export function formatUnlock(slots: readonly UnlockSlot[]): Uint8Array {
  if (slots.length > MOST_SLOTS) {
    throw new ClientError(
      "unlock-ways-full",
      "this device opens in as many ways as it can: remove one first",
    );
  }
  const json = slots.map((slot) => ({ ...slot, salt: base64(slot.salt), wrapped: base64(slot.wrapped) }));
  return utf8(JSON.stringify({ version: VERSION, slots: json }));
}

/** Strict inverse of {@link formatUnlock}. Throws ClientError "state-corrupt". */
export function parseUnlock(bytes: Uint8Array): UnlockSlot[] {
  try {
    const fields = new Fields(parseJson(bytes, "unlock"), "unlock");
    fields.literal("version", VERSION);
    const slots = fields.array("slots", readSlot, MOST_SLOTS);
    fields.end();
    return slots;
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new ClientError("state-corrupt", "the ways to unlock this device are not what was saved", {
      cause,
    });
  }
}

function readSlot(value: Json, where: string): UnlockSlot {
  const fields = new Fields(value, where);
  const kind = fields.literal("kind", "prf", "passphrase");
  const salt = fromBase64(fields.string("salt", 44), 32, where);
  const wrapped = fromBase64(fields.string("wrapped", 100), NONCE + KEY + TAG, where);
  const slot: UnlockSlot =
    kind === "prf"
      ? { kind, credentialId: fields.string("credentialId", 1400), salt, wrapped, ...readName(fields) }
      : { kind, salt, logN: fields.integer("logN", 1, 22), wrapped };
  fields.end();
  return slot;
}

function readName(fields: Fields): { readonly label?: string; readonly made?: number } {
  return {
    ...(fields.optional("label") === undefined ? {} : { label: fields.string("label", MAX_LABEL) }),
    ...(fields.optional("made") === undefined ? {} : { made: fields.integer("made") }),
  };
}

function prfKey(output: Uint8Array, salt: Uint8Array): Uint8Array {
  return hkdf(sha256, output, salt, INFO, KEY);
}

async function passphraseKey(passphrase: string, salt: Uint8Array, logN: number): Promise<Uint8Array> {
  // The same words typed on another keyboard are the same bytes.
  const password = utf8(passphrase.normalize("NFKC"));
  return await scryptAsync(password, salt, { N: 2 ** logN, r: 8, p: 1, dkLen: KEY, maxmem: 2 ** 30 });
}

async function seal(
  under: Uint8Array,
  key: Uint8Array,
  random: (length: number) => Uint8Array,
): Promise<Uint8Array> {
  const nonce = random(NONCE);
  const parameters = { name: "AES-GCM", iv: nonce as Uint8Array<ArrayBuffer>, additionalData: data };
  const body = await crypto.subtle.encrypt(parameters, await imported(under), key as Uint8Array<ArrayBuffer>);
  return concat(nonce, new Uint8Array(body));
}

async function open(under: Uint8Array, wrapped: Uint8Array): Promise<Uint8Array | null> {
  const iv = wrapped.slice(0, NONCE);
  try {
    const parameters = { name: "AES-GCM", iv, additionalData: data };
    return new Uint8Array(
      await crypto.subtle.decrypt(parameters, await imported(under), wrapped.slice(NONCE)),
    );
  } catch {
    return null;
  }
}

const data = INFO as Uint8Array<ArrayBuffer>;

function imported(key: Uint8Array): ReturnType<typeof crypto.subtle.importKey> {
  return crypto.subtle.importKey("raw", key as Uint8Array<ArrayBuffer>, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
}
