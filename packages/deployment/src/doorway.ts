import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { readFileOrNull } from "@porchlight/durable";
import { base64url, Fields, parseJson } from "@porchlight/encoding";
import { RuntimeError } from "@porchlight/runtime";

/** A desk's program once it runs: where it listens, behind the doorway. */
type Opened = { readonly port: number };

/**
 * A desk's address before anybody is there. The first visit starts the desk's program, which alone reads and answers what
 * is sent: here bytes go through, both ways. So a computer runs the desks that somebody looks at, and no others.
 */
export class Doorway {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #open: (linkHash: string) => Promise<Opened>;
  /** Of the one-time link, 32 B, until the program has its hash. */
  readonly #secret = randomBytes(32);
  #opened: Promise<Opened> | null = null;

  private constructor(server: Server, open: (linkHash: string) => Promise<Opened>) {
    this.#server = server;
    this.#open = open;
  }

  /** Listens on the loopback interface. Throws RuntimeError "port-taken". */
  static async at(port: number, open: (linkHash: string) => Promise<Opened>): Promise<Doorway> {
    const server = createServer({ pauseOnConnect: true });
    const doorway = new Doorway(server, open);
    server.on("connection", (socket) => void doorway.#let(socket));
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
      const detail = "another program already listens there";
      throw new RuntimeError("port-taken", `port ${port}`, { cause, detail });
    }
    return doorway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The secret of the one-time link that the program takes when it starts; the program learns its hash only. */
  get secret(): string {
    return base64url(this.#secret);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The program has ended: the next visit starts it again. */
  forget(): void {
    this.#opened = null;
  }

  async #let(socket: Socket): Promise<void> {
    this.#keep(socket);
    try {
      this.#opened ??= this.#open(createHash("sha256").update(this.secret).digest("hex"));
      const { port } = await this.#opened;
      const inner = connect(port, "127.0.0.1");
      this.#keep(inner);
      socket.pipe(inner).pipe(socket);
      socket.once("close", () => inner.destroy());
      inner.once("close", () => socket.destroy());
    } catch {
      // Whoever started the deployment is told by its supervisor; the visitor may try again.
      this.#opened = null;
      socket.end(UNAVAILABLE);
      socket.resume();
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  }
}

const SORRY = "This desk did not start. Its log says why; load the page to try again.\n";
const UNAVAILABLE = `HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${SORRY.length}\r\nconnection: close\r\n\r\n${SORRY}`;

/** Whether somebody can sign in at a party's desk already. */
export async function hasPeople(party: string): Promise<boolean> {
  const bytes = await readFileOrNull(join(party, "desk", "people.json"));
  if (bytes === null) return false;
  return new Fields(parseJson(bytes, "people"), "people").array("people", (item) => item).length > 0;
}
