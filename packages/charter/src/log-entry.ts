import {
  asString,
  base64,
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  type DayNumber,
  dayNumber,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64,
  fromHex,
  hex,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parseJson,
  parsePeriod,
  utf8,
} from "@porchlight/encoding";
import { asReleaseVersion } from "./app-release.ts";
import type { CharterKind } from "./charter.ts";
import { readSignedDocument, type SignedDocument } from "./document.ts";
import { asName } from "./plain-text.ts";

/** ENT-2: a charter with its signatures. */
export type CharterEntry = { readonly type: "charter"; readonly document: SignedDocument };

/** ENT-3: one message of one keyholder in a key ceremony (ceremony.md). */
export type CeremonyEntry = {
  readonly type: "ceremony";
  readonly charter: CharterId;
  readonly period: Period;
  /** Of the shares that it makes. */
  readonly generation: number;
  /** The generation that is reshared; 0 where new keys are made. */
  readonly from: number;
  readonly round: number;
  readonly keyholder: KeyholderIndex;
  /** The message, base64; empty where it asks to close the round. */
  readonly body: string;
  /** By the keyholder's document key, base64. */
  readonly signature: string;
};

/** ENT-4: a key period's public keys. */
export type KeysEntry = { readonly type: "keys"; readonly document: SignedDocument };

/** ENT-21: a lost keyholder's place is another's. */
export type SuccessionEntry = { readonly type: "succession"; readonly document: SignedDocument };

/** ENT-5: an order, of one size whatever it says. A court has warrants, a house has hold orders. */
export type OrderEntry = {
  readonly type: "warrant" | "hold-order";
  readonly charter: CharterId;
  /** The day on which it was logged. */
  readonly day: DayNumber;
  readonly commitment: Commitment;
  /** Hides what a `disclosed` entry opens at the end of secrecy, 64 hex digits. */
  readonly public: string;
  /** SHA-256 of the order's notices (NOT-14), 64 hex digits. */
  readonly notices: string;
  /** The month in which secrecy ends. */
  readonly secretUntil: Period;
  /** By the charter's intake key, base64. */
  readonly intake: string;
};

/** ENT-6 */
export type RevocationEntry = {
  readonly type: "revocation";
  readonly charter: CharterId;
  readonly day: DayNumber;
  readonly commitment: Commitment;
  readonly intake: string;
};

/** ENT-12: somebody's messages are kept beyond their retention; of one size, whatever it says. It opens nothing. */
export type PreservationEntry = {
  readonly type: "preservation";
  readonly charter: CharterId;
  /** The day on which it was logged. */
  readonly day: DayNumber;
  readonly commitment: Commitment;
  /** The month in which it ends. */
  readonly until: Period;
  readonly intake: string;
};

/** ENT-13: an order to preserve ends early, on its issuer's word. `commitment` is that order's. */
export type PreservationLiftEntry = {
  readonly type: "preservation-lift";
  readonly charter: CharterId;
  readonly day: DayNumber;
  readonly commitment: Commitment;
  readonly intake: string;
};

/** ENT-14: a requester's endpoint has a key at the provider, after a call-back; whose and which is hidden. */
export type RegistrationEntry = {
  readonly type: "registration";
  readonly charter: CharterId;
  readonly day: DayNumber;
  readonly commitment: Commitment;
  readonly intake: string;
};

/** What the provider knows anyway and answers itself (HI1-30). */
export type ProviderData = "subscriber" | "traffic";

/** ENT-15: the provider answered a task itself, outside the quorum; about whom and to whom is hidden. */
export type ProviderAnswerEntry = {
  readonly type: "provider-answer";
  readonly charter: CharterId;
  readonly day: DayNumber;
  readonly commitment: Commitment;
  readonly data: ProviderData;
  readonly intake: string;
};

