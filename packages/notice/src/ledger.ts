import {
  type Charter,
  type LogEntry,
  type NoticeShareEntry,
  type OrderEntry,
  orderEntryType,
  type PeriodKeys,
  verifyEntrySignature,
} from "@porchlight/charter";
import {
  type Commitment,
  concat,
  type DayNumber,
  dayNumber,
  dayOf,
  fromHex,
  type KeyholderIndex,
  type Period,
  parseDay,
  periodOf,
  type UnixSeconds,
} from "@porchlight/encoding";
import { combineLabelShares } from "@porchlight/quorum";
import { blockHash, labelOf, type NoticeScope, readNotice, unlockBlock } from "./block.ts";
import type { NoticeContent } from "./content.ts";

/** Whole days that keyholders have, after the day on which a notice is due, before it is overdue (NOT-41). */
export const NOTICE_GRACE_DAYS = 1;

/** What the log, and keyholders beside it, show of one order's notices. */
export type OrderNotice = {
  readonly index: number;
  readonly commitment: Commitment;
  /** The earliest day on which its secrecy may end, by the month that its entry shows. */
  readonly earliest: DayNumber;
  /** The month in which secrecy ends: the order's own, or the latest that an extension shows. */
  readonly month: Period;
  /** "missing": the log holds no notices of it, so that no honest keyholder carried it out. */
  readonly state: "pending" | "missing" | "released";
  /** Keyholders of whom a valid share is known, ascending. */
  readonly released: readonly KeyholderIndex[];
};

/** What the log shows that its issuer, or an inspector, said of an order later (NOT-43). */
export type Stopped = "revoked" | "suspended";

export type OverdueNotice = Pick<OrderNotice, "index" | "commitment" | "month" | "released"> & {
  readonly reason: "not-released" | "notices-missing";
};

type Kept = {
  readonly index: number;
  readonly entry: OrderEntry;
  readonly block: Uint8Array | null;
  month: Period;
  /** By the day in the label and the keyholder; the share's generation beside it. */
  readonly shares: Map<DayNumber, Map<KeyholderIndex, { generation: number; share: Uint8Array }>>;
  opened: { readonly scope: NoticeScope; readonly boxes: readonly Uint8Array[] } | null;
};

/**
 * The notices of one charter as a log shows them, entry by entry (NOT-40). Pure: entries come verified under the log's
 * checkpoint, and every signature that matters here is checked here.
 */
export class NoticeLedger {
  readonly #charter: Charter;
  /** The charter with the keyholders of now: a successor signs in its predecessor's place. */
  #present: Charter;
  /** By period and share generation: shares are checked against the verifying shares of their own. */
  readonly #keys = new Map<string, PeriodKeys>();
  readonly #orders = new Map<Commitment, Kept>();
  readonly #parts = new Map<Commitment, Uint8Array[]>();
  readonly #stopped = new Map<Commitment, Stopped>();

  constructor(charter: Charter) {
    this.#charter = charter;
    this.#present = charter;
  }

