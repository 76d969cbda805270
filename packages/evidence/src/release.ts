import {
  type Charter,
  CharterError,
  type PeriodKeys,
  parseEntry,
  verifyCharter,
  verifyKeys,
} from "@porchlight/charter";
import { type Commitment, dayOf, EncodingError, hex, type Period, periodOf } from "@porchlight/encoding";
import { type AccessLabel, accessLabel } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import {
  commitmentOf,
  GateError,
  labelsOf,
  type OtherSide,
  otherAccounts,
  personsOf,
  releasableFrom,
  type VerifiedOrder,
  verifyOrder,
  verifyOtherSide,
} from "@porchlight/gate";
import { type Curve, verifyLabelKey, verifyLabelKeys } from "@porchlight/quorum";
import { loadCurve } from "@porchlight/quorum/mcl";
import { type Attachments, type CollectedAttachment, checkAttachments } from "./attachments.ts";
import { EvidenceError } from "./error.ts";
import { checkReleases, type KeyholderRelease, type ReleaseFacts } from "./keyholder-release.ts";
import { checkLog, type LogExtract, type LogFacts } from "./log-extract.ts";
import { LABEL_KEYS, type ReleasedLabel, sortLabels } from "./material.ts";
import type { OpenedMaterial } from "./messages.ts";
import { openInThreads } from "./opening.ts";

export const WARRANT = "data/warrant.json";
export const CHARTER = "data/charter.json";
export const OTHERS = "data/others.json";

/** Path of a key period's log entry in a package. */
export function keysPath(period: Period): string {
  return `data/keys-${period}.json`;
}

/** Everything that a release consists of. Nothing of it is trusted: {@link openRelease} verifies all. */
export type ReleaseInput = {
  /** The signed warrant's exact bytes. */
  readonly warrant: Uint8Array;
  /** Of an order over both sides: the provider's statement of the further accounts, exact bytes, and what each signed. */
  readonly others?: { readonly statement: Uint8Array; readonly sides: readonly OtherSide[] } | null;
  /** Opens the order's commitment in the log, 32 bytes. */
  readonly opening: Uint8Array;
  /** Exact bytes of the log entries. */
  readonly charter: Uint8Array;
  readonly keys: ReadonlyMap<Period, Uint8Array>;
  /** EVI-16: those logged before the order, in the order of the log. */
  readonly successions: readonly Uint8Array[];
  readonly labels: readonly ReleasedLabel[];
  readonly releases: readonly KeyholderRelease[];
  readonly log: LogExtract;
  /** EVI-29: ascending by their names. None where no message names any, or nobody asked for them. */
  readonly attachments?: readonly CollectedAttachment[];
};

/** A release that holds: what it opened, and what was verified on the way. */
export type OpenedRelease = OpenedMaterial & {
  readonly charter: Charter;
  readonly warrant: VerifiedOrder;
  readonly commitment: Commitment;
  readonly keys: ReadonlyMap<Period, PeriodKeys>;
  readonly labels: readonly ReleasedLabel[];
  readonly log: LogFacts;
  readonly releases: readonly ReleaseFacts[];
  readonly attachments: Attachments;
};

/**
 * Verifies a release from the charter down and opens its messages (EVI-20 to EVI-25, EVI-60 to EVI-69). A message or
 * envelope that does not hold is in `failures`; anything else that does not hold throws EvidenceError, which names the
 * file of a package that it would be in. Needs neither network nor clock. A retry with the same input never helps.
 */
export async function openRelease(input: ReleaseInput): Promise<OpenedRelease> {
  const charter = await openCharter(input.charter);
  const keys = await openKeys(input.keys, charter);
  const warrant = await openOrder(input, charter);
  const commitment = commitmentOf(input.opening, warrant.core);
  const log = await checkLog(input.log, {
    charter,
    charterEntry: input.charter,
    keysEntries: input.keys,
    successionEntries: input.successions,
    commitment,
  });
  if (log.revokedAt !== null) throw new EvidenceError("revoked", "data/log/entries.jsonl");

  const labels = sortLabels(input.labels);
  const sides = otherSidesOf(input.others?.sides ?? [], warrant);
  checkScope(labels, warrant, sides, log, keys);
  const curve = await loadCurve();
  checkLabelKeys(labels, keys, curve);
  const releases = checkReleases(input.releases, { charter, commitment, labels, log });

  const work = {
    labels: labels.map((label) => ({
      ...label,
      keys: { mpk: masterKeyOf(label, keys), providerKey: charter.provider.xwing },
    })),
    persons: new Map(personsOf(warrant).map(({ account, person }) => [account, person])),
  };
  const opened = await openInThreads(work, curve);
  const attachments = await checkAttachments(input.attachments ?? [], opened.references);
  return { ...opened, charter, warrant, commitment, keys, labels, log, releases, attachments };
}

