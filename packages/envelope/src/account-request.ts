import {
  type AccountId,
  type ConversationId,
  concat,
  conversationIdOf,
  equalBytes,
  idBytes,
  Reader,
  type UnixSeconds,
  unixSeconds,
  utf8,
  Writer,
} from "@porchlight/encoding";
import type { CipherSuite } from "./cipher-suite.ts";
import { CREDENTIAL_LENGTH, parseCredential, verifyCredential } from "./credential.ts";
import { EnvelopeError, parsing } from "./error.ts";
import { nobleSuite } from "./noble-suite.ts";

const DOMAIN = utf8("porchlight-v1/account-request\0");
const VERSION = 1;
const KINDS = ["rejoin", "leave"] as const;
/** Devices that one request names as lost. */
const MAX_LOST = 100;

/**
 * What an account asks of the members of a conversation (ACC-60). "rejoin": let this device in, which was made with
 * the identity key after others were lost, and remove those. "leave": remove all of the account's devices.
 */
export type AccountRequest = {
  readonly kind: (typeof KINDS)[number];
  readonly account: AccountId;
  /** The asking device, MLS signature key. */
  readonly deviceKey: Uint8Array;
  readonly credential: Uint8Array;
  readonly conversation: ConversationId;
  readonly at: UnixSeconds;
  /** MLS signature keys of devices to remove; none in "leave". */
  readonly lost: readonly Uint8Array[];
};

/**
 * `sign`: with the account's identity key for "rejoin", so that a stolen device cannot ask for the removal of the
 * others; with the device's key for "leave". `audience`: the log's origin.
 */
export function makeAccountRequest(
  request: Omit<AccountRequest, "account">,
  audience: string,
  sign: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const writer = new Writer()
    .uint(VERSION, 1)
    .uint(KINDS.indexOf(request.kind) + 1, 1)
    .fixed(request.credential, CREDENTIAL_LENGTH, "credential")
    .fixed(request.deviceKey, 32, "device key")
    .fixed(idBytes(request.conversation), 32)
    .u64(request.at)
    .uint(request.lost.length, 2);
  for (const device of request.lost) writer.fixed(device, 32, "lost device");
  const body = writer.finish();
  return concat(body, sign(statementOf(body, audience)));
}

/**
 * Strict. The credential is good: the account's identity key signed the device key. Whether it signed the request is
 * for {@link verifyAccountRequest}.
 */
export function parseAccountRequest(document: Uint8Array, suite: CipherSuite = nobleSuite): AccountRequest {
  return parsing("account request", () => {
    const reader = new Reader(document);
    if (reader.uint(1, "version") !== VERSION)
      throw new EnvelopeError("version-unsupported", "account request");
    const kind = KINDS[reader.uint(1, "kind") - 1];
    if (kind === undefined) throw new EnvelopeError("malformed", "account request kind");
    const credential = reader.fixed(CREDENTIAL_LENGTH, "credential");
    const deviceKey = reader.fixed(32, "device key");
    const conversation = conversationIdOf(reader.fixed(32, "conversation"));
    const at = unixSeconds(reader.u64("at"));
    const count = reader.uint(2, "lost");
    if (count > (kind === "rejoin" ? MAX_LOST : 0)) throw new EnvelopeError("malformed", "lost devices");
    const lost = Array.from({ length: count }, () => reader.fixed(32, "lost device"));
    reader.fixed(64, "signature");
    reader.end("account request");
    // A device that is lost and asks to be let in is neither.
    if (lost.some((device) => equalBytes(device, deviceKey)))
      throw new EnvelopeError("malformed", "lost devices");
    return {
      kind,
      account: verifyCredential(credential, deviceKey, suite),
      deviceKey,
      credential,
      conversation,
      at,
      lost,
    };
  });
}

/** Throws EnvelopeError "signature", and what {@link parseAccountRequest} throws. */
export function verifyAccountRequest(
  document: Uint8Array,
  audience: string,
  suite: CipherSuite = nobleSuite,
): AccountRequest {
  const request = parseAccountRequest(document, suite);
  const { identityKey } = parseCredential(request.credential);
  const signer = request.kind === "rejoin" ? identityKey : request.deviceKey;
  const statement = statementOf(document.subarray(0, -64), audience);
  if (!suite.ed25519Verify(signer, statement, document.subarray(-64))) throw new EnvelopeError("signature");
  return request;
}

function statementOf(body: Uint8Array, audience: string): Uint8Array {
  return concat(DOMAIN, new Writer().opaque(utf8(audience), 2).finish(), body);
}
