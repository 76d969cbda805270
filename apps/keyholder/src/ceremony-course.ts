// How a ceremony has gone, read from the log: key generation, then signatures on the keys that it made. A pure machine:
// every keyholder, and whoever else reads the log, comes to the same end.
import {
  attachSignature,
  type Charter,
  formatKeys,
  keysQuorum,
  type PublicKeys,
  type SignedDocument,
  signatureInput,
} from "@porchlight/charter";
import { base64url, concat, type KeyholderIndex } from "@porchlight/encoding";
import {
  type DkgNamed,
  type DkgOutcome,
  type DkgState,
  dkgDue,
  dkgMissing,
  dkgRound,
  dkgStep,
  type MasterKey,
} from "@porchlight/quorum";
import { nodeSuite } from "@porchlight/tlog/node";
import type { CeremonyName } from "./ceremony-name.ts";

/** Rounds 1 to 4 are key generation's; signatures come with round 3, and in rounds of their own where that was not enough. */
const CHECK_ROUND = 3;
const FIRST_SIGNING_ROUND = 5;
const SIGNATURE_LENGTH = 64;

/** What the ceremony is about; the same for all. */
export type CourseTerms = {
  readonly name: CeremonyName;
  /** With the keyholders as they are at the ceremony's beginning. */
  readonly charter: Charter;
  readonly successions: readonly SignedDocument[];
};

export type Named =
  | DkgNamed
  /** Did not sign the keys that it had a part in. */
  | { readonly keyholder: KeyholderIndex; readonly fault: "unsigned"; readonly round: number };

export type CourseEvent = {
  readonly round: number;
  readonly from: KeyholderIndex;
  readonly body: Uint8Array;
};

export type Course =
  | {
      readonly kind: "exchanging";
      readonly dkg: DkgState;
      /** The keys document as it reads if nobody complains, once all deals are there. */
      readonly proposal: Uint8Array | null;
      readonly signatures: Signatures;
    }
  | {
      readonly kind: "signing";
      readonly round: number;
      readonly outcome: DkgOutcome;
      readonly named: readonly Named[];
      readonly absent: readonly KeyholderIndex[];
      readonly payload: Uint8Array;
      readonly signatures: Signatures;
      readonly spoken: ReadonlySet<KeyholderIndex>;
      readonly closers: ReadonlySet<KeyholderIndex>;
    }
  | {
      readonly kind: "signed";
      readonly outcome: DkgOutcome;
      readonly named: readonly Named[];
      readonly absent: readonly KeyholderIndex[];
      readonly document: SignedDocument;
    }
  | {
      readonly kind: "aborted";
      readonly reason: "too-few-dealers" | "too-few-receivers" | "too-few-signers";
      readonly named: readonly Named[];
    };
type Signatures = ReadonlyMap<KeyholderIndex, Uint8Array>;

export function courseStart(dkg: DkgState): Course {
  return { kind: "exchanging", dkg, proposal: null, signatures: new Map() };
}

/** Takes the next entry of the ceremony in the log (CER-7 to CER-12). Never throws for what others say. */
export function courseStep(course: Course, event: CourseEvent, terms: CourseTerms): Course {
  if (course.kind === "signed" || course.kind === "aborted") return course;
  return course.kind === "exchanging" ? exchange(course, event, terms) : sign(course, event, terms);
}

/** The open round, `null` when the ceremony has ended. */
export function courseRound(course: Course): number | null {
  if (course.kind === "exchanging") return dkgRound(course.dkg);
  return course.kind === "signing" ? course.round : null;
}

/** Whom the open round waits for. */
export function courseMissing(course: Course, { charter }: CourseTerms): readonly KeyholderIndex[] {
  if (course.kind === "exchanging") return dkgMissing(course.dkg);
  if (course.kind !== "signing") return [];
  return present(charter, course.absent).filter((index) => !course.spoken.has(index));
}

