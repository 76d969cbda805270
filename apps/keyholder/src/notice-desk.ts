import { randomBytes } from "node:crypto";
import {
  type Charter,
  formatEntry,
  type NoticeShareEntry,
  type OrderEntry,
  orderEntryType,
  signNoticeShare,
  verifyEntrySignature,
} from "@porchlight/charter";
import { type Commitment, type DayNumber, dayOf, hex, periodOf } from "@porchlight/encoding";
import { CHECKPOINT_TOLERANCE, noticeDue, type OrderInput, secrecyEnds } from "@porchlight/gate";
import { labelOf } from "@porchlight/notice";
import { labelShare } from "@porchlight/quorum";
import type { Clock, Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
import type { OwnCharter } from "./charters.ts";
import type { Identity } from "./identity.ts";
import type { LogMemory } from "./log-memory.ts";
import { persist } from "./retry.ts";
import type { Shares } from "./shares.ts";

export type NoticeDeskContext = {
  readonly charter: Charter;
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly memory: LogMemory;
  readonly shares: Shares;
  readonly server: ServerClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

type Label = { readonly commitment: Commitment; readonly until: DayNumber };

/**
 * NOT-30 to NOT-34: gives this keyholder's share of a notice label's key when its day has come, unasked and to everybody.
 * It touches notice shares alone. A share follows from key and label, so nothing of it needs to be remembered: after a
 * crash the same bytes are made again.
 */
export class NoticeDesk {
  readonly #context: NoticeDeskContext;
  readonly #made = new Map<string, NoticeShareEntry>();

  constructor(context: NoticeDeskContext) {
    this.#context = context;
  }

  /** What was released here for an order. */
  released(commitment: Commitment): NoticeShareEntry[] {
    return [...this.#made.values()].filter((entry) => entry.commitment === commitment);
  }

  /** NOT-33: the share of one label, for whoever asks once it may be given; `null` before. */
  async share(label: Label): Promise<NoticeShareEntry | null> {
    return this.#mayGive(label) ? await this.#make(label) : null;
  }

  /** Gives and logs what is due. `orders` are those that were handed in here, as the gate sees them. */
  async publish(orders: readonly OrderInput[]): Promise<void> {
    const { view } = this.#context.memory;
    if (view === null || !this.#isFresh()) return;
    const today = dayOf(view.checkpoint.time);
    const logged = new Set<string>();
    const due = new Map<string, Label>();
    const add = (label: Label): void => void due.set(nameOf(label), label);
    const known = new Set<Commitment>();
    for (const order of orders) {
      const found = noticeDue(order);
      const entry = this.#orderOf(order);
      if (found === null || entry === null) continue;
      known.add(entry.commitment);
      const until = secrecyEnds(order.warrant.document, entry.day);
      if (found.day <= today) add({ commitment: entry.commitment, until });
    }
    for (const { entry } of view.entries) {
      if (entry.type === "notice-share" && entry.charter === this.#context.charter.id) {
        if (entry.keyholder === this.#context.own.self) logged.add(nameOf(entry));
        else if (!known.has(entry.commitment) && this.#mayGive(entry)) add(entry);
      } else if (this.#isOrder(entry) && entry.secretUntil === periodOf(entry.day)) {
        // Told at once; of an order that is secret for some more days of this month the key opens nothing.
        const label = { commitment: entry.commitment, until: entry.day };
        if (this.#mayGive(label)) add(label);
      }
    }
    for (const [name, label] of due) {
      if (logged.has(name)) continue;
      const entry = await this.#make(label);
      if (entry === null) continue;
      const { server, log, signal } = this.#context;
      await persist("notice-share", () => server.appendEntry(formatEntry(entry)), { log, signal });
    }
  }

  /**
   * NOT-31: for an order of which only the log is known. The day stands in the label, so that a key given for another
   * day than the order's opens nothing; what is asked is that the day has come and that nobody moved it.
   */
  #mayGive({ commitment, until }: Label): boolean {
    const { memory, charter } = this.#context;
    const { view } = memory;
    if (view === null || !this.#isFresh() || until > dayOf(view.checkpoint.time)) return false;
    let isLogged = false;
    for (const { entry } of view.entries) {
      if (
        entry.type === "extension" &&
        entry.commitment === commitment &&
        verifyEntrySignature(entry, charter)
      ) {
        return false;
      }
      isLogged ||=
        this.#isOrder(entry) &&
        entry.commitment === commitment &&
        entry.secretUntil === periodOf(until) &&
        verifyEntrySignature(entry, charter);
    }
    return isLogged;
  }

  async #make(label: Label): Promise<NoticeShareEntry | null> {
    const known = this.#made.get(nameOf(label));
    if (known !== undefined) return known;
    const { charter, own, identity, memory, shares } = this.#context;
    const order = memory.view?.entries.find(
      ({ entry }) => this.#isOrder(entry) && entry.commitment === label.commitment,
    )?.entry as OrderEntry | undefined;
    const logged = order === undefined ? null : memory.keys(periodOf(order.day));
    if (logged === null) return null;
    const { period, generation, notice } = logged.keys;
    const share = await shares.read({ charter: charter.id, period, generation }, "notice", own.self, notice);
    try {
      const point = labelShare({
        share,
        mpk: notice.mpk,
        label: labelOf(label),
        random: (length) => new Uint8Array(randomBytes(length)),
      });
      const { commitment, until } = label;
      const entry = signNoticeShare(
        {
          type: "notice-share",
          charter: charter.id,
          keyholder: own.self,
          commitment,
          until,
          period,
          generation,
          share: hex(point),
        },
        identity.document.seed,
      );
      this.#made.set(nameOf(label), entry);
      return entry;
    } finally {
      share.secret.fill(0);
    }
  }

  #isFresh(): boolean {
    const { memory, clock } = this.#context;
    return (
      memory.view !== null && Math.abs(clock.now() - memory.view.checkpoint.time) <= CHECKPOINT_TOLERANCE
    );
  }

  #orderOf({ view, index, warrant }: OrderInput): OrderEntry | null {
    const found = view.entries.find((one) => one.index === index)?.entry;
    return found !== undefined && this.#isOrder(found) && found.charter === warrant.charter.id ? found : null;
  }

  #isOrder(entry: { readonly type: string }): entry is OrderEntry {
    return entry.type === orderEntryType(this.#context.charter.kind);
  }
}

function nameOf({ commitment, until }: Label): string {
  return `${commitment} ${until}`;
}
