import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { utf8 } from "@porchlight/encoding";
import type { Identity } from "../identity.ts";

const NONCE = 12;
const TAG = 16;

/**
 * Seals rows that hold names: AES-256-GCM under a key from the provider's X-Wing secret. Lists are read by the thousand, so
 * a key encapsulation for each would be seconds.
 */
export class AtRest {
  readonly #key: Buffer;

  constructor({ xwing }: Identity) {
    this.#key = Buffer.from(
      hkdfSync("sha256", xwing.secretKey, new Uint8Array(0), utf8("porchlight-v1/hi1-at-rest"), 32),
    );
  }

  /** `place` says which row and member it is: what is moved elsewhere does not open. */
  seal(place: string, plaintext: Uint8Array): Buffer {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(utf8(place));
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws where the row was altered or moved: nobody guesses then. */
  open(place: string, sealed: Uint8Array): Uint8Array {
    const bytes = Buffer.from(sealed);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, NONCE));
    decipher.setAAD(utf8(place)).setAuthTag(bytes.subarray(-TAG));
    return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]));
  }
}
