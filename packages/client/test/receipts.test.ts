import { type AccountId, accountId, conversationId, unixSeconds } from "@porchlight/encoding";
import { expect, test } from "vitest";
import type { Content } from "../src/content.ts";
import type { ConversationEvent } from "../src/events.ts";
import { memoryStorage } from "../src/index.ts";
import { type Lost, type Owed, withLost, withOwed } from "../src/messenger/gaps.ts";
import { People } from "../src/messenger/people.ts";
import { Thread } from "../src/messenger/thread.ts";

const CONVERSATION = conversationId("c0".repeat(32));
const NOW = unixSeconds(1_800_000_000);
const ADA = accountId("ad".repeat(32));
const BEA = accountId("be".repeat(32));
const CAY = accountId("ca".repeat(32));
const ALL = [ADA, BEA, CAY];

/** One device: what the server delivered to it, and what it made of it. */
class Device {
  readonly thread: Thread;
  readonly #me: AccountId;
  #taken = 0;

  private constructor(me: AccountId, thread: Thread) {
    this.#me = me;
    this.thread = thread;
    thread.others = () => new Set(ALL.filter((account) => account !== me));
  }

  static async of(me: AccountId): Promise<Device> {
    const storage = memoryStorage();
    const people = await People.open(storage, me);
    return new Device(me, Thread.begin(CONVERSATION, null, NOW, { storage, me, people }));
  }

  async gets(seq: number, from: AccountId, content: Content): Promise<void> {
    const at = { conversation: CONVERSATION, seq, received: NOW };
    await this.#take(
      from === this.#me
        ? { ...at, kind: "delivered", content }
        : { ...at, kind: "message", sender: from, deviceKey: from, day: 0 as never, content },
    );
  }

  async refuses(
    seq: number,
    from: AccountId,
    code: "undecryptable" | "replayed" = "undecryptable",
  ): Promise<void> {
    const at = { conversation: CONVERSATION, seq, received: NOW };
    await this.#take({ ...at, kind: "refused", item: "message", code, submitter: from });
  }

  /** What came before this of the sender's device is not all here. */
  async misses(seq: number, sender: AccountId): Promise<void> {
    const at = { conversation: CONVERSATION, seq, received: NOW };
    await this.#take({ ...at, kind: "skipped", sender, deviceKey: sender });
  }

  /** The receipt that is due, as its content. */
  async receipt(): Promise<Content> {
    const due = await this.thread.receipt();
    if (due === null) throw new TypeError("no receipt is due");
    await this.thread.change(due.told);
    return { id: "r", at: NOW, text: "", kind: "receipt", ...due.content };
  }

  async delivery(message: string): Promise<unknown> {
    const place = (await this.thread.find(message)) as number;
    const [entry] = await this.thread.entries(place, place + 1);
    return entry?.kind === "message" ? entry.delivery : null;
  }

  /** Somebody goes, or comes (back): what the commit does, and who is there from then on. */
  async goes(seq: number, account: AccountId): Promise<void> {
    const others = [...this.thread.others()].filter((one) => one !== account);
    await this.#members(seq, { left: [account] });
    this.thread.others = () => new Set(others);
  }

  async comes(seq: number, account: AccountId): Promise<void> {
    const others = [...this.thread.others(), account];
    await this.#members(seq, { added: [{ account, deviceKey: account }] });
    this.thread.others = () => new Set(others);
  }

  async #members(
    seq: number,
    change: Partial<Extract<ConversationEvent, { kind: "members" }>>,
  ): Promise<void> {
    const at = { conversation: CONVERSATION, seq, received: NOW };
    const nothing = { added: [], removed: [], newDevices: [], left: [] };
    await this.#take({ ...at, kind: "members", by: ADA, ...nothing, ...change });
  }

  async #take(event: ConversationEvent): Promise<void> {
    await this.thread.take([event], this.#taken++);
  }
}

const says = (id: string): Content => ({ id, at: NOW, text: id });

