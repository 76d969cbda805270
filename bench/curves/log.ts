// A log of 10³ to 10⁶ entries: appended, followed, audited, proven.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inclusionProof, logIndex } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { LogStore } from "../../apps/server/src/log-store.ts";
import { runLongLog } from "../../apps/server/test/long-log.ts";
import { type Curve, leastCpu } from "./curve.ts";

const SIZES = [1000, 10_000, 100_000, 1_000_000];
const PROOFS = 100;

export async function run(): Promise<Curve> {
  type Points = [number, number][];
  const [append, follow, audit, prove]: [Points, Points, Points, Points] = [[], [], [], []];
  const [disk, entries, proof]: [Points, Points, Points] = [[], [], []];
  for (const size of [1000, ...SIZES]) {
    const directory = await mkdtemp(join(tmpdir(), "porchlight-curve-"));
    const made = await runLongLog(directory, size);
    const store = await LogStore.open(directory);
    let hashes = 0;
    const proofs = await leastCpu(3, async () => {
      hashes = 0;
      for (let i = 0; i < PROOFS; i++) {
        const index = logIndex((i * 7919) % size);
        hashes += (await inclusionProof(store.tiles, store.size, index, nodeSuite)).length;
      }
    });
    await store.close();
    await rm(directory, { recursive: true });
    append.push([size, made.cpuSeconds.append * 1000]);
    follow.push([size, made.cpuSeconds.follow * 1000]);
    audit.push([size, made.cpuSeconds.audit * 1000]);
    prove.push([size, proofs / PROOFS]);
    disk.push([size, made.diskBytes]);
    entries.push([size, made.entryBytes]);
    proof.push([size, (32 * hashes) / PROOFS]);
  }
  // The first run of the smallest size warmed up.
  const measured = (points: Points): Points => points.slice(1);
  return {
    title: "Entries of the log",
    x: "entries",
    series: [
      { what: "append all", unit: "CPU ms", points: measured(append) },
      { what: "follow it while it grows, 40 looks", unit: "CPU ms", points: measured(follow) },
      { what: "audit the whole log", unit: "CPU ms", points: measured(audit) },
      { what: "make an inclusion proof", unit: "CPU ms", points: measured(prove) },
      { what: "the log on disk", unit: "bytes", points: measured(disk) },
      { what: "of it the entries", unit: "bytes", points: measured(entries) },
      { what: "an inclusion proof", unit: "bytes", points: measured(proof) },
    ],
  };
}