/** ENT-9: something that an issuer said of its order later. `direction` hides the document, 64 hex digits. */
export type DirectionEntry =
  | {
      readonly type: "suspension" | "resumption" | "notice-release";
      readonly charter: CharterId;
      readonly day: DayNumber;
      /** Of the order. */
      readonly commitment: Commitment;
      readonly direction: string;
      readonly intake: string;
    }
  | {
      readonly type: "extension";
      readonly charter: CharterId;
      readonly day: DayNumber;
      readonly commitment: Commitment;
      readonly direction: string;
      /** The month in which secrecy ends now. */
      readonly secretUntil: Period;
      readonly intake: string;
    };

/** What may be public of an order once its secrecy is over: nothing that a guess of a person could be tested against. */
export type PublicPart = {
  readonly issuer: string;
  readonly legalBasis: string;
  readonly offenceCategory: string;
  /** Accounts and days that the order could open. */
  readonly accounts: number;
  readonly days: number;
};

/** ENT-10: the end of an order's secrecy. `key` opens the order entry's `public` to `part`. */
export type DisclosedEntry = {
  readonly type: "disclosed";
  readonly charter: CharterId;
  readonly day: DayNumber;
  readonly commitment: Commitment;
  /** 64 hex digits. */
  readonly key: string;
  readonly part: PublicPart;
  readonly intake: string;
};

/** ENT-11: orders logged in a month, by legal basis and category in the charter's order; null where few or none. */
export type StatisticsEntry = {
  readonly type: "statistics";
  readonly charter: CharterId;
  readonly day: DayNumber;
  readonly month: Period;
  /** Basis 1 × category 1, basis 1 × category 2, … */
  readonly cells: readonly (number | null)[];
  readonly intake: string;
};

/** ENT-16: a release of the web app, by the digest of its manifest (APP-2). */
export type AppReleaseEntry = {
  readonly type: "app-release";
  readonly charter: CharterId;
  /** The day on which it was logged. */
  readonly day: DayNumber;
  readonly version: string;
  /** SHA-256 of the manifest, 64 hex digits. */
  readonly manifest: string;
  readonly intake: string;
};

/** ENT-7: a keyholder's intents and releases of a day, or random filler that looks the same. */
export type BatchEntry = {
  readonly type: "keyholder-batch";
  readonly charter: CharterId;
  readonly keyholder: KeyholderIndex;
  readonly day: DayNumber;
  /** {@link BATCH_SLOTS} commitments, 64 hex digits each. */
  readonly slots: readonly string[];
  readonly signature: string;
};

/** ENT-20: a keyholder says that it has erased a share. */
export type ErasureEntry = {
  readonly type: "erasure";
  readonly charter: CharterId;
  readonly period: Period;
  readonly generation: number;
  readonly kind: ShareKind;
  readonly keyholder: KeyholderIndex;
  /** On which it erased it. */
  readonly day: DayNumber;
  readonly signature: string;
};

/** A period's two keys are shared apart, so that the automatic release of a notice never touches an access share. */
export type ShareKind = "access" | "notice";

/** ENT-30: a part of an order's notices, logged before the order. */
export type NoticeEntry = {
  readonly type: "notice";
  readonly charter: CharterId;
  readonly commitment: Commitment;
  /** From 0, of `parts`. */
  readonly part: number;
  readonly parts: number;
  /** The part's bytes (NOT-13). */
  readonly block: Uint8Array;
  readonly intake: string;
};

/** ENT-31: one keyholder's share of the key that opens an order's notices, on the day on which they are due. */
export type NoticeShareEntry = {
  readonly type: "notice-share";
  readonly charter: CharterId;
  readonly keyholder: KeyholderIndex;
  readonly commitment: Commitment;
  /** The day in the notice label. */
  readonly until: DayNumber;
  /** The key period of the notices, and the generation of the keyholder's share in it. */
  readonly period: Period;
  readonly generation: number;
  /** f(i)·Q, a G1 point, 96 hex digits. */
  readonly share: string;
  readonly signature: string;
};

