// Tells the keyholder's person that an order waits, and nothing else of it: by webhook, by e-mail.
import { createHash } from "node:crypto";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { asString, Fields, parseJson } from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { pause } from "./log-memory.ts";

export type ChannelName = "webhook" | "mail";

/** One way to reach the person. `tell` resolves when the other side has taken it, and rejects otherwise. */
export type Channel = {
  readonly name: ChannelName;
  readonly tell: (order: string, signal: AbortSignal) => Promise<void>;
};

const FIRST_PAUSE_MILLISECONDS = 1000;
const LONGEST_PAUSE_MILLISECONDS = 600_000;

/** What is told of an order: SHA-256 of its id, 64 hex digits. The id itself opens doors (KEY-40). */
export function orderHash(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

/**
 * KEY-35: each order that awaits a person is told once over each channel; what was taken is remembered in `told.json`,
 * and what was not is told again, with pauses from one second to ten minutes, across restarts.
 */
export class Notifier {
  readonly #path: string;
  readonly #channels: readonly Channel[];
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #told: Map<ChannelName, Set<string>>;
  #waiting: readonly string[] = [];
  readonly #running = new Set<ChannelName>();
  readonly #failing = new Map<ChannelName, number>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    channels: readonly Channel[],
    told: Map<ChannelName, Set<string>>,
    { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
  ) {
    this.#path = path;
    this.#channels = channels;
    this.#told = told;
    this.#log = log;
    this.#signal = signal;
  }

  static async open(
    path: string,
    channels: readonly Channel[],
    context: { readonly log: Logger; readonly signal: AbortSignal },
  ): Promise<Notifier> {
    return new Notifier(path, channels, await readTold(path), context);
  }

  /** For the person to see whether messages arrive: how often each channel failed since it last worked. */
  get channels(): { readonly name: ChannelName; readonly failures: number }[] {
    return this.#channels.map(({ name }) => ({ name, failures: this.#failing.get(name) ?? 0 }));
  }

  /** These orders, by their hashes, await a person now; others do not any more. */
  waiting(orders: readonly string[]): void {
    this.#waiting = orders;
    for (const channel of this.#channels) {
      if (this.#running.has(channel.name) || this.#next(channel) === undefined) continue;
      this.#running.add(channel.name);
      void this.#run(channel).finally(() => this.#running.delete(channel.name));
    }
  }

  async close(): Promise<void> {
    await this.#saving;
  }

  #next({ name }: Channel): string | undefined {
    return this.#waiting.find((order) => this.#told.get(name)?.has(order) !== true);
  }

  async #run(channel: Channel): Promise<void> {
    const { name } = channel;
    for (let order = this.#next(channel); order !== undefined; order = this.#next(channel)) {
      if (this.#signal.aborted) return;
      try {
        await channel.tell(order, this.#signal);
        await this.#remember(name, order);
        this.#failing.delete(name);
        this.#log.event("person-told", { channel: name });
      } catch (error) {
        if (this.#signal.aborted) return;
        const failures = (this.#failing.get(name) ?? 0) + 1;
        this.#failing.set(name, failures);
        this.#log.failure("person-not-told", error, { channel: name, failures });
        await pause(
          Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** (failures - 1), LONGEST_PAUSE_MILLISECONDS),
          this.#signal,
        );
      }
    }
  }

  async #remember(name: ChannelName, order: string): Promise<void> {
    const waiting = new Set(this.#waiting);
    const told = [...(this.#told.get(name) ?? []), order].filter((one) => waiting.has(one));
    this.#told.set(name, new Set(told));
    this.#saving = this.#saving.then(async () => {
      const all = Object.fromEntries([...this.#told].map(([channel, orders]) => [channel, [...orders]]));
      await writeFileDurable(this.#path, `${JSON.stringify(all)}\n`);
    });
    await this.#saving;
  }
}

async function readTold(path: string): Promise<Map<ChannelName, Set<string>>> {
  const bytes = await readFileOrNull(path);
  if (bytes === null) return new Map();
  const fields = new Fields(parseJson(bytes, "told"), "told");
  const told = new Map<ChannelName, Set<string>>();
  for (const name of ["webhook", "mail"] as const) {
    if (fields.optional(name) === undefined) continue;
    const orders = fields.array(name, (item, where) => asString(item, where, 64), 1_000_000);
    told.set(name, new Set(orders));
  }
  fields.end();
  return told;
}
