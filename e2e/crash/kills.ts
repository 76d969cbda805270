// Which process dies in which phase, and when: everything that a run of the crash harness leaves to chance follows from
// one number.

/** A small generator of known quality (mulberry32): the same seed gives the same choices for ever. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SERVERS = ["server", "postgres"] as const;
const KEYHOLDERS = ["keyholder-1", "keyholder-2", "keyholder-3", "keyholder-4", "keyholder-5"] as const;
const WITNESSES = ["witness-1", "witness-2"] as const;

/** Who takes part in a phase, and may be killed in it. */
const PHASES = {
  ceremony: [...KEYHOLDERS, ...SERVERS, ...WITNESSES],
  send: ["member", "member", ...SERVERS],
  commit: ["member", "member", ...SERVERS, ...WITNESSES],
  log: [...SERVERS, ...WITNESSES, "keyholder-1"],
  intent: ["keyholder-1", "keyholder-2", "keyholder-3", ...SERVERS, "witness-1"],
  release: ["keyholder-1", "keyholder-2", "keyholder-3", ...SERVERS, "witness-2"],
  notice: [...KEYHOLDERS, "member", "member", ...SERVERS, ...WITNESSES],
} as const;

export type Phase = keyof typeof PHASES;
export type Victim = (typeof PHASES)[Phase][number];
export type Kill = {
  readonly phase: Phase;
  readonly victim: Victim;
  /** 0 at the beginning of the phase, 1 where its end is expected. */
  readonly moment: number;
};

export const PHASE_NAMES = Object.keys(PHASES) as Phase[];

/** So many kills, every phase equally often, in an order and at moments that only the seed decides. */
export function planKills(seed: number, count: number): Kill[] {
  const random = chance(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const phases = Array.from({ length: count }, (_, i) => PHASE_NAMES[i % PHASE_NAMES.length] as Phase);
  for (let i = phases.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [phases[i], phases[j]] = [phases[j] as Phase, phases[i] as Phase];
  }
  return phases.map((phase) => {
    return { phase, victim: pick<Victim>(PHASES[phase]), moment: random() };
  });
}
