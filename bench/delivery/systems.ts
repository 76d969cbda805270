// What is measured: this project's server as it runs, and the bare prototype.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { concat, dayOf, idBytes, Writer } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import { encodeClientFrame, readServerFrames, type ServerFrame } from "@porchlight/wire";
import { TestServer } from "../../apps/server/test/deployment.ts";
import { key, Person } from "../../apps/server/test/people.ts";
import { TokenReader } from "../../apps/server/test/stream-peer.ts";
import { FastSocket } from "./socket.ts";

/** Whoever sends to, or reads from, one conversation. */
export type Peer = {
  /** Resolves with the acknowledgement. */
  readonly send: (body: Uint8Array) => Promise<void>;
  readonly close: () => void;
};

export type Channel = { readonly sender: Peer; readonly readers: number };

export type System = {
  readonly name: string;
  /** Root of its processes, the database included. */
  readonly pid: number;
  /** `conversations` of a sender and as many readers; `heard` is called with each body that reaches a reader. */
  readonly open: (
    conversations: number,
    readers: number,
    heard: (body: Uint8Array) => void,
  ) => Promise<Channel[]>;
  readonly stop: () => Promise<void>;
};

const WINDOW = 4 * 1024 * 1024;
/** Before the ciphertext of the messages below. */
const OVERHEAD = 2 + 2 + 1 + 32 + 8 + 1 + 1 + 41 + 1 + 28 + 2;

/** A PrivateMessage of which the server can read all that it reads; the rest is what encryption would make of `body`. */
function privateMessage(
  groupId: Uint8Array,
  epoch: number,
  day: ReturnType<typeof dayOf>,
): (body: Uint8Array) => Uint8Array {
  const head = concat(
    new Writer().uint(1, 2).uint(2, 2).finish(),
    Uint8Array.of(groupId.length),
    groupId,
    new Writer().u64(epoch).uint(1, 1).finish(),
    Uint8Array.of(41),
    formatAuthenticatedData({ day, counter: 1, franking: null }),
    Uint8Array.of(28),
    new Uint8Array(28),
  );
  return (body) => {
    const length = Uint8Array.of(0x40 | (body.length >> 8), body.length & 0xff);
    return concat(head, length, body);
  };
}

class StreamPeer {
  readonly socket: FastSocket;
  #request = 1;
  #received = 0;
  #credited = 0;
  readonly #answers = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();

  constructor(socket: FastSocket, heard: (body: Uint8Array) => void) {
    this.socket = socket;
    socket.onMessage((message) => {
      for (const frame of readServerFrames(message)) this.#take(frame, heard);
    });
  }

