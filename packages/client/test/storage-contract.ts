// What every storage promises, as functions that throw: run in Node, and bundled in a browser. For tests only.
import { utf8 } from "@porchlight/encoding";
import type { Storage } from "../src/storage.ts";

type Make = () => Promise<Storage>;

function same(actual: unknown, expected: unknown): void {
  const plain = (value: unknown): string =>
    JSON.stringify(value instanceof Uint8Array ? { bytes: [...value] } : (value ?? null));
  if (plain(actual) !== plain(expected)) throw new Error(`${plain(actual)} instead of ${plain(expected)}`);
}

export const CONTRACT: readonly (readonly [string, (make: Make) => Promise<void>])[] = [
  [
    "gives back what was last saved, and nothing where nothing was",
    async (make) => {
      const storage = await make();
      same(await storage.load("device"), null);
      await storage.save("device", utf8("one"));
      await storage.save("device", utf8("two"));
      await storage.save("conversation-a", new Uint8Array(0));
      same(await storage.load("device"), utf8("two"));
      same(await storage.load("conversation-a"), new Uint8Array(0));
      same(await storage.list(), ["conversation-a", "device"]);
    },
  ],
  [
    "forgets what is removed, and what was never there",
    async (make) => {
      const storage = await make();
      await storage.save("gone", utf8("x"));
      await storage.remove("gone");
      await storage.remove("gone");
      same(await storage.load("gone"), null);
      same((await storage.list()).includes("gone"), false);
    },
  ],
  [
    "keeps its own copy",
    async (make) => {
      const storage = await make();
      const record = utf8("mine");
      const saving = storage.save("copy", record);
      await saving;
      record.fill(0);
      const loaded = await storage.load("copy");
      same(loaded, utf8("mine"));
      loaded?.fill(0);
      same(await storage.load("copy"), utf8("mine"));
    },
  ],
  [
    "saves many records at once, large ones too",
    async (make) => {
      const storage = await make();
      const large = new Uint8Array(3_000_000).fill(7);
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => storage.save(`many-${i}`, i === 3 ? large : utf8(String(i)))),
      );
      same(await storage.load("many-9"), utf8("9"));
      same((await storage.load("many-3"))?.length, large.length);
      for (let i = 0; i < 10; i++) await storage.remove(`many-${i}`);
    },
  ],
];
