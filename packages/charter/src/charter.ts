import { sha256 } from "@noble/hashes/sha2.js";
import {
  asString,
  base64,
  type CharterId,
  charterIdOf,
  type DayNumber,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  fromBase64,
  fromBase64url,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  parseDay,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { type SignedDocument, verifyDocument } from "./document.ts";
import { CharterError } from "./error.ts";
import { asName } from "./plain-text.ts";
import { checkLog, checkPublicKey } from "./witness-policy.ts";

declare const verified: unique symbol;

/** A court's charter knows warrants, an organisation's house charter hold orders: the words never mix. */
export type CharterKind = "court" | "house";

/** An independent body with one key share. Keys: cosigner vkey (C2SP type 04), Ed25519 (32 B), X-Wing (1216 B). */
export type Keyholder = {
  readonly index: KeyholderIndex;
  readonly name: string;
  readonly owner: string;
  readonly payer: string;
  readonly jurisdiction: string;
  readonly url: string;
  readonly vkey: string;
  readonly key: Uint8Array;
  readonly xwing: Uint8Array;
};

export type Issuer = { readonly name: string; readonly title: string; readonly key: Uint8Array };

/**
 * CHA-24: who inspects a house's hold orders and can stop each (a works council, for instance), and for how many whole days
 * after its day of logging an order waits for them.
 */
export type Inspection = { readonly inspectors: readonly Issuer[]; readonly days: number };

/** What a charter says (CHA-7). Whether anyone signed it is {@link Charter}'s question. */
export type CharterDocument = {
  readonly kind: CharterKind;
  readonly deployment: string;
  readonly clock: "system" | "replay";
  /** First and last UTC day on which anyone may send under this charter. */
  readonly validFrom: DayNumber;
  readonly validUntil: DayNumber;
  readonly provider: { readonly name: string; readonly key: Uint8Array; readonly xwing: Uint8Array };
  /** In the order of their indices, which are 1 to n. */
  readonly keyholders: readonly Keyholder[];
  readonly threshold: number;
  readonly issuers: readonly Issuer[];
  /** Of a house; a court's charter has none. */
  readonly inspection: Inspection | null;
  readonly intake: { readonly key: Uint8Array };
  readonly log: { readonly origin: string; readonly vkey: string; readonly policy: string };
  readonly retentionDays: number;
  readonly contestDays: number;
  readonly longestSecrecyDays: number;
  readonly longestPreservationDays: number;
  readonly caps: {
    readonly accountsPerWarrant: number;
    readonly daysPerWarrant: number;
    readonly warrantsPer30Days: number;
  };
  readonly legalBases: readonly string[];
  readonly offenceCategories: readonly string[];
};

/** A charter in force: {@link verifyCharter} found the signatures of the provider and of every keyholder (CHA-8). */
export type Charter = CharterDocument & { readonly id: CharterId; readonly [verified]: true };

const LONGEST_DAYS = 36_500;
/** More do not fit into one log entry of 64 KiB beside their X-Wing keys. */
const MAX_KEYHOLDERS = 16;

/** The charter id: SHA-256 of the exact document bytes (CHA-7). */
export function charterIdOfDocument(bytes: Uint8Array): CharterId {
  return charterIdOf(sha256(bytes));
}

/** The canonical document bytes (CHA-2). */
export function formatCharter(charter: CharterDocument): Uint8Array {
  const { provider, log, caps } = charter;
  return utf8(
    JSON.stringify({
      version: 1,
      kind: charter.kind,
      deployment: charter.deployment,
      clock: charter.clock,
      validFrom: formatDay(charter.validFrom),
      validUntil: formatDay(charter.validUntil),
      provider: { name: provider.name, key: base64(provider.key), xwing: base64(provider.xwing) },
      keyholders: charter.keyholders.map(keyholderMembers),
      threshold: charter.threshold,
      issuers: charter.issuers.map(issuerMembers),
      ...(charter.inspection === null
        ? {}
        : {
            inspection: {
              inspectors: charter.inspection.inspectors.map(issuerMembers),
              days: charter.inspection.days,
            },
          }),
      intake: { key: base64(charter.intake.key) },
      log: { origin: log.origin, vkey: log.vkey, policy: log.policy },
      retentionDays: charter.retentionDays,
      contestDays: charter.contestDays,
      longestSecrecyDays: charter.longestSecrecyDays,
      longestPreservationDays: charter.longestPreservationDays,
      caps: {
        accountsPerWarrant: caps.accountsPerWarrant,
        daysPerWarrant: caps.daysPerWarrant,
        warrantsPer30Days: caps.warrantsPer30Days,
      },
      legalBases: charter.legalBases,
      offenceCategories: charter.offenceCategories,
    }),
  );
}

function issuerMembers({ name, title, key }: Issuer): Record<string, unknown> {
  return { name, title, key: base64(key) };
}

/** A keyholder as a charter or a succession writes it. */
export function keyholderMembers(keyholder: Keyholder): Record<string, unknown> {
  return {
    index: keyholder.index,
    name: keyholder.name,
    owner: keyholder.owner,
    payer: keyholder.payer,
    jurisdiction: keyholder.jurisdiction,
    url: keyholder.url,
    vkey: keyholder.vkey,
    key: base64(keyholder.key),
    xwing: base64(keyholder.xwing),
  };
}

/** Strict parser of the document bytes (CHA-7, CHA-9 to CHA-14). Throws EncodingError or CharterError. */
export function parseCharter(bytes: Uint8Array): CharterDocument {
  const fields = new Fields(parseJson(bytes, "charter"), "charter");
  fields.literal("version", 1);
  const kind = fields.literal("kind", "court", "house");
  const charter: CharterDocument = {
    kind,
    deployment: asHost(fields.json("deployment"), "charter.deployment"),
    clock: fields.literal("clock", "system", "replay"),
    validFrom: parseDay(fields.string("validFrom"), "charter.validFrom"),
    validUntil: parseDay(fields.string("validUntil"), "charter.validUntil"),
    provider: readProvider(fields.object("provider")),
    keyholders: fields.array("keyholders", readKeyholder, MAX_KEYHOLDERS),
    threshold: fields.integer("threshold", 2, MAX_KEYHOLDERS),
    issuers: fields.array("issuers", readIssuer, 100),
    inspection: kind === "house" ? readInspection(fields.object("inspection")) : null,
    intake: readIntake(fields.object("intake")),
    log: readLog(fields.object("log")),
    retentionDays: fields.integer("retentionDays", 1, LONGEST_DAYS),
    contestDays: fields.integer("contestDays", 0, LONGEST_DAYS),
    longestSecrecyDays: fields.integer("longestSecrecyDays", 0, LONGEST_DAYS),
    longestPreservationDays: fields.integer("longestPreservationDays", 0, LONGEST_DAYS),
    caps: readCaps(fields.object("caps")),
    legalBases: fields.array("legalBases", (item, where) => asName(item, where), 100),
    offenceCategories: fields.array("offenceCategories", (item, where) => asName(item, where), 100),
  };
  fields.end();
  if (!equalBytes(formatCharter(charter), bytes)) throw new EncodingError("not-canonical", "charter");
  checkCharter(charter);
  return charter;
}

/**
 * CHA-8: the charter in a log entry's document, signed by the provider and by **all** of its own keyholders, and by
 * nobody else. Throws CharterError or EncodingError.
 */
export async function verifyCharter(document: Json | SignedDocument): Promise<Charter> {
  const payload = new Fields(document as Json, "charter").string("payload", 2 ** 20);
  const bytes = fromBase64url(payload, undefined, "charter.payload");
  const charter = parseCharter(bytes);
  const keys = new Map([charter.provider, ...charter.keyholders].map(({ name, key }) => [name, key]));
  const { signers } = await verifyDocument("charter", document, keys);
  if (signers.size !== keys.size) throw new CharterError("signer-missing", "charter");
  return { ...charter, id: charterIdOfDocument(bytes) } as Charter;
}

/** Powers over at least t keyholders at once, which the members are warned of (CHA-15). */
export function concentrations(charter: CharterDocument): {
  readonly by: "owner" | "payer" | "jurisdiction";
  readonly value: string;
  readonly keyholders: number;
}[] {
  return (["owner", "payer", "jurisdiction"] as const).flatMap((by) =>
    [...new Set(charter.keyholders.map((keyholder) => keyholder[by]))]
      .map((value) => ({
        by,
        value,
        keyholders: charter.keyholders.filter((keyholder) => keyholder[by] === value).length,
      }))
      .filter(({ keyholders }) => keyholders >= charter.threshold),
  );
}

function checkCharter(charter: CharterDocument): void {
  const refuse = (field: string): never => {
    throw new CharterError("charter-inconsistent", field);
  };
  if (charter.validFrom > charter.validUntil) refuse("validUntil");
  charter.keyholders.forEach((keyholder, position) => {
    if (keyholder.index !== position + 1) refuse("keyholders.index");
  });
  if (charter.threshold > charter.keyholders.length) refuse("threshold");
  // A house's hold order needs two named persons (WAR-6), a court's warrant one court.
  if (charter.issuers.length < (charter.kind === "house" ? 2 : 1)) refuse("issuers");
  // CHA-24: nobody to wait for, no wait.
  if (charter.inspection?.inspectors.length === 0 && charter.inspection.days > 0) refuse("inspection.days");
  if (charter.legalBases.length === 0 || repeats(charter.legalBases)) refuse("legalBases");
  if (charter.offenceCategories.length === 0 || repeats(charter.offenceCategories))
    refuse("offenceCategories");
  // One party, one name, one key for one purpose: whoever signs as two parties would be counted twice.
  const inspectors = charter.inspection?.inspectors ?? [];
  const parties = [charter.provider, ...charter.keyholders, ...charter.issuers, ...inspectors];
  if (repeats(parties.map(({ name }) => name))) refuse("name");
  if (repeats([charter.provider, ...charter.keyholders].map(({ xwing }) => base64(xwing)))) refuse("xwing");
  const keys = [...parties, charter.intake].map(({ key }) => key);
  for (const key of keys) checkPublicKey(key, "key");
  if (repeats([...keys, ...checkLog(charter)].map((key) => base64(key)))) refuse("key");
}

function repeats(values: readonly string[]): boolean {
  return new Set(values).size !== values.length;
}

function readProvider(fields: Fields): CharterDocument["provider"] {
  const provider = {
    name: asName(fields.json("name"), "charter.provider.name"),
    key: fromBase64(fields.string("key"), 32, "charter.provider.key"),
    xwing: fromBase64(fields.string("xwing", 2000), 1216, "charter.provider.xwing"),
  };
  fields.end();
  return provider;
}

export function readKeyholder(value: Json, where: string): Keyholder {
  const fields = new Fields(value, where);
  const keyholder: Keyholder = {
    index: keyholderIndex(fields.integer("index")),
    name: asName(fields.json("name"), `${where}.name`),
    owner: asName(fields.json("owner"), `${where}.owner`),
    payer: asName(fields.json("payer"), `${where}.payer`),
    jurisdiction: asName(fields.json("jurisdiction"), `${where}.jurisdiction`),
    url: asUrl(fields.json("url"), `${where}.url`),
    vkey: fields.string("vkey"),
    key: fromBase64(fields.string("key"), 32, `${where}.key`),
    xwing: fromBase64(fields.string("xwing", 2000), 1216, `${where}.xwing`),
  };
  fields.end();
  return keyholder;
}

function readIssuer(value: Json, where: string): Issuer {
  const fields = new Fields(value, where);
  const issuer = {
    name: asName(fields.json("name"), `${where}.name`),
    title: asName(fields.json("title"), `${where}.title`),
    key: fromBase64(fields.string("key"), 32, `${where}.key`),
  };
  fields.end();
  return issuer;
}

function readInspection(fields: Fields): Inspection {
  const inspection = {
    inspectors: fields.array("inspectors", readIssuer, 100),
    days: fields.integer("days", 0, LONGEST_DAYS),
  };
  fields.end();
  return inspection;
}

function readIntake(fields: Fields): CharterDocument["intake"] {
  const intake = { key: fromBase64(fields.string("key"), 32, "charter.intake.key") };
  fields.end();
  return intake;
}

function readLog(fields: Fields): CharterDocument["log"] {
  const log = {
    origin: asName(fields.json("origin"), "charter.log.origin"),
    vkey: fields.string("vkey"),
    policy: fields.string("policy", 10_000),
  };
  fields.end();
  return log;
}

function readCaps(fields: Fields): CharterDocument["caps"] {
  const caps = {
    accountsPerWarrant: fields.integer("accountsPerWarrant", 1, 1000),
    daysPerWarrant: fields.integer("daysPerWarrant", 1, LONGEST_DAYS),
    warrantsPer30Days: fields.integer("warrantsPer30Days", 1, 1_000_000),
  };
  fields.end();
  return caps;
}

function asHost(value: Json, where: string): string {
  const text = asString(value, where, 253);
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(text)) throw new EncodingError("not-canonical", where);
  return text;
}

function asUrl(value: Json, where: string): string {
  const text = asString(value, where, 300);
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text)) throw new EncodingError("not-canonical", where);
  return text;
}
