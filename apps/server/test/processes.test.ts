import { charterId, conversationId } from "@porchlight/encoding";
import { CLOSE, WireError } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DebianPostgres, debianPostgres, hasNats, Nats } from "./debian.ts";
import { DAY, TestServer } from "./deployment.ts";
import { insist, Load } from "./load.ts";
import { Person, roomOf } from "./people.ts";
import { StreamPeer } from "./stream-peer.ts";

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
    expect(await server.client(second).waitForCheckpoint(1, { wait: 60 })).toContain("log.");
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
    const hello = async (): Promise<void> => {
      const waiting = b.client.items(b.conversation, b.seen, { wait: 60 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [seq] = await a.send("hello");
      expect((await waiting).items.map((item) => item.seq)).toEqual([seq]);
      b.seen = seq ?? 0;
    };
    // With hints at once: each alone would wait for a sweep, three seconds after the last one.
    const started = performance.now();
    for (let i = 0; i < 15; i++) await hello();
    expect(performance.now() - started).toBeLessThan(40_000);
    // Without them when the sweep comes by.
    await hints.kill();
    await hello();
    await hints.run();
  });

  test("DEL-83, DEL-87: a stream at one process has what another one took, its ephemerals and its Welcomes", async () => {
    const people = await roomOf(server, 3, null, (place) => server.client(addresses()[place]));
    const [a, b, c] = people as [Person, Person, Person];
    const [here, there] = [
      await StreamPeer.of(a, undefined, addresses()[0]),
      await StreamPeer.of(b, undefined, addresses()[1]),
    ];
    await Promise.all([here.subscribe(a.conversation, 1), there.subscribe(b.conversation, 1, true)]);
    for (const mode of ["hints", "sweep"] as const) {
      if (mode === "sweep") await hints.kill();
      const seqs = [...(await c.send("by a third")), ...(await a.send("by the first"))];
      for (const peer of [here, there]) for (const seq of seqs) await peer.read(seq);
    }
    await hints.run();
    expect(there.seqs).toEqual([2, 3, 4, 5]);
    expect(here.seqs).toEqual([2, 3, 4, 5]);
    await insist(async () => {
      here.send({ type: "ephemeral", conversation: a.conversation, body: Uint8Array.of(1) });
      await here.settled();
      const heard = there.frames.some(({ type }) => type === "ephemeral");
      // Only once NATS has both of them again.
      if (!heard) throw new WireError("unreachable", "not yet");
    });
    const guest = await Person.join(server, null, server.client(addresses()[2]));
    await guest.create();
    await b.publish();
    await guest.commit({ adds: [b] });
    await there.until(({ type }) => type === "welcomes");
    // Who was removed by way of another process is told, and hears nothing more.
    const end = await c.commit({ removes: [b] });
    await c.send("without b");
    await there.until((frame) => frame.type === "ended" && frame.seq === end);
    await here.read(end + 1);
    await there.settled();
    expect(there.seqs.at(-1)).toBe(end);
    here.close();
    there.close();
  });

  test("DEL-88: a session that another process ended ends its streams here too", async () => {
    const [person] = (await roomOf(server, 1, null, () => server.client(addresses()[1]))) as [Person];
    const peer = await StreamPeer.of(person, undefined, addresses()[1]);
    // What any process does that ends sessions.
    await postgres.query("delete from sessions");
    expect(await peer.end()).toBe(CLOSE.sessionOver);
  });

  test("DEL-46: a front is restarted: only its own clients retry, and nobody loses service", async () => {
    const people = await roomOf(server, 3, null, (place) => server.client(addresses()[place]));
    const load = new Load(people);
    load.start();
    await load.progress(10);
    const before = [...load.retries];
    await server.supervisor.stop("front-1");
    await load.progress(20);
    const retries = load.retries.map((count, i) => count - (before[i] ?? 0));
    expect([retries[0], retries[2]]).toEqual([0, 0]);
    await server.runFront("front-1");
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
