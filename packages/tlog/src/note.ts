import {
  base64,
  concat,
  fromBase64,
  hex,
  type UnixSeconds,
  unixSeconds,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { hasControls } from "./characters.ts";
import { refuseAs, TlogError } from "./error.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { isKeyName, type Signer, type VerifierKey } from "./vkey.ts";

/** One signature line, its key not looked at yet. */
export type NoteSignature = {
  readonly name: string;
  /** Four bytes. */
  readonly keyId: Uint8Array;
  /** What follows the key id: 64 bytes, or u64 time ‖ 64 bytes for a cosignature. */
  readonly signature: Uint8Array;
  /** The line as it stood, with its newline. */
  readonly line: string;
};

/** A parsed note; nothing of it is verified. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };

/** A signature that verified. `time` is what a cosignature says; a log's own signature says none. */
export type VerifiedSignature = {
  readonly key: VerifierKey;
  readonly time: UnixSeconds | null;
  readonly line: string;
};

/** A note on which at least one known key signed and no known key's signature is bad. */
export type VerifiedNote = { readonly text: string; readonly signatures: readonly VerifiedSignature[] };

/** C2SP asks for at least 16; a policy here has a log, its witnesses and at most some dozens of keyholders. */
const MAX_SIGNATURES = 100;
/** In UTF-16 units. A checkpoint with 16 post-quantum signatures fits twice. */
export const MAX_NOTE_LENGTH = 200_000;

/** Splits a signed note (C2SP signed-note, "Format"; TLOG-1). The text is not to be believed yet. */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_LENGTH) throw new TlogError("note-too-long", "note");
  if (!note.isWellFormed() || hasControls(note, "\n")) {
    throw new TlogError("note-malformed", "characters");
  }
  // The text may hold blank lines of its own, so the LAST one separates.
  const split = note.lastIndexOf("\n\n");
  if (split === -1 || !note.endsWith("\n")) throw new TlogError("note-malformed", "blank line");
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2).split("\n");
  lines.pop();
  if (lines.length === 0) throw new TlogError("note-malformed", "signatures");
  if (lines.length > MAX_SIGNATURES) throw new TlogError("note-too-long", "signatures");
  return { text, signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const match = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/u.exec(line);
  const name = match?.[1] ?? "";
  if (match === null || !isKeyName(name)) throw new TlogError("note-malformed", "signature line");
  const bytes = refuseAs("note-malformed", "signature", () => fromBase64(match[2] ?? ""));
  if (bytes.length < 5) throw new TlogError("note-malformed", "signature");
  return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4), line: `${line}\n` };
}

/** The bytes under a `cosignature/v1` (C2SP tlog-cosignature, "Ed25519 signed message"). */
function cosignedMessage(text: string, time: UnixSeconds): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}

function verifySignature(
  text: string,
  { signature, line }: NoteSignature,
  key: VerifierKey,
  suite: TlogSuite,
): VerifiedSignature {
  if (key.type === "ed25519") {
    if (!suite.verifyEd25519(key.publicKey, utf8(text), signature)) {
      throw new TlogError("signature-invalid", "signature");
    }
    return { key, time: null, line };
  }
  if (signature.length !== 72) throw new TlogError("signature-invalid", "cosignature");
  let seconds = 0;
  for (const byte of signature.subarray(0, 8)) seconds = seconds * 256 + byte;
  // Zero would be a cosignature that leaves its time out (C2SP tlog-witness forbids it).
  if (seconds === 0) throw new TlogError("signature-invalid", "cosignature time");
  const time = refuseAs("signature-invalid", "cosignature time", () => unixSeconds(seconds));
  if (!suite.verifyEd25519(key.publicKey, cosignedMessage(text, time), signature.subarray(8))) {
    throw new TlogError("signature-invalid", "cosignature");
  }
  return { key, time, line };
}

/**
 * Verifies a note against the keys that the caller trusts (TLOG-2). Unknown keys are ignored. Throws TlogError
 * "signature-invalid" where a known key's signature is bad, however many good ones stand beside it, and
 * "signature-missing" where no known key signed. A key that signed twice appears twice: count keys, never entries.
 */
export function verifyNote(
  note: string,
  keys: readonly VerifierKey[],
  suite: TlogSuite = nobleSuite,
): VerifiedNote {
  const known = new Map<string, VerifierKey>();
  for (const key of keys) {
    const label = `${key.name}+${hex(key.id)}`;
    const other = known.get(label);
    if (other !== undefined && hex(other.publicKey) !== hex(key.publicKey)) {
      throw new TlogError("vkey-ambiguous", "keys");
    }
    known.set(label, key);
  }
  const { text, signatures } = parseNote(note);
  const verified: VerifiedSignature[] = [];
  for (const signature of signatures) {
    const key = known.get(`${signature.name}+${hex(signature.keyId)}`);
    if (key !== undefined) verified.push(verifySignature(text, signature, key, suite));
  }
  if (verified.length === 0) throw new TlogError("signature-missing", "note");
  return { text, signatures: verified };
}

function signatureLine(key: VerifierKey, signature: Uint8Array): string {
  return `— ${key.name} ${base64(concat(key.id, signature))}\n`;
}

/** A note over `text`, which ends in a newline, signed by each signer in turn. */
export function signNote(text: string, signers: readonly Signer<"ed25519">[]): string {
  const lines = signers.map((signer) => signatureLine(signer.key, signer.sign(utf8(text))));
  const note = `${text}\n${lines.join("")}`;
  // What is signed must be what a reader finds again: `text` may not swallow the separator.
  if (parseNote(note).text !== text) throw new TlogError("note-malformed", "text");
  return note;
}

/** The signature line of a cosignature at `time` over a checkpoint's text. */
export function cosign(text: string, signer: Signer<"cosignature">, time: UnixSeconds): string {
  const signature = signer.sign(cosignedMessage(text, time));
  return signatureLine(signer.key, new Writer().u64(time).fixed(signature, 64).finish());
}

/**
 * Adds to `note` those of the returned `lines` that are valid signatures by one of `keys`, each line once; others are
 * left out, as a witness' answer may hold more than was asked for. Throws where the lines are malformed or a known
 * key's is bad.
 */
export function mergeSignatures(
  note: string,
  lines: string,
  keys: readonly VerifierKey[],
  suite: TlogSuite = nobleSuite,
): string {
  const { text, signatures } = parseNote(note);
  const present = new Set(signatures.map(({ line }) => line));
  const answer = verifyNote(`${text}\n${lines}`, keys, suite);
  // A blank line among the lines would move the separator and with it what was signed.
  if (answer.text !== text) throw new TlogError("note-malformed", "signature lines");
  const added = answer.signatures.filter(({ line }) => !present.has(line));
  return note + [...new Set(added.map(({ line }) => line))].join("");
}
