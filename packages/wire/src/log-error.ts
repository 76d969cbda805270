/**
 * What a log showed that a follower refuses (TLOG-21). "note-refused": not a checkpoint of this log, or a known key's
 * signature on it is bad. "policy-unsatisfied": signatures are missing; a later checkpoint may have them. "rollback":
 * older than what was seen before; a stale cache does that too. "fork": not one tree with what was seen before, which
 * no retry heals: publish both notes. "entry-hash": the entries served are not those in the tree. "tile-refused": tiles
 * that the tree must have are missing or are not its own. "not-covered": the index is beyond the checkpoint. "state-corrupt": the follower's
 * own saved state is damaged; restore it, since to forget it is to forgive a fork. "policy-unusable": the policy names
 * no log, or several.
 */
export type LogErrorCode =
  | "note-refused"
  | "policy-unsatisfied"
  | "rollback"
  | "fork"
  | "entry-hash"
  | "tile-refused"
  | "not-covered"
  | "state-corrupt"
  | "policy-unusable";

const SENTENCES: Record<LogErrorCode, string> = {
  "note-refused": "the log's checkpoint is malformed or carries a bad signature",
  "policy-unsatisfied": "the log's checkpoint lacks signatures that the policy needs",
  rollback: "the log showed an older checkpoint than before",
  fork: "the log showed a tree that does not contain the one it showed before: keep both checkpoints",
  "entry-hash": "the log served entries that are not the ones in its tree",
  "tile-refused": "the log lacks tiles of its tree, or served others",
  "not-covered": "the checkpoint does not cover this entry yet",
  "state-corrupt": "the saved state of the log is damaged",
  "policy-unusable": "the policy must name exactly one log",
};

/** Thrown by the log follower for what the log did; {@link WireError} says that it could not be reached. */
export class LogError extends Error {
  override readonly name = "LogError";
  readonly code: LogErrorCode;
  /** The two signed notes that cannot both be true, for "fork" and "rollback". */
  readonly evidence: { readonly seen: string; readonly offered: string } | undefined;
  constructor(
    code: LogErrorCode,
    facts: { readonly cause?: unknown; readonly evidence?: { seen: string; offered: string } } = {},
  ) {
    super(SENTENCES[code], facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.evidence = facts.evidence;
  }
}
