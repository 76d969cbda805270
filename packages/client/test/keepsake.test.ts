import { type AccountId, accountId, conversationId, unixSeconds } from "@porchlight/encoding";
import { expect, test } from "vitest";
import type { Content } from "../src/content.ts";
import { type ConversationEvent, memoryStorage, type Storage } from "../src/index.ts";
import { handover, keepsakes, takeKeepsakes } from "../src/messenger/keepsake.ts";
import { mergedPeople, People } from "../src/messenger/people.ts";
import { Profile } from "../src/messenger/profile.ts";
import { takeBackups } from "../src/messenger/reunion.ts";
import { threadRecord } from "../src/messenger/stored-entry.ts";
import { Thread } from "../src/messenger/thread.ts";

const ME = accountId("ad".repeat(32));
const BEA = accountId("be".repeat(32));
const CAY = accountId("ca".repeat(32));
const TALK = conversationId("c0".repeat(32));

function said(n: number, content: Partial<Content> = {}, sender: AccountId = BEA): ConversationEvent {
  const at = unixSeconds(n);
  return {
    kind: "message",
    conversation: TALK,
    seq: n,
    received: at,
    sender,
    deviceKey: "",
    day: 0 as never,
    content: { id: `m${n}`, at, text: `t${n}`, ...content },
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

test("ACC-45: the new device knows how much comes; stopped on either side, it has the conversations that are there whole", async () => {
  const storage = memoryStorage();
  const people = await People.open(storage, ME);
  people.named(BEA, "Bea");
  const other = conversationId("0e".repeat(32));
  for (const [id, from] of [
    [other, 1],
    [TALK, 2_000],
  ] as const) {
    const thread = Thread.begin(id, null, unixSeconds(1), { storage, me: ME, people });
    await thread.take(
      Array.from({ length: 1_000 }, (_, i) => said(from + i)),
      0,
    );
  }
  const all = (await storage.list()).length;

  /** What arrives, and what is known of it on the way, where the sender stops after `sent` and nothing comes after `came`. */
  const over = async (sent: number, came: number) => {
    const [fresh, stop] = [memoryStorage(), new AbortController()];
    const progress: string[] = [];
    async function* arriving(): AsyncGenerator<Uint8Array> {
      const records = handover(storage, {
        isWanted: () => true,
        signal: stop.signal,
        onProgress: ({ done, total }) => {
          expect(total).toBe(all);
          if (done >= sent) stop.abort();
        },
      });
      let arrived = 0;
      for await (const record of records) {
        if (arrived++ > came) return;
        yield record;
      }
    }
    await takeKeepsakes(fresh, arriving(), ({ done, total }) => progress.push(`${done}/${total}`));
    return { fresh, progress, names: await fresh.list() };
  };
  const whole = await over(all + 1, all + 1);
  expect(whole.progress).toEqual(Array.from({ length: all }, (_, i) => `${i + 1}/${all}`));
  expect(whole.names).toEqual(await storage.list());

  const isOf = (id: string) => (name: string) => name.includes(id);
  for (const [sent, came] of [
    [all - 2, all],
    [all, all - 2],
  ] as const) {
    const { names, fresh } = await over(sent, came);
    // The newest conversation came first and is whole; of the other one nothing is there, and it begins anew.
    expect(names.filter(isOf(TALK))).toEqual((await storage.list()).filter(isOf(TALK)));
    expect(names.filter(isOf(other))).toEqual([]);
    expect(names).toContain("people");
    expect((await opened(fresh)).count).toBe(1_000);
  }
});

test("ACC-54: what was taken back, written anew or answered on the device that had less of it stays so", async () => {
  for (const [from, to, then] of [
    [4, 10, 12],
    [1, 10, 12],
    [4, 10, null],
  ] as const) {
    const [phone, laptop] = [await device(1, 10), await device(from, to)];
    await laptop.thread.take(
      [
        said(11, { text: "", kind: "deletion", target: "m8" }),
        said(11, { text: "anew", kind: "edit", target: "m9" }),
        said(11, { text: "", kind: "deletion", target: "m10" }),
        ...(then === null ? [] : [said(11, { text: "👍", kind: "reaction", target: "m7" }, CAY), said(then)]),
      ],
      laptop.thread.record.taken,
    );
    for (const order of [
      [phone, laptop],
      [laptop, phone],
    ]) {
      const there = await opened(await reunited(...order.map(({ storage }) => storage)));
      const entries = new Map((await there.entries(0, there.count)).map((entry) => [entry.key, entry]));
      expect([...entries.keys()]).toEqual([...numbered(1, 10), ...(then === null ? [] : [`m${then}`])]);
      for (const id of ["m8", "m10"]) expect(entries.get(id)).toMatchObject({ body: { kind: "deleted" } });
      expect(entries.get("m9")).toMatchObject({ body: { text: "anew" }, editedAt: 11 });
      if (then !== null) expect(entries.get("m7")).toMatchObject({ reactions: [{ emoji: "👍", by: [CAY] }] });
      else expect(there.record.last).toMatchObject({ kind: "deleted", text: "" });
    }
  }
});

test("ACC-54: a deletion far back stays also where the history is longer than what is kept in memory", async () => {
  const [phone, laptop] = [await device(1, 2200), await device(301, 2300)];
  await laptop.thread.take(
    [said(2301, { text: "", kind: "deletion", target: "m1200" })],
    laptop.thread.record.taken,
  );
  const there = await opened(await reunited(laptop.storage, phone.storage));
  expect(await idsOf(there)).toEqual(numbered(1, 2300));
  const [entry] = await there.entries(1199, 1200);
  expect(entry).toMatchObject({ id: "m1200", body: { kind: "deleted" } });
});

/** Own messages a1 to a9 behind Bea's, and what Bea's receipts have said of them. */
async function answered(
  from: number,
  to: number,
  {
    count = 9,
    read = "a9",
    gaps,
  }: { readonly count?: number; readonly read?: string } & Pick<Content, "gaps">,
): Promise<Awaited<ReturnType<typeof device>>> {
  const one = await device(from, to);
  const own = Array.from({ length: count }, (_, i) => {
    const at = { conversation: TALK, seq: 21 + i, received: unixSeconds(21 + i) };
    return {
      ...at,
      kind: "delivered",
      content: { id: `a${i + 1}`, at: unixSeconds(1), text: "mine" },
    } as const;
  });
  const receipt = said(30, { text: "", kind: "receipt", read, ...(gaps === undefined ? {} : { gaps }) });
  await one.thread.take([...own, receipt], one.thread.record.taken);
  return one;
}

const deliveries = async (thread: Thread): Promise<string[]> => {
  thread.others = () => new Set([BEA]);
  return (await thread.entries(0, thread.count)).flatMap((entry) =>
    entry.kind === "message" && entry.delivery !== null ? [entry.delivery.kind] : [],
  );
};

test("CON-13: what did not arrive is known on a paired and on a restored device too, whoever of them was told", async () => {
  const phone = await answered(1, 4, { gaps: [{ after: "a1", before: "a3" }] });
  const fresh = memoryStorage();
  await takeKeepsakes(fresh, keepsakes(phone.storage));
  const lost = (...which: number[]): string[] =>
    Array.from({ length: 9 }, (_, i) => (which.includes(i + 1) ? "lost" : "read"));
  expect(await deliveries(await opened(fresh))).toEqual(lost(2));
  // The laptop came later, was told of another gap, and has heard more since; there its places are others.
  const laptop = await answered(4, 4, { gaps: [{ after: "a5", before: "a7" }] });
  await laptop.thread.take([said(40)], laptop.thread.record.taken);
  const earlier = await device(2, 20);
  await earlier.thread.change({ owed: [{ from: 5, to: 5 }] });
  await laptop.thread.change({ owed: [{ from: 9, to: 9 }] });
  for (const order of [
    [phone, laptop],
    [laptop, phone],
  ]) {
    expect(await deliveries(await opened(await reunited(...order.map(({ storage }) => storage))))).toEqual(
      lost(2, 6),
    );
  }
  // What the one knows that had less is taken as it is, and stands for nothing that came after.
  const [less, more] = [await answered(3, 4, { count: 5, read: "a5" }), await answered(1, 4, { read: "a2" })];
  for (const order of [
    [less, more],
    [more, less],
  ]) {
    const kinds = await deliveries(await opened(await reunited(...order.map(({ storage }) => storage))));
    expect(kinds).toEqual([...Array(5).fill("read"), ...Array(4).fill("sent")]);
  }
  // Places move with the entries that they name.
  const merged = await opened(await reunited(earlier.storage, laptop.storage));
  expect(await merged.find("a9")).toBe(27);
  expect(merged.record.owed).toEqual([
    { from: 27, to: 27 },
    { from: 5, to: 5 },
  ]);
});

test("CON-22: of what two devices know of a contact the warning stays: a device that nobody compared, a comparison taken back", async () => {
  const of = async (then: (people: People) => void): Promise<Uint8Array> => {
    const storage = memoryStorage();
    const people = await People.open(storage, ME);
    people.verify(BEA, unixSeconds(100), ["aa"]);
    then(people);
    await people.save();
    return (await storage.load("people")) as Uint8Array;
  };
  const trust = async (one: Uint8Array, other: Uint8Array): Promise<unknown[]> => {
    const storage = memoryStorage();
    const both: unknown[] = [];
    for (const merged of [mergedPeople(one, other), mergedPeople(other, one)]) {
      await storage.save("people", merged);
      both.push((await People.open(storage, ME)).trust(BEA));
    }
    expect(both[1]).toEqual(both[0]);
    return both[0] as unknown[];
  };
  const phone = await of(() => {});
  const warned = await of((people) => people.saw(BEA, ["evil"]));
  const takenBack = await of((people) => people.unverify(BEA, unixSeconds(200)));
  const comparedSince = await of((people) => people.verify(BEA, unixSeconds(300), ["aa", "evil"]));
  expect(await trust(phone, warned)).toEqual({ kind: "changed", at: 100, newDevices: ["evil"] });
  expect(await trust(phone, takenBack)).toEqual({ kind: "unverified" });
  expect(await trust(warned, comparedSince)).toEqual({ kind: "verified", at: 300 });
  expect(await trust(takenBack, comparedSince)).toEqual({ kind: "verified", at: 300 });
});

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
