import { base64, concat, equalBytes, fromBase64, fromHex, hex, utf8 } from "@porchlight/encoding";
import { refuseAs, TlogError } from "./error.ts";
import { isUsablePublicKey, nobleSuite, type TlogSuite } from "./suite.ts";

/**
 * `ed25519` (signature type 0x01) signs a note's text as it is; `cosignature` (0x04) signs it behind the
 * `cosignature/v1` header with a time (C2SP tlog-cosignature).
 */
export type SignatureType = "ed25519" | "cosignature";

/** A C2SP vkey (signed-note, "Verifier keys"). Made only by {@link parseVkey} and {@link makeVerifierKey}. */
export type VerifierKey<Type extends SignatureType = SignatureType> = {
  readonly type: Type;
  readonly name: string;
  /** First four bytes of SHA-256(name ‖ LF ‖ type ‖ public key). */
  readonly id: Uint8Array;
  /** 32 bytes: a canonical Ed25519 point, not of small order. */
  readonly publicKey: Uint8Array;
};

const TYPE_BYTES: Record<SignatureType, number> = { ed25519: 0x01, cosignature: 0x04 };

/** Key names are not empty and hold neither Unicode spaces, `+` nor control characters (TLOG-1). */
export function isKeyName(name: string): boolean {
  return name !== "" && name.isWellFormed() && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

export function makeVerifierKey<Type extends SignatureType>(
  type: Type,
  name: string,
  publicKey: Uint8Array,
  suite: TlogSuite = nobleSuite,
): VerifierKey<Type> {
  if (!isKeyName(name)) throw new TlogError("vkey-malformed", "key name");
  if (!isUsablePublicKey(publicKey)) throw new TlogError("vkey-malformed", "public key");
  const typed = concat(Uint8Array.of(TYPE_BYTES[type]), publicKey);
  const id = suite.sha256(concat(utf8(`${name}\n`), typed)).slice(0, 4);
  return { type, name, id, publicKey: publicKey.slice() };
}

export function formatVkey(key: VerifierKey): string {
  const material = concat(Uint8Array.of(TYPE_BYTES[key.type]), key.publicKey);
  return `${key.name}+${hex(key.id)}+${base64(material)}`;
}

/** Splits `name+id+base64`; `parts` are name, four id bytes, type and 32 bytes. */
function parseKeyText(
  text: string,
  code: "vkey-malformed" | "signer-key-malformed",
): { name: string; id: Uint8Array; type: SignatureType; material: Uint8Array } {
  // Base64 has a "+" of its own, a key name has none.
  const match = /^([^+]+)\+([0-9a-f]{8})\+([^\s]+)$/u.exec(text);
  if (match === null) throw new TlogError(code, "key");
  const [, name = "", id = "", encoded = ""] = match;
  const bytes = refuseAs(code, "key", () => fromBase64(encoded, undefined, "key"));
  const type = (Object.keys(TYPE_BYTES) as SignatureType[]).find((t) => TYPE_BYTES[t] === bytes[0]);
  if (type === undefined) throw new TlogError("vkey-type-unsupported", "key");
  if (bytes.length !== 33) throw new TlogError(code, "key");
  return { name, id: fromHex(id, 4, "key id"), type, material: bytes.slice(1) };
}

/** Parses `name+id+base64(type ‖ public key)`. An id that is not the recommended hash is refused. */
export function parseVkey(text: string, suite: TlogSuite = nobleSuite): VerifierKey {
  const { name, id, type, material } = parseKeyText(text, "vkey-malformed");
  const key = makeVerifierKey(type, name, material, suite);
  if (!equalBytes(key.id, id)) throw new TlogError("vkey-malformed", "key id");
  return key;
}

/** Something that signs under a verifier key. The seed stays inside. */
export type Signer<Type extends SignatureType = SignatureType> = {
  readonly key: VerifierKey<Type>;
  /** 64-byte Ed25519 signature over exactly these bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
};

/** `seed`: 32 random bytes. */
export function makeSigner<Type extends SignatureType>(
  type: Type,
  name: string,
  seed: Uint8Array,
  suite: TlogSuite = nobleSuite,
): Signer<Type> {
  if (seed.length !== 32) throw new TlogError("signer-key-malformed", "seed");
  const kept = seed.slice();
  const key = makeVerifierKey(type, name, suite.publicKeyOf(kept), suite);
  return { key, sign: (message) => suite.signEd25519(kept, message) };
}

/** `PRIVATE+KEY+name+id+base64(type ‖ seed)`, the text in which Go's `sumdb/note` keeps signing keys. */
export function formatSignerKey(
  type: SignatureType,
  name: string,
  seed: Uint8Array,
  suite: TlogSuite = nobleSuite,
): string {
  const { key } = makeSigner(type, name, seed, suite);
  return `PRIVATE+KEY+${name}+${hex(key.id)}+${base64(concat(Uint8Array.of(TYPE_BYTES[type]), seed))}`;
}

export function parseSignerKey(text: string, suite: TlogSuite = nobleSuite): Signer {
  const prefix = "PRIVATE+KEY+";
  if (!text.startsWith(prefix)) throw new TlogError("signer-key-malformed", "key");
  const { name, id, type, material } = parseKeyText(text.slice(prefix.length), "signer-key-malformed");
  const signer = makeSigner(type, name, material, suite);
  if (!equalBytes(signer.key.id, id)) throw new TlogError("signer-key-malformed", "key id");
  return signer;
}

/** Whether two keys are one for the purpose of counting: the same public key, whatever their names (TLOG-17). */
export function sameKey(a: VerifierKey, b: VerifierKey): boolean {
  return equalBytes(a.publicKey, b.publicKey);
}
