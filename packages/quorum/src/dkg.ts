// Joint-Feldman key generation over G2 with commit-then-reveal, as a pure step machine. The caller carries messages
// over an untrusted board, authenticates their senders and decides when a deadline has passed.
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, type KeyholderIndex, Reader, Writer } from "@porchlight/encoding";
import { dealCommitment, dealLength, makeDeal, type OwnDeal, readDeal } from "./dkg-deal.ts";
import { checkSession, type DkgSession, sessionContext } from "./dkg-session.ts";
import { QuorumError } from "./error.ts";
import { encodeG2, type G2, G2_ZERO } from "./points.ts";
import { encodeScalar, Fr, type Random, transcript } from "./scalar.ts";
import { evaluateInExponent, type KeyShare, type MasterKey } from "./sharing.ts";

export type DkgRound = 1 | 2 | 3;
const ROUNDS: readonly DkgRound[] = [1, 2, 3];

export type DkgEvent =
  /** A message whose sender the caller has authenticated. The board's echo of one's own messages is welcome. */
  | {
      readonly kind: "message";
      readonly round: DkgRound;
      readonly from: KeyholderIndex;
      readonly body: Uint8Array;
    }
  /** The current round is over; who has not spoken is blamed. */
  | { readonly kind: "deadline" };

export type DkgEffect = { readonly kind: "publish"; readonly round: DkgRound; readonly body: Uint8Array };

/** Why a run ended without a key. `blame` is empty only for "transcripts-differ": the board showed different things. */
export type DkgAbortReason =
  | "missing"
  | "malformed"
  | "equivocation"
  | "bad-deal"
  | "disputed"
  | "transcripts-differ";

type Bodies = ReadonlyMap<KeyholderIndex, Uint8Array>;
type Running = {
  readonly session: DkgSession;
  readonly context: Uint8Array;
  /** Secret: the whole own deal follows from it. */
  readonly seed: Uint8Array;
  readonly own: OwnDeal;
  /** First body seen of each participant, own ones included, by round. */
  readonly bodies: Readonly<Record<DkgRound, Bodies>>;
};
type Key = { readonly share: KeyShare; readonly master: MasterKey; readonly transcript: Uint8Array };

/** A run that goes on: holds secrets, so encrypt what {@link formatDkgState} makes of it. */
export type DkgRunning = Running &
  ({ readonly kind: "committing" } | { readonly kind: "dealing" } | ({ readonly kind: "confirming" } & Key));
export type DkgDone = { readonly kind: "done" } & Key & { readonly published: readonly DkgEffect[] };
export type DkgAborted = {
  readonly kind: "aborted";
  readonly blame: readonly KeyholderIndex[];
  readonly reason: DkgAbortReason;
  readonly published: readonly DkgEffect[];
};
export type DkgState = DkgRunning | DkgDone | DkgAborted;
/** Persist the state first, then perform the effects. */
export type DkgStep = { readonly state: DkgState; readonly effects: readonly DkgEffect[] };

/** Opens a run. Throws QuorumError "session-invalid". */
export function dkgStart(session: DkgSession, random: Random): DkgStep {
  const seed = random(32);
  if (seed.length !== 32) throw new QuorumError("length", "randomness");
  return startFrom(session, seed);
}

function startFrom(session: DkgSession, seed: Uint8Array): DkgStep {
  checkSession(session);
  const context = sessionContext(session);
  const own = makeDeal(session, context, seed);
  const commitment = dealCommitment(context, session.self, own.body);
  const bodies = { 1: new Map([[session.self, commitment]]), 2: new Map(), 3: new Map() };
  return {
    state: { kind: "committing", session, context, seed, own, bodies },
    effects: [{ kind: "publish", round: 1, body: commitment }],
  };
}

/**
 * One event. Messages may come in any order and repeatedly; the result does not depend on it except that the first
 * contradiction ends the run. Throws QuorumError "keyholder-unknown" for a sender outside the session; ended states
 * stay as they are.
 */
