// Key generation and resharing over BLS12-381's G2, as a pure machine over a log: everybody is shown the same messages in
// the same order, and so everybody comes to the same end, names the same faults and makes the same key. Joint-Feldman with
// commit-then-reveal, complaints and exclusion.
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, type KeyholderIndex } from "@porchlight/encoding";
import {
  type Deal,
  formatAnswer,
  formatCheck,
  formatDeal,
  formatJoin,
  makeOwnPart,
  type OwnPart,
  openBox,
  ownShares,
  parseCheck,
  parseJoin,
  type ReceivingKeys,
  readAnswer,
  readDeal,
} from "./dkg-deal.ts";
import {
  checkSession,
  type DkgSession,
  dealersNeeded,
  keysOf,
  participantsOf,
  sessionContext,
} from "./dkg-session.ts";
import { QuorumError } from "./error.ts";
import { encodeG2, type G2, G2_ZERO } from "./points.ts";
import { encodeScalar, Fr, parseScalar, transcript } from "./scalar.ts";
import { evaluateInExponent, type KeyShare, lagrange, type MasterKey, wholeSum } from "./sharing.ts";

/** 1 join, 2 deal, 3 check, 4 answer. */
export type DkgRound = 1 | 2 | 3 | 4;

export type DkgEvent =
  /** What the log shows next; the caller has authenticated the sender. */
  | {
      readonly kind: "message";
      readonly round: number;
      readonly from: KeyholderIndex;
      readonly body: Uint8Array;
    }
  /** A participant asks not to wait for the round any longer. */
  | { readonly kind: "close"; readonly round: number; readonly from: KeyholderIndex };

/** What a participant is named for. All but the last exclude what it would have contributed (DKG-8). */
export type DkgFault =
  /** Did not join, or did not check, before the round was closed. */
  | "absent"
  /** Said two different things in one round. */
  | "equivocation"
  | "malformed"
  /** Joined without committing to a deal. */
  | "not-dealing"
  /** Committed to a deal and did not show it. */
  | "silent"
  /** The deal is not what it must be: everybody can see it, or its answer to a complaint shows it. */
  | "bad-deal"
  | "unanswered"
  /** Complained of a box that was right. */
  | "false-complaint";
export type DkgNamed = {
  readonly keyholder: KeyholderIndex;
  readonly fault: DkgFault;
  readonly round: DkgRound;
};

/** What a run makes. The same for all, but for `shares`. */
export type DkgOutcome = {
  /** Dealers whose contribution is in the key. */
  readonly qualified: readonly KeyholderIndex[];
  /** One a key. Verifying shares of every receiver of the session, also of those who did not join. */
  readonly masters: readonly MasterKey[];
  /** Of this participant, one a key; `null` for who did not join or does not receive. */
  readonly shares: readonly KeyShare[] | null;
  /** 32 bytes over all that the key follows from. */
  readonly transcript: Uint8Array;
};

type Base = {
  readonly session: DkgSession;
  readonly context: Uint8Array;
  /** Secret; `null` for who only watches. */
  readonly own: OwnPart | null;
  readonly named: readonly DkgNamed[];
  /** First message of each participant in the present round. */
  readonly spoken: ReadonlyMap<KeyholderIndex, Uint8Array>;
  readonly closers: ReadonlySet<KeyholderIndex>;
};
type Joined = {
  /** Receiving keys of those who joined and are to receive. */
  readonly receivers: ReceivingKeys;
  readonly commitments: ReadonlyMap<KeyholderIndex, Uint8Array>;
  readonly joinHash: Uint8Array;
  readonly ownDeal: Uint8Array | null;
};
type Dealt = {
  readonly deals: ReadonlyMap<KeyholderIndex, DealSeen>;
};
type DealSeen = {
  readonly deal: Deal;
  readonly hash: Uint8Array;
  /** What it gives this participant; `null` where its box is wrong, or it does not receive. */
  readonly shares: readonly bigint[] | null;
};

export type DkgRunning = Base &
  (
    | { readonly kind: "joining" }
    | ({ readonly kind: "dealing" } & Joined & Dealt)
    | ({ readonly kind: "checking"; readonly proposal: DkgOutcome } & Joined & Dealt)
    | ({
        readonly kind: "answering";
        readonly proposal: DkgOutcome;
        readonly confirmed: readonly KeyholderIndex[];
        readonly complaints: ReadonlyMap<KeyholderIndex, readonly KeyholderIndex[]>;
      } & Joined &
        Dealt)
  );
