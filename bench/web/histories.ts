// A device that has 50 conversations and 100,000 messages, as years would have left it.
import { webcrypto } from "node:crypto";
import {
  type ConversationId,
  conversationIdOf,
  fromBase64,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Page } from "playwright-core";
import { PASSPHRASE, type Person } from "../../e2e/web/town.ts";
import { opened, parseDoor } from "../../packages/client/src/messenger/door.ts";
import { History } from "../../packages/client/src/messenger/history.ts";
import { threadRecord } from "../../packages/client/src/messenger/stored-entry.ts";
import { formatThread, newThread, parseThread } from "../../packages/client/src/messenger/thread-record.ts";
import { memoryStorage, type Storage } from "../../packages/client/src/storage.ts";

export const CONVERSATIONS = 50;
const MESSAGES = 100_000;
/** In the conversation that is opened; the others share the rest. */
export const IN_ONE = 51_000;
/** Records of one hand-over to the page. */
const BATCH = 100;

type Records = readonly (readonly [name: string, base64: string])[];

/** Writes the histories into the device's own storage, in its format and under its key, while the app is not there. */
export async function fill({ page, origin }: Person): Promise<void> {
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
