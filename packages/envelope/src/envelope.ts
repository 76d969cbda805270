import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, Reader, Writer } from "@porchlight/encoding";
import { ibeBase, ibeOpen, type LabelBase, openFrom } from "@porchlight/quorum";
import type { CipherSuite } from "./cipher-suite.ts";
import { EnvelopeError, parsing } from "./error.ts";
import { type EscrowSecret, parseEscrowSecret } from "./escrow-secret.ts";
import { checkHeader, compareHeaders, type EnvelopeHeader, isOfConversation, parseHeader } from "./header.ts";
import { accessLabel } from "./label.ts";
import { type EscrowKeys, type Layers, makeLayers, OUTER, OUTER_LENGTH } from "./layers.ts";
import { signContent } from "./mls.ts";
import { nobleSuite } from "./noble-suite.ts";

const SIGNATURE_LENGTH = 64;
const SIGNATURE_LABEL = "PorchlightEnvelope";
const MAX_HEADER = 70_000;

/** An envelope taken apart (ENV-25); nothing of it is verified. */
export type ParsedEnvelope = {
  readonly header: EnvelopeHeader;
  readonly headerBytes: Uint8Array;
  readonly outer: Uint8Array;
  readonly signature: Uint8Array;
};

/**
 * Seals one sender's epoch. Same input, same bytes. `sign` signs with the device's MLS signature key (Ed25519).
 * `inner` is for the caller's own tests and records; the wire carries the outer layer only.
 * Throws "account-mismatch" or "credential-invalid" for a header that every recipient would refuse.
 */
export function sealEnvelope(input: {
  readonly header: EnvelopeHeader;
  readonly secret: EscrowSecret;
  readonly keys: EscrowKeys;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly base?: LabelBase;
  readonly suite?: CipherSuite;
}): { readonly envelope: Uint8Array; readonly inner: Uint8Array } {
  checkHeader(input.header, input.suite ?? nobleSuite);
  const layers = makeLayers(input.header, input.secret, input.keys, input.base);
  const envelope = new Writer()
    .opaque(layers.headerBytes, 4, "header")
    .fixed(layers.outer, OUTER_LENGTH, "outer")
    .fixed(input.sign(signedBytes(layers)), SIGNATURE_LENGTH, "signature")
    .finish();
  return { envelope, inner: layers.inner };
}

/** Strict: one encoding, no trailing bytes. */
export function parseEnvelope(bytes: Uint8Array): ParsedEnvelope {
  return parsing("envelope", () => {
    const reader = new Reader(bytes);
    const headerBytes = reader.opaque(4, MAX_HEADER, "header");
    const outer = reader.fixed(OUTER_LENGTH, "outer");
    const signature = reader.fixed(SIGNATURE_LENGTH, "signature");
    reader.end("envelope");
    return { header: parseHeader(headerBytes), headerBytes, outer, signature };
  });
}

/**
 * What every recipient does before it accepts the epoch's messages (ENV-30 to ENV-33): compares each header field
 * with its own MLS state, recomputes both layers byte for byte and verifies the device's signature. Returns nothing;
 * throws an EnvelopeError that names the first difference. A retry never helps.
 */
export function verifyEnvelope(input: {
  readonly envelope: Uint8Array;
  /** Made from the recipient's own MLS state, never from the envelope. */
  readonly expected: EnvelopeHeader;
  readonly secret: EscrowSecret;
  readonly keys: EscrowKeys;
  readonly suite: CipherSuite;
  readonly base?: LabelBase;
}): void {
  const parsed = parseEnvelope(input.envelope);
  compareHeaders(parsed.header, input.expected);
  checkHeader(parsed.header, input.suite);
  const layers = makeLayers(parsed.header, input.secret, input.keys, input.base);
  if (!equalBytes(layers.outer, parsed.outer)) throw new EnvelopeError("outer-mismatch");
  checkEnvelopeSignature(parsed, layers.inner, input.suite);
}

