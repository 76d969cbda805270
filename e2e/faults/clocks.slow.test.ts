// A keyholder, a witness and the server whose clocks are two days ahead and two days behind: what may not happen does not,
// what is refused says why, and all goes on when the clock is right again. The table of docs/reliability.md is this file's.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseEntry } from "@porchlight/charter";
import {
  type AccountId,
  conversationId,
  type DayNumber,
  dayNumber,
  dayOf,
  periodOf,
  unixSeconds,
} from "@porchlight/encoding";
import { Agency, namesOf } from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import { ServerClient } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Case, type LoggedOrder } from "../../packages/deployment/src/case.ts";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES, WITNESS_NAMES, WORK_FACTOR } from "../../packages/deployment/src/layout.ts";
import { silent } from "../../packages/deployment/src/progress.ts";
import { temporary } from "../chat.ts";
import { answer, type Ended, porchlight } from "../porchlight.ts";
import { clockEnvironment, hasFaketime, setClock } from "./clock-file.ts";

const DAY = 86_400;
const MINUTE = 60;
const MINUTES = 60_000;
const SHIFTS = [
  ["ahead", 2 * DAY],
  ["behind", -2 * DAY],
] as const;
/** One that approves, so that it would release if anything did. */
const KEYHOLDER = "keyholder-1";
/** Three others, who are enough. */
const OTHERS = KEYHOLDER_NAMES.slice(1, 4);
const WITNESS = "witness-1";
const PROGRAMS = ["server", ...WITNESS_NAMES, ...KEYHOLDER_NAMES];

const now = (): number => Math.floor(Date.now() / 1000);
const untilMidnight = DAY - (now() % DAY);
const runs = hasFaketime && untilMidnight > 3600;
if (!hasFaketime) console.log("SKIPPED clocks that are wrong: needs faketime (Debian: faketime)");
else if (!runs)
  console.log("SKIPPED clocks that are wrong: the UTC day ends within the hour, and this test counts on it");

