import { base64, fromBase64, parseDecimal } from "@porchlight/encoding";
import { refuseAs, TlogError } from "./error.ts";
import { HASH_LENGTH, MAX_PROOF_LENGTH, verifyInclusion } from "./merkle.ts";
import { MAX_NOTE_LENGTH } from "./note.ts";
import type { Policy } from "./policy.ts";
import { type LogIndex, logIndex } from "./size.ts";
import { nobleSuite, type TlogSuite } from "./suite.ts";
import { verifyWitnessed, type WitnessedCheckpoint } from "./witnessed.ts";

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_EXTRA_LENGTH = 100_000;

/** A C2SP tlog-proof, offline proof that an entry is in a witnessed log. Parsed, not verified. */
export type LogProof = {
  readonly index: LogIndex;
  /** Sibling hashes from the leaf upwards. */
  readonly hashes: readonly Uint8Array[];
  /** The cosigned checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Opaque and not authenticated. */
  readonly extra?: Uint8Array;
};

export function formatHashLines(hashes: readonly Uint8Array[]): string {
  return hashes.map((hash) => `${base64(hash)}\n`).join("");
}

/** Base64 hash lines; at most 63. */
export function parseHashLines(
  lines: readonly string[],
  code: "proof-malformed" | "request-malformed",
): Uint8Array[] {
  if (lines.length > MAX_PROOF_LENGTH) throw new TlogError(code, "proof length");
  return lines.map((line) => refuseAs(code, "proof hash", () => fromBase64(line, HASH_LENGTH)));
}

export function formatProof({ index, hashes, checkpoint, extra }: LogProof): string {
  const extraLine = extra === undefined ? "" : `extra ${base64(extra)}\n`;
  return `${HEADER}\n${extraLine}index ${logIndex(index)}\n${formatHashLines(hashes)}\n${checkpoint}`;
}

export function parseProof(text: string): LogProof {
  const refuse = (field: string): never => {
    throw new TlogError("proof-malformed", field);
  };
  if (text.length > MAX_NOTE_LENGTH + MAX_EXTRA_LENGTH) refuse("length");
  // The checkpoint has blank lines of its own: the first one ends the proof's part.
  const split = text.indexOf("\n\n");
  if (split === -1) refuse("blank line");
  const [header, ...lines] = text.slice(0, split).split("\n");
  if (header !== HEADER) refuse("header");
  const extraLine = lines[0]?.startsWith("extra ") === true ? lines.shift() : undefined;
  const indexLine = lines.shift() ?? "";
  if (!indexLine.startsWith("index ")) refuse("index");
  const parsed = {
    index: refuseAs("proof-malformed", "index", () => logIndex(parseDecimal(indexLine.slice(6), "index"))),
    hashes: parseHashLines(lines, "proof-malformed"),
    checkpoint: text.slice(split + 2),
  };
  if (extraLine === undefined) return parsed;
  return { ...parsed, extra: refuseAs("proof-malformed", "extra", () => fromBase64(extraLine.slice(6))) };
}

/**
 * Verifies a tlog-proof for the entry with this leaf hash (RFC 6962, 32 bytes) under a policy: signatures, quorum and
 * inclusion. Throws TlogError; gives the entry's index and the checkpoint that covers it.
 */
export function verifyProof(
  text: string,
  policy: Policy,
  leaf: Uint8Array,
  suite: TlogSuite = nobleSuite,
): { readonly index: LogIndex; readonly checkpoint: WitnessedCheckpoint } {
  const { index, hashes, checkpoint: note } = parseProof(text);
  const checkpoint = verifyWitnessed(note, policy, suite);
  const { size, root } = checkpoint;
  verifyInclusion({ size, root, index, leafHash: leaf, proof: hashes }, suite);
  return { index, checkpoint };
}
