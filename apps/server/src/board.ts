import { createHash } from "node:crypto";
import {
  CharterError,
  formatSignedDocument,
  parseSignedDocument,
  type SignedDocument,
  verifyDocument,
} from "@porchlight/charter";
import { EncodingError, keyholderIndex, utf8 } from "@porchlight/encoding";
import { type BoardMessage, type BoardPost, LIMITS } from "@porchlight/wire";
import type { Database } from "./database.ts";
import type { Log } from "./log.ts";
import { Refusal, reasonOf } from "./refusal.ts";
import type { Waiters } from "./waiters.ts";

/**
 * The bulletin board of key ceremonies (DEL-60): keeps what keyholders of a logged charter signed, in the order of its
 * arrival, for ever. Nobody trusts it: readers verify every message, and what all saw is hashed into the log. A second,
 * different message of the same round is kept as well: it is the evidence of equivocation.
 */
export class Board {
  readonly #database: Database;
  readonly #log: Log;
  readonly #waiters: Waiters;
  /** One post at a time: positions have no gaps. Ceremonies are rare. */
  #lane: Promise<unknown> = Promise.resolve();

  constructor(database: Database, log: Log, waiters: Waiters) {
    this.#database = database;
    this.#log = log;
    this.#waiters = waiters;
  }

  /** The message's position in its session. Idempotent; durable when it resolves. Throws Refusal. */
  async post(session: string, post: BoardPost): Promise<number> {
    await this.#checkSigner(post);
    const document = formatSignedDocument(post.document);
    const digest = createHash("sha256").update(`${post.round} ${post.from} `).update(document).digest();
    const result = this.#lane.then(() => this.#insert(session, post, document, digest));
    this.#lane = result.catch(() => {});
    return await result;
  }

  async #insert(session: string, post: BoardPost, document: Uint8Array, digest: Buffer): Promise<number> {
    const id = Buffer.from(session, "hex");
    const position = await this.#database.transaction(async (transaction) => {
      const known = await transaction.query<{ position: number }>({
        text: "select position from board where session = $1 and digest = $2",
        values: [id, digest],
      });
      if (known[0] !== undefined) return known[0].position;
      const counts = await transaction.query<{ own: number; all: number }>({
        text: `select count(*) filter (where sender = $2)::int as own, count(*)::int as all from board where session = $1`,
        values: [id, post.from],
      });
      const { own = 0, all = 0 } = counts[0] ?? {};
      if (own >= LIMITS.boardMessagesPerKeyholder) {
        throw new Refusal("board-full", "this keyholder has posted as many messages as a session can hold");
      }
      await transaction.query({
        text: "insert into board values ($1, $2, $3, $4, $5, $6)",
        values: [id, all + 1, post.round, post.from, digest, Buffer.from(document).toString("utf8")],
      });
      return all + 1;
    });
    this.#waiters.notify(`board ${session}`);
    return position;
  }

  /** The keyholder that it claims to be from signed it, alone, under some charter of the log. */
  async #checkSigner({ from, document }: BoardPost): Promise<void> {
    let last: unknown;
    for (const charter of this.#log.catalogue.verifiedCharters) {
      const keyholder = charter.keyholders[from - 1];
      if (keyholder === undefined) continue;
      try {
        await verifyDocument("dkg", document, new Map([[keyholder.name, keyholder.key]]));
        return;
      } catch (error) {
        if (!(error instanceof CharterError || error instanceof EncodingError)) throw error;
        last = error;
      }
    }
    throw new Refusal(
      "document-refused",
      "the message is not signed by that keyholder of a charter in the log: log the charter first",
      last === undefined ? {} : reasonOf(last),
    );
  }

  /** Messages after a position, oldest first; waits for the first. */
  async read(session: string, after: number, wait: number, signal: AbortSignal): Promise<BoardMessage[]> {
    const found = await this.#waiters.until(`board ${session}`, wait, signal, async () => {
      const rows = await this.#database.query({
        text: `select position, round, sender, document from board where session = $1 and position > $2
          order by position limit $3`,
        values: [Buffer.from(session, "hex"), after, LIMITS.boardPage],
      });
      return rows.length > 0 ? rows : null;
    });
    return (found ?? []).map((row) => ({
      position: row["position"] as number,
      round: row["round"] as 1 | 2 | 3,
      from: keyholderIndex(row["sender"] as number),
      document: copyOf(parseSignedDocument(utf8(row["document"] as string))),
    }));
  }
}

function copyOf({ payload, signatures }: SignedDocument): BoardMessage["document"] {
  return { payload, signatures: signatures.map((made) => ({ ...made })) };
}
