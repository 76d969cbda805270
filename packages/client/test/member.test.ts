import { dayNumber, hex } from "@porchlight/encoding";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { describe, expect, test } from "vitest";
import { type ConversationEvent, Member, memoryStorage, type Storage } from "../src/index.ts";
import { type ConversationRecord, formatRecord, parseRecord } from "../src/record.ts";
import { Machine } from "./machine.ts";
import { DAY, gather, kinds, noon, random, says, Town, texts } from "./town.ts";

/** A storage that stops keeping anything once the machine is off. */
function crashable(): Storage & { off: boolean } {
  const inner = memoryStorage();
  return {
    off: false,
    load: inner.load,
    list: inner.list,
    remove: inner.remove,
    async save(name, record) {
      if (this.off) throw new Error("the machine is off");
      await inner.save(name, record);
    },
  };
}

describe("members", () => {
  test("send and read in one order, and see their own messages delivered", async () => {
    const town = new Town();
    const [ada, bea, cyd] = [await town.person(), await town.person(), await town.person()];
    const [a, b, c] = await gather([ada, bea, cyd]);
    if (a === undefined || b === undefined || c === undefined) throw new Error("seats");
    await a.send([says("one"), says("two")]);
    await b.send([says("three")]);
    expect(texts(await c.sync())).toEqual(["one", "two", "three"]);
    expect(texts(await a.sync())).toEqual(["three"]);
    expect(kinds(a.events).filter((kind) => kind === "delivered")).toHaveLength(2);
    const [message] = c.events.filter(({ kind }) => kind === "message");
    expect(message).toMatchObject({ sender: ada.account, deviceKey: hex(ada.device.deviceKey), day: DAY });
    expect(a.members).toHaveLength(3);
  });

  test("MLS-6: keep events until they are handled, also over a restart", async () => {
    const town = new Town();
    const storage = memoryStorage();
    const [ada, bea] = [await town.person(), await town.person({ storage })];
    const [a, b] = await gather([ada, bea]);
    await a?.send([says("read me once")]);
    await b?.sync();
    const again = (await town.reopen(storage)).seat(a?.id as never);
    expect(texts(again.events)).toEqual(["read me once"]);
    await again.handled(again.events.length);
    expect((await town.reopen(storage)).seat(again.id).events).toEqual([]);
    expect(await again.sync()).toEqual([]);
  });

  test("share one fetched page among all in a process; some follow membership only", async () => {
    const town = new Town();
    const people = await Promise.all(Array.from({ length: 5 }, () => town.person()));
    const seats = await gather(people);
    const [a, b, ...others] = seats;
    if (a === undefined || b === undefined) throw new Error("seats");
    await a.send([says("to all")]);
    town.now = noon(DAY + 1);
    await a.send([says("tomorrow", town.now)]);
    const page = await town.service().items(a.id, b.cursor);
    expect(texts(await b.apply(page.items))).toEqual(["to all", "tomorrow"]);
    for (const seat of others) {
      const events = await seat.apply(page.items, { reads: false });
      expect(kinds(events)).toEqual(["new-day"]);
      expect([seat.day, seat.cursor]).toEqual([DAY + 1, b.cursor]);
    }
    expect(await b.apply(page.items)).toEqual([]);
    await others[0]?.send([says("I can speak all the same", town.now)]);
    expect(texts(await b.sync())).toEqual(["I can speak all the same"]);
  });

  test("MLS-14: announce a new device of an account that was there", async () => {
    const town = new Town();
    const identitySeed = random(32);
    const [ada, bea] = [await town.person(), await town.person({ identitySeed })];
    const [a, b] = await gather([ada, bea]);
    if (a === undefined || b === undefined) throw new Error("seats");
    const laptop = await town.person({ identitySeed });
    await b.changeMembers({ adds: [bea.account] });
    expect(kinds(await laptop.join())).toEqual(["joined"]);
    const [event] = await a.sync();
    expect(event).toMatchObject({
      kind: "members",
      by: bea.account,
      newDevices: [{ account: bea.account, deviceKey: hex(laptop.device.deviceKey) }],
    });
    await laptop.seat(a.id).send([says("from my laptop")]);
    expect(texts(await a.sync())).toEqual(["from my laptop"]);
    expect(texts(await b.sync())).toEqual(["from my laptop"]);
  });
});

