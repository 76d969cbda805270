import { type Commitment, type DayNumber, dayStart, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { commitmentOf, coreOf } from "@porchlight/gate";
import {
  advance,
  type DocumentObject,
  dateTimeOf,
  type Held,
  type LPTask,
  objection,
  revise,
  type Scope,
  statusOf,
  whatOf,
} from "@porchlight/hi1";
import type { Clock } from "@porchlight/runtime";
import type { Database } from "../database.ts";
import type { Log } from "../log.ts";
import type { OrderStore } from "../order-store.ts";
import type { KnownPreservation, Preservations } from "../preservations.ts";
import { orderIn } from "./checks.ts";
import type { Kept, ObjectStore } from "./object-store.ts";

/** Brings tasks and warrants to where what is behind them is: revoked, carried out, expired, prolonged, lifted, cancelled (HI1-34). */
export class Following {
  readonly #database: Database;
  readonly #store: ObjectStore;
  readonly #orders: OrderStore;
  readonly #preservations: Preservations;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Whether this process has looked for what an earlier version left. */
  #isPlaced = false;

  constructor(parts: {
    readonly database: Database;
    readonly store: ObjectStore;
    readonly orders: OrderStore;
    readonly preservations: Preservations;
    readonly log: Log;
    readonly clock: Clock;
  }) {
    this.#database = parts.database;
    this.#store = parts.store;
    this.#orders = parts.orders;
    this.#preservations = parts.preservations;
    this.#log = parts.log;
    this.#clock = parts.clock;
  }

  /** Of one endpoint's tasks, or of all. */
  async run(owner: string | null): Promise<void> {
    const now = this.#clock.now();
    if (!this.#isPlaced) await this.#place(now);
    this.#isPlaced = true;
    const waiting = await this.#store.following(this.#database, owner);
    const known = waiting.some(({ held }) => held.type === "LPTask") ? await this.#preservations.known() : [];
    for (const kept of waiting) {
      const moved = await this.#moved(kept, known, now);
      if (moved === null) continue;
      await this.#database.transaction(async (transaction) => {
        const { held, words } = moved;
        await this.#store.put(transaction, { ...kept, held }, now);
        const act = statusOf(held.object) ?? "";
        await this.#store.note(transaction, held.object.ObjectIdentifier, now, {
          by: "this server",
          act,
          words,
        });
      });
    }
  }

  /** Earlier versions did not note the order of a warrant that they approved: it is read from the document, once. */
  async #place(now: UnixSeconds): Promise<void> {
    for (const kept of await this.#store.unplaced(this.#database)) {
      if (whatOf(kept.held.object) !== "Warrant") continue;
      const [whole] = await this.#store.get(this.#database, [kept.held.object.ObjectIdentifier]);
      const brought = whole === undefined ? null : orderIn(whole.held.object as DocumentObject);
      if (brought === null) continue;
      const { warrant, others, opening } = brought;
      const core = coreOf({ warrant: utf8(warrant), others: others === null ? null : utf8(others) });
      const logged = commitmentOf(opening, core);
      if (this.#log.catalogue.order(logged) === undefined) continue;
      await this.#store.put(this.#database, { ...kept, logged }, now);
    }
  }

  async #moved(kept: Kept, known: readonly KnownPreservation[], now: UnixSeconds): Promise<Moved | null> {
    const { held } = kept;
    if (held.type === "LPTask") return preserved(kept, known, now);
    if (statusOf(held.object) === "AwaitingApproval") {
      const words = "The authorisation that it belongs to was cancelled.";
      return moved(held, held.type === "Document" ? "Expired" : "Cancelled", now, words);
    }
    return held.type === "Document" ? await this.#spent(kept, now) : await this.#disclosed(kept, now);
  }

  /** A warrant is over with its order, whatever came of that. */
  async #spent({ held, logged }: Kept, now: UnixSeconds): Promise<Moved | null> {
    if (logged === null) return null;
    if (this.#log.catalogue.revocation(logged) !== undefined) {
      return moved(held, "Expired", now, "The order was revoked by its issuer.");
    }
    const order = await this.#orders.findLogged(logged);
    if (order === null || order.warrant.document.expires >= now) return null;
    return moved(held, "Expired", now, "The order has expired.");
  }

  async #disclosed({ held, logged }: Kept, now: UnixSeconds): Promise<Moved | null> {
    if (logged === null) return null;
    // First: after a revocation nothing goes out, so what went out went before it, and the record has to say so.
    if (await this.#orders.wasGiven(logged)) return moved(held, "Disclosed", now, null);
    if (this.#log.catalogue.revocation(logged) !== undefined) {
      return moved(held, "Cancelled", now, "The order was revoked by its issuer.");
    }
    const order = await this.#orders.findLogged(logged);
    if (order === null || order.warrant.document.expires >= now) return null;
    return moved(held, "DisclosureNotAvailable", now, "The order has expired, and nothing was collected.");
  }
}

type Moved = { readonly held: Held; readonly words: string };

function moved(held: Held, status: string, now: UnixSeconds, words: string | null): Moved | null {
  const next = advance(held, status, now, words === null ? undefined : objection(words));
  return next === null ? null : { held: next, words: words ?? "Material of the order was handed out." };
}

function preserved(kept: Kept, known: readonly KnownPreservation[], now: UnixSeconds): Moved | null {
  const { held } = kept;
  const until = held.scope === null ? null : heldUntil(held.scope, kept.preserved, known);
  if (until === null) {
    const next = advance(held, "Expired", now);
    return next === null ? null : { held: next, words: "No order to preserve holds this any more." };
  }
  const expires = endOf(until);
  if ((held.object as LPTask)["task:PreservationExpiration"] === expires) return null;
  const words = "The order to preserve was prolonged.";
  return { held: revise(held, { "task:PreservationExpiration": expires }, now), words };
}

/** The last second of a day, as an LPTask tells it. */
export function endOf(until: DayNumber): string {
  return dateTimeOf((dayStart(until) + 86_399) as UnixSeconds);
}

/**
 * Until when everything of a task is held by these orders or what prolongs them; null where any of it is not. Another
 * authority's order does not count, and so cannot be found out either.
 */
export function heldUntil(
  { accounts, conversations, firstDay, lastDay }: Scope,
  by: readonly Commitment[],
  known: readonly KnownPreservation[],
): DayNumber | null {
  const holding = known.filter(
    ({ commitment, document, state }) =>
      state === "held" &&
      (by.includes(commitment) || (document.extends !== null && by.includes(document.extends))),
  );
  const days = accounts.map((account) => {
    const covering = holding.filter(
      ({ document }) =>
        document.account === account &&
        document.firstDay <= firstDay &&
        document.lastDay >= lastDay &&
        (document.conversations === "all" ||
          (conversations.length > 0 && conversations.every((id) => document.conversations.includes(id)))),
    );
    return Math.max(0, ...covering.map(({ document }) => document.until as number));
  });
  const least = Math.min(...days);
  return least > 0 ? (least as DayNumber) : null;
}
