import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fromUtf8, type UnixSeconds, unixSeconds, utf8 } from "@porchlight/encoding";
import { leafHash, logIndex, parseProof, verifyProof } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { expect, test } from "vitest";
import {
  type FollowedEntry,
  httpLogSource,
  LogFollower,
  type LogFollowerOptions,
  type LogSource,
  memoryStateStore,
  type StateStore,
} from "../src/index.ts";
import { keyholders, policy, START, TestLog, witnesses } from "./test-log.ts";

type Followed = {
  follower: LogFollower;
  seen: FollowedEntry[];
  update: () => ReturnType<LogFollower["update"]>;
};

async function follow(
  source: LogSource,
  store: StateStore = memoryStateStore(),
  options: Partial<LogFollowerOptions> = {},
): Promise<Followed> {
  const clock = { now: () => START };
  const follower = await LogFollower.open({
    source,
    policy,
    store,
    clock,
    maxAge: 600,
    suite: nodeSuite,
    ...options,
  });
  const seen: FollowedEntry[] = [];
  return { follower, seen, update: () => follower.update((entries) => void seen.push(...entries)) };
}

function later(seconds: number): UnixSeconds {
  return unixSeconds(START + seconds);
}

test("TLOG-20: every entry is handed on once, in order, at whatever sizes the log publishes", async () => {
  const log = new TestLog();
  const { seen, update, follower } = await follow(log);
  for (const count of [1, 0, 5, 250, 1, 255, 256, 3000, 1]) {
    log.publish(count);
    const result = await update();
    expect(result).toMatchObject({ kind: "fresh", entries: count });
    expect(result.checkpoint.size).toBe(log.entries.length);
  }
  expect(seen.map(({ index }) => index)).toEqual(log.entries.map((_, i) => i));
  expect(seen.map(({ bytes }) => fromUtf8(bytes))).toEqual(log.entries.map((bytes) => fromUtf8(bytes)));
  expect(follower.handled).toBe(log.entries.length);
});

test("TLOG-22: a follower fetches what is new and nothing else", async () => {
  const log = new TestLog();
  const { update } = await follow(log);
  log.publish(1000);
  await update();
  log.asked = [];
  await update();
  expect(log.asked).toEqual(["checkpoint"]);
  log.publish(10);
  log.asked = [];
  await update();
  expect(log.asked).toEqual(["checkpoint", "tile/entries/003.p/242"]);
});

test("TLOG-22: a dropped partial bundle is taken from the full one", async () => {
  const log = new TestLog();
  const note = log.publish(300);
  log.publish(400);
  log.dropPartials();
  log.note = note;
  const { seen, update } = await follow(log);
  await update();
  expect(seen).toHaveLength(300);
});

test("TLOG-20: the memory outlives a restart, and entries continue where they stopped", async () => {
  const log = new TestLog();
  const store = memoryStateStore();
  log.publish(300);
  await (await follow(log, store)).update();
  log.publish(10);
  const second = await follow(log, store);
  expect(second.follower.checkpoint?.size).toBe(300);
  await second.update();
  expect(second.seen.map(({ index }) => index)).toEqual([...Array(10).keys()].map((i) => 300 + i));
});

test("TLOG-20: who keeps no entries gets all of them again, and the memory still binds the log", async () => {
  const log = new TestLog();
  const store = memoryStateStore();
  log.publish(300);
  await (await follow(log, store)).update();
  log.publish(10);
  const second = await follow(log, store, { from: "start" });
  await second.update();
  expect(second.seen).toHaveLength(310);

  const other = new TestLog("other");
  other.publish(400);
  const third = await follow(other, store, { from: "start" });
  await expect(third.update()).rejects.toMatchObject({ code: "fork" });
  expect(third.seen).toEqual([]);
});

test("TLOG-20: entries whose handling failed come again, and what was not handled is not forgotten", async () => {
  const log = new TestLog();
  const store = memoryStateStore();
  log.publish(5000);
  const { follower } = await follow(log, store);
  const handled: number[] = [];
  const failing = follower.update((entries) => {
    if (handled.length > 0) throw new Error("disk full");
    handled.push(...entries.map(({ index }) => index));
  });
  await expect(failing).rejects.toThrow("disk full");
  // A new process, and meanwhile the log has grown.
  log.publish(7);
  const second = await follow(log, store);
  await second.update();
  expect([...handled, ...second.seen.map(({ index }) => index)]).toEqual([...Array(5007).keys()]);
});

