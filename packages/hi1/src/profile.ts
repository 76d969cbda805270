// The national profile: what has to hold of an object beyond ETSI's schema. Validity there proves little: an
// authorisation without a target and a task outside its authorisation's dates are valid.
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type AccountId,
  type ConversationId,
  conversationId,
  type DayNumber,
  dayOf,
  EncodingError,
  fromBase64,
  hex,
  type Json,
  type UnixSeconds,
} from "@porchlight/encoding";
import { formatJson } from "./message.ts";
import type { Authorisation, DocumentObject, Endpoint, Hi1Object, LDTask, LPTask } from "./object.ts";
import { type Hi1Code, type Hi1Refusal, refusal } from "./refusal.ts";
import { type DictionaryEntry, dayBeginning, dayEnding, secondsOf } from "./value.ts";

/** What a deployment fixes of the profile; the charter's members of the same names come in here. */
export type Profile = {
  readonly endpoint: Endpoint;
  /** `NationalProfileOwner`, and the owner of the profile's dictionaries and target formats. */
  readonly owner: string;
  readonly version: string;
  readonly legalBases: readonly string[];
  readonly offenceCategories: readonly string[];
  /** Days for which a preservation may be asked at first, and by how many it may be extended (60 and 30). */
  readonly preservationDays: number;
  readonly preservationExtensionDays: number;
  /** Objects of one sender that may wait for a decision (HI1-27). */
  readonly waitingObjects: number;
  /** Whether objects flagged `IsTest` are taken. */
  readonly takesTests: boolean;
};

/** What a task is about, found out once when it is taken. */
export type Scope = {
  readonly accounts: readonly AccountId[];
  /** Empty: all conversations of the accounts. */
  readonly conversations: readonly ConversationId[];
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  readonly isEmergency: boolean;
};

/** Looks a person's name or account up. Null for what is unknown and for what is no account of this charter alike. */
export type Resolve = (format: "Account" | "Name", value: string) => AccountId | null;

export type Judged =
  | { readonly kind: "taken"; readonly scope: Scope | null }
  | ({ readonly kind: "refused" } & Hi1Refusal);

type Days = { readonly first: DayNumber; readonly last: DayNumber };

const no = (code: Hi1Code, field?: string): Judged => ({ kind: "refused", ...refusal(code, field) });

/** HI1-16: whole UTC days, from the first one's first second to the last one's last. */
function daysOf(start: string | undefined, end: string | undefined): Days | null {
  const first = start === undefined ? null : dayBeginning(start);
  const last = end === undefined ? null : dayEnding(end);
  return first === null || last === null || first > last ? null : { first, last };
}

function isOneOf(
  entry: DictionaryEntry | undefined,
  owner: string,
  name: string,
  values: readonly string[],
): boolean {
  return (
    entry !== undefined &&
    entry["common:Owner"] === owner &&
    entry["common:Name"] === name &&
    values.includes(entry["common:Value"])
  );
}

function isFlagged(flags: readonly DictionaryEntry[] | undefined, flag: "IsEmergency" | "IsTest"): boolean {
  return flags?.some((entry) => entry["common:Value"] === flag) ?? false;
}

function isSame(a: Endpoint | undefined, b: Endpoint): boolean {
  return a?.CountryCode === b.CountryCode && a.UniqueIdentifier === b.UniqueIdentifier;
}

/** The dates of an authorisation (HI1-16); null where they are not in order. */
function authorisedDays(authorisation: Authorisation): Days | null {
  const span = authorisation["auth:AuthorisationTimespan"];
  return daysOf(span?.["auth:StartTime"], span?.["auth:EndTime"]);
}

/** Whether an authorisation or a task is flagged as an emergency's (HI1-22). */
export function isEmergency(object: Hi1Object): boolean {
  const flags =
    (object as Authorisation)["auth:AuthorisationFlags"]?.["auth:AuthorisationFlag"] ??
    (object as LDTask)["task:Flags"]?.["task:LDTaskFlag"];
  return isFlagged(flags, "IsEmergency");
}

