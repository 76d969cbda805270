import { gcm } from "@noble/ciphers/aes.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { AttachmentSuite } from "./suite.ts";

/** The pure implementation: slow for large files, at hand everywhere. */
export const nobleSuite: AttachmentSuite = {
  seal: async (key, nonce, plaintext) => gcm(key, nonce).encrypt(plaintext),
  open: async (key, nonce, sealed) => {
    if (sealed.length < 16) return null;
    try {
      return gcm(key, nonce).decrypt(sealed);
    } catch {
      return null;
    }
  },
  sha256: async (bytes) => sha256(bytes),
};
