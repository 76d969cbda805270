import { base64, fromBase64 } from "@porchlight/encoding";
import { hasControls } from "./characters.ts";
import { refuseAs, TlogError } from "./error.ts";
import { HASH_LENGTH } from "./merkle.ts";
import { parseTreeSize, type TreeSize, treeSize } from "./size.ts";

/** What a log says of its tree: C2SP tlog-checkpoint, without extension lines (TLOG-6). */
export type Checkpoint = {
  readonly origin: string;
  readonly size: TreeSize;
  /** 32 bytes. */
  readonly root: Uint8Array;
};

function isOrigin(origin: string): boolean {
  return origin !== "" && origin.isWellFormed() && !hasControls(origin, "");
}

/** Parses a checkpoint note's text. Whoever holds a whole note verifies it first. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const [origin = "", size = "", root = "", end] = lines;
  if (lines.length !== 4 || end !== "" || !isOrigin(origin)) {
    throw new TlogError("checkpoint-malformed", "checkpoint");
  }
  return {
    origin,
    size: parseTreeSize(size, "checkpoint-malformed"),
    root: refuseAs("checkpoint-malformed", "root hash", () => fromBase64(root, HASH_LENGTH)),
  };
}

/** The text that a log signs: origin, size and root, each on a line of its own. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!isOrigin(origin)) throw new TlogError("checkpoint-malformed", "origin");
  if (root.length !== HASH_LENGTH) throw new TlogError("checkpoint-malformed", "root hash");
  return `${origin}\n${treeSize(size)}\n${base64(root)}\n`;
}
