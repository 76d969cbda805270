import {
  type Charter,
  type LogEntry,
  parseEntry,
  verifyCharter,
  verifyEntrySignature,
} from "@porchlight/charter";
import { formatInstant } from "@porchlight/encoding";
import {
  inclusionProof,
  leafHash,
  logIndex,
  type Policy,
  parsePolicy,
  TlogError,
  verifyInclusion,
  verifyNote,
  verifyWitnessed,
  type WitnessedCheckpoint,
} from "@porchlight/tlog";
import { copy } from "./copy.ts";
import type { LookedUp } from "./number.ts";

/** An entry that stands in the log, and what was checked to say so. */
type VerifiedEntry = {
  readonly index: number;
  readonly size: number;
  /** `null`: bytes that are no entry of a known type. */
  readonly entry: LogEntry | null;
  readonly checks: readonly string[];
  /** What verifying the inclusion proof took. */
  readonly milliseconds: number;
};

export type Outcome =
  | { readonly kind: "found"; readonly entries: readonly VerifiedEntry[] }
  | { readonly kind: "refused"; readonly text: string };

const MAX_SHOWN = 20;

/** Fetches and verifies (PUB-5). Rejects only where the site does not answer. */
export async function lookUp(what: LookedUp, policyText: string): Promise<Outcome> {
  const refused = (text: string): Outcome => ({ kind: "refused", text });
  let policy: Policy;
  try {
    policy = parsePolicy(policyText);
  } catch {
    return refused(
      "The keys under “Whose confirmations count” are not readable. Load the page again, or paste them again.",
    );
  }
  try {
    const checkpoint = verifyWitnessed(await copy.checkpoint(), policy);
    const indices = "index" in what ? [what.index] : await copy.find(what.number);
    if (indices.length === 0) {
      return refused(
        "This site knows no entry with that number. It may be too new, or the site may keep it from you: ask another copy of the log, or count the log yourself.",
      );
    }
    if (indices.some((index) => index >= checkpoint.size)) {
      return refused(`The log has ${checkpoint.size} entries so far; their numbers begin at 0.`);
    }
    const entries: VerifiedEntry[] = [];
    for (const index of indices.slice(0, MAX_SHOWN)) {
      entries.push(await verified(policy, checkpoint, index));
    }
    return { kind: "found", entries };
  } catch (error) {
    if (error instanceof TlogError && error.code === "policy-unsatisfied") {
      return refused(
        "The newest state of this copy lacks confirmations that these keys ask for. Do not rely on it.",
      );
    }
    if (error instanceof TlogError) {
      return refused(
        `What this site served does not hold together (${error.code}). Do not rely on it; ask another copy of the log.`,
      );
    }
    throw error;
  }
}

async function verified(
  policy: Policy,
  checkpoint: WitnessedCheckpoint,
  index: number,
): Promise<VerifiedEntry> {
  const { size, root } = checkpoint;
  const at = logIndex(index);
  const bytes = await copy.entry(index, size);
  const proof = await inclusionProof(copy.file, size, at);
  const started = performance.now();
  verifyInclusion({ size, root, index: at, leafHash: leafHash(bytes), proof });
  const milliseconds = performance.now() - started;
  const keys = [...policy.logs, ...policy.witnesses].map(({ key }) => key);
  const signers = new Set(verifyNote(checkpoint.note, keys).signatures.map(({ key }) => key.name));
  const checks = [
    `It stands at place ${index} of the log ${checkpoint.origin}, proven with ${proof.length} ${proof.length === 1 ? "hash" : "hashes"}.`,
    `The log and as many witnesses as it takes confirmed this state at ${formatInstant(checkpoint.time).replace("T", " ").replace("Z", " UTC")}: ${[...signers].join(", ")}.`,
  ];
  const entry = parsed(bytes);
  if (entry !== null) {
    const signed = await signature(entry, (number) => charterOf(checkpoint, number));
    if (signed !== null) checks.push(signed);
  }
  return { index, size, entry, checks, milliseconds };
}

function parsed(bytes: Uint8Array): LogEntry | null {
  try {
    return parseEntry(bytes);
  } catch {
    return null;
  }
}

/** The charter with this id out of the same log, with all its signatures; `null` where the log has none. */
async function charterOf(checkpoint: WitnessedCheckpoint, id: string): Promise<Charter | null> {
  const { size, root } = checkpoint;
  for (const index of await copy.find(id)) {
    if (index >= size) continue;
    const at = logIndex(index);
    const bytes = await copy.entry(index, size);
    const proof = await inclusionProof(copy.file, size, at);
    verifyInclusion({ size, root, index: at, leafHash: leafHash(bytes), proof });
    const entry = parsed(bytes);
    if (entry?.type !== "charter") continue;
    const charter = await verifyCharter(entry.document).catch(() => null);
    if (charter?.id === id) return charter;
  }
  return null;
}

/** What its own signatures say; `null` where that takes more than one entry. */
async function signature(
  entry: LogEntry,
  charterWith: (id: string) => Promise<Charter | null>,
): Promise<string | null> {
  if (entry.type === "charter") {
    return await verifyCharter(entry.document).then(
      ({ keyholders }) => `The provider and all ${keyholders.length} keyholders signed it.`,
      () => "Not all who must sign it did: it means nothing.",
    );
  }
  if (entry.type === "keys" || entry.type === "succession") return null;
  const charter = await charterWith(entry.charter);
  if (charter === null) return "The rules that it names are not in this log: it means nothing.";
  if (!verifyEntrySignature(entry, charter)) return "Who has to sign it did not: it means nothing.";
  const signer =
    "intake" in entry
      ? "the charter's intake"
      : (charter.keyholders[entry.keyholder - 1]?.name ?? "a keyholder");
  return `It is signed by ${signer}, under rules that stand in this log with all their signatures.`;
}