export function dkgStep(state: DkgState, event: DkgEvent): DkgStep {
  if (state.kind === "done" || state.kind === "aborted") return { state, effects: [] };
  if (event.kind === "deadline") {
    const silent = missing(state, currentRound(state));
    return silent.length === 0 ? { state, effects: [] } : abort(state, silent, "missing");
  }
  const { round, from, body } = event;
  if (!state.session.participants.includes(from)) throw new QuorumError("keyholder-unknown", "sender");
  if (!ROUNDS.includes(round)) throw new QuorumError("session-invalid", "round");
  const before = state.bodies[round].get(from);
  if (before !== undefined) {
    return equalBytes(before, body) ? { state, effects: [] } : abort(state, [from], "equivocation");
  }
  // Under our own name, but we have said nothing of the kind: somebody else holds our signing key.
  if (from === state.session.self) return abort(state, [from], "equivocation");
  if (!wellFormed(state.session, round, from, body)) return abort(state, [from], "malformed");
  return advance({
    ...state,
    bodies: { ...state.bodies, [round]: new Map([...state.bodies[round], [from, body.slice()]]) },
  });
}

/** Everything this participant has published so far: after a restart publish it again (the same bytes do no harm). */
export function dkgPublished(state: DkgState): readonly DkgEffect[] {
  if (state.kind === "done" || state.kind === "aborted") return state.published;
  return ROUNDS.flatMap((round) => {
    const body = state.bodies[round].get(state.session.self);
    return body === undefined ? [] : [{ kind: "publish", round, body } as const];
  });
}

function currentRound(state: DkgRunning): DkgRound {
  return state.kind === "committing" ? 1 : state.kind === "dealing" ? 2 : 3;
}

function missing(state: DkgRunning, round: DkgRound): KeyholderIndex[] {
  return state.session.participants.filter((index) => !state.bodies[round].has(index));
}

function abort(
  state: DkgRunning,
  blame: readonly KeyholderIndex[],
  reason: DkgAbortReason,
  effects: readonly DkgEffect[] = [],
): DkgStep {
  const distinct = [...new Set(blame)].sort((a, b) => a - b);
  const published = [...dkgPublished(state), ...effects];
  return { state: { kind: "aborted", blame: distinct, reason, published }, effects };
}

/** Goes on as far as the messages at hand allow: one event can complete several rounds. */
function advance(from: DkgRunning): DkgStep {
  const effects: DkgEffect[] = [];
  let state = from;
  for (;;) {
    if (missing(state, currentRound(state)).length > 0) return { state, effects };
    if (state.kind === "committing") {
      const { body } = state.own;
      effects.push({ kind: "publish", round: 2, body });
      state = say({ ...state, kind: "dealing" }, 2, body);
      continue;
    }
    if (state.kind === "dealing") {
      const result = openDeals(state);
      if (result.kind === "bad") {
        const effect = { kind: "publish", round: 3, body: complaint(result.dealers) } as const;
        return prepend(effects, abort(state, result.dealers, "bad-deal", [effect]));
      }
      const body = confirmation(result.key.transcript);
      effects.push({ kind: "publish", round: 3, body });
      state = say({ ...state, ...result.key, kind: "confirming" }, 3, body);
      continue;
    }
    return prepend(effects, conclude(state));
  }
}

function say(state: DkgRunning, round: DkgRound, body: Uint8Array): DkgRunning {
  const { self } = state.session;
  return { ...state, bodies: { ...state.bodies, [round]: new Map([...state.bodies[round], [self, body]]) } };
}

function prepend(effects: readonly DkgEffect[], step: DkgStep): DkgStep {
  return { state: step.state, effects: [...effects, ...step.effects] };
}

function openDeals(
  state: DkgRunning,
): { kind: "good"; key: Key } | { kind: "bad"; dealers: KeyholderIndex[] } {
  const { session, context, own } = state;
  const deals: (readonly G2[])[] = [own.commitments];
  let secret = own.ownShare;
  const bad: KeyholderIndex[] = [];
  for (const dealer of session.participants) {
    if (dealer === session.self) continue;
    const commitment = state.bodies[1].get(dealer) as Uint8Array;
    const deal = readDeal(session, context, dealer, commitment, state.bodies[2].get(dealer) as Uint8Array);
    if (deal === undefined) {
      bad.push(dealer);
      continue;
    }
    deals.push(deal.commitments);
    secret = Fr.add(secret, deal.share);
  }
  if (bad.length > 0) return { kind: "bad", dealers: bad };
  const sums = Array.from({ length: session.threshold }, (_, k) =>
    deals.reduce((sum, commitments) => sum.add(commitments[k] as G2), G2_ZERO),
  );
  // A sum that is the identity, or a zero share, takes a chance of 2^-255; encoding and parsing refuse them.
  const master: MasterKey = {
    threshold: session.threshold,
    mpk: encodeG2(sums[0] as G2),
    verifyingShares: new Map(
      session.participants.map((index) => [index, encodeG2(evaluateInExponent(sums, index))]),
    ),
  };
  const share = { keyholder: session.self, secret: encodeScalar(secret) };
  return { kind: "good", key: { share, master, transcript: transcriptOf(state) } };
}

