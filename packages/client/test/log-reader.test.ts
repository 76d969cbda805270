// Where a device reads the log when its provider does not answer, and what it believes there.
import { parseDay, periodOf, unixSeconds } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { LogError, type LogSource, WireError } from "@porchlight/wire";
import { beforeAll, expect, test } from "vitest";
import {
  charterDocument,
  charterOf,
  keysDocument,
  onDay,
  POLICY,
  signedCharter,
  signedKeys,
} from "../../../vectors/fixture/deployment.ts";
import { CharterBook, memoryStorage } from "../src/index.ts";
import { Town } from "./town.ts";

const DAY = parseDay("2026-09-10");
const AWAY: LogSource = {
  checkpoint: () => Promise.reject(new WireError("unreachable", "away")),
  file: () => Promise.reject(new WireError("unreachable", "away")),
};
const JUNK: LogSource = { checkpoint: async () => "no note\n", file: async () => null };

let charter: Awaited<ReturnType<typeof signedCharter>>;
let keys: Awaited<ReturnType<typeof signedKeys>>;
let town: Town;
/** What the provider is at the moment. */
let provider: LogSource;
let mirrors: Readonly<Record<string, LogSource>>;
let book: CharterBook;

/** A log with the charter, and with keys where they are asked for. */
function logOf(hasKeys: boolean): Town {
  const made = new Town();
  made.now = onDay(DAY, 12);
  made.entries.push({ type: "charter", document: charter });
  if (hasKeys) made.entries.push({ type: "keys", document: keys });
  return made;
}

beforeAll(async () => {
  charter = await signedCharter(charterDocument("court"));
  keys = await signedKeys(keysDocument(await charterOf("court"), periodOf(DAY)));
  town = logOf(false);
  provider = town.log;
  mirrors = {};
  book = await CharterBook.open({
    source: { checkpoint: () => provider.checkpoint(), file: (path) => provider.file(path) },
    mirrors: async () => Object.entries(mirrors).map(([url, source]) => ({ url, source })),
    policy: POLICY,
    storage: memoryStorage(),
    clock: town.clock,
    suite: nodeSuite,
  });
});

test("NOT-44: the provider first; where it is away the next mirror that has the log, and it is said which", async () => {
  expect(await book.refresh()).toBe("fresh");
  expect(book.place).toEqual({ kind: "provider" });
  provider = AWAY;
  await expect(book.refresh()).rejects.toMatchObject({ code: "unreachable" });
  const longer = logOf(true);
  mirrors = { off: AWAY, junk: JUNK, good: longer.log };
  const [{ id }] = book.known as [(typeof book.known)[number]];
  expect(await book.refresh()).toBe("fresh");
  expect(book.place).toEqual({ kind: "mirror", url: "good", provider: "away" });
  await expect(book.keys(id, DAY)).resolves.toBeDefined();
});

test("NOT-44: a copy that lags behind says nothing new and accuses nobody; its provider is told from it when it is back", async () => {
  mirrors = { behind: logOf(false).log };
  expect(await book.refresh()).toBe("stale");
  expect(book.place).toEqual({ kind: "mirror", url: "behind", provider: "away" });
  provider = logOf(true).log;
  expect(await book.refresh()).toBe("fresh");
  expect(book.place).toEqual({ kind: "provider" });
});

test("NOT-44: a provider whose log stands still is not the last word", async () => {
  const old = logOf(true);
  provider = old.log;
  town.now = unixSeconds(town.now + 7200);
  mirrors = {};
  expect(await book.refresh()).toBe("stale");
  const newer = logOf(true);
  newer.now = town.now;
  mirrors = { newer: newer.log };
  expect(await book.refresh()).toBe("fresh");
  expect(book.place).toEqual({ kind: "mirror", url: "newer", provider: "stale" });
});

test("NOT-44: what was remembered binds a mirror as it binds the provider: a fork is refused, and others are read all the same", async () => {
  const forked = logOf(false);
  forked.now = town.now;
  forked.entries.push({ type: "charter", document: charter }, { type: "keys", document: keys });
  provider = AWAY;
  mirrors = { forked: forked.log };
  await expect(book.refresh()).rejects.toMatchObject({ name: "LogError", code: "fork" });
  const honest = logOf(true);
  honest.now = town.now;
  mirrors = { forked: forked.log, honest: honest.log };
  const error = await book.refresh().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(LogError);
  expect((error as LogError).evidence).toBeDefined();
  mirrors = { honest: honest.log };
  expect(await book.refresh()).toBe("fresh");
  // A provider that shows what it may not is told, whoever else has the log.
  provider = forked.log;
  await expect(book.refresh()).rejects.toMatchObject({ code: "fork" });
  provider = JUNK;
  await expect(book.refresh()).rejects.toMatchObject({ code: "note-refused" });
});