  #take(frame: ServerFrame, heard: (body: Uint8Array) => void): void {
    if (frame.type === "item") {
      this.#received += 101 + frame.item.bytes.length;
      heard(frame.item.bytes.subarray(OVERHEAD));
      if (this.#received - this.#credited < WINDOW / 4) return;
      this.#credited = this.#received;
      this.socket.send(encodeClientFrame({ type: "credit", consumed: this.#received }));
    } else if (frame.type === "refused") {
      this.#answers.get(frame.request)?.reject(new Error(frame.refusal.code));
    } else if ("request" in frame) {
      this.#answers.get(frame.request)?.resolve();
      this.#answers.delete(frame.request);
    }
  }

  next(): number {
    return this.#request++;
  }

  ask(request: number, frame: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answers.set(request, { resolve, reject });
      this.socket.send(frame);
    });
  }
}

/** The server's stream with logged-in devices, memberships, epochs, limits and idempotency as ever. */
export async function porchlight(): Promise<System & { readonly server: TestServer }> {
  const generous = 1_000_000_000;
  const server = await TestServer.start(
    {},
    {
      limits: {
        addressRequests: generous,
        addressEntries: generous,
        accountRequests: generous,
        accountItems: generous,
      },
      streams: { total: 20_000, perAccount: 10_000 },
    },
  );
  const charter = await server.charter();
  const { port } = new URL(server.url);
  const stream = async (token: string, heard: (body: Uint8Array) => void): Promise<StreamPeer> => {
    const peer = new StreamPeer(await FastSocket.open(Number(port), "/v1/stream"), heard);
    const request = peer.next();
    await peer.ask(request, encodeClientFrame({ type: "hello", request, token, window: WINDOW }));
    return peer;
  };

  const people: { readonly person: Person; readonly token: string }[] = [];
  /** Logged-in devices, the same for every load. */
  const population = async (count: number): Promise<void> => {
    const join = async (): Promise<void> => {
      const client = new TokenReader({ url: server.url });
      const person = await Person.join(server, charter, client);
      people.push({ person, token: await client.read() });
    };
    while (people.length < count) {
      await Promise.all(Array.from({ length: Math.min(10, count - people.length) }, join));
    }
  };

  /** A conversation under the charter, its sender's envelope posted; the readers are those who come after the sender. */
  const conversation = async (
    place: number,
    readers: number,
    heard: (body: Uint8Array) => void,
  ): Promise<Channel> => {
    const at = (offset: number): { person: Person; token: string } =>
      people[(place + offset) % people.length] as { person: Person; token: string };
    const { person: sender, token } = at(0);
    const others = Array.from({ length: readers }, (_, i) => at(i + 1));
    await sender.create();
    for (const { person } of others) await person.publish();
    await sender.commit({ adds: others.map(({ person }) => person) });
    await sender.client.submit(sender.conversation, [sender.envelope()]);
    const { conversation: id, epoch } = sender;
    for (const other of others) {
      const peer = await stream(other.token, heard);
      const request = peer.next();
      const cursors = [{ conversation: id, after: 2 }];
      await peer.ask(request, encodeClientFrame({ type: "subscribe", request, all: false, cursors }));
    }
    const peer = await stream(token, () => {});
    const made = privateMessage(idBytes(id), epoch, dayOf(server.now));
    const send = (body: Uint8Array): Promise<void> => {
      const request = peer.next();
      const item = { kind: "message", key: key(), epoch, bytes: made(body) } as const;
      const frame = { type: "submit", request, conversation: id, items: [item] } as const;
      return peer.ask(request, encodeClientFrame(frame));
    };
    return { readers, sender: { send, close: () => peer.socket.close() } };
  };
  return {
    name: "Porchlight",
    server,
    pid: server.supervisor.pid("server"),
    open: async (conversations, readers, heard) => {
      await population(Math.max(conversations, readers) + 1);
      const channels = [];
      for (let i = 0; i < conversations; i++) channels.push(await conversation(i, readers, heard));
      return channels;
    },
    stop: () => server.stop(),
  };
}

export async function prototype(): Promise<System> {
  const directory = mkdtempSync(join(tmpdir(), "bench-prototype-"));
  const entry = fileURLToPath(new URL("./prototype.ts", import.meta.url));
  const child: ChildProcess = fork(entry, [directory]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  let channels = 0;
  return {
    name: "bare prototype",
    pid: child.pid as number,
    open: async (conversations, readers, heard) => {
      const opened: Channel[] = [];
      for (let i = 0; i < conversations; i++) {
        const conversation = channels++;
        for (let reader = 0; reader < readers; reader++) {
          const socket = await FastSocket.open(port, "/");
          socket.onMessage((message) => heard(message.subarray(11)));
          const follow = Buffer.alloc(3);
          follow[0] = 1;
          follow.writeUInt16BE(conversation, 1);
          socket.send(follow);
        }
        const socket = await FastSocket.open(port, "/");
        const answers = new Map<number, () => void>();
        socket.onMessage((message) => {
          const id = message.readUInt32BE(1);
          answers.get(id)?.();
          answers.delete(id);
        });
        let next = 0;
        const send = (body: Uint8Array): Promise<void> =>
          new Promise((resolve) => {
            const frame = Buffer.allocUnsafe(7 + body.length);
            frame[0] = 2;
            const id = ++next;
            frame.writeUInt32BE(id, 1);
            frame.writeUInt16BE(conversation, 5);
            frame.set(body, 7);
            answers.set(id, resolve);
            socket.send(frame);
          });
        opened.push({ readers, sender: { send, close: () => socket.close() } });
      }
      await sleep(200);
      return opened;
    },
    stop: async () => {
      child.disconnect();
      await once(child, "exit");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