describe.skipIf(!runs)("clocks that are two days wrong", () => {
  const root = temporary("clocks");
  const today = dayOf(unixSeconds(now()));
  const clockOf = (name: string): string => join(root, `clock-${name}`);
  let deployment: Deployment;
  let agency: Agency;
  let ada: { readonly account: AccountId; readonly conversation: string };
  let cases = 0;
  /** Orders for today, approved by everyone: the day is not over. */
  let early: LoggedOrder;

  beforeAll(async () => {
    const options = {
      state: join(root, "deployment"),
      port: 0,
      deployment: "clocks.example",
      clock: "system",
      charterFrom: dayNumber(today - 10),
      charterDays: 100,
      progress: silent,
    } as const;
    // Ports are chosen at the first start and kept from the second on.
    await (await Deployment.open(options)).close();
    for (const name of [...PROGRAMS, "people"]) setClock(clockOf(name), 0);
    deployment = await Deployment.open(options);
    await deployment.keysOf(periodOf(dayNumber(today - 1)));
    await deployment.keysOf(periodOf(today));
    const { url, charter } = deployment;
    for (const name of PROGRAMS) {
      await deployment.supervisor.stop(name);
      const app = name.replace(/-\d+$/, "");
      await deployment.supervisor.start({
        name,
        entry: fileURLToPath(new URL(`../../apps/${app}/src/main.ts`, import.meta.url)),
        directory: deployment.layout.directory(name),
        environment: clockEnvironment(clockOf(name)),
      });
    }
    const { account } = answer<{ account: AccountId }>(
      await done(
        porchlight(
          "member",
          "init",
          "--dir",
          join(root, "ada"),
          "--url",
          url,
          "--charter",
          charter.id,
          "--json",
        ),
      ),
    );
    const { conversation } = answer<{ conversation: string }>(
      await done(porchlight("member", "create", "--dir", join(root, "ada"), "--json")),
    );
    ada = { account, conversation };
    agency = await Agency.create(
      deployment.layout.directory("agency"),
      { name: "agency", url, charter: charter.id },
      { workFactor: WORK_FACTOR },
    );
    early = await order(today);
    for (const name of KEYHOLDER_NAMES) expect(await approve(early, name)).toBe("approved");
  }, 15 * MINUTES);
  afterAll(async () => {
    await deployment?.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function done(ended: Promise<Ended>): Promise<Ended> {
    const ran = await ended;
    if (ran.code !== 0) throw new Error(`${ran.out}${ran.err}`);
    return ran;
  }

  async function caseFor(day: DayNumber): Promise<Case> {
    const conversation = conversationId(ada.conversation);
    return new Case(deployment, await deployment.court(), agency, {
      person: "ada",
      account: ada.account,
      conversation,
      day,
    });
  }

  /** An order over one day, secret until tomorrow, in the log and with every keyholder. */
  async function order(day: DayNumber): Promise<LoggedOrder> {
    const made = await caseFor(day);
    return await handedIn(await made.submit(await made.issue(await made.request(`case ${++cases}`), 1)));
  }

  /** A keyholder that saw no checkpoint with it in its patience turned it away: it may come again (KEY-23). */
  async function handedIn(logged: LoggedOrder): Promise<LoggedOrder> {
    const court = await deployment.court();
    await eventually(async () => {
      const states = await Promise.all(OTHERS.map(async (name) => await stateAt(logged, name)));
      if (states.includes("refused")) await court.handIn(deployment.service, logged);
      return states.every((state) => state === "awaiting-approval");
    });
    return logged;
  }

  /** What an operator's approval comes to: the state, or the refusal's code and reason. */
  async function say(logged: LoggedOrder, keyholder: string): Promise<string> {
    const made = await caseFor(today);
    const said = await made
      .approve(logged, keyholder, 20)
      .catch((error: Error) => `${(error as { code?: string }).code}: ${error.message}`);
    return said ?? "silent";
  }

  /** Once it has checked the order: the log's newest checkpoint may still be on its way. */
  async function approve(logged: LoggedOrder, keyholder: string): Promise<string> {
    await eventually(async () => (await stateAt(logged, keyholder)) === "awaiting-approval");
    let said = "";
    await eventually(async () => {
      said = await say(logged, keyholder);
      return !said.startsWith("busy");
    });
    return said;
  }

  async function carriedOut(logged: LoggedOrder): Promise<void> {
    for (const name of OTHERS) expect(await approve(logged, name)).toBe("approved");
    await releasedBy(logged, OTHERS);
  }

  async function stateAt(logged: LoggedOrder, keyholder: string): Promise<string> {
    const states = await (await caseFor(today)).reached(
      logged,
      ["checking", "awaiting-approval", "approved", "intent-logged", "released", "refused"],
      0,
      0,
    );
    return (
      states.find(({ keyholder: { index } }) => index === KEYHOLDER_NAMES.indexOf(keyholder) + 1)?.answer
        .state ?? "unknown"
    );
  }

  async function releasedBy(logged: LoggedOrder, names: readonly string[]): Promise<void> {
    await eventually(async () => {
      const states = await Promise.all(names.map(async (name) => await stateAt(logged, name)));
      return states.every((state) => state === "released");
    });
  }

  async function noticeStatus(logged: LoggedOrder, keyholder: string): Promise<number> {
    const at = deployment.keyholderUrls.get(keyholder);
    return (await fetch(`${at}/notices/${namesOf(logged).commitment}/${today + 1}`)).status;
  }

  /** Seconds by which the newest checkpoint's witnessed time differs from the right time. */
  async function witnessedOff(): Promise<number> {
    await deployment.service.update();
    return deployment.service.checkpoint.time - now();
  }

  /** Nobody released a day that is not over or told of an order that is still secret. */
  async function nothingEarly(): Promise<void> {
    for (const name of KEYHOLDER_NAMES) {
      expect(await stateAt(early, name), name).toBe("approved");
      expect(await noticeStatus(early, name), name).toBe(409);
    }
    await deployment.service.update();
    const entries = deployment.service.entriesFrom(0).map(({ bytes }) => parseEntry(bytes));
    expect(entries.filter((entry) => entry.type === "notice-share" && entry.until > today)).toEqual([]);
    expect(entries.filter(({ type }) => type === "erasure" || type === "disclosed")).toEqual([]);
  }

  /** Sets one program's clock wrong, and right again whatever happens. */
  async function wrong<T>(name: string, seconds: number, act: () => Promise<T>): Promise<T> {
    await shift(name, seconds);
    try {
      return await act();
    } finally {
      await shift(name, 0);
    }
  }

  async function shift(name: string, seconds: number): Promise<void> {
    setClock(clockOf(name), seconds);
    // Its own clock is what an operator is shown.
    if (name.startsWith("keyholder")) {
      await eventually(async () => {
        const status = (await callAdmin(deployment.layout.directory(name), { command: "status" })) as {
          now: number;
        };
        return Math.abs(status.now - now() - seconds) < 60;
      });
      return;
    }
    // Read anew at the latest a second later.
    await sleep(1500);
  }

  test.each(SHIFTS)(
    "GATE-2, NOT-30, KEY-6: a keyholder two days %s decides and releases nothing, delays nobody, and goes on",
    async (way, seconds) => {
      let said = "";
      const logged = await wrong(KEYHOLDER, seconds, async () => {
        const made = await order(dayNumber(today - 1));
        for (const name of OTHERS) expect(await approve(made, name)).toBe("approved");
        await releasedBy(made, OTHERS);
        said = await say(made, KEYHOLDER);
        expect(await stateAt(made, KEYHOLDER)).not.toMatch(/approved|intent-logged|released/);
        await nothingEarly();
        return made;
      });
      expect(await approve(logged, KEYHOLDER)).toBe("approved");
      await releasedBy(logged, [KEYHOLDER]);
      await nothingEarly();
      console.log(`keyholder two days ${way}: ${said}; three others released; released when right`);
      expect(said).toMatch(/^(busy|order-not-awaiting-approval): /);
    },
    15 * MINUTES,
  );

  test(
    "TLOG-15, TLOG-18: a witness two days ahead makes nothing newer, and cosigns on when its clock is right",
    async () => {
      await wrong(WITNESS, 2 * DAY, async () => {
        await carriedOut(await order(dayNumber(today - 1)));
        expect(Math.abs(await witnessedOff())).toBeLessThan(600);
        await nothingEarly();
      });
      const { size } = deployment.service.checkpoint;
      await carriedOut(await order(dayNumber(today - 1)));
      expect(Math.abs(await witnessedOff())).toBeLessThan(600);
      expect(deployment.service.checkpoint.size).toBeGreaterThan(size);
      console.log("witness two days ahead: witnessed time right; cosigned the next entry when right");
    },
    15 * MINUTES,
  );

  test(
    "TLOG-15, GATE-2: with a witness two days behind nothing is decided on what it says, and all go on when it is right",
    async () => {
      const logged = await order(dayNumber(today - 1));
      for (const name of OTHERS) expect(await approve(logged, name)).toBe("approved");
      await releasedBy(logged, OTHERS);
      const { size } = deployment.service.checkpoint;
      const made = await caseFor(dayNumber(today - 1));
      const signed = await made.issue(await made.request(`case ${++cases}`), 1);
      const said = await wrong(WITNESS, -2 * DAY, async () => {
        const answered = await made.court.submit(deployment.service, signed).then(
          ({ index }) => `taken at ${index}`,
          (error: Error) => `${(error as { code?: string }).code}: ${error.message}`,
        );
        // The last time that was witnessed stays the last: no older one is published in its place.
        expect(await witnessedOff()).toBeGreaterThan(-MINUTE * 30);
        await nothingEarly();
        return answered;
      });
      await carriedOut(await handedIn(await made.submit(signed)));
      expect(deployment.service.checkpoint.size).toBeGreaterThan(size);
      console.log(`witness two days behind: an order is ${said}; released when right`);
    },
    15 * MINUTES,
  );

  test.each(SHIFTS)(
    "MLS-24, DEL-29: a server two days %s takes no message and no batch and moves no witnessed time",
    async (way, seconds) => {
      const logged = await order(dayNumber(today - 1));
      const send = async (text: string) =>
        await porchlight("member", "send", text, "--dir", join(root, "ada"), "--json");
      const said = await wrong("server", seconds, async () => {
        for (const name of OTHERS) expect(await approve(logged, name)).toBe("approved");
        const sent = await send("while it is wrong");
        expect(sent.code).not.toBe(0);
        for (const name of OTHERS) expect(await stateAt(logged, name)).toBe("approved");
        expect(Math.abs(await witnessedOff())).toBeLessThan(600);
        await nothingEarly();
        return sent;
      });
      await releasedBy(logged, OTHERS);
      await done(send(`right again after ${way}`));
      await nothingEarly();
      console.log(
        `server two days ${way}: a message is refused (${answer<{ code: string }>(said).code}); no release meanwhile; releases and sends when right`,
      );
    },
    15 * MINUTES,
  );

  test(
    "and when the day is over by everybody's clock, the day is released and the notice comes",
    async () => {
      for (const name of PROGRAMS) setClock(clockOf(name), untilMidnight + 3600);
      const server = new ServerClient({ url: deployment.url });
      await eventually(
        async () =>
          (await server.waitForCheckpoint(1, { since: unixSeconds(now() + untilMidnight), wait: 10 })) !==
          null,
      );
      await releasedBy(early, KEYHOLDER_NAMES);
      for (const name of KEYHOLDER_NAMES)
        await eventually(async () => (await noticeStatus(early, name)) === 200);
    },
    15 * MINUTES,
  );
});

/** Asks again until it is so. Gives up before the test's time is over: only then is the clock set right again. */
async function eventually(ask: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 8 * MINUTES;
  while (!(await ask())) {
    if (performance.now() > until) throw new Error("waited in vain");
    await sleep(250);
  }
}