async function openCharter(bytes: Uint8Array): Promise<Charter> {
  return await refuse("charter", CHARTER, async () => {
    const entry = parseEntry(bytes);
    if (entry.type !== "charter") throw new EvidenceError("charter", CHARTER);
    return await verifyCharter(entry.document);
  });
}

async function openKeys(
  entries: ReadonlyMap<Period, Uint8Array>,
  charter: Charter,
): Promise<ReadonlyMap<Period, PeriodKeys>> {
  const keys = new Map<Period, PeriodKeys>();
  for (const [period, bytes] of entries) {
    const found = await refuse("keys", keysPath(period), async () => {
      const entry = parseEntry(bytes);
      if (entry.type !== "keys") throw new EvidenceError("keys", keysPath(period));
      return await verifyKeys(entry.document, charter);
    });
    if (found.period !== period) throw new EvidenceError("keys", keysPath(period));
    keys.set(period, found);
  }
  return keys;
}

async function openOrder({ warrant, others }: ReleaseInput, charter: Charter): Promise<VerifiedOrder> {
  const documents = { warrant, others: others?.statement ?? null };
  return await refuse("warrant", WARRANT, async () => await verifyOrder(documents, charter));
}

/** EVI-69: labels of further accounts, each shown by what that account signed with a person of the warrant there. */
function otherSidesOf(sides: readonly OtherSide[], order: VerifiedOrder): Set<string> {
  const further = otherAccounts(order.others);
  const shown = new Set<string>();
  for (const side of sides) {
    try {
      const { label, members } = verifyOtherSide(side, nodeSuite);
      const fits =
        label.charter === order.charter.id &&
        further.includes(label.account) &&
        order.document.accounts.some((account) => members.has(account));
      if (fits) shown.add(hex(accessLabel(label)));
    } catch (cause) {
      if (!(cause instanceof GateError)) throw cause;
      throw new EvidenceError("warrant", OTHERS, { cause });
    }
  }
  return shown;
}

async function refuse<T>(
  code: "charter" | "keys" | "warrant",
  file: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof CharterError || cause instanceof EncodingError || cause instanceof GateError) {
      throw new EvidenceError(code, file, { cause });
    }
    throw cause;
  }
}

/** EVI-67, EVI-69: the order asks for every label, each label's day was over by witnessed time, its period's key is here. */
function checkScope(
  labels: readonly ReleasedLabel[],
  warrant: VerifiedOrder,
  otherSides: ReadonlySet<string>,
  log: LogFacts,
  keys: ReadonlyMap<Period, PeriodKeys>,
): void {
  const { conversations } = warrant.document;
  const named =
    conversations === "all" ? [...new Set(labels.map(({ label }) => label.conversation))] : conversations;
  const { firstDay, lastDay } = warrant.document;
  const inScope = (label: AccessLabel): boolean =>
    scope.has(hex(accessLabel(label))) ||
    (otherSides.has(hex(accessLabel(label))) &&
      (conversations === "all" || conversations.includes(label.conversation)) &&
      label.day >= firstDay &&
      label.day <= lastDay);
  const scope = new Set(
    (named.length === 0 ? [] : labelsOf(warrant, named)).map((label) => hex(accessLabel(label))),
  );
  const today = dayOf(log.checkpoint.time);
  for (const { label } of labels) {
    if (!inScope(label)) throw new EvidenceError("out-of-scope", LABEL_KEYS);
    if (releasableFrom(warrant.document, label.day) > today) {
      throw new EvidenceError("day-not-over", LABEL_KEYS);
    }
    if (!keys.has(periodOf(label.day))) throw new EvidenceError("keys", keysPath(periodOf(label.day)));
  }
  const needed = new Set(labels.map(({ label }) => periodOf(label.day)));
  for (const period of keys.keys())
    if (!needed.has(period)) throw new EvidenceError("keys", keysPath(period));
}

function masterKeyOf({ label }: ReleasedLabel, keys: ReadonlyMap<Period, PeriodKeys>): Uint8Array {
  return (keys.get(periodOf(label.day)) as PeriodKeys).access.mpk;
}

/** EVI-68: every label key is the one that t shares of its period's master key make. */
function checkLabelKeys(
  labels: readonly ReleasedLabel[],
  keys: ReadonlyMap<Period, PeriodKeys>,
  curve: Curve,
): void {
  const claims = labels.map((released) => ({
    mpk: masterKeyOf(released, keys),
    label: accessLabel(released.label),
    labelKey: released.labelKey,
  }));
  if (verifyLabelKeys(claims, curve)) return;
  const wrong = claims.findIndex((claim) => !verifyLabelKey(claim, curve));
  throw new EvidenceError("label-key", LABEL_KEYS, { cause: `label ${wrong + 1}` });
}
