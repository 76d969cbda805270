import type { EnvelopeErrorCode } from "@porchlight/envelope";

/** Why a message or an envelope of the material did not make it into messages.jsonl. */
export type FailureCode =
  | EnvelopeErrorCode
  | "no-envelope"
  | "envelope-failed"
  | "out-of-scope"
  | "group-mismatch"
  | "out-of-order"
  | "content";

// For a judge: what the check found, not what the program did.
const SENTENCES: Readonly<Record<FailureCode, string>> = {
  malformed: "It is not in the form that the protocol prescribes.",
  "version-unsupported": "It is of a version that this program does not know.",
  "suite-unsupported": "It uses a cipher suite that this program does not know.",
  "label-mismatch": "It names another conversation, person or day than it belongs to.",
  "leaf-mismatch": "It names another place in the group than its sender has.",
  "group-context-mismatch": "It belongs to another state of the conversation.",
  "roster-mismatch": "Its list of participants is not that of the conversation.",
  "device-mismatch": "It names another device than its sender's.",
  "credential-mismatch": "It carries another credential than its sender's.",
  "credential-invalid": "The account did not sign for the device that sent it.",
  "account-mismatch": "The device that sent it belongs to another account.",
  signature:
    "The device's signature over the envelope does not verify: it was altered, or another device made it.",
  "outer-refused": "The provider's layer does not open: it was altered, or sealed to another provider.",
  "outer-mismatch": "The provider's layer differs from what the sender must have made.",
  "inner-refused": "It does not open under the released key: it was altered, or sealed to another label.",
  "inner-mismatch": "It opens, but differs from what the sender must have made.",
  "not-private-message": "It is not an encrypted message.",
  "not-application": "It is not a message between people.",
  "wrong-group": "It belongs to another group.",
  "wrong-epoch": "It belongs to another state of the conversation.",
  "wrong-sender": "Another person than the one who handed it in encrypted it.",
  "wrong-day": "Its signed day is not the day that the released key is for.",
  "sender-data-refused": "The part that names its sender does not decrypt: it was altered.",
  "generation-too-far": "Its position in the sender's key chain is too far from the others.",
  "generation-used": "Its key was already used for an earlier message.",
  "generation-dropped": "Its key was discarded because too many were skipped.",
  "ciphertext-refused": "It does not decrypt: it was altered after it was encrypted.",
  "message-signature": "It decrypts, but the sender's device did not sign it.",
  "counter-used":
    "Its signed counter was used before: it is a repetition of an earlier message that another person made.",
  "franking-mismatch": "The commitment that it carries is not to what it says.",
  "counter-mismatch":
    "Its signed counter is not its place in the sender's key chain: another person encrypted it again.",
  "out-of-order":
    "It stands behind a message that the same device encrypted later: no recipient accepted it there.",
  "no-envelope": "There is no envelope for the part of the day in which it was sent.",
  "envelope-failed": "The envelope for the part of the day in which it was sent did not open.",
  "out-of-scope": "It is outside the order: no key for it was released.",
  "group-mismatch": "The signed state of the conversation names another conversation or charter.",
  content: "It opens and verifies, but what it says is not in a form that this program can show.",
};

/** EVI-24: one sentence for each code. */
export function sentenceOf(code: FailureCode): string {
  return SENTENCES[code];
}
