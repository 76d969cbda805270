// People with the whole messenger, each behind a port as a page has it. For tests only.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatEntry } from "@porchlight/charter";
import type { ConversationId, UnixSeconds } from "@porchlight/encoding";
import { periodOf } from "@porchlight/encoding";
import { DAY, ORIGIN, type TestServer } from "../apps/server/test/deployment.ts";
import { Messenger } from "../packages/client/src/messenger/messenger.ts";
import { nodePlatform } from "../packages/client/src/messenger/node.ts";
import {
  type ConversationView,
  type EntryView,
  type MessageView,
  MessengerPage,
  type PageThread,
  type ReadyState,
} from "../packages/client/src/messenger/page.ts";
import type { Platform } from "../packages/client/src/messenger/platform.ts";
import { serve } from "../packages/client/src/messenger/serve.ts";
import { keysDocument, POLICY, signedKeys } from "../vectors/fixture/deployment.ts";

export const PASSPHRASE = "a rather long passphrase";

/** The fixture's court charter in the server's log, with the keys of the test's month. */
export async function chartered(server: TestServer): Promise<ReadyState["charters"][never]["id"]> {
  const charter = await server.charter("court");
  const document = await signedKeys(keysDocument(charter, periodOf(DAY)));
  const index = await server.client().appendEntry(formatEntry({ type: "keys", document }));
  await server.client().waitForCheckpoint(index + 1, { wait: 60 });
  return charter.id;
}

export class Somebody {
  readonly name: string;
  readonly directory: string;
  readonly #clock: { now(): UnixSeconds };
  #url: string;
  #messenger: Messenger | null = null;
  #page: MessengerPage | null = null;
  #within = (platform: Platform): Platform => platform;

  constructor(name: string, url: string, clock: { now(): UnixSeconds }) {
    this.name = name;
    this.#url = url;
    this.#clock = clock;
    this.directory = mkdtempSync(join(tmpdir(), `messenger-${name}-`));
  }

  /** The next device of somebody, that nothing is known on. `within`: what stands between it and the world. */
  async another(within: (platform: Platform) => Platform = (platform) => platform): Promise<Somebody> {
    const other = new Somebody(this.name, this.#url, this.#clock);
    other.#within = within;
    await other.start();
    return other;
  }

  static async signUp(
    name: string,
    url: string,
    clock: { now(): UnixSeconds },
    within: (platform: Platform) => Platform = (platform) => platform,
  ): Promise<Somebody> {
    const somebody = new Somebody(name, url, clock);
    somebody.#within = within;
    await somebody.start();
    const secret = { kind: "passphrase", passphrase: PASSPHRASE } as const;
    await somebody.page.perform("signUp", { invitation: null, name, secret });
    return somebody;
  }

  get messenger(): Messenger {
    if (this.#messenger === null) throw new Error("not started");
    return this.#messenger;
  }

  get page(): MessengerPage {
    if (this.#page === null) throw new Error("not started");
    return this.#page;
  }

  get state(): ReadyState {
    const { state } = this.page;
    if (state.kind !== "ready") throw new Error(`state is ${state.kind}`);
    return state;
  }

  get account(): ReadyState["me"]["account"] {
    return this.state.me.account;
  }

  /** A program that reads what the last one left. */
  async start(url: string = this.#url): Promise<void> {
    this.#url = url;
    const platform = this.#within({
      ...(await nodePlatform(this.directory)),
      clock: this.#clock,
      passphraseLogN: 10,
    });
    this.#messenger = await Messenger.start(platform, { url, origin: ORIGIN, policy: POLICY });
    this.#page = this.open();
    await this.#page.until(({ kind }) => kind !== "starting");
  }

  /** A further page of the same messenger. */
  open(): MessengerPage {
    if (this.#messenger === null) throw new Error("not started");
    const { port1, port2 } = new MessageChannel();
    serve(this.#messenger, port1);
    return new MessengerPage(port2);
  }

  /** Looks at the server now: requests of others wait for a round, which may be twenty seconds away. */
  hurry(): void {
    this.#messenger?.hurry();
  }

  async unlock(): Promise<void> {
    await this.page.perform("unlock", { kind: "passphrase", passphrase: PASSPHRASE });
  }

  async stop(): Promise<void> {
    this.#page?.close();
    await this.#messenger?.close();
    this.#page = null;
    this.#messenger = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Waits for a conversation of which `test` holds. */
  async conversation(test: (view: ConversationView) => boolean): Promise<ConversationView> {
    const found = (): ConversationView | undefined =>
      this.page.state.kind === "ready" ? Object.values(this.state.conversations).find(test) : undefined;
    await this.page.until(() => found() !== undefined);
    return found() as ConversationView;
  }

  async says(conversation: ConversationId, text: string): Promise<string> {
    return (await this.page.perform("send", { conversation, text })).message;
  }

  /** Waits until the thread has an entry of which `test` holds. */
  async sees(conversation: ConversationId, test: (entry: EntryView) => boolean): Promise<EntryView> {
    const thread = await this.page.thread(conversation);
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        thread.entries(0, thread.count).then((entries) => {
          const found = entries.find(test);
          if (found === undefined) return;
          stop();
          resolve(found);
        }, reject);
      };
      const stop = thread.subscribe(look);
      look();
    });
  }

  async hears(conversation: ConversationId, text: string): Promise<MessageView> {
    return (await this.sees(conversation, (entry) => textOf(entry) === text)) as MessageView;
  }

  async thread(conversation: ConversationId): Promise<PageThread> {
    return await this.page.thread(conversation);
  }

  async entries(conversation: ConversationId): Promise<readonly EntryView[]> {
    const thread = await this.thread(conversation);
    return await thread.entries(0, thread.count);
  }

  async texts(conversation: ConversationId): Promise<readonly string[]> {
    return (await this.entries(conversation)).flatMap((entry) => textOf(entry) ?? []);
  }
}

function textOf(entry: EntryView): string | null {
  return entry.kind === "message" && entry.body.kind === "text" ? entry.body.text : null;
}
