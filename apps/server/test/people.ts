// People with real MLS devices who talk through a real server. For tests only.
import { randomBytes } from "node:crypto";
import type { Charter } from "@porchlight/charter";
import { type ConversationId, dayOf, type Period, utf8 } from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import { type NewItem, ServerClient, type WelcomeParcel } from "@porchlight/wire";
import {
  type ActiveConversation,
  acceptEnvelope,
  applyCommit,
  attachTerms,
  createConversation,
  createDevice,
  createKeyPackage,
  decryptMessage,
  encryptMessage,
  epochOf,
  joinConversation,
  makeEnvelope,
  type OwnDevice,
  type PreparedCommit,
  prepareCommit,
} from "../../../packages/mls/src/index.ts";
import { nodeMlsSuite } from "../../../packages/mls/src/node-provider.ts";
import { sharedKey, xwingOf } from "../../../vectors/fixture/deployment.ts";
import { cardOf } from "../../../vectors/fixture/notice.ts";
import { ORIGIN, type TestServer } from "./deployment.ts";

const suite = await nodeMlsSuite();
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

const ESCROW: EscrowKeys = {
  mpk: sharedKey(`access ${"2026-09" as Period}`).mpk,
  providerKey: xwingOf("Provider"),
};

let keys = 0;
export function key(): string {
  return `test-key-${++keys}-${randomBytes(4).toString("hex")}`;
}

/** A device that is logged in, and its one conversation. */
export class Person {
  readonly device: OwnDevice;
  readonly client: ServerClient;
  readonly server: TestServer;
  readonly charter: Charter | null;
  keyPackage: Awaited<ReturnType<typeof createKeyPackage>> | null = null;
  state: ActiveConversation | null = null;
  /** Everything up to here was read. */
  seen = 0;

  readonly noticeCard: Uint8Array;

  private constructor(
    server: TestServer,
    charter: Charter | null,
    device: OwnDevice,
    client: ServerClient,
    noticeCard: Uint8Array,
  ) {
    this.noticeCard = noticeCard;
    this.server = server;
    this.charter = charter;
    this.device = device;
    this.client = client;
  }

  /** `client`: by way of another process than the first. */
  static async join(
    server: TestServer,
    charter: Charter | null,
    client: ServerClient = server.client(),
    identitySeed: Uint8Array = random(32),
    noticeKey: "notice key" | "no notice key" = "notice key",
  ): Promise<Person> {
    const device = createDevice({ suite, identitySeed, random });
    const person = new Person(server, charter, device, client, cardOf(identitySeed));
    await person.login();
    if (noticeKey === "notice key") await person.client.publishNoticeKey(person.noticeCard);
    return person;
  }

  async login(client: ServerClient = this.client): Promise<void> {
    const { credential, signatureKey, sign } = loginOf(this.device);
    await client.register({ audience: ORIGIN, deviceKey: signatureKey, credential, sign });
  }

  get account(): OwnDevice["account"] {
    return this.device.account;
  }

  get conversation(): ConversationId {
    return this.active.id;
  }

  get active(): ActiveConversation {
    if (this.state === null) throw new Error("not in a conversation");
    return this.state;
  }

  get epoch(): number {
    return epochOf(this.active);
  }

