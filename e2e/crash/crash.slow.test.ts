// Kills any process of a deployment with SIGKILL at random points of everything that it does, starts it again, and asks
// whether anything was lost, released twice or left in the clear. CRASH_SEED repeats a run's choices, CRASH_KILLS their number.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEntry } from "@porchlight/charter";
import { namesOf } from "@porchlight/parties";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoggedOrder } from "../../packages/deployment/src/case.ts";
import { temporary } from "../chat.ts";
import { type Kill, PHASE_NAMES, planKills } from "./kills.ts";
import { filesWith, sharesOf } from "./secrets-at-rest.ts";
import { Stage, secrecyEnd } from "./stage.ts";

const SEED = Number(process.env["CRASH_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const KILLS = Number(process.env["CRASH_KILLS"] ?? 56);
const HOURS = 60 * 60 * 1000;

test("the same seed makes the same choices, and every phase has its share of them", () => {
  expect(planKills(7, 60)).toEqual(planKills(7, 60));
  expect(planKills(8, 60)).not.toEqual(planKills(7, 60));
  const plan = planKills(SEED, 10 * PHASE_NAMES.length);
  for (const phase of PHASE_NAMES) expect(plan.filter((kill) => kill.phase === phase)).toHaveLength(10);
});

describe(`kill -9 at random points of everything, seed ${SEED}`, () => {
  const root = temporary("crash");
  const plan = planKills(SEED, KILLS);
  const expected: string[] = [];
  const points: { readonly order: string; readonly points: readonly string[] }[] = [];
  const told: LoggedOrder[] = [];
  let stage: Stage;
  let killed = 0;
  let months = 1;
  /** Milliseconds that a phase takes here when nobody is killed. */
  const usual = new Map<Kill["phase"], number>();

  beforeAll(async () => {
    stage = await Stage.open(root);
    for (const i of [1, 2, 3]) {
      await stage.send(`first day ${i}`);
      expected.push(`first day ${i}`);
    }
    expect(stage.acknowledged).toEqual(expected);
    // The new day first: what is sent after it is not what the orders of this case name.
    const phases = ["commit", ...PHASE_NAMES.filter((phase) => phase !== "commit")] as const;
    for (const [i, phase] of phases.entries()) await take({ phase, victim: "server", moment: 0 }, -i);
  }, HOURS);
  afterAll(async () => {
    await stage.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** Lets the phase begin, kills, repairs, and waits until the phase has come to its end all the same. */
  async function through(kill: Kill, number: number, phase: () => Promise<unknown>): Promise<void> {
    const began = performance.now();
    if (number <= 0) {
      await phase();
      usual.set(kill.phase, performance.now() - began);
      return;
    }
    let over = false;
    const running = phase().finally(() => {
      over = true;
    });
    running.catch(() => {});
    const after = Math.round(kill.moment * (usual.get(kill.phase) ?? 0));
    await sleep(after);
    const underWay = !over;
    const hit = await stage.kill(kill.victim);
    if (hit) killed++;
    await stage.heal();
    await running;
    const took = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `seed ${SEED} kill ${number}/${plan.length}: ${kill.phase}, ${kill.victim} at ${kill.moment.toFixed(2)} (${after} ms)${underWay ? "" : " (phase was over)"}${hit ? "" : " (was not running)"}; whole again and done after ${took} s`,
    );
  }

  async function finish(order: LoggedOrder): Promise<void> {
    const { texts, points: used } = await stage.collect(order);
    expect(texts).toEqual(expected);
    points.push({ order: namesOf(order).orderId, points: used });
  }

  async function take(kill: Kill, number: number): Promise<void> {
    const { phase } = kill;
    const pass = (run: () => Promise<unknown>) => through(kill, number, run);
    switch (phase) {
      case "ceremony":
        await pass(async () => await stage.ceremony(++months));
        break;
      case "send":
        await pass(async () => await stage.send(`message ${number + 10}`));
        break;
      case "commit":
        await pass(async () => await stage.commit(`new day ${number + 10}`));
        break;
      case "notice": {
        const order = await stage.untold();
        await pass(async () => await stage.told(order));
        told.push(order);
        break;
      }
      default: {
        const signed = await stage.order();
        let order: LoggedOrder | null = null;
        const log = async (): Promise<void> => {
          order = await stage.log(signed);
        };
        await (phase === "log" ? pass(log) : log());
        const logged = order as unknown as LoggedOrder;
        await stage.handIn(logged);
        const approve = async () => await stage.approve(logged);
        await (phase === "intent" ? pass(approve) : approve());
        const collect = async () => await finish(logged);
        await (phase === "release" ? pass(collect) : collect());
      }
    }
    // A fork, a lost entry or an unwitnessed state would be seen by who watched from the beginning.
    expect(await stage.findings()).toEqual([]);
    // No share of a notice label whose day has not come.
    expect((await stage.noticeShares()).filter(({ until }) => until > stage.today)).toEqual([]);
  }

  test(
    `${KILLS} kills: everything goes on`,
    async () => {
      for (const [i, kill] of plan.entries()) await take(kill, i + 1);
      console.log(`seed ${SEED}: ${killed} processes killed in ${plan.length} attempts`);
      expect(killed).toBeGreaterThanOrEqual(Math.floor(KILLS * 0.8));
    },
    HOURS,
  );

  test("nothing acknowledged is lost, nothing is shown twice, nothing was refused", async () => {
    const readings = await stage.readings();
    const texts = readings
      .filter(({ kind }) => kind === "message")
      .map(({ content }) => content?.text as string);
    expect(new Set(texts).size).toBe(texts.length);
    expect(stage.acknowledged.filter((text) => !texts.includes(text))).toEqual([]);
    expect(texts.filter((text) => !stage.attempted.has(text))).toEqual([]);
    // Accounts' counters and MLS generations that came twice would be refusals here.
    expect(readings.filter(({ kind }) => kind === "refused" || kind === "missing")).toEqual([]);
  });

  test("every order that was acknowledged is in the log, once, where it was said to be", async () => {
    await stage.deployment.service.update();
    const entries = stage.deployment.service.entriesFrom(0);
    for (const order of stage.logged) {
      const { commitment } = namesOf(order);
      const found = entries.filter(({ bytes }) => {
        const entry = parseEntry(bytes);
        return (entry.type === "warrant" || entry.type === "hold-order") && entry.commitment === commitment;
      });
      expect(found.map(({ index }) => index)).toEqual([order.index]);
    }
  });

  test("no second release for one intent: every bundle is still the first one, every slot stands in the log once", async () => {
    await stage.bundlesAgain();
    const slots = stage.deployment.service.entriesFrom(0).flatMap(({ bytes }) => {
      const entry = parseEntry(bytes);
      return entry.type === "keyholder-batch" ? entry.slots : [];
    });
    expect(new Set(slots).size).toBe(slots.length);
  });

  test("every notice came, once, on its day and not before", async () => {
    const due = stage.logged.filter((order) => secrecyEnd(order) <= stage.today);
    expect(due.length).toBeGreaterThanOrEqual(told.length);
    const shares = await stage.noticeShares();
    for (const order of due) {
      const { commitment } = namesOf(order);
      // NOT-31: beside it there may be shares for the day of logging, which open nothing.
      const own = shares.filter(
        (share) => share.commitment === commitment && share.until === secrecyEnd(order),
      );
      expect(own.map(({ keyholder }) => keyholder).sort()).toEqual([1, 2, 3, 4, 5]);
    }
    const names = shares.map(({ commitment, until, keyholder }) => `${commitment} ${until} ${keyholder}`);
    expect(new Set(names).size).toBe(names.length);
    const read = await stage.notices();
    expect(read.sort()).toEqual(due.map((order) => namesOf(order).commitment as string).sort());
  });

  test("no nonce reused: every partial has randomness of its own", () => {
    const all = points.flatMap((one) => one.points);
    if (stage.logged.length > 0) expect(all.length).toBeGreaterThan(0);
    expect(new Set(all).size).toBe(all.length);
  });

  test("no share on any disk in the clear, as it lay when its keyholder was killed and now", async () => {
    const { keyholders, everything } = stage.directories;
    const shares = (await Promise.all(keyholders.map(sharesOf))).flat();
    expect(shares.length).toBeGreaterThanOrEqual(10);
    // The search finds what is there.
    const bait = join(everything, "bait");
    writeFileSync(bait, `x${(shares[3] as Buffer).toString("base64")}`);
    expect(filesWith(everything, shares)).toEqual([bait]);
    rmSync(bait);
  });
});
