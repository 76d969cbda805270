import type { AttachmentSuite } from "@porchlight/attachment";

type Imported = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** A file has one key for its thousand parts. */
const imported = new WeakMap<Uint8Array, Imported>();

/** Around WebCrypto, for browsers: off the thread that asks, several parts at a time. */
export const webAttachmentSuite: AttachmentSuite = {
  seal: async (key, nonce, plaintext) => {
    const cipher = { name: "AES-GCM", iv: nonce as Uint8Array<ArrayBuffer> };
    return new Uint8Array(
      await crypto.subtle.encrypt(cipher, await importOnce(key), plaintext as Uint8Array<ArrayBuffer>),
    );
  },
  open: async (key, nonce, sealed) => {
    const cipher = { name: "AES-GCM", iv: nonce as Uint8Array<ArrayBuffer> };
    try {
      return new Uint8Array(
        await crypto.subtle.decrypt(cipher, await importOnce(key), sealed as Uint8Array<ArrayBuffer>),
      );
    } catch {
      return null;
    }
  },
  sha256: async (bytes) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)),
};

async function importOnce(key: Uint8Array): Promise<Imported> {
  const known = imported.get(key);
  if (known !== undefined) return known;
  const made = await crypto.subtle.importKey("raw", key as Uint8Array<ArrayBuffer>, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  imported.set(key, made);
  return made;
}