export type DkgAgreed = {
  readonly kind: "agreed";
  readonly outcome: DkgOutcome;
  readonly named: readonly DkgNamed[];
  /** Receivers that checked all deals in time. */
  readonly confirmed: readonly KeyholderIndex[];
  /** Whether nobody complained, so that the outcome is what it was when round 3 began. */
  readonly undisputed: boolean;
};
export type DkgAborted = {
  readonly kind: "aborted";
  readonly reason: "too-few-dealers" | "too-few-receivers";
  readonly named: readonly DkgNamed[];
};
export type DkgState = DkgRunning | DkgAgreed | DkgAborted;

/** A participant's own secrets: a random seed of 32 bytes and, in a resharing, the shares that it deals out. */
export type DkgOwn = {
  readonly self: KeyholderIndex;
  readonly seed: Uint8Array;
  /** One a key, 32 bytes; `null` for new keys, and where the shares are lost. */
  readonly shares: readonly Uint8Array[] | null;
};

const ROUND_OF = { joining: 1, dealing: 2, checking: 3, answering: 4 } as const;

/** Opens a run; `own` is null for who only watches. Throws QuorumError "session-invalid", "length". */
export function dkgStart(session: DkgSession, own: DkgOwn | null): DkgState {
  checkSession(session);
  const context = sessionContext(session);
  const base = { session, context, named: [], spoken: new Map(), closers: new Set<KeyholderIndex>() };
  if (own === null) return { ...base, kind: "joining", own };
  const { self, seed, shares } = own;
  if (seed.length !== 32) throw new QuorumError("length", "seed");
  if (!participantsOf(session).includes(self)) throw new QuorumError("session-invalid", "self");
  if (shares !== null && shares.length !== keysOf(session.origin)) throw new QuorumError("length", "shares");
  const secrets = shares?.map((share) => parseScalar(share, "share")) ?? null;
  return { ...base, kind: "joining", own: makeOwnPart(session, context, self, seed, secrets) };
}

/** The round that is open, `null` when the run has ended. */
export function dkgRound(state: DkgState): DkgRound | null {
  return state.kind === "agreed" || state.kind === "aborted" ? null : ROUND_OF[state.kind];
}

/** Whom the open round waits for. */
export function dkgMissing(state: DkgState): KeyholderIndex[] {
  if (state.kind === "agreed" || state.kind === "aborted") return [];
  return expected(state).filter((index) => !state.spoken.has(index));
}

/** What this participant has to say next, `null` where it has nothing to say in this round. */
export function dkgDue(state: DkgState): { readonly round: DkgRound; readonly body: Uint8Array } | null {
  if (state.kind === "agreed" || state.kind === "aborted" || state.own === null) return null;
  const { own } = state;
  if (state.spoken.has(own.self) || !expected(state).includes(own.self)) return null;
  const round = ROUND_OF[state.kind];
  switch (state.kind) {
    case "joining":
      return { round, body: formatJoin(state.context, own) };
    case "dealing":
      return state.ownDeal === null ? null : { round, body: state.ownDeal };
    case "checking": {
      const wrong = [...state.deals].filter(([dealer, { shares }]) => dealer !== own.self && shares === null);
      return { round, body: formatCheck(wrong.map(([dealer]) => dealer)) };
    }
    case "answering":
      return { round, body: formatAnswer(own, state.complaints.get(own.self) ?? []) };
  }
}

/**
 * Takes what the log shows next. What comes in another round than the open one, from who has nothing to say in it, or
 * again, changes nothing. Never throws for what others say.
 */
export function dkgStep(state: DkgState, event: DkgEvent): DkgState {
  if (state.kind === "agreed" || state.kind === "aborted" || event.round !== ROUND_OF[state.kind])
    return state;
  const { from } = event;
  if (event.kind === "close") {
    if (!participantsOf(state.session).includes(from) || state.closers.has(from)) return state;
    const closers = new Set([...state.closers, from]);
    const { threshold } = state.session;
    const enough = Math.max(threshold, dealersNeeded(state.session));
    return closers.size >= enough ? endRound({ ...state, closers }) : { ...state, closers };
  }
  if (!expected(state).includes(from)) return state;
  const before = state.spoken.get(from);
  if (before !== undefined) {
    const known = equalBytes(before, event.body) || isNamed(state, from, "equivocation");
    return known ? state : withoutDeal(name(state, from, "equivocation"), from);
  }
  const said = { ...state, spoken: new Map([...state.spoken, [from, event.body.slice()]]) };
  const heard = hear(said, from, event.body);
  return expected(heard).every((index) => heard.spoken.has(index)) ? endRound(heard) : heard;
}

/** Whose message the open round needs. */
function expected(state: DkgRunning): readonly KeyholderIndex[] {
  switch (state.kind) {
    case "joining":
      return participantsOf(state.session);
    case "dealing":
      return ascending(state.commitments.keys());
    case "checking":
      return ascending(state.receivers.keys());
    case "answering":
      return ascending(state.complaints.keys());
  }
}

