// HI1-5: a message is signed as a whole, by its sender's Ed25519 key. TS 103 120's example signs with a shared secret
// (HS256); a secret that both have proves nothing to a third.
import {
  base64url,
  EncodingError,
  equalBytes,
  fromBase64url,
  type Json,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { nobleSuite } from "@porchlight/tlog";
import { formatJson, type Message, messageJson, type Signature } from "./message.ts";
import type { Endpoint } from "./object.ts";
import { type Hi1Refusal, refusal } from "./refusal.ts";
import { dateTimeOf } from "./value.ts";

/** The version of TS 103 120 that is spoken here. What is understood is HI1-3. */
const ETSI_VERSION = "V1.14.1";

/** An endpoint's key: `name` is its UniqueIdentifier and stands in the header as `kid`. */
export type EndpointSigner = { readonly name: string; readonly seed: Uint8Array };

/** RFC 8785 for the JSON that is read here: integers only, strings, booleans, null. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = value as { readonly [name: string]: Json };
  return `{${Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name] as Json)}`)
    .join(",")}}`;
}

function header(name: string): string {
  return JSON.stringify({ alg: "EdDSA", kid: name, typ: "porchlight-hi1+json" });
}

/** RFC 7515 §5.1: the signing input; the payload is the canonical message without its `Signature`. */
function input(encodedHeader: string, message: Json): Uint8Array {
  return utf8(`${encodedHeader}.${base64url(utf8(canonicalJson(message)))}`);
}

/** The value of `Signature` for a message that has none yet. */
export function signMessage(message: Json, signer: EndpointSigner): Signature {
  const encodedHeader = base64url(utf8(header(signer.name)));
  const made = nobleSuite.signEd25519(signer.seed, input(encodedHeader, message));
  return { protected: encodedHeader, signature: base64url(made) };
}

/** A whole message as it travels, signed by its sender, whose Ed25519 `seed` is 32 bytes. */
export function signedMessage(
  between: {
    readonly sender: Endpoint;
    readonly receiver: Endpoint;
    /** UUID; an answer has its request's. */
    readonly transaction: string;
    /** `NationalProfileOwner` and its version. */
    readonly owner: string;
    readonly version: string;
  },
  payload: object,
  now: UnixSeconds,
  seed: Uint8Array,
): Uint8Array {
  const head = {
    SenderIdentifier: between.sender,
    ReceiverIdentifier: between.receiver,
    TransactionIdentifier: between.transaction,
    Timestamp: dateTimeOf(now).replace("Z", ".000000Z"),
    Version: {
      ETSIVersion: ETSI_VERSION,
      NationalProfileOwner: between.owner,
      NationalProfileVersion: between.version,
    },
  };
  // By way of text, as it travels: members that are undefined are not there.
  const bare = JSON.parse(JSON.stringify(messageJson(head, payload as Json))) as { [name: string]: Json };
  const signer = { name: between.sender.UniqueIdentifier, seed };
  return formatJson({ ...bare, Signature: signMessage(bare, signer) });
}

/**
 * Whether the sender that the header names signed this message; a refusal where it did not. `keys`: UniqueIdentifier →
 * 32-byte public key of the endpoints that were registered here after a call back.
 */
export function checkSignature(message: Message, keys: ReadonlyMap<string, Uint8Array>): Hi1Refusal | null {
  const sender = message.header.SenderIdentifier.UniqueIdentifier;
  const key = keys.get(sender);
  if (key === undefined) return refusal("sender-unknown");
  if (message.signature === null) return refusal("signature-missing");
  const { protected: encodedHeader, signature } = message.signature;
  try {
    // Comparing with the one header there is refuses every other algorithm, key and extension at once.
    if (!equalBytes(fromBase64url(encodedHeader), utf8(header(sender)))) return refusal("signature-invalid");
    const bytes = fromBase64url(signature, 64, "signature");
    const holds = nobleSuite.verifyEd25519(key, input(encodedHeader, message.signed), bytes);
    return holds ? null : refusal("signature-invalid");
  } catch (error) {
    if (error instanceof EncodingError) return refusal("signature-invalid");
    throw error;
  }
}
