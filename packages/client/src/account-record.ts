import {
  type AccountId,
  type ConversationId,
  EncodingError,
  Fields,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  utf8,
} from "@porchlight/encoding";
import type { BackupState } from "./backup.ts";
import { ClientError } from "./error.ts";
import type { Storage } from "./storage.ts";

/** Conversations in which a device of this account is still to be added or removed. */
export type Errand = {
  readonly act: "add" | "remove";
  readonly deviceKey: string;
  readonly conversations: readonly string[];
};

/** What an account has to remember on this device beyond device and conversations. */
export type AccountRecord = {
  readonly errands: readonly Errand[];
  readonly backup: BackupState | null;
  /** A recovery code, 16 bytes, with its backup's key, of which the server may or may not have heard yet. */
  readonly recovery: { readonly secret: Uint8Array; readonly key: Uint8Array } | null;
  /** Streams under keys of before that the server may still have: those of each device before a generation. */
  readonly outdated: readonly { readonly deviceKey: string; readonly before: number }[];
  /** Devices, hex, that were lost with a code's help, while not every conversation is asked to let this one in (ACC-60). */
  readonly healing: readonly string[] | null;
  /** Time of the newest request that was seen, by "conversation account" (ACC-61). */
  readonly requests: Readonly<Record<string, number>>;
};

/** What `account.attend()` did, and what it has to try again. */
export type Attendance = {
  /** Devices that this one added or removed, with where. */
  readonly done: readonly { readonly conversation: ConversationId; readonly account: AccountId }[];
  /** Where the server tried to have another device added in place of this account's (MLS-15): told, not tried again. */
  readonly refused: readonly { readonly conversation: ConversationId; readonly account: AccountId }[];
  /** Errands that could not be done yet: others were offline, or committed first. */
  readonly left: number;
};

const NAME = "account";
const IDENTITY = "identity";
const MAX = 100_000;

export async function loadIdentity(storage: Storage): Promise<Uint8Array | null> {
  return await storage.load(IDENTITY);
}

export async function saveIdentity(storage: Storage, seed: Uint8Array): Promise<void> {
  await storage.save(IDENTITY, seed);
}

export async function saveAccount(storage: Storage, record: AccountRecord): Promise<void> {
  const { errands, requests, backup, recovery, outdated, healing } = record;
  const json = {
    version: 1,
    errands,
    requests,
    backup:
      backup === null
        ? null
        : {
            key: hex(backup.key),
            generation: backup.generation,
            number: backup.place.number,
            digest: hex(backup.place.digest),
          },
    recovery: recovery === null ? null : { secret: hex(recovery.secret), key: hex(recovery.key) },
    outdated,
    healing,
  };
  await storage.save(NAME, utf8(JSON.stringify(json)));
}

const NOTHING: AccountRecord = {
  errands: [],
  backup: null,
  recovery: null,
  outdated: [],
  healing: null,
  requests: {},
};

/** Throws ClientError "state-corrupt". */
export async function loadAccount(storage: Storage): Promise<AccountRecord> {
  const bytes = await storage.load(NAME);
  if (bytes === null) return NOTHING;
  try {
    // JSON.parse: this program wrote it, and the storage authenticates it.
    const fields = new Fields(JSON.parse(fromUtf8(bytes)) as Json, "account");
    fields.literal("version", 1);
    const errands = fields.array("errands", readErrand, MAX);
    const requests = fields.json("requests") as Record<string, number>;
    const backup = fields.json("backup");
    // A version of before did not keep these three.
    const recovery = fields.optional("recovery") ?? null;
    const outdated =
      fields.optional("outdated") === undefined ? [] : fields.array("outdated", readOutdated, MAX);
    const healing =
      (fields.optional("healing") ?? null) === null
        ? null
        : fields.array("healing", (key) => String(key), MAX);
    fields.end();
    return {
      errands,
      requests,
      backup: backup === null ? null : readBackup(backup),
      recovery: recovery === null ? null : readRecovery(recovery),
      outdated,
      healing,
    };
  } catch (cause) {
    if (!(cause instanceof EncodingError || cause instanceof SyntaxError)) throw cause;
    throw new ClientError("state-corrupt", "the saved account is not what was saved", { cause });
  }
}

function readErrand(value: Json, where: string): Errand {
  const fields = new Fields(value, where);
  const errand = {
    act: fields.literal("act", "add", "remove"),
    deviceKey: fields.string("deviceKey", 64),
    conversations: fields.array("conversations", (text) => String(text), MAX),
  };
  fields.end();
  return errand;
}

function readRecovery(value: Json): NonNullable<AccountRecord["recovery"]> {
  const fields = new Fields(value, "account.recovery");
  const recovery = {
    secret: fromHex(fields.string("secret", 32), 16),
    key: fromHex(fields.string("key", 64), 32),
  };
  fields.end();
  return recovery;
}

function readOutdated(value: Json, where: string): AccountRecord["outdated"][number] {
  const fields = new Fields(value, where);
  const streams = { deviceKey: fields.string("deviceKey", 64), before: fields.integer("before") };
  fields.end();
  return streams;
}

function readBackup(value: Json): BackupState {
  const fields = new Fields(value, "account.backup");
  const state = {
    key: fromHex(fields.string("key", 64), 32),
    generation: fields.integer("generation"),
    place: { number: fields.integer("number"), digest: fromHex(fields.string("digest", 64), 32) },
  };
  fields.end();
  return state;
}
