import { fromUtf8, type UnixSeconds } from "@porchlight/encoding";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { refuseAs, TlogError } from "./error.ts";
import { emptyRoot, verifyConsistency } from "./merkle.ts";
import { cosign, parseNote, type VerifiedNote, verifyNote } from "./note.ts";
import { parseTreeSize, type TreeSize, treeSize } from "./size.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { formatHashLines, parseHashLines } from "./tlog-proof.ts";
import type { Signer, VerifierKey } from "./vkey.ts";

/** An `add-checkpoint` body (C2SP tlog-witness), parsed. */
export type AddCheckpointRequest = {
  readonly oldSize: TreeSize;
  readonly proof: readonly Uint8Array[];
  /** The log's signed checkpoint, verbatim. */
  readonly note: string;
};

/** Longest `add-checkpoint` body that is looked at, in bytes. */
export const MAX_REQUEST_LENGTH = 300_000;
/** Content type of a 409 answer, whose body is the stored size and a newline. */
export const TREE_SIZE_CONTENT_TYPE = "text/x.tlog.size";

export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpointRequest): string {
  return `old ${treeSize(oldSize)}\n${formatHashLines(proof)}\n${note}`;
}

/** Throws TlogError "request-malformed". */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpointRequest {
  if (body.length > MAX_REQUEST_LENGTH) throw new TlogError("request-malformed", "length");
  const text = refuseAs("request-malformed", "characters", () => fromUtf8(body));
  const split = text.indexOf("\n\n");
  const [oldLine = "", ...proofLines] = text.slice(0, Math.max(split, 0)).split("\n");
  if (split === -1 || !oldLine.startsWith("old ")) throw new TlogError("request-malformed", "old size");
  return {
    oldSize: parseTreeSize(oldLine.slice(4), "request-malformed"),
    proof: parseHashLines(proofLines, "request-malformed"),
    note: text.slice(split + 2),
  };
}

/** Body of a 409 answer: the size that the witness has. */
export function parseTreeSizeBody(body: string): TreeSize {
  if (!body.endsWith("\n")) throw new TlogError("request-malformed", "tree size");
  return parseTreeSize(body.slice(0, -1), "request-malformed");
}

/** The latest checkpoint that a witness cosigned for one origin: what it must never forget. */
export type WitnessedTree = Checkpoint & {
  /** Time of that cosignature. */
  readonly time: UnixSeconds;
  /** The log's signed checkpoint with the witness' own cosignature: what is persisted and served to monitors. */
  readonly note: string;
};

/** The log keys that a witness trusts; a log's key name is its origin. */
export type WitnessLogs = readonly VerifierKey<"ed25519">[];

/** Why nothing was cosigned, as an HTTP answer. `body` names no data of the request. */
export type WitnessRefusal = {
  readonly kind: "refused";
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly body: string;
  readonly contentType: string;
};

export type WitnessAnswer =
  | { readonly kind: "cosigned"; readonly tree: WitnessedTree; readonly cosignature: string }
  | WitnessRefusal;

function refuse(status: WitnessRefusal["status"], reason: string): WitnessRefusal {
  return { kind: "refused", status, body: `${reason}\n`, contentType: "text/plain; charset=utf-8" };
}

/** A request whose checkpoint is signed by the log that it names. */
export type VerifiedRequest = {
  readonly kind: "verified";
  readonly oldSize: TreeSize;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Checkpoint;
  /** The checkpoint's text and the log's own signature lines, the verified ones only. */
  readonly text: string;
  readonly logLines: string;
};

/**
 * The first half of `add-checkpoint`, which needs no state: form (400), origin (404), the log's signature (403), and
 * old size within the checkpoint's (400).
 */
export function verifyAddCheckpoint(
  body: Uint8Array,
  logs: WitnessLogs,
  suite: TlogSuite = nobleSuite,
): VerifiedRequest | WitnessRefusal {
  let request: AddCheckpointRequest;
  let checkpoint: Checkpoint;
  try {
    request = parseAddCheckpoint(body);
    checkpoint = parseCheckpoint(parseNote(request.note).text);
  } catch (error) {
    if (error instanceof TlogError) return refuse(400, "malformed request");
    throw error;
  }
  const keys = logs.filter(({ name }) => name === checkpoint.origin);
  if (keys.length === 0) return refuse(404, "unknown log");
  let verified: VerifiedNote;
  try {
    verified = verifyNote(request.note, keys, suite);
  } catch (error) {
    if (error instanceof TlogError) return refuse(403, "no valid signature of a trusted key");
    throw error;
  }
  const { oldSize, proof } = request;
  if (oldSize > checkpoint.size) return refuse(400, "old size above the checkpoint's");
  const logLines = [...new Set(verified.signatures.map(({ line }) => line))].join("");
  return { kind: "verified", oldSize, proof, checkpoint, text: verified.text, logLines };
}

/**
 * The second half: decides on a verified request against the latest tree cosigned for its origin (null: none yet).
 * Pure. Whoever calls it persists `tree` before the cosignature leaves, and runs one request per origin at a time
 * (TLOG-19): otherwise two requests could roll the tree back between them.
 */
export function addCheckpoint(
  latest: WitnessedTree | null,
  { oldSize, proof, checkpoint, text, logLines }: VerifiedRequest,
  signer: Signer<"cosignature">,
  now: UnixSeconds,
  suite: TlogSuite = nobleSuite,
): WitnessAnswer {
  const known = latest ?? { size: treeSize(0), root: emptyRoot(suite) };
  if (oldSize !== known.size) {
    return {
      kind: "refused",
      status: 409,
      body: `${known.size}\n`,
      contentType: TREE_SIZE_CONTENT_TYPE,
    };
  }
  try {
    verifyConsistency(
      { oldSize, oldRoot: known.root, newSize: checkpoint.size, newRoot: checkpoint.root, proof },
      suite,
    );
  } catch (error) {
    if (error instanceof TlogError) return refuse(422, "not consistent with the latest cosigned tree");
    throw error;
  }
  const cosignature = cosign(text, signer, now);
  return {
    kind: "cosigned",
    tree: { ...checkpoint, time: now, note: `${text}\n${logLines}${cosignature}` },
    cosignature,
  };
}

/** Reads back what {@link addCheckpoint} gave to persist; the witness' own cosignature shows damage and mix-ups. */
export function parseWitnessedTree(
  note: string,
  key: VerifierKey<"cosignature">,
  suite: TlogSuite = nobleSuite,
): WitnessedTree {
  const { text, signatures } = verifyNote(note, [key], suite);
  const time = Math.max(...signatures.map((signature) => signature.time ?? 0)) as UnixSeconds;
  return { ...parseCheckpoint(text), time, note };
}
