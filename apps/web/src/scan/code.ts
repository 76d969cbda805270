/** What can be asked for with the camera. */
export type Wanted = "safety-number" | "pairing" | "contact";

export type Seen = Wanted | "invitation" | "other";

/** Longer than any code of ours; somebody else's can hold 4,296 characters. */
const LONGEST = 1000;

/**
 * What a scanned text claims to be, so that the person can be told what they hold the camera on. Whether it is that is
 * for the parser of the typed text to say.
 */
export function claimOf(text: string): Seen {
  if (text.length > LONGEST) return "other";
  if (text.startsWith("porchlight-verify:")) return "safety-number";
  if (text.startsWith("porchlight-pair:")) return "pairing";
  if (/^plc1\.|^https?:\/\/[^\s#]+\/join#contact=/.test(text)) return "contact";
  if (/^https?:\/\/[^\s#]+\/join#/.test(text)) return "invitation";
  return "other";
}
