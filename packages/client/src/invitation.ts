import { sha256 } from "@noble/hashes/sha2.js";
import { base64url, EncodingError, fromBase64url } from "@porchlight/encoding";
import { ClientError } from "./error.ts";

const CONTACT = "&contact=";

/** ACC-10: what the server is told of an invitation when it is made. */
export function invitationHash(secret: Uint8Array): Uint8Array {
  return sha256(secret);
}

/** The secret is behind the `#`: browsers send that part to nobody. `contact`: the contact code of who invites. */
export function invitationLink(origin: string, secret: Uint8Array, contact?: string): string {
  const who = contact === undefined ? "" : `${CONTACT}${contact}`;
  return `${origin.replace(/\/+$/, "")}/join#${base64url(secret)}${who}`;
}

/** The secret of a whole link or of what stands behind its `#`. Throws ClientError "invitation-malformed". */
export function parseInvitation(text: string): Uint8Array {
  try {
    return fromBase64url(partsOf(text)[0], 32, "invitation");
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new ClientError("invitation-malformed", "this link is not complete: copy the whole of it", {
      cause,
    });
  }
}

/** Whose contact code a link says that it is from. It is the link's word alone: the server says who invited. */
export function contactInInvitation(text: string): string | null {
  return partsOf(text)[1];
}

function partsOf(text: string): readonly [secret: string, contact: string | null] {
  const fragment = text.trim().replace(/^.*#/, "");
  const at = fragment.indexOf(CONTACT);
  return at < 0 ? [fragment, null] : [fragment.slice(0, at), fragment.slice(at + CONTACT.length)];
}