describe("a new day", () => {
  test("MLS-31: whoever speaks first commits first", async () => {
    const town = new Town();
    const [a, b] = await gather([await town.person(), await town.person()]);
    if (a === undefined || b === undefined) throw new Error("seats");
    town.now = noon(DAY + 1);
    await b.send([says("good morning", town.now)]);
    const events = await a.sync();
    expect(kinds(events)).toEqual(["new-day", "message"]);
    expect([a.day, b.day]).toEqual([DAY + 1, DAY + 1]);
  });

  test("MLS-36: of two that open it at once one is taken, and both messages arrive once", async () => {
    const town = new Town();
    const [a, b, c] = await gather([await town.person(), await town.person(), await town.person()]);
    if (a === undefined || b === undefined || c === undefined) throw new Error("seats");
    town.now = noon(DAY + 1);
    // Both have made their commit before either reaches the server.
    let arrived = 0;
    let open: () => void = () => {};
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    town.beforeSubmit = async () => {
      if (++arrived === 2) {
        town.beforeSubmit = null;
        open();
      }
      await both;
    };
    await Promise.all([a.send([says("a", town.now)]), b.send([says("b", town.now)])]);
    expect(texts(await c.sync()).sort()).toEqual(["a", "b"]);
    const commits = town.thread(a.id).items.filter(({ kind }) => kind === "commit");
    expect(commits).toHaveLength(2);
    expect(town.submissions).toBeGreaterThan(4);
  });

  test("MLS-34: a leaf of seven days is renewed before the next message", async () => {
    const town = new Town();
    const [a, b] = await gather([await town.person(), await town.person()]);
    if (a === undefined || b === undefined) throw new Error("seats");
    for (let day = DAY + 1; day <= DAY + 7; day++) {
      town.now = noon(day);
      await a.send([says(`day ${day}`, town.now)]);
    }
    const before = town.thread(a.id).items.length;
    await b.send([says("after a week", town.now)]);
    expect(
      town
        .thread(a.id)
        .items.slice(before)
        .map(({ kind }) => kind),
    ).toEqual(["commit", "message"]);
  });

  test("a clock before the conversation's day sends nothing, and says so", async () => {
    const town = new Town();
    const [a, b] = await gather([await town.person(), await town.person()]);
    town.now = noon(DAY + 1);
    await a?.send([says("tomorrow", town.now)]);
    town.now = noon(DAY);
    await expect(b?.send([says("yesterday")])).rejects.toMatchObject({ code: "clock-wrong" });
    // Nothing was passed over: with the clock set right it all goes through.
    town.now = noon(DAY + 1);
    await b?.flush();
    expect(texts(b?.events ?? [])).toEqual(["tomorrow"]);
    expect(texts((await a?.sync()) ?? [])).toEqual(["yesterday"]);
  });

  test("MLS-35: a device that slept through its long poll takes what it finds as stored", async () => {
    const town = new Town();
    const [a, b] = await gather([await town.person(), await town.person()]);
    if (a === undefined || b === undefined) throw new Error("seats");
    town.beforeItems = async (wait) => {
      if (wait === undefined) return;
      town.beforeItems = null;
      await a.send([says("before you fell asleep")]);
      town.now = noon(DAY + 1);
    };
    expect(texts(await b.sync({ wait: 30 }))).toEqual(["before you fell asleep"]);
    town.beforeItems = async (wait) => {
      if (wait === undefined) return;
      town.beforeItems = null;
      await a.send([says("live", town.now)]);
    };
    expect(kinds(await b.sync({ wait: 30 }))).toEqual(["new-day", "message"]);
  });
});

