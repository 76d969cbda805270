import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { nodeSuite } from "@porchlight/envelope/node";
import { loadCurve } from "@porchlight/quorum/mcl";
import { type MlsSuite, mlsSuite } from "./suite.ts";

// RFC 8410: the DER that goes in front of an Ed25519 seed.
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

let suite: Promise<MlsSuite> | undefined;

/** The suite on synchronous node:crypto, made once a process (`@porchlight/mls/node`). */
export function nodeMlsSuite(): Promise<MlsSuite> {
  suite ??= loadCurve().then((curve) => mlsSuite({ ...nodeSuite, ed25519Sign }, curve));
  return suite;
}

const keys = new WeakMap<Uint8Array, KeyObject>();

/** A device signs every message with one key, and parsing it costs more than the signature: parsed once a seed array. */
function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  let key = keys.get(seed);
  if (key === undefined) {
    if (seed.length !== 32) throw new RangeError("Ed25519 seed");
    key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
    keys.set(seed, key);
  }
  return new Uint8Array(sign(null, message, key));
}
