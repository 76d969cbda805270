// REP-2 to REP-7: what the entries of a log come to, charter by charter. From the log alone: nothing here can say what
// the log does not.
import {
  type Charter,
  type DisclosedEntry,
  type Keyholder,
  type NoticeShareEntry,
  type OrderEntry,
  type ProviderData,
  type PublicPart,
  toldCells,
} from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  type DayNumber,
  dayNumber,
  fromHex,
  type KeyholderIndex,
  lastDayOf,
  type Period,
  periodOf,
} from "@porchlight/encoding";
import { publicCommitment } from "@porchlight/gate";
import type { CountedEntry } from "@porchlight/monitor";

/** Orders by the month in which they were logged. Whether one was carried out nobody can see. */
export type MonthOrders = {
  readonly month: Period;
  readonly logged: number;
  readonly revoked: number;
  /** Suspended at some time. */
  readonly suspended: number;
  /** Whose secrecy was extended. */
  readonly extended: number;
  /** Whose person was told early, on the issuer's order. */
  readonly toldEarly: number;
  /** Whose secrecy is over and whose public part is in the log. */
  readonly disclosed: number;
  /** Whose month of secrecy is not over. */
  readonly stillSecret: number;
  /** Whose month of secrecy is over, revoked ones apart, and whose public part is not in the log. */
  readonly notDisclosed: number;
};

/** Of the orders of a month: how many people were told, and how many days after the order was logged. */
type MonthNotices = {
  /** In which the orders were logged. */
  readonly month: Period;
  /** Whose notice can be read, since as many keyholders as it takes gave their shares of its key. */
  readonly told: number;
  /** Days from the order's entry to that; null where nobody was told. */
  readonly days: { readonly least: number; readonly median: number; readonly most: number } | null;
};

/** A legal basis and a category of the charter. */
type Place = { readonly legalBasis: string; readonly offenceCategory: string };

/** Of some orders; the last two are sums of what they could open, not of what they did. */
type Sums = { readonly orders: number; readonly accounts: number; readonly days: number };

/** What orders of some months were for (REP-4). No two of these have a month in common. */
type Purposes = {
  readonly months: readonly Period[];
  /** Every place of the charter, in its order; null: fewer than five orders, or withheld to hide such a number. */
  readonly cells: readonly (Place & { readonly told: Sums | null })[];
  /** All that are null, together: no orders, or five and more of at least two places. */
  readonly others: Sums;
};

/** The provider's own figures of a month of which nothing is secret; null: fewer than five, or withheld to hide such a number. */
type MonthStatistics = {
  readonly month: Period;
  readonly cells: readonly (Place & { readonly orders: number | null })[];
};

/** A keyholder that came in another's place. */
type Replaced = {
  /** The latest day that an entry before it carried; null where none did. */
  readonly day: DayNumber | null;
  readonly lost: Keyholder;
  readonly successor: Keyholder;
};

/** How a keyholder kept its duty to publish a batch a day, empty or not. */
export type Participation = {
  readonly keyholder: KeyholderIndex;
  readonly name: string;
  readonly owner: string;
  readonly month: Period;
  /** Days of the month on which it was keyholder, from the charter's first batch to the last whole day. */
  readonly expected: number;
  readonly present: number;
  /** Beyond one a day. */
  readonly extra: number;
};

export type CharterReport = {
  /** With the keyholders as they are now. */
  readonly charter: Charter;
  /** In the order of the log. */
  readonly replaced: readonly Replaced[];
  readonly orders: readonly MonthOrders[];
  /** The same months. */
  readonly notices: readonly MonthNotices[];
  /** Orders to preserve, by the month in which they were logged. They open nothing. */
  readonly preservations: readonly {
    readonly month: Period;
    readonly logged: number;
    /** Of these, by their issuers before their time. */
    readonly lifted: number;
  }[];
  /** Tasks that the provider answered itself, outside the quorum, by the month in which their entries came. */
  readonly providerAnswers: readonly ({ readonly month: Period } & Readonly<Record<ProviderData, number>>)[];
  /** Keys of requesters' endpoints, by the month in which they were registered. */
  readonly registrations: readonly { readonly month: Period; readonly registered: number }[];
  readonly purposes: readonly Purposes[];
  /** Orders whose secrecy is over and whose months are not in `purposes` yet. */
  readonly untold: number;
  readonly statistics: readonly MonthStatistics[];
  readonly participation: readonly Participation[];
  /** Key periods that have keys, ascending. */
  readonly keyPeriods: readonly Period[];
};

