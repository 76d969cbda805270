import type { Sealing } from "@porchlight/durable";
import {
  base64url,
  Fields,
  fromBase64url,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { PasskeyAnswer } from "@porchlight/runtime";
import { challengeOfAct, MAX_STATEMENT } from "./acts.ts";
import { DeskError } from "./error.ts";
import { checkAssertion, type Place, readAssertion } from "./passkeys.ts";
import { SealedJournal } from "./sealed-journal.ts";

/** What the journal keeps (DESK-7), in the order in which it happened. */
export type JournalRecord =
  | {
      readonly kind: "person-added" | "person-removed" | "signed-in";
      readonly at: UnixSeconds;
      readonly id: string;
      readonly name: string;
    }
  | {
      readonly kind: "act";
      readonly at: UnixSeconds;
      readonly act: string;
      readonly name: string;
      readonly statement: string;
      readonly nonce: Uint8Array;
      readonly place: Place;
      readonly publicKey: Uint8Array;
      readonly assertion: PasskeyAnswer;
    }
  | {
      readonly kind: "done" | "failed";
      readonly at: UnixSeconds;
      /** The act's nonce, base64url. */
      readonly of: string;
      /** Why it failed; "" where it did not. */
      readonly code: string;
    };

/** One act with what came of it; `null` while that is not known. */
export type JournalledAct = {
  readonly record: Extract<JournalRecord, { kind: "act" }>;
  readonly outcome: Extract<JournalRecord, { kind: "done" | "failed" }> | null;
};

/** Who did what when, with the passkey's own signature over it. Nothing is done before its record is on the disk. */
export class DeskJournal {
  readonly #journal: SealedJournal;
  readonly #records: JournalRecord[];

  private constructor(journal: SealedJournal, records: JournalRecord[]) {
    this.#journal = journal;
    this.#records = records;
  }

  /** Throws DurableError. The caller holds the directory's lock. */
  static async open(directory: string, sealing: Sealing): Promise<DeskJournal> {
    const { journal, records } = await SealedJournal.open(directory, sealing);
    return new DeskJournal(journal, records.map(readRecord));
  }

  /** What could not be read again is not written: EncodingError. */
  async add(record: JournalRecord): Promise<void> {
    const bytes = formatRecord(record);
    readRecord(bytes);
    await this.#journal.append(bytes);
    this.#records.push(record);
  }

  /** The newest acts first. */
  acts(most: number): readonly JournalledAct[] {
    const outcomes = new Map<string, JournalledAct["outcome"]>();
    const acts: JournalledAct[] = [];
    for (const record of this.#records.toReversed()) {
      if (record.kind === "done" || record.kind === "failed") outcomes.set(record.of, record);
      if (record.kind === "act")
        acts.push({ record, outcome: outcomes.get(base64url(record.nonce)) ?? null });
      if (acts.length === most) break;
    }
    return acts;
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}

/** Whether the passkey named in the record confirmed exactly its statement. */
export async function actHolds(record: JournalledAct["record"]): Promise<boolean> {
  const { nonce, statement, place, publicKey, assertion } = record;
  const challenge = challengeOfAct(nonce, statement);
  return await checkAssertion(assertion, { publicKey, counter: 0 }, { challenge, place }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof DeskError) return false;
      throw error;
    },
  );
}

function formatRecord(record: JournalRecord): Uint8Array {
  if (record.kind !== "act") return utf8(JSON.stringify(record));
  const { nonce, publicKey, ...rest } = record;
  return utf8(JSON.stringify({ ...rest, nonce: base64url(nonce), publicKey: base64url(publicKey) }));
}

function readRecord(bytes: Uint8Array): JournalRecord {
  const fields = new Fields(parseJson(bytes, "journal"), "journal");
  const kind = fields.literal("kind", "person-added", "person-removed", "signed-in", "act", "done", "failed");
  const at = unixSeconds(fields.integer("at"));
  switch (kind) {
    case "act": {
      const place = fields.object("place");
      return {
        kind,
        at,
        act: fields.string("act"),
        name: fields.string("name"),
        statement: fields.string("statement", MAX_STATEMENT),
        nonce: fromBase64url(fields.string("nonce"), 32),
        place: { origin: place.string("origin", 300), host: place.string("host", 300) },
        publicKey: fromBase64url(fields.string("publicKey", 4000)),
        assertion: readAssertion(fields.json("assertion") as Json),
      };
    }
    case "done":
    case "failed":
      return { kind, at, of: fields.string("of"), code: fields.string("code") };
    default:
      return { kind, at, id: fields.string("id", 2000), name: fields.string("name") };
  }
}
