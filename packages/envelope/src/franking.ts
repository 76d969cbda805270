import { concat, equalBytes, Reader } from "@porchlight/encoding";
import type { AuthenticatedData } from "./authenticated-data.ts";
import type { CipherSuite } from "./cipher-suite.ts";
import { EnvelopeError, parsing } from "./error.ts";
import { nobleSuite } from "./noble-suite.ts";

/** The application data of a message (ENV-43): franking key k_f (exactly 32 bytes), then all the content. */
export type Plaintext = {
  readonly frankingKey: Uint8Array;
  readonly content: Uint8Array;
};

export function formatPlaintext(plaintext: Plaintext): Uint8Array {
  if (plaintext.frankingKey.length !== 32) throw new EnvelopeError("malformed", "franking key");
  return concat(plaintext.frankingKey, plaintext.content);
}

export function parsePlaintext(applicationData: Uint8Array): Plaintext {
  return parsing("application data", () => {
    const reader = new Reader(applicationData);
    return { frankingKey: reader.fixed(32, "franking key"), content: reader.fixed(reader.remaining) };
  });
}

/**
 * ENV-42: HMAC-SHA-256(k_f, content). The key must have exactly 32 bytes: HMAC pads shorter ones with zeroes and
 * hashes longer ones, so that two keys would give one field and a reporter could choose between two contents' keys.
 */
export function frankingField(
  frankingKey: Uint8Array,
  content: Uint8Array,
  suite: CipherSuite = nobleSuite,
): Uint8Array {
  if (frankingKey.length !== 32) throw new EnvelopeError("malformed", "franking key");
  return suite.hmac(frankingKey, content);
}

/**
 * What a recipient does before display (ENV-44): the plaintext, or "franking-mismatch" where the field that the
 * provider stored would not prove this content. A message without a field passes; it cannot be reported.
 */
export function checkFranking(
  authenticatedData: AuthenticatedData,
  applicationData: Uint8Array,
  suite: CipherSuite = nobleSuite,
): Plaintext {
  const plaintext = parsePlaintext(applicationData);
  if (
    authenticatedData.franking !== null &&
    !equalBytes(authenticatedData.franking, frankingField(plaintext.frankingKey, plaintext.content, suite))
  ) {
    throw new EnvelopeError("franking-mismatch");
  }
  return plaintext;
}
