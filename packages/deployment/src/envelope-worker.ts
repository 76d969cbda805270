// The other side of envelope-check.ts.
import { parentPort, workerData } from "node:worker_threads";
import { acceptEnvelope, deserializeConversation } from "@porchlight/mls";
import { nodeMlsSuite } from "@porchlight/mls/node";
import type { EnvelopeCheck } from "./envelope-check.ts";
import { DeploymentError } from "./error.ts";

const { conversations, envelopes, keys } = workerData as EnvelopeCheck;
const suite = await nodeMlsSuite();
let checked = 0;
for (const bytes of conversations) {
  let conversation = deserializeConversation(suite, bytes);
  for (const { submitter, bytes: envelope } of envelopes) {
    if (conversation.kind !== "active")
      throw new DeploymentError("state-mismatch", "a sampled member is gone");
    if (submitter === conversation.account) continue;
    conversation = acceptEnvelope(conversation, envelope, keys, { submitter });
    checked++;
  }
}
parentPort?.postMessage(checked);
