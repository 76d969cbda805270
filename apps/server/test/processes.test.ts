import { charterId, conversationId } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DebianPostgres, debianPostgres, hasNats, Nats } from "./debian.ts";
import { DAY, TestServer } from "./deployment.ts";
import { insist, Load } from "./load.ts";
import { roomOf } from "./people.ts";

const bin = debianPostgres();
const nats = hasNats();
if (bin === null)
  console.log("skipped: several processes on one PostgreSQL, since Debian's is not installed");
if (!nats) console.log("skipped: several processes with NATS, since nats-server is not installed");

describe.skipIf(bin === null || !nats)("three processes, PostgreSQL and NATS", () => {
  let postgres: DebianPostgres;
  let hints: Nats;
  let server: TestServer;
  const addresses = (): string[] => [server.url, server.urlOf("front-1"), server.urlOf("front-2")];

  beforeAll(async () => {
    postgres = await DebianPostgres.start(bin as string);
    hints = await Nats.start();
    server = await TestServer.start({ DATABASE_URL: postgres.url, NATS_URL: hints.url });
    await Promise.all([server.runFront("front-1"), server.runFront("front-2")]);
  });
  afterAll(async () => {
    await server.stop();
    await hints.kill();
    await postgres.stop();
  });

  test("DEL-46: a front answers for accounts and conversations itself and hands on what is the log's", async () => {
    const [, first = "", second = ""] = addresses();
    const charter = await server.charter();
    const [listed] = await server.client(first).charters();
    expect(listed?.index).toBe(0);
    expect(await server.client(second).waitForCheckpoint(1, { wait: 20 })).toContain("log.");
    // Whether a conversation's charter is known must not depend on which process is asked.
    const [a, b] = await roomOf(server, 2, charter, (place) => server.client([first, second][place]));
    if (a === undefined || b === undefined) throw new Error("nobody");
    await a.client.submit(a.conversation, [a.envelope()]);
    await a.send("read at the other front");
    expect(await b.read()).toEqual(["read at the other front"]);
    const unknown = { conversation: conversationId("ab".repeat(32)), charter: charterId("cd".repeat(32)) };
    await expect(a.client.createConversation({ ...unknown, day: DAY })).rejects.toMatchObject({
      refusal: "unknown-charter",
    });
    expect((await server.client(first).health()).log).toBeUndefined();
  });

  test("DEL-47: who waits at one process is woken by what another one took", async () => {
    const [a, b] = await roomOf(server, 2, null, (place) => server.client(addresses()[place + 1]));
    if (a === undefined || b === undefined) throw new Error("nobody");
    for (const mode of ["hints", "sweep"] as const) {
      if (mode === "sweep") await hints.kill();
      const started = performance.now();
      const waiting = b.client.items(b.conversation, b.seen, { wait: 30 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [seq] = await a.send("hello");
      expect((await waiting).items.map((item) => item.seq)).toEqual([seq]);
      // With hints at once; without them when the sweep comes by.
      expect(performance.now() - started).toBeLessThan(mode === "hints" ? 2_000 : 10_000);
      b.seen = seq ?? 0;
    }
    await hints.run();
  });

  test("DEL-46: processes restarted one after the other: only their own clients retry, and nobody loses service", async () => {
    const people = await roomOf(server, 3, null, (place) => server.client(addresses()[place]));
    const load = new Load(people);
    load.start();
    for (const [place, name] of [
      [1, "front-1"],
      [2, "front-2"],
    ] as const) {
      await load.progress(10);
      const before = [...load.retries];
      await server.supervisor.stop(name);
      await load.progress(20);
      expect(load.retries.map((count, i) => count - (before[i] ?? 0)).filter((_, i) => i !== place)).toEqual([
        0, 0,
      ]);
      await server.runFront(name);
    }
    await load.progress(20);
    await load.stop();
  });

  test("DEL-21: whatever is killed under load, nothing acknowledged is lost and all read one order", async () => {
    const people = await roomOf(server, 3, null, (place) => server.client(addresses()[place]));
    const load = new Load(people);
    load.start();
    await load.progress(20);

    await server.supervisor.kill("front-1");
    await load.progress(20);
    await server.runFront("front-1");
    await load.progress(20);

    await hints.kill();
    await load.progress(20);
    await hints.run();

    await postgres.kill();
    await postgres.run();
    await load.progress(20);

    const entries = (await insist(() => server.client().health())).log?.size ?? 0;
    await server.kill();
    // The fronts go on without the primary; only what is the log's has to wait.
    await load.progress(20);
    await expect(server.client(server.urlOf("front-1")).charters()).rejects.toMatchObject({
      refusal: "unavailable",
    });
    await server.run();
    await load.progress(20);
    await load.stop();

    expect((await server.client().health()).log?.size).toBe(entries);
  });
});
