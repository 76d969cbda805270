import { concat, hex, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dealCommitment, makeDeal } from "../src/dkg-deal.ts";
import { sessionContext } from "../src/dkg-session.ts";
import {
  checkKeyShare,
  checkMasterKey,
  combinePartials,
  type DkgDone,
  type DkgSession,
  type DkgState,
  dkgPublished,
  dkgStart,
  dkgStep,
  formatDkgState,
  parseDkgState,
  partialRelease,
  requesterPoint,
  verifyLabelKey,
} from "../src/index.ts";
import { encodeG2, P2, parseG2 } from "../src/points.ts";
import { type Message, runBoard, sessionsOf } from "./board.ts";
import { at, digest, flip, seeded } from "./dealer.ts";

const [one, two, three] = [1, 2, 3].map(keyholderIndex) as [KeyholderIndex, KeyholderIndex, KeyholderIndex];
const pair = sessionsOf("pair", 2, [1, 2, 3]);
const refused = (call: () => unknown, code: string, name = "QuorumError") =>
  expect(call).toThrowError(expect.objectContaining({ name, code }));

function done(state: DkgState | undefined): DkgDone {
  expect(state).toMatchObject({ kind: "done" });
  return state as DkgDone;
}

/** The outcomes of the honest participants, as one value each. */
function outcomes(states: ReadonlyMap<KeyholderIndex, DkgState>, except?: KeyholderIndex): unknown[] {
  return [...states]
    .filter(([index]) => index !== except)
    .map(([, state]) =>
      state.kind === "aborted" ? { reason: state.reason, blame: state.blame } : { kind: state.kind },
    );
}

function changed(
  round: number,
  from: KeyholderIndex,
  change: (body: Uint8Array) => Uint8Array,
): (message: Message, to: KeyholderIndex) => Message[] {
  return (message, to) => [
    message.round === round && message.from === from && to !== from
      ? { ...message, body: change(message.body) }
      : message,
  ];
}

/** `two` deals `body` and commits to it in round 1, so that nothing but the deal itself is wrong. */
function badDeal(
  forge: (body: Uint8Array) => Uint8Array,
): (message: Message, to: KeyholderIndex) => Message[] {
  const session = at(pair, 1);
  const context = sessionContext(session);
  const body = forge(makeDeal(session, context, seeded("dealer 2")(32)).body);
  return (message, to) => {
    if (message.from !== two || to === two) return [message];
    if (message.round === 1) return [{ ...message, body: dealCommitment(context, two, body) }];
    if (message.round === 2) return [{ ...message, body }];
    return [message];
  };
}

describe("an honest run", () => {
  const { states, board } = runBoard(sessionsOf("honest", 3, [1, 2, 3, 4, 5]));
  const results = [...states.values()].map(done);
  const { master } = at(results, 0);

  test("DKG-4: all participants end with the same key and transcript, and each with its own share", () => {
    for (const { share, master: own, transcript } of results) {
      expect(own).toEqual(master);
      expect(transcript).toEqual(at(results, 0).transcript);
      checkKeyShare(share, own);
    }
    checkMasterKey(master);
    expect(master.threshold).toBe(3);
    expect([...master.verifyingShares.keys()]).toEqual([1, 2, 3, 4, 5]);
    expect(results.map(({ share }) => share.keyholder)).toEqual([1, 2, 3, 4, 5]);
  });

  test("DKG-3: three messages a participant; a deal of 3 of 5 has 5216 bytes", () => {
    expect(board.map(({ round, body }) => [round, body.length])).toEqual([
      ...Array.from({ length: 5 }, () => [1, 32]),
      ...Array.from({ length: 5 }, () => [2, 3 * 96 + 128 + 4 * 1200]),
      ...Array.from({ length: 5 }, () => [3, 33]),
    ]);
  });

  test("DKG-4: the generated shares release keys that three open and two do not", () => {
    const random = seeded("after the ceremony");
    const label = random(121);
    const requester = requesterPoint(random, digest("warrant"));
    const release = { mpk: master.mpk, label, requester: requester.point };
    const partials = new Map(
      results
        .slice(1, 4)
        .map(({ share }) => [share.keyholder, partialRelease({ share, ...release, random })]),
    );
    const input = { master, label, requester: requester.point, requesterSecret: requester.secret };
    const result = combinePartials({ ...input, partials });
    if (result.kind !== "combined") throw new Error("three partials are a quorum");
    expect(verifyLabelKey({ mpk: master.mpk, label, labelKey: result.labelKey })).toBe(true);
    partials.delete(two);
    expect(combinePartials({ ...input, partials })).toMatchObject({ kind: "short", have: 2 });
  });

  test("DKG-9: a finished run holds neither seed nor polynomial, and nothing changes it", () => {
    const state = at(results, 0);
    expect(Object.keys(state).sort()).toEqual(["kind", "master", "published", "share", "transcript"]);
    const late = { kind: "message", round: 1, from: two, body: new Uint8Array(32) } as const;
    expect(dkgStep(state, late)).toEqual({ state, effects: [] });
    expect(dkgStep(state, { kind: "deadline" })).toEqual({ state, effects: [] });
    expect(dkgPublished(state).map(({ body }) => hex(body))).toEqual(
      board.filter(({ from }) => from === one).map(({ body }) => hex(body)),
    );
  });

  test("DKG-1: another session id, threshold or encryption key gives an unrelated key", () => {
    const keys = [
      pair,
      pair.map((s) => ({ ...s, session: digest("again") })),
      sessionsOf("pair", 3, [1, 2, 3]),
    ].map((sessions) => hex(done(runBoard(sessions).states.get(one)).master.mpk));
    expect(new Set(keys).size).toBe(3);
  });
});

