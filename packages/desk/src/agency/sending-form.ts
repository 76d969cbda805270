import type { Charter } from "@porchlight/charter";
import { dayOf, EncodingError, formatDay, parseDay, type UnixSeconds } from "@porchlight/encoding";
import type { WarrantDocument } from "@porchlight/gate";
import type { SendingWish, TaskType } from "@porchlight/parties";
import type { Form } from "../shell/form.ts";
import { pictureType } from "./picture.ts";

/** As text a message of TS 103 120 has at most 16 MiB (HI1-1), of which an act takes four thirds. */
const MAX_ACT = 11 * 2 ** 20;

/** What a task of TS 103 120 has at most: people and conversations, and characters of a name (HI1-9). */
const MAX_TARGETS = 1000;
const MAX_TEXT = 65_535;
/** HI1-28. */
const MAX_REFERENCE = 200;

const NAMES = [
  ...["legalBasis", "offence", "firstDay", "lastDay", "isEmergency", "names", "accounts", "conversations"],
  ...["subscriber", "traffic", "content", "order", "preserve", "preserveReference", "until", "act"],
] as const;

/** What somebody typed: "yes" or "" where it is chosen or not. */
export type SendingFields = Readonly<Record<SendingField, string>>;
type SendingField = (typeof NAMES)[number];
export type SendingProblems = Readonly<Partial<Record<SendingField | "file", string>>>;

const EMPTY = Object.fromEntries(NAMES.map((name) => [name, ""])) as SendingFields;

export function fieldsOf(form: Form): SendingFields {
  return Object.fromEntries(NAMES.map((name) => [name, form.text(name)])) as SendingFields;
}

/** Of an earlier version's, what there is. */
export function fieldsFrom(typed: Readonly<Record<string, string>>): SendingFields {
  return Object.fromEntries(NAMES.map((name) => [name, typed[name] ?? ""])) as SendingFields;
}

/** What a form begins with: an order has said most of it. */
export function firstFields(order: WarrantDocument | null, isActHere: boolean): SendingFields {
  const act = isActHere ? "whole" : "hash";
  if (order === null) return { ...EMPTY, act };
  const { conversations } = order;
  return {
    ...EMPTY,
    ...{ act, content: "yes", order: "yes" },
    legalBasis: order.legalBasis,
    offence: order.offenceCategory,
    firstDay: formatDay(order.firstDay),
    lastDay: formatDay(order.lastDay),
    isEmergency: order.emergency ? "yes" : "",
    accounts: order.accounts.join("\n"),
    conversations: conversations === "all" ? "" : conversations.join("\n"),
  };
}

/** Where it is sent from. */
type Subject = {
  readonly charter: Charter;
  readonly reference: string;
  readonly actHash: string;
  /** The act's bytes, where they are here; `isForeign`: a file was chosen that is not it. */
  readonly act: Uint8Array | null;
  readonly isForeign: boolean;
  readonly order: SendingWish["order"];
};

export function decideSending(
  typed: SendingFields,
  subject: Subject,
  now: UnixSeconds,
):
  | { readonly kind: "decided"; readonly wish: SendingWish }
  | { readonly kind: "undecided"; readonly problems: SendingProblems } {
  const { charter, reference, actHash, act, isForeign } = subject;
  const problems: { -readonly [K in keyof SendingProblems]: SendingProblems[K] } = {};
  const kinds: readonly (readonly [SendingField, TaskType])[] = [
    ["subscriber", "SubscriberData"],
    ["traffic", "TrafficData"],
    ["content", "StoredContentData"],
  ];
  const tasks = kinds.flatMap(([field, type]) => (typed[field] === "" ? [] : [type]));
  const order = typed.order === "" ? null : subject.order;
  const isPreserving = typed.preserve !== "";
  if (tasks.length === 0 && order === null && !isPreserving)
    problems.subscriber = "Choose at least one thing to ask for.";

  const isAuthorising = tasks.length > 0 || order !== null;
  if (isAuthorising) {
    if (!charter.legalBases.includes(typed.legalBasis))
      problems.legalBasis = "Choose one of the charter's legal bases.";
    if (!charter.offenceCategories.includes(typed.offence))
      problems.offence = "Choose one of the charter's categories.";
    if (isForeign)
      problems.file =
        "This is another file: its fingerprint is not the application's. Choose the act itself.";
    else if (typed.act === "whole" && act === null)
      problems.file = "The act is not kept here: choose its file, or send its fingerprint only.";
    else if (typed.act === "whole" && (act?.length ?? 0) > MAX_ACT)
      problems.file = "The act is larger than a message takes (11 MiB): send its fingerprint only.";
  }

  const first = dayText(typed.firstDay);
  const last = typed.lastDay === "" ? first : dayText(typed.lastDay);
  if (first === null) problems.firstDay = "Name the first day.";
  if (last === null || (first !== null && last < first))
    problems.lastDay = "Name a day that is not before the first.";

  const [names, accounts, conversations] = [
    linesOf(typed.names),
    linesOf(typed.accounts).map((one) => one.toLowerCase()),
    linesOf(typed.conversations).map((one) => one.toLowerCase()),
  ];
  if (names.length + accounts.length === 0) problems.names = "Name at least one person or account.";
  else if (names.length + accounts.length + conversations.length > MAX_TARGETS)
    problems.names = `One task has at most ${MAX_TARGETS.toLocaleString("en")} people and conversations. Send it in parts.`;
  else if (names.some((name) => name.length > MAX_TEXT))
    problems.names = `A name has at most ${MAX_TEXT.toLocaleString("en")} characters, one a line.`;
  if (!accounts.every(isDigits))
    problems.accounts = "An account has 64 digits and letters from a to f, one a line.";
  if (!conversations.every(isDigits))
    problems.conversations = "A conversation's number has 64 digits and letters from a to f, one a line.";

  const until = isPreserving ? dayText(typed.until) : null;
  if (isPreserving) {
    if (until === null || until < formatDay(dayOf(now))) problems.until = "Name a day that is not over.";
    if (typed.preserveReference === "" || typed.preserveReference.includes("\n"))
      problems.preserveReference = "Write the file reference of the order to preserve in one line.";
    else if (typed.preserveReference.length > MAX_REFERENCE)
      problems.preserveReference = `A file reference has at most ${MAX_REFERENCE} characters.`;
  }

  if (Object.keys(problems).length > 0 || first === null || last === null)
    return { kind: "undecided", problems };
  return {
    kind: "decided",
    wish: {
      reference,
      legalBasis: typed.legalBasis,
      offenceCategory: typed.offence,
      days: { first, last },
      isEmergency: typed.isEmergency !== "",
      targets: { accounts, names, conversations },
      tasks,
      act: {
        contentType: act === null ? "application/octet-stream" : contentTypeOf(act),
        checksum: actHash,
        isWhole: typed.act === "whole",
      },
      order,
      preserve: until === null ? null : { reference: typed.preserveReference, until },
    },
  };
}

/** By its first bytes: what an officer's program opens it with. */
function contentTypeOf(bytes: Uint8Array): string {
  const isPdf = Buffer.from(bytes.subarray(0, 5)).toString("latin1") === "%PDF-";
  return isPdf ? "application/pdf" : (pictureType(bytes) ?? "application/octet-stream");
}

function dayText(text: string): string | null {
  try {
    return formatDay(parseDay(text));
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** Each once, as it stands. */
function linesOf(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ""))];
}

function isDigits(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
