import {
  asName,
  type Charter,
  PRESERVATION_DAYS,
  type PreservationDocument,
  preservationCommitment,
} from "@porchlight/charter";
import {
  accountId,
  type Commitment,
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  EncodingError,
  formatDay,
  fromHex,
  hex,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import {
  logView,
  PartyError,
  type PreservationFile,
  preservationOf,
  preservationShelf,
  type Service,
} from "@porchlight/parties";
import { readSaid } from "../said.ts";
import { DeskError } from "../shell/error.ts";
import { isProse } from "../shell/form.ts";
import { conversationsIn, dayIn } from "./draft.ts";

// How an order to preserve stands (spec/preservation.md), from the directory and from the log.

export type Preserved = {
  readonly name: string;
  readonly file: PreservationFile;
  readonly document: PreservationDocument;
  readonly commitment: Commitment;
  /** The one that it names; `null` where the log has none of that name that holds: it cannot be read. */
  readonly charter: Charter | null;
  readonly state:
    | { readonly kind: "half" | "signed" }
    /** The provider was sent it; the log that witnesses confirmed does not show it. */
    | { readonly kind: "sent" }
    /** In the log; the provider has not answered this desk that it holds. */
    | { readonly kind: "logged"; readonly index: number }
    | { readonly kind: "held"; readonly index: number }
    | { readonly kind: "lifted"; readonly index: number }
    | { readonly kind: "over"; readonly index: number };
  /** Name of the one that extends it and is in the log. */
  readonly extendedBy: string | null;
  /** The file of what this desk noted of it, where that is damaged. */
  readonly unsaid: string | null;
};

/** The newest first. */
export async function preservations(
  directory: string,
  service: Service,
): Promise<{ readonly orders: readonly Preserved[]; readonly damaged: readonly string[] }> {
  const { whole: kept, damaged } = await preservationShelf(directory).all();
  const entries = new Map<string, number>();
  const lifts = new Map<string, number>();
  for (const { index, entry } of logView(service).entries) {
    if (entry.type === "preservation") entries.set(entry.commitment, entries.get(entry.commitment) ?? index);
    if (entry.type === "preservation-lift") lifts.set(entry.commitment, index);
  }
  const today = dayOf(service.now());
  const all = await Promise.all(
    kept.map(async ({ name, one: file }): Promise<Omit<Preserved, "extendedBy">> => {
      const { document, signatures } = preservationOf(file);
      const commitment = preservationCommitment(file.opening, file.preservation);
      const charter = await charterOf(service, document);
      const needed = charter?.kind === "house" ? 2 : 1;
      const index = entries.get(commitment);
      const { said, damaged: unsaid } = await readSaid(directory, name);
      const common = { name, file, document, commitment, charter, unsaid };
      if (signatures < needed) return { ...common, state: { kind: "half" } };
      const was = (what: (typeof said)[number]["kind"]): boolean => said.some(({ kind }) => kind === what);
      // Where nobody knows any more whether it was sent, it may have been.
      const mayBeSent = was("sent") || unsaid !== null;
      if (index === undefined) return { ...common, state: { kind: mayBeSent ? "sent" : "signed" } };
      const lifted =
        lifts.get(commitment) ?? (document.extends === null ? undefined : lifts.get(document.extends));
      if (lifted !== undefined) return { ...common, state: { kind: "lifted", index: lifted } };
      if (today > document.until) return { ...common, state: { kind: "over", index } };
      return { ...common, state: { kind: was("preserved") ? "held" : "logged", index } };
    }),
  );
  const orders = all
    .map((one) => {
      const later = all.find(
        ({ document, state }) => document.extends === one.commitment && "index" in state,
      );
      return { ...one, extendedBy: later?.name ?? null };
    })
    .sort((a, b) => b.document.issued - a.document.issued || (a.name < b.name ? -1 : 1));
  return { orders, damaged: [...damaged, ...all.flatMap(({ unsaid }) => unsaid ?? [])] };
}

/** The service under an order's own charter, whichever the desk works under (DESK-11). Throws PartyError "charter-unknown". */
export async function underOwn(
  service: Service,
  { charter }: Pick<PreservationDocument, "charter">,
): Promise<{ readonly service: Service; readonly charter: Charter; readonly now: UnixSeconds }> {
  const own = await service.under(charter);
  return { service: own, charter: own.charter, now: own.now() };
}

async function charterOf(service: Service, document: PreservationDocument): Promise<Charter | null> {
  try {
    return (await underOwn(service, document)).charter;
  } catch (error) {
    if (error instanceof PartyError && error.code === "charter-unknown") return null;
    throw error;
  }
}

/** Throws DeskError "not-found". */
export async function findPreservation(
  directory: string,
  service: Service,
  name: string | undefined,
): Promise<Preserved> {
  const found = (await preservations(directory, service)).orders.find((one) => one.name === name);
  if (found === undefined) throw new DeskError("not-found", "there is no such order to preserve here");
  return found;
}

/** What the payload of an act says of the order that was shown: all that it commits to, not only its name. */
export type NamedPreservation = { readonly name: string; readonly commitment: string };

/** The very file that an act showed (DESK-6). Throws DeskError "not-found". */
export async function namedPreservation(
  directory: string,
  { name, commitment }: NamedPreservation,
): Promise<PreservationFile> {
  const file = await preservationShelf(directory).find(name);
  if (file === null || preservationCommitment(file.opening, file.preservation) !== commitment)
    throw new DeskError("not-found", "the order is not in this desk's directory any more");
  return file;
}

/** When the last day of an order is over. */
export function endOf({ until }: Pick<PreservationDocument, "until">): UnixSeconds {
  return unixSeconds(dayStart(dayNumber(until + 1)));
}

/** PRES-5: the latest end of an order that is issued on a day. */
export function latestEnd(today: DayNumber, { longestPreservationDays }: Charter): DayNumber {
  return dayNumber(today + Math.min(PRESERVATION_DAYS.first, longestPreservationDays));
}

/** PRES-6: the latest end of an order's one extension. */
export function latestExtension(
  { until, issued }: PreservationDocument,
  { longestPreservationDays }: Charter,
): DayNumber {
  return dayNumber(Math.min(until + PRESERVATION_DAYS.extension, dayOf(issued) + longestPreservationDays));
}

/** An order to preserve in plain words. */
export function preservationWords(document: PreservationDocument): Words[] {
  const { firstDay, lastDay, conversations } = document;
  return [
    { term: "Reference", text: document.reference },
    { term: "Legal basis", text: document.legalBasis },
    { term: "Issued by", text: document.issuer },
    { term: "Whose messages", text: `account ${document.account}` },
    {
      term: "Conversations",
      text: conversations === "all" ? "All of this account's" : conversations.join("\n"),
    },
    {
      term: "Days",
      text: firstDay === lastDay ? formatDay(firstDay) : `${formatDay(firstDay)} to ${formatDay(lastDay)}`,
    },
    { term: "Kept until the end of", text: formatDay(document.until) },
    { term: "Why", text: document.ground },
    { term: "Original act (SHA-256)", text: hex(document.actHash) },
  ];
}

/** What somebody typed of a new order. */
export type PreservationFields = {
  readonly reference: string;
  readonly actHash: string;
  readonly legalBasis: string;
  readonly account: string;
  readonly conversations: string;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly until: string;
  readonly ground: string;
};

export type PreservationProblems = Readonly<Partial<Record<keyof PreservationFields, string>>>;

/** A form whose every field is right, as the document to be signed; else what is not, field by field. */
export function decidePreservation(
  fields: PreservationFields,
  charter: Charter,
  now: UnixSeconds,
  issuer: string,
):
  | { readonly kind: "decided"; readonly document: PreservationDocument }
  | { readonly kind: "undecided"; readonly problems: PreservationProblems } {
  const { reference, legalBasis, ground } = fields;
  const today = dayOf(now);
  const [actHash, account] = [fields.actHash.toLowerCase(), fields.account.toLowerCase()];
  const [first, until] = [dayIn(fields.firstDay), dayIn(fields.until)];
  const last = fields.lastDay === "" ? first : dayIn(fields.lastDay);
  const latest = latestEnd(today, charter);
  const conversations =
    fields.conversations === "" ? ("all" as const) : conversationsIn(fields.conversations);
  const problems: { -readonly [K in keyof PreservationProblems]: PreservationProblems[K] } = {};
  if (!isName(reference)) problems.reference = "Write the file reference in one line.";
  if (!DIGITS.test(actHash))
    problems.actHash =
      "Choose the original act, or write its fingerprint: 64 digits and letters from a to f.";
  if (!charter.legalBases.includes(legalBasis))
    problems.legalBasis = "Choose one of the charter's legal bases.";
  if (!DIGITS.test(account)) problems.account = "An account has 64 digits and letters from a to f.";
  if (conversations.length === 0)
    problems.conversations = "Write each conversation's number, 64 digits and letters, one a line.";
  if (first === null) problems.firstDay = "Name the first day.";
  if (last === null || (first !== null && last < first))
    problems.lastDay = "Name a day that is not before the first.";
  else if (last > today) problems.lastDay = "What is to come cannot be preserved.";
  if (until === null || until < today) problems.until = "Name a day that is not over.";
  else if (until > latest) problems.until = `At the latest ${formatDay(latest)}; it can be extended once.`;
  if (!isProse(ground)) problems.ground = "Write it in your own words.";
  if (Object.keys(problems).length > 0 || first === null || last === null || until === null)
    return { kind: "undecided", problems };
  const document = {
    charter: charter.id,
    reference,
    actHash: fromHex(actHash, 32),
    legalBasis,
    issuer,
    issued: now,
    account: accountId(account),
    conversations,
    firstDay: first,
    lastDay: last,
    until,
    extends: null,
    ground,
  };
  return { kind: "decided", document };
}

const DIGITS = /^[0-9a-f]{64}$/;

function isName(text: string): boolean {
  try {
    asName(text, "reference");
    return true;
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}