describe("orders and restarts", () => {
  const expected = done(runBoard(pair).states.get(one)).master;

  test("DKG-8: any order, with repetitions and restarts between any two events, gives the same key", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.boolean()), (picks, restarts) => {
        const { states } = runBoard(pair, {
          show: (message) => (message.round === 1 ? [message, message] : [message]),
          next: (waiting) => (picks.next().value as number) % waiting,
          between: (state, session) => {
            if (state.kind === "done" || state.kind === "aborted") return state;
            if (!restarts.next().value) return state;
            const again = parseDkgState(formatDkgState(state), session);
            expect(again).toEqual(state);
            return again;
          },
        });
        for (const state of states.values()) expect(done(state).master).toEqual(expected);
      }),
      { numRuns: 2, seed: 1 },
    );
  });

  test("DKG-8: what was published is known again after a restart", () => {
    const session = at(pair, 0);
    const { state, effects } = dkgStart(session, seeded("dealer 1"));
    if (state.kind !== "committing") throw new Error("a run starts by committing");
    expect(dkgPublished(parseDkgState(formatDkgState(state), session))).toEqual(effects);
  });

  test("DKG-8: a state of another session, version or length is refused", () => {
    const session = at(pair, 0);
    const { state } = dkgStart(session, seeded("dealer 1"));
    if (state.kind !== "committing") throw new Error("a run starts by committing");
    const bytes = formatDkgState(state);
    refused(() => parseDkgState(bytes, { ...session, session: digest("other") }), "state-invalid");
    refused(() => parseDkgState(flip(bytes, 0), session), "state-invalid");
    refused(() => parseDkgState(concat(bytes, Uint8Array.of(9, 1, 0, 0, 0, 0)), session), "state-invalid");
    refused(() => parseDkgState(concat(bytes, Uint8Array.of(1, 9, 0, 0, 0, 0)), session), "state-invalid");
    refused(() => parseDkgState(bytes.subarray(0, -1), session), "truncated", "EncodingError");
    refused(() => parseDkgState(concat(bytes, Uint8Array.of(1)), session), "truncated", "EncodingError");
  });
});