type Order = {
  readonly logged: DayNumber;
  /** What hides its public part. */
  readonly public: string;
  /** Notice key and end of secrecy → who gave a share of it. */
  readonly shares: Map<string, Set<KeyholderIndex>>;
  told: DayNumber | null;
  secretUntil: Period;
  revoked: boolean;
  suspended: boolean;
  extended: boolean;
  toldEarly: boolean;
  disclosed: { readonly part: PublicPart; readonly on: DayNumber } | null;
};

type Book = {
  /** With the keyholders as they are now. */
  charter: Charter;
  readonly replaced: Replaced[];
  readonly orders: Map<Commitment, Order>;
  /** Commitment → month in which it was logged. */
  readonly preservations: Map<Commitment, Period>;
  readonly lifted: Set<Commitment>;
  readonly providerAnswers: Map<Commitment, { readonly month: Period; readonly data: ProviderData }>;
  /** Commitment → month in which it was logged. */
  readonly registrations: Map<Commitment, Period>;
  readonly statistics: Map<Period, readonly (number | null)[]>;
  /** Keyholder → day → batches. */
  readonly batches: Map<KeyholderIndex, Map<DayNumber, number>>;
  readonly keyPeriods: Set<Period>;
  firstBatch: DayNumber | null;
  /** The latest day that an entry carried. */
  day: DayNumber | null;
};

export class Reckoning {
  readonly #books = new Map<CharterId, Book>();

  /** Takes verified entries in the order of the log. */
  take({ entry, day, charter, present, period }: CountedEntry): void {
    const book = this.#open(charter);
    if (entry.type === "succession") replace(book, present);
    if (period !== null) book.keyPeriods.add(period);
    if (day !== null && (book.day === null || day > book.day)) book.day = day;
    switch (entry.type) {
      case "warrant":
      case "hold-order":
        enterOrder(book, entry, day);
        return;
      case "revocation":
        change(book, entry.commitment, { revoked: true });
        return;
      case "suspension":
        change(book, entry.commitment, { suspended: true });
        return;
      case "extension":
        change(book, entry.commitment, { extended: true, secretUntil: entry.secretUntil });
        return;
      case "notice-release":
        change(book, entry.commitment, { toldEarly: true });
        return;
      case "preservation":
        if (!book.preservations.has(entry.commitment)) {
          book.preservations.set(entry.commitment, periodOf(day ?? entry.day));
        }
        return;
      case "preservation-lift":
        book.lifted.add(entry.commitment);
        return;
      case "provider-answer":
        if (!book.providerAnswers.has(entry.commitment)) {
          const month = periodOf(day ?? entry.day);
          book.providerAnswers.set(entry.commitment, { month, data: entry.data });
        }
        return;
      case "registration":
        if (!book.registrations.has(entry.commitment)) {
          book.registrations.set(entry.commitment, periodOf(day ?? entry.day));
        }
        return;
      case "disclosed":
        disclose(book, entry);
        return;
      case "notice-share":
        takeShare(book, entry);
        return;
      case "statistics":
        if (!book.statistics.has(entry.month)) book.statistics.set(entry.month, entry.cells);
        return;
      case "keyholder-batch": {
        const days = book.batches.get(entry.keyholder) ?? new Map<DayNumber, number>();
        days.set(entry.day, (days.get(entry.day) ?? 0) + 1);
        book.batches.set(entry.keyholder, days);
        if (book.firstBatch === null || entry.day < book.firstBatch) book.firstBatch = entry.day;
        return;
      }
      default:
        return;
    }
  }

