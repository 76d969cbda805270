import { once } from "node:events";
import { connect } from "node:net";
import { conversationId, hex, utf8 } from "@porchlight/encoding";
import { CLOSE, LIMITS, type NewItem, type ServerFrame, type StreamItem } from "@porchlight/wire";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "./deployment.ts";
import { key, Person, roomOf } from "./people.ts";
import { StreamPeer, tokenOf } from "./stream-peer.ts";

let server: TestServer;
/** One that soon loses its patience with who does not read. */
let hasty: TestServer;
const peers: StreamPeer[] = [];

beforeAll(async () => {
  server = await TestServer.start({}, { streams: { perAccount: 3, sessionSeconds: 1 } });
  hasty = await TestServer.start({}, { streams: { slowSeconds: 1 }, metrics: { port: 0 } });
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});
afterAll(async () => {
  await Promise.all([server.stop(), hasty.stop()]);
});

async function open(person: Person, window?: number): Promise<StreamPeer> {
  const peer = await StreamPeer.of(person, window);
  peers.push(peer);
  return peer;
}

async function raw(): Promise<StreamPeer> {
  const peer = await StreamPeer.connect(server.url);
  peers.push(peer);
  return peer;
}

async function pair(at = server): Promise<[Person, Person]> {
  return (await roomOf(at, 2, null)) as [Person, Person];
}

async function sized(person: Person, length: number): Promise<StreamItem> {
  return (await person.message("x".repeat(length))) as StreamItem;
}

describe("hello", () => {
  test("DEL-82: a session's token opens the stream, and nothing is compressed", async () => {
    const [alice] = await pair();
    const peer = await open(alice);
    const ready = peer.frames.find(({ type }) => type === "ready");
    expect(ready).toMatchObject({ account: alice.account, now: server.now });
    expect(peer.ws.extensions).toBe("");
  });

  test("DEL-89: a token that opens nothing is 4401, whatever it is", async () => {
    const peer = await raw();
    peer.send({ type: "hello", request: 1, token: "A".repeat(43), window: 0 });
    expect(await peer.end()).toBe(CLOSE.unauthenticated);
    expect(peer.frames).toMatchObject([
      { type: "refused", request: 1, refusal: { code: "session-expired" } },
    ]);
  });

  test("DEL-82: anything before ready is answered ends the stream, and a second hello too", async () => {
    const [alice] = await pair();
    const token = await tokenOf(alice);
    const first = await raw();
    first.send({ type: "ping", nonce: 1 });
    expect(await first.end()).toBe(CLOSE.malformed);
    const second = await raw();
    second.send({ type: "hello", request: 1, token, window: 0 }, { type: "ping", nonce: 1 });
    expect(await second.end()).toBe(CLOSE.malformed);
    const third = await open(alice);
    third.send({ type: "hello", request: 9, token, window: 0 });
    expect(await third.end()).toBe(CLOSE.malformed);
  });

  test("DEL-82: without a hello in time the stream ends with 4408", async () => {
    const impatient = await TestServer.start({}, { streams: { helloSeconds: 1 } });
    try {
      const peer = await StreamPeer.connect(impatient.url);
      expect(await peer.end()).toBe(CLOSE.helloTimeout);
    } finally {
      await impatient.stop();
    }
  });

  test("DEL-89: more streams of an account than may be are 4429", async () => {
    const [alice] = await pair();
    for (let i = 0; i < 3; i++) await open(alice);
    await expect(open(alice)).rejects.toThrow(String(CLOSE.tooMany));
  });

  test("DEL-80: what is no frame, and text, end the stream with 4400", async () => {
    const [alice] = await pair();
    const first = await open(alice);
    first.ws.send(Uint8Array.of(1, 2, 3));
    expect(await first.end()).toBe(CLOSE.malformed);
    const second = await open(alice);
    second.ws.send("hello");
    expect(await second.end()).toBe(CLOSE.malformed);
    const third = await open(alice);
    third.ws.send(new Uint8Array(LIMITS.streamMessage + 1));
    expect(await third.end()).toBe(1009);
  });

  test("only the stream's own address is upgraded", async () => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      "GET /v1/stream?token=x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    );
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1.1 404/);
    socket.destroy();
  });
});

