import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type Charter,
  type PersonStatement,
  readSignedDocument,
  type SignedDocument,
  verifyStatement,
} from "@porchlight/charter";
import { makeDirectory, readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import {
  accountId,
  asString,
  type ConversationId,
  conversationId,
  type DayNumber,
  dayNumber,
  dayOf,
  EncodingError,
  Fields,
  formatDay,
  fromUtf8,
  type Json,
  parseDay,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { type Decision, PartyError, type Request, readRequest, readStatementFile } from "@porchlight/parties";
import { DeskError } from "../shell/error.ts";
import { type Form, isProse } from "../shell/form.ts";

const FOLDER = "drafts";
const DAY = 86_400;
const MAX_VALID_DAYS = 365;

/** What a court has written of an order so far: as typed, so that nothing is lost while it is not right yet. */
export type DraftFields = {
  readonly accounts: readonly string[];
  readonly where: "all" | "named";
  readonly conversations: string;
  readonly mode: "sent" | "both-sides";
  readonly firstDay: string;
  readonly lastDay: string;
  readonly isLive: boolean;
  readonly legalBasis: string;
  readonly offence: string;
  readonly necessity: string;
  readonly proportionality: string;
  readonly isPrivileged: boolean;
  readonly disclosure: "notice-first" | "secret";
  readonly until: string;
  readonly ground: string;
  readonly isEmergency: boolean;
  readonly validDays: string;
};

export type Draft = {
  readonly id: string;
  readonly made: UnixSeconds;
  readonly request: Request;
  /** The provider's statement, verified. */
  readonly statement: PersonStatement;
  readonly signedStatement: SignedDocument;
  readonly fields: DraftFields;
};

export type Problems = Readonly<Partial<Record<keyof DraftFields, string>>>;

/** A draft whose every field is right; else what is not, field by field. */
export type Decided =
  | {
      readonly kind: "decided";
      readonly decision: Omit<Decision, "issued" | "expires">;
      readonly validDays: number;
    }
  | { readonly kind: "undecided"; readonly problems: Problems };

/** The drafts of a court's directory, each a file. They hold no secret of anybody's key. */
export class Drafts {
  readonly #folder: string;

  constructor(directory: string) {
    this.#folder = join(directory, FOLDER);
  }

  /** Begins one from an application and the provider's statement. Throws PartyError, CharterError, EncodingError. */
  async begin(
    files: { readonly request: Uint8Array; readonly statement: Uint8Array },
    charter: Charter,
    now: UnixSeconds,
  ): Promise<string> {
    const request = readRequest(files.request);
    if (request.charter !== charter.id) {
      throw new DeskError("form-invalid", "the application was made under another charter");
    }
    const { statement } = await readStatement(files.statement, charter);
    const id = randomBytes(8).toString("hex");
    const fields: DraftFields = {
      accounts: statement.accounts.length === 1 ? statement.accounts.map(({ account }) => account) : [],
      where: "named",
      conversations: "",
      mode: "sent",
      firstDay: "",
      lastDay: "",
      isLive: false,
      legalBasis: "",
      offence: "",
      necessity: "",
      proportionality: "",
      isPrivileged: false,
      disclosure: "notice-first",
      until: "",
      ground: "",
      isEmergency: false,
      validDays: "30",
    };
    await this.#write(id, {
      made: now,
      request: fromUtf8(files.request),
      statement: fromUtf8(files.statement),
      fields,
    });
    return id;
  }

  /** Throws DeskError "not-found". */
  async read(id: string, charter: Charter): Promise<Draft> {
    const raw = await this.#raw(id);
    const { statement, signed } = await readStatement(utf8(raw.statement), charter);
    return {
      id,
      made: raw.made,
      request: readRequest(utf8(raw.request)),
      statement,
      signedStatement: signed,
      fields: raw.fields,
    };
  }

  async save(id: string, fields: DraftFields): Promise<void> {
    await this.#write(id, { ...(await this.#raw(id)), fields });
  }

  async remove(id: string): Promise<void> {
    await removeFileDurable(this.#path(id));
  }

  /** `damaged`: ids of those that cannot be read, which keep nobody from the rest. */
  async list(): Promise<{
    readonly drafts: readonly {
      readonly id: string;
      readonly made: UnixSeconds;
      readonly reference: string;
    }[];
    readonly damaged: readonly string[];
  }> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    const ids = names.flatMap((name) => /^([0-9a-f]{16})\.json$/.exec(name)?.[1] ?? []);
    const drafts: { id: string; made: UnixSeconds; reference: string }[] = [];
    const damaged: string[] = [];
    for (const id of ids.sort()) {
      try {
        const { made, request } = await this.#raw(id);
        drafts.push({ id, made, reference: readRequest(utf8(request)).reference });
      } catch (error) {
        if (!(error instanceof EncodingError || error instanceof PartyError)) throw error;
        damaged.push(id);
      }
    }
    return { drafts, damaged };
  }

  #path(id: string): string {
    if (!/^[0-9a-f]{16}$/.test(id)) throw new DeskError("not-found", "there is no such draft");
    return join(this.#folder, `${id}.json`);
  }

  async #write(id: string, raw: Raw): Promise<void> {
    await makeDirectory(this.#folder);
    await writeFileDurable(this.#path(id), `${JSON.stringify({ version: 1, ...raw }, null, 2)}\n`);
  }

  async #raw(id: string): Promise<Raw> {
    const bytes = await readFileOrNull(this.#path(id));
    if (bytes === null) throw new DeskError("not-found", "there is no such draft");
    return readRaw(bytes);
  }
}

type Raw = {
  readonly made: UnixSeconds;
  readonly request: string;
  readonly statement: string;
  readonly fields: DraftFields;
};

/** CHA-6. */
const MAX_PROSE = 20_000;
/** Characters of a field as it was typed: what is too long to be signed is kept, to be shortened. */
const MAX_TEXT = 2 ** 19;
/** Bytes of a draft's form: characters beyond ASCII travel as up to twelve. */
export const DRAFT_FORM = { bodyLimit: MAX_TEXT };
const MAX_FILE = 2 ** 20;

function readRaw(bytes: Uint8Array): Raw {
  const top = new Fields(parseJson(bytes, "draft"), "draft");
  top.literal("version", 1);
  const fields = top.object("fields");
  const text = (name: string): string => fields.string(name, MAX_TEXT);
  return {
    made: unixSeconds(top.integer("made")),
    request: top.string("request", MAX_FILE),
    statement: top.string("statement", MAX_FILE),
    fields: {
      accounts: fields.array("accounts", (item, where) => asString(item, where)),
      where: fields.literal("where", "all", "named"),
      conversations: text("conversations"),
      mode: fields.literal("mode", "sent", "both-sides"),
      firstDay: text("firstDay"),
      lastDay: text("lastDay"),
      isLive: fields.boolean("isLive"),
      legalBasis: text("legalBasis"),
      offence: text("offence"),
      necessity: text("necessity"),
      proportionality: text("proportionality"),
      isPrivileged: fields.boolean("isPrivileged"),
      disclosure: fields.literal("disclosure", "notice-first", "secret"),
      until: text("until"),
      ground: text("ground"),
      isEmergency: fields.boolean("isEmergency"),
      validDays: text("validDays"),
    },
  };
}

async function readStatement(
  bytes: Uint8Array,
  charter: Charter,
): Promise<{ readonly statement: PersonStatement; readonly signed: SignedDocument }> {
  const signed = readStatementFile(bytes, (value: Json) => readSignedDocument(value, "statement"));
  return { statement: await verifyStatement(signed, charter), signed };
}

export function fieldsOf(form: Form): DraftFields {
  const text = (name: string): string => form.text(name);
  return {
    accounts: form.all("accounts").slice(0, 1000),
    where: form.text("where") === "all" ? "all" : "named",
    conversations: text("conversations"),
    mode: form.text("mode") === "both-sides" ? "both-sides" : "sent",
    firstDay: text("firstDay"),
    lastDay: text("lastDay"),
    isLive: form.checked("isLive"),
    legalBasis: text("legalBasis"),
    offence: text("offence"),
    necessity: text("necessity"),
    proportionality: text("proportionality"),
    isPrivileged: form.checked("isPrivileged"),
    disclosure: form.text("disclosure") === "secret" ? "secret" : "notice-first",
    until: text("until"),
    ground: text("ground"),
    isEmergency: form.checked("isEmergency"),
    validDays: text("validDays"),
  };
}

/** Whether the rules of the order itself hold, keyholders' rules say when it is signed; here, whether it can be written. */
export function decide(
  { fields, request, statement, signedStatement }: Draft,
  charter: Charter,
  now: UnixSeconds,
): Decided {
  const problems: { -readonly [name in keyof DraftFields]?: string } = {};
  const today = dayOf(now);

  const stated = new Set<string>(statement.accounts.map(({ account }) => account));
  const accounts = fields.accounts.filter((one) => stated.has(one)).map(accountId);
  if (fields.accounts.length > accounts.length) {
    problems.accounts =
      "An account was named that the provider's statement does not name. Choose from this list, or begin again with a statement of that person.";
  } else if (accounts.length === 0) problems.accounts = "Choose at least one person.";
  else if (accounts.length > charter.caps.accountsPerWarrant) {
    problems.accounts = `The charter allows at most ${charter.caps.accountsPerWarrant} people in one order.`;
  }

  const conversations: ConversationId[] | "all" =
    fields.where === "all" ? "all" : conversationsIn(fields.conversations);
  if (conversations !== "all" && conversations.length === 0) {
    problems.conversations = "Name each conversation by its number, 64 digits and letters, one a line.";
  }

  const firstDay = dayIn(fields.firstDay);
  const lastDay = dayIn(fields.lastDay === "" ? fields.firstDay : fields.lastDay);
  if (firstDay === null) problems.firstDay = "Name the first day.";
  if (lastDay === null) problems.lastDay = "Name the last day.";
  if (firstDay !== null && lastDay !== null) {
    const days = lastDay - firstDay + 1;
    if (days < 1) problems.lastDay = "The last day lies before the first.";
    else if (days > charter.caps.daysPerWarrant) {
      problems.lastDay = `The charter allows at most ${charter.caps.daysPerWarrant} days in one order; these are ${days}.`;
    } else if (firstDay < charter.validFrom || lastDay > charter.validUntil) {
      problems.firstDay = `The charter does not hold on all of these days: it holds from ${formatDay(charter.validFrom)} to ${formatDay(charter.validUntil)}.`;
    }
  }

  if (!charter.legalBases.includes(fields.legalBasis))
    problems.legalBasis = "Choose one of the charter's legal bases.";
  if (!charter.offenceCategories.includes(fields.offence))
    problems.offence = "Choose one of the charter's categories.";
  for (const name of ["necessity", "proportionality"] as const) {
    if (fields[name] === "") problems[name] = "Write it in your own words.";
    else if (!isProse(fields[name])) problems[name] = noProse(fields[name]);
  }

  const until = fields.disclosure === "secret" ? dayIn(fields.until) : null;
  if (fields.disclosure === "secret") {
    const latest = dayNumber(today + charter.longestSecrecyDays);
    if (until === null) problems.until = "Name the day on which secrecy ends.";
    else if (until < today) problems.until = "This day is over.";
    else if (until > latest) {
      problems.until = `Secrecy lasts at most ${charter.longestSecrecyDays} days under this charter: until ${formatDay(latest)}.`;
    }
    if (fields.ground === "") problems.ground = "Secrecy needs its ground.";
    else if (!isProse(fields.ground)) problems.ground = noProse(fields.ground);
  }

  const validDays = /^[1-9][0-9]{0,2}$/.test(fields.validDays) ? Number(fields.validDays) : 0;
  if (validDays < 1 || validDays > MAX_VALID_DAYS) {
    problems.validDays = `A whole number of days, from 1 to ${MAX_VALID_DAYS}.`;
  }

  if (Object.keys(problems).length > 0 || firstDay === null || lastDay === null) {
    return { kind: "undecided", problems };
  }
  return {
    kind: "decided",
    validDays,
    decision: {
      request,
      statement: signedStatement,
      accounts,
      conversations,
      mode: fields.mode,
      firstDay,
      lastDay,
      live: fields.isLive,
      legalBasis: fields.legalBasis,
      offenceCategory: fields.offence,
      necessity: fields.necessity,
      proportionality: fields.proportionality,
      privileged: fields.isPrivileged,
      disclosure:
        until === null ? { kind: "notice-first" } : { kind: "secret", until, ground: fields.ground },
      emergency: fields.isEmergency,
    },
  };
}

function noProse(text: string): string {
  return text.length > MAX_PROSE
    ? `At most ${MAX_PROSE.toLocaleString("en")} characters can be signed; this has ${text.length.toLocaleString("en")}. All of it is kept here: shorten it.`
    : "This holds characters that are no text.";
}

/** When the order lapses. */
export function expiryOf(issued: UnixSeconds, validDays: number): UnixSeconds {
  return unixSeconds(issued + validDays * DAY);
}

export function dayIn(text: string): DayNumber | null {
  try {
    return parseDay(text);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** Each once; none at all where one of them is no conversation's number. */
export function conversationsIn(text: string): ConversationId[] {
  const words = text.split(/[\s,;]+/).filter((word) => word !== "");
  try {
    return [...new Set(words.map((word) => conversationId(word.toLowerCase())))];
  } catch (error) {
    if (error instanceof EncodingError) return [];
    throw error;
  }
}
