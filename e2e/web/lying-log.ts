// A provider that shows one keyholder another log than everybody else, or an old one. For tests only.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const CHECKPOINT = "/log/checkpoint";

export class LyingLog {
  readonly #server: Server;
  readonly #target: string;
  /** The note that is shown as the newest; `null`: the true one. */
  shown: string | null = null;

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
    this.shown = await (await fetch(this.#target + CHECKPOINT)).text();
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { shown } = this;
    const { pathname } = new URL(incoming.url ?? "/", this.#target);
    if (shown !== null && pathname === CHECKPOINT) {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(shown);
      return;
    }
    if (shown !== null && pathname === "/v1/log/wait") {
      setTimeout(() => response.writeHead(204).end(), 500).unref();
      return;
    }
    const { method, headers } = incoming;
    const outgoing = request(new URL(incoming.url ?? "/", this.#target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  }
}