describe("reading", () => {
  test("DEL-83: items come in their order from any seq on, those that come meanwhile included, each once", async () => {
    const [alice, bob] = await pair();
    await alice.send(...Array.from({ length: 40 }, (_, i) => `before ${i}`));
    const peer = await open(bob);
    const late = await open(bob);
    // While it catches up, more is written.
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await alice.send(`meanwhile ${i}`);
    })();
    expect(await peer.subscribe(bob.conversation, 0)).toMatchObject({ type: "subscribed" });
    await late.subscribe(bob.conversation, 30);
    await writing;
    const head = 1 + 40 + 20;
    await Promise.all([peer.read(head), late.read(head)]);
    // The account's first item is the one after the commit that added it.
    expect(peer.seqs).toEqual(Array.from({ length: head - 1 }, (_, i) => i + 2));
    expect(late.seqs).toEqual(Array.from({ length: head - 30 }, (_, i) => i + 31));
    const { items } = await bob.client.items(bob.conversation, 0);
    expect(
      peer.items.map(
        ({ item }) => `${item.seq} ${item.kind} ${item.submitter} ${item.at} ${hex(item.bytes)}`,
      ),
    ).toEqual(
      items.map((item) => `${item.seq} ${item.kind} ${item.submitter} ${item.at} ${hex(item.bytes)}`),
    );
  });

  test("DEL-83: one who is live and subscribes again goes on from the new cursor", async () => {
    const [alice, bob] = await pair();
    const peer = await open(bob);
    await peer.subscribe(bob.conversation, 1);
    await alice.send("one");
    await peer.read(2);
    await peer.subscribe(bob.conversation, 1);
    await alice.send("two");
    await peer.read(3);
    expect(peer.seqs).toEqual([2, 2, 3]);
    peer.send({ type: "unsubscribe", conversation: bob.conversation });
    await peer.settled();
    await alice.send("three");
    await peer.settled();
    expect(peer.seqs).toEqual([2, 2, 3]);
  });

  test("DEL-83: a conversation that the account never was in refuses the request, whether it exists or not", async () => {
    const [alice] = await pair();
    const [stranger] = (await roomOf(server, 1, null)) as [Person];
    const peer = await open(stranger);
    const unknown = conversationId("ab".repeat(32));
    for (const other of [alice.conversation, unknown]) {
      const request = peer.next();
      const cursors = [stranger.conversation, other].map((conversation) => ({ conversation, after: 0 }));
      const answer = await peer.ask({ type: "subscribe", request, all: false, cursors });
      expect(answer).toMatchObject({ type: "refused", refusal: { code: "forbidden" } });
    }
    const [first, second] = peer.frames.filter(({ type }) => type === "refused");
    expect({ ...first, request: 0 }).toEqual({ ...second, request: 0 });
    await alice.send("not for strangers");
    await stranger.send("own");
    await peer.settled();
    expect(peer.items).toEqual([]);
  });

  test("DEL-83: with `all`, heads of other conversations whenever they move, and Welcomes", async () => {
    const [alice, bob] = await pair();
    const peer = await open(bob);
    await peer.ask({ type: "subscribe", request: peer.next(), all: true, cursors: [] });
    await peer.until((frame) => frame.type === "head" && frame.seq === 1);
    await alice.send("hello");
    await peer.until((frame) => frame.type === "head" && frame.seq === 2);
    expect(peer.frames.some(({ type }) => type === "welcomes")).toBe(false);
    const carol = await Person.join(server, null);
    await carol.create();
    await bob.publish();
    await carol.commit({ adds: [bob] });
    await peer.until(({ type }) => type === "welcomes");
    await carol.send("new here");
    await peer.until(
      (frame) => frame.type === "head" && frame.conversation === carol.conversation && frame.seq === 2,
    );
    expect(peer.items).toEqual([]);
  });

  test("DEL-84: after the commit that removed the account comes `ended`, and nothing more", async () => {
    const [alice, bob, carol] = (await roomOf(server, 3, null)) as [Person, Person, Person];
    const live = await open(bob);
    const watching = await open(bob);
    const staying = await open(carol);
    await live.subscribe(bob.conversation, 1);
    await staying.subscribe(bob.conversation, 1);
    await watching.ask({ type: "subscribe", request: watching.next(), all: true, cursors: [] });
    await alice.send("one");
    const removed = await alice.commit({ removes: [bob] });
    await alice.send("without bob", "again");
    await live.until((frame) => frame.type === "ended" && frame.seq === removed);
    await staying.read(removed + 2);
    await Promise.all([live.settled(), watching.settled()]);
    expect(live.seqs).toEqual([2, removed]);
    expect(Math.max(...watching.frames.map((frame) => (frame.type === "head" ? frame.seq : 0)))).toBe(
      removed,
    );
    // Who catches up later is told the same.
    const later = await open(bob);
    expect(await later.subscribe(bob.conversation, 1)).toMatchObject({ heads: [removed] });
    await later.until(({ type }) => type === "ended");
    await later.settled();
    expect(later.seqs).toEqual([2, removed]);
  });

  test("DEL-84: nobody reads beyond its membership by a cursor of its own invention", async () => {
    const [alice, bob] = await pair();
    const peer = await open(bob);
    await peer.subscribe(bob.conversation, 4);
    await alice.send("two", "three", "four");
    await alice.commit({ removes: [bob] });
    await alice.send("six");
    await peer.until(({ type }) => type === "ended");
    await peer.settled();
    expect(peer.seqs).toEqual([5]);
  });
});

