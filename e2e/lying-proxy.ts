// A provider that lies: a real server behind it, answers that it changes on the way to one person. For tests only.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RefusalCode } from "@porchlight/wire";
import { STATUS } from "../apps/server/src/refusal.ts";

/** As the JSON has it: bytes are base64. */
export type WireItem = {
  seq: number;
  kind: string;
  epoch: number;
  submitter: string;
  at: number;
  bytes: string;
};

export class LyingProxy {
  readonly #server: Server;
  readonly #target: () => string;
  /** What becomes of a page of items; `path` is its conversation's. */
  items: (items: WireItem[], path: string) => WireItem[] = (items) => items;
  /** What becomes of any other answer, by path. */
  answer: (path: string, json: unknown) => unknown = (_, json) => json;
  /** The code under which a request is refused, in place of the real server; `null`: it is passed on. */
  refuses: (method: string, path: string) => RefusalCode | null = () => null;
  /** Items are kept back as if nothing were new. */
  holds = false;
  /** Items that were put in, by the path of their conversation: the real ones count on behind them. */
  readonly #inserted = new Map<string, number>();

  private constructor(server: Server, target: () => string) {
    this.#server = server;
    this.#target = target;
  }

  static async start(target: () => string): Promise<LyingProxy> {
    const server = createServer();
    const proxy = new LyingProxy(server, target);
    server.on("request", (incoming, response) => proxy.#pass(incoming, response));
    // No stream: what it tells would have to be changed too, and a client without one asks.
    server.on("upgrade", (_, socket) => socket.destroy());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets through what was held, changed once. */
  release(lie: (items: WireItem[]) => WireItem[]): Promise<void> {
    return new Promise((resolve) => {
      this.items = (items, path) => {
        if (items.length === 0) return items;
        const changed = lie(items);
        const more = Math.max(0, changed.length - items.length);
        this.#inserted.set(path, (this.#inserted.get(path) ?? 0) + more);
        this.items = (next) => next;
        resolve();
        return changed;
      };
      this.holds = false;
    });
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const target = new URL(incoming.url ?? "/", this.#target());
    const refusal = this.refuses(incoming.method ?? "", target.pathname);
    if (refusal !== null) {
      incoming.resume();
      const body = JSON.stringify({ code: refusal, message: "refused on the way" });
      return void response.writeHead(STATUS[refusal], { "content-type": "application/json" }).end(body);
    }
    const isItems =
      incoming.method === "GET" && /^\/v1\/conversations\/[0-9a-f]+\/items$/.test(target.pathname);
    const { pathname } = target;
    const inserted = this.#inserted.get(pathname) ?? 0;
    const after = Number(target.searchParams.get("after") ?? 0);
    if (isItems) target.searchParams.set("after", String(Math.max(0, after - inserted)));
    const outgoing = request(
      target,
      { method: incoming.method, headers: { ...incoming.headers, "accept-encoding": "identity" } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          let body = Buffer.concat(chunks);
          if (answer.statusCode === 200 && String(answer.headers["content-type"]).includes("json")) {
            const json = JSON.parse(body.toString()) as { items: WireItem[]; head: number };
            if (isItems) {
              const shifted = json.items.map((item) => ({ ...item, seq: item.seq + inserted }));
              json.items = this.holds ? [] : this.items(shifted, pathname);
              json.head = this.holds
                ? after
                : Math.max(json.head + (this.#inserted.get(pathname) ?? 0), json.items.at(-1)?.seq ?? 0);
            }
            body = Buffer.from(JSON.stringify(isItems ? json : this.answer(target.pathname, json)));
          }
          const { "content-length": _, "transfer-encoding": __, ...headers } = answer.headers;
          response
            .writeHead(answer.statusCode ?? 502, { ...headers, "content-length": body.length })
            .end(body);
        });
      },
    );
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  }
}
