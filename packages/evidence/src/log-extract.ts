import {
  type Charter,
  CharterError,
  type Keyholder,
  type LogEntry,
  orderEntryType,
  parseEntry,
  parseSuccession,
  type SignedDocument,
  unverifiedPayload,
  verifyEntrySignature,
  verifySuccession,
} from "@porchlight/charter";
import {
  type Commitment,
  type DayNumber,
  EncodingError,
  equalBytes,
  fromUtf8,
  type Period,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  formatProof,
  leafHash,
  nodeHash,
  parsePolicy,
  parseProof,
  verifyProof,
  verifyWitnessed,
  type WitnessedCheckpoint,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { EvidenceError } from "./error.ts";
import type { Files } from "./files.ts";

/** An entry and where it is: hashes from the leaf upwards (RFC 6962 audit path) under the extract's checkpoint. */
export type EntryProof = { readonly index: number; readonly hashes: readonly Uint8Array[] };

/**
 * What a package holds of the log (EVI-60): one cosigned checkpoint, proofs that charter and keys are under it, and
 * **every** entry from the order's own to the checkpoint's last. The order's audit path gives the roots of what came
 * before it, so that nothing in between, a revocation for one, can be left out.
 */
export type LogExtract = {
  /** The note, verbatim, with its cosignatures. */
  readonly checkpoint: string;
  readonly charter: EntryProof;
  readonly keys: ReadonlyMap<Period, EntryProof>;
  /** Of the successions before the order, ascending; later ones are among `entries`. */
  readonly successions: readonly EntryProof[];
  readonly order: EntryProof;
  /** Entries order.index, order.index + 1, … size − 1. */
  readonly entries: readonly Uint8Array[];
};

/** A keyholder that was lost, and who has its place (CHA-21). */
export type Replacement = {
  readonly logIndex: number;
  readonly lost: Keyholder;
  readonly successor: Keyholder;
  readonly ground: string;
  readonly at: UnixSeconds;
};

/** What the extract proves. */
export type LogFacts = {
  readonly checkpoint: WitnessedCheckpoint;
  readonly orderIndex: number;
  /** Day on which the provider logged the order. */
  readonly orderDay: DayNumber;
  readonly secretUntil: Period;
  /** Where the log says that the order was revoked, `null` where it does not up to the checkpoint. */
  readonly revokedAt: number | null;
  /** Slot commitment (64 hex digits) → which keyholder of then put it where, after the order. */
  readonly slots: ReadonlyMap<string, { readonly keyholder: Keyholder; readonly index: number }>;
  readonly replacements: readonly Replacement[];
};

const CHARTER = "data/proofs/charter.tlog-proof";
const ORDER = "data/proofs/order.tlog-proof";
const ENTRIES = "data/log/entries.jsonl";
const keysPath = (period: string): string => `data/proofs/keys-${period}.tlog-proof`;
const successionProofPath = (position: number): string =>
  `data/proofs/succession-${twoDigits(position + 1)}.tlog-proof`;

/** EVI-16: path of the entry of the first, second, … succession of a package; `position` counts from 0. */
export function successionPath(position: number): string {
  return `data/succession-${twoDigits(position + 1)}.json`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** EVI-15: C2SP tlog-proofs, and the entries one a line (an entry is JSON without line feeds). */
export function logFiles(extract: LogExtract): Files {
  const proof = ({ index, hashes }: EntryProof): Uint8Array =>
    utf8(formatProof({ index: index as never, hashes, checkpoint: extract.checkpoint }));
  return new Map([
    [CHARTER, proof(extract.charter)],
    [ORDER, proof(extract.order)],
    ...[...extract.keys].map(([period, entry]) => [keysPath(period), proof(entry)] as const),
    ...extract.successions.map((entry, i) => [successionProofPath(i), proof(entry)] as const),
    [ENTRIES, utf8(extract.entries.map((entry) => `${fromUtf8(entry, ENTRIES)}\n`).join(""))],
  ]);
}

/** Strict inverse of {@link logFiles}. All proofs must carry the same checkpoint. */
export function readLog(
  files: Files,
  has: { readonly periods: readonly Period[]; readonly successions: number },
  left: Set<string>,
): LogExtract {
  let checkpoint: string | undefined;
  const proof = (path: string): EntryProof => {
    const bytes = files.get(path);
    if (bytes === undefined) throw new EvidenceError("not-a-package", path);
    left.delete(path);
    const text = fromUtf8(bytes, path);
    const parsed = refuse(path, () => parseProof(text));
    checkpoint ??= parsed.checkpoint;
    if (parsed.checkpoint !== checkpoint || parsed.extra !== undefined || formatProof(parsed) !== text) {
      throw new EvidenceError("log", path);
    }
    return { index: parsed.index, hashes: parsed.hashes };
  };
  const [charter, order] = [proof(CHARTER), proof(ORDER)];
  const keys = new Map(has.periods.map((period) => [period, proof(keysPath(period))]));
  const successions = Array.from({ length: has.successions }, (_, i) => proof(successionProofPath(i)));
  const entries = files.get(ENTRIES);
  if (entries === undefined) throw new EvidenceError("not-a-package", ENTRIES);
  left.delete(ENTRIES);
  const text = fromUtf8(entries, ENTRIES);
  if (!text.endsWith("\n")) throw new EvidenceError("log", ENTRIES);
  return {
    checkpoint: checkpoint as string,
    charter,
    keys,
    successions,
    order,
    entries: text.split("\n").slice(0, -1).map(utf8),
  };
}

/**
 * EVI-16, EVI-60 to EVI-66. Throws EvidenceError "log" or "succession" naming the file that does not hold; a revocation is
 * a fact, not a throw.
 */
export async function checkLog(
  extract: LogExtract,
  input: {
    readonly charter: Charter;
    readonly charterEntry: Uint8Array;
    readonly keysEntries: ReadonlyMap<Period, Uint8Array>;
    readonly successionEntries: readonly Uint8Array[];
    readonly commitment: Commitment;
  },
): Promise<LogFacts> {
  const { charter } = input;
  const policy = refuse(CHARTER, () => parsePolicy(charter.log.policy, nodeSuite));
  const checkpoint = refuse(CHARTER, () => verifyWitnessed(extract.checkpoint, policy, nodeSuite));
  if (checkpoint.origin !== charter.log.origin) throw new EvidenceError("log", CHARTER);
  const included = (path: string, { index, hashes }: EntryProof, entry: Uint8Array): void => {
    const text = formatProof({ index: index as never, hashes, checkpoint: extract.checkpoint });
    refuse(path, () => verifyProof(text, policy, leafHash(entry, nodeSuite), nodeSuite));
  };
  included(CHARTER, extract.charter, input.charterEntry);
  for (const [period, entry] of input.keysEntries) {
    const proof = extract.keys.get(period);
    if (proof === undefined) throw new EvidenceError("log", keysPath(period));
    included(keysPath(period), proof, entry);
  }
  const succession = new Succession(charter);
  for (const [position, bytes] of input.successionEntries.entries()) {
    const proof = extract.successions[position];
    const before = position === 0 ? -1 : (extract.successions[position - 1] as EntryProof).index;
    // Ascending and before the order: what a keyholder signed at some place of the log has one reading.
    if (proof === undefined || proof.index <= before || proof.index >= extract.order.index) {
      throw new EvidenceError("succession", successionPath(position));
    }
    included(successionProofPath(position), proof, bytes);
    const entry = refuse(successionPath(position), () => parseEntry(bytes));
    if (entry.type !== "succession" || !(await succession.take(proof.index, entry.document))) {
      throw new EvidenceError("succession", successionPath(position));
    }
  }

  const [first] = extract.entries;
  if (first === undefined) throw new EvidenceError("log", ENTRIES);
  included(ORDER, extract.order, first);
  checkComplete(extract, checkpoint);

  const order = refuse(ENTRIES, () => parseEntry(first));
  // The loop below sees it too, but the order's own entry answers for itself.
  if (order.type !== orderEntryType(charter.kind) || order.commitment !== input.commitment) {
    throw new EvidenceError("log", ENTRIES);
  }
  if (!verifyEntrySignature(order, charter)) throw new EvidenceError("log", ENTRIES);

  let revokedAt: number | null = null;
  const slots = new Map<string, { keyholder: Keyholder; index: number }>();
  for (const [offset, bytes] of extract.entries.slice(1).entries()) {
    const index = extract.order.index + 1 + offset;
    const entry = readable(bytes);
    if (entry === null) continue;
    // Its signature is not asked for, as at the gate: in doubt an order is revoked.
    if (entry.type === "revocation" && entry.commitment === input.commitment) revokedAt ??= index;
    // One that does not verify is somebody's mistake in a public log, as for everyone else who follows it.
    if (entry.type === "succession") await succession.take(index, entry.document);
    if (entry.type === "keyholder-batch" && verifyEntrySignature(entry, succession.present)) {
      const keyholder = succession.present.keyholders[entry.keyholder - 1] as Keyholder;
      for (const slot of entry.slots) if (!slots.has(slot)) slots.set(slot, { keyholder, index });
    }
  }
  return {
    checkpoint,
    orderIndex: extract.order.index,
    orderDay: order.day,
    secretUntil: order.secretUntil,
    revokedAt,
    slots,
    replacements: succession.replacements,
  };
}

/** The charter with its keyholders at some place of the log, moved on from succession to succession (CHA-21). */
class Succession {
  readonly replacements: Replacement[] = [];
  #present: Charter;
  constructor(charter: Charter) {
    this.#present = charter;
  }

  get present(): Charter {
    return this.#present;
  }

  /** False where it is none under the charter as it stands by then. */
  async take(logIndex: number, document: SignedDocument): Promise<boolean> {
    const before = this.#present;
    try {
      this.#present = await verifySuccession(document, before);
    } catch (error) {
      if (error instanceof CharterError || error instanceof EncodingError) return false;
      throw error;
    }
    const { keyholder: successor, ground, at } = parseSuccession(unverifiedPayload(document));
    const lost = before.keyholders[successor.index - 1] as Keyholder;
    this.replacements.push({ logIndex, lost, successor, ground, at });
    return true;
  }
}

/** An entry of a later version of the log is no business of this package, and no reason to refuse it. */
function readable(bytes: Uint8Array): LogEntry | null {
  try {
    return parseEntry(bytes);
  } catch {
    return null;
  }
}

/** EVI-64: subtrees before the order, then each entry after it, give the checkpoint's root and size. */
export function checkComplete(
  { order, entries }: Pick<LogExtract, "order" | "entries">,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
): void {
  if (order.index + entries.length !== size) throw new EvidenceError("log", ENTRIES);
  // RFC 9162 §2.1.3.2: the siblings on the left, which are the perfect subtrees that [0, order.index) is the sum of.
  const peaks: { height: number; hash: Uint8Array }[] = [];
  let [node, last, height] = [order.index, size - 1, 0];
  for (const hash of order.hashes) {
    if (node % 2 === 1 || node === last) {
      while (node % 2 === 0 && node !== 0)
        [node, last, height] = [node / 2, Math.floor(last / 2), height + 1];
      peaks.unshift({ height, hash });
    }
    [node, last, height] = [Math.floor(node / 2), Math.floor(last / 2), height + 1];
  }
  for (const entry of entries) {
    let peak = { height: 0, hash: leafHash(entry, nodeSuite) };
    for (let left = peaks.at(-1); left?.height === peak.height; left = peaks.at(-1)) {
      peaks.pop();
      peak = { height: peak.height + 1, hash: nodeHash(left.hash, peak.hash, nodeSuite) };
    }
    peaks.push(peak);
  }
  const whole = peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right, nodeSuite));
  if (!equalBytes(whole, root)) throw new EvidenceError("log", ENTRIES);
}

function refuse<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof EvidenceError) throw cause;
    throw new EvidenceError("log", path, { cause });
  }
}
