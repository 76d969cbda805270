// From the third approval to evidence that is open, with every process of a deployment: one person's messages of thirty
// days in ten conversations, 300 labels.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSignedDocument } from "@porchlight/charter";
import {
  dayNumber,
  dayOf,
  dayStart,
  formatInstant,
  hex,
  parseDay,
  periodOf,
  unixSeconds,
} from "@porchlight/encoding";
import {
  type ActiveConversation,
  attachTerms,
  createConversation,
  epochOf,
  prepareCommit,
} from "@porchlight/mls";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { Agency } from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import { ServerClient } from "@porchlight/wire";
import { Case } from "../packages/deployment/src/case.ts";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES, WORK_FACTOR } from "../packages/deployment/src/layout.ts";
import { silent } from "../packages/deployment/src/progress.ts";
import { keyMaterial, Speaker, termsOf } from "../packages/deployment/src/speaker.ts";
import type { Row } from "./run.ts";

export const name = "opening: from the third approval to open evidence";

const DAYS = Number(process.env["BENCH_DAYS"] ?? 30);
const CONVERSATIONS = Number(process.env["BENCH_CONVERSATIONS"] ?? 10);
const MESSAGES = 5;
/** All within one key period, so that the days alone count. */
const FIRST = parseDay("2017-10-01");

/** What one person writes, alone in each conversation: it is about what is opened, not about who reads it. */
async function write(
  deployment: Deployment,
): Promise<{ author: Speaker; conversations: ActiveConversation[] }> {
  const { charter } = deployment;
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const author = new Speaker({
    name: "author",
    suite: await nodeMlsSuite(),
    client: new ServerClient({ url: deployment.url }),
    random: keyMaterial(null, "author"),
  });
  await author.register(charter.log.origin);
  const conversations: ActiveConversation[] = [];
  const keys = await deployment.keysOf(periodOf(FIRST));
  for (let offset = 0; offset < DAYS; offset++) {
    const day = dayNumber(FIRST + offset);
    const now = unixSeconds(dayStart(day) + 8 * 3600);
    await deployment.tick(now);
    for (let place = 0; place < CONVERSATIONS; place++) {
      const known = conversations[place];
      if (known === undefined) {
        const made = await createConversation({
          device: author.device,
          charter: charter.id,
          day,
          now,
          random,
        });
        author.conversation = attachTerms(made, termsOf(charter));
        await author.client.createConversation({ conversation: made.id, charter: charter.id, day });
      } else {
        const commit = await prepareCommit(known, { adds: [], removes: [], day, update: true });
        const item = { kind: "commit", key: hex(random(16)), epoch: epochOf(known), welcome: null } as const;
        await author.client.submit(known.id, [{ ...item, bytes: commit.commit }]);
        author.conversation = commit.pending;
        commit.spent.erase();
      }
      await author.announce(keys);
      const lines = Array.from({ length: MESSAGES }, (_, i) => {
        const time = unixSeconds(now + i);
        return { at: formatInstant(time), time, from: author.name, text: `Sentence ${i} of this day.` };
      });
      await author.say(lines, now);
      conversations[place] = author.active;
    }
  }
  await deployment.tick(unixSeconds(dayStart(dayNumber(FIRST + DAYS)) + 9 * 3600));
  return { author, conversations };
}

/** User and system time of a process so far, s: ticks of 10 ms (proc(5), fields 14 and 15). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export async function run(): Promise<Row[]> {
  const state = mkdtempSync(join(tmpdir(), "bench-opening-"));
  const deployment = await Deployment.open({
    state,
    port: 0,
    deployment: "replay.example",
    clock: { replayFrom: dayStart(FIRST) },
    charterFrom: FIRST,
    charterDays: 400,
    progress: silent,
  });
  try {
    const { charter, layout, service } = deployment;
    const { author, conversations } = await write(deployment);
    const agency = await Agency.create(
      layout.directory("agency"),
      { name: "agency", url: deployment.url, charter: charter.id },
      { workFactor: WORK_FACTOR },
    );
    const { account } = author;
    const court = await deployment.court();
    const [first] = conversations;
    if (first === undefined) throw new Error("BENCH_CONVERSATIONS is 0");
    const target = { person: "author", account, conversation: first.id, day: FIRST };
    const opening = new Case(deployment, court, agency, target);
    const request = await opening.request("bench");
    const server = layout.directory("server");
    await callAdmin(server, { command: "bind-person", account, person: "author" });
    const answer = await callAdmin(server, {
      command: "statement",
      charter: charter.id,
      accounts: [account],
    });
    const issued = opening.now();
    const order = await opening.submit(
      await court.issue(charter, {
        request,
        statement: readSignedDocument(answer, "statement"),
        accounts: [account],
        conversations: conversations.map(({ id }) => id),
        firstDay: FIRST,
        lastDay: dayNumber(FIRST + DAYS - 1),
        legalBasis: charter.legalBases[0] as string,
        offenceCategory: charter.offenceCategories[0] as string,
        necessity: "To measure.",
        proportionality: "One person of a bench.",
        disclosure: { kind: "secret", until: dayNumber(dayOf(issued) + 30), ground: "A bench." },
        issued,
        expires: unixSeconds(issued + 14 * 86_400),
      }),
    );
    await opening.reached(order, ["awaiting-approval"], KEYHOLDER_NAMES.length, 60);
    const three = KEYHOLDER_NAMES.slice(0, charter.threshold);
    // The others' approvals are there, and what they release they have released.
    for (const keyholder of three.slice(1)) await opening.approve(order, keyholder, 60);
    await opening.reached(order, ["released"], three.length - 1, 120);
    const pid = deployment.supervisor.pid("server");
    const before = { server: cpuOf(pid), agency: cpuOf(process.pid) };
    const started = performance.now();
    await opening.approve(order, three[0] as string, 60);
    await opening.reached(order, ["released"], three.length, 120);
    const released = performance.now();
    const phases = new Map<string, number>();
    const collected = await agency.collect(service, order, {
      progress: (phase) => {
        if (!phases.has(phase)) phases.set(phase, performance.now());
      },
    });
    if (collected.kind !== "opened") throw new Error("not opened");
    const ended = performance.now();
    const cpu = { server: cpuOf(pid) - before.server, agency: cpuOf(process.pid) - before.agency };
    const { messages, failures } = collected.opened;
    if (messages.length !== DAYS * CONVERSATIONS * MESSAGES || failures.length > 0) {
      throw new Error(`${messages.length} messages opened, ${failures.length} failed`);
    }
    const since = (phase: string, until: number): number => (until - (phases.get(phase) ?? until)) / 1000;
    const labels = `${DAYS} days × ${CONVERSATIONS} conversations`;
    return [
      {
        what: `${labels}: from the third approval to open evidence`,
        value: (ended - started) / 1000,
        unit: "s",
      },
      { what: "  of it, the third keyholder's release", value: (released - started) / 1000, unit: "s" },
      { what: "  of it, bundles", value: since("bundles", phases.get("keys") ?? ended), unit: "s" },
      { what: "  of it, label keys", value: since("keys", phases.get("material") ?? ended), unit: "s" },
      {
        what: "  of it, material from the provider",
        value: since("material", phases.get("opening") ?? ended),
        unit: "s",
      },
      { what: "  of it, opening and packing", value: since("opening", ended), unit: "s" },
      { what: "  CPU of the agency, all threads", value: cpu.agency, unit: "s" },
      { what: "  CPU of the server", value: cpu.server, unit: "s" },
    ];
  } finally {
    await deployment.close();
    rmSync(state, { recursive: true, force: true });
  }
}
