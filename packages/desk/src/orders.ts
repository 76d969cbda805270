import { type Charter, parseSignedDocument, unverifiedPayload, verifyStatement } from "@porchlight/charter";
import {
  type Commitment,
  type DayNumber,
  dayNumber,
  dayOf,
  formatDay,
  formatInstant,
} from "@porchlight/encoding";
import { orderInWords, type Words } from "@porchlight/evidence";
import { otherAccounts, parseWarrant, personsOf, verifyOrder, type WarrantDocument } from "@porchlight/gate";
import { html, type Markup, NOTHING } from "@porchlight/markup";
import {
  type KeptOrder,
  type KeyholderAnswer,
  keepOrder,
  keptOrders,
  namesOf,
  type OrderFile,
  placeInLog,
  type Service,
} from "@porchlight/parties";
import { badge, box, counted, table } from "./shell/look.ts";
import type { Silent } from "./silence.ts";

// What court and agency both show of an order.

/** An order of a party's directory and what the log says of it. */
export type Shown = KeptOrder & {
  readonly document: WarrantDocument;
  readonly commitment: Commitment;
  readonly standing: Standing;
};

export type Standing =
  | { readonly state: "signed" }
  /** The provider took it; the log that witnesses confirmed does not show it yet. */
  | { readonly state: "handed-in"; readonly index: number }
  | { readonly state: "logged" | "suspended"; readonly index: number; readonly day: DayNumber }
  | { readonly state: "revoked"; readonly index: number }
  | { readonly state: "expired"; readonly index: number };

/**
 * The newest first, and the files that are damaged. What is in the directory was checked when it came in; nothing of it is
 * believed beyond showing it.
 */
export async function shownOrders(
  directory: string,
  service: Service,
): Promise<{ readonly orders: readonly Shown[]; readonly damaged: readonly string[] }> {
  const { orders: kept, damaged } = await keptOrders(directory);
  const wanted = new Map(kept.map(({ order }) => [namesOf(order).commitment as string, [] as Seen[]]));
  for (const { index, entry } of service.entriesFrom(0)) {
    if (entry === null || !("commitment" in entry) || !("day" in entry)) continue;
    wanted.get(entry.commitment)?.push({ index, type: entry.type, day: entry.day });
  }
  const now = service.now();
  const orders = kept
    .map(({ name, order, document }) => {
      const { commitment } = namesOf(order);
      const seen = wanted.get(commitment) ?? [];
      return { name, order, document, commitment, standing: standingOf(seen, order.index, document, now) };
    })
    .sort((a, b) => b.document.issued - a.document.issued || (a.name < b.name ? -1 : 1));
  return { orders, damaged };
}

/**
 * Files of a desk's own directory that cannot be read, with what to do: everything else goes on. `isBrought`: the page has a form where
 * the same file is put in again.
 */
export function damagedTable(files: readonly string[], what: string, isBrought: boolean): Markup {
  if (files.length === 0) return NOTHING;
  return table({
    caption: `Damaged files of ${what}`,
    heads: ["File", "State", "What to do"],
    rows: files.map((file) => [
      html`<code>${file}</code>`,
      badge("cannot be read", "bad"),
      html`${mendingOf(file, isBrought)} Everything else goes on.`,
    ]),
  });
}

function mendingOf(file: string, isBrought: boolean): string {
  switch (file.split("/")[0]) {
    case "directions":
      return "Put it back from a backup of this desk's directory. It holds this desk's own words about an order: the log shows what was decided all the same, and everything can still be decided.";
    case "halves":
      return "Put in the file again that the other of you signed, on the page of what it is about; or decide it again there. Nobody was sent it.";
    default:
      return isBrought
        ? "Put in below the file that others were given, or put it back from a backup of this desk's directory."
        : "Put it back under this name: from a backup of this desk's directory, or as the file that others were given.";
  }
}

/** On the page of an order: what this desk noted of it is missing. */
export function damagedSaidBox(file: string | null): Markup {
  return file === null
    ? NOTHING
    : box(
        "warn",
        html`<p><strong>What this desk noted of it is damaged:</strong> <code>${file}</code>. Words and days of this desk are missing here. The log shows what was decided, and everything can still be decided.</p>`,
      );
}

/** The service under an order's own charter (WAR-4): another may have come into force since. Throws PartyError "charter-unknown". */
export async function serviceOf(service: Service, { warrant }: Pick<OrderFile, "warrant">): Promise<Service> {
  const { charter } = parseWarrant(unverifiedPayload(parseSignedDocument(warrant, "warrant")));
  return await service.under(charter);
}

/** Who signs a charter's orders, as whoever works with them reads it. */
export function whoSigns({ kind }: Pick<Charter, "kind">): string {
  return kind === "court" ? "the court" : "those who sign";
}

type Seen = { readonly index: number; readonly type: string; readonly day: DayNumber };

function standingOf(
  seen: readonly Seen[],
  handedIn: number | null,
  { expires }: WarrantDocument,
  now: number,
): Standing {
  const logged = seen.find(({ type }) => type === "warrant" || type === "hold-order");
  if (logged === undefined) {
    return handedIn === null ? { state: "signed" } : { state: "handed-in", index: handedIn };
  }
  const { index, day } = logged;
  if (seen.some(({ type }) => type === "revocation")) return { state: "revoked", index };
  if (now >= expires) return { state: "expired", index };
  const last = seen.findLast(({ type }) => type === "suspension" || type === "resumption");
  return { state: last?.type === "suspension" ? "suspended" : "logged", index, day };
}

