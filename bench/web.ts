// The web app in Chromium with 50 conversations and 100,000 messages: how soon it is usable, what it does while a person
// scrolls and writes, and whether it grows. BENCH_HEAP_MINUTES: how long the last takes, 1 where it is left out.
import { webcrypto } from "node:crypto";
import { loadavg } from "node:os";
import {
  type ConversationId,
  conversationIdOf,
  fromBase64,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { CDPSession, Locator, Page } from "playwright-core";
import { Stage } from "../e2e/web/stage.ts";
import { PASSPHRASE, type Person } from "../e2e/web/town.ts";
import { opened, parseDoor } from "../packages/client/src/messenger/door.ts";
import { History } from "../packages/client/src/messenger/history.ts";
import { threadRecord } from "../packages/client/src/messenger/stored-entry.ts";
import { formatThread, newThread, parseThread } from "../packages/client/src/messenger/thread-record.ts";
import { memoryStorage, type Storage } from "../packages/client/src/storage.ts";
import type { Row } from "./run.ts";

export const name = "web: the app in Chromium, 50 conversations and 100,000 messages";

const CONVERSATIONS = 50;
const MESSAGES = 100_000;
/** In the conversation that is opened; the others share the rest. */
const IN_ONE = 51_000;
/** Milliseconds from which on a task keeps a person waiting. */
const LONG = 50;
const SCROLLS = 150;
const SENDS = 40;
const MINUTES = Number(process.env["BENCH_HEAP_MINUTES"] ?? 1);
/** Records of one hand-over to the page. */
const BATCH = 100;

type Records = readonly (readonly [name: string, base64: string])[];

export async function run(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    const ada = await stage.member("Ada", stage.origin);
    const ben = await stage.member("Ben", stage.origin);
    const contact = await ben.contactLink();
    await ben.context.close();
    await ada.begins(contact);
    await ada.says("The first of many");
    await ada.thread.getByText("Sent").waitFor();
    await fill(ada);
    return await measure(ada);
  } finally {
    await stage.close();
  }
}

/** Writes the histories into the device's own storage, in its format and under its key, while the app is not there. */
async function fill({ page, origin }: Person): Promise<void> {
  await page.goto(`${origin}/icon.svg`);
  const door = await page.evaluate(async (): Promise<string> => {
    const bytes = await new Promise<Uint8Array>((resolve, reject) => {
      const request = indexedDB.open("porchlight-door");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const get = request.result.transaction("door").objectStore("door").get("door");
        get.onsuccess = () => resolve(get.result as Uint8Array);
      };
    });
    return btoa(String.fromCharCode(...bytes));
  });
  const known = parseDoor(fromBase64(door));
  const secret = await opened(known, { kind: "passphrase", passphrase: PASSPHRASE });
  const key = await webcrypto.subtle.importKey("raw", secret as Uint8Array<ArrayBuffer>, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const plain = new Map<string, Uint8Array>();
  const own = await recordsOf(page, "thread-");
  for (const [at, sealed] of own) {
    const bytes = fromBase64(sealed);
    const cipher = parameters(at, bytes.slice(0, 12));
    plain.set(at, new Uint8Array(await webcrypto.subtle.decrypt(cipher, key, bytes.slice(12))));
  }
  for (const [at, sealed] of await recordsOf(page, "history-")) {
    const bytes = fromBase64(sealed);
    const cipher = parameters(at, bytes.slice(0, 12));
    plain.set(at, new Uint8Array(await webcrypto.subtle.decrypt(cipher, key, bytes.slice(12))));
  }
  const storage = memoryStorage();
  for (const [at, bytes] of plain) await storage.save(at, bytes);
  const written = await write(
    storage,
    known.account,
    own.map(([at]) => at.slice("thread-".length))[0] as ConversationId,
  );
  let batch: [string, string][] = [];
  const flush = async (): Promise<void> => {
    await put(page, batch);
    batch = [];
  };
  for (const at of written) {
    const record = (await storage.load(at)) as Uint8Array;
    const nonce = webcrypto.getRandomValues(new Uint8Array(12));
    const body = await webcrypto.subtle.encrypt(parameters(at, nonce), key, record.slice());
    batch.push([at, Buffer.concat([nonce, new Uint8Array(body)]).toString("base64")]);
    if (batch.length === BATCH) await flush();
  }
  await flush();
}

function parameters(at: string, iv: Uint8Array) {
  return {
    name: "AES-GCM",
    iv: iv as Uint8Array<ArrayBuffer>,
    additionalData: utf8(`porchlight-v1/record\0${at}`) as Uint8Array<ArrayBuffer>,
  };
}

