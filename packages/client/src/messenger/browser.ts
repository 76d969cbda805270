// The messenger in a browser's worker.
import { unixSeconds } from "@porchlight/encoding";
import { nobleSuite } from "@porchlight/envelope";
import { mlsSuite } from "@porchlight/mls";
import { StreamingClient } from "@porchlight/wire";
import { deleteDB, openDB } from "idb";
import { browserStorage } from "../browser-storage.ts";
import type { Port } from "./channel.ts";
import { Messenger } from "./messenger.ts";
import type { MessengerConfig, Platform, Wanted } from "./platform.ts";
import { serve } from "./serve.ts";

/** Of a worker's global scope what this file uses. */
type WorkerScope = Port & {
  readonly addEventListener: (
    type: "connect" | "online",
    listener: (event: { readonly ports: readonly Port[] }) => void,
  ) => void;
};

type Locks = {
  readonly request: (
    name: string,
    options: { readonly ifAvailable: true } | { readonly signal: AbortSignal },
    hold: (lock: object | null) => Promise<void> | undefined,
  ) => Promise<void>;
};

/** Milliseconds for which another tab may finish what it has promised before it lets go. */
const TAKE_OVER = 15_000;

const DOOR = "door";
/** What tabs say to one another about the lock. */
const ASKED = "asked";
const PAIRING = "pairing";

/** State in this origin's IndexedDB; everything but the door sealed under the device's storage key. */
async function browserPlatform(database: string): Promise<Platform> {
  const doors = await openDB(`${database}-door`, 1, {
    upgrade: (fresh) => void fresh.createObjectStore(DOOR),
  });
  return {
    lock: (wanted) => exclusive(database, { ifAvailable: true }, wanted),
    takeOver: async (wanted) => {
      const refused = new AbortController();
      const signal = AbortSignal.any([refused.signal, AbortSignal.timeout(TAKE_OVER)]);
      const channel = new BroadcastChannel(wantedAt(database));
      channel.onmessage = ({ data }) => {
        if (data === PAIRING) refused.abort();
      };
      const taken = exclusive(database, { signal }, wanted).catch(() => null);
      channel.postMessage(ASKED);
      const release = await taken;
      channel.close();
      return release === null && refused.signal.aborted ? PAIRING : release;
    },
    door: {
      load: async () => ((await doors.get(DOOR, DOOR)) as Uint8Array | undefined) ?? null,
      save: async (record) => {
        const transaction = doors.transaction(DOOR, "readwrite", { durability: "strict" });
        await Promise.all([transaction.store.put(record, DOOR), transaction.done]);
      },
    },
    storage: (key) => browserStorage({ database, key }),
    erase: async () => {
      await doors.delete(DOOR, DOOR);
      await deleteDB(database);
    },
    connect: (url, listener) => new StreamingClient({ url, listener }),
    clock: { now: () => unixSeconds(Math.floor(Date.now() / 1000)) },
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    suite: await mlsSuite(nobleSuite),
  };
}

function wantedAt(database: string): string {
  return `${database}-wanted`;
}

/** Held until it is called, or until the worker ends. */
function exclusive(
  database: string,
  options: Parameters<Locks["request"]>[1],
  wanted: Wanted,
): Promise<(() => void) | null> {
  const { locks } = (globalThis as unknown as { readonly navigator: { readonly locks: Locks } }).navigator;
  return new Promise((resolve, reject) => {
    locks
      .request(database, options, (lock) => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        const channel = new BroadcastChannel(wantedAt(database));
        channel.onmessage = ({ data }) => {
          const answer = data === ASKED ? wanted() : null;
          if (answer !== null) channel.postMessage(answer);
        };
        return new Promise<void>((release) =>
          resolve(() => {
            channel.close();
            release();
          }),
        );
      })
      .catch(reject);
  });
}

/**
 * To be called once by a worker's script: serves the page that made the Worker, or all pages of a SharedWorker.
 * `database`: the name under which IndexedDB keeps this device.
 */
export function serveWorker(options: {
  readonly config: () => Promise<MessengerConfig & { readonly database: string }>;
}): void {
  const scope = globalThis as unknown as WorkerScope;
  const started = (async () => {
    const { database, ...config } = await options.config();
    return await Messenger.start(await browserPlatform(database), config);
  })();
  started.catch(() => {});
  scope.addEventListener("online", () => void started.then((messenger) => messenger.hurry()));
  if ("onconnect" in scope) {
    scope.addEventListener("connect", ({ ports: [port] }) => {
      if (port !== undefined) serve(started, port);
    });
  } else serve(started, scope);
}