export type LogEntry =
  | CharterEntry
  | CeremonyEntry
  | KeysEntry
  | SuccessionEntry
  | OrderEntry
  | RevocationEntry
  | DirectionEntry
  | PreservationEntry
  | PreservationLiftEntry
  | RegistrationEntry
  | ProviderAnswerEntry
  | DisclosedEntry
  | StatisticsEntry
  | AppReleaseEntry
  | BatchEntry
  | ErasureEntry
  | NoticeEntry
  | NoticeShareEntry;

/** Commitments in one keyholder-batch. */
export const BATCH_SLOTS = 8;
/** ENT-11: a cell of statistics with fewer orders is not told. */
export const STATISTICS_THRESHOLD = 5;
/** A charter's bases × categories, at their most. */
const MAX_CELLS = 10_000;
/** C2SP tlog-tiles: an entry's length is a u16. */
export const MAX_ENTRY_BYTES = 65_535;
/** Of one order's notices: a charter that lets a warrant open 1,000 accounts needs 84. */
const MAX_NOTICE_PARTS = 100;

/** The type of the entry that puts an order of this kind of charter into the log (ENT-5). */
export function orderEntryType(kind: CharterKind): OrderEntry["type"] {
  return kind === "court" ? "warrant" : "hold-order";
}

/** The entry's only encoding (ENT-1). Throws EncodingError "too-long" beyond {@link MAX_ENTRY_BYTES}. */
export function formatEntry(entry: LogEntry): Uint8Array {
  const bytes = utf8(JSON.stringify(members(entry)));
  if (bytes.length > MAX_ENTRY_BYTES) throw new EncodingError("too-long", "entry");
  return bytes;
}

/** Strict inverse of {@link formatEntry} (ENT-1). It checks no signature. Throws EncodingError. */
export function parseEntry(bytes: Uint8Array): LogEntry {
  if (bytes.length > MAX_ENTRY_BYTES) throw new EncodingError("too-long", "entry");
  const fields = new Fields(parseJson(bytes, "entry"), "entry");
  const entry = readEntry(fields);
  fields.end();
  if (!equalBytes(formatEntry(entry), bytes)) throw new EncodingError("not-canonical", "entry");
  return entry;
}

// Member order is part of the format, so every entry is written out here and nowhere else.
function members(entry: LogEntry): Record<string, unknown> {
  switch (entry.type) {
    case "charter":
    case "keys":
    case "succession": {
      const { payload, signatures } = entry.document;
      const made = signatures.map((one) => ({ protected: one.protected, signature: one.signature }));
      return { type: entry.type, document: { payload, signatures: made } };
    }
    case "ceremony":
      return {
        type: entry.type,
        charter: entry.charter,
        period: entry.period,
        generation: entry.generation,
        from: entry.from,
        round: entry.round,
        keyholder: entry.keyholder,
        body: entry.body,
        signature: entry.signature,
      };
    case "warrant":
    case "hold-order":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        public: entry.public,
        notices: entry.notices,
        secretUntil: entry.secretUntil,
        intake: entry.intake,
      };
    case "revocation":
    case "preservation-lift":
    case "registration":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        intake: entry.intake,
      };
    case "suspension":
    case "resumption":
    case "notice-release":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        direction: entry.direction,
        intake: entry.intake,
      };
    case "extension":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        direction: entry.direction,
        secretUntil: entry.secretUntil,
        intake: entry.intake,
      };
    case "preservation":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        until: entry.until,
        intake: entry.intake,
      };
    case "provider-answer":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        data: entry.data,
        intake: entry.intake,
      };
    case "disclosed":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        commitment: entry.commitment,
        key: entry.key,
        part: publicMembers(entry.part),
        intake: entry.intake,
      };
    case "statistics":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        month: entry.month,
        cells: entry.cells,
        intake: entry.intake,
      };
    case "app-release":
      return {
        type: entry.type,
        charter: entry.charter,
        day: entry.day,
        version: entry.version,
        manifest: entry.manifest,
        intake: entry.intake,
      };
    case "keyholder-batch":
      return {
        type: entry.type,
        charter: entry.charter,
        keyholder: entry.keyholder,
        day: entry.day,
        slots: entry.slots,
        signature: entry.signature,
      };
    case "erasure":
      return {
        type: entry.type,
        charter: entry.charter,
        period: entry.period,
        generation: entry.generation,
        kind: entry.kind,
        keyholder: entry.keyholder,
        day: entry.day,
        signature: entry.signature,
      };
    case "notice":
      return {
        type: entry.type,
        charter: entry.charter,
        commitment: entry.commitment,
        part: entry.part,
        parts: entry.parts,
        block: base64(entry.block),
        intake: entry.intake,
      };
    case "notice-share":
      return {
        type: entry.type,
        charter: entry.charter,
        keyholder: entry.keyholder,
        commitment: entry.commitment,
        until: entry.until,
        period: entry.period,
        generation: entry.generation,
        share: entry.share,
        signature: entry.signature,
      };
  }
}

