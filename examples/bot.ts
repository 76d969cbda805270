// A bot that answers what it is told, in every conversation that it is taken into. It misses nothing while it is down.
//
//     PASSPHRASE=… node examples/bot.ts DEPLOYMENT.json DIRECTORY [INVITATION]
import { readFile } from "node:fs/promises";
import { type ConversationId, type MessengerConfig, startMessenger } from "@porchlight/client/node";

const [deployment, directory, invitation = null] = process.argv.slice(2);
const passphrase = process.env["PASSPHRASE"] ?? "";
if (deployment === undefined || directory === undefined)
  throw new Error("which deployment, which directory?");

const config = JSON.parse(await readFile(deployment, "utf8")) as MessengerConfig;
const messenger = await startMessenger({ ...config, directory });
const secret = { kind: "passphrase", passphrase } as const;
if (messenger.state.kind === "signed-out") {
  await messenger.perform("signUp", { invitation, name: "Echo", secret });
} else await messenger.perform("unlock", secret);
if (messenger.state.kind === "ready") console.log(messenger.state.me.contactCode);

/** Answers what was not read yet. Read is only what was answered: after a crash it goes on there. */
async function answer(conversation: ConversationId): Promise<void> {
  const { count, firstUnread } = messenger.threadView(conversation);
  const entries = await messenger.perform("entries", { conversation, from: firstUnread ?? count, to: count });
  for (const [i, entry] of entries.entries()) {
    if (entry.kind === "message" && !entry.fromMe && entry.body.kind === "text") {
      await messenger.perform("send", {
        conversation,
        text: `You said: ${entry.body.text}`,
        replyTo: entry.id,
      });
    }
    await messenger.perform("markRead", { conversation, upTo: (firstUnread ?? count) + i });
  }
}

let busy = Promise.resolve();
messenger.onThread((conversation) => {
  busy = busy.then(() => answer(conversation));
});
process.on("SIGTERM", () => void busy.then(() => messenger.close()));
