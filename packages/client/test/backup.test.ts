// A device's backup from its storage to the server's and back, with the real streams; the server is a map, the account's
// part what BackupKeeper needs of it.
import { randomBytes } from "node:crypto";
import { accountId, conversationId, fromHex, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import { type AccountClient, WireError } from "@porchlight/wire";
import { expect, test } from "vitest";
import { Backup, readBackups } from "../src/backup.ts";
import type { Content } from "../src/content.ts";
import { memoryStorage, type Storage } from "../src/index.ts";
import { BackupKeeper, type Keeping } from "../src/messenger/backup-keeper.ts";
import { NotedStorage } from "../src/messenger/noted-storage.ts";
import { People } from "../src/messenger/people.ts";
import { takeBackups } from "../src/messenger/reunion.ts";
import { threadRecord } from "../src/messenger/stored-entry.ts";
import { Thread } from "../src/messenger/thread.ts";
import { STREAM_START } from "../src/sealed-stream.ts";

const ADA = accountId("ad".repeat(32));
const BEA = accountId("be".repeat(32));
const TALK = conversationId("c0".repeat(32));
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** An account with a server that keeps its streams, and the devices that add to it. */
class World {
  readonly streams = new Map<string, Uint8Array[]>();
  key: Uint8Array = random(32);
  /** How many chunks the server takes until the connection is lost for good. */
  room = Number.POSITIVE_INFINITY;

  server(deviceKey: Uint8Array): AccountClient {
    const server: Partial<AccountClient> = {
      putBackup: async (generation, number, chunk) => {
        if (this.room-- <= 0) throw new WireError("unreachable", "no connection");
        const name = `${hex(deviceKey)} ${generation}`;
        const stream = this.streams.get(name) ?? [];
        stream[number] = chunk;
        this.streams.set(name, stream);
      },
      backups: async () =>
        [...this.streams].map(([name, chunks]) => ({
          deviceKey: fromHex(name.slice(0, 64), 32),
          generation: Number(name.slice(65)),
          chunks: chunks.length,
          bytes: 0,
        })),
      backup: async (key, generation, number) =>
        this.streams.get(`${key} ${generation}`)?.[number] ?? new Uint8Array(0),
    };
    return server as AccountClient;
  }

  async restored(): Promise<{ readonly storage: Storage; readonly thread: Thread | null }> {
    const storage = memoryStorage();
    await takeBackups(storage, readBackups(this.server(new Uint8Array(32)), this.key));
    const record = await storage.load(threadRecord(TALK));
    const people = await People.open(storage, ADA);
    return {
      storage,
      thread: record === null ? null : Thread.restore(TALK, record, { storage, me: ADA, people }),
    };
  }
}

/** One device at work, as the session has it. */
class Device {
  readonly #world: World;
  readonly #key: Uint8Array;
  readonly storage: NotedStorage;
  readonly thread: Thread;
  readonly keeper: BackupKeeper;
  readonly account: { -readonly [Name in keyof Keeping]: Keeping[Name] };
  #now = 1000;

  private constructor(world: World, key: number, storage: NotedStorage, thread: Thread) {
    this.#world = world;
    this.#key = new Uint8Array(32).fill(key);
    this.storage = storage;
    this.thread = thread;
    this.keeper = new BackupKeeper(storage, {
      now: () => unixSeconds(this.#now),
      changed: () => {},
      failed: (error) => {
        throw error;
      },
    });
    let generation = 0;
    this.account = {
      backup: null,
      isRecoveryUnfinished: false,
      dropOutdated: async () => {
        for (const name of world.streams.keys()) {
          if (name.startsWith(hex(this.#key)) && Number(name.slice(65)) < generation)
            world.streams.delete(name);
        }
      },
      enableRecovery: async () => {
        if (this.account.backup !== null) generation++;
        world.key = random(32);
        this.account.backup = this.backup(generation);
        return "a code";
      },
    };
  }

  static async of(world: World, key: number, inner: Storage = memoryStorage()): Promise<Device> {
    const storage = await NotedStorage.open(inner);
    const people = await People.open(storage, ADA);
    const saved = await inner.load(threadRecord(TALK));
    const context = { storage, me: ADA, people };
    const thread =
      saved === null
        ? Thread.begin(TALK, null, unixSeconds(1), context)
        : Thread.restore(TALK, saved, context);
    return new Device(world, key, storage, thread);
  }

  backup(generation: number): Backup {
    const { key } = this.#world;
    const parts = {
      server: this.#world.server(this.#key),
      storage: this.storage,
      random,
      deviceKey: this.#key,
    };
    return new Backup(parts, { key, generation, place: STREAM_START }, async () => {});
  }

  /** Bea's next messages m1, m2, … */
  async hears(count: number): Promise<void> {
    const from = this.thread.count + 1;
    for (let n = from; n < from + count; n++)
      await this.#take({ id: `m${n}`, at: unixSeconds(n), text: `m${n}` });
  }

  async deletes(target: string): Promise<void> {
    await this.#take({ id: "d", at: unixSeconds(9), text: "", kind: "deletion", target });
  }

  async #take(content: Content): Promise<void> {
    const at = { conversation: TALK, seq: this.thread.record.taken + 1, received: unixSeconds(1) };
    const event = { ...at, kind: "message", sender: BEA, deviceKey: "be", day: 0 as never, content } as const;
    await this.thread.take([event], this.thread.record.taken);
  }

  /** A round of the messenger, some minutes after the last. */
  async round(): Promise<void> {
    this.#now += 600;
    await this.keeper.add(this.account);
  }
}

const texts = async (thread: Thread | null): Promise<string[]> =>
  thread === null
    ? []
    : (await thread.entries(0, thread.count)).map((entry) =>
        entry.kind !== "message"
          ? entry.kind
          : entry.body.kind === "text"
            ? entry.body.text
            : entry.body.kind,
      );

test("ACC-53: a second code's backup has everything, also what the first one's had: all of it comes back", async () => {
  const world = new World();
  const device = await Device.of(world, 1);
  await device.hears(200);
  for (const code of ["first", "second", "third"]) {
    await device.keeper.begin(device.account);
    // Something comes in between the code and its first round.
    await device.hears(1);
    await device.round();
    expect(device.keeper.view, code).toEqual({ kind: "current" });
    const { thread } = await world.restored();
    expect(await texts(thread), code).toEqual(await texts(device.thread));
  }
  expect([...world.streams.keys()].map((name) => name.slice(65))).toEqual(["2"]);
});

test("ACC-54: what is changed in an old part of a history reaches the backup, also where the program ends before the next round", async () => {
  const world = new World();
  const disk = memoryStorage();
  const device = await Device.of(world, 1, disk);
  await device.hears(130);
  await device.keeper.begin(device.account);
  await device.round();
  await device.deletes("m3");
  // The next start, with the same backup.
  const again = await Device.of(world, 1, disk);
  again.account.backup = device.account.backup;
  again.keeper.look(again.account);
  await again.round();
  expect((await texts((await world.restored()).thread))[2]).toBe("deleted");
  // From then on what is old is not sent once more.
  const third = await NotedStorage.open(disk);
  const due = [...(await third.takeDue(again.account.backup?.id ?? ""))].sort();
  expect(due.filter((name) => /-\d{7}$/.test(name)).map((name) => name.slice(-7))).toEqual(["0000002"]);
});

test("ACC-54: a device that is lost in the middle of a record costs nobody anything but that record", async () => {
  const world = new World();
  const [phone, laptop] = [await Device.of(world, 1), await Device.of(world, 2)];
  await phone.hears(100);
  await phone.keeper.begin(phone.account);
  await phone.round();
  // Paired; of its first backup, which is its whole history, one chunk arrives and ends within a record.
  laptop.account.backup = laptop.backup(0);
  await laptop.hears(100);
  for (let i = 0; i < 40; i++)
    await laptop.storage.save(
      `history-${"ee".repeat(32)}-ids-${i}`,
      utf8(JSON.stringify(["x".repeat(60_000)])),
    );
  world.room = 1;
  await laptop.round();
  expect([...world.streams.values()].map(({ length }) => length)).toEqual([1, 1]);
  const { thread } = await world.restored();
  expect(await texts(thread)).toEqual(await texts(phone.thread));
});

test("ACC-53: while nobody knows which code is good, no backup is said to be up to date", async () => {
  const world = new World();
  const device = await Device.of(world, 1);
  const { account, keeper } = device;
  await device.hears(3);
  await keeper.begin(account);
  await device.round();
  expect(keeper.view).toEqual({ kind: "current" });
  const { enableRecovery } = account;
  account.enableRecovery = async () => {
    account.isRecoveryUnfinished = true;
    throw new WireError("unreachable", "no connection");
  };
  await expect(keeper.begin(account)).rejects.toThrow("no connection");
  await device.hears(1);
  await device.round();
  expect(keeper.view).toEqual({ kind: "unfinished" });
  account.enableRecovery = () => {
    account.isRecoveryUnfinished = false;
    return enableRecovery();
  };
  await keeper.begin(account);
  expect(keeper.view).toEqual({ kind: "uploading" });
  await device.round();
  expect(keeper.view).toEqual({ kind: "current" });
});

test("what changes while a backup is sent is in the next one, and what failed stays due", async () => {
  const noted = await NotedStorage.open(memoryStorage());
  await noted.save("people", new Uint8Array([1]));
  const taken = await noted.takeDue("a");
  expect([...taken]).toEqual(["people"]);
  // The upload is under way; the same record changes, and another one.
  await noted.save("people", new Uint8Array([2]));
  await noted.save(threadRecord(TALK), new Uint8Array([3]));
  expect([...noted.changed].sort()).toEqual(["people", threadRecord(TALK)]);
  noted.putBack(taken);
  await noted.save("device", new Uint8Array([4]));
  expect([...(await noted.takeDue("a"))].sort()).toEqual(["people", threadRecord(TALK)]);
  expect(noted.isIn("a")).toBe(true);
  expect(noted.isIn("b")).toBe(false);
});