async function recordsOf(page: Page, prefix: string): Promise<Records> {
  return await page.evaluate(async (begin): Promise<[string, string][]> => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open("porchlight");
      request.onsuccess = () => resolve(request.result);
    });
    const range = IDBKeyRange.bound(begin, `${begin}\uffff`);
    const store = database.transaction("records").objectStore("records");
    const all = async <T>(request: IDBRequest<T>): Promise<T> =>
      await new Promise((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const [names, values] = await Promise.all([all(store.getAllKeys(range)), all(store.getAll(range))]);
    database.close();
    return names.map((one, i) => [
      String(one),
      btoa(Array.from(values[i] as Uint8Array, (byte) => String.fromCharCode(byte)).join("")),
    ]);
  }, prefix);
}

async function put(page: Page, records: Records): Promise<void> {
  await page.evaluate(async (list) => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open("porchlight");
      request.onsuccess = () => resolve(request.result);
    });
    const transaction = database.transaction("records", "readwrite");
    const store = transaction.objectStore("records");
    for (const [at, text] of list)
      store.put(
        Uint8Array.from(atob(text), (char) => char.charCodeAt(0)),
        at,
      );
    await new Promise<void>((resolve) => {
      transaction.oncomplete = () => resolve();
    });
    database.close();
  }, records);
}

/** Extends the conversation that is there and adds the others, by the code that keeps them. Names of what it wrote. */
async function write(storage: Storage, me: string, open: ConversationId): Promise<readonly string[]> {
  const others = Array.from({ length: CONVERSATIONS - 1 }, (_, i) =>
    conversationIdOf(new Uint8Array(32).fill(i + 1)),
  );
  const each = Math.floor((MESSAGES - IN_ONE) / others.length);
  const now = Math.floor(Date.now() / 1000);
  for (const id of [open, ...others]) {
    const saved = await storage.load(threadRecord(id));
    const record = saved === null ? newThread(null, unixSeconds(now)) : parseThread(saved);
    const history = new History(storage, id, record.count);
    const wanted = id === open ? IN_ONE : each;
    let at = now as UnixSeconds;
    for (let i = history.count; i < wanted; i++) {
      at = unixSeconds(now - (wanted - i) * 30);
      await history.append({
        kind: "message",
        seq: i,
        at,
        id: `${id.slice(0, 20)}${String(i).padStart(12, "0")}`,
        from: (i % 3 === 0 ? me : "ab".repeat(32)) as never,
        written: at,
        body: { text: textOf(i) },
      });
      if (i % 2_000 === 0) await history.save();
    }
    await history.save();
    const title = id === open ? record.title : `Conversation ${id.slice(0, 6)}`;
    const { count } = history;
    await storage.save(threadRecord(id), formatThread({ ...record, title, count, seen: count, lastAt: at }));
  }
  return await storage.list();
}

const WORDS = "the porch light is on and nobody opens anything in the dark before all of us can see it".split(
  " ",
);
function textOf(i: number): string {
  return `${i}: ${Array.from({ length: 4 + ((i * 7) % 30) }, (_, j) => WORDS[(i * 13 + j * 5) % WORDS.length]).join(" ")}`;
}

type Task = { readonly wall: number; readonly cpu: number };

/** Every task of the page's main thread while something is done, from Chromium's own trace. */
async function traced(session: CDPSession, act: () => Promise<void>): Promise<readonly Task[]> {
  type Event = {
    name: string;
    ph: string;
    dur?: number;
    tdur?: number;
    pid: number;
    tid: number;
    args?: { name?: string };
  };
  const events: Event[] = [];
  session.on("Tracing.dataCollected", ({ value }) => void events.push(...(value as unknown as Event[])));
  await session.send("Tracing.start", {
    traceConfig: { includedCategories: ["toplevel", "devtools.timeline", "__metadata"] },
    transferMode: "ReportEvents",
  } as never);
  await act();
  const done = new Promise<void>((resolve) => void session.once("Tracing.tracingComplete", () => resolve()));
  await session.send("Tracing.end");
  await done;
  const main = new Set(
    events
      .filter((one) => one.name === "thread_name" && one.args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return events
    .filter(
      ({ name: what, ph, pid, tid }) => ph === "X" && what.endsWith("RunTask") && main.has(`${pid} ${tid}`),
    )
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, cpu: tdur / 1000 }));
}

function rowsOf(what: string, tasks: readonly Task[]): Row[] {
  const longest = (by: keyof Task): number => Math.max(0, ...tasks.map((task) => task[by]));
  const long = tasks.filter(({ cpu }) => cpu > LONG).length;
  return [
    {
      what: `${what}: longest task, CPU`,
      value: longest("cpu"),
      unit: "ms",
      ratio: `${long} of ${tasks.length} over ${LONG} ms`,
    },
    {
      what: `${what}: longest task, by the clock`,
      value: longest("wall"),
      unit: "ms",
      ratio: "other programs' time in it",
    },
  ];
}

