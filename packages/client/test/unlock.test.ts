import { describe, expect, test } from "vitest";
import {
  formatUnlock,
  newStorageKey,
  parseUnlock,
  unwrapWithPassphrase,
  unwrapWithPrf,
  wrapWithPassphrase,
  wrapWithPrf,
} from "../src/unlock.ts";
import { random } from "./town.ts";

describe("the storage key", () => {
  test("opens with each of its ways and with nothing else", async () => {
    const key = newStorageKey(random);
    const [salt, output] = [random(32), random(32)];
    const slots = parseUnlock(
      formatUnlock([
        await wrapWithPrf(key, { credentialId: "AAEC", salt, output }, random),
        await wrapWithPassphrase(key, "correct horse", random, 10),
      ]),
    );
    expect(await unwrapWithPrf(slots, { credentialId: "AAEC", output })).toEqual(key);
    expect(await unwrapWithPassphrase(slots, "correct horse")).toEqual(key);
    expect(await unwrapWithPassphrase(slots, "correct house")).toBeNull();
    expect(await unwrapWithPrf(slots, { credentialId: "AAED", output })).toBeNull();
    expect(await unwrapWithPrf(slots, { credentialId: "AAEC", output: random(32) })).toBeNull();
  });

  test("ACC-26: opens in 32 ways and no more: a 33rd is refused before it is written", async () => {
    const key = newStorageKey(random);
    const way = (n: number) =>
      wrapWithPrf(key, { credentialId: `key${n}`, salt: random(32), output: random(32) }, random);
    const slots = await Promise.all(Array.from({ length: 33 }, (_, n) => way(n)));
    expect(parseUnlock(formatUnlock(slots.slice(1)))).toHaveLength(32);
    expect(() => formatUnlock(slots)).toThrow(expect.objectContaining({ code: "unlock-ways-full" }));
  });

  test("a way's name is cut so that it is read again: between letters", async () => {
    const key = newStorageKey(random);
    const named = async (label: string) => {
      const way = { credentialId: "AAEC", salt: random(32), output: random(32), label, made: 7 };
      return parseUnlock(formatUnlock([await wrapWithPrf(key, way, random)]))[0];
    };
    expect(await named(`${"a".repeat(59)}\u{1f511}`)).toMatchObject({
      label: `${"a".repeat(59)}\ufffd`,
      made: 7,
    });
    expect(await named("half \ud83d")).toMatchObject({ label: "half \ufffd" });
    expect(await named("")).toMatchObject({ label: "" });
  });

  test("is not read from slots that were altered", async () => {
    const [slot] = [await wrapWithPassphrase(newStorageKey(random), "words", random, 10)];
    const text = new TextDecoder().decode(formatUnlock([slot]));
    for (const broken of [text.slice(1), text.replace('"version":1', '"version":2'), `${text}]`, "[]"]) {
      expect(() => parseUnlock(new TextEncoder().encode(broken))).toThrow(
        expect.objectContaining({ code: "state-corrupt" }),
      );
    }
    slot.wrapped[20] = (slot.wrapped[20] as number) ^ 1;
    expect(await unwrapWithPassphrase([slot], "words")).toBeNull();
  });
});
