/**
 * Where a follower or a cosigner keeps what it must not forget. `save` resolves when the bytes would survive a power
 * cut; after a crash `load` gives the last saved bytes or, of a save that did not resolve, the ones before.
 */
export type StateStore = {
  /** The last saved bytes, `null` where nothing was ever saved. */
  readonly load: () => Promise<Uint8Array | null>;
  readonly save: (state: Uint8Array) => Promise<void>;
};

/** Forgets at the end of the process: for one-off checks that start from nothing. */
export function memoryStateStore(): StateStore {
  let kept: Uint8Array | null = null;
  return {
    load: async () => kept,
    save: async (state) => {
      kept = state.slice();
    },
  };
}