describe("bad deals", () => {
  const others = (reason: string, blame: number[]) => [
    { reason, blame },
    { reason, blame },
  ];
  const negated = encodeG2(parseG2(done(runBoard(pair).states.get(one)).master.mpk).negate());
  const splice = (start: number, bytes: Uint8Array) => (body: Uint8Array) =>
    concat(body.subarray(0, start), bytes, body.subarray(start + bytes.length));

  test.each([
    ["a constant term without its proof", splice(0, encodeG2(P2.double()))],
    ["a constant term that is the negated key", splice(0, negated)],
    ["a coefficient that the shares do not lie on", splice(96, encodeG2(P2))],
    ["the identity as a coefficient", splice(96, Uint8Array.of(0xc0, ...new Uint8Array(95)))],
    ["bytes that are no point", splice(96, new Uint8Array(96).fill(7))],
    ["an altered proof of possession", (body: Uint8Array) => flip(body, 8 * 192 + 900)],
  ])("DKG-4: %s is found by everybody, and the dealer is named", (_, forge) => {
    const { states } = runBoard(pair, { show: badDeal(forge) });
    expect(outcomes(states, two)).toEqual(others("bad-deal", [2]));
  });

  test("DKG-4: a deal other than the one committed to is found by everybody", () => {
    const { states } = runBoard(pair, { show: changed(2, two, (body) => flip(body, 8 * 100)) });
    expect(outcomes(states, two)).toEqual(others("bad-deal", [2]));
  });

  test("DKG-2: a good deal in place of the one committed to is found by everybody", () => {
    const other = makeDeal(at(pair, 1), sessionContext(at(pair, 1)), digest("second thoughts")).body;
    const { states } = runBoard(pair, { show: changed(2, two, () => other) });
    expect(outcomes(states, two)).toEqual(others("bad-deal", [2]));
  });

  test("QUO-12: a proof for the same constant term under another dealer's name is refused", () => {
    const seed = seeded("dealer 2")(32);
    const asFirst = makeDeal({ ...at(pair, 1), self: one }, sessionContext(at(pair, 1)), seed).body;
    const { states } = runBoard(pair, { show: badDeal(splice(192, asFirst.subarray(192, 320))) });
    expect(outcomes(states, two)).toEqual(others("bad-deal", [2]));
  });

  test("DKG-4: another dealer's proof and constant term cannot be taken over", () => {
    const context = sessionContext(at(pair, 0));
    const first = makeDeal(at(pair, 0), context, seeded("dealer 1")(32)).body;
    const { states } = runBoard(pair, { show: badDeal(splice(0, first.subarray(0, 320))) });
    expect(outcomes(states, two)).toEqual(others("bad-deal", [2]));
  });

  test("DKG-6: a share that only its receiver can see to be wrong ends in a complaint that names the dealer", () => {
    // The box for participant 3 is the second one; 1 is content.
    const { states, board } = runBoard(pair, {
      show: badDeal((body) => flip(body, 8 * (192 + 128 + 1200 + 1160))),
    });
    expect(states.get(three)).toMatchObject({ kind: "aborted", reason: "bad-deal", blame: [2] });
    expect(states.get(one)).toMatchObject({ kind: "aborted", reason: "disputed", blame: [2, 3] });
    const complaint = board.find(({ round, from }) => round === 3 && from === three);
    expect(hex((complaint as Message).body)).toBe("010102");
  });

  test("DKG-6: two boxes exchanged are two wrong shares", () => {
    const exchange = (body: Uint8Array) => {
      const [a, b] = [body.subarray(320, 1520), body.subarray(1520)];
      return concat(body.subarray(0, 320), b, a);
    };
    const { states } = runBoard(pair, { show: badDeal(exchange) });
    expect(outcomes(states, two)).toEqual(others("bad-deal", [2]));
  });

  test("DKG-6: a complaint without cause names the complainer too", () => {
    const { states } = runBoard(pair, { show: changed(3, two, () => Uint8Array.of(1, 1, 3)) });
    expect(outcomes(states, two)).toEqual(others("disputed", [2, 3]));
  });
});

