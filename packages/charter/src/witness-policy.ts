import { base64 } from "@porchlight/encoding";
import {
  checkAccountablePolicy,
  formatPolicy,
  makeVerifierKey,
  parsePolicy,
  parseVkey,
  TlogError,
  type TlogErrorCode,
  type VerifierKey,
} from "@porchlight/tlog";
import { CharterError } from "./error.ts";

/** The members of a charter that say who keeps and who cosigns the log. */
export type LogTerms = {
  readonly keyholders: readonly { readonly vkey: string }[];
  readonly threshold: number;
  readonly log: { readonly origin: string; readonly vkey: string; readonly policy: string };
};

/**
 * CHA-13: the log's key carries the log's origin as its name and is the policy's only log; every keyholder has a
 * cosigner key; the policy is written in its canonical form, and each of its quorums holds two witnesses that are no
 * keyholders and enough keyholders (TLOG-16). Returns the public keys of log and cosigners, 32 bytes each, so that
 * the charter can refuse a key with a second purpose. Throws CharterError.
 */
export function checkLog({ keyholders, threshold, log }: LogTerms): Uint8Array[] {
  const [own, policy] = refusing("log", () => [parseVkey(log.vkey), parsePolicy(log.policy)] as const);
  if (own.type !== "ed25519" || own.name !== log.origin) {
    throw new CharterError("charter-inconsistent", "log.origin");
  }
  const cosigners = keyholders.map(({ vkey }) => refusing("keyholders.vkey", () => parseVkey(vkey)));
  if (cosigners.some(({ type }) => type !== "cosignature")) {
    throw new CharterError("charter-inconsistent", "keyholders.vkey");
  }
  if (distinct(cosigners).length !== cosigners.length) {
    throw new CharterError("charter-inconsistent", "keyholders.vkey");
  }
  if (formatPolicy(policy) !== log.policy || policy.logs.some(({ key }) => !sameKey(key, own))) {
    throw new CharterError("charter-inconsistent", "log.policy");
  }
  refusing("log.policy", () =>
    checkAccountablePolicy(
      policy,
      keyholders.map(({ vkey }) => vkey),
      threshold,
    ),
  );
  return distinct([own, ...cosigners, ...policy.witnesses.map(({ key }) => key)]);
}

/** Refuses what is not the one encoding of an Ed25519 point, and points of small order. */
export function checkPublicKey(publicKey: Uint8Array, field: string): void {
  refusing(field, () => makeVerifierKey("ed25519", "key", publicKey));
}

const CODES: Partial<Record<TlogErrorCode, "policy-weak">> = { "policy-too-weak": "policy-weak" };

function refusing<T>(field: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new CharterError(CODES[cause.code] ?? "charter-inconsistent", field, { cause });
  }
}

function sameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && base64(a.publicKey) === base64(b.publicKey);
}

function distinct(keys: readonly VerifierKey[]): Uint8Array[] {
  return [...new Map(keys.map(({ publicKey }) => [base64(publicKey), publicKey])).values()];
}
