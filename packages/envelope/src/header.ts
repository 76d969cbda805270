import { sha256 } from "@noble/hashes/sha2.js";
import {
  type AccountId,
  compareBytes,
  concat,
  equalBytes,
  idBytes,
  Reader,
  Writer,
} from "@porchlight/encoding";
import type { CipherSuite } from "./cipher-suite.ts";
import { CREDENTIAL_LENGTH, parseCredential, verifyCredential } from "./credential.ts";
import { EnvelopeError, type EnvelopeErrorCode, parsing } from "./error.ts";
import { ACCESS_LABEL_LENGTH, type AccessLabel, accessLabel, parseAccessLabel } from "./label.ts";
import { parseGroupContext } from "./mls.ts";

const VERSION = 1;
const SUITE_A = 1;
const MAX_GROUP_CONTEXT = 65_535;

/** Whose epoch an envelope opens, and everything that is needed to verify its messages later (ENV-12). */
export type EnvelopeHeader = {
  readonly label: AccessLabel;
  /** LeafIndex of the sending device, u32. */
  readonly leafIndex: number;
  /** The epoch's GroupContext, the TLS bytes as MLS signs them. */
  readonly groupContext: Uint8Array;
  /** {@link rosterOf} of the epoch's tree, 32 bytes. */
  readonly roster: Uint8Array;
  /** The device's MLS signature public key, 32 bytes. */
  readonly deviceKey: Uint8Array;
  /** Identity of its MLS BasicCredential (ENV-10). */
  readonly credential: Uint8Array;
};

/** ENV-13: SHA-256 over the distinct account ids of the epoch's tree in ascending order. */
export function rosterOf(accounts: Iterable<AccountId>): Uint8Array {
  const ids = [...new Set(accounts)].map((id) => idBytes(id)).sort(compareBytes);
  if (ids.length === 0) throw new EnvelopeError("malformed", "roster");
  return sha256(concat(...ids));
}

/** ENV-12: the only encoding. */
export function formatHeader(header: EnvelopeHeader): Uint8Array {
  if (header.groupContext.length > MAX_GROUP_CONTEXT) {
    throw new EnvelopeError("malformed", "header (GroupContext)");
  }
  return new Writer()
    .uint(VERSION, 1)
    .uint(SUITE_A, 1)
    .fixed(accessLabel(header.label), ACCESS_LABEL_LENGTH)
    .uint(header.leafIndex, 4, "leaf index")
    .opaque(header.groupContext, 4, "GroupContext")
    .fixed(header.roster, 32, "roster")
    .fixed(header.deviceKey, 32, "device key")
    .opaque(header.credential, 2, "credential")
    .finish();
}

/** Strict inverse of {@link formatHeader}: GroupContext and credential are parsed as well, nothing is verified. */
export function parseHeader(bytes: Uint8Array): EnvelopeHeader {
  return parsing("header", () => {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new EnvelopeError("version-unsupported", "header");
    if (reader.uint(1, "suite") !== SUITE_A) throw new EnvelopeError("suite-unsupported", "header");
    const header = {
      label: parseAccessLabel(reader.fixed(ACCESS_LABEL_LENGTH, "label")),
      leafIndex: reader.uint(4, "leaf index"),
      groupContext: reader.opaque(4, MAX_GROUP_CONTEXT, "GroupContext"),
      roster: reader.fixed(32, "roster"),
      deviceKey: reader.fixed(32, "device key"),
      credential: reader.opaque(2, CREDENTIAL_LENGTH, "credential"),
    };
    reader.end("header");
    parseGroupContext(header.groupContext);
    parseCredential(header.credential);
    return header;
  });
}

/**
 * ENV-14: the header agrees with itself: the device key is the account's ("credential-invalid"), the account is the
 * label's ("account-mismatch"), the GroupContext is one ("malformed").
 */
export function checkHeader(header: EnvelopeHeader, suite: CipherSuite): void {
  const account = verifyCredential(header.credential, header.deviceKey, suite);
  if (account !== header.label.account) throw new EnvelopeError("account-mismatch");
  parseGroupContext(header.groupContext);
}

/** GroupContext extension that names charter and conversation (MLS-1): private use. */
const CHARTER_EXTENSION = 0xf0c1;

/** ENV-37: whether the GroupContext that MLS signs names the charter and the conversation of the label. */
export function isOfConversation({ label, groupContext }: EnvelopeHeader): boolean {
  const { extensions } = parseGroupContext(groupContext);
  const data = extensions.find(({ type }) => type === CHARTER_EXTENSION)?.data ?? new Uint8Array();
  const expected = concat(Uint8Array.of(1, 1), idBytes(label.charter), idBytes(label.conversation));
  return equalBytes(data.subarray(0, expected.length), expected);
}

/** ENV-30: every field against what the recipient's own MLS state says; the first that differs names its code. */
export function compareHeaders(actual: EnvelopeHeader, expected: EnvelopeHeader): void {
  const fields: readonly [EnvelopeErrorCode, Uint8Array, Uint8Array][] = [
    ["label-mismatch", accessLabel(actual.label), accessLabel(expected.label)],
    ["group-context-mismatch", actual.groupContext, expected.groupContext],
    ["roster-mismatch", actual.roster, expected.roster],
    ["device-mismatch", actual.deviceKey, expected.deviceKey],
    ["credential-mismatch", actual.credential, expected.credential],
  ];
  if (actual.leafIndex !== expected.leafIndex) throw new EnvelopeError("leaf-mismatch");
  for (const [code, a, b] of fields) if (!equalBytes(a, b)) throw new EnvelopeError(code);
}
