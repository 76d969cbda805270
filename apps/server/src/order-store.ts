import { createHash, randomBytes } from "node:crypto";
import { parseSignedDocument, readSignedDocument, unverifiedPayload } from "@porchlight/charter";
import {
  asString,
  base64,
  type Commitment,
  Fields,
  fromBase64,
  fromHex,
  hex,
  idBytes,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  DIRECTION_KINDS,
  directionHash,
  type OrderInput,
  orderIdOf,
  parseWarrant,
  type VerifiedDirection,
  type VerifiedOrder,
  verifyDirection,
  verifyOrder,
} from "@porchlight/gate";
import { openFrom, sealTo, XWING_SEED_LENGTH } from "@porchlight/quorum";
import { type LogIndex, logIndex } from "@porchlight/tlog";
import { type Database, fromRow, type Row } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { LoggedKeys } from "./logged-keys.ts";
import { Refusal } from "./refusal.ts";

const AT_REST_INFO = utf8("porchlight-v1/order-at-rest");
const DIRECTION_INFO = utf8("porchlight-v1/direction-at-rest");
const MAX_DOCUMENT = 2 ** 20;

/** An order as this server keeps it. */
export type StoredOrder = {
  readonly orderId: string;
  readonly warrant: VerifiedOrder;
  /** 32 B. */
  readonly opening: Uint8Array;
  readonly index: LogIndex;
  readonly commitment: Commitment;
};

/** Orders and what their issuers said later: sealed in the database, under the hash of a name that is a capability. */
export class OrderStore {
  readonly #database: Database;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #keys: LoggedKeys;
  /** Verified orders by hash of their id: verification costs pairings. */
  readonly #verified = new Map<string, StoredOrder>();

  constructor(database: Database, log: Log, identity: Identity, keys: LoggedKeys) {
    this.#keys = keys;
    this.#database = database;
    this.#log = log;
    this.#identity = identity;
  }

