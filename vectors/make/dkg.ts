// Key generation and resharing (spec/quorum.md, DKG): an honest run, one with faults, and a resharing of the first.
import { hex, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import { sessionContext } from "../../packages/quorum/src/dkg-session.ts";
import type { DkgEvent, DkgSession, DkgState, KeyShare } from "../../packages/quorum/src/index.ts";
import { type Interference, runLog, sessionOf } from "../../packages/quorum/test/ceremony-log.ts";
import { digest, flip } from "../../packages/quorum/test/dealer.ts";

const seedOf = (self: number) => digest(`vector dealer ${self}`);

export function make(): unknown {
  const pair = sessionOf("vector", 2, [1, 2, 4], { origin: { kind: "new", keys: 2 } });
  const honest = runLog(pair, { seedOf });
  const held = sharesOf(honest.states);
  const first = honest.states.get(0);
  if (first?.kind !== "agreed") throw new Error("an honest run ends with keys");
  const four = sessionOf("faults", 2, [1, 2, 3, 4]);
  // 2 deals a wrong box to 3 and does not answer; 4 complains of 1 without cause; 3 says two things in round 3.
  const say: Interference["say"] = (message) => {
    const { round, from, body } = message;
    if (round === 2 && from === 2)
      return [{ ...message, body: flip(body, 8 * (2 * 96 + 128 + 1200 + 1160)) }];
    if (round === 3 && from === 3) return [message, { ...message, body: Uint8Array.of(0) }];
    if (round === 3 && from === 4) return [{ ...message, body: Uint8Array.of(1, 1) }];
    if (round === 4 && from === 2) return [];
    return [message];
  };
  const wider = sessionOf("reshared", 3, [1, 2, 4, 5, 6], {
    dealers: [1, 2, 4],
    origin: { kind: "reshare", masters: first.outcome.masters },
  });
  return {
    description:
      "Key generation (spec/quorum.md, DKG): sessions, seeds (32 bytes), the log in its order, and what everybody comes to; hex. " +
      "A session with `reshares` starts from the keys and shares of the run of that name",
    runs: [
      describe("honest", pair, honest),
      describe("faults", four, runLog(four, { seedOf, say })),
      { ...describe("reshared", wider, runLog(wider, { seedOf, held })), reshares: "honest" },
    ],
  };
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

function describe(
  name: string,
  session: DkgSession,
  { states, log }: { readonly states: ReadonlyMap<number, DkgState>; readonly log: readonly DkgEvent[] },
) {
  const end = states.get(0);
  if (end?.kind !== "agreed") throw new Error(`${name}: no end`);
  const { outcome, named, confirmed } = end;
  return {
    name,
    session: hex(session.session),
    dealers: session.dealers,
    receivers: session.receivers,
    threshold: session.threshold,
    keys: session.origin.kind === "new" ? session.origin.keys : session.origin.masters.length,
    context: hex(sessionContext(session)),
    seeds: [...states.keys()]
      .filter((self) => self > 0)
      .map((self) => ({ keyholder: self, seed: hex(seedOf(self)) })),
    log: log.map((event) => ({
      round: event.round,
      from: event.from,
      body: event.kind === "message" ? hex(event.body) : null,
    })),
    named,
    qualified: outcome.qualified,
    confirmed,
    transcript: hex(outcome.transcript),
    masters: outcome.masters.map(({ mpk, verifyingShares }) => ({
      mpk: hex(mpk),
      verifyingShares: [...verifyingShares].map(([keyholder, share]) => ({ keyholder, share: hex(share) })),
    })),
    shares: [...sharesOf(states)].map(([keyholder, shares]) => ({
      keyholder,
      secrets: shares.map(({ secret }) => hex(secret)),
    })),
  };
}
