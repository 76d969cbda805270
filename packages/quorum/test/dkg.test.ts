import { concat, hex, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import { beforeAll, describe, expect, test } from "vitest";
import { formatAnswer, makeOwnPart, parseCheck, parseJoin, readDeal } from "../src/dkg-deal.ts";
import { sessionContext } from "../src/dkg-session.ts";
import {
  checkKeyShare,
  checkMasterKey,
  combinePartials,
  type DkgAgreed,
  type DkgEvent,
  type DkgSession,
  type DkgState,
  dkgDue,
  dkgMissing,
  dkgRound,
  dkgStart,
  dkgStep,
  type KeyShare,
  type MasterKey,
  partialRelease,
  requesterPoint,
  verifyLabelKey,
} from "../src/index.ts";
import { encodeG2, P2 } from "../src/points.ts";
import { type Interference, type Message, runLog, sessionOf } from "./ceremony-log.ts";
import { at, digest, flip, seeded } from "./dealer.ts";

const [one, two, three, four] = [1, 2, 3, 4].map(keyholderIndex) as [
  KeyholderIndex,
  KeyholderIndex,
  KeyholderIndex,
  KeyholderIndex,
];
const refused = (call: () => unknown, code: string) =>
  expect(call).toThrowError(expect.objectContaining({ name: "QuorumError", code }));

function agreed(state: DkgState | undefined): DkgAgreed {
  expect(state).toMatchObject({ kind: "agreed" });
  return state as DkgAgreed;
}

/** All end alike: what everybody has in common, once. */
function commonEnd(states: ReadonlyMap<number, DkgState>) {
  const ends = [...states.values()].map((state) => {
    if (state.kind === "aborted") return { kind: state.kind, reason: state.reason, named: state.named };
    const { outcome, named, confirmed } = agreed(state);
    const { qualified, masters, transcript } = outcome;
    return { kind: "agreed" as const, qualified, masters, transcript, named, confirmed };
  });
  for (const end of ends) expect(end).toEqual(ends[0]);
  return at(ends, 0);
}

function namesOf(end: { readonly named: DkgAgreed["named"] }): string[] {
  return end.named.map(({ keyholder, fault, round }) => `${keyholder} ${fault} ${round}`);
}

function sharesOf(states: ReadonlyMap<number, DkgState>): Map<KeyholderIndex, readonly KeyShare[]> {
  return new Map(
    [...states].flatMap(([self, state]) =>
      state.kind === "agreed" && state.outcome.shares !== null
        ? [[keyholderIndex(self), state.outcome.shares] as const]
        : [],
    ),
  );
}

/** Opens a label with these shares: whether they make the key of `master`, by REL-5. */
function opens(master: MasterKey, shares: readonly KeyShare[]): boolean {
  const random = seeded("after the ceremony");
  const label = random(121);
  const requester = requesterPoint(random, digest("warrant"));
  const release = { mpk: master.mpk, label, requester: requester.point };
  const result = combinePartials({
    master,
    label,
    requester: requester.point,
    requesterSecret: requester.secret,
    partials: new Map(
      shares.map((share) => [share.keyholder, partialRelease({ share, ...release, random })]),
    ),
  });
  return result.kind === "combined" && verifyLabelKey({ mpk: master.mpk, label, labelKey: result.labelKey });
}

/** In place of what one says in one round. */
function instead(
  from: KeyholderIndex,
  round: number,
  change: (message: Message) => readonly DkgEvent[],
): NonNullable<Interference["say"]> {
  return (message) => (message.from === from && message.round === round ? change(message) : [message]);
}

const five = sessionOf("honest", 3, [1, 2, 3, 4, 5], { origin: { kind: "new", keys: 2 } });

describe("an honest run", () => {
  const { states, log } = runLog(five);
  const end = commonEnd(states);
  const { outcome } = agreed(states.get(1));
  const [access, notice] = outcome.masters as [MasterKey, MasterKey];

  test("DKG-9: all, and whoever watches, come to the same keys; each holds its own shares; nobody is named", () => {
    expect(namesOf(end)).toEqual([]);
    expect(end).toMatchObject({ qualified: [1, 2, 3, 4, 5], confirmed: [1, 2, 3, 4, 5] });
    expect(agreed(states.get(0)).outcome.shares).toBeNull();
    for (const [self, shares] of sharesOf(states)) {
      expect(shares.map(({ keyholder }) => keyholder)).toEqual([self, self]);
      checkKeyShare(at(shares, 0), access);
      checkKeyShare(at(shares, 1), notice);
    }
    for (const master of [access, notice]) {
      checkMasterKey(master);
      expect([master.threshold, ...master.verifyingShares.keys()]).toEqual([3, 1, 2, 3, 4, 5]);
    }
  });

  test("DKG-1: keys of one run have nothing to do with each other", () => {
    expect(hex(access.mpk)).not.toBe(hex(notice.mpk));
    const shares = [...sharesOf(states).values()];
    expect(
      opens(
        access,
        [0, 1, 2].map((i) => at(at(shares, i), 0)),
      ),
    ).toBe(true);
    expect(
      opens(
        access,
        [0, 1, 2].map((i) => at(at(shares, i), 1)),
      ),
    ).toBe(false);
    expect(
      opens(
        access,
        [0, 1].map((i) => at(at(shares, i), 0)),
      ),
    ).toBe(false);
  });

  test("DKG-3 to DKG-6: three messages of each; a deal of 3 of 5 for two keys has 5760 bytes", () => {
    expect(log.map((event) => [event.round, event.kind === "message" && event.body.length])).toEqual([
      ...Array.from({ length: 5 }, () => [1, 1216 + 32]),
      ...Array.from({ length: 5 }, () => [2, 2 * (3 * 96 + 128) + 4 * (1168 + 64)]),
      ...Array.from({ length: 5 }, () => [3, 1]),
    ]);
  });

  test("DKG-2, DKG-8: who reads the same log again from its own seed comes to the same end, with repetitions and strays in it", () => {
    const stray = { kind: "message", round: 4, from: one, body: new Uint8Array(5) } as const;
    const early = { ...(log.find(({ round }) => round === 2) as Message), round: 2 };
    const noisy = [early, ...log.flatMap((event) => [event, event, stray])];
    let state = dkgStart(five, { self: two, seed: digest("dealer 2"), shares: null });
    for (const event of noisy) state = dkgStep(state, event);
    expect(state).toEqual(states.get(2));
  });
});

describe("traitors", () => {
  const pair = sessionOf("pair", 2, [1, 2, 3, 4]);
  const context = sessionContext(pair);
  const secondOwn = makeOwnPart(pair, context, two, digest("dealer 2"), null);
  const otherOwn = makeOwnPart(pair, context, two, digest("second thoughts"), null);
  /** `two` deals this instead; its commitment of round 1 is what it was. */
  const dealing = (forge: (body: Uint8Array) => Uint8Array) =>
    instead(two, 2, (message) => [{ ...message, body: forge(message.body) }]);
  const HEAD = 2 * 96 + 128;
  const BOX = 1200;

  test("DKG-8: who does not join is absent; the others go on without it when t of them close the round, and not before", () => {
    const say = instead(two, 1, () => []);
    const stalled = runLog(pair, { say, closers: [1] });
    expect(dkgRound(stalled.states.get(1) as DkgState)).toBe(1);
    expect(dkgMissing(stalled.states.get(1) as DkgState)).toEqual([2]);
    const { states } = runLog(pair, { say });
    const end = commonEnd(states);
    expect(namesOf(end)).toEqual(["2 absent 1"]);
    expect(end).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 3, 4] });
    // Its verifying share is there, and nobody has the share.
    expect(agreed(states.get(1)).outcome.masters[0]?.verifyingShares.size).toBe(4);
    expect([...sharesOf(states).keys()]).toEqual([1, 3, 4]);
  });

  test("DKG-8: who commits and does not deal is named and excluded, and receives its share all the same", () => {
    const { states } = runLog(pair, { say: instead(two, 2, () => []) });
    expect(commonEnd(states)).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 2, 3, 4] });
    expect(namesOf(commonEnd(states))).toEqual(["2 silent 2"]);
    const [share] = sharesOf(states).get(two) as readonly KeyShare[];
    checkKeyShare(share as KeyShare, agreed(states.get(2)).outcome.masters[0] as MasterKey);
  });

  test("DKG-8: who comes after its round was closed is not heard", () => {
    const late: DkgEvent[] = [];
    const { states, log } = runLog(pair, {
      say: instead(two, 2, (message) => {
        late.push(message);
        return [];
      }),
    });
    let again = dkgStart(pair, null);
    for (const event of log) {
      again = dkgStep(again, event);
      if (event.kind === "close") again = late.reduce(dkgStep, again);
    }
    // The first request to close does not close yet: what comes then still counts.
    expect(agreed(again).outcome.qualified).toEqual([1, 2, 3, 4]);
    const closed = log.findLastIndex(({ kind }) => kind === "close");
    again = dkgStart(pair, null);
    for (const [i, event] of log.entries()) {
      again = dkgStep(again, event);
      if (i === closed) again = late.reduce(dkgStep, again);
    }
    expect(again).toEqual(states.get(0));
  });

  test("DKG-5: a deal other than the one committed to is seen by all; its dealer is named and excluded", () => {
    const { states } = runLog(pair, {
      say: dealing((body) => concat(otherOwn.dealing?.head as Uint8Array, body.subarray(HEAD))),
    });
    const end = commonEnd(states);
    expect(namesOf(end)).toEqual(["2 bad-deal 2"]);
    expect(end).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 2, 3, 4] });
  });

  test("DKG-6, DKG-7: a wrong box that nobody answers for excludes its dealer", () => {
    const badBox = dealing((body) => flip(body, 8 * (HEAD + BOX + 1160)));
    const { states, log } = runLog(pair, {
      say: (message) => (message.round === 4 ? [] : badBox(message)),
    });
    const complaints = log.filter((event): event is Message => event.kind === "message" && event.round === 3);
    // 1, 3, 4 receive from 2 in this order: the second box is 3's.
    expect(complaints.map(({ from, body }) => [from, hex(body)])).toEqual([
      [1, "00"],
      [2, "00"],
      [3, "0102"],
      [4, "00"],
    ]);
    const end = commonEnd(states);
    expect(namesOf(end)).toEqual(["2 unanswered 4"]);
    expect(end).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 2, 3, 4] });
  });

  test("DKG-7: the right share does not excuse a box that was wrong", () => {
    const { states } = runLog(pair, { say: dealing((body) => flip(body, 8 * (HEAD + BOX + 1160))) });
    expect(namesOf(commonEnd(states))).toEqual(["2 bad-deal 4"]);
    expect(commonEnd(states)).toMatchObject({ qualified: [1, 3, 4] });
  });

  test("DKG-7: an answer with another share, another seed or another length does not hold", () => {
    const say =
      (change: (body: Uint8Array) => Uint8Array): Interference["say"] =>
      (message) => {
        if (message.round === 3 && message.from === four) return [{ ...message, body: Uint8Array.of(1, 2) }];
        if (message.round === 4) return [{ ...message, body: change(message.body) }];
        return [message];
      };
    const { states, log } = runLog(pair, { say: say((body) => body) as NonNullable<Interference["say"]> });
    // Unchanged, it refutes the complaint: the complainer is named, the dealer stays, and all have their shares.
    expect(namesOf(commonEnd(states))).toEqual(["4 false-complaint 4"]);
    expect(commonEnd(states)).toMatchObject({ qualified: [1, 2, 3, 4] });
    expect(sharesOf(states).size).toBe(4);
    expect(agreed(states.get(1)).undisputed).toBe(false);
    const before = log.slice(0, -1).reduce(dkgStep, dkgStart(pair, null));
    const answer = log.at(-1) as Message;
    expect(hex(answer.body)).toBe(hex(formatAnswer(secondOwn, [four])));
    for (const body of [
      flip(answer.body, 200),
      flip(answer.body, 8 * 40),
      answer.body.subarray(1),
      new Uint8Array(),
    ]) {
      expect(namesOf(agreed(dkgStep(before, { ...answer, body })))).toEqual(["2 bad-deal 4"]);
    }
  });

  test("DKG-8: two different commitments, and two different deals, exclude who made them; two different checks name it", () => {
    const twice = (round: number) =>
      runLog(pair, {
        say: instead(two, round, (message) => {
          const body = round === 3 ? Uint8Array.of(1, 4) : flip(message.body, 8 * message.body.length - 1);
          return [message, { ...message, body }, { ...message, body: flip(body, 0) }];
        }),
      });
    const commitments = commonEnd(twice(1).states);
    expect(namesOf(commitments)).toEqual(["2 equivocation 1"]);
    expect(commitments).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 2, 3, 4] });
    const deals = commonEnd(twice(2).states);
    expect(namesOf(deals)).toEqual(["2 equivocation 2"]);
    expect(deals).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 2, 3, 4] });
    const checks = commonEnd(twice(3).states);
    expect(namesOf(checks)).toEqual(["2 equivocation 3"]);
    expect(checks).toMatchObject({ qualified: [1, 2, 3, 4], confirmed: [1, 2, 3, 4] });
  });

  test("DKG-3, DKG-6: what is out of form names its sender, who counts as absent", () => {
    const join = runLog(pair, {
      say: instead(two, 1, (message) => [{ ...message, body: message.body.subarray(1) }]),
    });
    expect(namesOf(commonEnd(join.states))).toEqual(["2 malformed 1"]);
    expect(commonEnd(join.states)).toMatchObject({ qualified: [1, 3, 4], confirmed: [1, 3, 4] });
    const check = runLog(pair, {
      say: instead(two, 3, (message) => [{ ...message, body: Uint8Array.of(2, 3, 1) }]),
    });
    expect(namesOf(commonEnd(check.states))).toEqual(["2 malformed 3"]);
    expect(commonEnd(check.states)).toMatchObject({ qualified: [1, 2, 3, 4], confirmed: [1, 3, 4] });
  });

  test("DKG-8: below t qualified dealers, or joined receivers, it aborts and names all", () => {
    const only = (round: number, fine: number[]): Interference => ({
      say: (message) => (message.round !== round || fine.includes(message.from) ? [message] : []),
    });
    expect(commonEnd(runLog(pair, only(2, [3])).states)).toEqual({
      kind: "aborted",
      reason: "too-few-dealers",
      named: [1, 2, 4].map((keyholder) => ({ keyholder, fault: "silent", round: 2 })),
    });
    expect(commonEnd(runLog(pair, only(1, [3])).states)).toMatchObject({ reason: "too-few-receivers" });
    expect(commonEnd(runLog(pair, only(2, [3, 4])).states)).toMatchObject({ qualified: [3, 4] });
  });

  test("DKG-9: a message under one's own name that one did not send leaves one without a share, and says so by having none", () => {
    const { states } = runLog(pair, {
      // Another deal than the one that 2 made, committed to from the start: somebody has its signing key.
      say: (message) => {
        if (message.from !== two || message.round > 2) return [message];
        const other = runLog(pair, {
          seedOf: (self) => digest(self === two ? "second thoughts" : `dealer ${self}`),
        });
        return other.log.filter(({ from, round }) => from === two && round === message.round);
      },
    });
    expect(commonEnd(states)).toMatchObject({ qualified: [1, 2, 3, 4] });
    expect([...sharesOf(states).keys()]).toEqual([1, 3, 4]);
  });

  test("DKG-8: an outsider's request and one's second count for nothing; rounds that are not open neither", () => {
    let state = dkgStart(pair, null);
    for (const from of [9, 1, 1])
      state = dkgStep(state, { kind: "close", round: 1, from: keyholderIndex(from) });
    state = dkgStep(state, { kind: "close", round: 2, from: three });
    expect(dkgRound(state)).toBe(1);
    expect(
      dkgStep(state, { kind: "message", round: 1, from: keyholderIndex(9), body: new Uint8Array() }),
    ).toBe(state);
  });

  describe("DKG-5: a deal", () => {
    const { log } = runLog(pair);
    const body = (from: number, round: number) =>
      (
        log.find(
          (event) => event.kind === "message" && event.from === from && event.round === round,
        ) as Message
      ).body;
    const receivers = new Map(
      [1, 2, 3, 4].map((i) => [
        keyholderIndex(i),
        parseJoin(pair, keyholderIndex(i), body(i, 1))?.key as Uint8Array,
      ]),
    );
    const commitment = parseJoin(pair, two, body(2, 1))?.commitment as Uint8Array;
    const deal = body(2, 2);
    const read = (dealer: KeyholderIndex, bytes: Uint8Array, committed = commitment) =>
      readDeal(pair, context, dealer, committed, receivers, bytes);
    /** Committed to as it is, so that nothing else is wrong. */
    const committing = (bytes: Uint8Array) => {
      const fake = {
        ...secondOwn,
        dealing: { ...secondOwn.dealing, head: bytes.subarray(0, HEAD) },
      } as typeof secondOwn;
      const { body: join } = dkgDue({ ...(dkgStart(pair, null) as object), own: fake } as DkgState) as {
        body: Uint8Array;
      };
      return join.subarray(1216);
    };
    const splice = (start: number, bytes: Uint8Array) =>
      concat(deal.subarray(0, start), bytes, deal.subarray(start + bytes.length));

    test("that is right is read", () => expect(read(two, deal)).not.toBeNull());
    test.each([
      ["a constant term without its proof", splice(0, encodeG2(P2.double()))],
      ["another's constant term and proof", splice(0, body(1, 2).subarray(0, HEAD))],
      ["the identity as a coefficient", splice(96, Uint8Array.of(0xc0, ...new Uint8Array(95)))],
      ["bytes that are no point", splice(96, new Uint8Array(96).fill(7))],
      ["an altered proof", splice(192, flip(deal.subarray(192, HEAD), 900))],
      ["a byte too many", concat(deal, Uint8Array.of(0))],
      ["a box too few", deal.subarray(0, -BOX)],
    ])("with %s is not, though committed to", (_, bytes) => {
      expect(read(two, bytes, committing(bytes))).toBeNull();
    });
    test("with other coefficients that the shares do not lie on is read, and complained of by all", () => {
      const bytes = splice(96, encodeG2(P2));
      expect(read(two, bytes, committing(bytes))).not.toBeNull();
    });
    test.each([
      ["nothing", []],
      ["a complaint of nobody with a byte more", [0, 0]],
      ["of itself", [1, 2]],
      ["of an outsider", [1, 9]],
      ["in descending order", [2, 3, 1]],
      ["the same twice", [2, 3, 3]],
    ])("DKG-6: a check that says %s is out of form", (_, bytes) => {
      expect(parseCheck([one, two, three, four], two, Uint8Array.from(bytes))).toBeNull();
    });
  });
});

