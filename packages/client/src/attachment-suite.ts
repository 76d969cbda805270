import { sha256 } from "@noble/hashes/sha2.js";
import type { AttachmentSuite } from "@porchlight/attachment";

/** Around WebCrypto, for browsers. SHA-256 in pieces is not WebCrypto's: noble's stands in. */
export const webAttachmentSuite: AttachmentSuite = {
  seal: async (key, nonce, plaintext) => {
    const cipher = { name: "AES-GCM", iv: nonce as Uint8Array<ArrayBuffer> };
    return new Uint8Array(
      await crypto.subtle.encrypt(cipher, await imported(key), plaintext as Uint8Array<ArrayBuffer>),
    );
  },
  open: async (key, nonce, sealed) => {
    const cipher = { name: "AES-GCM", iv: nonce as Uint8Array<ArrayBuffer> };
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt(cipher, await imported(key), sealed as Uint8Array<ArrayBuffer>),
      );
    } catch {
      return null;
    }
  },
  sha256: () => {
    const hash = sha256.create();
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
  },
};

function imported(key: Uint8Array): ReturnType<typeof crypto.subtle.importKey> {
  return crypto.subtle.importKey("raw", key as Uint8Array<ArrayBuffer>, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
}
