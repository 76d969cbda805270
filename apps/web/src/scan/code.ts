import { isForeignLink } from "../people/contact-link.ts";

/** What can be asked for with the camera. */
export type Wanted = "safety-number" | "pairing" | "contact";

/** "foreign-contact": a contact link of another service. */
export type Seen = Wanted | "foreign-contact" | "invitation" | "other";

/** Longer than any code of ours; somebody else's can hold 4,296 characters. */
const LONGEST = 1000;

/**
 * What a scanned text claims to be, so that the person can be told what they hold the camera on. Whether it is that is
 * for the parser of the typed text to say. `own`: the origin of this service.
 */
export function claimOf(text: string, own: string = location.origin): Seen {
  if (text.length > LONGEST) return "other";
  if (text.startsWith("porchlight-verify:")) return "safety-number";
  if (text.startsWith("porchlight-pair:")) return "pairing";
  if (text.startsWith("plc1.")) return "contact";
  if (/^https?:\/\/[^\s#]+\/join#contact=/.test(text)) {
    return isForeignLink(text, own) ? "foreign-contact" : "contact";
  }
  if (/^https?:\/\/[^\s#]+\/join#/.test(text)) return "invitation";
  return "other";
}