/** ENV-26: the device signed header, inner and outer layer. Throws "signature". */
export function checkEnvelopeSignature(parsed: ParsedEnvelope, inner: Uint8Array, suite: CipherSuite): void {
  if (!suite.ed25519Verify(parsed.header.deviceKey, signedBytes({ ...parsed, inner }), parsed.signature)) {
    throw new EnvelopeError("signature");
  }
}

/** ENV-36: what shows that a device signed an envelope with this header, and no more: nothing opens with it. */
export type EnvelopeAttestation = {
  readonly header: Uint8Array;
  /** SHA-256 of the layers, 32 bytes each. */
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
};

/** The attestation inside an envelope whose inner layer is known. */
export function attestEnvelope(parsed: ParsedEnvelope, inner: Uint8Array): EnvelopeAttestation {
  const { headerBytes, outer, signature } = parsed;
  return { header: headerBytes, inner: sha256(inner), outer: sha256(outer), signature };
}

/**
 * ENV-36: the header of an attested envelope, its device's credential and signature verified, its GroupContext that of
 * the label. Throws EnvelopeError. Of what the layers hold it says nothing.
 */
export function verifyAttestation(attestation: EnvelopeAttestation, suite: CipherSuite): EnvelopeHeader {
  const header = parseHeader(attestation.header);
  checkHeader(header, suite);
  if (!isOfConversation(header)) throw new EnvelopeError("group-context-mismatch");
  const signed = signContent(
    SIGNATURE_LABEL,
    concat(attestation.header, attestation.inner, attestation.outer),
  );
  if (!suite.ed25519Verify(header.deviceKey, signed, attestation.signature)) {
    throw new EnvelopeError("signature");
  }
  return header;
}

/**
 * The provider's half of opening (ENV-34): the inner layer, under its X-Wing secret (32-byte seed). Throws
 * "outer-refused" for another provider's envelope and for altered bytes alike: they cannot be told apart.
 */
export function peelOuter(parsed: ParsedEnvelope, providerSecret: Uint8Array): Uint8Array {
  try {
    return openFrom(providerSecret, parsed.outer, OUTER, parsed.headerBytes);
  } catch (cause) {
    throw new EnvelopeError("outer-refused", undefined, cause);
  }
}

/**
 * Opens under a combined label key (48-byte compressed G1, ENV-35): verifies credential and signature, opens the inner
 * layer, then recomputes inner **and** outer from the 64 bytes as every recipient did, so that nothing opens here that
 * an honest recipient would have refused. Throws "inner-refused" for a wrong label key and for altered bytes alike.
 */
export function openEnvelope(input: {
  readonly envelope: Uint8Array;
  readonly inner: Uint8Array;
  readonly labelKey: Uint8Array;
  readonly keys: EscrowKeys;
  readonly suite: CipherSuite;
  readonly base?: LabelBase;
}): EscrowSecret {
  const parsed = parseEnvelope(input.envelope);
  checkHeader(parsed.header, input.suite);
  checkEnvelopeSignature(parsed, input.inner, input.suite);
  const { mpk } = input.keys;
  const label = accessLabel(parsed.header.label);
  const base = input.base ?? ibeBase(mpk, label);
  let message: Uint8Array;
  try {
    message = ibeOpen({ mpk, label, labelKey: input.labelKey, ciphertext: input.inner, base });
  } catch (cause) {
    throw new EnvelopeError("inner-refused", undefined, cause);
  }
  const secret = parseEscrowSecret(message);
  const layers = makeLayers(parsed.header, secret, input.keys, base);
  if (!equalBytes(layers.inner, input.inner)) throw new EnvelopeError("inner-mismatch");
  if (!equalBytes(layers.outer, parsed.outer)) throw new EnvelopeError("outer-mismatch");
  return secret;
}

/** ENV-26: MLS SignWithLabel over header ‖ SHA-256(inner) ‖ SHA-256(outer). */
function signedBytes(layers: Layers): Uint8Array {
  return signContent(SIGNATURE_LABEL, concat(layers.headerBytes, sha256(layers.inner), sha256(layers.outer)));
}
