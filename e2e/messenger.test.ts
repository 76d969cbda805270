import { openAsBlob } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatEntry } from "@porchlight/charter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "../apps/server/test/deployment.ts";
import type { ConversationView, EntryView, MessageView } from "../packages/client/src/messenger/page.ts";
import { charterOf, signedSuccession, successionDocument } from "../vectors/fixture/deployment.ts";
import { LyingProxy } from "./lying-proxy.ts";
import { chartered, Somebody } from "./people.ts";

describe("two people, then three, with the whole messenger and a real server", () => {
  let server: TestServer;
  let ada: Somebody;
  let bea: Somebody;
  let charter: Awaited<ReturnType<typeof chartered>>;
  let talk: ConversationView;

  beforeAll(async () => {
    server = await TestServer.start();
    charter = await chartered(server);
    const clock = { now: () => server.now };
    ada = await Somebody.signUp("Ada", server.url, clock);
    bea = await Somebody.signUp("Bea", server.url, clock);
  });
  afterAll(async () => {
    await ada.remove();
    await bea.remove();
    await server.stop();
  });

  test("begin a conversation, know who can open it, and talk", async () => {
    await ada.page.until((state) => state.kind === "ready" && state.connection.kind === "online");
    await bea.page.until((state) => state.kind === "ready" && state.connection.kind === "online");
    expect(ada.state.charters[charter]).toMatchObject({
      kind: "court",
      threshold: 3,
      history: { orders: 0, revoked: 0 },
    });
    const { account } = await ada.page.perform("addContact", { code: bea.state.me.contactCode });
    expect(account).toBe(bea.account);
    await ada.page.perform("createConversation", { charter, title: "", accounts: [account] });
    talk = await bea.conversation(() => true);
    expect(talk).toMatchObject({ kind: "direct", peer: ada.account, charter });
    await ada.says(talk.id, "Good morning, Bea");
    expect(await bea.hears(talk.id, "Good morning, Bea")).toMatchObject({
      from: ada.account,
      fromMe: false,
      delivery: null,
    });
    expect((await bea.conversation(({ title }) => title === "Ada")).unread).toBe(1);
    await bea.says(talk.id, "Morning!");
    await ada.hears(talk.id, "Morning!");
  });

  test("see what was delivered and read", async () => {
    const id = await ada.says(talk.id, "Are you there?");
    const own = (kind: string) => (entry: { kind: string }) =>
      entry.kind === "message" &&
      (entry as MessageView).id === id &&
      (entry as MessageView).delivery?.kind === kind;
    await ada.sees(talk.id, own("delivered"));
    const thread = await bea.thread(talk.id);
    await bea.hears(talk.id, "Are you there?");
    await bea.page.perform("markRead", { conversation: talk.id, upTo: thread.count - 1 });
    expect(bea.state.conversations[talk.id]?.unread).toBe(0);
    await ada.sees(talk.id, own("read"));
  });

  test("CON-4: who does not say what they have read is not shown what others have, until they say it again", async () => {
    const id = await ada.says(talk.id, "Did you see the fox?");
    await bea.hears(talk.id, "Did you see the fox?");
    await bea.page.perform("markRead", {
      conversation: talk.id,
      upTo: (await bea.thread(talk.id)).count - 1,
    });
    const own = (kind: string) => (entry: EntryView) =>
      entry.kind === "message" && entry.id === id && entry.delivery?.kind === kind;
    await ada.sees(talk.id, own("read"));
    await ada.page.perform("changeSettings", { receipts: false });
    const shown = (await ada.sees(talk.id, own("delivered"))) as MessageView;
    expect(shown.delivery).toEqual({ kind: "delivered", received: 1, read: 0, of: 1, lost: [] });
    const answer = await bea.says(talk.id, "The fox? Twice!");
    await ada.hears(talk.id, "The fox? Twice!");
    await ada.page.perform("markRead", {
      conversation: talk.id,
      upTo: (await ada.thread(talk.id)).count - 1,
    });
    await ada.says(talk.id, "And a cub");
    await bea.hears(talk.id, "And a cub");
    const said = (await bea.entries(talk.id)).find(
      (entry) => entry.kind === "message" && entry.id === answer,
    );
    expect(said).toMatchObject({ delivery: { kind: "sent", received: 0, read: 0 } });
    await ada.page.perform("changeSettings", { receipts: true });
    await ada.sees(talk.id, own("read"));
    await bea.sees(
      talk.id,
      (entry) => entry.kind === "message" && entry.id === answer && entry.delivery?.kind === "read",
    );
  });

  test("reply, react, change and take back", async () => {
    const question = await ada.says(talk.id, "Soup tonigt?");
    await bea.hears(talk.id, "Soup tonigt?");
    await ada.page.perform("edit", { conversation: talk.id, message: question, text: "Soup tonight?" });
    const edited = await bea.hears(talk.id, "Soup tonight?");
    expect(edited.editedAt).not.toBeNull();
    await bea.page.perform("send", { conversation: talk.id, text: "Yes", replyTo: question });
    const reply = await ada.hears(talk.id, "Yes");
    expect(reply.replyTo?.found).toMatchObject({ from: ada.account, text: "Soup tonight?" });
    await bea.page.perform("react", { conversation: talk.id, message: question, emoji: "🥣" });
    const reacted = (await ada.sees(
      talk.id,
      (entry) => entry.kind === "message" && entry.reactions.length > 0,
    )) as MessageView;
    expect(reacted.reactions).toEqual([{ emoji: "🥣", by: [bea.account], byMe: false }]);
    await expect(
      bea.page.perform("deleteMessage", { conversation: talk.id, message: question }),
    ).rejects.toMatchObject({ code: "not-the-author" });
    await ada.page.perform("deleteMessage", { conversation: talk.id, message: question });
    await bea.sees(
      talk.id,
      (entry) => entry.kind === "message" && entry.id === question && entry.body.kind === "deleted",
    );
  });

  test("compare safety numbers", async () => {
    const [one, other] = await Promise.all([
      ada.page.perform("safetyNumber", { account: bea.account }),
      bea.page.perform("safetyNumber", { account: ada.account }),
    ]);
    expect(one.digits).toBe(other.digits);
    expect(one.digits).toMatch(/^(\d{5} ){11}\d{5}$/);
    const scan = { account: bea.account, scanned: one.qr };
    // The own code held before the own camera.
    expect(await ada.page.perform("verifyContact", scan)).toEqual({ matches: false });
    const matches = await ada.page.perform("verifyContact", { ...scan, scanned: other.qr });
    expect(matches).toEqual({ matches: true });
    await ada.page.until(
      (state) => state.kind === "ready" && state.contacts[bea.account]?.trust.kind === "verified",
    );
  });

  test("send a picture with its preview, and fetch it", async () => {
    const bytes = new Uint8Array(1_500_000).map((_, i) => (i * 31) % 251);
    const preview = { type: "image/png", width: 4, height: 3, bytes: Uint8Array.of(1, 2, 3) } as const;
    await ada.page.perform("send", {
      conversation: talk.id,
      text: "the porch",
      attachments: [{ file: new Blob([bytes], { type: "image/png" }), name: "porch.png", preview }],
    });
    // Not sent yet, it is known in the list by its name.
    await ada.page.perform("send", {
      conversation: talk.id,
      text: "",
      attachments: [{ file: new Blob([bytes]), name: "plan.bin", preview: null }],
    });
    expect(ada.state.conversations[talk.id]?.last).toMatchObject({ kind: "attachment", text: "plan.bin" });
    const message = await bea.hears(talk.id, "the porch");
    expect(message.body).toMatchObject({
      attachments: [
        { name: "porch.png", type: "image/png", size: bytes.length, preview: { width: 4, height: 3 } },
      ],
    });
    const { file } = await bea.page.perform("download", {
      conversation: talk.id,
      message: message.id,
      attachment: 0,
    });
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes);
    expect(bea.state.transfers).toEqual({});
    await ada.page.until((state) => state.kind === "ready" && state.conversations[talk.id]?.queued === 0);
  });

  test("write while the server is away and over a restart, and nothing is lost or doubled", async () => {
    await server.kill();
    await ada.says(talk.id, "one, offline");
    await ada.says(talk.id, "two, offline");
    const waiting = (await ada.entries(talk.id)).slice(-2);
    expect(waiting.map((entry) => (entry as MessageView).delivery)).toEqual([
      { kind: "queued" },
      { kind: "queued" },
    ]);
    // CON-16: shown as made, and as waiting.
    await ada.page.perform("rename", { conversation: talk.id, title: "Soup" });
    expect(ada.state.conversations[talk.id]).toMatchObject({
      queued: 2,
      title: "Soup",
      renameWaiting: true,
    });
    await ada.stop();
    await ada.start();
    expect(ada.page.state).toMatchObject({ kind: "locked", name: "Ada", ways: [{ kind: "passphrase" }] });
    await expect(
      ada.page.perform("unlock", { kind: "passphrase", passphrase: "another one" }),
    ).rejects.toMatchObject({ code: "unlock-refused" });
    await ada.unlock();
    expect((await ada.texts(talk.id)).slice(-2)).toEqual(["one, offline", "two, offline"]);
    expect(ada.state.contacts[bea.account]).toMatchObject({ name: "Bea", trust: { kind: "verified" } });
    await server.run();
    await bea.hears(talk.id, "two, offline");
    const texts = await bea.texts(talk.id);
    expect(texts.filter((text) => text.endsWith("offline"))).toEqual(["one, offline", "two, offline"]);
    await bea.conversation(({ title }) => title === "Soup");
    await ada.conversation(({ queued, renameWaiting }) => queued === 0 && !renameWaiting);
  });

  test("take in a third, who reads from then on, and remove her", async () => {
    const cay = await Somebody.signUp("Cay", server.url, { now: () => server.now });
    try {
      await cay.page.until((state) => state.kind === "ready" && state.connection.kind === "online");
      await ada.page.perform("addContact", { code: cay.state.me.contactCode });
      await ada.page.perform("addMembers", { conversation: talk.id, accounts: [cay.account] });
      await ada.page.perform("rename", { conversation: talk.id, title: "Soup club" });
      await cay.conversation(({ title, people }) => title === "Soup club" && people === 3);
      await bea.sees(talk.id, (entry) => entry.kind === "event" && entry.event.kind === "joined");
      await bea.says(talk.id, "Welcome, Cay");
      await cay.hears(talk.id, "Welcome, Cay");
      expect(await cay.texts(talk.id)).toEqual(["Welcome, Cay"]);
      const before = (await ada.entries(talk.id)).find((entry) => entry.kind === "message" && entry.fromMe);
      expect((before as MessageView).delivery).toMatchObject({ of: 1 });
      const members = await cay.page.perform("members", { conversation: talk.id });
      expect(members.map(({ name }) => name).sort()).toEqual(["Ada", "Bea", "Cay"]);
      await ada.page.perform("removeMember", { conversation: talk.id, account: cay.account });
      await cay.conversation(({ status }) => status.kind === "left");
      await expect(cay.says(talk.id, "Hello?")).rejects.toMatchObject({ code: "not-in-conversation" });
    } finally {
      await cay.remove();
    }
  });

  test("CON-14: who declines another charter has left, and nobody reads that the other removed them", async () => {
    const begin = { charter, title: "Under which rules", accounts: [bea.account] };
    const { conversation } = await ada.page.perform("createConversation", begin);
    await bea.conversation(({ id }) => id === conversation);
    await ada.says(conversation, "as we agreed");
    await bea.hears(conversation, "as we agreed");
    await ada.page.perform("proposeCharter", { conversation, charter: null });
    await bea.conversation(({ id, status }) => id === conversation && status.kind === "charter-proposed");
    await bea.page.perform("declineCharter", { conversation });
    ada.hurry();
    const left = await ada.sees(
      conversation,
      (entry) => entry.kind === "event" && entry.event.kind === "left",
    );
    expect(left).toMatchObject({ by: bea.account, byMe: false });
    expect(bea.state.conversations[conversation]?.status).toEqual({ kind: "left" });
  });

  test("ATT-14: a file that changed or went before it was sent is refused, and nothing else is lost", async () => {
    const path = join(ada.directory, "changing.txt");
    for (const size of [10, 33 * 1024 * 1024]) {
      await writeFile(path, new Uint8Array(size));
      const file = await openAsBlob(path);
      await writeFile(path, new Uint8Array(size + 1));
      // A file that is on the disk goes to the messenger alone: in Node it cannot pass a port.
      await expect(
        ada.messenger.perform("send", {
          conversation: talk.id,
          text: "see what is in it",
          attachments: [
            { file: new Blob(["a"]), name: "kept.txt", preview: null },
            { file, name: "changing.txt", preview: null },
          ],
        }),
      ).rejects.toMatchObject({ code: "file-unreadable" });
    }
    expect(ada.state).toMatchObject({ kind: "ready", transfers: {} });
    expect(await ada.texts(talk.id)).not.toContain("see what is in it");
    await ada.says(talk.id, "and on it goes");
    await bea.hears(talk.id, "and on it goes");
  });

  describe("somebody whose line refuses what the test says", () => {
    let proxy: LyingProxy;
    let dee: Somebody;
    let conversation: ConversationView["id"];

    beforeAll(async () => {
      proxy = await LyingProxy.start(() => server.url);
      dee = await Somebody.signUp("Dee", proxy.url, { now: () => server.now });
    });
    afterAll(async () => {
      await dee.remove();
      proxy.stop();
    });

    test("CON-15: what is written before somebody's device was online waits for them, and says so", async () => {
      // As the server answers while none of Ada's devices has left a key package.
      proxy.refuses = (_, path) => (path.endsWith("/key-package") ? "no-key-package" : null);
      await dee.page.perform("addContact", { code: ada.state.me.contactCode });
      const begin = { charter, title: "", accounts: [ada.account] };
      ({ conversation } = await dee.page.perform("createConversation", begin));
      const early = await dee.says(conversation, "Welcome, whenever you come");
      // Nobody is removed by it, and it is answered once the conversation was looked at both ways.
      await dee.page.perform("removeMember", { conversation, account: bea.account });
      const held = (await dee.entries(conversation)).find(
        (entry) => entry.kind === "message" && entry.id === early,
      );
      expect(held).toMatchObject({ delivery: { kind: "queued" } });
      expect(dee.state.conversations[conversation]).toMatchObject({
        people: 1,
        queued: 1,
        waitingFor: [ada.account],
      });
      proxy.refuses = () => null;
      dee.hurry();
      await ada.conversation(({ id }) => id === conversation);
      await ada.hears(conversation, "Welcome, whenever you come");
      await dee.conversation(({ id, queued }) => id === conversation && queued === 0);
      expect(dee.state.conversations[conversation]).toMatchObject({ people: 2, waitingFor: [] });
    });

    test("CON-16: a deletion, a reaction and a name that were refused are not shown as done, and can be tried again or let go", async () => {
      const secret = await dee.says(conversation, "a secret");
      await ada.hears(conversation, "a secret");
      const own = async (test: (message: MessageView) => boolean): Promise<MessageView> =>
        (await dee.sees(
          conversation,
          (entry) => entry.kind === "message" && entry.id === secret && test(entry),
        )) as MessageView;
      await own(({ delivery }) => delivery?.kind !== "queued");
      const about = { conversation, message: secret };
      proxy.refuses = (method, path) => (method === "POST" && path.endsWith("/items") ? "quota" : null);
      await dee.page.perform("react", { ...about, emoji: "🤫" });
      await dee.page.perform("deleteMessage", about);
      await dee.page.perform("rename", { conversation, title: "Nothing here" });
      const refused = await own(
        ({ changes }) => changes.length === 2 && changes.every((change) => change.refused !== null),
      );
      expect(refused).toMatchObject({
        body: { kind: "text", text: "a secret" },
        reactions: [],
        changes: [
          { kind: "reaction", refused: "quota" },
          { kind: "deletion", refused: "quota" },
        ],
      });
      const { renameRefused } = await dee.conversation((view) => view.renameRefused !== null);
      expect(renameRefused).toMatchObject({ title: "Nothing here", code: "quota" });
      expect(dee.state.conversations[conversation]?.title).toBe("Ada");
      proxy.refuses = () => null;
      const [reaction, deletion] = refused.changes.map(({ id }) => id) as [string, string];
      await dee.page.perform("discard", { conversation, message: reaction });
      await dee.page.perform("discard", { conversation, message: renameRefused?.id as string });
      await dee.page.perform("retry", { conversation, message: deletion });
      const isGone = (entry: EntryView) =>
        entry.kind === "message" && entry.id === secret && entry.body.kind === "deleted";
      expect(await ada.sees(conversation, isGone)).toMatchObject({ reactions: [] });
      expect(await own(({ changes }) => changes.length === 0)).toMatchObject({ body: { kind: "deleted" } });
      expect(dee.state.conversations[conversation]).toMatchObject({ title: "Ada", renameRefused: null });
    });

    test("ATT-12: one file is taken out of a message, which goes without it and leaves nothing at the server", async () => {
      const isPart = (path: string) => /^\/v1\/attachments\/[0-9a-f]+\/parts\//.test(path);
      const cancelled: string[] = [];
      proxy.refuses = (method, path) => {
        if (path.endsWith("/cancel")) cancelled.push(path);
        return method === "POST" && isPart(path) ? "unavailable" : null;
      };
      const attachments = ["one", "two", "three"].map((name) => ({
        file: new Blob([name.repeat(1000)]),
        name,
        preview: null,
      }));
      const send = { conversation, text: "three drawings", attachments };
      const { message } = await dee.page.perform("send", send);
      const alone = await dee.page.perform("send", {
        ...send,
        text: "",
        attachments: attachments.slice(0, 1),
      });
      const waiting = (id: string) =>
        Object.values(dee.state.transfers).filter((transfer) => transfer.message === id);
      await dee.page.until(() => waiting(message).length === 3 && waiting(alone.message).length === 1);
      const gone = [...waiting(alone.message), ...waiting(message).filter(({ name }) => name === "two")];
      for (const { id } of gone) await dee.page.perform("cancelTransfer", { transfer: id });
      expect(await dee.page.perform("indexOf", { conversation, message: alone.message })).toBeNull();
      const places = waiting(message).map(({ name, attachment }) => `${attachment} ${name}`);
      expect(places.sort()).toEqual(["0 one", "1 three"]);
      proxy.refuses = (_, path) => {
        if (path.endsWith("/cancel")) cancelled.push(path);
        return null;
      };
      dee.hurry();
      const heard = await ada.hears(conversation, "three drawings");
      expect(heard.body).toMatchObject({ attachments: [{ name: "one" }, { name: "three" }] });
      const third = { conversation, message: heard.id, attachment: 1 };
      const { file } = await ada.page.perform("download", third);
      expect(await file.text()).toBe("three".repeat(1000));
      expect(new Set(cancelled).size).toBe(2);
    });
  });

  test("a second program finds the device taken, a second page shares it", async () => {
    const other = bea.open();
    await other.until(({ kind }) => kind === "ready");
    await other.perform("draft", { conversation: talk.id, text: "half a thou" });
    await bea.conversation(({ draft }) => draft === "half a thou");
    other.close();
  });

  test("CHA-25: are told in the conversation, once, who took a lost keyholder's place, and see it among who can open this", async () => {
    const succession = successionDocument(await charterOf("court"));
    const document = await signedSuccession(await charterOf("court"), succession);
    const index = await server.client().appendEntry(formatEntry({ type: "succession", document }));
    await server.client().waitForCheckpoint(index + 1, { wait: 60 });
    const { name } = succession.keyholder;
    const { ground, at } = succession;
    const replacement = { lost: "Keyholder 2", successor: name, ground, at };
    const isTold = (entry: EntryView) => entry.kind === "event" && entry.event.kind === "keyholder-replaced";
    for (const one of [ada, bea]) {
      one.hurry();
      expect(await one.sees(talk.id, isTold)).toMatchObject({ event: { charter, replacement } });
      expect(one.state.charters[charter]?.replacements).toEqual([replacement]);
      expect(one.state.charters[charter]?.keyholders[1]?.name).toBe(name);
    }
    await ada.stop();
    await ada.start();
    await ada.unlock();
    await ada.page.until((state) => state.kind === "ready" && state.connection.kind === "online");
    expect((await ada.entries(talk.id)).filter(isTold).length).toBe(1);
    // A conversation that begins afterwards has nothing to tell: it is in "Who can open this".
    const { conversation } = await ada.page.perform("createConversation", {
      charter,
      title: "Afterwards",
      accounts: [bea.account],
    });
    await bea.conversation(({ id }) => id === conversation);
    for (const one of [ada, bea]) {
      one.hurry();
      expect((await one.entries(conversation)).filter(isTold)).toEqual([]);
    }
  });
});
