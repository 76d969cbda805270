import {
  asString,
  base64url,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64url,
  fromUtf8,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { nobleSuite } from "@porchlight/tlog";
import { FlattenedSign, flattenedVerify, importJWK } from "jose";
import { CharterError } from "./error.ts";

/** The kinds of signed document; each has its own `typ`, so that none can be passed off as another (CHA-3). */
export type DocumentKind =
  | "charter"
  | "keys"
  | "succession"
  | "statement"
  | "warrant"
  | "revocation"
  | "suspension"
  | "resumption"
  | "extension"
  | "notice-release"
  | "preservation"
  | "preservation-lift"
  | "registration"
  | "contest"
  | "refusal"
  | "retention";

/** JWS General JSON Serialization (RFC 7515 §7.2.1), base64url texts. The payload is the exact document bytes. */
export type SignedDocument = {
  readonly payload: string;
  readonly signatures: readonly { readonly protected: string; readonly signature: string }[];
};

/** An Ed25519 signer: its name in the charter (the JWS `kid`) and its 32-byte seed. */
export type Signer = { readonly name: string; readonly seed: Uint8Array };

export type VerifiedDocument = { readonly payload: Uint8Array; readonly signers: ReadonlySet<string> };

const MAX_SIGNATURES = 64;

/** The only protected header there is: these three members, in this order, without white space (CHA-3). */
function protectedHeader(kind: DocumentKind, name: string): { alg: string; kid: string; typ: string } {
  return { alg: "EdDSA", kid: name, typ: `porchlight-${kind}+json` };
}

/** Signs exact bytes; `signers` must be distinct. Throws CharterError "signer-duplicate". */
export async function signDocument(
  kind: DocumentKind,
  payload: Uint8Array,
  signers: readonly Signer[],
): Promise<SignedDocument> {
  let document: SignedDocument = { payload: base64url(payload), signatures: [] };
  for (const signer of signers) document = await addSignature(document, kind, signer);
  return document;
}

/** The same document with one more signature. Throws CharterError "signer-duplicate". */
export async function addSignature(
  document: SignedDocument,
  kind: DocumentKind,
  signer: Signer,
): Promise<SignedDocument> {
  const header = protectedHeader(kind, signer.name);
  if (document.signatures.some((made) => made.protected === headerText(kind, signer.name))) {
    throw new CharterError("signer-duplicate", kind);
  }
  const key = await importJWK(
    {
      kty: "OKP",
      crv: "Ed25519",
      x: base64url(nobleSuite.publicKeyOf(signer.seed)),
      d: base64url(signer.seed),
    },
    "EdDSA",
  );
  const made = await new FlattenedSign(fromBase64url(document.payload)).setProtectedHeader(header).sign(key);
  if (made.protected === undefined) throw new CharterError("header-invalid", kind);
  return {
    payload: document.payload,
    signatures: [...document.signatures, { protected: made.protected, signature: made.signature }],
  };
}

/**
 * The same document with a signature that came by itself: 64 bytes over {@link signatureInput}. Nothing is checked here.
 */
export function attachSignature(
  document: SignedDocument,
  kind: DocumentKind,
  name: string,
  signature: Uint8Array,
): SignedDocument {
  const made = { protected: headerText(kind, name), signature: base64url(signature) };
  return { payload: document.payload, signatures: [...document.signatures, made] };
}

/** What a signature of `name` covers (RFC 7515 §5.1): for signatures that travel without their document. */
export function signatureInput(kind: DocumentKind, name: string, payload: Uint8Array): Uint8Array {
  return utf8(`${headerText(kind, name)}.${base64url(payload)}`);
}

function headerText(kind: DocumentKind, name: string): string {
  return base64url(utf8(JSON.stringify(protectedHeader(kind, name))));
}

/** Reads the JSON form; the texts are checked by {@link verifyDocument}. Throws EncodingError. */
export function readSignedDocument(value: Json | undefined, where: string): SignedDocument {
  const fields = new Fields(value, where);
  const payload = fields.string("payload", 2 ** 20);
  const signatures = fields.array(
    "signatures",
    (item, place) => {
      const entry = new Fields(item, place);
      const signature = {
        protected: asString(entry.json("protected"), `${place}.protected`),
        signature: asString(entry.json("signature"), `${place}.signature`, 86),
      };
      entry.end();
      return signature;
    },
    MAX_SIGNATURES,
  );
  fields.end();
  return { payload, signatures };
}

/** The bytes that travel and that a warrant's commitment covers (CHA-1): members in this order, no white space. */
export function formatSignedDocument(document: SignedDocument): Uint8Array {
  return utf8(
    JSON.stringify({
      payload: document.payload,
      signatures: document.signatures.map((made) => ({
        protected: made.protected,
        signature: made.signature,
      })),
    }),
  );
}

/** Strict inverse of {@link formatSignedDocument}. Throws EncodingError. */
export function parseSignedDocument(bytes: Uint8Array, where = "document"): SignedDocument {
  const document = readSignedDocument(parseJson(bytes, where), where);
  if (!equalBytes(formatSignedDocument(document), bytes)) throw new EncodingError("not-canonical", where);
  return document;
}

/** The document bytes inside, **not verified**: only for looking up which keys have to be asked. */
export function unverifiedPayload(document: SignedDocument): Uint8Array {
  return fromBase64url(document.payload, undefined, "payload");
}

/**
 * CHA-4: one unknown, repeated or invalid signature refuses the whole document, so that nobody has to decide what a
 * half-valid one means. `keys` maps signers' names to 32-byte Ed25519 public keys. Who must have signed is the
 * caller's question: look at `signers`. Throws CharterError or EncodingError.
 */
export async function verifyDocument(
  kind: DocumentKind,
  document: Json | SignedDocument,
  keys: ReadonlyMap<string, Uint8Array>,
): Promise<VerifiedDocument> {
  const { payload, signatures } = readSignedDocument(document as Json, kind);
  const bytes = fromBase64url(payload, undefined, `${kind}.payload`);
  if (signatures.length === 0) throw new CharterError("signature-missing", kind);
  const signers = new Set<string>();
  for (const made of signatures) {
    fromBase64url(made.signature, 64, `${kind}.signature`);
    const name = headerName(kind, made.protected);
    const key = keys.get(name);
    if (key === undefined) throw new CharterError("signer-unknown", kind);
    if (signers.has(name)) throw new CharterError("signer-duplicate", kind);
    signers.add(name);
    await verifySignature(kind, { payload, ...made }, key);
  }
  return { payload: bytes, signers };
}

function headerName(kind: DocumentKind, encoded: string): string {
  const bytes = fromBase64url(encoded, undefined, `${kind}.protected`);
  const fields = new Fields(parseJson(bytes, `${kind}.protected`), `${kind}.protected`);
  const name = fields.string("kid");
  // Comparing with the one header there is refuses other algorithms, `crit`, `jwk`, `b64` and extra members at once.
  if (fromUtf8(bytes) !== JSON.stringify(protectedHeader(kind, name))) {
    throw new CharterError("header-invalid", kind);
  }
  return name;
}

async function verifySignature(
  kind: DocumentKind,
  jws: { payload: string; protected: string; signature: string },
  publicKey: Uint8Array,
): Promise<void> {
  const key = await importJWK({ kty: "OKP", crv: "Ed25519", x: base64url(publicKey) }, "EdDSA");
  try {
    await flattenedVerify(jws, key, { algorithms: ["EdDSA"] });
  } catch (cause) {
    throw new CharterError("signature-invalid", kind, { cause });
  }
}