test("TLOG-21: an older checkpoint is a rollback, another tree of any size is a fork; neither is remembered", async () => {
  const log = new TestLog();
  const old = log.publish(100);
  log.publish(200);
  const store = memoryStateStore();
  const { update, seen, follower } = await follow(log, store);
  await update();
  const good = log.note;
  log.note = old;
  await expect(update()).rejects.toMatchObject({ code: "rollback", evidence: { seen: good, offered: old } });

  for (const [size, held] of [
    [100, 300],
    [300, 300],
    [301, 301],
    [5000, 5000],
  ] as const) {
    const fork = new TestLog("fork");
    const note = fork.publish(size);
    fork.publish(held - size);
    fork.note = note;
    const forked = await follow(fork, store);
    await expect(forked.update()).rejects.toMatchObject({
      code: "fork",
      evidence: { seen: good, offered: note },
    });
    expect(forked.seen).toEqual([]);
    expect(forked.follower.checkpoint?.note).toBe(good);
  }
  const restored = new TestLog();
  restored.publish(100);
  await expect((await follow(restored, store)).update()).rejects.toMatchObject({ code: "rollback" });
  log.note = good;
  await update();
  expect(seen).toHaveLength(300);
  expect(follower.checkpoint?.note).toBe(good);
});

test("TLOG-21: a split view needs more than two dishonest keyholders beside both witnesses", async () => {
  const log = new TestLog();
  log.publish(10);
  const { update } = await follow(log);
  for (const cosigners of [
    [...witnesses, ...keyholders.slice(0, 3)],
    [witnesses[0], ...keyholders],
    [...witnesses, keyholders[0], keyholders[0], keyholders[0], keyholders[0]],
    [],
  ]) {
    log.publish(1, START, cosigners as typeof witnesses);
    await expect(update()).rejects.toMatchObject({ code: "policy-unsatisfied" });
  }
  log.publish(1, START, [...witnesses, ...keyholders.slice(1)]);
  expect((await update()).checkpoint.size).toBe(15);
});

test("TLOG-21: a note of another log or with a bad signature is refused", async () => {
  const log = new TestLog();
  log.publish(10);
  const { update } = await follow(log);
  const good = log.note;
  for (const note of [
    good.replace("log.test.example\n10", "log.other.example\n10"),
    good.replace("log.test.example\n10", "log.test.example\n11"),
    good.slice(0, -1),
    "",
  ]) {
    log.note = note;
    await expect(update()).rejects.toMatchObject({ code: "note-refused" });
  }
});

test("TLOG-21: every altered, missing, added or swapped entry is refused before any of its batch is handed on", async () => {
  const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] as number) ^ 1);
  const path = "tile/entries/000.p/20";
  const altered: ((bundle: Uint8Array) => Uint8Array)[] = [
    (b) => flip(b, 5),
    (b) => flip(b, b.length - 1),
    (b) => flip(b, 0),
    (b) => b.slice(0, -1),
    (b) => new Uint8Array([...b, 0]),
    (b) => new Uint8Array([...b.slice(b.length / 2), ...b.slice(0, b.length / 2)]),
    () => new Uint8Array(0),
  ];
  for (const alter of altered) {
    const log = new TestLog();
    log.publish(20);
    log.files.set(path, alter(log.files.get(path) as Uint8Array));
    const { update, seen } = await follow(log);
    await expect(update()).rejects.toMatchObject({ code: "entry-hash" });
    expect(seen).toEqual([]);
  }
});

test("TLOG-21: in a long catch-up no batch is handed on before tiles prove that it leads to the checkpoint", async () => {
  const log = new TestLog();
  log.publish(5000);
  const bundle = log.files.get("tile/entries/009") as Uint8Array;
  log.files.set("tile/entries/009", bundle.with(9, (bundle[9] as number) ^ 1));
  const { update, seen } = await follow(log);
  await expect(update()).rejects.toMatchObject({ code: "entry-hash" });
  expect(seen).toHaveLength(8 * 256);
  log.files.set("tile/entries/009", bundle);
  log.files.delete("tile/0/019.p/136");
  const second = await follow(log);
  await expect(second.update()).rejects.toMatchObject({ code: "tile-refused" });
});

test("TLOG-23: a checkpoint is stale when its quorum's time lies too far back; newer cosignatures of it heal that", async () => {
  const log = new TestLog();
  log.publish(10, START);
  let now = START;
  const { update } = await follow(log, memoryStateStore(), { clock: { now: () => now } });
  now = later(600);
  expect((await update()).kind).toBe("fresh");
  now = later(601);
  expect((await update()).kind).toBe("stale");
  // One cosigner ahead of the others moves nothing.
  log.note = log.sign(later(601), [...witnesses, ...keyholders.slice(0, 3)]);
  const text = log.note.slice(0, log.note.indexOf("\n\n") + 2);
  const lines = (note: string): string => note.slice(note.indexOf("\n\n") + 2);
  const old = lines(log.sign(START, keyholders.slice(3)));
  log.note = text + lines(log.note) + old;
  expect(await update()).toMatchObject({ kind: "stale", checkpoint: { time: START } });
  log.note = log.sign(later(601), [...witnesses, ...keyholders]);
  expect(await update()).toMatchObject({ kind: "fresh", checkpoint: { time: later(601) } });
  // Shown the older cosignatures again, the follower keeps the newer note.
  log.note = log.sign(START, [...witnesses, ...keyholders]);
  expect(await update()).toMatchObject({ kind: "fresh", checkpoint: { time: later(601) } });
});

