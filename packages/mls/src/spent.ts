import type { ClientState } from "ts-mls";
import { allSecretTreeValues } from "ts-mls/secretTree.js";

/**
 * Secrets that a step used up (MLS-6). Erase them once the step's new state is saved, not before: until then the old
 * state is the only one that a crash leaves, and with zeroes for keys it would encrypt under zeroes.
 */
export class Spent {
  readonly #secrets: readonly Uint8Array[];

  constructor(secrets: readonly Uint8Array[]) {
    this.#secrets = secrets;
  }

  /** Overwrites the secrets. The state from before the step must not be used again. */
  erase(): void {
    for (const secret of this.#secrets) secret.fill(0);
  }
}

/** Everything of an epoch that its successor does not share: message keys, key schedule, replaced path keys. */
export function spentEpoch(before: ClientState, after: ClientState | undefined): Spent {
  const kept = new Set<Uint8Array>(
    after === undefined
      ? []
      : [...Object.values(after.keySchedule), ...Object.values(after.privatePath.privateKeys)],
  );
  return new Spent(
    [
      ...allSecretTreeValues(before.secretTree),
      ...Object.values(before.keySchedule),
      ...Object.values(before.privatePath.privateKeys),
    ].filter((secret): secret is Uint8Array => secret !== undefined && !kept.has(secret)),
  );
}