  /** What it comes to on `today`, which is the day of the newest witnessed checkpoint. */
  reports(today: DayNumber): CharterReport[] {
    return [...this.#books.values()].map((book) => ({
      charter: book.charter,
      replaced: book.replaced,
      orders: ordersOf(book, periodOf(today)),
      notices: noticesOf(book),
      preservations: preservationsOf(book),
      providerAnswers: providerAnswersOf(book),
      registrations: registrationsOf(book),
      ...purposesOf(book, today),
      statistics: statisticsOf(book),
      participation: participationOf(book, today),
      keyPeriods: [...book.keyPeriods].sort(),
    }));
  }

  #open(charter: Charter): Book {
    const known = this.#books.get(charter.id);
    if (known !== undefined) return known;
    const book: Book = {
      charter,
      replaced: [],
      orders: new Map(),
      preservations: new Map(),
      lifted: new Set(),
      providerAnswers: new Map(),
      registrations: new Map(),
      statistics: new Map(),
      batches: new Map(),
      keyPeriods: new Set(),
      firstBatch: null,
      day: null,
    };
    this.#books.set(charter.id, book);
    return book;
  }
}

function replace(book: Book, present: Charter): void {
  for (const lost of book.charter.keyholders) {
    const successor = present.keyholders.find(({ index }) => index === lost.index);
    if (successor === undefined || successor.name === lost.name) continue;
    book.replaced.push({ day: book.day, lost, successor });
  }
  book.charter = present;
}

function enterOrder(book: Book, entry: OrderEntry, day: DayNumber | null): void {
  // An order that is logged twice is refused by every keyholder (GATE-6) and counts once.
  if (book.orders.has(entry.commitment)) return;
  book.orders.set(entry.commitment, {
    logged: day ?? entry.day,
    public: entry.public,
    shares: new Map(),
    told: null,
    secretUntil: entry.secretUntil,
    revoked: false,
    suspended: false,
    extended: false,
    toldEarly: false,
    disclosed: null,
  });
}

function change(
  book: Book,
  commitment: Commitment,
  changed: Partial<Pick<Order, "revoked" | "suspended" | "extended" | "toldEarly" | "secretUntil">>,
): void {
  const order = book.orders.get(commitment);
  if (order !== undefined) Object.assign(order, changed);
}

/** Of several the first that is what the order hid (MON-12); another tells nothing of the order. */
function disclose(book: Book, { commitment, day, key, part }: DisclosedEntry): void {
  const order = book.orders.get(commitment);
  if (order === undefined || order.disclosed !== null) return;
  if (publicCommitment(fromHex(key), part) !== order.public || placeOf(book.charter, part) === -1) return;
  order.disclosed = { part, on: book.day ?? day };
}

/** REP-11. A share carries no day: it came at the earliest on the latest day before it. */
function takeShare(book: Book, { commitment, until, period, generation, keyholder }: NoticeShareEntry): void {
  const order = book.orders.get(commitment);
  if (order === undefined || order.told !== null) return;
  const key = `${until} ${period} ${generation}`;
  const givers = order.shares.get(key) ?? new Set();
  order.shares.set(key, givers.add(keyholder));
  if (givers.size < book.charter.threshold) return;
  order.told = book.day ?? order.logged;
  order.shares.clear();
}

/** Orders by the month in which they were logged, ascending. */
function byMonth({ orders }: Book): [Period, Order[]][] {
  const months = new Map<Period, Order[]>();
  for (const order of orders.values()) {
    const month = periodOf(order.logged);
    const known = months.get(month);
    if (known === undefined) months.set(month, [order]);
    else known.push(order);
  }
  return [...months].sort(([a], [b]) => (a < b ? -1 : 1));
}

function noticesOf(book: Book): MonthNotices[] {
  return byMonth(book).map(([month, orders]) => {
    const days = orders
      .flatMap(({ logged, told }) => (told === null ? [] : [told - logged]))
      .sort((a, b) => a - b);
    const at = (place: number): number => days[place] as number;
    return {
      month,
      told: days.length,
      days:
        days.length === 0
          ? null
          : { least: at(0), median: at(Math.floor((days.length - 1) / 2)), most: at(days.length - 1) },
    };
  });
}