function publicMembers({ issuer, legalBasis, offenceCategory, accounts, days }: PublicPart): PublicPart {
  return { issuer, legalBasis, offenceCategory, accounts, days };
}

/** The bytes under an order entry's `public` (ENT-10). */
export function formatPublicPart(part: PublicPart): Uint8Array {
  return utf8(JSON.stringify(publicMembers(part)));
}

function readEntry(fields: Fields): LogEntry {
  const type = fields.literal(
    "type",
    "charter",
    "ceremony",
    "keys",
    "succession",
    "warrant",
    "hold-order",
    "revocation",
    "suspension",
    "resumption",
    "notice-release",
    "extension",
    "preservation",
    "preservation-lift",
    "registration",
    "provider-answer",
    "disclosed",
    "statistics",
    "app-release",
    "keyholder-batch",
    "erasure",
    "notice",
    "notice-share",
  );
  switch (type) {
    case "charter":
    case "keys":
    case "succession":
      return { type, document: readSignedDocument(fields.json("document"), "entry.document") };
    case "ceremony":
      return {
        type,
        charter: charterId(fields.string("charter")),
        period: parsePeriod(fields.string("period")),
        generation: fields.integer("generation", 1, 2 ** 32 - 1),
        from: fields.integer("from", 0, 2 ** 32 - 1),
        round: fields.integer("round", 1, 255),
        keyholder: keyholderIndex(fields.integer("keyholder")),
        body: message(fields.string("body", MAX_ENTRY_BYTES)),
        signature: signature(fields.string("signature")),
      };
    case "warrant":
    case "hold-order":
      return {
        type,
        ...readAbout(fields),
        public: digest(fields.string("public")),
        notices: digest(fields.string("notices")),
        secretUntil: parsePeriod(fields.string("secretUntil")),
        intake: signature(fields.string("intake")),
      };
    case "revocation":
    case "preservation-lift":
    case "registration":
      return {
        type,
        ...readAbout(fields),
        intake: signature(fields.string("intake")),
      };
    case "suspension":
    case "resumption":
    case "notice-release":
      return {
        type,
        ...readAbout(fields),
        direction: digest(fields.string("direction")),
        intake: signature(fields.string("intake")),
      };
    case "extension":
      return {
        type,
        ...readAbout(fields),
        direction: digest(fields.string("direction")),
        secretUntil: parsePeriod(fields.string("secretUntil")),
        intake: signature(fields.string("intake")),
      };
    case "preservation":
      return {
        type,
        ...readAbout(fields),
        until: parsePeriod(fields.string("until")),
        intake: signature(fields.string("intake")),
      };
    case "provider-answer":
      return {
        type,
        ...readAbout(fields),
        data: fields.literal("data", "subscriber", "traffic"),
        intake: signature(fields.string("intake")),
      };
    case "disclosed":
      return {
        type,
        ...readAbout(fields),
        key: digest(fields.string("key")),
        part: readPublicPart(fields.object("part")),
        intake: signature(fields.string("intake")),
      };
    case "statistics":
      return {
        type,
        charter: charterId(fields.string("charter")),
        day: entryDay(fields),
        month: parsePeriod(fields.string("month")),
        cells: fields.array("cells", readCell, MAX_CELLS),
        intake: signature(fields.string("intake")),
      };
    case "app-release":
      return {
        type,
        charter: charterId(fields.string("charter")),
        day: entryDay(fields),
        version: asReleaseVersion(fields.json("version"), "entry.version"),
        manifest: digest(fields.string("manifest")),
        intake: signature(fields.string("intake")),
      };
    case "keyholder-batch": {
      const entry: BatchEntry = {
        type,
        charter: charterId(fields.string("charter")),
        keyholder: keyholderIndex(fields.integer("keyholder")),
        day: entryDay(fields),
        slots: fields.array("slots", (item, where) => digest(asString(item, where)), BATCH_SLOTS),
        signature: signature(fields.string("signature")),
      };
      if (entry.slots.length !== BATCH_SLOTS) throw new EncodingError("out-of-range", "entry.slots");
      return entry;
    }
    case "erasure":
      return {
        type,
        charter: charterId(fields.string("charter")),
        period: parsePeriod(fields.string("period")),
        generation: fields.integer("generation", 1, 2 ** 32 - 1),
        kind: fields.literal("kind", "access", "notice"),
        keyholder: keyholderIndex(fields.integer("keyholder")),
        day: entryDay(fields),
        signature: signature(fields.string("signature")),
      };
    case "notice": {
      const entry: NoticeEntry = {
        type,
        charter: charterId(fields.string("charter")),
        commitment: commitment(fields.string("commitment")),
        part: fields.integer("part", 0, MAX_NOTICE_PARTS - 1),
        parts: fields.integer("parts", 1, MAX_NOTICE_PARTS),
        block: fromBase64(fields.string("block", MAX_ENTRY_BYTES), undefined, "entry.block"),
        intake: signature(fields.string("intake")),
      };
      if (entry.part >= entry.parts) throw new EncodingError("out-of-range", "entry.part");
      return entry;
    }
    case "notice-share":
      return {
        type,
        charter: charterId(fields.string("charter")),
        keyholder: keyholderIndex(fields.integer("keyholder")),
        commitment: commitment(fields.string("commitment")),
        until: dayNumber(fields.integer("until", 10_000, 99_999)),
        period: parsePeriod(fields.string("period")),
        generation: fields.integer("generation", 1, 2 ** 32 - 1),
        share: hex(fromHex(fields.string("share"), 48, "entry.share")),
        signature: signature(fields.string("signature")),
      };
  }
}