function hear(state: DkgRunning, from: KeyholderIndex, body: Uint8Array): DkgRunning {
  const { session } = state;
  switch (state.kind) {
    case "joining":
      return parseJoin(session, from, body) === null ? name(state, from, "malformed") : state;
    case "dealing": {
      const seen = see(state, from, body);
      return seen === null
        ? name(state, from, "bad-deal")
        : { ...state, deals: new Map([...state.deals, [from, seen]]) };
    }
    case "checking": {
      const dealers = ascending(state.deals.keys());
      return parseCheck(dealers, from, body) === null ? name(state, from, "malformed") : state;
    }
    case "answering":
      return state;
  }
}

/** Reads a deal; one's own, if it is what one said, needs no proof. */
function see(
  state: Extract<DkgRunning, { kind: "dealing" }>,
  dealer: KeyholderIndex,
  body: Uint8Array,
): DealSeen | null {
  const { session, context, own, receivers } = state;
  const commitment = state.commitments.get(dealer) as Uint8Array;
  const deal = readDeal(session, context, dealer, commitment, receivers, body);
  if (deal === null) return null;
  const hash = sha256(body);
  if (own === null || !receivers.has(own.self)) return { deal, hash, shares: null };
  if (dealer !== own.self) return { deal, hash, shares: openBox(context, dealer, deal, own) };
  // Another deal under one's own name: somebody has the signing key. Nothing in it is for oneself.
  const isOwn = state.ownDeal !== null && equalBytes(state.ownDeal, body);
  return { deal, hash, shares: isOwn ? ownShares(own, own.self) : null };
}

function endRound(state: DkgRunning): DkgState {
  switch (state.kind) {
    case "joining":
      return endJoining(state);
    case "dealing":
      return endDealing(state);
    case "checking":
      return endChecking(state);
    case "answering":
      return endAnswering(state);
  }
}

function endJoining(state: Extract<DkgRunning, { kind: "joining" }>): DkgState {
  const { session, context, own } = state;
  let ended: DkgRunning = nameMissing(state, "absent");
  const receivers = new Map<KeyholderIndex, Uint8Array>();
  const commitments = new Map<KeyholderIndex, Uint8Array>();
  const joins: Uint8Array[] = [];
  for (const from of participantsOf(session)) {
    const body = state.spoken.get(from);
    const join = body === undefined ? null : parseJoin(session, from, body);
    if (body === undefined || join === null) continue;
    joins.push(concat(Uint8Array.of(from), sha256(body)));
    if (session.receivers.includes(from)) receivers.set(from, join.key);
    if (!session.dealers.includes(from) || isNamed(state, from, "equivocation")) continue;
    if (join.commitment === null) ended = name(ended, from, "not-dealing");
    else commitments.set(from, join.commitment);
  }
  const { named } = ended;
  if (receivers.size < session.threshold) return { kind: "aborted", reason: "too-few-receivers", named };
  if (commitments.size < dealersNeeded(session)) return { kind: "aborted", reason: "too-few-dealers", named };
  const deals = own !== null && own.dealing !== null && commitments.has(own.self);
  return {
    ...nextRound(ended),
    kind: "dealing",
    receivers,
    commitments,
    joinHash: sha256(concat(...joins)),
    ownDeal: deals ? formatDeal(context, own, receivers) : null,
    deals: new Map(),
  };
}

function endDealing(state: Extract<DkgRunning, { kind: "dealing" }>): DkgState {
  const ended = nameMissing(state, "silent");
  const { session, deals, named } = ended;
  if (deals.size < dealersNeeded(session)) return { kind: "aborted", reason: "too-few-dealers", named };
  return { ...nextRound(ended), kind: "checking", proposal: conclude(ended) };
}

function endChecking(state: Extract<DkgRunning, { kind: "checking" }>): DkgState {
  const ended = nameMissing(state, "absent");
  const dealers = ascending(state.deals.keys());
  const complaints = new Map<KeyholderIndex, KeyholderIndex[]>();
  const confirmed: KeyholderIndex[] = [];
  for (const from of ascending(state.spoken.keys())) {
    const accused = parseCheck(dealers, from, state.spoken.get(from) as Uint8Array);
    if (accused === null) continue;
    confirmed.push(from);
    for (const dealer of accused) complaints.set(dealer, [...(complaints.get(dealer) ?? []), from]);
  }
  const { proposal } = state;
  if (complaints.size === 0) {
    return { kind: "agreed", outcome: proposal, named: ended.named, confirmed, undisputed: true };
  }
  return { ...nextRound(ended), kind: "answering", confirmed, complaints };
}