function ordersOf(book: Book, thisMonth: Period): MonthOrders[] {
  return byMonth(book).map(([month, all]) => {
    const count = (which: (order: Order) => boolean): number => all.filter(which).length;
    return {
      month,
      logged: all.length,
      revoked: count(({ revoked }) => revoked),
      suspended: count(({ suspended }) => suspended),
      extended: count(({ extended }) => extended),
      toldEarly: count(({ toldEarly }) => toldEarly),
      disclosed: count(({ disclosed }) => disclosed !== null),
      stillSecret: count((order) => order.disclosed === null && order.secretUntil >= thisMonth),
      notDisclosed: count(
        (order) => order.disclosed === null && !order.revoked && order.secretUntil < thisMonth,
      ),
    };
  });
}

function preservationsOf({ preservations, lifted }: Book): CharterReport["preservations"] {
  return monthsOf(preservations, (month) => month).map(([month, own]) => ({
    month,
    logged: own.length,
    lifted: own.filter(([commitment]) => lifted.has(commitment)).length,
  }));
}

function providerAnswersOf({ providerAnswers }: Book): CharterReport["providerAnswers"] {
  return monthsOf(providerAnswers, ({ month }) => month).map(([month, own]) => {
    const count = (data: ProviderData): number => own.filter(([, answer]) => answer.data === data).length;
    return { month, subscriber: count("subscriber"), traffic: count("traffic") };
  });
}

function registrationsOf({ registrations }: Book): CharterReport["registrations"] {
  return monthsOf(registrations, (month) => month).map(([month, own]) => ({ month, registered: own.length }));
}

/** Of what bears a commitment: months, ascending, each with what came in it. */
function monthsOf<T>(
  found: ReadonlyMap<Commitment, T>,
  monthOf: (value: T) => Period,
): [Period, [Commitment, T][]][] {
  const months = new Map<Period, [Commitment, T][]>();
  for (const one of found) {
    const month = monthOf(one[1]);
    const known = months.get(month);
    if (known === undefined) months.set(month, [one]);
    else known.push(one);
  }
  return [...months].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Every legal basis with every category, in the order of ENT-11. */
function placesOf({ legalBases, offenceCategories }: Charter): Place[] {
  return legalBases.flatMap((legalBasis) =>
    offenceCategories.map((offenceCategory) => ({ legalBasis, offenceCategory })),
  );
}

/** Among {@link placesOf}; -1 where the charter has no such basis or category. */
function placeOf(charter: Charter, { legalBasis, offenceCategory }: PublicPart): number {
  return placesOf(charter).findIndex(
    (place) => place.legalBasis === legalBasis && place.offenceCategory === offenceCategory,
  );
}

/**
 * REP-4: months in the order in which nothing of them was secret any more, those of one day by their number. One of which
 * a number can be told stands alone, as in ENT-11; others are put together until one can be. What is told of a month once
 * stays the same, so that nothing follows from comparing an older report.
 */
function purposesOf(book: Book, today: DayNumber): Pick<CharterReport, "purposes" | "untold"> {
  const over = byMonth(book)
    .flatMap(([month, orders]) => {
      const disclosed = orders.flatMap((order) => (order.disclosed === null ? [] : [order.disclosed]));
      const on = Math.max(lastDayOf(month) + 1, ...disclosed.map((one) => one.on));
      const isOver = disclosed.length === orders.length && on < today;
      return isOver ? [{ months: [month], parts: disclosed.map(({ part }) => part), on }] : [];
    })
    .sort((a, b) => a.on - b.on);
  const purposes: Purposes[] = [];
  let waiting: { readonly months: readonly Period[]; readonly parts: readonly PublicPart[] } = {
    months: [],
    parts: [],
  };
  for (const month of over) {
    const alone = toldOf(book.charter, month.parts);
    if (alone !== null) {
      purposes.push({ months: month.months, ...alone });
      continue;
    }
    waiting = {
      months: [...waiting.months, ...month.months].sort(),
      parts: [...waiting.parts, ...month.parts],
    };
    const together = toldOf(book.charter, waiting.parts);
    if (together === null) continue;
    purposes.push({ months: waiting.months, ...together });
    waiting = { months: [], parts: [] };
  }
  const inMonths = new Set(purposes.flatMap(({ months }) => months));
  const untold = [...book.orders.values()].filter(
    ({ disclosed, logged }) => disclosed !== null && !inMonths.has(periodOf(logged)),
  ).length;
  return { purposes, untold };
}

/** `null` where no number can be told. */
function toldOf(charter: Charter, parts: readonly PublicPart[]): Omit<Purposes, "months"> | null {
  const places = placesOf(charter);
  const of = Map.groupBy(parts, (part) => placeOf(charter, part));
  const sums = places.map((_, i) => sumsOf(of.get(i) ?? []));
  const told = toldCells(sums.map(({ orders }) => orders));
  if (told.every((cell) => cell === null)) return null;
  return {
    cells: places.map((place, i) => ({ ...place, told: told[i] === null ? null : (sums[i] ?? null) })),
    others: sumsOf(parts.filter((part) => told[placeOf(charter, part)] === null)),
  };
}

function sumsOf(parts: readonly PublicPart[]): Sums {
  return {
    orders: parts.length,
    accounts: parts.reduce((sum, part) => sum + part.accounts, 0),
    days: parts.reduce((sum, part) => sum + part.days, 0),
  };
}

function statisticsOf({ statistics, charter }: Book): MonthStatistics[] {
  const places = placesOf(charter);
  return [...statistics]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([, cells]) => cells.length === places.length)
    .map(([month, cells]) => ({
      month,
      cells: places.map((place, i) => ({ ...place, orders: cells[i] ?? null })),
    }));
}