describe("resharing", () => {
  const first = runLog(five);
  const before = agreed(first.states.get(1)).outcome.masters as [MasterKey, MasterKey];
  const held = sharesOf(first.states);
  const origin = { kind: "reshare", masters: before } as const;
  const refresh = sessionOf("refresh", 3, [1, 2, 3, 4, 5], { origin });
  let refreshed: ReturnType<typeof runLog>;
  let old: KeyShare[];
  let fresh: KeyShare[];
  let after: MasterKey;
  beforeAll(() => {
    refreshed = runLog(refresh, { held });
    old = [...held.values()].map((shares) => at(shares, 0));
    fresh = [...sharesOf(refreshed.states).values()].map((shares) => at(shares, 0));
    after = agreed(refreshed.states.get(1)).outcome.masters[0] as MasterKey;
  });

  test("DKG-10: a refresh keeps both master keys and changes every share", () => {
    commonEnd(refreshed.states);
    const { masters } = agreed(refreshed.states.get(1)).outcome;
    for (const [key, master] of masters.entries()) {
      checkMasterKey(master);
      expect(hex(master.mpk)).toBe(hex(at(before, key).mpk));
      for (const [index, share] of master.verifyingShares) {
        expect(hex(share)).not.toBe(hex(at(before, key).verifyingShares.get(index) as Uint8Array));
      }
    }
    expect(opens(after, fresh.slice(0, 3))).toBe(true);
    expect(opens(after, fresh.slice(2))).toBe(true);
  });

  test("DKG-10: old shares are useless beside new ones: t − 1 old and one new, t − 1 new and one old, t − 1 of each", () => {
    const mixes = [
      [at(old, 0), at(old, 1), at(fresh, 2)],
      [at(fresh, 0), at(fresh, 1), at(old, 2)],
      [at(old, 0), at(old, 1), at(fresh, 2), at(fresh, 3)],
    ];
    for (const mix of mixes) {
      expect(opens(after, mix)).toBe(false);
      expect(opens(before[0], mix)).toBe(false);
    }
    for (const share of old) refused(() => checkKeyShare(share, after), "shares-inconsistent");
    // What a refresh cannot do: t shares of one generation still make the key. So they are erased, and that is logged.
    expect(opens(before[0], old.slice(0, 3))).toBe(true);
  });

  test("DKG-10: 3 of 5 becomes 4 of 7 with the same master keys; four open, three do not", () => {
    const wider = sessionOf("wider", 4, [1, 2, 3, 4, 5, 6, 7], { dealers: [1, 2, 3, 4, 5], origin });
    const { states } = runLog(wider, { held });
    const end = commonEnd(states);
    expect(end).toMatchObject({ qualified: [1, 2, 3, 4, 5], confirmed: [1, 2, 3, 4, 5, 6, 7] });
    const { masters } = agreed(states.get(7)).outcome;
    expect(masters.map(({ mpk }) => hex(mpk))).toEqual(before.map(({ mpk }) => hex(mpk)));
    const shares = [...sharesOf(states).values()].map((own) => at(own, 0));
    expect(shares.length).toBe(7);
    expect(opens(masters[0] as MasterKey, shares.slice(3))).toBe(true);
    expect(opens(masters[0] as MasterKey, shares.slice(4))).toBe(false);
  });

  test("DKG-10: a lost keyholder's place is filled without it, and its old share is useless", () => {
    const succession = sessionOf("succession", 3, [1, 2, 3, 4, 5], { dealers: [1, 3, 4, 5], origin });
    const without = new Map([...held].filter(([index]) => index !== two));
    const { states } = runLog(succession, { held: without });
    expect(commonEnd(states)).toMatchObject({ qualified: [1, 3, 4, 5], confirmed: [1, 2, 3, 4, 5] });
    const master = agreed(states.get(2)).outcome.masters[0] as MasterKey;
    expect(hex(master.mpk)).toBe(hex(before[0].mpk));
    const shares = sharesOf(states);
    const placed = [two, three, four].map((index) => at(shares.get(index) as readonly KeyShare[], 0));
    expect(opens(master, placed)).toBe(true);
    expect(opens(master, [at(held.get(two) as readonly KeyShare[], 0), ...placed.slice(1)])).toBe(false);
  });

  test("DKG-10: a constant term that is not the dealer's verifying share is a bad deal; fewer than the old t dealers abort", () => {
    const wrong = new Map(held);
    const swap = at(held.get(four) as readonly KeyShare[], 0);
    wrong.set(three, [
      { keyholder: three, secret: swap.secret },
      at(held.get(three) as readonly KeyShare[], 1),
    ]);
    const { states } = runLog(refresh, { held: wrong });
    expect(namesOf(commonEnd(states))).toEqual(["3 bad-deal 2"]);
    expect(commonEnd(states)).toMatchObject({ qualified: [1, 2, 4, 5], confirmed: [1, 2, 3, 4, 5] });
    expect(agreed(states.get(3)).outcome.masters.map(({ mpk }) => hex(mpk))).toEqual(
      before.map(({ mpk }) => hex(mpk)),
    );
    const lost = new Map([...held].filter(([index]) => index <= 2));
    const short = commonEnd(runLog(refresh, { held: lost }).states);
    expect(short).toMatchObject({ kind: "aborted", reason: "too-few-dealers" });
    expect(namesOf(short)).toEqual(["3 not-dealing 1", "4 not-dealing 1", "5 not-dealing 1"]);
  });
});