  /** Keeps an order that is in the log. Throws Refusal where its opening belongs to another. */
  async keep({ orderId, warrant, opening, index, commitment }: StoredOrder): Promise<void> {
    const idHash = hashOf(orderId);
    const others = warrant.core.length === warrant.bytes.length ? null : othersOf(warrant);
    const plaintext = utf8(
      JSON.stringify({ version: 2, warrant: base64(warrant.bytes), others, opening: hex(opening) }),
    );
    const sealed = this.#seal(plaintext, AT_REST_INFO, idHash);
    const charter = Buffer.from(idBytes(warrant.charter.id));
    const rows = await this.#database.query({
      text: `insert into orders (id_hash, commitment, index, charter, sealed) values ($1, $2, $3, $4, $5)
        on conflict (id_hash) do update set index = orders.index returning commitment`,
      values: [idHash, Buffer.from(idBytes(commitment)), index, charter, sealed],
    });
    // One opening for two orders would give both the same name.
    if (hex(fromRow(rows[0]?.["commitment"])) !== commitment) {
      throw new Refusal("warrant-refused", "this opening belongs to another order: draw a new one", {
        reason: "opening-reused",
      });
    }
  }

  /** Throws Refusal "order-unknown". */
  async find(orderId: string): Promise<StoredOrder> {
    const idHash = hashOf(orderId);
    const known = this.#verified.get(idHash.toString("hex"));
    if (known !== undefined) return known;
    const [row] = await this.#database.query({
      text: "select id_hash, commitment, index, charter, sealed from orders where id_hash = $1",
      values: [idHash],
    });
    if (row === undefined) throw new Refusal("order-unknown", "no order with this id was handed in here");
    return await this.#open(row);
  }

  /** The order that the log shows with this commitment; null where there is none. */
  async findLogged(commitment: Commitment): Promise<StoredOrder | null> {
    const [row] = await this.#database.query({
      text: "select id_hash, commitment, index, charter, sealed from orders where commitment = $1",
      values: [Buffer.from(idBytes(commitment))],
    });
    if (row === undefined) return null;
    return this.#verified.get(hex(fromRow(row["id_hash"]))) ?? (await this.#open(row));
  }

  /** That a requester was given material of this order: the first time counts. */
  async markGiven(commitment: Commitment, now: UnixSeconds): Promise<void> {
    await this.#database.query({
      text: "update orders set given = $2 where commitment = $1 and given is null",
      values: [Buffer.from(idBytes(commitment)), now],
    });
  }

  async wasGiven(commitment: Commitment): Promise<boolean> {
    const rows = await this.#database.query({
      text: "select 1 from orders where commitment = $1 and given is not null",
      values: [Buffer.from(idBytes(commitment))],
    });
    return rows.length > 0;
  }

  /** Every order, in the order of the log. */
  async *all(): AsyncGenerator<StoredOrder> {
    const rows = await this.#database.query({
      text: "select id_hash, commitment, index, charter, sealed from orders order by index",
    });
    for (const row of rows) {
      const name = fromRow(row["id_hash"]);
      yield this.#verified.get(hex(name)) ?? (await this.#open(row));
    }
  }

  async #open(row: Row): Promise<StoredOrder> {
    const idHash = Buffer.from(fromRow(row["id_hash"]));
    const opened = openFrom(this.#identity.xwing.secretKey, fromRow(row["sealed"]), AT_REST_INFO, idHash);
    const fields = new Fields(parseJson(opened, "order"), "order");
    const others = fields.optional("others") ?? null;
    const warrant = fromBase64(fields.string("warrant", MAX_DOCUMENT), undefined, "order.warrant");
    const opening = fromHex(fields.string("opening"), 32);
    const { charter: id } = parseWarrant(unverifiedPayload(parseSignedDocument(warrant, "warrant")));
    const charter = this.#log.charter(id);
    if (charter === undefined) throw new Refusal("unknown-charter", "the order's charter is not in the log");
    const order: StoredOrder = {
      orderId: orderIdOf(opening),
      warrant: await verifyOrder(
        { warrant, others: others === null ? null : utf8(asString(others, "order.others", MAX_DOCUMENT)) },
        charter,
      ),
      opening,
      index: logIndex(row["index"] as number),
      commitment: hex(fromRow(row["commitment"])) as Commitment,
    };
    this.#verified.set(idHash.toString("hex"), order);
    return order;
  }

  /** Keeps what the issuer said, before it is logged: what the log shows must be at hand. Idempotent. */
  async keepDirection(order: StoredOrder, { direction, bytes }: VerifiedDirection): Promise<void> {
    const idHash = hashOf(order.orderId);
    const digest = Buffer.from(directionHash(order.opening, bytes), "hex");
    const plaintext = utf8(JSON.stringify({ version: 1, kind: direction.kind, document: base64(bytes) }));
    await this.#database.query({
      text: "insert into order_directions values ($1, $2, $3) on conflict do nothing",
      values: [idHash, digest, this.#seal(plaintext, DIRECTION_INFO, idHash)],
    });
  }

  /** What the issuer of an order said later. */
  async directions(order: StoredOrder): Promise<VerifiedDirection[]> {
    const idHash = hashOf(order.orderId);
    const rows = await this.#database.query({
      text: "select sealed from order_directions where id_hash = $1 order by digest",
      values: [idHash],
    });
    const found: VerifiedDirection[] = [];
    for (const row of rows) {
      const { secretKey } = this.#identity.xwing;
      const opened = openFrom(secretKey, fromRow(row["sealed"]), DIRECTION_INFO, idHash);
      const fields = new Fields(parseJson(opened, "direction"), "direction");
      const kind = fields.literal("kind", ...DIRECTION_KINDS);
      const bytes = fromBase64(fields.string("document", MAX_DOCUMENT), undefined, "direction.document");
      const document = readSignedDocument(parseJson(bytes, kind), kind);
      found.push(await verifyDirection(kind, document, order.warrant, order.commitment));
    }
    return found;
  }

  /** What the gate asks of an order here; null where no witnessed checkpoint covers it yet. */
  async input(order: StoredOrder, now: OrderInput["now"]): Promise<OrderInput | null> {
    const { warrant, opening, index } = order;
    const view = this.#log.view(warrant.charter.id);
    if (view === null || view.checkpoint.size <= index) return null;
    const directions = await this.directions(order);
    const noticeKeys = await this.#keys.all(warrant.charter);
    return { warrant, opening, index, view, directions, noticeKeys, now };
  }

  #seal(plaintext: Uint8Array, info: Uint8Array, idHash: Buffer): Buffer {
    const seed = new Uint8Array(randomBytes(XWING_SEED_LENGTH));
    return Buffer.from(sealTo(this.#identity.xwing.publicKey, plaintext, info, idHash, seed));
  }
}

/** The text of the statement of further accounts, behind the warrant and a line feed in the core (WAR-13). */
function othersOf({ core, bytes }: VerifiedOrder): string {
  return new TextDecoder().decode(core.subarray(bytes.length + 1));
}

/** The order's id is a capability: the database holds its hash only. */
function hashOf(orderId: string): Buffer {
  return createHash("sha256").update(fromHex(orderId, 32)).digest();
}
