import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unixSeconds, utf8 } from "@porchlight/encoding";
import { Supervisor } from "@porchlight/runtime";
import {
  appendLeaves,
  consistencyProof,
  EMPTY_FRONTIER,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVkey,
  frontierRoot,
  leafHash,
  makeSigner,
  parseTreeSizeBody,
  signNote,
  treeSize,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { expect, test } from "vitest";

const ENTRY = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const ORIGIN = "log.test.example";
const logSigner = makeSigner("ed25519", ORIGIN, new Uint8Array(32).fill(1), nodeSuite);
const ROUNDS = 25;
const TREES = 2;

/** One of several trees of the same log: a log that forks, with the request from any size to the next. */
class Fork {
  readonly #tiles = new Map<string, Uint8Array>();
  readonly #states = [EMPTY_FRONTIER];
  readonly #tag: string;
  constructor(tag: string) {
    this.#tag = tag;
  }

  async request(from: number, to: number): Promise<string> {
    while (this.#states.length <= to) {
      const last = this.#states.at(-1) ?? EMPTY_FRONTIER;
      const leaf = leafHash(utf8(`${this.#tag} ${last.size}`), nodeSuite);
      const { state, newTiles } = appendLeaves(last, [leaf], nodeSuite);
      for (const { path, hashes } of newTiles) this.#tiles.set(path, hashes);
      this.#states.push(state);
    }
    const root = frontierRoot(this.#states[to] ?? EMPTY_FRONTIER, nodeSuite);
    const note = signNote(formatCheckpoint({ origin: ORIGIN, size: treeSize(to), root }), [logSigner]);
    const read = async (path: string): Promise<Uint8Array> => this.#tiles.get(path) as Uint8Array;
    const proof = await consistencyProof(read, treeSize(from), treeSize(to), nodeSuite);
    return formatAddCheckpoint({ oldSize: treeSize(from), proof, note });
  }
}

test("TLOG-19: killed at any moment, a witness never cosigned two trees, nor forgot what it cosigned", async () => {
  const directory = await mkdtemp(join(tmpdir(), "porchlight-witness-kill-"));
  const config = {
    clock: "replay",
    name: "witness-1",
    deployment: "test.example",
    port: 0,
    logs: [formatVkey(logSigner.key)],
    workFactor: 4,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const supervisor = new Supervisor({ replayFrom: unixSeconds(1_800_000_000) });
  const forks = Array.from({ length: TREES }, (_, i) => new Fork(`tree ${i}`));
  /** For each tree, the largest size for which a cosignature was seen. */
  const cosigned = forks.map(() => 0);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const port = await supervisor.start({ name: "witness-1", entry: ENTRY, directory });
      const url = `http://127.0.0.1:${port}/add-checkpoint`;
      const post = async (body: string): Promise<Response | null> =>
        await fetch(url, { method: "POST", body }).catch(() => null);
      // Every tree is pushed at once, from the size that the witness says it has.
      const pushing = forks.map(async (fork, i) => {
        let known = 0;
        // Until the witness is gone, or refuses this tree for good.
        for (;;) {
          const answer = await post(await fork.request(known, known + 1));
          if (answer === null) return;
          const text = await answer.text().catch(() => "");
          if (answer.status === 200 && text.endsWith("\n")) cosigned[i] = Math.max(cosigned[i] ?? 0, ++known);
          else if (answer.status === 409) known = parseTreeSizeBody(text);
          else if (answer.status === 422) return;
        }
      });
      const before = Math.max(...cosigned);
      while (Math.max(...cosigned) < before + 2) await new Promise((resolve) => setTimeout(resolve, 1));
      await new Promise((resolve) => setTimeout(resolve, 20 + 7 * round));
      await supervisor.kill("witness-1");
      await Promise.all(pushing);

      const again = await supervisor.start({ name: "witness-1", entry: ENTRY, directory });
      const probe = await fetch(`http://127.0.0.1:${again}/add-checkpoint`, {
        method: "POST",
        body: await (forks[0] as Fork).request(0, 1),
      });
      const stored = probe.status === 409 ? parseTreeSizeBody(await probe.text()) : 0;
      if (probe.status === 200) cosigned[0] = Math.max(cosigned[0] ?? 0, 1);
      expect(stored === 0 ? 1 : stored).toBeGreaterThanOrEqual(Math.max(...cosigned));
      await supervisor.stop("witness-1");
    }
    // The first request of any round could have been any tree's, but all cosignatures are of one.
    expect(cosigned.filter((size) => size > 0)).toHaveLength(1);
    expect(Math.max(...cosigned)).toBeGreaterThan(ROUNDS);
  } finally {
    await supervisor.stopAll();
    await rm(directory, { recursive: true });
  }
});