export function standingBadge({ state }: Standing): Markup {
  switch (state) {
    case "signed":
      return badge("signed, not handed in", "wait");
    case "handed-in":
      return badge("waits for the witnesses", "wait");
    case "logged":
      return badge("in the log", "good");
    case "suspended":
      return badge("suspended", "wait");
    case "revoked":
      return badge("revoked", "bad");
    case "expired":
      return badge("expired");
  }
}

/** The last day to which the charter lets its secrecy be extended (DIR-7). */
export function longestSecrecyOf({ issued }: WarrantDocument, { longestSecrecyDays }: Charter): DayNumber {
  return dayNumber(dayOf(issued) + longestSecrecyDays);
}

export function daysText({ firstDay, lastDay }: Pick<WarrantDocument, "firstDay" | "lastDay">): string {
  return firstDay === lastDay ? formatDay(firstDay) : `${formatDay(firstDay)} to ${formatDay(lastDay)}`;
}

/** How long a page waits for the witnesses to confirm an entry. */
export const COVER_SECONDS = 5;

/** An order's file and what belongs to it. */
export const UPLOADS = { bodyLimit: 4 * 2 ** 20 };

/** Keeps an order that was brought as a file, once it was verified: where it is logged the log says, never the file. */
export async function keepBrought(directory: string, service: Service, order: OrderFile): Promise<void> {
  await keepOrder(directory, { ...order, index: placeInLog(service, order) });
}

/** How the commitment of the order begins whose damaged file this is: orders/NAME.json. */
export function beginningOf(file: string): string {
  return file.slice("orders/".length, -".json".length);
}

/** How much an order opens, in a sentence and as the number of its keys. */
export function scopeWords(scope: {
  readonly people: number;
  /** `null`: all of theirs, whose number nobody knows beforehand. */
  readonly conversations: number | null;
  readonly days: number;
  readonly isBothSides: boolean;
}): { readonly sentence: string; readonly keys: string } {
  const { people, conversations, days, isBothSides } = scope;
  const who = counted(people, "person", "people");
  const when = counted(days, "day");
  const others = isBothSides ? " and of those who wrote to them there" : "";
  const where =
    conversations === null ? "all of their conversations" : counted(conversations, "conversation");
  const keys =
    conversations === null
      ? `${counted(people * days, "key")} for each conversation`
      : counted(people * conversations * days, "key");
  return {
    sentence: `Opens the messages of up to ${who}${others}, in ${where}, on ${when}.`,
    keys: isBothSides ? `${keys}, and one more for each other side and day` : keys,
  };
}

/** An order with its place in the log, as far as that is known. */
export function loggedOrder({ order, standing }: Pick<Shown, "order" | "standing">): OrderFile {
  return { ...order, index: "index" in standing ? standing.index : order.index };
}

/** The order's scope from its document, for its page's first box. */
export function scopeOf({
  accounts,
  conversations,
  firstDay,
  lastDay,
  mode,
}: WarrantDocument): ReturnType<typeof scopeWords> {
  return scopeWords({
    people: accounts.length,
    conversations: conversations === "all" ? null : conversations.length,
    days: lastDay - firstDay + 1,
    isBothSides: mode === "both-sides",
  });
}

const STATES: Readonly<
  Record<
    KeyholderAnswer["answer"]["state"],
    readonly [words: string, tone: "good" | "wait" | "bad" | "plain"]
  >
> = {
  checking: ["checking it", "wait"],
  "awaiting-approval": ["waits for a person", "wait"],
  approved: ["approved", "good"],
  "intent-logged": ["approved", "good"],
  released: ["released", "good"],
  refused: ["refused", "bad"],
  unreachable: ["silent", "plain"],
  unknown: ["has not got it", "plain"],
};

/** Each keyholder's answer: approved, refused, silent. */
export function keyholdersTable(
  answers: readonly KeyholderAnswer[],
  silent: Silent,
  extra?: (answer: KeyholderAnswer) => Markup,
): Markup {
  return table({
    caption: "What each keyholder says",
    heads: ["Keyholder", "State", "Reason", ...(extra === undefined ? [] : [""])],
    rows: answers.map((one) => {
      const { keyholder, answer } = one;
      const [words, tone] = STATES[answer.state];
      const rule = "rule" in answer && answer.rule !== undefined ? ` (rule ${answer.rule})` : "";
      const since = silent.get(keyholder.index);
      const how =
        since === undefined
          ? ""
          : `, asked in vain since ${formatInstant(since).slice(0, 16).replace("T", " ")} UTC`;
      const reason = "reason" in answer ? `${answer.reason}${rule}${how}` : "";
      return [
        html`${keyholder.name}`,
        badge(words, tone),
        html`${reason}`,
        ...(extra === undefined ? [] : [extra(one)]),
      ];
    }),
  });
}

/** In one sentence how near a release is. */
export function tally(answers: readonly KeyholderAnswer[], need: number): string {
  const count = (...states: readonly string[]): number =>
    answers.filter(({ answer }) => states.includes(answer.state)).length;
  const agreed = count("approved", "intent-logged", "released");
  const refused = count("refused");
  const rest = answers.length - agreed - refused;
  const never = answers.length - refused < need ? " So many refused that nothing can be opened." : "";
  return `${agreed} of ${need} that are needed have agreed, ${refused} refused, ${rest} still to answer.${never}`;
}

/** The order in words, from its verified bytes. */
export async function orderWords(order: OrderFile, charter: Charter): Promise<readonly Words[]> {
  if (order.others !== null) {
    const whole = await verifyOrder(order, charter);
    return orderInWords(whole.document, charter, { accounts: personsOf(whole) }, otherAccounts(whole.others));
  }
  const signed = parseSignedDocument(order.warrant, "warrant");
  const document = parseWarrant(unverifiedPayload(signed));
  return orderInWords(document, charter, await verifyStatement(document.statement, charter));
}