  /** A keyholder was replaced: the charter as it is from here on in the log, verified. */
  succeed(present: Charter): void {
    if (present.id === this.#charter.id) this.#present = present;
  }

  /** The verified keys of a period, and those of its later share generations, as the log has them. */
  keys(keys: PeriodKeys): void {
    const name = keysName(keys.period, keys.generation);
    if (keys.charter === this.#charter.id && !this.#keys.has(name)) this.#keys.set(name, keys);
  }

  /** Takes one entry; those of other charters, of other types and without their signature change nothing. */
  take(index: number, entry: LogEntry): void {
    if (entry.type === "charter" || entry.type === "keys" || entry.type === "succession") return;
    if (entry.charter !== this.#charter.id) return;
    switch (entry.type) {
      case "notice": {
        const parts = this.#parts.get(entry.commitment) ?? [];
        if (entry.part !== parts.length || !verifyEntrySignature(entry, this.#charter)) return;
        this.#parts.set(entry.commitment, [...parts, entry.block]);
        return;
      }
      case "warrant":
      case "hold-order": {
        if (entry.type !== orderEntryType(this.#charter.kind) || this.#orders.has(entry.commitment)) return;
        if (!verifyEntrySignature(entry, this.#charter)) return;
        const block = concat(...(this.#parts.get(entry.commitment) ?? []));
        const whole = blockHash(block) === entry.notices ? block : null;
        const month = entry.secretUntil;
        this.#orders.set(entry.commitment, {
          index,
          entry,
          block: whole,
          month,
          shares: new Map(),
          opened: null,
        });
        this.#parts.delete(entry.commitment);
        return;
      }
      case "extension": {
        const order = this.#orders.get(entry.commitment);
        if (order === undefined || !verifyEntrySignature(entry, this.#charter)) return;
        // The provider alone could log one: never further than any court may go.
        const latest = periodOf(dayNumber(order.entry.day + this.#charter.longestSecrecyDays));
        if (entry.secretUntil > order.month && entry.secretUntil <= latest) order.month = entry.secretUntil;
        return;
      }
      case "notice-share":
        this.addShare(entry);
        return;
      case "revocation":
      case "suspension":
      case "resumption": {
        const { type, commitment } = entry;
        if (this.#stopped.get(commitment) === "revoked" || !verifyEntrySignature(entry, this.#charter))
          return;
        if (type === "resumption") this.#stopped.delete(commitment);
        else this.#stopped.set(commitment, type === "revocation" ? "revoked" : "suspended");
        return;
      }
      default:
    }
  }

  /** A share from the log, or from a keyholder's own door. Whether it is any good shows when t are combined. */
  addShare(entry: NoticeShareEntry): void {
    const order = this.#orders.get(entry.commitment);
    const fits =
      order !== undefined &&
      order.opened === null &&
      periodOf(entry.until) === order.entry.secretUntil &&
      entry.period === periodOf(order.entry.day) &&
      (verifyEntrySignature(entry, this.#present) || verifyEntrySignature(entry, this.#charter));
    if (!fits) return;
    const shares = order.shares.get(entry.until) ?? new Map();
    shares.set(entry.keyholder, { generation: entry.generation, share: fromHex(entry.share) });
    order.shares.set(entry.until, shares);
    this.#open(order, entry.until, entry.generation);
  }

  #open(order: Kept, until: DayNumber, generation: number): void {
    const { block, entry, shares } = order;
    const keys = this.#keys.get(keysName(periodOf(entry.day), generation));
    if (block === null || keys === undefined) return;
    const offered = [...(shares.get(until) ?? [])].filter(([, one]) => one.generation === generation);
    const { commitment } = entry;
    const result = combineLabelShares({
      master: keys.notice,
      label: labelOf({ commitment, until }),
      shares: new Map(offered.map(([keyholder, { share }]) => [keyholder, share] as const)),
    });
    if (result.kind === "short") return;
    const scope = { charter: this.#charter.id, commitment, until, mpk: keys.notice.mpk };
    try {
      order.opened = { scope, boxes: unlockBlock(scope, block, result.labelKey) };
    } catch {
      // The key of another day than the block was locked to: its own may still come.
    }
  }

  /** Every order of the charter, in the log's order. */
  get orders(): OrderNotice[] {
    return [...this.#orders.values()].map(({ index, entry, block, month, shares, opened }) => ({
      index,
      commitment: entry.commitment,
      earliest: dayNumber(Math.max(entry.day, parseDay(`${entry.secretUntil}-01`))),
      month,
      state: opened !== null ? "released" : block === null ? "missing" : "pending",
      released: [...new Set([...shares.values()].flatMap((one) => [...one.keys()]))].sort((a, b) => a - b),
    }));
  }

  /** NOT-43: whether the log shows that an order is stopped, for good or until it is let go on. */
  stopped(commitment: Commitment): Stopped | null {
    return this.#stopped.get(commitment) ?? null;
  }

  /** NOT-21: the notices that a notice seed (32 B) reads among those that are released. Some 5 ms a slot. */
  read(noticeSeed: Uint8Array): NoticeContent[] {
    return [...this.#orders.values()].flatMap(({ opened }) => {
      const found = opened === null ? null : readNotice(opened.scope, opened.boxes, noticeSeed);
      return found === null ? [] : [found];
    });
  }
}

/** NOT-41: orders whose month and its grace are over by witnessed time `at`, with neither release nor extension. */
export function overdue(orders: readonly OrderNotice[], at: UnixSeconds): OverdueNotice[] {
  const today = dayOf(at);
  return orders.flatMap(({ index, commitment, month, released, state }): OverdueNotice[] => {
    if (state === "missing")
      return [{ index, commitment, month, released, reason: "notices-missing" as const }];
    if (state === "released" || today <= lastDayOf(month) + NOTICE_GRACE_DAYS) return [];
    return [{ index, commitment, month, released, reason: "not-released" as const }];
  });
}

/** NOT-42: what can be said to somebody who read every released notice of a log and found none of their own. */
export type AllClear = {
  /** No order about the reader whose secrecy ended by this day, as far as keyholders released in time; null: nothing. */
  readonly endedBy: DayNumber | null;
  /** The same, by what was opened alone: every order that could have ended by then is released and was tried. */
  readonly certainBy: DayNumber | null;
  /** No order signed before this day can still be secret. */
  readonly signedBefore: DayNumber;
  /** Why the first is earlier than it could be. */
  readonly unresolved: readonly OverdueNotice[];
};

/** NOT-42, from the log alone, under its witnessed time. */
export function allClear(charter: Charter, orders: readonly OrderNotice[], at: UnixSeconds): AllClear {
  const today = dayOf(at);
  const unresolved = overdue(orders, at);
  const late = new Set(
    unresolved.filter(({ reason }) => reason === "not-released").map(({ commitment }) => commitment),
  );
  const newest = today - 1 - NOTICE_GRACE_DAYS;
  const before = (some: readonly OrderNotice[]): DayNumber | null => {
    const day = Math.min(newest, ...some.map(({ earliest }) => earliest - 1));
    return day < charter.validFrom ? null : dayNumber(day);
  };
  return {
    endedBy: before(orders.filter(({ commitment }) => late.has(commitment))),
    certainBy: before(orders.filter(({ state }) => state !== "released")),
    signedBefore: dayNumber(Math.max(0, today - charter.longestSecrecyDays)),
    unresolved,
  };
}

function keysName(period: Period, generation: number): string {
  return `${period} ${generation}`;
}

function lastDayOf(period: Period): DayNumber {
  const [year = 0, month = 0] = period.split("-").map(Number);
  const next = month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, "0")}-01`;
  return dayNumber(parseDay(next) - 1);
}
