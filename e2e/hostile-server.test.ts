import { type ConversationId, unixSeconds } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DAY, TestServer } from "../apps/server/test/deployment.ts";
import type { RefusedView } from "../packages/client/src/messenger/page.ts";
import { changed, flipped, forgedAdd } from "./lies.ts";
import { LyingProxy, type WireItem } from "./lying-proxy.ts";
import { chartered, Somebody } from "./people.ts";

const SECONDS_PER_DAY = 86_400;

describe("a server that lies to one of two people", () => {
  let server: TestServer;
  let proxy: LyingProxy;
  let ada: Somebody;
  let bea: Somebody;
  let talk: ConversationId;
  let count = 0;

  beforeAll(async () => {
    server = await TestServer.start();
    const charter = await chartered(server);
    proxy = await LyingProxy.start(() => server.url);
    const clock = { now: () => server.now };
    ada = await Somebody.signUp("Ada", server.url, clock);
    bea = await Somebody.signUp("Bea", proxy.url, clock);
    await bea.page.until((state) => state.kind === "ready" && state.connection.kind === "online");
    const { account } = await ada.page.perform("addContact", { code: bea.state.me.contactCode });
    await ada.page.perform("createConversation", { charter, title: "", accounts: [account] });
    talk = (await bea.conversation(() => true)).id;
    await ada.says(talk, "hello");
    await bea.hears(talk, "hello");
  });
  afterAll(async () => {
    await ada.remove();
    await bea.remove();
    proxy.stop();
    await server.stop();
  });

  /** Ada writes while Bea is kept waiting; then the lie. Gives what Bea is told, and that none of `hidden` is shown. */
  async function lie(
    texts: readonly string[],
    change: (items: WireItem[]) => WireItem[],
    expected: readonly string[],
    hidden: readonly string[] = texts,
  ): Promise<void> {
    proxy.holds = true;
    const before = (await bea.entries(talk)).length;
    for (const text of texts) await ada.says(talk, text);
    await ada.conversation(({ queued }) => queued === 0);
    await proxy.release(change);
    const after = `and on after lie ${++count}`;
    await ada.says(talk, after);
    await bea.hears(talk, after);
    const told = (await bea.entries(talk))
      .slice(before)
      .filter((entry): entry is RefusedView => entry.kind === "refused")
      .map(({ item, code }) => `${item}: ${code}`);
    expect(told).toEqual(expected);
    const shown = await bea.texts(talk);
    for (const text of hidden) expect(shown).not.toContain(text);
  }

  const messages = (items: readonly WireItem[]): WireItem[] =>
    items.filter(({ kind, submitter }) => kind === "message" && submitter === ada.account);

  test("MLS-51: messages in another order: the later one is shown, the earlier one is not slipped in behind it", async () => {
    await lie(
      ["first", "second"],
      (items) => {
        const [one, other] = messages(items).slice(-2) as [WireItem, WireItem];
        return changed(changed(items, one, { bytes: other.bytes }), other, {
          bytes: one.bytes,
        }) as WireItem[];
      },
      ["message: missing", "message: undecryptable"],
      ["first"],
    );
  });

  test("MLS-54: a message that is kept back is missed", async () => {
    await lie(
      ["kept back", "let through"],
      (items) => items.filter((item) => item !== messages(items).at(-2)),
      ["message: missing"],
      ["kept back"],
    );
  });

  test("MLS-51: a message that is delivered again is refused", async () => {
    await lie(
      ["only once"],
      (items) => {
        const last = messages(items).at(-1) as WireItem;
        return [...items, { ...last, seq: (items.at(-1)?.seq ?? 0) + 1 }];
      },
      ["message: undecryptable"],
      [],
    );
    const texts = await bea.texts(talk);
    expect(texts.filter((text) => text === "only once")).toHaveLength(1);
  });

  test("MLS-52: a message under another's stamp is refused", async () => {
    await lie(
      ["not from Bea"],
      (items) => changed(items, messages(items).at(-1) as WireItem, { submitter: bea.account }),
      ["message: submitter-mismatch"],
    );
  });

  test("MLS-37: a time that cannot be is refused", async () => {
    await lie(
      ["three days hence"],
      (items) => {
        const last = messages(items).at(-1) as WireItem;
        return changed(items, last, { at: last.at + 3 * SECONDS_PER_DAY });
      },
      ["message: stamp-refused"],
    );
  });

  test("MLS-53: a message that is altered is refused", async () => {
    await lie(
      ["as I wrote it"],
      (items) => {
        const last = messages(items).at(-1) as WireItem;
        return changed(items, last, { bytes: flipped(last.bytes) });
      },
      ["message: undecryptable"],
    );
  });

  test("MLS-23: a member that the server makes up gets in by no commit", async () => {
    const forged = await forgedAdd(talk, await epochOf(), {
      day: DAY,
      now: unixSeconds(DAY * SECONDS_PER_DAY + 43_200),
    });
    await lie(
      ["among us"],
      (items) => {
        const last = items.at(-1) as WireItem;
        const { epoch } = last;
        return [
          ...items,
          { seq: last.seq + 1, kind: "commit", epoch, submitter: ada.account, at: last.at, bytes: forged },
        ];
      },
      ["commit: commit-refused"],
      [],
    );
    expect(await bea.page.perform("members", { conversation: talk })).toHaveLength(2);
  });

  test("MLS-15: a key package of another account in place of the right one adds nobody", async () => {
    const cay = await Somebody.signUp("Cay", server.url, { now: () => server.now });
    const mallory = await Somebody.signUp("Mallory", server.url, { now: () => server.now });
    await mallory.page.until((state) => state.kind === "ready" && state.connection.kind === "online");
    let handed: unknown = null;
    proxy.answer = (path, json) => {
      if (!path.endsWith("/key-package")) return json;
      if (handed === null && path.includes(mallory.account)) handed = json;
      return path.includes(cay.account) && handed !== null ? handed : json;
    };
    await bea.page.perform("addContact", { code: cay.state.me.contactCode });
    await bea.page.perform("addContact", { code: mallory.state.me.contactCode });
    // The provider learns Mallory's key packages as anybody does.
    await bea.page.perform("createConversation", { charter: null, title: "", accounts: [mallory.account] });
    await mallory.conversation(() => true);
    await bea.page.perform("addMembers", { conversation: talk, accounts: [cay.account] });
    await bea.sees(
      talk,
      (entry) => entry.kind === "refused" && entry.item === "key-package" && entry.from === cay.account,
    );
    expect(await bea.page.perform("members", { conversation: talk })).toHaveLength(2);
    expect(bea.state.conversations[talk]?.waitingFor).toEqual([]);
    proxy.answer = (_, json) => json;
    await cay.remove();
    await mallory.remove();
  });

  test("MLS-27: a second group under the id of a live conversation is refused", async () => {
    proxy.answer = (path, json) => {
      if (path !== "/v1/welcomes") return json;
      const { welcomes } = json as { welcomes: { conversation: string }[] };
      return { welcomes: welcomes.map((welcome) => ({ ...welcome, conversation: talk })) };
    };
    await ada.page.perform("createConversation", { charter: null, title: "", accounts: [bea.account] });
    await bea.sees(
      talk,
      (entry) => entry.kind === "refused" && entry.item === "welcome" && entry.code === "second-group",
    );
    proxy.answer = (_, json) => json;
  });

  test("MLS-41, MLS-42: an altered envelope, and one that is left out, stop that day's messages", async () => {
    for (const [day, change, expected] of [
      [1, (item: WireItem) => [{ ...item, bytes: flipped(item.bytes) }], ["envelope: envelope-refused"]],
      [2, () => [], []],
    ] as const) {
      await server.tick(server.now + SECONDS_PER_DAY);
      const text = `under the lamp of day ${DAY + day}`;
      proxy.holds = true;
      const before = await refusals();
      await ada.says(talk, text);
      await ada.conversation(({ queued }) => queued === 0);
      await proxy.release((items) =>
        items.flatMap((item) => (item.kind === "envelope" ? change(item) : [item])),
      );
      const lost = "message: no-envelope";
      await until(
        async () =>
          (await refusals()).filter((one) => one === lost).length >
          before.filter((one) => one === lost).length,
      );
      expect((await refusals()).slice(before.length)).toEqual([...expected, lost]);
      expect(await bea.texts(talk)).not.toContain(text);
    }
  });

  /** What Bea was told was refused, each as often as it was: those of one kind in a row are one entry. */
  async function refusals(): Promise<string[]> {
    return (await bea.entries(talk)).flatMap((entry) =>
      entry.kind === "refused"
        ? Array.from({ length: entry.times }, () => `${entry.item}: ${entry.code}`)
        : [],
    );
  }

  /** Looks again with every change of what Bea sees. */
  async function until(holds: () => Promise<boolean>): Promise<void> {
    const thread = await bea.thread(talk);
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        holds().then((done) => {
          if (!done) return;
          stop();
          resolve();
        }, reject);
      };
      const stop = thread.subscribe(look);
      look();
    });
  }

  async function epochOf(): Promise<number> {
    const { items } = await fetchItems();
    return items.at(-1)?.epoch ?? 0;
  }

  async function fetchItems(): Promise<{ items: WireItem[] }> {
    let seen: WireItem[] = [];
    await lieless((items) => {
      seen = items;
      return items;
    });
    return { items: seen };
  }

  async function lieless(look: (items: WireItem[]) => WireItem[]): Promise<void> {
    proxy.holds = true;
    const text = `look ${++count}`;
    await ada.says(talk, text);
    await proxy.release(look);
    await bea.hears(talk, text);
  }
});