test("TLOG-13: proofs of single entries verify offline, for their own entry only", async () => {
  const log = new TestLog();
  log.publish(700);
  const { update, follower } = await follow(log);
  await expect(follower.prove(logIndex(0))).rejects.toMatchObject({ code: "not-covered" });
  await update();
  for (const index of [0, 255, 256, 511, 699].map(logIndex)) {
    const proof = await follower.prove(index);
    const entry = await follower.entry(index);
    expect(entry).toEqual(log.entries[index]);
    expect(verifyProof(proof, policy, leafHash(entry), nodeSuite)).toMatchObject({
      index,
      checkpoint: { size: 700, time: START },
    });
    expect(() => verifyProof(proof, policy, leafHash(utf8("{}")), nodeSuite)).toThrow(
      expect.objectContaining({ code: "inclusion-invalid" }),
    );
    expect(parseProof(proof).checkpoint).toBe(log.note);
  }
  await expect(follower.prove(logIndex(700))).rejects.toMatchObject({ code: "not-covered" });
});

test("TLOG-13: an index in a log of one entry", async () => {
  const log = new TestLog();
  log.publish(1);
  const { update, follower } = await follow(log);
  await update();
  const proof = await follower.prove(logIndex(0));
  expect(parseProof(proof).hashes).toEqual([]);
  verifyProof(proof, policy, leafHash(log.entries[0] as Uint8Array), nodeSuite);
});

test("TLOG-21: tiles that are not the tree's give no proof, and right ones do again afterwards", async () => {
  const log = new TestLog();
  log.publish(300);
  const { update, follower } = await follow(log);
  await update();
  const good = log.files.get("tile/0/000") as Uint8Array;
  for (const wrong of [good.with(40, (good[40] as number) ^ 1), good.slice(1)]) {
    log.files.set("tile/0/000", wrong);
    await expect(follower.prove(logIndex(0))).rejects.toMatchObject({ code: "tile-refused" });
  }
  log.files.set("tile/0/000", good);
  await follower.prove(logIndex(0));
});

test("TLOG-21: a single entry that is not the tree's is refused", async () => {
  const log = new TestLog();
  log.publish(20);
  const { update, follower } = await follow(log);
  await update();
  const path = "tile/entries/000.p/20";
  const good = log.files.get(path) as Uint8Array;
  log.files.set(path, good.with(5, (good[5] as number) ^ 1));
  await expect(follower.entry(logIndex(0))).rejects.toMatchObject({ code: "entry-hash" });
  expect(await follower.entry(logIndex(1))).toEqual(log.entries[1]);
});

test("TLOG-20: a log without entries is followed, and grows", async () => {
  const log = new TestLog();
  log.publish(0);
  const store = memoryStateStore();
  const { update, follower } = await follow(log, store);
  expect(await update()).toMatchObject({ kind: "fresh", entries: 0, checkpoint: { size: 0 } });
  await expect(follower.entry(logIndex(0))).rejects.toMatchObject({ code: "not-covered" });
  log.publish(3);
  expect(await (await follow(log, store)).update()).toMatchObject({ entries: 3 });
});

test("TLOG-20: damaged state is refused, never taken for none", async () => {
  const log = new TestLog();
  log.publish(300);
  const store = memoryStateStore();
  await (await follow(log, store)).update();
  const state = JSON.parse(fromUtf8((await store.load()) as Uint8Array));
  const other = new TestLog("other");
  other.publish(300);
  for (const wrong of [
    "",
    "{}",
    JSON.stringify({ ...state, version: 2 }),
    JSON.stringify({ ...state, tree: "" }),
    JSON.stringify({ ...state, tree: `${state.tree.slice(0, 20)}${state.tree.slice(24)}` }),
    JSON.stringify({ ...state, checkpoint: other.note }),
    JSON.stringify({ ...state, checkpoint: state.checkpoint.replaceAll("log.test", "log.other") }),
  ]) {
    await store.save(utf8(wrong));
    await expect(follow(log, store)).rejects.toMatchObject({ code: "state-corrupt" });
  }
});

test("TLOG-20: a policy of no log or of several logs follows nothing", async () => {
  await expect(
    follow(new TestLog(), memoryStateStore(), { policy: { ...policy, logs: [] } }),
  ).rejects.toMatchObject({ code: "policy-unusable" });
});

test("TLOG-20: updates asked for at once run one after the other", async () => {
  const log = new TestLog();
  log.publish(600);
  const { update, seen } = await follow(log);
  const results = await Promise.all([update(), update(), update()]);
  expect(results.map(({ entries }) => entries)).toEqual([600, 0, 0]);
  expect(seen).toHaveLength(600);
});

test("TLOG-20: over HTTP, where what is missing is 404 and what is broken is no answer", async () => {
  const log = new TestLog();
  log.publish(700);
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace("/log/", "");
    const body = path === "checkpoint" ? log.note : log.files.get(path);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
  const { update, seen, follower } = await follow(httpLogSource({ url }));
  await update();
  expect(seen).toHaveLength(700);
  log.publish(500);
  log.dropPartials();
  await update();
  expect(await follower.entry(logIndex(1100))).toEqual(log.entries[1100]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(update()).rejects.toMatchObject({ code: "unreachable", retryable: true });
});
