import { type AccountId, accountIdOf, concat, Reader, utf8, Writer } from "@porchlight/encoding";
import type { CipherSuite } from "./cipher-suite.ts";
import { EnvelopeError, parsing } from "./error.ts";
import { nobleSuite } from "./noble-suite.ts";

const DEVICE_DOMAIN = utf8("porchlight-v1/device\0");
const VERSION = 1;

/** Bytes of a credential (ENV-10): the identity of an MLS BasicCredential. */
export const CREDENTIAL_LENGTH = 97;

/** The account's Ed25519 identity key and its signature over one device's MLS signature key. */
export type Credential = {
  readonly identityKey: Uint8Array;
  readonly signature: Uint8Array;
};

/** ENV-10. `sign` signs with the account's identity key; the provider cannot, so it cannot invent a device. */
export function makeCredential(input: {
  readonly identityKey: Uint8Array;
  readonly deviceKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}): Uint8Array {
  return new Writer()
    .uint(VERSION, 1)
    .fixed(input.identityKey, 32, "identity key")
    .fixed(input.sign(deviceStatement(input.deviceKey)), 64, "signature")
    .finish();
}

/** Strict; says nothing about the signature ({@link verifyCredential}). */
export function parseCredential(bytes: Uint8Array): Credential {
  return parsing("credential", () => {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new EnvelopeError("version-unsupported", "credential");
    const credential = {
      identityKey: reader.fixed(32, "identity key"),
      signature: reader.fixed(64, "signature"),
    };
    reader.end("credential");
    return credential;
  });
}

/**
 * ENV-11: the account whose identity key signed `deviceKey` (32 bytes). Throws "credential-invalid" for a signature
 * that does not verify, "malformed" or "version-unsupported" for other bytes.
 */
export function verifyCredential(
  credential: Uint8Array,
  deviceKey: Uint8Array,
  suite: CipherSuite = nobleSuite,
): AccountId {
  const { identityKey, signature } = parseCredential(credential);
  if (deviceKey.length !== 32 || !suite.ed25519Verify(identityKey, deviceStatement(deviceKey), signature)) {
    throw new EnvelopeError("credential-invalid");
  }
  return accountOf(identityKey, suite);
}

/** An account's id: SHA-256 of its identity public key. */
export function accountOf(identityKey: Uint8Array, suite: CipherSuite = nobleSuite): AccountId {
  return accountIdOf(suite.hash(identityKey));
}

function deviceStatement(deviceKey: Uint8Array): Uint8Array {
  return concat(DEVICE_DOMAIN, deviceKey);
}
