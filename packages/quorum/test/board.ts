// A bulletin board for key generation in memory, with places where a test can interfere.
import { type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import {
  type DkgEffect,
  type DkgEvent,
  type DkgSession,
  type DkgState,
  dkgStart,
  dkgStep,
  type Random,
  xwingKeygen,
} from "../src/index.ts";
import { digest, seeded } from "./dealer.ts";

export type Message = Extract<DkgEvent, { kind: "message" }>;

export function sessionsOf(name: string, threshold: number, indices: readonly number[]): DkgSession[] {
  const participants = indices.map(keyholderIndex);
  const keys = participants.map((index) => xwingKeygen(digest(`${name} X-Wing ${index}`)));
  const encryptionKeys = new Map(
    participants.map((index, i) => [index, (keys[i] as { publicKey: Uint8Array }).publicKey]),
  );
  return participants.map((self, i) => ({
    session: digest(`${name} session`),
    participants,
    threshold,
    encryptionKeys,
    self,
    decryptionKey: (keys[i] as { secretKey: Uint8Array }).secretKey,
  }));
}

export type Interference = {
  /** What is shown to `to` in place of a message; several messages, or none, are possible. */
  readonly show?: (message: Message, to: KeyholderIndex) => readonly Message[];
  /** Which of the waiting messages comes next. */
  readonly next?: (waiting: number) => number;
  /** What becomes of a state between two events, for restarts. */
  readonly between?: (state: DkgState, session: DkgSession) => DkgState;
  readonly random?: (self: KeyholderIndex) => Random;
};

/** Runs until nothing is left to deliver; every participant sees every message, its own included. */
export function runBoard(
  sessions: readonly DkgSession[],
  { show = (message) => [message], next = () => 0, between = (state) => state, random }: Interference = {},
): { states: Map<KeyholderIndex, DkgState>; board: Message[] } {
  const states = new Map<KeyholderIndex, DkgState>();
  const board: Message[] = [];
  const waiting: { to: DkgSession; message: Message }[] = [];
  const publish = (from: KeyholderIndex, effects: readonly DkgEffect[]) => {
    for (const { round, body } of effects) {
      const message = { kind: "message", round, from, body } as const;
      board.push(message);
      for (const to of sessions) {
        for (const shown of show(message, to.self)) waiting.push({ to, message: shown });
      }
    }
  };
  for (const session of sessions) {
    const source = random?.(session.self) ?? seeded(`dealer ${session.self}`);
    const { state, effects } = dkgStart(session, source);
    states.set(session.self, state);
    publish(session.self, effects);
  }
  while (waiting.length > 0) {
    const { to, message } = waiting.splice(next(waiting.length), 1)[0] as (typeof waiting)[number];
    const before = between(states.get(to.self) as DkgState, to);
    const { state, effects } = dkgStep(before, message);
    states.set(to.self, state);
    publish(to.self, effects);
  }
  return { states, board };
}
