import { fromUtf8, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import {
  consistencyProof,
  cosign,
  formatAddCheckpoint,
  parseVkey,
  type TreeFrontier,
  type TreeSize,
  treeSize,
  verifyNote,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { expect, test } from "vitest";
import { Cosigner, memoryStateStore, type StateStore, WireError, WitnessClient } from "../src/index.ts";
import { logSigner, ORIGIN, START, TestLog, witnesses } from "./test-log.ts";

const signer = witnesses[0] as (typeof witnesses)[number];
const ORIGIN_HASH = hex(nodeSuite.sha256(utf8(ORIGIN)));

type Published = { readonly note: string; readonly size: TreeSize; readonly state: TreeFrontier };

/** A log's checkpoints of these sizes without cosignatures, and the requests that go from one to another. */
function history(log: TestLog, sizes: readonly number[]) {
  const published = new Map<number, Published>();
  for (const size of sizes) {
    const note = log.publish(size - log.entries.length, START, []);
    published.set(size, { note, size: treeSize(size), state: log.state });
  }
  return async (from: number, to: number, note = published.get(to)?.note ?? ""): Promise<Uint8Array> => {
    const read = async (path: string): Promise<Uint8Array> => log.files.get(path) as Uint8Array;
    const proof = await consistencyProof(read, treeSize(from), treeSize(to), nodeSuite);
    return utf8(formatAddCheckpoint({ oldSize: treeSize(from), proof, note }));
  };
}

function cosigner(store: StateStore = memoryStateStore(), now = () => START): Cosigner {
  return new Cosigner({
    signer,
    logs: [logSigner.key],
    storeFor: (originHash) => {
      expect(originHash).toBe(ORIGIN_HASH);
      return store;
    },
    clock: { now },
    suite: nodeSuite,
  });
}

test("TLOG-18: a consistent checkpoint is cosigned, the same one again too, and kept for monitors", async () => {
  const request = history(new TestLog(), [3, 300]);
  const witness = cosigner();
  expect(await witness.checkpoint(ORIGIN_HASH)).toBe(null);
  for (const [from, to] of [
    [0, 3],
    [3, 3],
    [3, 300],
    [300, 300],
  ] as const) {
    const answer = await witness.addCheckpoint(await request(from, to));
    expect(answer.status).toBe(200);
    const kept = (await witness.checkpoint(ORIGIN_HASH)) as string;
    expect(kept.endsWith(answer.body)).toBe(true);
    const { signatures } = verifyNote(kept, [logSigner.key, parseVkey(witness.vkey)], nodeSuite);
    expect(signatures.map(({ key, time }) => [key.name, time])).toEqual([
      [ORIGIN, null],
      [signer.key.name, START],
    ]);
  }
  expect(await witness.checkpoint("00".repeat(32))).toBe(null);
});

test("TLOG-19: of two requests at once neither rolls the other back, whichever is stored first", async () => {
  for (const [first, second] of [
    [10, 20],
    [20, 10],
  ] as const) {
    const request = history(new TestLog(), [10, 20]);
    const inner = memoryStateStore();
    const waiting: (() => void)[] = [];
    let saves = 0;
    const writing = Promise.withResolvers<void>();
    const store: StateStore = {
      load: inner.load,
      save: async (state) => {
        saves++;
        writing.resolve();
        await new Promise<void>((resolve) => waiting.push(resolve));
        await inner.save(state);
      },
    };
    const witness = cosigner(store);
    let left = 0;
    const a = witness.addCheckpoint(await request(0, first)).finally(() => left++);
    const b = witness.addCheckpoint(await request(0, second)).finally(() => left++);
    await writing.promise;
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    // The first is still being written: its cosignature has not left, and the second has not been looked at.
    expect([saves, left]).toEqual([1, 0]);
    waiting.shift()?.();
    expect((await a).status).toBe(200);
    expect(await b).toEqual({
      kind: "refused",
      status: 409,
      body: `${first}\n`,
      contentType: "text/x.tlog.size",
    });
    expect(saves).toBe(1);
  }
});

test("TLOG-19: a cosignature whose state could not be kept does not leave, and the next one goes on from the disk", async () => {
  const request = history(new TestLog(), [10, 20]);
  const inner = memoryStateStore();
  let fails: "before" | "after" | "no" = "no";
  const store: StateStore = {
    load: inner.load,
    save: async (state) => {
      if (fails === "before") throw new Error("no space left");
      await inner.save(state);
      if (fails === "after") throw new Error("fsync failed");
    },
  };
  const witness = cosigner(store);
  expect((await witness.addCheckpoint(await request(0, 10))).status).toBe(200);
  fails = "before";
  await expect(witness.addCheckpoint(await request(10, 20))).rejects.toThrow("no space left");
  fails = "after";
  await expect(witness.addCheckpoint(await request(10, 20))).rejects.toThrow("fsync failed");
  fails = "no";
  expect(await witness.addCheckpoint(await request(10, 20))).toMatchObject({ status: 409, body: "20\n" });
  expect((await witness.addCheckpoint(await request(20, 20))).status).toBe(200);
});

test("TLOG-19: a restarted witness remembers, and refuses another tree", async () => {
  const request = history(new TestLog(), [10, 20]);
  const fork = history(new TestLog("fork"), [10, 20]);
  const store = memoryStateStore();
  await cosigner(store).addCheckpoint(await request(0, 10));
  const witness = cosigner(store);
  expect(await witness.addCheckpoint(await fork(0, 10))).toMatchObject({ status: 409, body: "10\n" });
  expect(await witness.addCheckpoint(await fork(10, 10))).toMatchObject({ status: 422 });
  expect(await witness.addCheckpoint(await fork(10, 20))).toMatchObject({ status: 422 });
  expect(await witness.addCheckpoint(await request(10, 20))).toMatchObject({ status: 200 });
});

test("TLOG-19: damaged state cosigns nothing", async () => {
  const request = history(new TestLog(), [10]);
  const store = memoryStateStore();
  await cosigner(store).addCheckpoint(await request(0, 10));
  const note = fromUtf8((await store.load()) as Uint8Array);
  for (const wrong of [
    "",
    note.slice(0, -2),
    note.replace("\n10\n", "\n11\n"),
    note.replace(/— witness.*\n/, ""),
  ]) {
    await store.save(utf8(wrong));
    await expect(cosigner(store).addCheckpoint(await request(0, 10))).rejects.toThrow();
  }
});

test("TLOG-18: a clock that was ahead for a moment silences nobody: the cosignature has the clock's time again", async () => {
  const request = history(new TestLog(), [10, 20]);
  let now = unixSeconds(START + 172_800);
  const witness = cosigner(memoryStateStore(), () => now);
  await witness.addCheckpoint(await request(0, 10));
  now = START;
  const { status, body } = await witness.addCheckpoint(await request(10, 20));
  expect(status).toBe(200);
  expect(Buffer.from(body.trim().split(" ").at(-1) ?? "", "base64").readBigUInt64BE(4)).toBe(BigInt(START));
  expect((await witness.addCheckpoint(await request(10, 10))).status).toBe(409);
});

/** A fetch that a cosigner answers. */
function fetchFrom(witness: Cosigner): typeof fetch {
  return async (_, init) => {
    const { status, contentType, body } = await witness.addCheckpoint(init?.body as Uint8Array);
    return new Response(body, { status, headers: { "content-type": contentType } });
  };
}

test("TLOG-18: a log that lost count learns the witness' size and gets its cosignature", async () => {
  const log = new TestLog();
  const request = history(log, [10, 20]);
  const witness = cosigner();
  await witness.addCheckpoint(await request(0, 10));
  const client = new WitnessClient(signer.key, { url: "http://witness.invalid/", fetch: fetchFrom(witness) });
  const asked: number[] = [];
  const prove = async (oldSize: TreeSize) => {
    asked.push(oldSize);
    const read = async (path: string): Promise<Uint8Array> => log.files.get(path) as Uint8Array;
    return await consistencyProof(read, oldSize, treeSize(log.entries.length), nodeSuite);
  };
  const cosigned = await client.cosign(log.note, treeSize(20), prove);
  expect(cosigned).toBe(log.note + cosign(log.note.slice(0, log.note.indexOf("\n\n") + 1), signer, START));
  expect(asked).toEqual([20, 10]);
  log.publish(5, START, []);
  await client.cosign(log.note, treeSize(25), prove);
  expect(asked).toEqual([20, 10, 20]);
  await expect(client.cosign(log.note, treeSize(20), async () => [])).rejects.toMatchObject({
    code: "refused",
    status: 409,
  });
});

test("TLOG-18: an answer that is no cosignature of this checkpoint is refused", async () => {
  const log = new TestLog();
  const note = log.publish(1, START, []);
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const other = cosign(text.replace("\n1\n", "\n2\n"), signer, START);
  const stranger = cosign(text, witnesses[1] as typeof signer, START);
  for (const body of [
    other,
    stranger,
    "",
    "\n\n",
    "<html>",
    `${cosign(text, signer, START)}\nx\n\n${other}`,
  ]) {
    const client = new WitnessClient(signer.key, {
      url: "http://witness.invalid",
      fetch: async () => new Response(body, { status: 200 }),
    });
    await expect(client.cosign(note, treeSize(1), async () => [])).rejects.toThrow(WireError);
  }
});
