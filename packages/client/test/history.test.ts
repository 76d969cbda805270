import { accountId, conversationId, unixSeconds } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStorage } from "../src/index.ts";
import { History } from "../src/messenger/history.ts";
import { difference, patched } from "../src/messenger/patch.ts";
import {
  fingerprintOf,
  formatContactCode,
  formatVerification,
  parseContactCode,
  safetyNumber,
  verifies,
} from "../src/messenger/safety-number.ts";
import type { StoredMessage } from "../src/messenger/stored-entry.ts";

const CONVERSATION = conversationId("c0".repeat(32));
const ADA = accountId("ad".repeat(32));
const BEA = accountId("be".repeat(32));

function message(id: string): StoredMessage {
  const at = unixSeconds(1_800_000_000);
  return { kind: "message", seq: 1, at, id, from: ADA, written: at, body: { text: `text of ${id}` } };
}

async function ids(history: History, from: number, to: number): Promise<string[]> {
  return (await history.range(from, to)).map((entry) => (entry.kind === "message" ? entry.id : entry.kind));
}

describe("a history in chunks", () => {
  test("is read by window, and finds each message, after a new start too", async () => {
    const storage = memoryStorage();
    const history = new History(storage, CONVERSATION, 0);
    const all = Array.from({ length: 5000 }, (_, i) => `m${i}`);
    for (const [i, id] of all.entries()) {
      await history.append(message(id));
      if (i % 700 === 0) await history.save();
    }
    await history.save();
    const again = new History(storage, CONVERSATION, all.length);
    expect(await ids(again, 0, 3)).toEqual(all.slice(0, 3));
    expect(await ids(again, 4990, 5000)).toEqual(all.slice(-10));
    expect(await ids(again, 60, 70)).toEqual(all.slice(60, 70));
    for (const place of [0, 63, 64, 4095, 4096, 4999]) expect(await again.find(`m${place}`)).toBe(place);
    expect(await again.find("m5000")).toBeNull();
    // A window of the middle reads its own chunks, not the whole.
    let loads = 0;
    const counted = { ...storage, load: (name: string) => (loads++, storage.load(name)) };
    await ids(new History(counted, CONVERSATION, all.length), 2000, 2100);
    expect(loads).toBeLessThanOrEqual(3);
  });

  test("what a crash left behind the counted entries is written anew", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 200 }),
        fc.nat({ max: 200 }),
        fc.nat({ max: 200 }),
        async (kept, lost, anew) => {
          const storage = memoryStorage();
          const history = new History(storage, CONVERSATION, 0);
          for (let i = 0; i < kept; i++) await history.append(message(`kept${i}`));
          await history.save();
          for (let i = 0; i < lost; i++) await history.append(message(`lost${i}`));
          await history.save();
          const again = new History(storage, CONVERSATION, kept);
          for (let i = 0; i < anew; i++) await again.append(message(`anew${i}`));
          await again.save();
          const last = new History(storage, CONVERSATION, kept + anew);
          const expected = [
            ...Array.from({ length: kept }, (_, i) => `kept${i}`),
            ...Array.from({ length: anew }, (_, i) => `anew${i}`),
          ];
          expect(await ids(last, 0, kept + anew)).toEqual(expected);
          for (const [place, id] of expected.entries()) expect(await last.find(id)).toBe(place);
          for (let i = 0; i < lost; i++) expect(await last.find(`lost${i}`)).toBeNull();
        },
      ),
      { numRuns: 25 },
    );
  });

  test("an altered chunk is told, not shown", async () => {
    const storage = memoryStorage();
    const history = new History(storage, CONVERSATION, 0);
    for (let i = 0; i < 70; i++) await history.append(message(`m${i}`));
    await history.save();
    await storage.remove((await storage.list()).find((name) => name.endsWith("-0000001")) ?? "");
    const again = new History(storage, CONVERSATION, 70);
    expect(await ids(again, 0, 64)).toHaveLength(64);
    await expect(ids(again, 0, 70)).rejects.toMatchObject({ code: "state-corrupt" });
  });
});

test("a state comes out of patches as it went in, and shares what did not change", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.integer(),
      fc.string(),
      fc.constant(null),
      fc.array(fc.integer(), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c", "kind"), tie("any"), { noNullPrototype: true }),
    ),
  })).any;
  fc.assert(
    fc.property(value, value, (before, after) => {
      const sent = structuredClone(difference({ at: before }, { at: after }));
      expect(patched({ at: before }, sent)).toEqual({ at: after });
    }),
  );
  const state = { list: { one: { text: "a" }, two: { text: "b" } } };
  const next = { list: { ...state.list, two: { text: "c" } } };
  const patches = difference(state, next);
  expect(patches).toEqual([{ path: ["list", "two", "text"], value: "c" }]);
  expect(patched(state, patches).list.one).toBe(state.list.one);
});

describe("who somebody is", () => {
  test("CON-20, CON-21: one number for both, 30 digits of each", () => {
    expect(safetyNumber(ADA, BEA)).toBe(safetyNumber(BEA, ADA));
    expect(safetyNumber(ADA, BEA)).toBe(fingerprintOf(ADA) + fingerprintOf(BEA));
    expect(fingerprintOf(ADA)).toMatch(/^\d{30}$/);
  });

  test("CON-21: a code of somebody else, or the own one, does not verify", () => {
    expect(verifies(formatVerification(BEA, ADA), ADA, BEA)).toBe(true);
    expect(verifies(formatVerification(ADA, BEA), ADA, BEA)).toBe(false);
    expect(verifies(formatVerification(accountId("cc".repeat(32)), ADA), ADA, BEA)).toBe(false);
    expect(() => verifies("https://example.org", ADA, BEA)).toThrow(
      expect.objectContaining({ code: "contact-code-malformed" }),
    );
  });

  test("CON-23: a contact code comes back, and a name that would rewrite the screen does not", () => {
    expect(parseContactCode(formatContactCode(ADA, "Ada"))).toEqual({ account: ADA, name: "Ada" });
    expect(parseContactCode(formatContactCode(ADA, "evil\u202eada")).name).toBe("");
    for (const text of ["", "plc1.", "plc1.AAAA", formatContactCode(ADA, "Ada").slice(1)]) {
      expect(() => parseContactCode(text)).toThrow(
        expect.objectContaining({ code: "contact-code-malformed" }),
      );
    }
  });
});