/** What a file is found by has one line: as much as a warrant's reference (CHA-5). */
const MAX_NAME = 200;
const NAMING = [
  "ExternalIdentifier",
  "auth:AuthorisationReference",
  "doc:DocumentReference",
  "doc:DocumentName",
] as const;
/** Bytes of an object beside a document's contents. A thousand names have room. */
const MAX_SAID = 512 * 1024;

/** HI1-28: somebody reads it, and a list names it. `null` where it is short enough. */
export function judgeLength(object: Hi1Object): Hi1Refusal | null {
  const members = object as Readonly<Record<string, unknown>>;
  const long = NAMING.find((name) => String(members[name] ?? "").length > MAX_NAME);
  if (long !== undefined) return refusal("text-too-long", long);
  const { "doc:Contents": _, ...body } = (object as DocumentObject)["doc:DocumentBody"] ?? {};
  const said = formatJson({ ...object, "doc:DocumentBody": body } as unknown as Json);
  return said.length > MAX_SAID ? refusal("text-too-long") : null;
}

/** HI1-13, HI1-16, HI1-21, HI1-22 of an authorisation. */
export function judgeAuthorisation(object: Authorisation, profile: Profile): Judged {
  if (object["auth:AuthorisationReference"] === undefined)
    return no("field-missing", "auth:AuthorisationReference");
  const endpoints = object["auth:AuthorisationCSPID"]?.["auth:CSPID"];
  if (!endpoints?.some((one) => isSame(one, profile.endpoint)))
    return no("field-missing", "auth:AuthorisationCSPID");
  if (
    isFlagged(object["auth:AuthorisationFlags"]?.["auth:AuthorisationFlag"], "IsTest") &&
    !profile.takesTests
  ) {
    return no("test-refused", "auth:AuthorisationFlags");
  }
  if (authorisedDays(object) === null) return no("dates-inconsistent", "auth:AuthorisationTimespan");
  const { owner, legalBases, offenceCategories } = profile;
  if (!isOneOf(object["auth:AuthorisationLegalType"], owner, "LegalBasis", legalBases)) {
    return no("basis-unknown", "auth:AuthorisationLegalType");
  }
  if (!isOneOf(object["auth:AuthorisationTypeOfCase"], owner, "OffenceCategory", offenceCategories)) {
    return no("basis-unknown", "auth:AuthorisationTypeOfCase");
  }
  return { kind: "taken", scope: null };
}

type Targets = NonNullable<NonNullable<LDTask["task:RequestDetails"]>["task:RequestValues"]>;

/** HI1-19, HI1-20: who and which conversations are meant. Every unknown name has the same answer. */
function targetsOf(
  values: Targets | undefined,
  owner: string,
  resolve: Resolve,
): { accounts: AccountId[]; conversations: ConversationId[] } | Hi1Code {
  const targets = values?.["task:RequestValue"] ?? [];
  const accounts = new Set<AccountId>();
  const conversations = new Set<ConversationId>();
  for (const { "task:FormatType": format, "task:Value": value } of targets) {
    if (format["task:FormatOwner"] !== owner) return "target-format-unknown";
    const name = format["task:FormatName"];
    if (name === "Conversation") {
      if (!/^[0-9a-f]{64}$/.test(value)) return "target-format-unknown";
      conversations.add(conversationId(value));
    } else if (name === "Account" || name === "Name") {
      const account = resolve(name, value);
      if (account === null) return "no-such-account";
      accounts.add(account);
    } else return "target-format-unknown";
  }
  // Conversations alone name nobody.
  return accounts.size === 0
    ? "target-missing"
    : { accounts: [...accounts], conversations: [...conversations] };
}

