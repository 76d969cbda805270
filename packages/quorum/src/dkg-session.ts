import { sha256 } from "@noble/hashes/sha2.js";
import { concat, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";
import { transcript } from "./scalar.ts";
import { checkMasterKey, type MasterKey } from "./sharing.ts";

/** Unrelated keys that one run can make or reshare at once. */
const MAX_KEYS = 8;

/**
 * What is shared: new keys, as many as `keys` says, whose constant terms the dealers draw; or keys that exist, each
 * dealer's constant term being the share that it holds of them (DKG-10).
 */
export type DkgOrigin =
  | { readonly kind: "new"; readonly keys: number }
  | { readonly kind: "reshare"; readonly masters: readonly MasterKey[] };

/** One run of key generation or resharing. It is the same for all who take part. */
export type DkgSession = {
  /** 32 bytes, never used for two runs. */
  readonly session: Uint8Array;
  /** Who deals, ascending. In a resharing: holders of a share of `origin.masters`. */
  readonly dealers: readonly KeyholderIndex[];
  /** Who is to hold a share of what is made, ascending. */
  readonly receivers: readonly KeyholderIndex[];
  /** t of what is made. */
  readonly threshold: number;
  readonly origin: DkgOrigin;
};

/** Throws QuorumError "session-invalid" with the member at fault. */
export function checkSession({ session, dealers, receivers, threshold, origin }: DkgSession): void {
  const fail = (field: string, cause?: unknown): never => {
    throw new QuorumError("session-invalid", field, { cause });
  };
  if (session.length !== 32) fail("session");
  if (!ascends(dealers)) fail("dealers");
  if (!ascends(receivers)) fail("receivers");
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > receivers.length) fail("threshold");
  const keys = keysOf(origin);
  if (!Number.isInteger(keys) || keys < 1 || keys > MAX_KEYS) fail("keys");
  if (dealers.length < dealersNeeded({ threshold, origin })) fail("dealers");
  if (origin.kind === "new") return;
  for (const master of origin.masters) {
    try {
      checkMasterKey(master);
    } catch (cause) {
      fail("master key", cause);
    }
    if (master.threshold !== origin.masters[0]?.threshold) fail("master key");
    if (dealers.some((dealer) => !master.verifyingShares.has(dealer))) fail("dealers");
  }
}

/** How many keys a run makes. */
export function keysOf(origin: DkgOrigin): number {
  return origin.kind === "new" ? origin.keys : origin.masters.length;
}

/**
 * Below so many qualified dealers a run is aborted: one honest dealer must be among those of a new key, and the shares
 * of fewer than the old t holders do not make up an old key.
 */
export function dealersNeeded({ threshold, origin }: Pick<DkgSession, "threshold" | "origin">): number {
  return origin.kind === "new" ? threshold : (origin.masters[0]?.threshold ?? threshold);
}

/** Everyone who speaks, ascending. */
export function participantsOf({ dealers, receivers }: DkgSession): KeyholderIndex[] {
  return [...new Set([...dealers, ...receivers])].sort((a, b) => a - b);
}

/** DKG-1: binds every proof, commitment and share to the run and to all that it is about. */
export function sessionContext({ session, dealers, receivers, threshold, origin }: DkgSession): Uint8Array {
  const masters =
    origin.kind === "new"
      ? []
      : origin.masters.map(({ threshold: t, mpk, verifyingShares }) =>
          concat(
            Uint8Array.of(t),
            mpk,
            ...[...verifyingShares]
              .sort(([a], [b]) => a - b)
              .map(([index, share]) => concat(Uint8Array.of(index), share)),
          ),
        );
  return sha256(
    transcript(
      "dkg-session",
      session,
      Uint8Array.of(threshold),
      Uint8Array.from(dealers),
      Uint8Array.from(receivers),
      Uint8Array.of(origin.kind === "new" ? 0 : 1, keysOf(origin)),
      ...masters,
    ),
  );
}

function ascends(indices: readonly KeyholderIndex[]): boolean {
  return indices.every((index, i) => keyholderIndex(index) > (indices[i - 1] ?? 0));
}
