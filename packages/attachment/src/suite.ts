/**
 * The primitives of large files. Two implementations and one contract suite: {@link nobleSuite} (pure), and OpenSSL's
 * (`@porchlight/attachment/node`); browsers bring a third around WebCrypto, which hashes only what is there as a whole.
 */
export type AttachmentSuite = {
  /** AES-256-GCM: ciphertext ‖ 16-byte tag. Key 32 bytes, nonce 12, no associated data. */
  readonly seal: (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array) => Promise<Uint8Array>;
  /** The plaintext; `null` where it was not sealed so. */
  readonly open: (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array) => Promise<Uint8Array | null>;
  readonly sha256: (bytes: Uint8Array) => Promise<Uint8Array>;
};
