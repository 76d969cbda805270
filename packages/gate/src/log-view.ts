import {
  type BatchEntry,
  type Charter,
  type DirectionEntry,
  type IntakeEntry,
  type LogEntry,
  type NoticeEntry,
  type OrderEntry,
  orderEntryType,
  verifyEntrySignature,
} from "@porchlight/charter";
import type { Commitment, DayNumber, KeyholderIndex } from "@porchlight/encoding";
import { parsePolicy, TlogError, verifyWitnessed, type WitnessedCheckpoint } from "@porchlight/tlog";

/**
 * The log up to one witnessed checkpoint, as the caller's follower read it: every entry of the charter below
 * `checkpoint.size`, each rehashed and found under `checkpoint.root`, in ascending order. Entries of other charters may
 * be among them. The gate believes the follower that none is missing; nothing else.
 */
export type LogView = {
  readonly checkpoint: WitnessedCheckpoint;
  readonly entries: readonly { readonly index: number; readonly entry: LogEntry }[];
};

type DatedEntry = Exclude<IntakeEntry, NoticeEntry> | BatchEntry;
type Dated = { readonly index: number; readonly entry: DatedEntry };

/** Every order that waits is asked about under the same newest checkpoint: its cosignatures are verified once. */
const witnessed = new WeakMap<Charter, WeakMap<WitnessedCheckpoint, boolean>>();

/**
 * Whether the checkpoint stands under the charter's *own* policy. A `WitnessedCheckpoint` was verified under some
 * policy; the charter says which one counts.
 */
export function isWitnessedFor(charter: Charter, { checkpoint }: LogView): boolean {
  const known = witnessed.get(charter) ?? new WeakMap<WitnessedCheckpoint, boolean>();
  witnessed.set(charter, known);
  const verdict = known.get(checkpoint) ?? standsUnderOwnPolicy(charter, checkpoint);
  known.set(checkpoint, verdict);
  return verdict;
}

function standsUnderOwnPolicy(charter: Charter, checkpoint: WitnessedCheckpoint): boolean {
  try {
    const own = verifyWitnessed(checkpoint.note, parsePolicy(charter.log.policy));
    return (
      own.origin === charter.log.origin &&
      own.origin === checkpoint.origin &&
      own.size === checkpoint.size &&
      own.time === checkpoint.time &&
      own.root.join() === checkpoint.root.join()
    );
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

/** Whether indices ascend and stay below the tree's size. */
export function isWellFormed({ checkpoint, entries }: LogView): boolean {
  return entries.every(({ index }, i) => index > (entries[i - 1]?.index ?? -1) && index < checkpoint.size);
}

/** The order entry at `index`, of this charter and in this charter's words; null where there is none. */
export function orderAt(view: LogView, charter: Charter, index: number): OrderEntry | null {
  return orders(view, charter).find((found) => found.index === index)?.entry ?? null;
}

/** How often this charter's orders carry the commitment. */
export function timesLogged(view: LogView, charter: Charter, commitment: Commitment): number {
  return orders(view, charter).filter(({ entry }) => entry.commitment === commitment).length;
}

/** Whether any entry revokes the commitment. Its signature is not asked for: in doubt an order is revoked. */
export function isRevoked(view: LogView, charter: Charter, commitment: Commitment): boolean {
  return dated(view, charter).some(
    ({ entry }) => entry.type === "revocation" && entry.commitment === commitment,
  );
}

/** What the log holds of directions for the order with this commitment, revocations left out, in order. */
export function directionEntries(
  view: LogView,
  charter: Charter,
  commitment: Commitment,
): { readonly index: number; readonly entry: DirectionEntry }[] {
  return dated(view, charter).filter(
    (found): found is { index: number; entry: DirectionEntry } =>
      isDirection(found.entry) && found.entry.commitment === commitment,
  );
}

function isDirection(entry: DatedEntry): entry is DirectionEntry {
  return ["suspension", "resumption", "extension", "notice-release"].includes(entry.type);
}

/**
 * The day on which the entry at `index` entered the log at the earliest: the latest day that it or any signed entry
 * before it carries, as far as that day has come. Who backdates an entry has to backdate everything before it, the
 * daily batches of every keyholder included. Without any such entry it is `today`.
 */
export function effectiveDay(view: LogView, charter: Charter, index: number, today: DayNumber): DayNumber {
  return (
    dated(view, charter)
      .filter((found) => found.index <= index && found.entry.day <= today)
      .sort((a, b) => b.entry.day - a.entry.day)
      .find(({ entry }) => verifyEntrySignature(entry, charter))?.entry.day ?? today
  );
}

/** Orders before `index` whose effective day is `since` or later, counted up to `limit`. */
export function ordersSince(
  view: LogView,
  charter: Charter,
  { index, since, today, limit }: { index: number; since: DayNumber; today: DayNumber; limit: number },
): number {
  // Effective days never go back, so all orders from the first such day on are in the window.
  const start = dated(view, charter).find(
    ({ entry }) => entry.day >= since && entry.day <= today && verifyEntrySignature(entry, charter),
  );
  if (start === undefined) return 0;
  let count = 0;
  for (const found of orders(view, charter)) {
    if (found.index < start.index || found.index >= index || count === limit) continue;
    if (verifyEntrySignature(found.entry, charter)) count++;
  }
  return count;
}

/** Whether a batch that `keyholder` signed holds the slot. */
export function hasSlot(view: LogView, charter: Charter, keyholder: KeyholderIndex, slot: string): boolean {
  return dated(view, charter).some(
    ({ entry }) =>
      entry.type === "keyholder-batch" &&
      entry.keyholder === keyholder &&
      entry.slots.includes(slot) &&
      verifyEntrySignature(entry, charter),
  );
}

function dated(view: LogView, charter: Charter): Dated[] {
  return view.entries.filter(
    (found): found is Dated => "day" in found.entry && found.entry.charter === charter.id,
  );
}

function orders(view: LogView, charter: Charter): { readonly index: number; readonly entry: OrderEntry }[] {
  const type = orderEntryType(charter.kind);
  return dated(view, charter).filter(
    (found): found is { index: number; entry: OrderEntry } => found.entry.type === type,
  );
}
