// Closed and paced load on a system, and what came of it.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds } from "./process-figures.ts";
import type { Channel, System } from "./systems.ts";

const SIZE = 600;
/** Milliseconds before anything is counted. */
const WARM = 2_000;

export type Load = {
  readonly conversations: number;
  readonly readers: number;
  /** Messages of each conversation that are under way at a time. */
  readonly window: number;
  /** Messages a second of all together; without it, as many as go through. */
  readonly rate?: number;
  readonly seconds: number;
};

export type Figures = {
  readonly sent: number;
  readonly delivered: number;
  /** Milliseconds from handing in to the reader's having it. */
  readonly p50: number;
  readonly p99: number;
  /** CPU-seconds of the whole system for 1,000 deliveries. */
  readonly cpu: number;
};

type Waiting = { left: number; readonly done: () => void };

/** A message counts when its sender has the acknowledgement and all readers have it. */
export class Generator {
  readonly #system: System;
  #waiting = new Map<number, Waiting>();
  #times: number[] = [];
  #isCounting = false;
  #delivered = 0;
  #sent = 0;
  #next = 0;

  constructor(system: System) {
    this.#system = system;
  }

  open(conversations: number, readers: number): Promise<Channel[]> {
    return this.#system.open(conversations, readers, (body) => this.#heard(body));
  }

  #heard(body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const waiting = this.#waiting.get(view.getUint32(8));
    if (waiting === undefined) throw new Error("a message came twice, or from nowhere");
    if (this.#isCounting) {
      this.#delivered++;
      this.#times.push(performance.now() - view.getFloat64(0));
    }
    if (--waiting.left > 0) return;
    this.#waiting.delete(view.getUint32(8));
    waiting.done();
  }

  async #send({ sender, readers }: Channel): Promise<void> {
    const body = randomBytes(SIZE);
    const number = ++this.#next;
    body.writeDoubleBE(performance.now(), 0);
    body.writeUInt32BE(number, 8);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(number, { left: readers, done: resolve });
    await sender.send(body);
    await promise;
    if (this.#isCounting) this.#sent++;
  }

  /** Throws where a message was refused, lost or doubled. */
  async run(channels: readonly Channel[], { window, rate, seconds }: Load): Promise<Figures> {
    let isOver = false;
    const fail = (error: unknown): never => {
      throw error;
    };
    const lanes: Promise<void>[] = [];
    if (rate === undefined) {
      for (const channel of channels) {
        for (let i = 0; i < window; i++) {
          lanes.push(
            (async () => {
              while (!isOver) await this.#send(channel);
            })(),
          );
        }
      }
    } else {
      lanes.push(
        (async () => {
          const started = performance.now();
          const under: Promise<void>[] = [];
          for (let count = 0; !isOver; await sleep(1)) {
            for (const due = ((performance.now() - started) / 1000) * rate; count < due; count++) {
              under.push(this.#send(channels[count % channels.length] as Channel).catch(fail));
            }
          }
          await Promise.all(under);
        })(),
      );
    }
    await sleep(WARM);
    this.#times = [];
    this.#sent = 0;
    this.#delivered = 0;
    this.#isCounting = true;
    const cpu = cpuSeconds(this.#system.pid);
    const started = performance.now();
    await sleep(1000 * seconds);
    this.#isCounting = false;
    const elapsed = (performance.now() - started) / 1000;
    const used = cpuSeconds(this.#system.pid) - cpu;
    isOver = true;
    await Promise.all(lanes);
    const times = Float64Array.from(this.#times).sort();
    const quantile = (q: number): number => times[Math.floor((times.length - 1) * q)] ?? Number.NaN;
    return {
      sent: this.#sent / elapsed,
      delivered: this.#delivered / elapsed,
      p50: quantile(0.5),
      p99: quantile(0.99),
      cpu: (1000 * used) / this.#delivered,
    };
  }
}
