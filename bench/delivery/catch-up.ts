// A member that was away: how long until its client has read, verified and saved 10,000 messages.
import { randomBytes, randomUUID } from "node:crypto";
import { StreamingClient } from "@porchlight/wire";
import { ORIGIN, TestServer } from "../../apps/server/test/deployment.ts";
import { Member, memoryStorage } from "../../packages/client/src/index.ts";
import { nodeMlsSuite } from "../../packages/mls/src/node-provider.ts";
import type { Row } from "../run.ts";

const MESSAGES = 10_000;
const BATCH = 200;
const TEXT = "x".repeat(500);

export async function catchUp(): Promise<Row[]> {
  const server = await TestServer.start({}, { limits: { accountItems: 0, accountRequests: 0 } });
  const clients: StreamingClient[] = [];
  try {
    const suite = await nodeMlsSuite();
    const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
    const clock = { now: () => server.now };
    const join = async (): Promise<Member> => {
      const client = new StreamingClient({ url: server.url });
      clients.push(client);
      const context = { server: client, storage: memoryStorage(), clock, random, suite, charters: null };
      const member = await Member.create(context, random(32));
      await member.login(ORIGIN);
      client.connect();
      await member.publishKeyPackages(1);
      return member;
    };
    const [writer, reader] = [await join(), await join()];
    const here = await writer.createConversation({ charter: null });
    await here.changeMembers({ adds: [reader.account] });
    await reader.join();
    const there = reader.seat(here.id);
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      const contents = Array.from({ length: BATCH }, () => ({
        id: randomUUID(),
        at: server.now,
        text: TEXT,
      }));
      await here.send(contents);
    }
    const started = performance.now();
    let read = 0;
    while (read < MESSAGES) {
      const events = await there.sync();
      read += events.filter(({ kind }) => kind === "message").length;
      await there.handled(there.events.length);
    }
    return [
      {
        what: "a client catches up with 10,000 messages",
        value: (performance.now() - started) / 1000,
        unit: "s",
      },
    ];
  } finally {
    for (const client of clients) client.disconnect();
    await server.stop();
  }
}
