import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CharterKind } from "@porchlight/charter";
import { writeFileDurable } from "@porchlight/durable";
import { dayNumber, dayOf, dayStart, periodOf, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import type { UnexpectedExit } from "@porchlight/runtime";
import { Deployment, type DeskAddress } from "./deployment.ts";
import type { Progress } from "./progress.ts";
import { type FinishedCase, SEED_DAYS, seed } from "./seed.ts";
import { builtWeb } from "./web.ts";

/** Days for which a standing deployment's charter runs. */
const CHARTER_DAYS = 3 * 365;
const TICK_MILLISECONDS = 5_000;
const CASE_FILE = "finished-case.json";

/** A deployment that stays up: seeded at its first start, resumed by every later one. */
export type Standing = {
  readonly deployment: Deployment;
  /** The seeded case; `null` where the deployment was not seeded, or its first start was cut short. */
  readonly finishedCase: FinishedCase | null;
  /** Where anyone reads the public log. */
  readonly publicLog: string;
  /** Where each party works; a desk's program starts with its first visit. */
  readonly desks: readonly DeskAddress[];
  /** One-time links to the web app, for two people. */
  readonly invitations: readonly string[];
  readonly close: () => Promise<void>;
};

/**
 * Brings up the deployment of `npm start`. A seeded one runs on a replayed clock that is moved along with this
 * computer's: only so can it have a finished case of a past day, and its charter and every page of evidence say so.
 */
export async function stand(options: {
  readonly state: string;
  readonly port: number;
  readonly kind: CharterKind;
  readonly seeded: boolean;
  readonly progress: Progress;
  readonly onUnexpectedExit: (exit: UnexpectedExit) => void;
}): Promise<Standing> {
  const { state, seeded, progress } = options;
  const now = systemNow();
  const isNew = !existsSync(join(state, "deployment.json"));
  const first = dayNumber(dayOf(now) - SEED_DAYS);
  const web = await builtWeb(progress);
  const deployment = await Deployment.open({
    state,
    web,
    port: options.port,
    kind: options.kind,
    deployment: options.kind === "court" ? "porchlight.example" : "harbour-clinic.example",
    clock: seeded ? { replayFrom: isNew ? dayStart(first) : now } : "system",
    charterFrom: first,
    charterDays: CHARTER_DAYS,
    progress,
    onUnexpectedExit: options.onUnexpectedExit,
  });
  try {
    const finishedCase = seeded ? await caseOf(deployment, state, isNew, progress) : null;
    if (seeded) await deployment.tick(systemNow());
    await deployment.ceremony(periodOf(dayOf(systemNow())));
    const publicLog = await deployment.openPublicLog();
    const desks = await deployment.openDoorways();
    const timer = seeded
      ? setInterval(() => void deployment.tick(systemNow()).catch(() => {}), TICK_MILLISECONDS)
      : undefined;
    return {
      deployment,
      finishedCase,
      publicLog,
      desks,
      invitations: [await deployment.invite(), await deployment.invite()],
      close: async () => {
        clearInterval(timer);
        await deployment.close();
      },
    };
  } catch (error) {
    await deployment.close();
    throw error;
  }
}

async function caseOf(
  deployment: Deployment,
  state: string,
  isNew: boolean,
  progress: Progress,
): Promise<FinishedCase | null> {
  const path = join(state, CASE_FILE);
  if (existsSync(path)) return JSON.parse(await readFile(path, "utf8")) as FinishedCase;
  // The days of the script lie behind the clock of a deployment that is not new, and no clock goes back.
  if (!isNew) return null;
  const finished = await seed(deployment, systemNow(), progress);
  await writeFileDurable(path, `${JSON.stringify(finished)}\n`);
  return finished;
}

function systemNow(): UnixSeconds {
  return unixSeconds(Math.floor(Date.now() / 1000));
}
