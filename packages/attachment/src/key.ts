import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8, Writer } from "@porchlight/encoding";

const DOMAIN = utf8("porchlight-v1/attachment");
const FILE_KEY = utf8("porchlight-v1/attachment/file-key\0");

/** What a file key leads to (ATT-4): the AES-256-GCM key, and the commitment to it. */
export type AttachmentKey = { readonly key: Uint8Array; readonly commitment: Uint8Array };

export function keyFrom(fileKey: Uint8Array): AttachmentKey {
  const pseudorandom = extract(sha256, fileKey, DOMAIN);
  return {
    key: expand(sha256, pseudorandom, utf8("key"), 32),
    commitment: expand(sha256, pseudorandom, utf8("commitment"), 32),
  };
}

/**
 * ATT-5: the file key for this content under a secret seed (32 random bytes, fresh for each upload). Another content
 * has another key: an upload that goes on after a crash over a file that was changed meanwhile can never seal two
 * plaintexts under one key and nonce. `digest` is that of the content without
 * padding ({@link digestOf}).
 */
export function fileKeyOf(seed: Uint8Array, content: { size: number; digest: Uint8Array }): Uint8Array {
  const facts = new Writer().uint(content.size, 6).fixed(content.digest, 32, "digest").finish();
  return hmac(sha256, seed, concat(FILE_KEY, facts));
}
