import { Worker } from "node:worker_threads";
import type { AccountId } from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import { type ActiveConversation, serializeConversation } from "@porchlight/mls";
import type { StoredItem } from "@porchlight/wire";
import { DeploymentError } from "./error.ts";

/** What the worker gets: members' own states, and what the server delivered to all of them. */
export type EnvelopeCheck = {
  readonly conversations: readonly Uint8Array[];
  readonly envelopes: readonly { readonly submitter: AccountId; readonly bytes: Uint8Array }[];
  readonly keys: EscrowKeys;
};

/**
 * Lets members recompute the envelopes of all others in their epoch, each from its own state, as every member's client
 * does before it shows a message. On a thread of its own, because it is the longest computation of a replay and nothing
 * else waits for it. Rejects with the first refusal.
 */
export async function checkEnvelopes(
  members: readonly ActiveConversation[],
  items: readonly StoredItem[],
  keys: EscrowKeys,
): Promise<{ readonly members: number; readonly envelopes: number }> {
  const workerData: EnvelopeCheck = {
    conversations: members.map((conversation) => serializeConversation(conversation)),
    envelopes: items
      .filter(({ kind }) => kind === "envelope")
      .map(({ submitter, bytes }) => ({ submitter, bytes })),
    keys,
  };
  const worker = new Worker(new URL("./envelope-worker.ts", import.meta.url), { workerData });
  return await new Promise((resolve, reject) => {
    worker.once("message", (envelopes: number) => resolve({ members: members.length, envelopes }));
    worker.once("error", reject);
    worker.once("exit", () =>
      reject(new DeploymentError("state-mismatch", "the check of the envelopes was cut short")),
    );
  });
}