async function measure(ada: Person): Promise<readonly Row[]> {
  const { page, context, origin } = ada;
  const load = loadavg()[0] as number;
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const began = performance.now();
  await page.goto(origin);
  const passphrase = page.getByLabel("Passphrase");
  await passphrase.waitFor();
  const locked = performance.now() - began;
  const unlock = async (typed: string, sign: Locator): Promise<number> => {
    await passphrase.fill(typed);
    const pressed = performance.now();
    await ada.press("Unlock");
    await sign.waitFor();
    return performance.now() - pressed;
  };
  // What a passphrase is made to cost; a passkey costs nothing of it.
  const scrypt = await unlock("another one", page.getByText("That does not unlock it"));
  const listed = await unlock(PASSPHRASE, page.getByRole("link", { name: /^Ben/ }).first());
  const chosen = performance.now();
  await page.getByRole("link", { name: /^Ben/ }).first().click();
  await page
    .getByText(`${IN_ONE - 1}:`)
    .first()
    .waitFor();
  const opened = performance.now() - chosen;
  const scroller = page.locator(".thread-scroll");
  await scroller.hover();
  const scrolling = await traced(session, async () => {
    for (let i = 0; i < SCROLLS; i++) await page.mouse.wheel(0, i % 10 === 9 ? 3_000 : -1_200);
    await scroller.evaluate((element) => void (element.scrollTop = element.scrollHeight / 2));
    for (let i = 0; i < SCROLLS; i++) await page.mouse.wheel(0, -900);
    await scroller.evaluate((element) => void (element.scrollTop = element.scrollHeight));
  });
  const sending = await traced(session, async () => {
    for (let i = 0; i < SENDS; i++) await ada.says(`sent while it is measured, ${i}`);
    await ada.sees(`sent while it is measured, ${SENDS - 1}`);
  });
  const heap = await heapSlope(ada, session);
  return [
    { what: "load of the machine", value: load, unit: "" },
    { what: "address typed → the device can be unlocked", value: locked, unit: "ms" },
    { what: "unlock pressed → a wrong passphrase is refused", value: scrypt, unit: "ms" },
    {
      what: `unlock pressed → ${CONVERSATIONS} conversations`,
      value: listed,
      unit: "ms",
      ratio: `${Math.round(listed - scrypt)} ms without the passphrase's own`,
    },
    { what: `pressed → the end of ${IN_ONE.toLocaleString("en")} messages`, value: opened, unit: "ms" },
    ...rowsOf(`scrolling, ${2 * SCROLLS} turns`, scrolling),
    ...rowsOf(`sending ${SENDS}`, sending),
    ...heap,
  ];
}

/** The same minute again and again: read, scroll, write, go away, come back. What stays is measured after a collection. */
async function heapSlope(ada: Person, session: CDPSession): Promise<Row[]> {
  const { page } = ada;
  const samples: [minutes: number, megabytes: number][] = [];
  const began = performance.now();
  const minutes = (): number => (performance.now() - began) / 60_000;
  for (let i = 0; minutes() < MINUTES; i++) {
    await ada.says(`minute by minute, ${i}`);
    await page.locator(".thread-scroll").hover();
    for (let turn = 0; turn < 20; turn++) await page.mouse.wheel(0, turn < 15 ? -900 : 3_000);
    await ada.follow("People and devices");
    await ada.follow("Close");
    await ada.follow("Notices");
    await page.getByRole("heading", { name: "Notices" }).waitFor();
    await ada.home();
    await page.getByRole("link", { name: /^Ben/ }).first().click();
    await page.locator(".thread-scroll").waitFor();
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    samples.push([minutes(), usedSize / 1e6]);
  }
  // The first third warms caches up.
  const rest = samples.slice(Math.floor(samples.length / 3));
  const mean = (of: (sample: (typeof rest)[number]) => number): number =>
    rest.reduce((sum, sample) => sum + of(sample), 0) / rest.length;
  const [x, y] = [mean(([at]) => at), mean(([, size]) => size)];
  const slope =
    mean(([at, size]) => (at - x) * (size - y)) /
    Math.max(
      1e-9,
      mean(([at]) => (at - x) ** 2),
    );
  return [
    {
      what: `heap of the page after ${MINUTES} minutes, ${samples.length} rounds`,
      value: samples.at(-1)?.[1] ?? 0,
      unit: "MB",
    },
    { what: "heap slope", value: 1000 * slope, unit: "kB a minute" },
  ];
}
