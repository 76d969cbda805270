import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Period, periodOf } from "@porchlight/encoding";
import { type Grant, makeBundle, releaseLabel, sealBundle } from "@porchlight/gate";
import { loadCurve } from "@porchlight/quorum/mcl";
import { KeyholderError } from "./error.ts";
import type { LogMemory } from "./log-memory.ts";
import type { Pause } from "./pause.ts";
import type { Shares } from "./shares.ts";

type Held = Parameters<typeof releaseLabel>[2];

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export type ReleaseContext = {
  readonly shares: Pick<Shares, "read">;
  readonly memory: Pick<LogMemory, "keys" | "forked">;
  readonly pause: Pick<Pause, "paused">;
  readonly signal: AbortSignal;
};

/**
 * KEY-25: everything that a grant allows, encrypted to its requester and sealed. The shares are opened for the time of
 * the work and wiped after it; between two labels other work gets its turn. `null` where everything was paused meanwhile,
 * the log has forked, or the process ends: nothing is left of what was made by then.
 */
export async function makeRelease(
  grant: Grant,
  { shares, memory, pause, signal }: ReleaseContext,
): Promise<{ readonly bundle: Uint8Array; readonly slot: string } | null> {
  const held = new Map<Period, Held>();
  try {
    for (const [period, generation] of grant.generations) {
      const logged = memory.keys(period, generation);
      if (logged === null) {
        throw new KeyholderError("keys-unavailable", `the log has no such keys of ${period}`);
      }
      const { access } = logged.keys;
      const name = { charter: grant.charter, period, generation };
      const share = await shares.read(name, "access", grant.keyholder, access);
      held.set(period, { generation, share, mpk: access.mpk });
    }
    const curve = await loadCurve();
    const partials = [];
    for (const label of grant.labels) {
      if (pause.paused !== null || memory.forked || signal.aborted) return null;
      partials.push(releaseLabel(grant, label, held.get(periodOf(label.day)) as Held, random, curve));
      await nextTurn();
    }
    const { sealed, slot } = sealBundle(grant, makeBundle(grant, partials), {
      random: random(32),
      seed: random(64),
    });
    return { bundle: sealed, slot };
  } finally {
    for (const { share } of held.values()) share.secret.fill(0);
  }
}