describe("sessions", () => {
  const session = sessionOf("sessions", 2, [1, 2, 3]);
  test.each<[string, Partial<DkgSession>]>([
    ["a short id", { session: new Uint8Array(31) }],
    ["descending dealers", { dealers: [two, one, three] }],
    ["a receiver twice", { receivers: [one, one, three] }],
    ["a threshold of one", { threshold: 1 }],
    ["a threshold above n", { threshold: 4 }],
    ["fewer dealers than t", { dealers: [one] }],
    ["no key", { origin: { kind: "new", keys: 0 } }],
    ["nothing to reshare", { origin: { kind: "reshare", masters: [] } }],
    [
      "a master key that is none",
      {
        origin: {
          kind: "reshare",
          masters: [{ threshold: 2, mpk: encodeG2(P2), verifyingShares: new Map() }],
        },
      },
    ],
  ])("DKG-1: %s is refused", (_, change) => {
    refused(() => dkgStart({ ...session, ...change }, null), "session-invalid");
  });

  test("DKG-1: an outsider, a short seed and another number of shares are refused", () => {
    const own = { self: one, seed: digest("seed"), shares: null };
    refused(() => dkgStart(session, { ...own, self: four }), "session-invalid");
    refused(() => dkgStart(session, { ...own, seed: new Uint8Array(31) }), "length");
    refused(() => dkgStart(session, { ...own, shares: [digest("a"), digest("b")] }), "length");
  });

  test("DKG-1: the context depends on everything that the run is about", () => {
    const contexts = [
      session,
      { ...session, session: digest("other") },
      { ...session, threshold: 3 },
      { ...session, dealers: [one, two] },
      { ...session, receivers: [one, two] },
      { ...session, origin: { kind: "new", keys: 2 } as const },
    ].map((one) => hex(sessionContext(one)));
    expect(new Set(contexts).size).toBe(6);
  });
});