describe("a crash or a lost connection", () => {
  test("MLS-6: an answer that is lost duplicates nothing", async () => {
    const town = new Town();
    const storage = crashable();
    const [ada, bea] = [await town.person({ storage }), await town.person()];
    const [a, b] = await gather([ada, bea]);
    if (a === undefined || b === undefined) throw new Error("seats");
    town.fault = "lose-answer";
    await expect(a.send([says("once")])).rejects.toMatchObject({ code: "unreachable" });
    storage.off = true;
    const after = crashable();
    for (const name of await storage.list()) await after.save(name, (await storage.load(name)) as Uint8Array);
    const back = await town.reopen(after);
    await back.seat(a.id).flush();
    await back.seat(a.id).send([says("and on")]);
    expect(texts(await b.sync())).toEqual(["once", "and on"]);
    expect(kinds(back.seat(a.id).events).filter((kind) => kind === "delivered")).toHaveLength(2);
  });

  test("MLS-6: a request that is lost is sent again after the restart, with the same bytes", async () => {
    const town = new Town();
    const storage = memoryStorage();
    const [ada, bea] = [await town.person({ storage }), await town.person()];
    const [a, b] = await gather([ada, bea]);
    if (a === undefined || b === undefined) throw new Error("seats");
    town.fault = "lose-request";
    await expect(a.send([says("never mind the weather")])).rejects.toMatchObject({ code: "unreachable" });
    const back = await town.reopen(storage);
    await back.seat(a.id).flush();
    expect(texts(await b.sync())).toEqual(["never mind the weather"]);
  });

  test("MLS-6: nothing leaves the device before its state is saved", async () => {
    const town = new Town();
    const storage = crashable();
    const [a] = await gather([await town.person({ storage }), await town.person()]);
    const before = town.submissions;
    storage.off = true;
    await expect(a?.send([says("unsaved")])).rejects.toThrow("the machine is off");
    expect(town.submissions).toBe(before);
  });

  test("MLS-6: a commit whose answer is lost is adopted when the order shows it", async () => {
    const town = new Town();
    const storage = memoryStorage();
    const [ada, bea] = [await town.person({ storage }), await town.person()];
    const [a, b] = await gather([ada, bea]);
    if (a === undefined || b === undefined) throw new Error("seats");
    town.now = noon(DAY + 1);
    town.fault = "lose-answer";
    await expect(a.send([says("opening", town.now)])).rejects.toMatchObject({ code: "unreachable" });
    const back = await town.reopen(storage);
    expect(kinds(await back.seat(a.id).sync())).toEqual(["new-day"]);
    await back.seat(a.id).flush();
    expect(texts(await b.sync())).toEqual(["opening"]);
  });

  test("MLS-36: messages of an epoch that another ended are encrypted again, once", async () => {
    const town = new Town();
    const [a, b, c] = await gather([await town.person(), await town.person(), await town.person()]);
    if (a === undefined || b === undefined || c === undefined) throw new Error("seats");
    const dan = await town.person();
    town.beforeSubmit = async () => {
      town.beforeSubmit = null;
      await b.changeMembers({ adds: [dan.account] });
    };
    await a.send([says("one"), says("two")]);
    expect(texts(await c.sync())).toEqual(["one", "two"]);
    await dan.join();
    expect(texts(await dan.seat(a.id).sync())).toEqual(["one", "two"]);
  });

  test.each(["before", "after"] as const)(
    "MLS-16: a device that dies %s any step of joining is in once, with no alarm, and keeps no used key package",
    async (moment) => {
      for (let dieAt = 1; ; dieAt++) {
        const town = new Town();
        const storage = memoryStorage();
        const [ada] = [await town.person(), await town.person({ storage })];
        const account = (await town.reopen(storage)).account;
        const seat = await ada.createConversation({ charter: null });
        await seat.changeMembers({ adds: [account] });
        const machine = new Machine(dieAt, moment);
        const plain = await town.context(storage);
        const context = { ...plain, storage: machine.wrap(storage), server: machine.wrap(plain.server) };
        await (async () => {
          const dying = await Member.open(context);
          await dying.login("log");
          await dying.join();
        })().catch((error: unknown) => {
          if (!machine.off) throw error;
        });
        const back = await town.reopen(storage);
        const where = `died ${moment} step ${dieAt}`;
        expect(
          kinds(await back.join()).filter((kind) => kind !== "joined"),
          where,
        ).toEqual([]);
        expect(await back.join(), where).toEqual([]);
        expect(kinds(back.seat(seat.id).events), where).toEqual(["joined"]);
        expect(back.keyPackagesLeft, where).toBe(2);
        expect(town.welcomes, where).toEqual([]);
        await seat.send([says("welcome")]);
        expect(texts(await back.seat(seat.id).sync()), where).toEqual(["welcome"]);
        if (!machine.off) break;
      }
    },
  );

  test("a conversation that was saved before it kept whom this device met opens", async () => {
    const suite = await nodeMlsSuite();
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const made = await ada.createConversation({ charter: null });
    await made.changeMembers({ adds: [bea.account] });
    await bea.join();
    const { events, conversation } = bea.seat(made.id);
    const members = (event: ConversationEvent | undefined) =>
      event?.kind === "joined" ? event.members.map(({ account }) => account) : null;
    expect(members(events[0])?.sort()).toEqual([ada.account, bea.account].sort());
    const record: ConversationRecord = {
      conversation,
      cursor: 1,
      pending: null,
      inFlight: [],
      envelope: null,
      sent: [],
      outbox: [],
      proposal: null,
      accepted: null,
      events: JSON.parse(JSON.stringify(events, (key, value) => (key === "members" ? undefined : value))),
      handled: 0,
      refused: 0,
      welcome: null,
    };
    expect(parseRecord(suite, formatRecord(record)).events.map(members)).toEqual([[]]);
  });

  test("MLS-27: another Welcome into a conversation that this device is in is told of", async () => {
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const [a] = await gather([ada, bea]);
    const other = await ada.createConversation({ charter: null });
    await other.changeMembers({ adds: [bea.account] });
    const [sent] = town.welcomes;
    if (sent === undefined || a === undefined) throw new Error("no Welcome");
    town.welcomes[0] = { ...sent, welcome: { ...sent.welcome, conversation: a.id } };
    expect(kinds(await bea.join())).toEqual(["refused welcome: second-group"]);
  });

  test("a device that was created twice, or never, is told so", async () => {
    const town = new Town();
    const storage = memoryStorage();
    await expect(Member.open(await town.context(storage))).rejects.toMatchObject({ code: "not-created" });
    await town.person({ storage });
    await expect(town.person({ storage })).rejects.toMatchObject({ code: "state-corrupt" });
  });
});