/** HI1-13 and HI1-16 to HI1-22 of a task to disclose under its authorisation. */
export function judgeLDTask(
  object: LDTask,
  authorisation: Authorisation,
  profile: Profile,
  resolve: Resolve,
): Judged {
  if (object["task:Reference"] === undefined) return no("field-missing", "task:Reference");
  if (!isSame(object["task:CSPID"], profile.endpoint)) return no("field-missing", "task:CSPID");
  const details = object["task:RequestDetails"];
  if (details?.["task:Type"] === undefined) return no("field-missing", "task:Type");
  const flags = object["task:Flags"]?.["task:LDTaskFlag"];
  if (isFlagged(flags, "IsTest") && !profile.takesTests) return no("test-refused", "task:Flags");
  const emergency = isEmergency(object);
  if (emergency !== isEmergency(authorisation)) return no("emergency-inconsistent", "task:Flags");
  const targets = targetsOf(details["task:RequestValues"], profile.owner, resolve);
  if (typeof targets === "string") return no(targets, "task:RequestValues");
  const days = daysOf(details["task:StartTime"], details["task:EndTime"]);
  if (days === null) return no("dates-inconsistent", "task:RequestDetails");
  const authorised = authorisedDays(authorisation);
  if (authorised === null || days.first < authorised.first || days.last > authorised.last) {
    return no("outside-authorisation", "task:RequestDetails");
  }
  const scope = { ...targets, firstDay: days.first, lastDay: days.last, isEmergency: emergency };
  return { kind: "taken", scope };
}

/**
 * HI1-23: a task to preserve. It needs no authorisation, because it discloses nothing. `until` is what was granted
 * before, where this asks for more.
 */
export function judgeLPTask(
  object: LPTask,
  profile: Profile,
  resolve: Resolve,
  now: UnixSeconds,
  until: UnixSeconds | null,
): Judged {
  const details = object["task:RequestDetails"];
  const wanted = object["task:DesiredPreservationExpiration"];
  if (wanted === undefined) return no("field-missing", "task:DesiredPreservationExpiration");
  if (!isSame(object["task:CSPID"], profile.endpoint)) return no("field-missing", "task:CSPID");
  const targets = targetsOf(details?.["task:RequestValues"], profile.owner, resolve);
  if (typeof targets === "string") return no(targets, "task:RequestValues");
  const days = daysOf(details?.["task:StartTime"], details?.["task:EndTime"]);
  if (days === null) return no("dates-inconsistent", "task:RequestDetails");
  const expires = secondsOf(wanted);
  if (expires === null || expires <= now)
    return no("dates-inconsistent", "task:DesiredPreservationExpiration");
  const from = until === null ? now : until;
  const longest =
    dayOf(from) + (until === null ? profile.preservationDays : profile.preservationExtensionDays);
  if (dayOf(expires) > longest) return no("preservation-too-long", "task:DesiredPreservationExpiration");
  return {
    kind: "taken",
    scope: { ...targets, firstDay: days.first, lastDay: days.last, isEmergency: false },
  };
}

/** HI1-24: the court's original act or the signed warrant, in the body or, where it is too large, by its hash. */
export function judgeDocument(object: DocumentObject, profile: Profile): Judged {
  const type = object["doc:DocumentType"];
  const isKnown =
    isOneOf(type, "ETSI", "DocumentType", ["Warrant"]) ||
    isOneOf(type, profile.owner, "DocumentType", ["OriginalAct"]);
  if (!isKnown) return no("field-missing", "doc:DocumentType");
  const body = object["doc:DocumentBody"];
  const checksum = body?.["doc:Checksum"];
  if (body === undefined || checksum === undefined || body["doc:ContentType"] === undefined) {
    return no("document-unreadable", "doc:DocumentBody");
  }
  if (body["doc:ChecksumType"] !== "SHA-256" || !/^[0-9a-f]{64}$/.test(checksum)) {
    return no("document-unreadable", "doc:ChecksumType");
  }
  const contents = body["doc:Contents"];
  // A warrant is needed itself; of an act its hash suffices, because the warrant names that.
  if (contents === undefined) {
    return isOneOf(type, "ETSI", "DocumentType", ["Warrant"])
      ? no("document-unreadable", "doc:Contents")
      : { kind: "taken", scope: null };
  }
  const bytes = contentsIn(contents);
  if (bytes === null) return no("document-unreadable", "doc:Contents");
  return hex(sha256(bytes)) === checksum
    ? { kind: "taken", scope: null }
    : no("document-unreadable", "doc:Checksum");
}

/** `null` where another text is the base64 of the same bytes. */
function contentsIn(contents: string): Uint8Array | null {
  try {
    return fromBase64(contents, undefined, "doc:Contents");
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** The identifiers of the objects that this one belongs to. */
export function associatedWith(object: Hi1Object): readonly string[] {
  return object.AssociatedObjects?.AssociatedObject ?? [];
}