test("CON-13: no receipt stands for what its sender refused, nor for what did not arrive; everything around it is read", async () => {
  const [ada, bea, cay] = [await Device.of(ADA), await Device.of(BEA), await Device.of(CAY)];
  for (const [i, id] of ["m1", "m2", "m3", "m4"].entries()) {
    await ada.gets(i + 1, ADA, says(id));
    await cay.gets(i + 1, ADA, says(id));
    if (id === "m2") await bea.refuses(i + 1, ADA);
    else await bea.gets(i + 1, ADA, says(id));
  }
  for (const device of [bea, cay]) {
    await device.thread.markRead(9);
    const receipt = await device.receipt();
    await ada.gets(5, device === bea ? BEA : CAY, receipt);
  }
  const read = { kind: "read", received: 2, read: 2, of: 2, lost: [] };
  expect(await ada.delivery("m1")).toEqual(read);
  expect(await ada.delivery("m2")).toEqual({ kind: "lost", received: 1, read: 1, of: 2, lost: [BEA] });
  expect(await ada.delivery("m3")).toEqual(read);
  expect(await ada.delivery("m4")).toEqual(read);
});

test("CON-13: what was refused last is told with the next message of another's, and once", async () => {
  const [ada, bea] = [await Device.of(ADA), await Device.of(BEA)];
  await ada.gets(1, ADA, says("m1"));
  await ada.gets(2, ADA, says("m2"));
  await bea.gets(1, ADA, says("m1"));
  await bea.refuses(2, ADA);
  expect(await bea.receipt()).not.toHaveProperty("gaps");
  await ada.gets(3, ADA, says("m3"));
  await bea.gets(3, ADA, says("m3"));
  const told = await bea.receipt();
  expect(told.gaps).toEqual([{ after: "m1", before: "m3" }]);
  await bea.gets(4, ADA, says("m4"));
  expect(await bea.receipt()).not.toHaveProperty("gaps");
  // CON-12: of messages that nobody here knows it says nothing.
  await ada.gets(5, BEA, {
    ...told,
    gaps: [
      { after: "m1", before: "m9" },
      { after: "m8", before: "m3" },
    ],
  });
  expect(await ada.delivery("m2")).toMatchObject({ lost: [] });
  await ada.gets(6, BEA, told);
  expect(await ada.delivery("m2")).toMatchObject({ kind: "lost", lost: [BEA] });
});

test("CON-13: what the server says of who sent a refused message takes it out of no gap", async () => {
  const [ada, bea] = [await Device.of(ADA), await Device.of(BEA)];
  for (const [i, id] of ["m1", "m2", "m3"].entries()) {
    await ada.gets(i + 1, ADA, says(id));
    if (id === "m2") await bea.refuses(i + 1, BEA);
    else await bea.gets(i + 1, ADA, says(id));
  }
  await bea.thread.markRead(9);
  await ada.gets(4, BEA, await bea.receipt());
  expect(await ada.delivery("m1")).toMatchObject({ read: 1, lost: [] });
  expect(await ada.delivery("m2")).toMatchObject({ kind: "lost", lost: [BEA] });
  expect(await ada.delivery("m3")).toMatchObject({ read: 1, lost: [] });
});

test("CON-13: a message that is kept back is in a gap of its sender's, whatever was told of before, and of nobody else's", async () => {
  const [ada, bea, cay] = [await Device.of(ADA), await Device.of(BEA), await Device.of(CAY)];
  await ada.gets(1, ADA, says("a1"));
  await bea.gets(1, ADA, says("a1"));
  await cay.gets(1, ADA, says("a1"));
  // Bea's device refuses something that the server made up, and does not get a2; Cay's words stand between.
  await ada.gets(2, ADA, says("a2"));
  await cay.gets(2, ADA, says("a2"));
  await ada.gets(3, CAY, says("c1"));
  await cay.gets(3, CAY, says("c1"));
  await bea.gets(3, CAY, says("c1"));
  await bea.misses(4, ADA);
  for (const device of [ada, bea, cay]) await device.gets(4, ADA, says("a3"));
  // Of Cay's own nothing is missing, and of Bea's other device nobody needs to know.
  await bea.misses(5, BEA);
  for (const device of [ada, bea, cay]) await device.gets(5, BEA, says("b1"));
  await bea.thread.markRead(9);
  const receipt = await bea.receipt();
  expect(receipt.gaps).toEqual([{ after: "a1", before: "a3", from: ADA }]);
  await ada.gets(6, BEA, receipt);
  await cay.gets(6, BEA, receipt);
  expect(await ada.delivery("a1")).toMatchObject({ lost: [] });
  expect(await ada.delivery("a2")).toMatchObject({ kind: "lost", lost: [BEA] });
  expect(await ada.delivery("a3")).toMatchObject({ lost: [] });
  expect(await cay.delivery("c1")).toMatchObject({ read: 1, lost: [] });
});

