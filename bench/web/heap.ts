// What a page and its worker hold, by what V8 says of its own heap.
import type { PageLink } from "../../e2e/web/free-browser.ts";

/** Bytes that are reached from somewhere. */
export type Held = {
  /** Objects, arrays, strings, numbers, functions: what a program holds. */
  readonly objects: number;
  /** The browser's, behind objects: nodes, listeners, styles, what it notes of how long things took. */
  readonly browser: number;
  /** What V8 makes of a program as it runs: bytecode, compiled code, what it learnt of types, shapes of objects. */
  readonly engine: number;
};

const ENGINE = new Set(["code", "object shape", "hidden"]);
/** Begins the names of V8's own among what it counts as the browser's. */
const OWN = "system / ";

type Snapshot = {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
};

/** The heap of one thread: of the page itself, or of its worker by that one's `session`. */
export class Heap {
  readonly name: string;
  readonly #link: PageLink;
  readonly #session: string | undefined;

  constructor(name: string, link: PageLink, session?: string) {
    this.name = name;
    this.#link = link;
    this.#session = session;
  }

  /** From a snapshot, which takes seconds. What a first collection finalises only a second takes. */
  async held(): Promise<Held> {
    for (let i = 0; i < 3; i++) await this.#send("HeapProfiler.collectGarbage");
    const chunks: string[] = [];
    const stop = this.#link.listen((method, { chunk }, session) => {
      if (method === "HeapProfiler.addHeapSnapshotChunk" && session === this.#session)
        chunks.push(String(chunk));
    });
    await this.#send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
    stop();
    return sums(JSON.parse(chunks.join("")) as Snapshot);
  }

  #send(method: string, params: Readonly<Record<string, unknown>> = {}) {
    return this.#link.send(method, params, this.#session);
  }
}

function sums({ snapshot: { meta }, nodes, strings }: Snapshot): Held {
  const types = meta.node_types[0];
  const [type, name, size] = ["type", "name", "self_size"].map((field) =>
    meta.node_fields.indexOf(field),
  ) as [number, number, number];
  const held = { objects: 0, browser: 0, engine: 0 };
  for (let node = 0; node < nodes.length; node += meta.node_fields.length) {
    const number = (field: number): number => nodes[node + field] as number;
    const of = types[number(type)] as string;
    const isNative = of === "native";
    const isEngine = ENGINE.has(of) || (isNative && strings[number(name)]?.startsWith(OWN) === true);
    held[isEngine ? "engine" : isNative ? "browser" : "objects"] += number(size);
  }
  return held;
}