describe("writing", () => {
  test("DEL-85: what is acknowledged is durable and on its way; the same keys again give the same seqs", async () => {
    const [alice, bob] = await pair();
    const [mine, theirs] = [await open(alice), await open(bob)];
    await theirs.subscribe(bob.conversation, 1);
    const items = [await sized(alice, 10), await sized(alice, 20)];
    const submit = (request: number) =>
      ({ type: "submit", request, conversation: alice.conversation, items }) as const;
    const first = await mine.ask(submit(mine.next()));
    expect(first).toMatchObject({ type: "acknowledged", seqs: [2, 3] });
    expect(await mine.ask(submit(mine.next()))).toMatchObject({ seqs: [2, 3] });
    await theirs.read(3);
    expect(await bob.read()).toEqual(["x".repeat(10), "x".repeat(20)]);
    await server.kill();
    await server.run();
    expect(await bob.client.items(bob.conversation, 1)).toMatchObject({ head: 3 });
    const again = await open(alice);
    expect(await again.ask(submit(again.next()))).toMatchObject({ seqs: [2, 3] });
  });

  test("DEL-85: a submit that is refused has no effect and says why; those around it are taken in their order", async () => {
    const [alice] = await pair();
    const peer = await open(alice);
    await peer.subscribe(alice.conversation, 1);
    const bad: StreamItem = {
      kind: "message",
      key: key(),
      epoch: alice.epoch,
      bytes: Uint8Array.of(1, 2, 3),
    };
    const sent = [];
    for (const items of [[await sized(alice, 1)], [await sized(alice, 2), bad], [await sized(alice, 3)]]) {
      sent.push({ type: "submit", request: peer.next(), conversation: alice.conversation, items } as const);
    }
    peer.send(...sent);
    const answers = await Promise.all(sent.map(({ request }) => peer.answer(request)));
    expect(answers).toMatchObject([
      { seqs: [2] },
      { type: "refused", refusal: { code: "message-refused", item: 1 } },
      { seqs: [3] },
    ]);
    await peer.read(3);
    expect(peer.seqs).toEqual([2, 3]);
    const foreign = {
      ...sent[0],
      request: peer.next(),
      conversation: conversationId("cd".repeat(32)),
    } as const;
    expect(await peer.ask(foreign as never)).toMatchObject({ refusal: { code: "forbidden" } });
  });

  test("many items of one turn arrive in one message each", async () => {
    const [alice, bob] = await pair();
    const peer = await open(bob);
    await peer.subscribe(bob.conversation, 1);
    await peer.settled();
    const before = peer.messages;
    const items: NewItem[] = [];
    for (let i = 0; i < 50; i++) items.push(await alice.message(`${i}`));
    await alice.client.submit(alice.conversation, items);
    await peer.read(51);
    expect(peer.messages).toBe(before + 1);
  });
});

