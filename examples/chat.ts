// A chat in the terminal. Lines are sent; /talk CODE begins a conversation with whoever gave that contact code.
//
//     PASSPHRASE=… node examples/chat.ts DEPLOYMENT.json DIRECTORY NAME [INVITATION]
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { type ConversationId, type MessengerConfig, startMessenger } from "@porchlight/client/node";
import { sortConversations, type ThreadChange } from "@porchlight/client/page";

const [deployment, directory, name, invitation = null] = process.argv.slice(2);
const passphrase = process.env["PASSPHRASE"] ?? "";
if (deployment === undefined || directory === undefined || name === undefined)
  throw new Error("who, and where?");

const config = JSON.parse(await readFile(deployment, "utf8")) as MessengerConfig;
const messenger = await startMessenger({ ...config, directory });
const secret = { kind: "passphrase", passphrase } as const;
if (messenger.state.kind === "signed-out") await messenger.perform("signUp", { invitation, name, secret });
else await messenger.perform("unlock", secret);
await messenger.until((state) => state.kind === "ready" && state.log.kind !== "unknown");

async function print(conversation: ConversationId, { ranges }: ThreadChange): Promise<void> {
  for (const { from, to } of ranges) {
    for (const entry of await messenger.perform("entries", { conversation, from, to })) {
      if (entry.kind === "refused") console.log(`! ${entry.item} refused: ${entry.code}`);
      if (entry.kind !== "message" || entry.fromMe || messenger.state.kind !== "ready") continue;
      const who = messenger.state.contacts[entry.from]?.name ?? "?";
      console.log(`${who}: ${entry.body.kind === "text" ? entry.body.text : "(taken back)"}`);
    }
  }
}
messenger.onThread((...change) => void print(...change));

for await (const line of createInterface({ input: process.stdin })) {
  if (messenger.state.kind !== "ready") continue;
  const [charter = null] = Object.values(messenger.state.charters);
  if (line.startsWith("/talk ")) {
    const { account } = await messenger.perform("addContact", { code: line.slice(6) });
    // Who can open it is decided here, and shown: the first charter of the log, or nobody.
    console.log(
      charter === null ? "Nobody can open this." : `${charter.threshold} keyholders can open this.`,
    );
    await messenger.perform("createConversation", {
      charter: charter?.id ?? null,
      title: "",
      accounts: [account],
    });
  } else {
    const [newest] = sortConversations(messenger.state);
    if (newest !== undefined) await messenger.perform("send", { conversation: newest.id, text: line });
  }
}
await messenger.close();
