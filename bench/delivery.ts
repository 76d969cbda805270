// The stream under load, beside a bare prototype in the same run: 100 pairs, one conversation of 100 readers, a paced
// load, many idle connections, and a client that catches up. Other servers' figures are in docs/performance.md.
import { setTimeout as sleep } from "node:timers/promises";
import { catchUp } from "./delivery/catch-up.ts";
import { idle } from "./delivery/idle.ts";
import { type Figures, Generator, type Load } from "./delivery/load.ts";
import { porchlight, prototype, type System } from "./delivery/systems.ts";
import type { Row } from "./run.ts";

export const name = "delivery: the stream under load, 600-byte messages";

const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 8);

const LOADS: readonly (Load & { readonly what: string })[] = [
  { what: "100 pairs, 4 under way each", conversations: 100, readers: 1, window: 4, seconds: SECONDS },
  { what: "1 to 100, 16 under way", conversations: 1, readers: 100, window: 16, seconds: SECONDS },
  {
    what: "100 pairs, 3,000 messages/s",
    conversations: 100,
    readers: 1,
    window: 1,
    rate: 3000,
    seconds: SECONDS,
  },
];

async function measure(system: System): Promise<Figures[]> {
  const generator = new Generator(system);
  const opened = new Map<number, Awaited<ReturnType<Generator["open"]>>>();
  const figures: Figures[] = [];
  for (const load of LOADS) {
    const channels = opened.get(load.readers) ?? (await generator.open(load.conversations, load.readers));
    opened.set(load.readers, channels);
    figures.push(await generator.run(channels, load));
  }
  return figures;
}

function rowsOf(ours: readonly Figures[], bare: readonly Figures[]): Row[] {
  return LOADS.flatMap(({ what, rate }, place): Row[] => {
    const [own, other] = [ours[place] as Figures, bare[place] as Figures];
    const share = (value: number, of: number): string => `${(value / of).toFixed(2)} of the prototype's`;
    const cpu = {
      what: `${what}: CPU-ms a delivery`,
      value: own.cpu,
      unit: "ms",
      ratio: share(own.cpu, other.cpu),
    };
    const late = {
      what: `${what}: 99 in 100 within`,
      value: own.p99,
      unit: "ms",
      ratio: `prototype ${other.p99.toFixed(1)}`,
    };
    if (rate !== undefined) return [late, cpu];
    return [
      {
        what: `${what}: deliveries`,
        value: own.delivered,
        unit: "/s",
        ratio: share(own.delivered, other.delivered),
      },
      late,
      cpu,
    ];
  });
}

export async function run(): Promise<Row[]> {
  const results: Figures[][] = [];
  for (const start of [prototype, porchlight]) {
    const system = await start();
    try {
      results.push(await measure(system));
    } finally {
      await system.stop();
    }
    await sleep(500);
  }
  const [bare = [], ours = []] = results;
  const rest = process.env["BENCH_SHORT"] === undefined ? [...(await idle()), ...(await catchUp())] : [];
  return [...rowsOf(ours, bare), ...rest];
}