function participationOf(book: Book, today: DayNumber): Participation[] {
  const { batches, charter, firstBatch } = book;
  if (firstBatch === null) return [];
  const months = new Map<Period, DayNumber[]>();
  // Today is not over: who has not published yet is not late.
  const last = Math.min(today - 1, charter.validUntil);
  for (let day = firstBatch as number; day <= last; day++) {
    const month = periodOf(dayNumber(day));
    const days = months.get(month);
    if (days === undefined) months.set(month, [dayNumber(day)]);
    else days.push(dayNumber(day));
  }
  const terms = charter.keyholders.flatMap(({ index }) => termsOf(book, index));
  return [...months].flatMap(([month, all]) =>
    terms.flatMap(({ keyholder: { index, name, owner }, after, until }) => {
      const days = all.filter((day) => day > after && day <= until);
      if (days.length === 0) return [];
      const own = batches.get(index) ?? new Map<DayNumber, number>();
      const published = days.map((day) => own.get(day) ?? 0);
      return [
        {
          keyholder: index,
          name,
          owner,
          month,
          expected: days.length,
          present: published.filter((count) => count > 0).length,
          extra: published.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
        },
      ];
    }),
  );
}

/** Who held a place, one after the other: the day of a succession is the last of who was replaced. */
function termsOf(
  { charter, replaced }: Book,
  place: KeyholderIndex,
): { readonly keyholder: Keyholder; readonly after: number; readonly until: number }[] {
  const changes = replaced.filter(({ lost }) => lost.index === place);
  const holders = [
    ...changes.map(({ lost, day }) => ({ keyholder: lost, until: day ?? Number.NEGATIVE_INFINITY })),
    ...charter.keyholders
      .filter(({ index }) => index === place)
      .map((keyholder) => ({ keyholder, until: Number.POSITIVE_INFINITY })),
  ];
  return holders.map(({ keyholder, until }, i) => ({
    keyholder,
    after: holders[i - 1]?.until ?? Number.NEGATIVE_INFINITY,
    until,
  }));
}
