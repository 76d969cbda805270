// A WebAuthn authenticator and the part of a browser in front of it, in software: real CBOR and COSE, ES256, attestation
// "none", signature counters, and PRF from CTAP's hmac-secret. For tests only.
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type {
  PasskeyAsserted,
  PasskeyCreated,
  PasskeyCreationJSON,
  PasskeyRequestJSON,
} from "../../../packages/client/src/index.ts";

type Credential = {
  readonly id: string;
  readonly rpId: string;
  readonly privateKey: KeyObject;
  readonly secret: Buffer;
  counter: number;
};

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;

const sha256 = (bytes: Uint8Array | string): Buffer => createHash("sha256").update(bytes).digest();
const encoded = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64url");

/** What can be wrong with an authenticator, or with the page that speaks to it. */
export type Fault = { readonly origin?: string; readonly rpId?: string; readonly verified?: false };

export class SoftwareAuthenticator {
  readonly #origin: string;
  #credentials: Credential[] = [];

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Another one with the same keys and counters, as somebody who copied it would have. */
  copy(): SoftwareAuthenticator {
    const copy = new SoftwareAuthenticator(this.#origin);
    copy.#credentials = this.#credentials.map((credential) => ({ ...credential }));
    return copy;
  }

  create(options: PasskeyCreationJSON, fault: Fault = {}): PasskeyCreated {
    if (!options.pubKeyCredParams.some(({ alg }) => alg === -7)) throw new Error("NotSupportedError");
    const known = new Set(options.excludeCredentials.map(({ id }) => id));
    if (this.#credentials.some(({ id }) => known.has(id))) throw new Error("InvalidStateError");
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const id = randomBytes(32);
    const credential = {
      id: encoded(id),
      rpId: options.rp.id,
      privateKey,
      secret: randomBytes(32),
      counter: 0,
    };
    this.#credentials.push(credential);
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    const authenticatorData = Buffer.concat([
      this.#head(credential, ATTESTED, fault),
      Buffer.alloc(16),
      Buffer.from([0, id.length]),
      id,
      // COSE_Key: {kty: EC2, alg: ES256, crv: P-256, x, y}
      Buffer.from("a50102032620012158", "hex"),
      Buffer.from([32]),
      Buffer.from(x, "base64url"),
      Buffer.from("225820", "hex"),
      Buffer.from(y, "base64url"),
    ]);
    const attestationObject = Buffer.concat([
      Buffer.from("a3", "hex"),
      text("fmt"),
      text("none"),
      text("attStmt"),
      Buffer.from("a0", "hex"),
      text("authData"),
      Buffer.from([0x58, authenticatorData.length]),
      authenticatorData,
    ]);
    return {
      id: credential.id,
      response: {
        clientDataJSON: this.#clientData("webauthn.create", options.challenge, fault),
        attestationObject: encoded(attestationObject),
        transports: ["internal"],
      },
      clientExtensionResults: this.#prf(credential, options.extensions.prf.eval.first),
    };
  }

  get(options: PasskeyRequestJSON, fault: Fault = {}): PasskeyAsserted {
    const allowed = options.allowCredentials?.map(({ id }) => id);
    const credential = this.#credentials.findLast(
      ({ id, rpId }) => rpId === options.rpId && (allowed?.includes(id) ?? true),
    );
    if (credential === undefined) throw new Error("NotAllowedError");
    const authenticatorData = this.#head(credential, 0, fault);
    const clientDataJSON = this.#clientData("webauthn.get", options.challenge, fault);
    const signed = Buffer.concat([authenticatorData, sha256(Buffer.from(clientDataJSON, "base64url"))]);
    return {
      id: credential.id,
      response: {
        clientDataJSON,
        authenticatorData: encoded(authenticatorData),
        signature: encoded(sign("sha256", signed, credential.privateKey)),
      },
      clientExtensionResults: this.#prf(credential, options.extensions.prf.eval.first),
    };
  }

  #head(credential: Credential, flags: number, fault: Fault): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(++credential.counter);
    const verified = fault.verified === false ? 0 : USER_VERIFIED;
    return Buffer.concat([
      sha256(fault.rpId ?? credential.rpId),
      Buffer.from([USER_PRESENT | verified | flags]),
      counter,
    ]);
  }

  #clientData(type: string, challenge: string, fault: Fault): string {
    const origin = fault.origin ?? this.#origin;
    return encoded(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  /** WebAuthn §10.1.4: what the page gives is hashed under a prefix before hmac-secret sees it. */
  #prf(credential: Credential, input: string) {
    const salt = sha256(Buffer.concat([Buffer.from("WebAuthn PRF\0"), Buffer.from(input, "base64url")]));
    const first = createHmac("sha256", credential.secret).update(salt).digest("base64url");
    return { prf: { enabled: true, results: { first } } };
  }
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}