export type Due = {
  readonly round: number;
  readonly body: Uint8Array;
  /** Whose shares must be on the disk before this leaves, `null` where nothing is signed. */
  readonly outcome: DkgOutcome | null;
};

/** What `self` has to say next; `seed` is its document key's. */
export function courseDue(
  course: Course,
  terms: CourseTerms,
  self: KeyholderIndex,
  seed: Uint8Array,
): Due | null {
  const signature = (payload: Uint8Array): Uint8Array =>
    nodeSuite.signEd25519(seed, signatureInput("keys", nameOf(terms.charter, self), payload));
  if (course.kind === "signing") {
    const { outcome, payload, round } = course;
    const waits = courseMissing(course, terms).includes(self);
    return waits && outcome.shares !== null ? { round, body: signature(payload), outcome } : null;
  }
  if (course.kind !== "exchanging") return null;
  const due = dkgDue(course.dkg);
  if (due === null) return null;
  // Who has no complaint and holds its shares signs at once: so an honest ceremony needs no round more.
  const { dkg, proposal } = course;
  if (due.round !== CHECK_ROUND || due.body[0] !== 0 || proposal === null || dkg.kind !== "checking") {
    return { ...due, outcome: null };
  }
  if (dkg.proposal.shares === null) return { ...due, outcome: null };
  return { round: due.round, body: concat(due.body, signature(proposal)), outcome: dkg.proposal };
}

/** Whether a message carries a signature, after which its sender's shares belong to keys that the others may log. */
export function signs({ round, body }: CourseEvent): boolean {
  return round >= FIRST_SIGNING_ROUND || (round === CHECK_ROUND && body.length > SIGNATURE_LENGTH);
}

function exchange(
  course: Extract<Course, { kind: "exchanging" }>,
  event: CourseEvent,
  terms: CourseTerms,
): Course {
  const { round, from, body } = event;
  let { signatures, proposal } = course;
  let said = body;
  if (round === CHECK_ROUND && body[0] === 0 && body.length === 1 + SIGNATURE_LENGTH) {
    said = body.subarray(0, 1);
    const signature = body.slice(1);
    const isOpen = proposal !== null && dkgMissing(course.dkg).includes(from);
    if (isOpen && holds(terms.charter, from, proposal as Uint8Array, signature)) {
      signatures = new Map([...signatures, [from, signature]]);
    }
  }
  const dkg = dkgStep(
    course.dkg,
    body.length === 0 ? { kind: "close", round, from } : { kind: "message", round, from, body: said },
  );
  if (dkg.kind === "aborted") return { kind: "aborted", reason: dkg.reason, named: dkg.named };
  if (dkg.kind === "agreed") {
    const { outcome, named, confirmed } = dkg;
    // With a deal excluded since, what was signed was another document.
    const early = dkg.undisputed
      ? { payload: proposal, signatures }
      : { payload: null, signatures: new Map() };
    return attempt(
      { outcome, named, absent: present(terms.charter, confirmed) },
      FIRST_SIGNING_ROUND,
      terms,
      early,
    );
  }
  if (proposal === null && dkg.kind === "checking") {
    proposal = payloadOf(dkg.proposal, present(terms.charter, [...dkg.receivers.keys()]), terms);
  }
  return { kind: "exchanging", dkg, proposal, signatures };
}

/** CER-11: a round of signatures on the keys document that names these as absent. */
function attempt(
  { outcome, named, absent }: Pick<Extract<Course, { kind: "signing" }>, "outcome" | "named" | "absent">,
  round: number,
  terms: CourseTerms,
  early: { readonly payload: Uint8Array | null; readonly signatures: Signatures },
): Course {
  if (present(terms.charter, absent).length < keysQuorum(terms.charter)) {
    return { kind: "aborted", reason: "too-few-signers", named };
  }
  const payload = payloadOf(outcome, absent, terms);
  const same = early.payload !== null && Buffer.compare(early.payload, payload) === 0;
  const signatures: Signatures = same ? early.signatures : new Map();
  const spoken = new Set(signatures.keys());
  return conclude(
    { kind: "signing", round, outcome, named, absent, payload, signatures, spoken, closers: new Set() },
    terms,
  );
}

