import { createHash } from "node:crypto";
import {
  type AccountId,
  accountIdOf,
  type CharterId,
  type ConversationId,
  charterIdOf,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  dayOf,
  equalBytes,
  idBytes,
} from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import { type AttachmentState, LIMITS } from "@porchlight/wire";
import type { AttachmentFiles, HeldFile } from "./attachment-files.ts";
import type { AttachmentConfig } from "./config.ts";
import { type Database, fromRow, type Queries, type Row } from "./database.ts";
import { unknownConversation } from "./delivery.ts";
import { Refusal } from "./refusal.ts";

const PART = LIMITS.attachmentPart;

/**
 * What members encrypted for each other and is too large for a message (ATT-20 to ATT-24). The server knows sizes, who
 * uploaded, and in which conversation; names, types and keys are inside messages.
 */
export class Attachments {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #files: AttachmentFiles;
  readonly #config: AttachmentConfig;

  constructor(database: Database, clock: Clock, files: AttachmentFiles, config: AttachmentConfig) {
    this.#database = database;
    this.#clock = clock;
    this.#files = files;
    this.#config = config;
  }

  /** Idempotent. Throws Refusal "forbidden", "too-large", "quota", "exists". */
  async create(
    conversation: ConversationId,
    account: AccountId,
    { id, size }: { readonly id: string; readonly size: number },
  ): Promise<AttachmentState> {
    if (size > this.#config.limit) {
      throw new Refusal(
        "too-large",
        `a file may have ${this.#config.limit} bytes here, encrypted: send less`,
      );
    }
    const [ours, group] = [Buffer.from(idBytes(account)), Buffer.from(idBytes(conversation))];
    const name = Buffer.from(id, "hex");
    await this.#database.transaction(async (transaction) => {
      await demandMember(transaction, group, ours);
      // The account's row is the lock under which its files are counted.
      await transaction.query({
        text: "select 1 from accounts where account = $1 for update",
        values: [ours],
      });
      const [known] = await transaction.query({
        text: "select conversation, account, size from attachments where id = $1",
        values: [name],
      });
      if (known !== undefined) {
        const same =
          group.equals(fromRow(known["conversation"])) &&
          ours.equals(fromRow(known["account"])) &&
          known["size"] === size;
        if (same) return;
        throw new Refusal("exists", "this id is taken: draw a new one");
      }
      const [used] = await transaction.query<{ bytes: string }>({
        text: "select coalesce(sum(size), 0)::text as bytes from attachments where account = $1",
        values: [ours],
      });
      if (Number(used?.bytes) + size > this.#config.quota) {
        throw new Refusal("quota", "this account keeps as much here as it may: older files have to go first");
      }
      await transaction.query({
        text: "insert into attachments (id, conversation, account, size, created) values ($1, $2, $3, $4, $5)",
        values: [name, group, ours, size, this.#clock.now()],
      });
    });
    return await this.state(id, account);
  }

  /** For whoever may read it, and for its sender. Throws Refusal "forbidden". */
  async state(id: string, account: AccountId): Promise<AttachmentState> {
    const { size, digest } = await this.#readable(id, account);
    if (digest !== null) return { size, complete: true, received: [] };
    const rows = await this.#database.query<{ part: number }>({
      text: "select part from attachment_parts where id = $1 order by part",
      values: [Buffer.from(id, "hex")],
    });
    return { size, complete: false, received: rows.map(({ part }) => part) };
  }

  /** Resolves when the part is durable. Throws Refusal "forbidden", "malformed", "attachment-mismatch". */
  async put(id: string, account: AccountId, part: number, bytes: Uint8Array): Promise<void> {
    const found = await this.#own(id, account);
    if (bytes.length !== lengthOf(found.size, part)) {
      throw new Refusal("malformed", "a part has 1 MiB, the last one what is left");
    }
    const digest = createHash("sha256").update(bytes).digest();
    const values = [Buffer.from(id, "hex"), part];
    const [known] = await this.#database.query({
      text: "select digest from attachment_parts where id = $1 and part = $2",
      values,
    });
    if (known === undefined && found.digest === null) {
      await this.#files.write(id, part * PART, bytes);
      // Only what is on the disk has a row; a crash in between costs one part.
      await this.#database.query({
        text: "insert into attachment_parts values ($1, $2, $3) on conflict do nothing",
        values: [...values, digest],
      });
      return;
    }
    const same =
      known === undefined
        ? equalBytes((await this.#files.read(id, part * PART, bytes.length)) ?? new Uint8Array(0), bytes)
        : digest.equals(fromRow(known["digest"]));
    if (!same) throw new Refusal("attachment-mismatch", "this part is here with other contents: begin again");
  }

  /**
   * Reads everything once more and compares it; `digest` is that of ATT-1. From then on the conversation's members may read it. Idempotent. Throws
   * Refusal "forbidden", "attachment-incomplete", "attachment-mismatch".
   */
  async complete(id: string, account: AccountId, digest: Uint8Array): Promise<AttachmentState> {
    const found = await this.#own(id, account);
    if (found.digest === null) await this.#verify(id, found.size, digest);
    else if (!equalBytes(found.digest, digest)) throw mismatch();
    const isDone = await this.#database.transaction(async (transaction) => {
      await demandMember(transaction, found.conversation, Buffer.from(idBytes(account)));
      const done = await transaction.query({
        text: `update attachments a set digest = $2, day = $3, seq = c.head, charter = c.charter
          from conversations c where a.id = $1 and a.digest is null and c.conversation = a.conversation returning 1`,
        values: [Buffer.from(id, "hex"), Buffer.from(digest), dayOf(this.#clock.now())],
      });
      await transaction.query({
        text: "delete from attachment_parts where id = $1",
        values: [Buffer.from(id, "hex")],
      });
      return done.length > 0;
    });
    if (found.digest === null && !isDone) {
      // Completed by another request of the same device, or given up by the retention while it was being verified.
      const now = await this.#own(id, account);
      if (now.digest === null || !equalBytes(now.digest, digest)) throw mismatch();
    }
    return { size: found.size, complete: true, received: [] };
  }

  async #verify(id: string, size: number, expected: Uint8Array): Promise<void> {
    const rows = await this.#database.query<{ part: number; digest: unknown }>({
      text: "select part, digest from attachment_parts where id = $1",
      values: [Buffer.from(id, "hex")],
    });
    const digests = new Map(rows.map(({ part, digest }) => [part, Buffer.from(fromRow(digest))]));
    const whole = createHash("sha256");
    const damaged: number[] = [];
    for (let part = 0; part * PART < size; part++) {
      const known = digests.get(part);
      if (known === undefined) throw incomplete();
      const bytes = (await this.#files.read(id, part * PART, lengthOf(size, part))) ?? new Uint8Array(0);
      if (!known.equals(createHash("sha256").update(bytes).digest())) damaged.push(part);
      whole.update(known);
    }
    if (damaged.length > 0) {
      // The disk lost or changed what it had: those parts count as never received.
      await this.#database.query({
        text: "delete from attachment_parts where id = $1 and part = any($2::int[])",
        values: [Buffer.from(id, "hex"), damaged],
      });
      throw incomplete();
    }
    if (!equalBytes(new Uint8Array(whole.digest()), expected)) throw mismatch();
  }

  /** One part of a complete attachment, or `null` beyond its end. Throws Refusal "forbidden", "attachment-incomplete". */
  async part(id: string, account: AccountId, part: number): Promise<Uint8Array> {
    const found = await this.#readable(id, account);
    if (found.digest === null) throw incomplete();
    return await this.readPart(id, found.size, part);
  }

  /**
   * Where a complete attachment belongs: who uploaded it, into which conversation, on which day. For who answers an order: what
   * only an order to preserve keeps is among them, and a file of the same id may have come since.
   */
  async placesOf(id: string): Promise<AttachmentPlace[]> {
    const rows = await this.#database.query<Row>({
      text: `select conversation, account, day, charter, size, created, held from kept_attachments
        where id = $1 and digest is not null order by day`,
      values: [Buffer.from(id, "hex")],
    });
    return rows.map((row) => ({
      conversation: conversationIdOf(fromRow(row["conversation"])),
      account: accountIdOf(fromRow(row["account"])),
      day: dayNumber(row["day"] as number),
      charter: row["charter"] === null ? null : charterIdOf(fromRow(row["charter"])),
      size: row["size"] as number,
      held: row["held"] === true ? { id, created: row["created"] as number } : null,
    }));
  }

  /** Access was checked. Throws Refusal "not-found". */
  async readPart(file: string | HeldFile, size: number, part: number): Promise<Uint8Array> {
    const length = lengthOf(size, part);
    const bytes = length === 0 ? null : await this.#files.read(file, part * PART, length);
    if (bytes === null || bytes.length !== length) {
      throw new Refusal("not-found", "this part of the file is not here any more");
    }
    return bytes;
  }

  /** Deletes an own attachment that is not complete. Idempotent. Throws Refusal "forbidden", "exists". */
  async cancel(id: string, account: AccountId): Promise<void> {
    const [row] = await this.#database.query({
      text: "select account, digest from attachments where id = $1",
      values: [Buffer.from(id, "hex")],
    });
    if (row === undefined) return;
    if (!Buffer.from(idBytes(account)).equals(fromRow(row["account"]))) throw unknownConversation();
    if (row["digest"] !== null) throw new Refusal("exists", "it is complete, and others may be reading it");
    // The file last: one without a row is found and removed later (RET-6), a row without a file would be a broken promise.
    await this.#database.transaction(async (transaction) => {
      const values = [Buffer.from(id, "hex")];
      await transaction.query({ text: "delete from attachment_parts where id = $1", values });
      await transaction.query({ text: "delete from attachments where id = $1 and digest is null", values });
    });
    await this.#files.remove(id);
  }

  async #own(id: string, account: AccountId): Promise<Found> {
    const found = await this.#find(id, account);
    if (found === null || !found.isOwn) throw unknownConversation();
    return found;
  }

  async #readable(id: string, account: AccountId): Promise<Found> {
    const found = await this.#find(id, account);
    if (found === null || !(found.isReader || found.isOwn)) throw unknownConversation();
    return found;
  }

  /** ATT-23: readers are who was a member when it became complete, and who came later and learns of it in a message. */
  async #find(id: string, account: AccountId): Promise<Found | null> {
    const [row] = await this.#database.query<Row>({
      name: "attachment",
      text: `select a.conversation, a.size, a.digest, a.account = $2 as own, exists (
          select from memberships m where m.conversation = a.conversation and m.account = $2
            and a.seq is not null and (m.until_seq is null or m.until_seq > a.seq)) as reader
        from attachments a where a.id = $1`,
      values: [Buffer.from(id, "hex"), Buffer.from(idBytes(account))],
    });
    if (row === undefined) return null;
    return {
      conversation: Buffer.from(fromRow(row["conversation"])),
      size: row["size"] as number,
      digest: row["digest"] === null ? null : fromRow(row["digest"]),
      isOwn: row["own"] as boolean,
      isReader: row["reader"] as boolean,
    };
  }
}

type AttachmentPlace = {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly day: DayNumber;
  /** `null` where the conversation has none. */
  readonly charter: CharterId | null;
  /** Of the ciphertext. */
  readonly size: number;
  /** Where only an order to preserve keeps it. */
  readonly held: HeldFile | null;
};

type Found = {
  readonly conversation: Buffer;
  readonly size: number;
  /** `null` until it is complete. */
  readonly digest: Uint8Array | null;
  readonly isOwn: boolean;
  readonly isReader: boolean;
};

/** Bytes of this part of a ciphertext of `size` bytes; 0 where there is no such part. */
function lengthOf(size: number, part: number): number {
  return Math.max(0, Math.min(PART, size - part * PART));
}

async function demandMember(queries: Queries, conversation: Buffer, account: Buffer): Promise<void> {
  const rows = await queries.query({
    text: "select 1 from memberships where conversation = $1 and account = $2 and until_seq is null",
    values: [conversation, account],
  });
  if (rows.length === 0) throw unknownConversation();
}

function incomplete(): Refusal {
  return new Refusal("attachment-incomplete", "parts of the file are missing: ask which, and send them");
}

function mismatch(): Refusal {
  return new Refusal("attachment-mismatch", "what was sent is not what was announced: begin again");
}