describe("silence, junk and double talk", () => {
  test.each([1, 2, 3])("DKG-7: at the deadline of round %i those who have not spoken are named", (round) => {
    const { states } = runBoard(pair, {
      show: (message) => (message.round === round && message.from === two ? [] : [message]),
    });
    for (const index of [one, three]) {
      const { state } = dkgStep(states.get(index) as DkgState, { kind: "deadline" });
      expect(state).toMatchObject({ kind: "aborted", reason: "missing", blame: [2] });
    }
  });

  test.each([
    [1, "31 bytes", new Uint8Array(31)],
    [1, "33 bytes", new Uint8Array(33)],
    [2, "100 bytes", new Uint8Array(100)],
    [3, "nothing", new Uint8Array()],
    [3, "a short confirmation", new Uint8Array(32)],
    [3, "an unknown type", Uint8Array.of(2, ...new Uint8Array(32))],
    [3, "a complaint of nobody", Uint8Array.of(1, 0)],
    [3, "a complaint of oneself", Uint8Array.of(1, 1, 2)],
    [3, "a complaint of an outsider", Uint8Array.of(1, 1, 9)],
    [3, "a complaint in descending order", Uint8Array.of(1, 2, 3, 1)],
    [3, "a complaint with a byte more", Uint8Array.of(1, 1, 3, 0)],
  ])("DKG-3, DKG-6: a malformed message of round %i (%s) names its sender", (round, _, body) => {
    const session = at(pair, 0);
    const { state } = dkgStart(session, seeded("dealer 1"));
    const event = { kind: "message", round: round as 1 | 2 | 3, from: two, body } as const;
    expect(dkgStep(state, event).state).toMatchObject({ kind: "aborted", reason: "malformed", blame: [2] });
  });

  test.each([1, 2, 3])("DKG-7: a second, different message of round %i names its sender", (round) => {
    const { states } = runBoard(pair, {
      show: (message) => {
        if (message.round !== round || message.from !== two) return [message];
        const second = message.body.slice();
        second[second.length - 1] = (second[second.length - 1] as number) ^ 1;
        return [message, { ...message, body: second }];
      },
    });
    // Whoever has everything of round 3 is done before the contradiction comes; the rest have seen it.
    const expected = round === 3 ? ["aborted", "done"] : ["aborted"];
    for (const index of [one, three]) {
      const state = states.get(index) as DkgState;
      expect(expected).toContain(state.kind);
      if (state.kind === "aborted") expect(state).toMatchObject({ reason: "equivocation", blame: [2] });
    }
  });

  test("DKG-7: a message under one's own name that one never sent ends the run", () => {
    const { state } = dkgStart(at(pair, 0), seeded("dealer 1"));
    for (const [round, length] of [
      [1, 32],
      [2, 10],
    ] as const) {
      const event = { kind: "message", round, from: one, body: new Uint8Array(length) } as const;
      expect(dkgStep(state, event).state).toMatchObject({ reason: "equivocation", blame: [1] });
    }
  });

  test("DKG-5: different commitments shown to different participants are found by the deal or the transcript", () => {
    const session = at(pair, 1);
    const context = sessionContext(session);
    const second = makeDeal(session, context, digest("another polynomial")).body;
    const { states } = runBoard(pair, {
      show: (message, to) => {
        if (message.from !== two || to !== three || message.round === 3) return [message];
        if (message.round === 1) return [{ ...message, body: dealCommitment(context, two, second) }];
        return [{ ...message, body: second }];
      },
    });
    expect(outcomes(states)).toEqual(
      Array.from({ length: 3 }, () => ({ reason: "transcripts-differ", blame: [] })),
    );
  });

  test("DKG-7: senders outside the session and unknown rounds are refused", () => {
    const { state } = dkgStart(at(pair, 0), seeded("dealer 1"));
    const event = { kind: "message", round: 1, from: keyholderIndex(9), body: new Uint8Array(32) } as const;
    refused(() => dkgStep(state, event), "keyholder-unknown");
    refused(() => dkgStep(state, { ...event, from: two, round: 4 as 3 }), "session-invalid");
  });
});

describe("sessions", () => {
  const session = at(pair, 0);
  const key = (index: number) => session.encryptionKeys.get(keyholderIndex(index)) as Uint8Array;
  test.each<[string, Partial<DkgSession>]>([
    ["a short id", { session: new Uint8Array(31) }],
    ["descending participants", { participants: [two, one, three] }],
    ["a participant twice", { participants: [one, one, three] }],
    ["a participant without a key", { participants: [one, two, keyholderIndex(4)] }],
    ["a key too many", { participants: [one, two] }],
    ["a threshold of one", { threshold: 1 }],
    ["a threshold above n", { threshold: 4 }],
    ["an outsider", { self: keyholderIndex(4) }],
    ["another's decryption key", { self: two }],
    [
      "an unreduced encryption key",
      { encryptionKeys: new Map([...session.encryptionKeys, [two, new Uint8Array(1216).fill(255)]]) },
    ],
    [
      "a short encryption key",
      { encryptionKeys: new Map([...session.encryptionKeys, [two, key(2).subarray(1)]]) },
    ],
  ])("DKG-1: %s is refused", (_, change) => {
    refused(() => dkgStart({ ...session, ...change }, seeded("dealer 1")), "session-invalid");
  });

  test("DKG-1: the context depends on id, threshold, participants and their encryption keys, not on who looks", () => {
    const swapped = new Map([...session.encryptionKeys, [two, key(3)]]);
    const fewer = new Map([...session.encryptionKeys].slice(0, 2));
    const contexts = [
      session,
      { ...session, session: digest("other") },
      { ...session, threshold: 3 },
      { ...session, encryptionKeys: swapped },
      { ...session, participants: [one, two], encryptionKeys: fewer },
    ].map((s) => hex(sessionContext(s)));
    expect(new Set(contexts).size).toBe(5);
    expect(hex(sessionContext(at(pair, 1)))).toBe(contexts[0]);
  });

  test("DKG-2: a source of randomness that returns the wrong length is refused", () => {
    refused(() => dkgStart(session, () => new Uint8Array(31)), "length");
  });
});
