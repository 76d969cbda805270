// A log that is not ours: Go's x/mod/sumdb makes the tree, the tiles and the signed checkpoint; a plain file server serves it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hex } from "@porchlight/encoding";
import { formatSignerKey, formatVkey, makeSigner, parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPeer, hasGo } from "../../tlog/test/go-peer.ts";
import { Monitor } from "../src/index.ts";

const ORIGIN = "go.example.org/log";
const TIME = 1_800_000_000;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const witness = makeSigner("cosignature", "witness.example.org", seed(2), nodeSuite);
const log = makeSigner("ed25519", ORIGIN, seed(1), nodeSuite);
const policy = parsePolicy(
  `log ${formatVkey(log.key)}\nwitness w ${formatVkey(witness.key)}\nquorum w\n`,
  nodeSuite,
);

describe.skipIf(!hasGo)("a log made by Go's x/mod/sumdb", () => {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-go-log-"));
  let files = "";
  const server = createServer((request, response) => {
    readFile(join(directory, files, request.url ?? "/")).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  let make: (name: string, entries: readonly string[]) => void;
  let url = "";

  beforeAll(async () => {
    const peer = buildPeer(directory, new URL("./go/main.go", import.meta.url));
    make = (name, entries) => {
      peer({
        directory: join(directory, name),
        origin: ORIGIN,
        signerKey: formatSignerKey("ed25519", ORIGIN, seed(1)),
        entries,
        witness: witness.key.name,
        keyId: hex(witness.key.id),
        seed: hex(seed(2)),
        time: TIME,
      });
    };
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const entries = (count: number, tag = "record"): string[] =>
    Array.from({ length: count }, (_, i) => `${tag} ${i}\n`);
  const watch = async (state: string) =>
    await Monitor.open({
      source: httpLogSource({ url }),
      policy,
      directory: join(directory, state),
      clock: { now: () => TIME as never },
      maxAge: 600,
      suite: nodeSuite,
    });

  test("MON-1, MON-3: it is followed as it grows, and its fork is found", async () => {
    make("small", entries(700));
    make("large", entries(70_000));
    make("forked", [...entries(500), ...entries(70_000, "other")]);
    files = "small";
    const monitor = await watch("state");
    expect(await monitor.look()).toMatchObject({ entries: 700, findings: [], charters: 0 });
    files = "large";
    expect(await monitor.look()).toMatchObject({ entries: 69_300, findings: [] });
    files = "forked";
    expect((await monitor.look()).findings).toMatchObject([{ code: "fork" }]);
    await monitor.close();
  });

  test("MON-4: another log's key, a changed entry and a missing bundle are refused, and pass", async () => {
    const other = makeSigner("ed25519", ORIGIN, seed(9), nodeSuite);
    const monitor = await Monitor.open({
      source: httpLogSource({ url }),
      policy: parsePolicy(
        `log ${formatVkey(other.key)}\nwitness w ${formatVkey(witness.key)}\nquorum w\n`,
        nodeSuite,
      ),
      directory: join(directory, "other"),
      clock: { now: () => TIME as never },
      maxAge: 600,
      suite: nodeSuite,
    });
    files = "small";
    expect((await monitor.look()).findings).toMatchObject([{ code: "policy-unsatisfied" }]);
    await monitor.close();
    make("changed", entries(700));
    const bundle = join(directory, "changed", "tile", "entries", "001");
    const bytes = readFileSync(bundle);
    writeFileSync(bundle, bytes.with(1000, (bytes[1000] as number) ^ 1));
    files = "changed";
    const strict = await watch("strict");
    expect((await strict.look()).findings).toEqual([{ code: "log-refused", reason: "entry-hash" }]);
    rmSync(bundle);
    expect((await strict.look()).findings).toEqual([{ code: "log-refused", reason: "tile-refused" }]);
    writeFileSync(bundle, bytes);
    expect(await strict.look()).toMatchObject({ entries: 700, findings: [] });
    await strict.close();
  });
});