describe("back-pressure", () => {
  test("DEL-86: no more than the window and one item is sent before it is consumed; then it goes on", async () => {
    const [alice, bob] = await pair();
    const peer = await open(bob, 0);
    await peer.subscribe(bob.conversation, 1);
    const items: StreamItem[] = [];
    for (let i = 0; i < 60; i++) items.push(await sized(alice, 10_000));
    for (let at = 0; at < 60; at += 20)
      await alice.client.submit(alice.conversation, items.slice(at, at + 20));
    await peer.read(2);
    await peer.settled();
    const item = Math.ceil(peer.received / peer.items.length);
    expect(peer.received).toBeGreaterThanOrEqual(LIMITS.windowMinimum);
    expect(peer.received).toBeLessThanOrEqual(LIMITS.windowMinimum + item);
    // Consuming a little makes room for a little.
    const before = peer.received;
    peer.send({ type: "credit", consumed: 2 * item });
    await peer.read(2 + peer.items.length);
    await peer.settled();
    expect(peer.received).toBeLessThanOrEqual(before + 3 * item);
    const consuming = setInterval(() => peer.send({ type: "credit", consumed: peer.received }), 10);
    await peer.read(61);
    clearInterval(consuming);
    expect(peer.seqs).toEqual(Array.from({ length: 60 }, (_, i) => i + 2));
  });

  test("DEL-86: who leaves something waiting is cut off with 4409 and goes on later from its cursor", async () => {
    const [alice, bob] = await pair(hasty);
    const peer = await open(bob, 0);
    await peer.subscribe(bob.conversation, 1);
    for (let i = 0; i < 12; i++) await alice.client.submit(alice.conversation, [await sized(alice, 10_000)]);
    expect(await peer.end()).toBe(CLOSE.slow);
    const cursor = peer.seqs.at(-1) ?? 0;
    const again = await open(bob);
    await again.subscribe(bob.conversation, cursor);
    await again.read(13);
    expect([...peer.seqs, ...again.seqs]).toEqual(Array.from({ length: 12 }, (_, i) => i + 2));
  });

  test("DEL-86: who does not read its answers is not read from, and cut off", async () => {
    const [alice] = await pair(hasty);
    const peer = await open(alice, 0);
    peer.ws.pause();
    const pings = Buffer.concat(
      Array.from({ length: 2000 }, () => Buffer.from("010700000000000000000008" + "00".repeat(8), "hex")),
    );
    // Until the server stops reading, and with it the kernel.
    while (peer.ws.bufferedAmount < 16 * 1024 * 1024) {
      peer.ws.send(pings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const gone = peer.end();
    await expect.poll(() => hasty.figures()).toMatch(/^porchlight_streams 0$/m);
    peer.ws.resume();
    expect([CLOSE.slow, 1006]).toContain(await gone);
    expect((await hasty.client().health()).status).toBeDefined();
  });

  test("DEL-86: to consume what was not sent, or less than before, is malformed", async () => {
    const [alice] = await pair();
    const peer = await open(alice);
    peer.send({ type: "credit", consumed: 1 });
    expect(await peer.end()).toBe(CLOSE.malformed);
  });
});

describe("who is there", () => {
  test("DEL-87: an ephemeral goes to present members who are subscribed, and is never stored", async () => {
    const [alice, bob, carol] = (await roomOf(server, 3, null)) as [Person, Person, Person];
    const [stranger] = (await roomOf(server, 1, null)) as [Person];
    const [mine, theirs, idle, foreign] = [
      await open(alice),
      await open(bob),
      await open(carol),
      await open(stranger),
    ];
    await mine.subscribe(alice.conversation, 1);
    await theirs.subscribe(bob.conversation, 1);
    const { conversation } = alice;
    foreign.send({ type: "ephemeral", conversation, body: utf8("from a stranger") });
    await foreign.settled();
    mine.send({ type: "ephemeral", conversation, body: utf8("typing") });
    const told = await theirs.until<Extract<ServerFrame, { type: "ephemeral" }>>(
      ({ type }) => type === "ephemeral",
    );
    expect({ ...told, body: hex(told.body) }).toEqual({
      type: "ephemeral",
      conversation,
      sender: alice.account,
      body: hex(utf8("typing")),
    });
    await Promise.all([mine.settled(), theirs.settled(), idle.settled()]);
    expect(
      [mine, theirs, idle].map(({ frames }) => frames.filter(({ type }) => type === "ephemeral").length),
    ).toEqual([0, 1, 0]);
    const again = await open(bob);
    await again.subscribe(conversation, 0);
    await again.settled();
    expect(again.frames.some(({ type }) => type === "ephemeral")).toBe(false);
    // Who has left is neither heard nor told.
    await alice.commit({ removes: [bob] });
    await theirs.until(({ type }) => type === "ended");
    theirs.send({ type: "ephemeral", conversation, body: utf8("still here") });
    await theirs.settled();
    mine.send({ type: "ephemeral", conversation, body: utf8("gone") });
    await mine.settled();
    await theirs.settled();
    expect(mine.frames.some(({ type }) => type === "ephemeral")).toBe(false);
    expect(theirs.frames.filter(({ type }) => type === "ephemeral").length).toBe(1);
  });

  test("DEL-87: more than a person can type is dropped", async () => {
    const [alice, bob] = await pair();
    const [mine, theirs] = [await open(alice), await open(bob)];
    await mine.subscribe(alice.conversation, 1);
    await theirs.subscribe(bob.conversation, 1);
    for (let i = 0; i < 500; i++) {
      mine.send({ type: "ephemeral", conversation: alice.conversation, body: utf8("typing") });
    }
    await mine.settled();
    await theirs.settled();
    const told = theirs.frames.filter(({ type }) => type === "ephemeral").length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(100);
  });
});

describe("the end", () => {
  test("DEL-88: when the session is over its stream ends with 4410, and only its own", async () => {
    const [alice, bob] = await pair();
    const old = await open(alice);
    await server.tick(server.now + 29 * 86_400);
    const fresh = await open(bob);
    await server.tick(server.now + 2 * 86_400);
    expect(await old.end()).toBe(CLOSE.sessionOver);
    await fresh.settled();
  });

  test("DEL-89: a server that stops answers what is under way and ends its streams with 1001", async () => {
    const [alice] = await pair();
    const peer = await open(alice);
    const request = peer.next();
    peer.send({
      type: "submit",
      request,
      conversation: alice.conversation,
      items: [await sized(alice, 100)],
    });
    await peer.settled();
    await server.supervisor.stop("server");
    expect(await peer.end()).toBe(1001);
    expect(peer.frames).toContainEqual({ type: "acknowledged", request, seqs: [2] });
    await server.run();
  });
});
