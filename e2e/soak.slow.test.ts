// Half an hour of 1,000 messages a second through a whole server: memory stays flat, and nothing is lost or doubled.
import { expect, test } from "vitest";
import { type Figures, Generator } from "../bench/delivery/load.ts";
import { memory } from "../bench/delivery/process-figures.ts";
import { porchlight } from "../bench/delivery/systems.ts";

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 30);
const RATE = 1000;
/** Before this, caches fill. */
const SETTLED = Math.ceil(MINUTES / 4);

type Minute = Figures & { readonly megabytes: number };

const mean = (minutes: readonly Minute[]): number =>
  minutes.reduce((sum, { megabytes }) => sum + megabytes, 0) / minutes.length;

test(
  `DEL-21: ${RATE} messages a second for ${MINUTES} minutes`,
  async () => {
    const system = await porchlight();
    const minutes: Minute[] = [];
    try {
      const generator = new Generator(system);
      const channels = await generator.open(100, 1);
      for (let minute = 1; minute <= MINUTES; minute++) {
        // Ends only when every message is acknowledged and delivered; throws where one is refused or comes twice.
        const figures = await generator.run(channels, {
          ...{ conversations: 100, readers: 1, window: 1, rate: RATE },
          seconds: 58,
        });
        minutes.push({ ...figures, megabytes: memory(system.pid) });
        const { sent, p50, p99, megabytes } = minutes.at(-1) as Minute;
        console.log(
          `minute ${minute}: ${sent.toFixed(0)} /s, half within ${p50.toFixed(1)} ms, 99 in 100 within ${p99.toFixed(1)} ms, server and PostgreSQL ${megabytes.toFixed(0)} MB`,
        );
      }
    } finally {
      await system.stop();
    }
    const settled = minutes.slice(SETTLED);
    const half = Math.floor(settled.length / 2);
    expect(mean(settled.slice(half))).toBeLessThan(1.1 * mean(settled.slice(0, half)));
    const sent = settled.reduce((sum, minute) => sum + minute.sent, 0) / settled.length;
    expect(sent).toBeGreaterThan(0.98 * RATE);
  },
  (MINUTES + 10) * 60_000,
);
