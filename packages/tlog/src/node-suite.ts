import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from "node:crypto";
import type { TlogSuite } from "./suite.ts";

// DER prefixes of RFC 8410: SubjectPublicKeyInfo and PKCS #8 around 32 raw bytes.
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

// The eight points of small order. Some versions of OpenSSL refuse them as R and others do not.
const SMALL_ORDER = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]);

const MAX_KEPT_KEYS = 256;
const publicKeys = new Map<string, KeyObject>();

/** Importing a key costs a third of a verification; a deployment has a dozen of them. */
function importPublicKey(publicKey: Uint8Array): KeyObject {
  const id = Buffer.from(publicKey).toString("latin1");
  let key = publicKeys.get(id);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: "der", type: "spki" });
    if (publicKeys.size >= MAX_KEPT_KEYS) publicKeys.clear();
    publicKeys.set(id, key);
  }
  return key;
}

function pkcs8(seed: Uint8Array): { key: Buffer; format: "der"; type: "pkcs8" } {
  return { key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" };
}

/** {@link TlogSuite} over node:crypto, for programs that verify often. */
export const nodeSuite: TlogSuite = {
  // A digest as a one-byte string costs half of what a Buffer digest costs: the engine allocates no ArrayBuffer.
  sha256: (bytes) => {
    const digest = hash("sha256", bytes, "binary");
    const copy = new Uint8Array(32);
    for (let i = 0; i < copy.length; i++) copy[i] = digest.charCodeAt(i);
    return copy;
  },
  verifyEd25519: (publicKey, message, signature) => {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    if (SMALL_ORDER.has(Buffer.from(signature.subarray(0, 32)).toString("hex"))) return false;
    return verify(null, message, importPublicKey(publicKey), signature);
  },
  signEd25519: (seed, message) => new Uint8Array(sign(null, message, createPrivateKey(pkcs8(seed)))),
  publicKeyOf: (seed) => {
    const { x = "" } = createPrivateKey(pkcs8(seed)).export({ format: "jwk" });
    return new Uint8Array(Buffer.from(x, "base64url"));
  },
};
