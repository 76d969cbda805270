import { sha256 } from "@noble/hashes/sha2.js";
import { base64url, EncodingError, fromBase64url } from "@porchlight/encoding";
import { ClientError } from "./error.ts";

/** ACC-10: what the server is told of an invitation when it is made. */
export function invitationHash(secret: Uint8Array): Uint8Array {
  return sha256(secret);
}

/** The secret is behind the `#`: browsers send that part to nobody. */
export function invitationLink(origin: string, secret: Uint8Array): string {
  return `${origin.replace(/\/+$/, "")}/join#${base64url(secret)}`;
}

/** The secret of a whole link or of what stands behind its `#`. Throws ClientError "invitation-malformed". */
export function parseInvitation(text: string): Uint8Array {
  try {
    return fromBase64url(text.trim().replace(/^.*#/, ""), 32, "invitation");
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new ClientError("invitation-malformed", "this link is not complete: copy the whole of it", {
      cause,
    });
  }
}
