import { sha256 } from "@noble/hashes/sha2.js";
import { base64, concat, fromBase64, fromHex, idBytes, utf8, Writer } from "@porchlight/encoding";
import { nobleSuite, type TlogSuite } from "@porchlight/tlog";
import type { Charter } from "./charter.ts";
import {
  type AppReleaseEntry,
  type BatchEntry,
  type CeremonyEntry,
  type DirectionEntry,
  type DisclosedEntry,
  type ErasureEntry,
  formatPublicPart,
  type NoticeEntry,
  type NoticeShareEntry,
  type OrderEntry,
  type PreservationEntry,
  type PreservationLiftEntry,
  type ProviderAnswerEntry,
  type RegistrationEntry,
  type RevocationEntry,
  type StatisticsEntry,
} from "./log-entry.ts";

/** Entries that the intake key signs. */
export type IntakeEntry =
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
  | NoticeEntry;

/** Entries that are signed in themselves: by the intake key, or by one keyholder. */
export type SignedEntry = IntakeEntry | BatchEntry | CeremonyEntry | ErasureEntry | NoticeShareEntry;

type Unsigned<Entry> = Entry extends { intake: string } ? Omit<Entry, "intake"> : Omit<Entry, "signature">;

const INTAKE_CODE = {
  warrant: 1,
  "hold-order": 2,
  revocation: 3,
  suspension: 4,
  resumption: 5,
  extension: 6,
  "notice-release": 7,
  disclosed: 8,
  statistics: 9,
  notice: 10,
  preservation: 11,
  "preservation-lift": 12,
  registration: 13,
  "provider-answer": 14,
  "app-release": 15,
} as const;
/** How a cell of statistics that is not told is signed. */
const NOT_TOLD = 2 ** 32 - 1;
const DATA_CODE = { subscriber: 1, traffic: 2 } as const;
const SHARE_CODE = { access: 1, notice: 2 } as const;

/** The bytes under an entry's signature (ENT-8): a domain of their own and every member but the signature. */
export function entrySignatureInput(entry: Unsigned<SignedEntry>): Uint8Array {
  const charter = idBytes(entry.charter);
  const intake = (type: keyof typeof INTAKE_CODE): Writer =>
    new Writer()
      .fixed(utf8("porchlight-v1/intake\0"), 21)
      .uint(INTAKE_CODE[type], 1)
      .fixed(charter, 32)
      .uint((entry as { day: number }).day, 4);
  switch (entry.type) {
    case "warrant":
    case "hold-order":
      return intake(entry.type)
        .fixed(idBytes(entry.commitment), 32)
        .fixed(fromHex(entry.public), 32)
        .fixed(fromHex(entry.notices), 32)
        .fixed(utf8(entry.secretUntil), 7)
        .finish();
    case "revocation":
    case "preservation-lift":
    case "registration":
      return intake(entry.type).fixed(idBytes(entry.commitment), 32).finish();
    case "suspension":
    case "resumption":
    case "notice-release":
      return intake(entry.type)
        .fixed(idBytes(entry.commitment), 32)
        .fixed(fromHex(entry.direction), 32)
        .finish();
    case "extension":
      return intake(entry.type)
        .fixed(idBytes(entry.commitment), 32)
        .fixed(fromHex(entry.direction), 32)
        .fixed(utf8(entry.secretUntil), 7)
        .finish();
    case "preservation":
      return intake(entry.type).fixed(idBytes(entry.commitment), 32).fixed(utf8(entry.until), 7).finish();
    case "provider-answer":
      return intake(entry.type).fixed(idBytes(entry.commitment), 32).uint(DATA_CODE[entry.data], 1).finish();
    case "disclosed":
      return intake(entry.type)
        .fixed(idBytes(entry.commitment), 32)
        .fixed(fromHex(entry.key), 32)
        .opaque(formatPublicPart(entry.part), 4)
        .finish();
    case "statistics": {
      const input = intake(entry.type).fixed(utf8(entry.month), 7).uint(entry.cells.length, 4);
      for (const cell of entry.cells) input.uint(cell ?? NOT_TOLD, 4);
      return input.finish();
    }
    case "app-release":
      return intake(entry.type).fixed(fromHex(entry.manifest), 32).opaque(utf8(entry.version), 1).finish();
    case "notice":
      return concat(
        utf8("porchlight-v1/intake\0"),
        new Writer()
          .uint(INTAKE_CODE.notice, 1)
          .fixed(charter, 32)
          .fixed(idBytes(entry.commitment), 32)
          .uint(entry.part, 2)
          .uint(entry.parts, 2)
          .opaque(entry.block, 4)
          .finish(),
      );
    case "notice-share":
      return concat(
        utf8("porchlight-v1/notice-share\0"),
        new Writer()
          .fixed(charter, 32)
          .uint(entry.keyholder, 1)
          .fixed(idBytes(entry.commitment), 32)
          .uint(entry.until, 4)
          .fixed(utf8(entry.period), 7)
          .uint(entry.generation, 4)
          .fixed(fromHex(entry.share), 48)
          .finish(),
      );
    case "keyholder-batch": {
      const { keyholder, day, slots } = entry;
      const head = new Writer().fixed(charter, 32).uint(keyholder, 1).uint(day, 4).finish();
      return concat(utf8("porchlight-v1/batch\0"), head, ...slots.map((slot) => fromHex(slot, 32)));
    }
    case "ceremony":
      return concat(
        utf8("porchlight-v1/ceremony\0"),
        new Writer()
          .fixed(charter, 32)
          .fixed(utf8(entry.period), 7)
          .uint(entry.generation, 4)
          .uint(entry.from, 4)
          .uint(entry.round, 1)
          .uint(entry.keyholder, 1)
          .fixed(sha256(fromBase64(entry.body)), 32)
          .finish(),
      );
    case "erasure":
      return concat(
        utf8("porchlight-v1/erasure\0"),
        new Writer()
          .fixed(charter, 32)
          .fixed(utf8(entry.period), 7)
          .uint(entry.generation, 4)
          .uint(SHARE_CODE[entry.kind], 1)
          .uint(entry.keyholder, 1)
          .uint(entry.day, 4)
          .finish(),
      );
  }
}

