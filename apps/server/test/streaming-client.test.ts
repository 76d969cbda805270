// Members' client over the stream, against a real server: what it does by itself, and what happens when the server dies.
import { randomUUID } from "node:crypto";
import { StreamingClient, type StreamState } from "@porchlight/wire";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type ConversationEvent, Member, memoryStorage } from "../../../packages/client/src/index.ts";
import { nodeMlsSuite } from "../../../packages/mls/src/node-provider.ts";
import { ORIGIN, TestServer } from "./deployment.ts";
import { insist, Load } from "./load.ts";
import { Person, roomOf } from "./people.ts";

let server: TestServer;
const clients: StreamingClient[] = [];

beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(async () => {
  await server.stop();
});

/** Paths that went by HTTP, of whoever asked. */
let requests: string[] = [];

function client(options: Partial<ConstructorParameters<typeof StreamingClient>[0]> = {}): StreamingClient {
  const made = new StreamingClient({
    url: server.url,
    fetch: async (address, init) => {
      requests.push(`${init?.method} ${new URL(String(address)).pathname}`);
      return await fetch(address, init);
    },
    ...options,
  });
  clients.push(made);
  return made;
}

async function room(size: number, make: () => StreamingClient = client): Promise<Person[]> {
  const people = await roomOf(server, size, null, make);
  for (const { client: one } of people) (one as StreamingClient).connect();
  return people;
}

/** The next texts of others: commits come before them, and a stream brings what was sent by HTTP when it does. */
async function hears(person: Person): Promise<string[]> {
  for (;;) {
    const texts = await person.read({ wait: 30 });
    if (texts.length > 0) return texts;
  }
}

/** Waits until the client says this of its stream. */
function reaches(wanted: StreamState): { made: StreamingClient; reached: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const made = client({
    listener: {
      state: (state) => {
        if (state === wanted) resolve();
      },
    },
  });
  return { made, reached: promise };
}

test("what is sent and read goes by the stream, and nothing is asked for again and again", async () => {
  const [alice, bob] = (await room(2)) as [Person, Person];
  // The first calls may come before the streams are open.
  do {
    requests = [];
    await alice.send("first");
    expect(await hears(bob)).toEqual(["first"]);
  } while (requests.length > 0);
  for (let i = 0; i < 20; i++) {
    const waiting = bob.client.items(bob.conversation, bob.seen, { wait: 60 });
    const [seq = 0] = await alice.send(`message ${i}`);
    expect((await waiting).items.map((item) => item.seq)).toEqual([seq]);
    expect(await bob.read()).toEqual([`message ${i}`]);
  }
  expect(requests).toEqual([]);
  // A commit, with its Welcome, goes by HTTP, and comes by the stream; what follows it is not missed.
  await alice.commit({});
  await alice.send("after the commit");
  expect(await hears(bob)).toEqual(["after the commit"]);
  expect(requests).toEqual([`POST /v1/conversations/${alice.conversation}/items`]);
});

test("DEL-85: an own item that was acknowledged is there at the next look, and a conflict shows what was first", async () => {
  const [alice, bob] = (await room(2)) as [Person, Person];
  for (let i = 0; i < 30; i++) {
    const [seq = 0] = await alice.send(`own ${i}`);
    const { items } = await alice.client.items(alice.conversation, seq - 1);
    expect(items.map((item) => item.seq)).toEqual([seq]);
  }
  const late = await bob.message("of an epoch that is over");
  const commit = await alice.commit({});
  await expect(bob.client.submit(bob.conversation, [late])).rejects.toMatchObject({ refusal: "stale-epoch" });
  const { items } = await bob.client.items(bob.conversation, commit - 1);
  expect(items.map(({ kind }) => kind)).toEqual(["commit"]);
});

test("DEL-89: the server is killed and started again under load: all goes on, nothing is lost and nothing twice", async () => {
  const people = await room(3);
  const load = new Load(people);
  load.start();
  await load.progress(60);
  await server.kill();
  await server.run();
  await load.progress(60);
  await load.stop();
});

