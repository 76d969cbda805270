import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFileDurable } from "@porchlight/durable";
import { type CharterId, type DayNumber, dayNumber, dayStart, unixSeconds } from "@porchlight/encoding";
import { verifyEvidence, writeFiles } from "@porchlight/evidence";
import { Agency } from "@porchlight/parties";
import { Case, type LoggedOrder } from "./case.ts";
import { type ChatDay, readChats, speakersOf } from "./chat.ts";
import { Deployment } from "./deployment.ts";
import { DeploymentError } from "./error.ts";
import { WORK_FACTOR } from "./layout.ts";
import type { Progress } from "./progress.ts";
import { attemptForbidden, type RefusedAttempt } from "./refusals.ts";
import { type Replayed, replayChat } from "./replay.ts";

export type DemonstrationOptions = {
  readonly chats: readonly string[];
  readonly target: string;
  readonly day: DayNumber;
  /** Gets evidence.age and, unpacked, evidence/. */
  readonly out: string;
  /** Keeps each party's directory; left out, they are removed at the end. */
  readonly state: string | null;
  readonly seed: string | null;
  /** Called when everything is ready and no share has left; the release begins when it resolves. */
  readonly hold: ((pids: Readonly<Record<string, number>>) => Promise<void>) | null;
  /** Seconds that keyholders are given to release. */
  readonly patience: number;
  readonly progress: Progress;
  /** Stops everything; what is under way then fails. */
  readonly signal: AbortSignal;
};

export type DemonstrationReport = Omit<Replayed, "conversation" | "accounts"> & {
  /** Messages in the evidence. */
  readonly opened: number;
  readonly refusals: readonly RefusedAttempt[];
  /** Seconds of each phase. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Only under a replayed clock can old chats keep their days; evidence made there says so. */
  readonly clock: "replay";
};

/** Days for which the replayed deployment's charter runs beyond its chat. */
const CHARTER_DAYS_AFTER = 400;

/**
 * The main job on real input: replays chats as one encrypted conversation, takes one warrant for one person and day
 * through log, witnesses, keyholders, release and opening, checks the evidence against the input, and tries what must
 * fail. Throws DeploymentError, or whatever a party refused with.
 */
export async function demonstrate(options: DemonstrationOptions): Promise<DemonstrationReport> {
  const days = readChats(options.chats);
  const expected = linesOf(days, options.target, options.day);
  const evidence = join(options.out, "evidence");
  const sealed = join(options.out, "evidence.age");
  if (existsSync(evidence) || existsSync(sealed)) {
    throw new DeploymentError("state-foreign", `${options.out} holds evidence already: choose another --out`);
  }
  await mkdir(options.out, { recursive: true });
  const state = options.state ?? (await mkdtemp(join(tmpdir(), "porchlight-")));
  const seconds: Record<string, number> = {};
  const timed = async <T>(phase: string, run: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await run();
    } finally {
      seconds[phase] = Math.round(performance.now() - started) / 1000;
    }
  };
  let deployment: Deployment | null = null;
  try {
    const opened = await timed("start", async () => await openDeployment(state, days, options.progress));
    deployment = opened;
    options.signal.addEventListener("abort", () => void opened.close().catch(() => {}));
    options.signal.throwIfAborted();
    const replayed = await timed(
      "replay",
      async () =>
        await replayChat(
          {
            url: opened.url,
            charter: opened.charter,
            tick: async (at) => await opened.tick(at),
            keysOf: async (period) => await opened.keysOf(period),
          },
          days,
          { seed: options.seed, sampleDay: options.day, progress: options.progress },
        ),
    );
    const lastDay = (days.at(-1) as ChatDay).day;
    await opened.tick(unixSeconds(dayStart(dayNumber(lastDay + 1)) + 9 * 3600));
    const account = (name: string) => replayed.accounts.get(name);
    const bystander = [...replayed.accounts].find(([name]) => name !== options.target)?.[1];
    const target = account(options.target);
    if (target === undefined || bystander === undefined) {
      throw new DeploymentError("target-silent", "a demonstration needs at least two people");
    }
    const { conversation, accounts: _, ...totals } = replayed;
    const agency = await Agency.create(
      opened.layout.directory("agency"),
      { name: "agency", url: opened.url, charter: opened.charter.id },
      { workFactor: WORK_FACTOR },
    );
    const completed = new Case(opened, await opened.court(), agency, {
      person: options.target,
      account: target,
      conversation,
      day: options.day,
    });
    const order = await timed("warrant", async (): Promise<LoggedOrder> => {
      options.progress.note("the court signs a warrant; the provider puts its commitment in the log");
      return await completed.submit(await completed.issue(await completed.request("case 1")));
    });
    const { hold } = options;
    if (hold !== null) {
      await completed.reached(
        order,
        ["awaiting-approval"],
        opened.charter.keyholders.length,
        options.patience,
      );
      await hold(
        Object.fromEntries(opened.supervisor.names.map((name) => [name, opened.supervisor.pid(name)])),
      );
    }
    const released = await timed("release", async () => {
      options.progress.note("three keyholders approve, log their intent and release");
      return await completed.carryOut(order, options.patience);
    });
    await timed("evidence", async () => {
      await writeFiles(evidence, released.files);
      await writeFileDurable(sealed, await readFile(released.path));
      await checkEvidence(evidence, opened.charter.id, expected);
    });
    const refusals = await timed("refusals", async () => {
      options.progress.note("now everything that must fail");
      return await attemptForbidden({ completed, order, opened: released, bystander }, options.progress);
    });
    return { ...totals, opened: expected.length, refusals, seconds, clock: "replay" };
  } finally {
    await deployment?.close();
    if (options.state === null) await rm(state, { recursive: true, force: true });
  }
}

async function openDeployment(
  state: string,
  days: readonly ChatDay[],
  progress: Progress,
): Promise<Deployment> {
  const first = (days[0] as ChatDay).day;
  const last = (days.at(-1) as ChatDay).day;
  return await Deployment.open({
    state,
    port: 0,
    deployment: "replay.example",
    clock: { replayFrom: dayStart(first) },
    charterFrom: first,
    charterDays: last - first + CHARTER_DAYS_AFTER,
    progress,
  });
}

/** The lines of messages.jsonl that the evidence must hold, from the chat itself. */
function linesOf(days: readonly ChatDay[], target: string, day: DayNumber): object[] {
  if (!speakersOf(days).includes(target)) {
    throw new DeploymentError("target-silent", "nobody of that name speaks in these chats: check --target");
  }
  const lines = days
    .filter((one) => one.day === day)
    .flatMap((one) => one.lines.filter((line) => line.from === target));
  if (lines.length === 0) {
    throw new DeploymentError("target-silent", "that person says nothing on that day: check --day");
  }
  return lines.map(({ at, from, text, kind }) => ({
    at,
    from,
    text,
    ...(kind === undefined ? {} : { kind }),
  }));
}

async function checkEvidence(
  directory: string,
  charter: CharterId,
  expected: readonly object[],
): Promise<void> {
  const report = await verifyEvidence(directory, { charter });
  if (report.kind !== "verified") {
    throw new DeploymentError(
      "evidence-differs",
      'the evidence does not verify: see "porchlight evidence verify"',
    );
  }
  const text = await readFile(join(directory, "data/messages.jsonl"), "utf8");
  const found = text.split("\n").filter((line) => line !== "");
  if (
    found.length !== expected.length ||
    found.some((line, i) => JSON.stringify(JSON.parse(line)) !== JSON.stringify(expected[i]))
  ) {
    throw new DeploymentError("evidence-differs", "the evidence is not what the person wrote that day");
  }
}
