import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "@porchlight/encoding";
import { ibeSeal, type LabelBase, sealTo } from "@porchlight/quorum";
import { type EscrowSecret, leafSecretOf } from "./escrow-secret.ts";
import { type EnvelopeHeader, formatHeader } from "./header.ts";
import { accessLabel } from "./label.ts";

const SIGMA = utf8("porchlight-v1/sigma");
/** Label of the outer layer's seed, and the info of its sealed box. */
export const OUTER = utf8("porchlight-v1/outer");

/** Bytes of the inner layer: a vetKeys IBE ciphertext of 64 bytes. */
const INNER_LENGTH = 200;
/** Bytes of the outer layer: X-Wing encapsulation, key commitment, AES-256-GCM ciphertext and tag. */
export const OUTER_LENGTH = 1120 + 32 + INNER_LENGTH + 16;

/** The two public keys that an epoch is sealed to: the key period's access master key and the charter's provider. */
export type EscrowKeys = {
  /** G2, 96 bytes compressed. */
  readonly mpk: Uint8Array;
  /** X-Wing, 1216 bytes. */
  readonly providerKey: Uint8Array;
};

export type Layers = {
  readonly headerBytes: Uint8Array;
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
};

/**
 * ENV-21 to ENV-24: both layers, a function of header, secret and keys alone, so that whoever knows the 64 bytes can
 * compare every byte. `base` is the label's pairing where the caller keeps it (it costs most of the time).
 */
export function makeLayers(
  header: EnvelopeHeader,
  secret: EscrowSecret,
  keys: EscrowKeys,
  base?: LabelBase,
): Layers {
  const headerBytes = formatHeader(header);
  const context = sha256(concat(headerBytes, keys.providerKey));
  const root = extract(sha256, leafSecretOf(secret));
  const inner = ibeSeal({
    mpk: keys.mpk,
    label: accessLabel(header.label),
    message: secret,
    seed: expand(sha256, root, concat(SIGMA, context), 32),
    base,
  });
  // ENV-23: the inner layer is bound in as well. One header sealed under two master keys would otherwise use one
  // AES-GCM key and nonce for two plaintexts.
  const seed = expand(sha256, root, concat(OUTER, context, sha256(inner)), 64);
  return { headerBytes, inner, outer: sealTo(keys.providerKey, inner, OUTER, headerBytes, seed) };
}