test("DEL-86: what nobody reads fills nobody else's window", async () => {
  const [alice, bob] = (await room(2, () => client({ window: 64 * 1024, idleMilliseconds: 500 }))) as [
    Person,
    Person,
  ];
  const other = await Person.join(server, null);
  await other.create();
  await bob.publish();
  const seen = bob.seen;
  const first = bob.conversation;
  await other.commit({ adds: [bob] });
  // Followed, and then never read again.
  await bob.client.items(first, seen);
  for (let i = 0; i < 4; i++) await alice.send("x".repeat(30_000));
  const second = other.conversation;
  const page = bob.client.items(second, 1, { wait: 60 });
  await other.send("through");
  expect((await page).items.map((item) => item.seq)).toEqual([2]);
  const read: number[] = [];
  while (read.length < 4) {
    const { items } = await bob.client.items(first, read.at(-1) ?? seen, { wait: 5 });
    read.push(...items.map(({ seq }) => seq));
  }
  expect(read).toEqual([1, 2, 3, 4].map((place) => seen + place));
});

test("without a stream everything goes by HTTP", async () => {
  const refusing = (): WebSocket => new WebSocket("ws://127.0.0.1:9/");
  const [alice, bob] = (await room(2, () => client({ open: refusing }))) as [Person, Person];
  const waiting = bob.client.items(bob.conversation, bob.seen, { wait: 60 });
  await alice.send("by HTTP");
  expect((await waiting).items.length).toBe(1);
  expect(await bob.read()).toEqual(["by HTTP"]);
});

test("a removed member reads to its end, and a stranger is refused", async () => {
  const [alice, bob] = (await room(2)) as [Person, Person];
  const [stranger] = (await room(1)) as [Person];
  await alice.send("before");
  const end = await alice.commit({ removes: [bob] });
  const seqs: number[] = [];
  while (seqs.at(-1) !== end) {
    const { items } = await bob.client.items(bob.conversation, seqs.at(-1) ?? bob.seen, { wait: 5 });
    seqs.push(...items.map(({ seq }) => seq));
  }
  expect(seqs).toEqual([end - 1, end]);
  expect((await bob.client.items(bob.conversation, end)).items).toEqual([]);
  await expect(stranger.client.items(alice.conversation, 0)).rejects.toMatchObject({ refusal: "forbidden" });
});

test("a Member talks over the stream as over HTTP, through Welcomes, commits and a restart", async () => {
  const suite = await nodeMlsSuite();
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const clock = { now: () => server.now };
  const join = async (made: StreamingClient): Promise<Member> => {
    const context = { server: made, storage: memoryStorage(), clock, random, suite, charters: null };
    const member = await Member.create(context, random(32));
    await member.login(ORIGIN);
    made.connect();
    await member.publishKeyPackages(2);
    return member;
  };
  const first = reaches("open");
  const second = reaches("open");
  const [alice, bob] = [await join(first.made), await join(second.made)];
  await Promise.all([first.reached, second.reached]);
  const here = await alice.createConversation({ charter: null });
  const joining = bob.join({ wait: 60 });
  await here.changeMembers({ adds: [bob.account] });
  expect((await joining).map(({ kind }) => kind)).toEqual(["joined"]);
  const there = bob.seat(here.id);
  const says = async (...texts: string[]): Promise<void> => {
    await here.send(texts.map((text) => ({ id: randomUUID(), at: server.now, text })));
  };
  const waiting = there.sync({ wait: 60 });
  await says("hello");
  expect(bodies(await waiting)).toEqual(["hello"]);
  await server.kill();
  const sending = says("through a restart").catch(() => insist(() => here.flush()));
  await server.run();
  await sending;
  const heard: string[] = [];
  while (heard.length === 0) heard.push(...bodies(await there.sync({ wait: 5 }).catch(() => [])));
  expect(heard).toEqual(["through a restart"]);
});

function bodies(events: readonly ConversationEvent[]): string[] {
  return events.flatMap((event) => (event.kind === "message" ? [event.content.text] : []));
}
