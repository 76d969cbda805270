// What this device says of what it has and what was read, and where that does not hold.
import type { AccountId } from "@porchlight/encoding";
import { type Content, type Gap, MAX_GAPS } from "../content.ts";
import type { Owed } from "./gaps.ts";
import type { History } from "./history.ts";
import { deviceTag, type StoredEvent, type StoredMessage } from "./stored-entry.ts";
import type { ThreadRecord } from "./thread-record.ts";

export type DueReceipt = {
  readonly told: Pick<ThreadRecord, "told" | "owed">;
  readonly content: Pick<Content, "read" | "received" | "gaps">;
};

type Place = { readonly me: AccountId; readonly history: History; readonly record: ThreadRecord };

/**
 * Names of the newest message of others that is here, and of the newest that was seen; `null` where the last receipt said as
 * much.
 */
export async function dueReceipt(place: Place): Promise<DueReceipt | null> {
  const { history, record } = place;
  const { gaps, owed, end, upTo } = await gapsOf(place);
  const { told } = record;
  const [here, seen] = [Math.min(history.count, upTo), Math.min(record.seen, upTo)];
  const newest = async (before: number, after: number): Promise<StoredMessage | null> =>
    before <= after
      ? null
      : ((await search(history, { from: before - 1, to: after - 1 }, isOthers(place.me)))?.message ?? null);
  const read = await newest(seen, told.read);
  const received =
    (await newest(here, Math.max(told.received, seen))) ??
    // What is told of is older than what receipts have said: the message after it is named once more.
    (read === null && end !== null ? await newest(end + 1, end) : null);
  if (read === null && received === null) return null;
  return {
    told: {
      told: { received: Math.max(told.received, here), read: Math.max(told.read, seen) },
      owed,
    },
    content: {
      ...(read === null ? {} : { read: read.id }),
      ...(received === null ? {} : { received: received.id }),
      ...(gaps.length === 0 ? {} : { gaps }),
    },
  };
}

/** CON-13: something of this device's is not here, between its newest message here and the one that comes now. */
export async function skippedOf(
  history: History,
  { sender, deviceKey }: { readonly sender: AccountId; readonly deviceKey: string },
): Promise<Owed> {
  const to = history.count;
  let from = to;
  for (; from > 0; from--) {
    const entry = await history.at(from - 1);
    const isIts = entry.kind === "message" && entry.from === sender && entry.device === deviceTag(deviceKey);
    if (isIts || (entry.kind === "event" && beginsWith(entry, sender, deviceKey))) break;
  }
  return { from, to, by: sender };
}

/** Before this event the device sent nothing that could be read here. */
function beginsWith({ event }: StoredEvent, account: AccountId, deviceKey: string): boolean {
  return (
    event.kind === "you-joined" ||
    (event.kind === "joined" && event.accounts.includes(account)) ||
    (event.kind === "device-added" && event.device === deviceKey)
  );
}

type Gaps = {
  readonly gaps: readonly Gap[];
  /** What waits for a message after it, or for the next receipt. */
  readonly owed: readonly Owed[];
  /** Place of the message behind the last gap. */
  readonly end: number | null;
  /** Where one receipt does not hold all gaps, it goes only as far as they do. */
  readonly upTo: number;
};

/** CON-13: what a receipt of now must not stand for. */
async function gapsOf({ me, history, record }: Place): Promise<Gaps> {
  const waiting: Owed[] = [];
  const due: { readonly owed: Owed; readonly end: number }[] = [];
  for (const owed of record.owed ?? []) {
    const end = await search(history, { from: owed.to, to: history.count }, isOthers(me));
    if (end === null) waiting.push(owed);
    // Of two with nothing between them the one that reaches further back tells both.
    else if (!due.some((other) => other.end === end.place && isWithin(owed, other.owed)))
      due.push({ owed, end: end.place });
  }
  due.sort((one, other) => one.end - other.end);
  const gaps: Gap[] = [];
  for (const { owed, end } of due.slice(0, MAX_GAPS)) {
    const after = await search(history, { from: owed.from - 1, to: -1 }, () => true);
    const before = await search(history, { from: end, to: end + 1 }, () => true);
    if (before === null) continue;
    gaps.push({
      ...(after === null ? {} : { after: after.message.id }),
      before: before.message.id,
      ...(owed.by === undefined ? {} : { from: owed.by }),
    });
  }
  const later = due.slice(MAX_GAPS).map(({ owed }) => owed);
  const end = due.slice(0, MAX_GAPS).at(-1)?.end ?? null;
  const upTo = later.length === 0 || end === null ? history.count : end + 1;
  return { gaps, owed: [...later, ...waiting], end, upTo };
}

/** Whether what is told of `other`, which ends at the same message, holds `one` too. */
function isWithin(one: Owed, other: Owed): boolean {
  return other.from <= one.from && (other.by === undefined || other.by === one.by);
}

function isOthers(me: AccountId): (message: StoredMessage) => boolean {
  return ({ from }) => from !== me;
}

/** The first message that is wanted, on the way from one place to another one (exclusive), forwards or backwards. */
async function search(
  history: History,
  { from, to }: { readonly from: number; readonly to: number },
  isWanted: (message: StoredMessage) => boolean,
): Promise<{ readonly place: number; readonly message: StoredMessage } | null> {
  const step = from < to ? 1 : -1;
  for (let place = from; place !== to && place >= 0 && place < history.count; place += step) {
    const message = await history.at(place);
    if (message.kind === "message" && isWanted(message)) return { place, message };
  }
  return null;
}
