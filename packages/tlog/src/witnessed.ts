import { equalBytes, type UnixSeconds } from "@porchlight/encoding";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { TlogError } from "./error.ts";
import { emptyRoot } from "./merkle.ts";
import { parseNote, verifyNote } from "./note.ts";
import { type Policy, quorumTime } from "./policy.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";

declare const witnessed: unique symbol;

/** A checkpoint that a policy's log signed and its quorum cosigned. Only {@link verifyWitnessed} makes one. */
export type WitnessedCheckpoint = Checkpoint & {
  /** The latest time that a whole quorum vouches for: one that runs ahead cannot move it, nor can one that lags. */
  readonly time: UnixSeconds;
  /** The signed note, verbatim. */
  readonly note: string;
  readonly [witnessed]: true;
};

/** What a note is worth under a policy. `time` as in {@link WitnessedCheckpoint}. */
export type PolicyResult =
  | { readonly satisfied: true; readonly checkpoint: Checkpoint; readonly time: UnixSeconds }
  | { readonly satisfied: false; readonly checkpoint: Checkpoint };

/**
 * Evaluates a checkpoint note (TLOG-15): signed by a log of the policy whose name is the origin, cosigned by its
 * quorum. That signatures are still missing is a value; a malformed note, another log's, and a known key's bad
 * signature throw TlogError.
 */
export function policySatisfied(policy: Policy, note: string, suite: TlogSuite = nobleSuite): PolicyResult {
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const logKeys = policy.logs.map(({ key }) => key).filter(({ name }) => name === checkpoint.origin);
  if (logKeys.length === 0) throw new TlogError("origin-mismatch", "origin");
  if (checkpoint.size === 0 && !equalBytes(checkpoint.root, emptyRoot(suite))) {
    throw new TlogError("checkpoint-malformed", "root hash");
  }
  const keys = [...logKeys, ...policy.witnesses.map(({ key }) => key)];
  const { signatures } = verifyNote(note, keys, suite);
  const time = quorumTime(policy, signatures);
  const signedByLog = signatures.some(({ key }) => key.type === "ed25519");
  return signedByLog && time !== null
    ? { satisfied: true, checkpoint, time }
    : { satisfied: false, checkpoint };
}

/** {@link policySatisfied} as evidence: throws TlogError "policy-unsatisfied" where a quorum is missing. */
export function verifyWitnessed(
  note: string,
  policy: Policy,
  suite: TlogSuite = nobleSuite,
): WitnessedCheckpoint {
  const result = policySatisfied(policy, note, suite);
  if (!result.satisfied) throw new TlogError("policy-unsatisfied", "checkpoint");
  return { ...result.checkpoint, time: result.time, note } as WitnessedCheckpoint;
}
