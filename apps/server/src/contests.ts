import { createHash, randomBytes } from "node:crypto";
import {
  asGround,
  formatContest,
  formatSignedDocument,
  parseContest,
  parseSignedDocument,
  type SignedDocument,
  signDocument,
  unverifiedPayload,
  verifyNoticeCard,
} from "@porchlight/charter";
import {
  type AccountId,
  type Commitment,
  concat,
  dayOf,
  formatDay,
  fromHex,
  idBytes,
  utf8,
} from "@porchlight/encoding";
import { contestPeriod, noticeDue, openedAccounts } from "@porchlight/gate";
import { openFrom, sealTo, XWING_SEED_LENGTH, xwingKeygen } from "@porchlight/quorum";
import type { Clock } from "@porchlight/runtime";
import { CONTEST_INFO } from "@porchlight/wire";
import { Challenges } from "./challenges.ts";
import { type Database, fromRow } from "./database.ts";
import type { Identity } from "./identity.ts";
import type { Log } from "./log.ts";
import type { NoticeCards } from "./notice-cards.ts";
import type { OrderStore, StoredOrder } from "./order-store.ts";
import { Refusal } from "./refusal.ts";

const AT_REST_INFO = utf8("porchlight-v1/contest-at-rest");

/** Why a contest is not taken (CONT-4); the messages say what is left to do. */
const WHY = {
  unproven: "the answer is not that of the account's notice key: ask for a new challenge",
  "not-yours": "nobody was told of an order with this number about this account",
  "no-wait": "this order waits for nobody: write to the issuer that the notice names",
  "too-late": "the days in which the order waits are over: write to the issuer that the notice names",
  revoked: "the order is revoked: nothing more is opened under it",
  twice: "this account contested the order already: write to the issuer to add to it",
} as const;

/** Takes what persons say against orders about them, for the issuer to decide (spec/contest.md). It stops nothing. */
export class Contests {
  readonly #database: Database;
  readonly #store: OrderStore;
  readonly #cards: NoticeCards;
  readonly #log: Log;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #challenges = new Challenges();

  constructor(parts: {
    readonly database: Database;
    readonly store: OrderStore;
    readonly cards: NoticeCards;
    readonly log: Log;
    readonly identity: Identity;
    readonly clock: Clock;
  }) {
    this.#database = parts.database;
    this.#store = parts.store;
    this.#cards = parts.cards;
    this.#log = parts.log;
    this.#identity = parts.identity;
    this.#clock = parts.clock;
  }

  /** CONT-2: a nonce sealed to the account's notice key, or to nobody's where there is none: the answers look alike. */
  async challenge(commitment: Commitment, account: AccountId): Promise<Uint8Array> {
    const card = await this.#cards.of(account);
    const key = card === null ? xwingKeygen(random(32)).publicKey : verifyNoticeCard(card).xwing;
    const nonce = this.#challenges.issue(purposeOf(commitment, account));
    return sealTo(key, nonce, utf8(CONTEST_INFO), aadOf(commitment, account), random(XWING_SEED_LENGTH));
  }

  /** CONT-3 to CONT-5: the contest as the provider signed it. The same again is the same. Throws Refusal "contest-refused". */
  async take(contest: {
    readonly commitment: Commitment;
    readonly account: AccountId;
    readonly nonce: Uint8Array;
    readonly ground: string;
  }): Promise<SignedDocument> {
    const { commitment, account, nonce } = contest;
    const ground = asGround(contest.ground);
    if (!this.#challenges.take(nonce, purposeOf(commitment, account))) throw refused("unproven");
    const order = await this.#store.findLogged(commitment);
    // Asked whoever asks: how long the answer takes must not tell of an order that is secret.
    const input = order === null ? null : await this.#store.input(order, this.#clock.now());
    const due = input === null ? null : noticeDue(input);
    const period = input === null ? null : contestPeriod(input);
    const isTold =
      order !== null &&
      due !== null &&
      due.day <= dayOf(this.#clock.now()) &&
      openedAccounts(order.warrant).includes(account);
    if (!isTold) throw refused("not-yours");
    const known = await this.#find(order, account);
    if (known !== null) return sameOr(known, ground);
    if (this.#log.catalogue.revocation(commitment) !== undefined) throw refused("revoked");
    if (period === null) throw refused("no-wait");
    if (period.isOver) {
      throw refused(
        "too-late",
        `the order waited until the end of ${formatDay(period.lastDay)}: write to the issuer`,
      );
    }
    return await this.#keep(order, account, ground);
  }

  /** CONT-6: all contests of an order, for who has its id. Throws Refusal "order-unknown". */
  async of(orderId: string): Promise<SignedDocument[]> {
    await this.#store.find(orderId);
    const idHash = hashOf(fromHex(orderId, 32));
    const rows = await this.#database.query({
      text: "select sealed from contests where id_hash = $1 order by at, digest",
      values: [idHash],
    });
    return rows.map((row) => this.#open(fromRow(row["sealed"]), idHash));
  }

  async #keep(order: StoredOrder, account: AccountId, ground: string): Promise<SignedDocument> {
    const { warrant, commitment } = order;
    const at = this.#clock.now();
    const document = await signDocument(
      "contest",
      formatContest({ charter: warrant.charter.id, commitment, account, at, ground }),
      [{ name: warrant.charter.provider.name, seed: this.#identity.provider.seed }],
    );
    const [idHash, digest] = placeOf(order, account);
    const seed = random(XWING_SEED_LENGTH);
    const plaintext = formatSignedDocument(document);
    await this.#database.query({
      text: "insert into contests values ($1, $2, $3, $4) on conflict do nothing",
      values: [
        idHash,
        digest,
        at,
        Buffer.from(sealTo(this.#identity.xwing.publicKey, plaintext, AT_REST_INFO, idHash, seed)),
      ],
    });
    // Of two at once, the one that is kept is the answer to both.
    return sameOr((await this.#find(order, account)) ?? document, ground);
  }

  async #find(order: StoredOrder, account: AccountId): Promise<SignedDocument | null> {
    const [idHash, digest] = placeOf(order, account);
    const [row] = await this.#database.query({
      text: "select sealed from contests where id_hash = $1 and digest = $2",
      values: [idHash, digest],
    });
    return row === undefined ? null : this.#open(fromRow(row["sealed"]), idHash);
  }

  #open(sealed: Uint8Array, idHash: Buffer): SignedDocument {
    const { secretKey } = this.#identity.xwing;
    return parseSignedDocument(openFrom(secretKey, sealed, AT_REST_INFO, idHash), "contest");
  }
}

function sameOr(document: SignedDocument, ground: string): SignedDocument {
  if (parseContest(unverifiedPayload(document)).ground !== ground) throw refused("twice");
  return document;
}

function refused(reason: keyof typeof WHY, message: string = WHY[reason]): Refusal {
  return new Refusal("contest-refused", message, { reason });
}

function purposeOf(commitment: Commitment, account: AccountId): string {
  return `contest ${commitment} ${account}`;
}

function aadOf(commitment: Commitment, account: AccountId): Uint8Array {
  return concat(idBytes(commitment), idBytes(account));
}

/** Nobody who reads the database finds by it which order, or whose contest it is: the order's id is secret. */
function placeOf({ orderId }: StoredOrder, account: AccountId): [idHash: Buffer, digest: Buffer] {
  const id = fromHex(orderId, 32);
  return [hashOf(id), hashOf(concat(id, idBytes(account)))];
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
