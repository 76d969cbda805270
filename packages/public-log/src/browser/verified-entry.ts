import {
  type Charter,
  CharterError,
  type LogEntry,
  parseEntry,
  parseSuccession,
  unverifiedPayload,
  verifyCharter,
  verifyEntrySignature,
  verifySuccession,
} from "@porchlight/charter";
import { EncodingError, formatInstant } from "@porchlight/encoding";
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
    const signed = await signature(entry, (number) => rulesOf(checkpoint, number, index));
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

/** A charter as it read at a place of the log, and whom its keyholders came after. */
type Rules = { readonly charter: Charter; readonly replaced: ReadonlyMap<string, string> };

/**
 * The charter with this id out of the same log, with all its signatures and the successions that stand before `before`
 * (CHA-21); `null` where the log has none. What does not hold is somebody's mistake in a public log.
 */
async function rulesOf(checkpoint: WitnessedCheckpoint, id: string, before: number): Promise<Rules | null> {
  const { size, root } = checkpoint;
  const replaced = new Map<string, string>();
  let charter: Charter | null = null;
  for (const index of (await copy.find(id)).sort((a, b) => a - b)) {
    if (index >= Math.min(size, before)) continue;
    const at = logIndex(index);
    const bytes = await copy.entry(index, size);
    const proof = await inclusionProof(copy.file, size, at);
    verifyInclusion({ size, root, index: at, leafHash: leafHash(bytes), proof });
    const entry = parsed(bytes);
    if (entry?.type === "charter" && charter === null) {
      const found = await verifyCharter(entry.document).catch(() => null);
      if (found?.id === id) charter = found;
    } else if (entry?.type === "succession" && charter !== null) {
      const after: Charter | null = await verifySuccession(entry.document, charter).catch(() => null);
      if (after === null) continue;
      const { lost, successor } = change(charter, after);
      replaced.set(successor, lost);
      charter = after;
    }
  }
  return charter === null ? null : { charter, replaced };
}

function change(before: Charter, after: Charter): { readonly lost: string; readonly successor: string } {
  const place = after.keyholders.findIndex(({ name }, at) => name !== before.keyholders[at]?.name);
  return { lost: before.keyholders[place]?.name ?? "", successor: after.keyholders[place]?.name ?? "" };
}

/** What its own signatures say; `null` where that takes more than one entry. */
async function signature(
  entry: LogEntry,
  rulesWith: (id: string) => Promise<Rules | null>,
): Promise<string | null> {
  if (entry.type === "charter") {
    return await verifyCharter(entry.document).then(
      ({ keyholders }) => `The provider and all ${keyholders.length} keyholders signed it.`,
      () => "Not all who must sign it did: it means nothing.",
    );
  }
  if (entry.type === "keys") return null;
  if (entry.type === "succession") return await successionSignature(entry.document, rulesWith);
  const rules = await rulesWith(entry.charter);
  if (rules === null) return NO_RULES;
  const { charter, replaced } = rules;
  if (!verifyEntrySignature(entry, charter)) return "Who has to sign it did not: it means nothing.";
  const under = "under rules that stand in this log with all their signatures";
  if ("intake" in entry) return `It is signed by the charter's intake, ${under}.`;
  const { name } = charter.keyholders[entry.keyholder - 1] ?? { name: "a keyholder" };
  const lost = replaced.get(name);
  return lost === undefined
    ? `It is signed by ${name}, ${under}.`
    : `It is signed by ${name}, who took the place of ${lost} before, ${under}.`;
}

const NO_RULES = "The rules that it names do not stand before it in this log: it means nothing.";

async function successionSignature(
  document: Extract<LogEntry, { type: "succession" }>["document"],
  rulesWith: (id: string) => Promise<Rules | null>,
): Promise<string> {
  const nothing = "Not all who must sign it did: it means nothing.";
  try {
    const rules = await rulesWith(parseSuccession(unverifiedPayload(document)).charter);
    if (rules === null) return NO_RULES;
    const { lost, successor } = change(rules.charter, await verifySuccession(document, rules.charter));
    return `The provider, all other keyholders and the new one signed it: from here on ${successor} is in the place of ${lost}.`;
  } catch (error) {
    // The copy's own failures are said as such.
    if (error instanceof CharterError || error instanceof EncodingError) return nothing;
    throw error;
  }
}
