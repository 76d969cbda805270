// A provider, or whoever keeps a copy of its log, that shows somebody another log than everybody else, or an old one. For
// tests only.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { entriesPath, TILE_WIDTH, tilePath } from "../../packages/tlog/src/index.ts";

/** Where a provider has it, and where a copy does. */
const CHECKPOINTS = ["/log/checkpoint", "/checkpoint"];

export class LyingLog {
  readonly #server: Server;
  readonly #target: string;
  /** The note that is shown as the newest; `null`: the true one. */
  shown: string | null = null;
  /** Every true note that was asked for. */
  readonly notes = new Set<string>();
  /** Tiles that were asked for, by path: an old note needs old ones, which a copy does not keep. */
  readonly #tiles = new Map<string, Buffer>();

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = target;
  }

  static async before(target: string): Promise<LyingLog> {
    const server = createServer();
    const log = new LyingLog(server, target);
    server.on("request", (incoming, response) => log.#pass(incoming, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return log;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on nothing new is shown. */
  async withhold(): Promise<void> {
    this.shown = await (await fetch(`${this.#target}/log/checkpoint`)).text();
  }

  /** Asks for the newest note and its unfinished tiles, so that they are remembered. At a copy of a log, not at a provider's. */
  async look(): Promise<void> {
    const before = this.notes.size;
    const note = await (await fetch(`${this.url}/checkpoint`)).text();
    if (this.notes.size === before) return;
    const size = Number(note.split("\n")[1]);
    const paths =
      size % TILE_WIDTH === 0 ? [] : [entriesPath(Math.floor(size / TILE_WIDTH), size % TILE_WIDTH)];
    for (let level = 0, n = size; n > 0; level++, n = Math.floor(n / TILE_WIDTH)) {
      if (n % TILE_WIDTH > 0) paths.push(tilePath(level, Math.floor(n / TILE_WIDTH), n % TILE_WIDTH));
    }
    await Promise.all(paths.map(async (path) => await (await fetch(`${this.url}/${path}`)).arrayBuffer()));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { shown } = this;
    const { pathname } = new URL(incoming.url ?? "/", this.#target);
    if (shown !== null && CHECKPOINTS.includes(pathname)) {
      const headers = { "content-type": "text/plain; charset=utf-8", "access-control-allow-origin": "*" };
      response.writeHead(200, headers).end(shown);
      return;
    }
    if (shown !== null && pathname === "/v1/log/wait") {
      setTimeout(() => response.writeHead(204).end(), 500).unref();
      return;
    }
    const tile = this.#tiles.get(pathname);
    if (tile !== undefined) {
      response.writeHead(200, { "access-control-allow-origin": "*" }).end(tile);
      return;
    }
    const { method, headers } = incoming;
    const outgoing = request(new URL(incoming.url ?? "/", this.#target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        if (answer.statusCode === 200) this.#remember(pathname, Buffer.concat(parts));
      });
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  }

  #remember(pathname: string, bytes: Buffer): void {
    if (CHECKPOINTS.includes(pathname)) this.notes.add(bytes.toString());
    else if (pathname.includes("/tile/")) this.#tiles.set(pathname, bytes);
  }
}