/** Signs with the intake key's 32-byte seed. */
export function signIntake(entry: Unsigned<OrderEntry>, seed: Uint8Array): OrderEntry;
export function signIntake(entry: Unsigned<RevocationEntry>, seed: Uint8Array): RevocationEntry;
export function signIntake(entry: Unsigned<DirectionEntry>, seed: Uint8Array): DirectionEntry;
export function signIntake(entry: Unsigned<PreservationEntry>, seed: Uint8Array): PreservationEntry;
export function signIntake(entry: Unsigned<PreservationLiftEntry>, seed: Uint8Array): PreservationLiftEntry;
export function signIntake(entry: Unsigned<RegistrationEntry>, seed: Uint8Array): RegistrationEntry;
export function signIntake(entry: Unsigned<ProviderAnswerEntry>, seed: Uint8Array): ProviderAnswerEntry;
export function signIntake(entry: Unsigned<DisclosedEntry>, seed: Uint8Array): DisclosedEntry;
export function signIntake(entry: Unsigned<StatisticsEntry>, seed: Uint8Array): StatisticsEntry;
export function signIntake(entry: Unsigned<AppReleaseEntry>, seed: Uint8Array): AppReleaseEntry;
export function signIntake(entry: Unsigned<NoticeEntry>, seed: Uint8Array): NoticeEntry;
export function signIntake(entry: Unsigned<IntakeEntry>, seed: Uint8Array): IntakeEntry {
  const intake = base64(nobleSuite.signEd25519(seed, entrySignatureInput(entry)));
  return { ...entry, intake } as IntakeEntry;
}

/** Signs a batch with the keyholder's document seed (32 B). */
export function signBatch(entry: Unsigned<BatchEntry>, seed: Uint8Array): BatchEntry {
  return { ...entry, signature: base64(nobleSuite.signEd25519(seed, entrySignatureInput(entry))) };
}

/** Signs a share of a notice key with the keyholder's document seed (32 B). */
export function signNoticeShare(entry: Unsigned<NoticeShareEntry>, seed: Uint8Array): NoticeShareEntry {
  return { ...entry, signature: base64(nobleSuite.signEd25519(seed, entrySignatureInput(entry))) };
}

/** Signs a ceremony entry with the keyholder's document seed (32 B). */
export function signCeremony(entry: Unsigned<CeremonyEntry>, seed: Uint8Array): CeremonyEntry {
  return { ...entry, signature: base64(nobleSuite.signEd25519(seed, entrySignatureInput(entry))) };
}

/** Signs an erasure with the keyholder's document seed (32 B). */
export function signErasure(entry: Unsigned<ErasureEntry>, seed: Uint8Array): ErasureEntry {
  return { ...entry, signature: base64(nobleSuite.signEd25519(seed, entrySignatureInput(entry))) };
}

/** A log is read once and asked about often, about the same entries: entries and charters do not change. */
const verdicts = new WeakMap<Charter, WeakMap<SignedEntry, boolean>>();

/**
 * ENT-8: whether the party that has to sign this entry under `charter` did: the intake key, or the keyholder that
 * the entry names. False as well for an entry of another charter, of the other kind of charter's orders, or of a
 * keyholder that the charter does not have.
 */
export function verifyEntrySignature(
  entry: SignedEntry,
  charter: Charter,
  suite: TlogSuite = nobleSuite,
): boolean {
  const known = verdicts.get(charter) ?? new WeakMap<SignedEntry, boolean>();
  verdicts.set(charter, known);
  const verdict = known.get(entry) ?? hasSignature(entry, charter, suite);
  known.set(entry, verdict);
  return verdict;
}

function hasSignature(entry: SignedEntry, charter: Charter, suite: TlogSuite): boolean {
  if (entry.charter !== charter.id) return false;
  if (entry.type === "warrant" && charter.kind !== "court") return false;
  if (entry.type === "hold-order" && charter.kind !== "house") return false;
  const key = "intake" in entry ? charter.intake.key : charter.keyholders[entry.keyholder - 1]?.key;
  if (key === undefined) return false;
  const signature = fromBase64("intake" in entry ? entry.intake : entry.signature, 64);
  return suite.verifyEd25519(key, entrySignatureInput(entry), signature);
}
