// A run of key generation over a log in memory, with a place where a test can interfere.
import { type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import {
  type DkgEvent,
  type DkgOrigin,
  type DkgSession,
  type DkgState,
  dkgDue,
  dkgRound,
  dkgStart,
  dkgStep,
  type KeyShare,
} from "../src/index.ts";
import { digest } from "./dealer.ts";

export type Message = Extract<DkgEvent, { kind: "message" }>;

export function sessionOf(
  name: string,
  threshold: number,
  indices: readonly number[],
  more: { readonly dealers?: readonly number[]; readonly origin?: DkgOrigin } = {},
): DkgSession {
  return {
    session: digest(`${name} session`),
    dealers: (more.dealers ?? indices).map(keyholderIndex),
    receivers: indices.map(keyholderIndex),
    threshold,
    origin: more.origin ?? { kind: "new", keys: 1 },
  };
}

export type Interference = {
  /** What the log shows in place of what a participant says: several events, or none. */
  readonly say?: (message: Message) => readonly DkgEvent[];
  /** Who asks to close a round that nobody goes on in. */
  readonly closers?: readonly number[];
  readonly seedOf?: (self: KeyholderIndex) => Uint8Array;
  /** Of a resharing: shares held, by keyholder, one a key. */
  readonly held?: ReadonlyMap<KeyholderIndex, readonly KeyShare[]>;
};

/** Runs until all have ended or nobody goes on. The state under index 0 belongs to who only watches. */
export function runLog(
  session: DkgSession,
  {
    say = (message) => [message],
    closers = [1, 2, 3, 4, 5],
    seedOf = (self) => digest(`dealer ${self}`),
    held,
  }: Interference = {},
): { states: Map<number, DkgState>; log: DkgEvent[] } {
  const participants = [...new Set([...session.dealers, ...session.receivers])].sort((a, b) => a - b);
  const states = new Map<number, DkgState>([[0, dkgStart(session, null)]]);
  for (const self of participants) {
    const shares = held?.get(self)?.map(({ secret }) => secret) ?? null;
    states.set(self, dkgStart(session, { self, seed: seedOf(self), shares }));
  }
  const log: DkgEvent[] = [];
  const append = (event: DkgEvent): void => {
    log.push(event);
    for (const [self, state] of states) states.set(self, dkgStep(state, event));
  };
  const said = new Set<string>();
  const goOn = (): boolean => {
    for (const from of participants) {
      const due = dkgDue(states.get(from) as DkgState);
      if (due === null || said.has(`${from} ${due.round}`)) continue;
      said.add(`${from} ${due.round}`);
      for (const event of say({ kind: "message", from, ...due })) append(event);
      return true;
    }
    return false;
  };
  for (;;) {
    while (goOn());
    const round = dkgRound(states.get(0) as DkgState);
    if (round === null) return { states, log };
    for (const from of participants.filter((index) => closers.includes(index))) {
      append({ kind: "close", round, from });
      if (dkgRound(states.get(0) as DkgState) !== round) break;
    }
    if (dkgRound(states.get(0) as DkgState) === round) return { states, log };
  }
}