  #withTerms(conversation: ActiveConversation): ActiveConversation {
    if (this.charter === null) return conversation;
    const { id, validFrom, validUntil } = this.charter;
    return attachTerms(conversation, { charter: id, validFrom, validUntil });
  }

  async create(): Promise<void> {
    const { now } = this.server;
    const charter = this.charter?.id ?? null;
    const made = await createConversation({ device: this.device, charter, day: dayOf(now), now, random });
    this.state = this.#withTerms(made);
    await this.client.createConversation({ conversation: made.id, charter, day: dayOf(now) });
  }

  async publish(): Promise<void> {
    this.keyPackage = await createKeyPackage(this.device, this.server.now);
    await this.client.publishKeyPackages([this.keyPackage.public]);
  }

  /** A commit that adds these people, and the item that hands it in. */
  async prepare(change: {
    adds?: readonly Person[];
    removes?: readonly Person[];
  }): Promise<{ made: PreparedCommit; item: NewItem }> {
    const adds = [];
    for (const account of new Set(change.adds?.map((person) => person.account))) {
      const claimed = await this.client.claimKeyPackages(account);
      adds.push(...claimed.map(({ keyPackage }) => keyPackage));
    }
    const made = await prepareCommit(this.active, {
      adds,
      removes: (change.removes ?? []).map(({ account }) => account),
      day: dayOf(this.server.now),
    });
    const welcome: WelcomeParcel | null =
      made.welcome === undefined
        ? null
        : {
            accounts: [...new Set((change.adds ?? []).map(({ account }) => account))],
            bytes: made.welcome,
            tree: made.ratchetTree,
          };
    return { made, item: { kind: "commit", key: key(), epoch: this.epoch, bytes: made.commit, welcome } };
  }

  async commit(change: { adds?: readonly Person[]; removes?: readonly Person[] }): Promise<number> {
    const { made, item } = await this.prepare(change);
    const [seq = 0] = await this.client.submit(this.conversation, [item]);
    this.state = made.pending;
    this.seen = seq;
    return seq;
  }

  async enter(): Promise<void> {
    const [welcome] = await this.client.welcomes({ wait: 60 });
    if (welcome === undefined || this.keyPackage === null || welcome.tree === null)
      throw new Error("no welcome");
    const joined = await joinConversation({
      device: this.device,
      keyPackage: this.keyPackage,
      welcome: welcome.bytes,
      ratchetTree: welcome.tree,
      submitter: welcome.sender,
      now: this.server.now,
    });
    this.state = this.#withTerms(joined);
    this.seen = welcome.seq;
    await this.client.acknowledgeWelcomes([welcome.id]);
  }

  envelope(): NewItem {
    const { conversation, envelope } = makeEnvelope(this.active, ESCROW);
    this.state = conversation;
    return { kind: "envelope", key: key(), epoch: this.epoch, bytes: envelope };
  }

  async message(text: string): Promise<NewItem> {
    const made = await encryptMessage(this.active, {
      content: utf8(text),
      frankingKey: random(32),
      now: this.server.now,
    });
    if (made.kind !== "encrypted") throw new Error(made.kind);
    this.state = made.conversation;
    return { kind: "message", key: key(), epoch: this.epoch, bytes: made.wire };
  }

  async send(...texts: string[]): Promise<number[]> {
    const items = [];
    for (const text of texts) items.push(await this.message(text));
    return await this.client.submit(this.conversation, items);
  }

  /** Reads what is new; gives the texts of others. `wait`: seconds, where there is nothing new yet. */
  async read(options: { readonly wait?: number } = {}): Promise<string[]> {
    const texts: string[] = [];
    const { items } = await this.client.items(this.conversation, this.seen, options);
    for (const { seq, kind, submitter, bytes, at } of items) {
      this.seen = seq;
      if (submitter === this.account) continue;
      const context = { submitter, now: at, arrival: "stored" as const };
      if (kind === "commit") {
        const { conversation } = await applyCommit(this.active, bytes, context);
        if (conversation.kind !== "active") return texts;
        this.state = conversation;
      } else if (kind === "envelope") {
        this.state = acceptEnvelope(this.active, bytes, ESCROW, context);
      } else {
        const opened = await decryptMessage(this.active, bytes, context);
        if (opened.kind !== "message") throw new Error(opened.code);
        this.state = opened.conversation;
        texts.push(new TextDecoder().decode(opened.content));
      }
    }
    return texts;
  }
}

function loginOf(device: OwnDevice): {
  credential: Uint8Array;
  signatureKey: Uint8Array;
  sign: (message: Uint8Array) => Uint8Array;
} {
  return {
    credential: device.credential,
    signatureKey: device.deviceKey,
    sign: (message) => suite.primitives.ed25519Sign(device.deviceSeed, message),
  };
}

/** A conversation of this many people, the first of whom made it. */
export async function roomOf(
  server: TestServer,
  size: number,
  charter: Charter | null,
  clientOf: (place: number) => ServerClient = () => server.client(),
): Promise<Person[]> {
  const people = [];
  for (let i = 0; i < size; i++) people.push(await Person.join(server, charter, clientOf(i)));
  const [first, ...others] = people;
  if (first === undefined) throw new Error("nobody");
  await first.create();
  for (const person of others) await person.publish();
  if (others.length > 0) await first.commit({ adds: others });
  for (const person of others) await person.enter();
  return people;
}