function sign(
  course: Extract<Course, { kind: "signing" }>,
  { round, from, body }: CourseEvent,
  terms: CourseTerms,
): Course {
  if (round !== course.round) return course;
  if (body.length === 0) {
    const closers = new Set([...course.closers, from]);
    const next = { ...course, closers };
    return closers.size >= terms.charter.threshold ? without(next, terms) : next;
  }
  if (!courseMissing(course, terms).includes(from)) return course;
  const valid = body.length === SIGNATURE_LENGTH && holds(terms.charter, from, course.payload, body);
  const signatures = valid ? new Map([...course.signatures, [from, body.slice()]]) : course.signatures;
  return conclude({ ...course, signatures, spoken: new Set([...course.spoken, from]) }, terms);
}

function conclude(course: Extract<Course, { kind: "signing" }>, terms: CourseTerms): Course {
  const { charter } = terms;
  const expected = present(charter, course.absent);
  if (expected.some((index) => !course.spoken.has(index))) return course;
  if (expected.some((index) => !course.signatures.has(index))) return without(course, terms);
  let document: SignedDocument = { payload: base64url(course.payload), signatures: [] };
  // In the order of the charter: whoever assembles it gets the same bytes, and the log has them once.
  for (const index of expected) {
    const signature = course.signatures.get(index) as Uint8Array;
    document = attachSignature(document, "keys", nameOf(charter, index), signature);
  }
  const { outcome, named, absent } = course;
  return { kind: "signed", outcome, named, absent, document };
}

/** Who has not signed is absent: the others sign that, in a round of its own. */
function without(course: Extract<Course, { kind: "signing" }>, terms: CourseTerms): Course {
  const { outcome, round } = course;
  const unsigned = present(terms.charter, course.absent).filter((index) => !course.signatures.has(index));
  const absent = [...course.absent, ...unsigned].sort((a, b) => a - b);
  const named = [
    ...course.named,
    ...unsigned.map((keyholder) => ({ keyholder, fault: "unsigned", round }) as const),
  ];
  return attempt({ outcome, named, absent }, round + 1, terms, { payload: null, signatures: new Map() });
}

/** The keyholders of the charter but these. */
function present({ keyholders }: Charter, but: readonly KeyholderIndex[]): KeyholderIndex[] {
  return keyholders.map(({ index }) => index).filter((index) => !but.includes(index));
}

function nameOf({ keyholders }: Charter, index: KeyholderIndex): string {
  return keyholders[index - 1]?.name ?? "";
}

function holds(charter: Charter, from: KeyholderIndex, payload: Uint8Array, signature: Uint8Array): boolean {
  const keyholder = charter.keyholders[from - 1];
  if (keyholder === undefined) return false;
  return nodeSuite.verifyEd25519(keyholder.key, signatureInput("keys", keyholder.name, payload), signature);
}

/** CER-10: the one keys document that an outcome makes. */
function payloadOf(
  { masters, transcript }: DkgOutcome,
  absent: readonly KeyholderIndex[],
  { name, successions }: CourseTerms,
): Uint8Array {
  const [access, notice] = masters as [MasterKey, MasterKey];
  const { charter, period, generation } = name;
  return formatKeys({
    charter,
    period,
    generation,
    absent,
    successions,
    access: publicKeys(access),
    notice: publicKeys(notice),
    transcript,
  });
}

function publicKeys(master: MasterKey): PublicKeys {
  const ordered = [...master.verifyingShares].sort(([a], [b]) => a - b);
  return { mpk: master.mpk, verifyingShares: ordered.map(([, share]) => share) };
}