/** DKG-5: all that was said in rounds 1 and 2; equal transcripts mean equal keys. */
function transcriptOf({ session, context, bodies }: DkgRunning): Uint8Array {
  return sha256(
    transcript(
      "dkg-transcript",
      context,
      ...session.participants.map((index) =>
        concat(bodies[1].get(index) as Uint8Array, sha256(bodies[2].get(index) as Uint8Array)),
      ),
    ),
  );
}

function conclude(state: DkgRunning & Key): DkgStep {
  const disputed: KeyholderIndex[] = [];
  let differs = false;
  for (const index of state.session.participants) {
    const body = state.bodies[3].get(index) as Uint8Array;
    if (body[0] === COMPLAINT) disputed.push(index, ...accused(state.session, body));
    else if (!equalBytes(body, confirmation(state.transcript))) differs = true;
  }
  if (disputed.length > 0) return abort(state, disputed, "disputed");
  if (differs) return abort(state, [], "transcripts-differ");
  const { share, master, transcript } = state;
  return { state: { kind: "done", share, master, transcript, published: dkgPublished(state) }, effects: [] };
}

const CONFIRMATION = 0;
const COMPLAINT = 1;

function confirmation(transcript: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(CONFIRMATION), transcript);
}

/** DKG-6: u8 1 ‖ opaque<u8> dealers, ascending. */
function complaint(dealers: readonly KeyholderIndex[]): Uint8Array {
  return new Writer().uint(COMPLAINT, 1).opaque(Uint8Array.from(dealers), 1).finish();
}

function accused(session: DkgSession, body: Uint8Array): KeyholderIndex[] {
  return session.participants.filter((index) => body.subarray(2).includes(index));
}

function wellFormed(session: DkgSession, round: DkgRound, from: KeyholderIndex, body: Uint8Array): boolean {
  if (round === 1) return body.length === 32;
  if (round === 2) return body.length === dealLength(session);
  if (body[0] === CONFIRMATION) return body.length === 33;
  const dealers = accused(session, body).filter((dealer) => dealer !== from);
  return body[0] === COMPLAINT && dealers.length > 0 && equalBytes(body, complaint(dealers));
}

/** A running state as bytes: seed and messages, from which {@link parseDkgState} computes the rest again. Secret. */
export function formatDkgState(state: DkgRunning): Uint8Array {
  const writer = new Writer().uint(1, 1).fixed(state.context, 32).fixed(state.seed, 32);
  for (const round of ROUNDS) {
    for (const [from, body] of state.bodies[round]) {
      if (from !== state.session.self) writer.uint(round, 1).uint(from, 1).opaque(body, 4);
    }
  }
  return writer.finish();
}

/**
 * Inverse of {@link formatDkgState} under the session that it was made in. Throws QuorumError "state-invalid" for
 * another session's state, EncodingError for truncated bytes. Publish {@link dkgPublished} again afterwards.
 */
export function parseDkgState(bytes: Uint8Array, session: DkgSession): DkgState {
  const reader = new Reader(bytes);
  if (reader.uint(1) !== 1) throw new QuorumError("state-invalid", "version");
  if (!equalBytes(reader.fixed(32), sessionContext(session)))
    throw new QuorumError("state-invalid", "session");
  let { state } = startFrom(session, reader.fixed(32));
  while (reader.remaining > 0) {
    const round = ROUNDS[reader.uint(1) - 1];
    const index = reader.uint(1);
    const sender = session.participants.find((participant) => participant === index);
    if (round === undefined || sender === undefined) throw new QuorumError("state-invalid", "message");
    const body = reader.opaque(4, 1 << 20);
    ({ state } = dkgStep(state, { kind: "message", round, from: sender, body }));
  }
  return state;
}
