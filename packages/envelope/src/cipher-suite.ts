/**
 * The primitives of MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 (0x0001) that envelopes and the opener need, all
 * synchronous. A port with two implementations, {@link nobleSuite} (pure) and `nodeSuite`
 * (`@porchlight/envelope/node`); one contract suite holds both to the same answers, also where libraries differ.
 */
export type CipherSuite = {
  /** SHA-256. */
  readonly hash: (data: Uint8Array) => Uint8Array;
  /** HMAC-SHA-256. */
  readonly hmac: (key: Uint8Array, data: Uint8Array) => Uint8Array;
  /** HKDF-Extract, RFC 5869 §2.2. */
  readonly hkdfExtract: (salt: Uint8Array, keyMaterial: Uint8Array) => Uint8Array;
  /** HKDF-Expand, RFC 5869 §2.3; `length` from 1 to 8160. */
  readonly hkdfExpand: (pseudorandomKey: Uint8Array, info: Uint8Array, length: number) => Uint8Array;
  /** AES-128-GCM: ciphertext ‖ 16-byte tag. Key 16 bytes, nonce 12. */
  readonly aeadSeal: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ) => Uint8Array;
  /** The plaintext, or `null` where key, nonce, aad or a bit of the ciphertext is not what it was sealed with. */
  readonly aeadOpen: (
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ) => Uint8Array | null;
  /** Ed25519 under a 32-byte seed (RFC 8032 §5.1.5), deterministic. */
  readonly ed25519Sign: (seed: Uint8Array, message: Uint8Array) => Uint8Array;
  /**
   * ENV-15: RFC 8032 §5.1.7 without the cofactor, canonical encodings only, no public key of small order.
   * `false` for anything else, wrong lengths included; never throws.
   */
  readonly ed25519Verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
};