function endAnswering(state: Extract<DkgRunning, { kind: "answering" }>): DkgState {
  let ended: Extract<DkgRunning, { kind: "answering" }> = state;
  const deals = new Map(state.deals);
  for (const dealer of ascending(state.complaints.keys())) {
    const complainers = state.complaints.get(dealer) as KeyholderIndex[];
    const seen = state.deals.get(dealer) as DealSeen;
    const body = state.spoken.get(dealer);
    const shown =
      body === undefined
        ? null
        : readAnswer(state.context, dealer, seen.deal, state.receivers, complainers, body);
    if (shown === null) {
      ended = name(ended, dealer, body === undefined ? "unanswered" : "bad-deal");
      deals.delete(dealer);
      continue;
    }
    for (const complainer of complainers) ended = name(ended, complainer, "false-complaint");
    const own = state.own === null ? undefined : shown.get(state.own.self);
    if (own !== undefined) deals.set(dealer, { ...seen, shares: own });
  }
  const { named } = ended;
  if (deals.size < dealersNeeded(state.session)) return { kind: "aborted", reason: "too-few-dealers", named };
  const outcome = conclude({ ...ended, deals });
  return { kind: "agreed", outcome, named, confirmed: state.confirmed, undisputed: false };
}

/** DKG-9: the keys that the deals at hand make. */
function conclude(state: Base & Joined & Dealt): DkgOutcome {
  const { session, own, deals } = state;
  const qualified = ascending(deals.keys());
  const seen = qualified.map((dealer) => deals.get(dealer) as DealSeen);
  // New keys: the sum of all. Reshared ones: what the dealers' shares interpolate to.
  const { numerators, denominator } =
    session.origin.kind === "new"
      ? { numerators: qualified.map(() => 1n), denominator: 1n }
      : lagrange(qualified);
  const inverse = Fr.inv(Fr.create(denominator));
  const keys = Array.from({ length: keysOf(session.origin) }, (_, key) => key);
  const masters = keys.map((key): MasterKey => {
    const sums = Array.from({ length: session.threshold }, (_, k) => {
      const sum = wholeSum(
        G2_ZERO,
        seen.map(
          ({ deal }, i) =>
            [(deal.commitments[key] as readonly G2[])[k] as G2, numerators[i] as bigint] as const,
        ),
      );
      return inverse === 1n ? sum : sum.multiply(inverse);
    });
    return {
      threshold: session.threshold,
      // A sum that is the identity, or a zero share, takes a chance of 2^-255; encoding and parsing refuse them.
      mpk: encodeG2(sums[0] as G2),
      verifyingShares: new Map(
        session.receivers.map((index) => [index, encodeG2(evaluateInExponent(sums, index))]),
      ),
    };
  });
  const complete =
    own !== null && state.receivers.has(own.self) && seen.every(({ shares }) => shares !== null);
  const shares = !complete
    ? null
    : keys.map((key): KeyShare => {
        const sum = seen.reduce(
          (total, { shares: given }, i) =>
            Fr.add(
              total,
              Fr.mul(Fr.create(numerators[i] as bigint), (given as readonly bigint[])[key] as bigint),
            ),
          0n,
        );
        return { keyholder: own.self, secret: encodeScalar(Fr.mul(sum, inverse)) };
      });
  const parts = qualified.map((dealer, i) => concat(Uint8Array.of(dealer), (seen[i] as DealSeen).hash));
  return {
    qualified,
    masters,
    shares,
    transcript: sha256(transcript("dkg-transcript", state.context, state.joinHash, ...parts)),
  };
}

function nextRound<S extends DkgRunning>(state: S): S {
  return { ...state, spoken: new Map(), closers: new Set<KeyholderIndex>() };
}

function nameMissing<S extends DkgRunning>(state: S, fault: DkgFault): S {
  return dkgMissing(state).reduce((before, index) => name(before, index, fault), state);
}

function name<S extends DkgRunning>(state: S, keyholder: KeyholderIndex, fault: DkgFault): S {
  if (isNamed(state, keyholder, fault)) return state;
  return { ...state, named: [...state.named, { keyholder, fault, round: ROUND_OF[state.kind] }] };
}

function isNamed({ named }: DkgRunning, keyholder: KeyholderIndex, fault: DkgFault): boolean {
  return named.some((one) => one.keyholder === keyholder && one.fault === fault);
}

/** Who contradicts itself while it deals has dealt nothing. Later on its deal is everybody's already. */
function withoutDeal(state: DkgRunning, dealer: KeyholderIndex): DkgRunning {
  if (state.kind !== "dealing") return state;
  return { ...state, deals: new Map([...state.deals].filter(([index]) => index !== dealer)) };
}

function ascending(indices: Iterable<KeyholderIndex>): KeyholderIndex[] {
  return [...indices].sort((a, b) => a - b);
}
