// Senders and readers who go on through whatever happens to the processes. For tests only.
import { setTimeout as sleep } from "node:timers/promises";
import { hex } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { type NewItem, WireError } from "@porchlight/wire";
import { expect } from "vitest";
import type { Person } from "./people.ts";

const RETRY = 50;

/** Repeats what may succeed later, as a client does that lost its connection. */
export async function insist<T>(call: () => Promise<T>, onRetry: () => void = () => {}): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof WireError && error.retryable)) throw error;
      onRetry();
      await sleep(RETRY);
    }
  }
}

function digest(bytes: Uint8Array): string {
  return hex(nodeSuite.sha256(bytes));
}

/** One conversation under load: everybody sends and everybody reads, each through a process of their own. */
export class Load {
  readonly #people: readonly Person[];
  readonly #from: number;
  /** Digest of what was acknowledged, by seq. */
  readonly acknowledged = new Map<number, string>();
  /** How often each of the people had to try again. */
  readonly retries: number[];
  readonly #read: { seq: number; digest: string }[][];
  readonly #pause: number;
  #sending: Promise<unknown> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();
  #phase: "sending" | "ending" | "sent" = "sending";

  constructor(people: readonly Person[], pause = 15) {
    this.#people = people;
    this.#from = Math.max(...people.map(({ seen }) => seen));
    this.#read = people.map(() => []);
    this.retries = people.map(() => 0);
    this.#pause = pause;
  }

  start(): void {
    this.#sending = Promise.all(this.#people.map((person, place) => this.#send(person, place)));
    this.#reading = Promise.all(this.#people.map((person, place) => this.#follow(person, place)));
    // Shown by stop().
    this.#sending.catch(() => {});
    this.#reading.catch(() => {});
  }

  #retried(place: number): () => void {
    return () => {
      this.retries[place] = (this.retries[place] ?? 0) + 1;
    };
  }

  async #send(person: Person, place: number): Promise<void> {
    const retried = this.#retried(place);
    for (let i = 0; this.#phase === "sending"; i++) {
      const item: NewItem = await person.message(`message ${i}`);
      const [seq = 0] = await insist(() => person.client.submit(person.conversation, [item]), retried);
      expect(this.acknowledged.has(seq)).toBe(false);
      this.acknowledged.set(seq, digest(item.bytes));
      await sleep(this.#pause);
    }
  }

  async #follow(person: Person, place: number): Promise<void> {
    const read = this.#read[place] ?? [];
    let after = this.#from;
    for (;;) {
      // As of before the look: only then does an empty page mean that there is nothing more.
      const isSent = this.#phase === "sent";
      const { items, head } = await insist(
        () => person.client.items(person.conversation, after, { wait: this.#phase === "sending" ? 5 : 0 }),
        this.#retried(place),
      );
      for (const { seq, bytes } of items) read.push({ seq, digest: digest(bytes) });
      after = items.at(-1)?.seq ?? after;
      if (isSent && items.length === 0 && after >= head) return;
    }
  }

  /** Until at least so many more have been acknowledged: progress is what is waited for, not time. */
  async progress(count: number): Promise<void> {
    const until = this.acknowledged.size + count;
    while (this.acknowledged.size < until) await sleep(5);
  }

  /** Ends it and proves: nothing acknowledged is lost or moved, and all saw one order without gaps, each item once. */
  async stop(): Promise<void> {
    this.#phase = "ending";
    await this.#sending;
    this.#phase = "sent";
    await this.#reading;
    const [first = [], ...others] = this.#read;
    for (const read of others) expect(read).toEqual(first);
    expect(first.map(({ seq }) => seq)).toEqual(first.map((_, place) => this.#from + 1 + place));
    expect(new Set(first.map((one) => one.digest)).size).toBe(first.length);
    const bySeq = new Map(first.map((one) => [one.seq, one.digest]));
    for (const [seq, sent] of this.acknowledged) expect(bySeq.get(seq)).toBe(sent);
    expect(this.acknowledged.size).toBe(first.length);
  }
}
