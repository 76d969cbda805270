// What connections cost that say nothing: streams of logged-in devices, each subscribed to its conversation.
import { encodeClientFrame, readServerFrames } from "@porchlight/wire";
import { Person } from "../../apps/server/test/people.ts";
import { tokenOf } from "../../apps/server/test/stream-peer.ts";
import type { Row } from "../run.ts";
import { memory } from "./process-figures.ts";
import { FastSocket } from "./socket.ts";
import { porchlight } from "./systems.ts";

const CONNECTIONS = 10_000;
const PEOPLE = 20;

export async function idle(): Promise<Row[]> {
  const system = await porchlight();
  const sockets: FastSocket[] = [];
  try {
    const { server } = system;
    const before = memory(system.pid);
    const { port } = new URL(server.url);
    for (let i = 0; i < PEOPLE; i++) {
      const person = await Person.join(server, null);
      await person.create();
      const token = await tokenOf(person);
      const cursors = [{ conversation: person.conversation, after: 0 }];
      const open = async (): Promise<void> => {
        const socket = await FastSocket.open(Number(port), "/v1/stream");
        sockets.push(socket);
        await new Promise<void>((resolve) => {
          socket.onMessage((message) => {
            for (const { type } of readServerFrames(message)) {
              if (type === "ready") {
                socket.send(encodeClientFrame({ type: "subscribe", request: 2, all: true, cursors }));
              } else if (type === "subscribed") resolve();
            }
          });
          socket.send(encodeClientFrame({ type: "hello", request: 1, token, window: 1024 * 1024 }));
        });
      };
      for (let at = 0; at < CONNECTIONS / PEOPLE; at += 50)
        await Promise.all(Array.from({ length: 50 }, open));
    }
    const after = memory(system.pid);
    return [
      {
        what: `${CONNECTIONS.toLocaleString("en")} idle streams: server and PostgreSQL`,
        value: after,
        unit: "MB",
      },
      { what: "of these, for the streams", value: after - before, unit: "MB" },
    ];
  } finally {
    for (const socket of sockets) socket.close();
    await system.stop();
  }
}
