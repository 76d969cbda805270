import { type Charter, CharterError } from "@porchlight/charter";
import {
  base64,
  type CharterId,
  type DayNumber,
  dayNumber,
  hex,
  type KeyholderIndex,
  type Period,
  periodOf,
} from "@porchlight/encoding";
import {
  type ContestPeriod,
  examineOrder,
  GateError,
  inspectionPeriod,
  type KeyholderMemory,
  type OrderInput,
  type VerifiedOrder,
  verifyOrder,
} from "@porchlight/gate";
import { type Court, logView, PartyError, type Service } from "@porchlight/parties";
import { beginningOf, type Shown, serviceOf } from "../orders.ts";
import type { Examined } from "../rules.ts";

// What an inspector can say of an order from its own copy of the log, and of orders that nobody showed it (CHA-24, GATE-33).

/** An order, and every rule of the gate that can be asked before a keyholder's decision. */
export type Inspected = {
  readonly order: VerifiedOrder;
  /** `null` while it is not in the witnessed log. */
  readonly examined: Examined | null;
  /** Until when each keyholder waits; `null` while it is not in the witnessed log. */
  readonly wait: ContestPeriod | null;
};

/** A hold order of the log whose file this inspector cannot read. */
export type Unseen = {
  /** A file of an order that begins so was given, and is damaged; of which order it is nobody can tell. Otherwise nobody gave it. */
  readonly isDamaged: boolean;
  readonly index: number;
  readonly day: DayNumber;
  readonly waitsUntil: DayNumber;
  readonly isStopped: boolean;
};

/** Throws GateError for what is no order of the charter with every signature that it takes. */
export async function inspect(service: Service, shown: Shown, all: readonly Shown[]): Promise<Inspected> {
  const { charter } = service;
  const order = await verifyOrder(shown.order, charter);
  const { standing } = shown;
  if (standing.state === "signed" || standing.state === "handed-in")
    return { order, examined: null, wait: null };
  const { index } = standing;
  const view = logView(service);
  const logged = view.entries.find((one) => one.index === index)?.entry;
  const noticeKeys = new Map<Period, Awaited<ReturnType<Service["keys"]>>["keys"]>();
  if (logged !== undefined && "day" in logged) {
    const period = periodOf(logged.day);
    const found = await service.keys(period).catch(() => null);
    if (found !== null) noticeKeys.set(period, found.keys);
  }
  const input: OrderInput = {
    warrant: order,
    opening: shown.order.opening,
    index,
    view,
    directions: [],
    noticeKeys,
    now: service.now(),
  };
  const { rules, caps } = examineOrder({ ...input, self: memoryOf(shown, all) });
  return {
    order,
    examined: {
      rules: rules.map(({ rule, refusal }) =>
        refusal === null
          ? { rule, holds: true }
          : { rule, holds: false, reason: refusal.reason, waits: refusal.waits },
      ),
      caps,
    },
    wait: inspectionPeriod(input),
  };
}

/** The same under the charter that the order names; `null` for one that cannot be read, which keeps nobody from the others. */
export async function inspectKept(
  service: Service,
  shown: Shown,
  all: readonly Shown[],
): Promise<Inspected | null> {
  try {
    return await inspect(await serviceOf(service, shown.order), shown, all);
  } catch (error) {
    if (error instanceof PartyError || error instanceof GateError || error instanceof CharterError)
      return null;
    throw error;
  }
}

/** GATE-23 and GATE-24 over the orders of this directory; an inspector holds no share. */
function memoryOf(shown: Shown, all: readonly Shown[]): KeyholderMemory {
  const earlier = all.filter((one) => one.commitment !== shown.commitment && indexOf(one) < indexOf(shown));
  return {
    keyholder: 1 as KeyholderIndex,
    generations: new Map(),
    usedRequesterPoints: new Map(earlier.map((one) => [hex(one.document.requester.point), one.commitment])),
    usedReferences: new Map(earlier.map((one) => [one.document.reference, one.commitment])),
  };
}

function indexOf({ standing }: Shown): number {
  return "index" in standing ? standing.index : Number.POSITIVE_INFINITY;
}

/**
 * DESK-15: hold orders of the log whose file cannot be read here, newest first: under every charter that names this inspector. An order
 * was given where its whole commitment is that of a file: who signs one chooses its opening, and can make two that begin alike.
 */
export async function unseen(
  service: Service,
  own: Court,
  { orders, damaged }: { readonly orders: readonly Shown[]; readonly damaged: readonly string[] },
): Promise<Unseen[]> {
  const { entries } = logView(service);
  const given = new Set<string>(orders.map(({ commitment }) => commitment));
  const beginnings = damaged.map(beginningOf);
  const stopped = new Set(
    entries.flatMap(({ entry }) => (entry.type === "revocation" ? [entry.commitment as string] : [])),
  );
  const found: Unseen[] = [];
  for (const { index, entry } of entries) {
    if (entry.type !== "hold-order" || given.has(entry.commitment)) continue;
    const charter = await charterOrNull(service, entry.charter);
    if (charter === null || (charter.id !== service.charter.id && !isInspector(own, charter))) continue;
    found.push({
      isDamaged: beginnings.some((beginning) => entry.commitment.startsWith(beginning)),
      index,
      day: entry.day,
      waitsUntil: dayNumber(entry.day + (charter.inspection?.days ?? 0)),
      isStopped: stopped.has(entry.commitment),
    });
  }
  return found.reverse();
}

/** A charter that the log has not is nobody's, and so are its entries. */
async function charterOrNull(service: Service, id: CharterId): Promise<Charter | null> {
  try {
    return (await service.under(id)).charter;
  } catch (error) {
    if (error instanceof PartyError && error.code === "charter-unknown") return null;
    throw error;
  }
}

/** Whether the charter names this very key as an inspector's: otherwise nothing that it signs stops anything. */
export function isInspector({ name, publicKey }: Court, { inspection }: Charter): boolean {
  const own = base64(publicKey);
  return inspection?.inspectors.some((one) => one.name === name && base64(one.key) === own) ?? false;
}
