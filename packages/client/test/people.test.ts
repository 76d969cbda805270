// Whose keys were compared, and which devices they have had since.
import { accountId, conversationId, unixSeconds } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { type ConversationEvent, memoryStorage } from "../src/index.ts";
import { People } from "../src/messenger/people.ts";
import { Thread } from "../src/messenger/thread.ts";

const ME = accountId("ad".repeat(32));
const BEA = accountId("be".repeat(32));
const CAY = accountId("ca".repeat(32));
const TALK = conversationId("c0".repeat(32));
const NOW = unixSeconds(100);

test("CON-22: whoever comes into a conversation sees devices there that were not compared, as whoever is in it does", async () => {
  const storage = memoryStorage();
  const people = await People.open(storage, ME);
  people.verify(BEA, NOW, ["aa"]);
  const thread = Thread.begin(TALK, null, NOW, { storage, me: ME, people });
  const joined: ConversationEvent = {
    kind: "joined",
    conversation: TALK,
    seq: 1,
    received: NOW,
    inviter: BEA,
    charter: null,
    members: [
      { account: ME, deviceKey: "00" },
      { account: BEA, deviceKey: "aa" },
      { account: BEA, deviceKey: "ee" },
      { account: CAY, deviceKey: "cc" },
    ],
  };
  await thread.take([joined], 0);
  expect(people.trust(BEA)).toEqual({ kind: "changed", at: NOW, newDevices: ["ee"] });
  const told = (await thread.entries(0, thread.count)).map((entry) =>
    entry.kind === "event" ? entry.event : entry.kind,
  );
  expect(told).toEqual([
    { kind: "you-joined", charter: null },
    { kind: "safety-number-changed", account: BEA },
  ]);
  // Whom nobody has met before can be compared from then on.
  expect(people.knows(CAY)).toBe(true);
  expect(people.trust(CAY)).toEqual({ kind: "unverified" });
});

test("CON-22: what was confirmed is known, what was not shown stays new, and what is gone warns until it is back only", async () => {
  const storage = memoryStorage();
  const people = await People.open(storage, ME);
  people.verify(BEA, NOW, ["aa"]);
  expect(people.saw(BEA, ["aa", "bb", "ee"])).toBe(true);
  people.verify(BEA, NOW, ["bb"]);
  expect(people.trust(BEA)).toEqual({ kind: "changed", at: NOW, newDevices: ["ee"] });
  people.keepNew(new Set(["aa", "bb", "ee"]));
  expect(people.trust(BEA).kind).toBe("changed");
  people.keepNew(new Set(["aa", "bb"]));
  expect(people.trust(BEA)).toEqual({ kind: "verified", at: NOW });
  expect(people.saw(BEA, ["ee"])).toBe(true);
  await people.save();
  expect((await People.open(storage, ME)).trust(BEA)).toEqual({
    kind: "changed",
    at: NOW,
    newDevices: ["ee"],
  });
});

test("CON-22: what is seen while another change is being saved is saved too", async () => {
  const storage = memoryStorage();
  const writing = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  let isHeld = true;
  const slow = {
    ...storage,
    load: (name: string) => storage.load(name),
    save: async (name: string, record: Uint8Array) => {
      if (isHeld) {
        isHeld = false;
        writing.resolve();
        await held.promise;
      }
      await storage.save(name, record);
    },
  };
  const people = await People.open(slow, ME);
  people.verify(BEA, NOW, ["aa"]);
  const first = people.save();
  await writing.promise;
  people.saw(BEA, ["ee"]);
  held.resolve();
  await first;
  await people.save();
  expect((await People.open(storage, ME)).trust(BEA)).toMatchObject({ newDevices: ["ee"] });
  // What could not be saved is tried again.
  const full = { ...slow, save: async () => await Promise.reject(new Error("full")) };
  const others = await People.open(full, ME);
  others.meet(CAY);
  await expect(others.save()).rejects.toThrow("full");
  await expect(others.save()).rejects.toThrow("full");
});
