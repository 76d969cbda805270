// An authenticator in a few lines: what a browser's passkey answers, byte for byte (WebAuthn level 3, section 6).
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;

const sha256 = (bytes: Uint8Array | string): Buffer => createHash("sha256").update(bytes).digest();

/** CBOR: byte strings shorter than 65,536 bytes. */
function cborBytes(bytes: Uint8Array): Buffer {
  const head =
    bytes.length < 24
      ? [0x40 + bytes.length]
      : bytes.length < 256
        ? [0x58, bytes.length]
        : [0x59, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from(head), bytes]);
}

export class Passkey {
  readonly id = randomBytes(16);
  readonly #key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  #counter = 0;
  /** Whether it checks that it is its owner. */
  verifies = true;

  constructor() {
    this.#key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  }

  get credential(): string {
    return this.id.toString("base64url");
  }

  #data(host: string, attested: Uint8Array | null): Buffer {
    const flags = USER_PRESENT | (this.verifies ? USER_VERIFIED : 0) | (attested === null ? 0 : ATTESTED);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(++this.#counter);
    return Buffer.concat([sha256(host), Buffer.from([flags]), counter, attested ?? Buffer.alloc(0)]);
  }

  #client(type: string, challenge: string, origin: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  make(challenge: string, origin: string) {
    const { x, y } = this.#key.publicKey.export({ format: "jwk" }) as { x: string; y: string };
    // COSE_Key: kty EC2, alg ES256, crv P-256, x, y.
    const cose = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
      cborBytes(Buffer.from(x, "base64url")),
      Buffer.from([0x22]),
      cborBytes(Buffer.from(y, "base64url")),
    ]);
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, this.id.length]), this.id, cose]);
    const data = this.#data(new URL(origin).hostname, attested);
    const text = (word: string): Buffer =>
      Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)]);
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      text("fmt"),
      text("none"),
      text("attStmt"),
      Buffer.from([0xa0]),
      text("authData"),
      cborBytes(data),
    ]);
    return {
      id: this.credential,
      clientDataJSON: this.#client("webauthn.create", challenge, origin).toString("base64url"),
      attestationObject: attestation.toString("base64url"),
    };
  }

  answer(challenge: string, origin: string, host = new URL(origin).hostname) {
    const data = this.#data(host, null);
    const client = this.#client("webauthn.get", challenge, origin);
    const signature = sign("sha256", Buffer.concat([data, sha256(client)]), this.#key.privateKey);
    return {
      id: this.credential,
      clientDataJSON: client.toString("base64url"),
      authenticatorData: data.toString("base64url"),
      signature: signature.toString("base64url"),
    };
  }
}