describe("what the server or a member tries", () => {
  test("MLS-53: altered, stolen and foreign items are reported by name, and the rest is read", async () => {
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const [a, b] = await gather([ada, bea]);
    if (a === undefined || b === undefined) throw new Error("seats");
    await a.send([says("one"), says("two"), says("three"), says("four")]);
    const { items } = town.thread(a.id);
    const at = items.length - 4;
    const [, two, three] = items.slice(at);
    if (two === undefined || three === undefined) throw new Error("items");
    two.bytes[two.bytes.length - 1] = (two.bytes.at(-1) as number) ^ 1;
    items[at + 2] = { ...three, submitter: bea.account };
    const events = await b.sync();
    expect(kinds(events)).toEqual([
      "message",
      "refused message: undecryptable",
      "refused message: submitter-mismatch",
      "skipped",
      "message",
    ]);
    expect(texts(events)).toEqual(["one", "four"]);
  });

  test("MLS-54, CON-13: a refusal that the server made up pays for no message of another's that it keeps back", async () => {
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const [a, b] = await gather([ada, bea]);
    if (a === undefined || b === undefined) throw new Error("seats");
    await a.send([says("one"), says("two"), says("three")]);
    const { items } = town.thread(a.id);
    const [one, two] = items.slice(-3);
    if (one === undefined || two === undefined) throw new Error("items");
    // Junk under Bea's own name in the place of what is kept back, as far away from it as the server likes.
    items.splice(items.indexOf(two), 1);
    two.bytes[two.bytes.length - 1] = (two.bytes.at(-1) as number) ^ 1;
    items.splice(items.indexOf(one), 0, { ...two, submitter: bea.account });
    for (const [i, item] of items.entries()) items[i] = { ...item, seq: i + 1 };
    const events = await b.sync();
    expect(kinds(events)).toEqual(["refused message: undecryptable", "message", "skipped", "message"]);
    expect(events.find(({ kind }) => kind === "skipped")).toMatchObject({ sender: ada.account });
  });

  test("MLS-35: what waited is read, and what is pushed long after its day is not", async () => {
    const town = new Town();
    const [a, b] = await gather([await town.person(), await town.person()]);
    if (a === undefined || b === undefined) throw new Error("seats");
    await a.send([says("late")]);
    const page = await town.service().items(a.id, b.cursor);
    town.now = noon(DAY + 1);
    expect(kinds(await b.apply(page.items, { arrival: "live" }))).toEqual([
      "refused message: day-not-current",
    ]);
  });

  test("MLS-27: a second group with the id of a live conversation is refused", async () => {
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const [a] = await gather([ada, bea]);
    if (a === undefined) throw new Error("seats");
    const other = await ada.createConversation({ charter: null });
    await other.changeMembers({ adds: [bea.account] });
    const [sent] = town.welcomes.splice(0);
    if (sent === undefined) throw new Error("welcome");
    town.welcomes.push({ to: sent.to, welcome: { ...sent.welcome, conversation: a.id } });
    expect(kinds(await bea.join())).toEqual(["refused welcome: second-group"]);
    expect(town.welcomes).toEqual([]);
  });

  test("MLS-25: a Welcome that the server gives another id, or another sender, is refused", async () => {
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const seat = await ada.createConversation({ charter: null });
    await seat.changeMembers({ adds: [bea.account] });
    const [sent] = town.welcomes.splice(0);
    if (sent === undefined) throw new Error("welcome");
    const { welcome } = sent;
    const lies = [{ conversation: hex(random(32)) as never }, { sender: bea.account }, { bytes: random(40) }];
    for (const lie of lies) town.welcomes.push({ to: sent.to, welcome: { ...welcome, ...lie } });
    expect(kinds(await bea.join())).toEqual([
      "refused welcome: welcome-refused",
      "refused welcome: submitter-mismatch",
      "refused welcome: malformed",
    ]);
    town.welcomes.push(sent);
    expect(kinds(await bea.join())).toEqual(["joined"]);
  });

  test("MLS-23: who is removed is told, reads nothing more, and can be asked back", async () => {
    const town = new Town();
    const [ada, bea] = [await town.person(), await town.person()];
    const [a, b] = await gather([ada, bea, await town.person()]);
    if (a === undefined || b === undefined) throw new Error("seats");
    await a.changeMembers({ removes: [bea.account] });
    await a.send([says("without you")]);
    expect(kinds(await b.sync())).toEqual(["removed"]);
    expect(b.members).toEqual([]);
    await expect(b.send([says("hello?")])).rejects.toMatchObject({ code: "not-in-conversation" });
    await a.changeMembers({ adds: [bea.account] });
    expect(kinds(await bea.join())).toEqual(["joined"]);
    await a.send([says("welcome back")]);
    expect(texts(await b.sync())).toEqual(["welcome back"]);
  });

  test("an account without key packages cannot be added, and the answer says why", async () => {
    const town = new Town();
    const ada = await town.person();
    const seat = await ada.createConversation({ charter: null });
    await expect(seat.changeMembers({ adds: [hex(random(32)) as never] })).rejects.toMatchObject({
      code: "no-key-package",
    });
    expect(() => ada.seat(hex(random(32)) as never)).toThrow(
      expect.objectContaining({ code: "unknown-conversation" }),
    );
    expect(dayNumber(seat.day)).toBe(DAY);
  });
});