/** Of an entry about an order: whose charter, when it was logged, and which order. */
function readAbout(fields: Fields): Pick<RevocationEntry, "charter" | "day" | "commitment"> {
  return {
    charter: charterId(fields.string("charter")),
    day: entryDay(fields),
    commitment: commitment(fields.string("commitment")),
  };
}

function readPublicPart(fields: Fields): PublicPart {
  const part = {
    issuer: asName(fields.json("issuer"), "entry.part.issuer"),
    legalBasis: asName(fields.json("legalBasis"), "entry.part.legalBasis"),
    offenceCategory: asName(fields.json("offenceCategory"), "entry.part.offenceCategory"),
    accounts: fields.integer("accounts", 1, 1_000_000),
    days: fields.integer("days", 1, 1_000_000),
  };
  fields.end();
  return part;
}

function readCell(value: Json, where: string): number | null {
  if (value === null) return null;
  const fields = new Fields({ cell: value }, where);
  return fields.integer("cell", STATISTICS_THRESHOLD, 1_000_000);
}

// Five digits, so that the day does not change an entry's size (until the year 2243).
function entryDay(fields: Fields): DayNumber {
  return dayNumber(fields.integer("day", 10_000, 99_999));
}

function digest(text: string): string {
  fromHex(text, 32, "entry");
  return text;
}

function message(text: string): string {
  fromBase64(text, undefined, "entry");
  return text;
}

function signature(text: string): string {
  fromBase64(text, 64, "entry");
  return text;
}
