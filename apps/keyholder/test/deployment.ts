// A small deployment for tests: three keyholders as real processes around a server in this process, t = 2.
import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Charter,
  type CharterDocument,
  type DirectionEntry,
  formatCharter,
  formatEntry,
  formatSignedDocument,
  formatStatement,
  type NoticeEntry,
  noticeSeedOf,
  type PeriodKeys,
  parseEntry,
  parseStatement,
  type SignedDocument,
  signDocument,
  signIntake,
  unverifiedPayload,
  verifyCharter,
  verifyKeys,
  verifyNoticeCard,
} from "@porchlight/charter";
import { Journal, SecretStore } from "@porchlight/durable";
import {
  type AccountId,
  base64url,
  type CharterId,
  type ConversationId,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  dayOf,
  formatDay,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  keyholderIndex,
  type Period,
  parseDay,
  parseInstant,
  periodOf,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import {
  commitmentOf,
  coreOf,
  type Direction,
  directionHash,
  formatDirection,
  formatWarrant,
  furtherContext,
  noticesOf,
  orderIdOf,
  publicCommitment,
  publicKeyOfOrder,
  publicPartOf,
  requesterContext,
  secretUntilOf,
  verifyOrder,
  type WarrantDocument,
} from "@porchlight/gate";
import { blockHash } from "@porchlight/notice";
import { requesterPoint, requesterWord, xwingKeygen } from "@porchlight/quorum";
import { callAdmin, Supervisor, type UnexpectedExit } from "@porchlight/runtime";
import { accountablePolicyText, formatVkey } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { type FurtherRequest, KeyholderClient } from "@porchlight/wire";
import { freePort } from "../../../packages/runtime/test/free-port.ts";
import { cardOf, cardOfAccount } from "../../../vectors/fixture/notice.ts";
import type { OrderEvent } from "../src/order-book.ts";
import { parseOrderEvent } from "../src/order-event.ts";
import { TinyServer } from "./tiny-server.ts";

export const START = parseInstant("2017-10-03T12:00:00Z");
const PERIOD = "2017-10";
const DEPLOYMENT = "test.example";

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const keyPair = () => {
  const seed = random(32);
  return { seed, publicKey: nodeSuite.publicKeyOf(seed) };
};

export type PublicIdentity = { name: string; vkey: string; key: string; xwing: string };

/** A ceremony as a keyholder's `status` shows it. */
export type CeremonyFacts = {
  readonly period: string;
  readonly generation: number;
  readonly kind: string;
  readonly phase?: string;
  readonly reason?: string;
  readonly missing?: number[];
  readonly absent?: number[];
  readonly named?: { keyholder: number; fault: string }[];
};

export type TestOrder = {
  readonly id: string;
  readonly warrant: string;
  readonly others: string | null;
  readonly opening: Uint8Array;
  readonly index: number;
  readonly commitment: ReturnType<typeof commitmentOf>;
  readonly document: WarrantDocument;
  /** Reads the notice of the account. */
  readonly noticeSeed: Uint8Array;
  readonly requester: { readonly secret: Uint8Array; readonly xwing: Uint8Array };
};

export class TestDeployment {
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly server: TinyServer;
  readonly exits: UnexpectedExit[] = [];
  readonly provider = keyPair();
  readonly providerXwing = xwingKeygen(random(32));
  readonly intake = keyPair();
  readonly court = keyPair();
  url = "";
  now: UnixSeconds = START;
  charter: Charter | null = null;
  charterText = "";
  charterEntry: Uint8Array = new Uint8Array();
  entry = join(import.meta.dirname, "crashing-main.ts");

  /** Its keyholders, of which two are needed. */
  readonly names: readonly string[];

  constructor(directory: string, keyholders = 3) {
    this.directory = directory;
    this.names = Array.from({ length: keyholders }, (_, i) => `keyholder-${i + 1}`);
    this.server = new TinyServer(DEPLOYMENT, { now: () => this.now });
    this.supervisor = new Supervisor({
      replayFrom: START,
      tickMilliseconds: 120_000,
      onUnexpectedExit: (exit) => this.exits.push(exit),
    });
  }

  home(name: string): string {
    return join(this.directory, name);
  }

  admin(name: string, command: string, members: Record<string, Json> = {}): Promise<Json> {
    return callAdmin(this.home(name), { command, ...members });
  }

  client(name: string): KeyholderClient {
    return new KeyholderClient({ url: `http://127.0.0.1:${this.supervisor.port(name)}` });
  }

  async listen(): Promise<void> {
    this.url = await this.server.listen();
  }

  configure(name: string, more: Record<string, Json> = {}): void {
    mkdirSync(this.home(name), { recursive: true, mode: 0o700 });
    const before = existsSync(join(this.home(name), "config.json"))
      ? (JSON.parse(readFileSync(join(this.home(name), "config.json"), "utf8")) as Record<string, Json>)
      : { port: 0 };
    const config = {
      clock: "replay",
      name,
      deployment: DEPLOYMENT,
      server: this.url,
      log: formatVkey(this.server.signer.key),
      workFactor: 8,
      batches: "prompt",
      patienceSeconds: 4,
      ...before,
      ...more,
    };
    writeFileSync(join(this.home(name), "config.json"), JSON.stringify(config));
    writeFileSync(join(this.home(name), "passphrase"), "a test's passphrase\n", { mode: 0o600 });
  }

  async start(name: string): Promise<void> {
    await this.supervisor.start({ name, entry: this.entry, directory: this.home(name) });
  }

  /** Kills the keyholder when it comes to `place`, for the `count`-th time from now on. */
  crashAt(name: string, place: string, count = 1): void {
    writeFileSync(join(this.home(name), "crash-at"), `${place} ${count}\n`);
  }

  /** Does something while a keyholder is stopped at a place that it is about to come to; then it goes on. */
  async whileStoppedAt(name: string, place: string, act: () => void): Promise<void> {
    const file = join(this.home(name), "crash-at");
    writeFileSync(file, `${place} 1 stop\n`);
    await until(() => !existsSync(file), `${name} to come to ${place}`);
    try {
      act();
    } finally {
      writeFileSync(join(this.home(name), "go-on"), "");
    }
  }

  /** Waits until a keyholder that was told to crash did so, and starts it again. */
  async restartAfterCrash(name: string): Promise<void> {
    await until(() => this.exits.some((exit) => exit.name === name), `${name} to crash`);
    this.exits.splice(0);
    await this.start(name);
  }

  publicOf(name: string): PublicIdentity {
    return JSON.parse(readFileSync(join(this.home(name), "public.json"), "utf8")) as PublicIdentity;
  }

  charterDocument(more: Partial<CharterDocument> = {}): CharterDocument {
    const keyholders = this.names.map((name, i) => {
      const own = this.publicOf(name);
      return {
        index: keyholderIndex(i + 1),
        name: `Keyholder ${i + 1}`,
        owner: `Owner ${i + 1}`,
        payer: `Payer ${i + 1}`,
        jurisdiction: `Country ${i + 1}`,
        url: `http://127.0.0.1:${this.supervisor.port(name)}`,
        vkey: own.vkey,
        key: fromBase64(own.key, 32),
        xwing: fromBase64(own.xwing, 1216),
      };
    });
    return {
      kind: "court",
      deployment: DEPLOYMENT,
      clock: "replay",
      validFrom: parseDay("2017-10-01"),
      validUntil: parseDay("2018-03-31"),
      provider: { name: "Provider", key: this.provider.publicKey, xwing: this.providerXwing.publicKey },
      keyholders,
      threshold: 2,
      issuers: [{ name: "District Court", title: "Judge", key: this.court.publicKey }],
      inspection: null,
      intake: { key: this.intake.publicKey },
      log: {
        origin: this.server.origin,
        vkey: formatVkey(this.server.signer.key),
        policy: accountablePolicyText({
          log: { vkey: formatVkey(this.server.signer.key) },
          witnesses: this.server.witnesses.map(({ key }) => ({ vkey: formatVkey(key) })),
          keyholders: keyholders.map(({ vkey }) => ({ vkey })),
          threshold: 2,
        }),
      },
      retentionDays: 30,
      contestDays: 14,
      longestSecrecyDays: 90,
      longestPreservationDays: 30,
      caps: { accountsPerWarrant: 3, daysPerWarrant: 31, warrantsPer30Days: 100 },
      legalBases: ["Code of Criminal Procedure, section 100a"],
      offenceCategories: ["stalking"],
      ...more,
    };
  }

  /** Starts three keyholders and has a charter signed by all; it is logged unless `unlogged`. */
  async boot(
    options: {
      more?: Partial<CharterDocument>;
      config?: (name: string) => Record<string, Json>;
      unlogged?: boolean;
    } = {},
  ): Promise<void> {
    await this.listen();
    await Promise.all(
      this.names.map(async (name) => {
        // A keyholder has its address in the charter.
        this.configure(name, { port: await freePort(), ...options.config?.(name) });
        await this.start(name);
      }),
    );
    const document = this.charterDocument(options.more);
    const bytes = formatCharter(document);
    this.charterText = fromUtf8(bytes);
    const byProvider = await signDocument("charter", bytes, [{ name: "Provider", seed: this.provider.seed }]);
    const signatures = [...byProvider.signatures];
    for (const name of this.names) {
      const review = (await this.admin(name, "review-charter", { charter: this.charterText })) as {
        id: string;
      };
      const signed = (await this.admin(name, "sign-charter", {
        charter: this.charterText,
        id: review.id,
      })) as {
        signature: SignedDocument["signatures"][number];
      };
      signatures.push(signed.signature);
    }
    const signed = { payload: base64url(bytes), signatures };
    this.charter = await verifyCharter(signed);
    this.follow();
    this.charterEntry = formatEntry({ type: "charter", document: signed });
    if (options.unlogged !== true) this.logCharter();
  }

  logCharter(): void {
    this.server.append(this.charterEntry);
  }

  /** Period → generation of the access shares that a keyholder has. */
  async generations(name: string): Promise<Record<string, number>> {
    const names = await (await this.secrets(name)).names();
    return Object.fromEntries(
      names.flatMap((secret) => {
        const [, period, generation] = /^share\.[0-9a-f]+\.([0-9-]+)\.([0-9]+)\.access$/.exec(secret) ?? [];
        return period === undefined ? [] : [[period, Number(generation)]];
      }),
    );
  }

  /** The day of which every keyholder has logged a batch, "YYYY-MM-DD". */
  dayOfBatches(): string {
    const last = this.names.map(() => 0);
    for (const bytes of this.server.entries) {
      const entry = parseEntry(new Uint8Array(bytes));
      if (entry.type === "keyholder-batch") last[entry.keyholder - 1] = entry.day;
    }
    return formatDay(dayNumber(Math.min(...last)));
  }

  /** Tells the server where the keyholders are now. */
  follow(): void {
    this.server.follow(
      this.charter?.log.policy ?? "",
      this.names
        .filter((name) => this.supervisor.names.includes(name))
        .map((name) => ({
          name: `${name}.${DEPLOYMENT}`,
          url: `http://127.0.0.1:${this.supervisor.port(name)}`,
        })),
    );
  }

  /** Asks all for a period's ceremony and waits until each has its keys from the log. */
  async ceremony(period = PERIOD): Promise<void> {
    await Promise.all(this.names.map((name) => this.admin(name, "ceremony", { period })));
    await Promise.all(this.names.map((name) => this.ceremonyEnd(name, period)));
  }

  async ceremonyEnd(name: string, period = PERIOD, generation = 1): Promise<CeremonyFacts> {
    let found: CeremonyFacts | undefined;
    await until(async () => {
      found = await this.ceremonyOf(name, period, generation);
      return found?.kind === "ready" || found?.kind === "aborted";
    }, `${name}'s ceremony of ${period}`);
    return found as CeremonyFacts;
  }

  async ceremonyOf(name: string, period = PERIOD, generation = 1): Promise<CeremonyFacts | undefined> {
    const status = (await this.admin(name, "status")) as unknown as {
      charters: { ceremonies: CeremonyFacts[] }[];
    };
    return status.charters[0]?.ceremonies.find(
      (one) => one.period === period && one.generation === generation,
    );
  }

  async tick(at: UnixSeconds): Promise<void> {
    this.now = at;
    await this.supervisor.tick(at);
  }

  /** A warrant for one day of one account in one conversation; logged unless `unlogged`. */
  async order(
    more: Partial<WarrantDocument> = {},
    options: {
      unlogged?: boolean;
      court?: { seed: Uint8Array };
      reuse?: TestOrder;
      others?: readonly AccountId[];
      junk?: boolean;
    } = {},
  ): Promise<TestOrder> {
    const charter = this.charter as Charter;
    const identitySeed = random(32);
    const notice = cardOf(identitySeed);
    const { account } = verifyNoticeCard(notice);
    const secret = random(32);
    const xwing = xwingKeygen(secret).publicKey;
    const day = parseDay("2017-10-02");
    const statement = await this.statement([account], "Jane Doe");
    const reference = `Case ${hex(random(4))}`;
    const actHash = random(32);
    const name = "Agency";
    const context = requesterContext({
      charter: charter.id,
      reference,
      actHash,
      requester: { name, xwing },
      ...pick(more),
    });
    const point = options.reuse === undefined ? requesterPoint(random, context) : null;
    const document: WarrantDocument = {
      charter: charter.id,
      reference,
      actHash,
      legalBasis: charter.legalBases[0] as string,
      offenceCategory: "stalking",
      issuer: "District Court",
      issued: unixSeconds(this.now - 60),
      expires: unixSeconds(this.now + 40 * 86_400),
      requester: {
        name,
        point: point?.point ?? new Uint8Array(48),
        proof: point?.proof ?? new Uint8Array(80),
        xwing,
      },
      statement,
      accounts: [account],
      conversations: [conversationIdOf(random(32))],
      mode: "sent",
      firstDay: day,
      lastDay: day,
      live: false,
      necessity: "There is no other way.",
      proportionality: "One day, one account.",
      privileged: false,
      disclosure: { kind: "secret", until: parseDay("2017-11-15"), ground: "The suspect would flee." },
      emergency: false,
      ...more,
    };
    return await this.signOrder(
      document,
      { secret: point?.secret ?? new Uint8Array(32), xwing: secret },
      options,
      noticeSeedOf(identitySeed),
    );
  }

  async signOrder(
    document: WarrantDocument,
    requester: TestOrder["requester"],
    options: {
      unlogged?: boolean;
      court?: { seed: Uint8Array };
      others?: readonly AccountId[];
      junk?: boolean;
    } = {},
    noticeSeed: Uint8Array = new Uint8Array(32),
  ): Promise<TestOrder> {
    const signed = await signDocument("warrant", formatWarrant(document), [
      { name: "District Court", seed: (options.court ?? this.court).seed },
    ]);
    const bytes = formatSignedDocument(signed);
    const opening = random(32);
    const stated = options.others === undefined ? null : await this.statement(options.others, "John Roe");
    const others = stated === null ? null : formatSignedDocument(stated);
    const commitment = commitmentOf(opening, coreOf({ warrant: bytes, others }));
    const day = dayOf(this.now);
    const notices = await this.#notices({ warrant: bytes, others }, opening, day, options.junk === true);
    if (options.unlogged !== true)
      for (const entry of notices.entries) this.server.append(formatEntry(entry));
    const index =
      options.unlogged === true
        ? this.server.size
        : this.server.append(
            formatEntry(
              signIntake(
                {
                  type: "warrant",
                  charter: document.charter,
                  day,
                  commitment,
                  public: publicCommitment(
                    publicKeyOfOrder(opening),
                    publicPartOf({
                      document,
                      others: stated === null ? null : parseStatement(unverifiedPayload(stated)),
                    }),
                  ),
                  notices: notices.hash,
                  secretUntil: secretUntilOf(document, day),
                },
                this.intake.seed,
              ),
            ),
          );
    return {
      id: orderIdOf(opening),
      warrant: fromUtf8(bytes),
      others: others === null ? null : fromUtf8(others),
      opening,
      index,
      commitment,
      document,
      requester,
      noticeSeed,
    };
  }

  /** What the provider says of whose accounts these are. */
  async statement(accounts: readonly AccountId[], person: string): Promise<SignedDocument> {
    const charter = this.charter as Charter;
    const stated = accounts.map((account) => ({ account, person, notice: cardOfAccount(account) }));
    const bytes = formatStatement({ charter: charter.id, accounts: stated, at: this.now });
    return await signDocument("statement", bytes, [{ name: "Provider", seed: this.provider.seed }]);
  }

  /** What the court says of its order, in the log; handed to nobody. */
  async say(
    order: TestOrder,
    kind: DirectionEntry["type"],
    until?: DayNumber,
  ): Promise<{ kind: DirectionEntry["type"]; document: never; index: never }> {
    const { charter, reference } = order.document;
    const common = { charter, commitment: order.commitment, reference, at: this.now, ground: "So decided." };
    const direction: Direction =
      kind === "extension" ? { ...common, kind, until: until as DayNumber } : { ...common, kind };
    const document = await signDocument(kind, formatDirection(direction), [
      { name: "District Court", seed: this.court.seed },
    ]);
    const entry = {
      charter,
      day: dayOf(this.now),
      commitment: order.commitment,
      direction: directionHash(order.opening, formatSignedDocument(document)),
    };
    const index = this.server.append(
      formatEntry(
        signIntake(
          kind === "extension"
            ? { type: kind, ...entry, secretUntil: periodOf(until as DayNumber) }
            : { type: kind, ...entry },
          this.intake.seed,
        ),
      ),
    );
    return { kind, document: document as never, index: index as never };
  }

  /** What an honest provider logs before an order, or junk of the same size. A warrant that does not verify has none. */
  async #notices(
    documents: { readonly warrant: Uint8Array; readonly others: Uint8Array | null },
    opening: Uint8Array,
    day: DayNumber,
    junk: boolean,
  ): Promise<{ hash: string; entries: readonly NoticeEntry[] }> {
    const charter = this.charter as Charter;
    const keys = await this.#keysOf(periodOf(day));
    const verified = await verifyOrder(documents, charter).catch(() => null);
    if (verified === null || keys === null) return { hash: "00".repeat(32), entries: [] };
    const { hash, entries } = noticesOf(verified, opening, day, keys);
    const block = random(entries[0]?.block.length ?? 0);
    return {
      hash: junk ? blockHash(block) : hash,
      entries: entries.map((entry) => signIntake(junk ? { ...entry, block } : entry, this.intake.seed)),
    };
  }

  async #keysOf(period: Period): Promise<PeriodKeys | null> {
    for (const bytes of this.server.entries) {
      const entry = parseEntry(new Uint8Array(bytes));
      if (entry.type !== "keys") continue;
      const keys = await verifyKeys(entry.document, this.charter as Charter);
      if (keys.period === period) return keys;
    }
    return null;
  }

  revoke(order: TestOrder): void {
    const charter = order.document.charter as CharterId;
    const day = dayOf(this.now);
    this.server.append(
      formatEntry(
        signIntake({ type: "revocation", charter, day, commitment: order.commitment }, this.intake.seed),
      ),
    );
  }

  /**
   * Waits until the published checkpoint covers the order. On a busy machine, or where a keyholder has just come back,
   * that takes longer than a keyholder's patience in these tests.
   */
  async witnessed({ index }: TestOrder): Promise<void> {
    await until(async () => {
      await this.server.publish();
      return this.server.publishedSize > index;
    }, "a checkpoint with the order");
  }

  submit(name: string, { warrant, others, opening, index }: TestOrder, conversations?: ConversationId[]) {
    return this.client(name).submitOrder({
      warrant,
      ...(others === null ? {} : { others }),
      opening,
      index: index as never,
      ...(conversations === undefined ? {} : { conversations }),
    });
  }

  /** Adds to an order with its requester's word on it, or with the word of whoever has `secret`. */
  add(
    name: string,
    { id, requester }: TestOrder,
    further: Omit<FurtherRequest, "word">,
    secret: Uint8Array = requester.secret,
  ) {
    const word = requesterWord(random, secret, furtherContext(id, further));
    return this.client(name).further(id, { ...further, word });
  }

  approve(name: string, order: TestOrder): Promise<Json> {
    return this.admin(name, "approve", { order: order.id, commitment: order.commitment, by: "A. Approver" });
  }

  /** Waits until the order is in this state at this keyholder. */
  async reaches(name: string, order: TestOrder, state: string): Promise<{ state: string; code?: string }> {
    let found: { state: string } = { state: "" };
    await until(async () => {
      found = await this.client(name).order(order.id);
      if (found.state !== state && (found.state === "refused" || found.state === "released")) {
        throw new Error(`the order is ${JSON.stringify(found)} instead of ${state}`);
      }
      return found.state === state;
    }, `order ${state}`);
    return found;
  }

  /** Opens a keyholder's secrets, as its operator could. */
  secrets(name: string): Promise<SecretStore> {
    return SecretStore.open(join(this.home(name), "secrets"), { passphrase: "a test's passphrase" });
  }

  /** The three keys, hex: what an attacker has who broke into a keyholder. */
  async keysOf(name: string): Promise<{ cosigner: Uint8Array; document: Uint8Array; xwing: Uint8Array }> {
    const contents = await (await this.secrets(name)).read("keys");
    const keys = JSON.parse(fromUtf8(contents as Uint8Array)) as Record<
      "cosigner" | "document" | "xwing",
      string
    >;
    return { cosigner: fromHex(keys.cosigner), document: fromHex(keys.document), xwing: fromHex(keys.xwing) };
  }

  /** Every event of a keyholder's order journal. */
  async journal(name: string): Promise<OrderEvent[]> {
    const secrets = await this.secrets(name);
    const directory = mkdtempSync(join(tmpdir(), "journal-copy-"));
    const copy = join(directory, "orders.journal");
    cpSync(join(this.home(name), "charters", this.charter?.id ?? "", "orders.journal"), copy);
    const journal = await Journal.open(copy);
    const events: OrderEvent[] = [];
    for await (const sealed of journal) events.push(parseOrderEvent(await secrets.unseal(sealed)));
    await journal.close();
    rmSync(directory, { recursive: true });
    return events;
  }

  /** Every byte of a party's directory as text, by file. */
  files(name: string): Map<string, string> {
    const files = readdirSync(this.home(name), { recursive: true, withFileTypes: true });
    return new Map(
      files
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name))
        .map((path) => [path, readFileSync(path, "latin1")]),
    );
  }

  async close(): Promise<void> {
    await this.supervisor.stopAll();
    await this.server.close();
  }
}

function pick(more: Partial<WarrantDocument>): Partial<Pick<WarrantDocument, "reference" | "actHash">> {
  return {
    ...(more.reference === undefined ? {} : { reference: more.reference }),
    ...(more.actHash === undefined ? {} : { actHash: more.actHash }),
  };
}

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  // Before the test's own time is over, which would not say for what.
  const end = Date.now() + 240_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
