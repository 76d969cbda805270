// A log in memory, as small as the keyholder's view of the provider: for tests, which make it lie.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@porchlight/runtime";
import {
  appendLeaves,
  consistencyProof,
  cosign,
  EMPTY_FRONTIER,
  encodeEntries,
  entriesPath,
  formatCheckpoint,
  frontierRoot,
  leafHash,
  logIndex,
  makeSigner,
  type Policy,
  parsePolicy,
  policySatisfied,
  type Signer,
  signNote,
  TILE_WIDTH,
  type TreeFrontier,
  treeSize,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { WitnessClient } from "@porchlight/wire";

/** One history of the log: what a forking log keeps two of. */
type Tree = {
  entries: Uint8Array[];
  state: TreeFrontier;
  tiles: Map<string, Uint8Array>;
  note: string | null;
};

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

export class TinyServer {
  readonly origin: string;
  readonly signer: Signer<"ed25519">;
  readonly witnesses: readonly Signer<"cosignature">[];
  /** Called before an entry is taken; a test can hold it back or refuse it. */
  beforeEntry: (entry: Uint8Array) => Promise<void> | void = () => {};
  policy: Policy | null = null;
  /** Set to false, checkpoints stay unpublished. */
  publishing = true;
  /** Set to true, who asks for a checkpoint gets one that has everything appended by then. */
  settling = false;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #keyholders = new Map<string, WitnessClient>();
  readonly #waiting = new Set<() => void>();
  #tree: Tree = { entries: [], state: EMPTY_FRONTIER, tiles: new Map(), note: null };
  #publishing: Promise<void> = Promise.resolve();
  #publishedAt = 0;
  #publishedSize = -1;

  constructor(deployment: string, clock: Clock) {
    this.origin = `log.${deployment}`;
    this.#clock = clock;
    this.signer = makeSigner("ed25519", this.origin, seed(201), nodeSuite);
    this.witnesses = [1, 2].map((i) =>
      makeSigner("cosignature", `witness-${i}.${deployment}`, seed(201 + i), nodeSuite),
    );
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      });
    });
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The witness policy of the charter and where its keyholders are reached. */
  follow(policyText: string, keyholders: readonly { name: string; url: string }[]): void {
    this.policy = parsePolicy(policyText, nodeSuite);
    this.#keyholders.clear();
    for (const { key } of this.policy.witnesses) {
      const keyholder = keyholders.find(({ name }) => name === key.name);
      if (keyholder !== undefined) {
        this.#keyholders.set(
          key.name,
          new WitnessClient(key as never, { url: keyholder.url, timeoutSeconds: 30, suite: nodeSuite }),
        );
      }
    }
  }

  get size(): number {
    return this.#tree.entries.length;
  }

  entry(index: number): Uint8Array | undefined {
    return this.#tree.entries[index];
  }

  get entries(): readonly Uint8Array[] {
    return this.#tree.entries;
  }

  /** Appends and asks for cosignatures; resolves with the index at once. */
  append(entry: Uint8Array): number {
    const text = Buffer.from(entry).toString();
    const known = this.#tree.entries.findIndex((other) => Buffer.from(other).toString() === text);
    if (known >= 0) return known;
    this.#grow(entry);
    void this.publish();
    return this.#tree.entries.length - 1;
  }

  #grow(entry: Uint8Array): void {
    const { state, newTiles } = appendLeaves(this.#tree.state, [leafHash(entry, nodeSuite)], nodeSuite);
    this.#tree.state = state;
    this.#tree.entries.push(entry);
    for (const { path, hashes } of newTiles) this.#tree.tiles.set(path, hashes);
  }

  /** Replaces the newest entries by others, as a log that forks would. */
  rewrite(from: number, entries: readonly Uint8Array[]): void {
    const kept = this.#tree.entries.slice(0, from);
    this.#tree = { entries: [], state: EMPTY_FRONTIER, tiles: new Map(), note: null };
    for (const entry of [...kept, ...entries]) this.#grow(entry);
  }

  /** A checkpoint note with these cosignatures only: for views of the log that a test makes up. */
  sign(cosigners: readonly Signer<"cosignature">[]): string {
    const text = this.#text();
    return (
      signNote(text, [this.signer]) + cosigners.map((one) => cosign(text, one, this.#clock.now())).join("")
    );
  }

  #text(): string {
    return formatCheckpoint({
      origin: this.origin,
      size: this.#tree.state.size,
      root: frontierRoot(this.#tree.state, nodeSuite),
    });
  }

  /** Publishes a note as it is. */
  show(note: string): void {
    this.#tree.note = note;
    this.#publishedSize = this.#tree.state.size;
    for (const wake of this.#waiting) wake();
  }

  /** Size of the tree under the newest published checkpoint. */
  get publishedSize(): number {
    return this.#publishedSize;
  }

  publish(): Promise<void> {
    this.#publishing = this.#publishing.then(() => this.#publish()).catch(() => {});
    return this.#publishing;
  }

  async #publish(): Promise<void> {
    if (this.policy === null || !this.publishing) return;
    const { size } = this.#tree.state;
    let note = this.sign(this.witnesses);
    for (const client of this.#keyholders.values()) {
      try {
        note = await client.cosign(note, size, (old) =>
          consistencyProof(this.read, old, treeSize(size), nodeSuite),
        );
      } catch {
        // A keyholder that is down: the policy says whether it is needed.
      }
    }
    const result = policySatisfied(this.policy, note, nodeSuite);
    if (!result.satisfied) return;
    this.#publishedAt = result.time;
    this.show(note);
    this.#publishedSize = size;
  }

  readonly read = async (path: string): Promise<Uint8Array> => {
    const tile = this.#tree.tiles.get(path);
    if (tile === undefined) throw new Error("no such tile");
    return tile;
  };

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const body = await readBody(request);
    const json = (status: number, value: unknown): void => {
      response.statusCode = status;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(value));
    };
    if (url.pathname === "/log/checkpoint") {
      if (this.#tree.note === null) return json(404, { code: "not-found", message: "no checkpoint yet" });
      response.end(this.#tree.note);
    } else if (url.pathname.startsWith("/log/")) {
      const found = this.#file(url.pathname.slice("/log/".length));
      if (found === null) return json(404, { code: "not-found", message: "no such tile" });
      response.end(found);
    } else if (url.pathname === "/v1/log/wait") {
      const note = await this.#wait(
        Number(url.searchParams.get("size")),
        Number(url.searchParams.get("since") ?? 0),
        Number(url.searchParams.get("timeout")),
      );
      response.statusCode = note === null ? 204 : 200;
      response.end(note ?? undefined);
    } else if (url.pathname === "/v1/log/entries") {
      await this.beforeEntry(body);
      json(201, { index: logIndex(this.append(body)) });
    } else json(404, { code: "not-found", message: "nothing here" });
  }

  async #wait(size: number, since: number, seconds: number): Promise<string | null> {
    const enough = (): boolean =>
      this.#publishedSize >= size && this.#publishedAt >= since && this.#tree.note !== null;
    if (this.settling) await this.#publishing;
    if (!enough()) void this.publish();
    await this.#until(enough, seconds);
    return enough() ? this.#tree.note : null;
  }

  #until(condition: () => boolean, seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        if (!condition()) return;
        this.#waiting.delete(wake);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(wake);
        resolve();
      }, seconds * 1000);
      this.#waiting.add(wake);
      wake();
    });
  }

  #file(path: string): Uint8Array | null {
    const hashes = this.#tree.tiles.get(path);
    if (hashes !== undefined) return hashes;
    for (let index = 0; index * TILE_WIDTH < this.#tree.entries.length; index++) {
      const bundle = this.#tree.entries.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
      for (let width = 1; width <= bundle.length; width++) {
        if (entriesPath(index, width) === path) return encodeEntries(bundle.slice(0, width));
      }
    }
    return null;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
