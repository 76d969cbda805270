import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { AccountId } from "@porchlight/encoding";
import type { Curve } from "@porchlight/quorum";
import { sortLabels } from "./material.ts";
import { inOrder, type KeyedLabel, type OpenedMaterial, openMaterial } from "./messages.ts";

/** What one thread opens. */
export type OpeningWork = {
  readonly labels: readonly KeyedLabel[];
  readonly persons: ReadonlyMap<AccountId, string>;
};

/** A thread takes a third of a second to start, in which it would open about this many envelopes. */
const ENVELOPES_A_THREAD = 20;

/**
 * {@link openMaterial} with a thread for each processor where there is enough to open: the same result, whatever the
 * number of threads. Rejects with what a thread failed of, which is never about the material.
 */
export async function openInThreads(
  work: OpeningWork,
  curve: Curve,
  processors = availableParallelism(),
): Promise<OpenedMaterial> {
  const labels = sortLabels(work.labels) as KeyedLabel[];
  const envelopes = labels.reduce((sum, label) => sum + label.envelopes.length, 0);
  const threads = Math.min(processors, Math.floor(envelopes / ENVELOPES_A_THREAD));
  if (threads < 2) return openMaterial({ ...work, curve });
  return inOrder(
    await Promise.all(
      shares(labels, envelopes / threads).map((share) => inThread({ ...work, labels: share })),
    ),
  );
}

/** Runs of labels with about as many envelopes each. */
function shares(labels: readonly KeyedLabel[], size: number): KeyedLabel[][] {
  const runs: KeyedLabel[][] = [];
  let before = 0;
  for (const label of labels) {
    const run = Math.floor(before / size);
    runs[run] = [...(runs[run] ?? []), label];
    before += label.envelopes.length;
  }
  return runs.filter((run) => run !== undefined);
}

async function inThread(work: OpeningWork): Promise<OpenedMaterial> {
  const worker = new Worker(new URL("./opening-worker.ts", import.meta.url), { workerData: work });
  return await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a thread of the opening ended with code ${code}`)));
  });
}
