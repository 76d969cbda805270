// Both sides of a conversation. To open account B under an order on A it takes B's own signed envelope whose roster
// holds A: A's word alone would let an informant point at any conversation (GATE-14).
import {
  type AccountId,
  accountId,
  asString,
  base64,
  Fields,
  fromBase64,
  fromHex,
  hex,
  type Json,
  type JsonObject,
} from "@porchlight/encoding";
import {
  type AccessLabel,
  type CipherSuite,
  type EnvelopeAttestation,
  EnvelopeError,
  nobleSuite,
  rosterOf,
  verifyAttestation,
} from "@porchlight/envelope";
import { GateError } from "./error.ts";
import { nameOfLabel } from "./labels.ts";

/** What the provider brings for one label of an account that the warrant does not name (WAR-21). */
export type OtherSide = EnvelopeAttestation & {
  /** Of the epoch, ascending: the envelope's roster is their hash. */
  readonly members: readonly AccountId[];
};

declare const verified: unique symbol;

/** Evidence that the label's own account signed that these accounts were in the conversation on that day. */
export type VerifiedOtherSide = {
  readonly label: AccessLabel;
  readonly members: ReadonlySet<AccountId>;
  readonly [verified]: true;
};

const made = new WeakSet<object>();
const MAX_MEMBERS = 10_000;

/**
 * The only maker of {@link VerifiedOtherSide}: credential, signature and GroupContext as recipients ask them (ENV-36),
 * and the roster recomputed. Throws GateError "other-side-invalid".
 */
export function verifyOtherSide(side: OtherSide, suite: CipherSuite = nobleSuite): VerifiedOtherSide {
  const refused = (cause?: unknown): GateError => {
    const reason = "What shows that the other side took part in the conversation does not hold.";
    return new GateError({ rule: "WAR-21", code: "other-side-invalid", reason, waits: false }, { cause });
  };
  try {
    const { label, roster } = verifyAttestation(side, suite);
    const members = new Set(side.members);
    if (hex(rosterOf(members)) !== hex(roster) || !members.has(label.account)) throw refused();
    const verified = Object.freeze({ label: Object.freeze({ ...label }), members });
    made.add(verified);
    return verified as unknown as VerifiedOtherSide;
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause;
    throw refused(cause);
  }
}

/** Names of the labels of which one of the proofs, made here, shows one of `subjects` in the conversation. */
export function provenLabels(
  subjects: readonly AccountId[],
  proofs: readonly VerifiedOtherSide[],
): ReadonlySet<string> {
  return new Set(
    proofs
      .filter((proof) => made.has(proof) && subjects.some((subject) => proof.members.has(subject)))
      .map(({ label }) => nameOfLabel(label)),
  );
}

/** The members of its JSON form. */
export function otherSideMembers({ header, inner, outer, signature, members }: OtherSide): JsonObject {
  return {
    header: base64(header),
    inner: hex(inner),
    outer: hex(outer),
    signature: base64(signature),
    members: [...members],
  };
}

/** Strict inverse of {@link otherSideMembers}; nothing is verified. Throws EncodingError. */
export function readOtherSide(value: Json, where: string): OtherSide {
  const fields = new Fields(value, where);
  const side = {
    header: fromBase64(fields.string("header", 100_000), undefined, `${where}.header`),
    inner: fromHex(fields.string("inner"), 32, `${where}.inner`),
    outer: fromHex(fields.string("outer"), 32, `${where}.outer`),
    signature: fromBase64(fields.string("signature"), 64, `${where}.signature`),
    members: fields.array("members", (item, place) => accountId(asString(item, place, 64)), MAX_MEMBERS),
  };
  fields.end();
  return side;
}
