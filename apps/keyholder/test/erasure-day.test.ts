import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { erasedAfter } from "@porchlight/charter";
import { SecretStore } from "@porchlight/durable";
import { type DayNumber, dayNumber, type KeyholderIndex, type Period } from "@porchlight/encoding";
import { ServerClient } from "@porchlight/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { charterOf, onDay, seedOf, sharedKey } from "../../../vectors/fixture/deployment.ts";
import { Erasures } from "../src/erasures.ts";
import { noHooks } from "../src/hooks.ts";
import { Shares } from "../src/shares.ts";

const PERIOD = "2026-03" as Period;
const directory = mkdtempSync(join(tmpdir(), "erasure-day-"));
let shares: Shares;
/** The first day on which the month's access share may go. */
let due: DayNumber;
let run: (own: DayNumber, witnessed: DayNumber) => Promise<boolean>;

beforeAll(async () => {
  const charter = await charterOf("court");
  shares = new Shares(
    await SecretStore.open(join(directory, "secrets"), { passphrase: "a test's", workFactor: 8 }),
  );
  due = dayNumber(erasedAfter(charter, "access", PERIOD) + 1);
  // The log is two times and no entry: which of them rules is what is asked here.
  let witnessed = due;
  const memory = {
    get view() {
      return { checkpoint: { time: onDay(witnessed) } };
    },
    keys: () => undefined,
    erasures: [],
  };
  const told: string[] = [];
  const context = {
    own: { id: charter.id, document: charter, self: 1 as KeyholderIndex },
    identity: { document: { seed: seedOf("Keyholder 1") } },
    shares,
    memory,
    server: new ServerClient({ url: "http://127.0.0.1:9" }),
    log: { event: (what: string) => told.push(what), failure: (what: string) => told.push(what) },
    hooks: noHooks,
  };
  const erasures = await Erasures.open(context as never, directory);
  const name = { charter: charter.id, period: PERIOD, generation: 1 };
  await shares.write(name, "access", sharedKey(`access ${PERIOD}`).shares[0] as never);
  run = async (own, at) => {
    witnessed = at;
    await erasures.run(onDay(own), () => false);
    return await shares.has(name, "access");
  };
});
afterAll(() => rmSync(directory, { recursive: true }));

test("KEY-6: a clock that is days ahead of the witnesses destroys nothing, nor do witnesses that are ahead of it; after thirty days its own is enough", async () => {
  const day = (offset: number) => dayNumber(due + offset);
  expect(await run(day(2), day(-1))).toBe(true);
  expect(await run(day(29), day(-1))).toBe(true);
  expect(await run(day(-1), day(2))).toBe(true);
  expect(await run(day(-1), day(400))).toBe(true);
  // Nobody keeps a share alive by withholding checkpoints.
  expect(await run(day(30), day(-200))).toBe(false);
});
