import { accountId, conversationId, unixSeconds } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { type ConversationEvent, memoryStorage, type Storage } from "../src/index.ts";
import { keepsakes, takeKeepsakes } from "../src/messenger/keepsake.ts";
import { People } from "../src/messenger/people.ts";
import { Profile } from "../src/messenger/profile.ts";
import { takeBackups } from "../src/messenger/reunion.ts";
import { threadRecord } from "../src/messenger/stored-entry.ts";
import { Thread } from "../src/messenger/thread.ts";

const ME = accountId("ad".repeat(32));
const BEA = accountId("be".repeat(32));
const CAY = accountId("ca".repeat(32));
const TALK = conversationId("c0".repeat(32));

function said(n: number): ConversationEvent {
  const at = unixSeconds(n);
  const content = { id: `m${n}`, at, text: `t${n}` };
  return {
    kind: "message",
    conversation: TALK,
    seq: n,
    received: at,
    sender: BEA,
    deviceKey: "",
    day: 0 as never,
    content,
  };
}

/** A device with the messages from `from` to `to` of the one conversation. */
async function device(
  from: number,
  to: number,
): Promise<{ storage: Storage; thread: Thread; people: People }> {
  const storage = memoryStorage();
  const people = await People.open(storage, ME);
  const thread = Thread.begin(TALK, null, unixSeconds(1), { storage, me: ME, people });
  const events = Array.from({ length: to - from + 1 }, (_, i) => said(from + i));
  await thread.take(events, 0);
  return { storage, thread, people };
}

async function opened(storage: Storage): Promise<Thread> {
  const record = (await storage.load(threadRecord(TALK))) as Uint8Array;
  return Thread.restore(TALK, record, { storage, me: ME, people: await People.open(storage, ME) });
}

async function idsOf(thread: Thread): Promise<string[]> {
  return (await thread.entries(0, thread.count)).map((entry) => (entry.kind === "message" ? entry.id : ""));
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);

test.each([2, 63, 64, 300])(
  "ACC-44: what comes in while %i messages are sent does not make the thread longer than its history",
  async (count) => {
    const { storage, thread } = await device(1, count);
    let next = count;
    const sending = async function* (): AsyncGenerator<Uint8Array> {
      for await (const record of keepsakes(storage)) {
        yield record;
        // Between any two records enough comes in for a chunk of its own.
        const more = Array.from({ length: 65 }, () => said(++next));
        await thread.take(more, 0);
        await thread.change({ draft: `draft ${next}` });
      }
    };
    const fresh = memoryStorage();
    await takeKeepsakes(fresh, sending());
    const there = await opened(fresh);
    expect((await idsOf(there)).slice(0, count)).toEqual(numbered(1, count));
    await there.take([said(9999)], 0);
    expect((await idsOf(await opened(fresh))).at(-1)).toBe("m9999");
  },
);

test("ACC-44: a thread whose history is not all there is as long as what is there, and goes on", async () => {
  const { storage, thread } = await device(1, 300);
  await thread.markRead(250);
  for (const [lost, left] of [
    ["-0000002", 128],
    ["-0000004", 256],
    ["-0000000", 0],
  ] as const) {
    const fresh = memoryStorage();
    await takeKeepsakes(
      fresh,
      (async function* () {
        for await (const record of keepsakes(storage, (name) => !name.endsWith(lost))) yield record;
      })(),
    );
    const there = await opened(fresh);
    expect(await idsOf(there)).toEqual(numbered(1, left));
    expect(there.record.seen).toBeLessThanOrEqual(left);
    expect(there.record.unread).toBe(Math.max(0, left - 251));
    await there.take([said(400)], 0);
    expect(there.count).toBe(left + 1);
  }
});

/** A restored device, from these devices' backups in this order. */
async function reunited(...storages: readonly Storage[]): Promise<Storage> {
  const fresh = memoryStorage();
  await takeBackups(
    fresh,
    (async function* () {
      for (const storage of storages) yield keepsakes(storage);
    })(),
  );
  return fresh;
}

test.each([
  ["the laptop came later, without the history", [1, 300], [291, 300], 300],
  ["the laptop went on alone", [1, 300], [250, 420], 420],
  ["the laptop has more of what is new than the phone of what was before", [1, 80], [60, 420], 420],
  ["both have the same", [1, 70], [1, 70], 70],
] as const)(
  "ACC-54: of two devices' backups nothing is lost, in either order: %s",
  async (_, one, other, end) => {
    const [phone, laptop] = [await device(one[0], one[1]), await device(other[0], other[1])];
    for (const order of [
      [phone, laptop],
      [laptop, phone],
    ]) {
      const fresh = await reunited(...order.map(({ storage }) => storage));
      const there = await opened(fresh);
      expect(await idsOf(there)).toEqual(numbered(1, end));
      expect(await there.find(`m${end}`)).toBe(end - 1);
      await there.take([said(500)], 0);
      expect(there.count).toBe(end + 1);
      expect((await fresh.list()).filter((name) => !/^(thread|history)-/.test(name))).toEqual([]);
    }
  },
);

test("ACC-54: what only one of them knew of people stays known; the choices are those of the one used last", async () => {
  const [phone, laptop] = [await device(1, 10), await device(1, 20)];
  phone.people.named(BEA, "Bea");
  phone.people.verify(BEA, unixSeconds(5), ["aa"]);
  await phone.people.save();
  laptop.people.named(CAY, "Cay");
  laptop.people.meet(BEA);
  await laptop.people.save();
  await (await Profile.open(phone.storage, "Ada")).choose({ typing: false });
  await (await Profile.open(laptop.storage, "Ada")).choose({ receipts: false });
  for (const order of [
    [phone, laptop],
    [laptop, phone],
  ]) {
    const fresh = await reunited(...order.map(({ storage }) => storage));
    const people = await People.open(fresh, ME);
    expect([people.name(BEA), people.trust(BEA).kind, people.name(CAY)]).toEqual(["Bea", "verified", "Cay"]);
    const { settings } = await Profile.open(fresh, "nobody");
    expect(settings).toMatchObject({ typing: true, receipts: false });
  }
});
