import { createCipheriv, createDecipheriv, hash } from "node:crypto";
import { concat } from "@porchlight/encoding";
import type { AttachmentSuite } from "./suite.ts";

const TAG = 16;

/** OpenSSL's. */
export const nodeSuite: AttachmentSuite = {
  seal: async (key, nonce, plaintext) => {
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
  },
  open: async (key, nonce, sealed) => {
    if (sealed.length < TAG) return null;
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    try {
      return concat(decipher.update(sealed.subarray(0, sealed.length - TAG)), decipher.final());
    } catch {
      return null;
    }
  },
  sha256: async (bytes) => new Uint8Array(hash("sha256", bytes, "buffer")),
};