test("CON-13: more gaps than one receipt holds come in several, and none is forgotten", async () => {
  const [ada, bea] = [await Device.of(ADA), await Device.of(BEA)];
  for (let i = 1; i <= 60; i++) {
    await ada.gets(i, ADA, says(`m${i}`));
    if (i % 2 === 0 && i < 60) await bea.refuses(i, ADA);
    else await bea.gets(i, ADA, says(`m${i}`));
  }
  await bea.thread.markRead(99);
  for (let seq = 61; (await bea.thread.receipt()) !== null; seq++) {
    const receipt = await bea.receipt();
    expect(receipt.gaps?.length ?? 0).toBeLessThanOrEqual(20);
    await ada.gets(seq, BEA, receipt);
    // Nothing is said to be read before the gap in which it would be is told.
    for (let i = 2; i < 60; i += 2) expect(await ada.delivery(`m${i}`)).not.toMatchObject({ read: 1 });
  }
  for (let i = 1; i <= 60; i++) {
    const kind = i % 2 === 0 && i < 60 ? "lost" : "sent";
    expect(await ada.delivery(`m${i}`), `m${i}`).toMatchObject(
      kind === "lost" ? { kind } : { read: 1, lost: [] },
    );
  }
});

test("CON-13: of more places than are kept the oldest become one that reaches further; nothing in them counts as read", () => {
  let owed: readonly Owed[] = [];
  let lost: readonly Lost[] = [];
  for (let place = 0; place < 1000; place += 2) {
    owed = withOwed(owed, { from: place, to: place });
    lost = withLost(lost, [{ from: place, to: place + 1 }]);
  }
  expect([owed.length, lost.length]).toEqual([200, 200]);
  expect(owed[0]).toEqual({ from: 0, to: 600 });
  expect(lost[0]).toEqual({ from: 0, to: 601 });
  expect(lost.at(-1)).toEqual({ from: 998, to: 999 });
});

test("refusals of one kind in a row are one entry with their number, also where a crash has them taken twice", async () => {
  const bea = await Device.of(BEA);
  await bea.gets(1, ADA, says("m1"));
  for (const seq of [2, 3, 4]) await bea.refuses(seq, ADA);
  await bea.refuses(4, ADA);
  await bea.refuses(5, ADA, "replayed");
  await bea.refuses(6, CAY, "replayed");
  const entries = await bea.thread.entries(0, 9);
  expect(entries.map((entry) => (entry.kind === "refused" ? [entry.code, entry.times] : entry.kind))).toEqual(
    ["message", ["undecryptable", 3], ["replayed", 1], ["replayed", 1]],
  );
});

test("CON-4: what was read stays read when its reader leaves, and when they are back", async () => {
  const [ada, bea] = [await Device.of(ADA), await Device.of(BEA)];
  const state = async (id: string) => {
    const { kind, read, of } = (await ada.delivery(id)) as { kind: string; read: number; of: number };
    return `${kind} ${read}/${of}`;
  };
  for (const device of [ada, bea]) await device.gets(1, ADA, says("m1"));
  await bea.thread.markRead(9);
  await ada.gets(2, BEA, await bea.receipt());
  expect(await state("m1")).toBe("sent 1/2");
  // Who goes without having had it is waited for no longer; who had it is still one of those who did.
  await ada.goes(3, CAY);
  expect(await state("m1")).toBe("read 1/1");
  await ada.goes(4, BEA);
  expect(await state("m1")).toBe("read 1/1");
  await ada.gets(5, ADA, says("m2"));
  expect(await state("m2")).toBe("sent 0/0");
  await ada.comes(6, BEA);
  await ada.comes(6, CAY);
  expect([await state("m1"), await state("m2")]).toEqual(["read 1/1", "sent 0/0"]);
  for (const device of [ada, bea]) await device.gets(7, ADA, says("m3"));
  await bea.thread.markRead(9);
  await ada.gets(8, BEA, await bea.receipt());
  expect(await state("m3")).toBe("sent 1/2");
  // Of what was written while they were away they have nothing, however far they have read since.
  await ada.goes(9, BEA);
  await ada.goes(9, CAY);
  expect([await state("m1"), await state("m2"), await state("m3")]).toEqual([
    "read 1/1",
    "sent 0/0",
    "read 1/1",
  ]);
});
