// A whole deployment of real processes, two people and a case, in which anyone may be killed at any moment.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  type NoticeShareEntry,
  parseEntry,
  parseSignedDocument,
  unverifiedPayload,
} from "@porchlight/charter";
import {
  type AccountId,
  conversationId,
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  parseDay,
  periodOf,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { parseWarrant } from "@porchlight/gate";
import { Monitor } from "@porchlight/monitor";
import { formatNoticeCode } from "@porchlight/notice";
import { Agency, namesOf, type OrderFile } from "@porchlight/parties";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource, KeyholderClient, ServerClient } from "@porchlight/wire";
import { createMember } from "../../apps/cli/src/member-directory.ts";
import { Case, type LoggedOrder } from "../../packages/deployment/src/case.ts";
import { Deployment } from "../../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES, WITNESS_NAMES, WORK_FACTOR } from "../../packages/deployment/src/layout.ts";
import { silent } from "../../packages/deployment/src/progress.ts";
import type { Victim } from "./kills.ts";

const CLI = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));
const FIRST_DAY = parseDay("2026-03-02");
const CHARTER_DAYS = 1000;
const PROGRAMS = ["server", ...WITNESS_NAMES, ...KEYHOLDER_NAMES];
const HEAL_SECONDS = 120;
/** An order of the phase "notice" is secret for so many days. */
const SECRET_DAYS = 3;
const DAY_SECONDS = 86_400;

export class Stage {
  readonly deployment: Deployment;
  readonly #root: string;
  readonly #completed: Case;
  readonly #agency: Agency;
  readonly #monitor: Monitor;
  readonly #snapshots: string;
  /** The member's command that is under way. */
  #command: ChildProcess | null = null;
  #now: UnixSeconds;
  #orders = 0;
  #copies = 0;

  /** What `porchlight member send` said it sent. */
  readonly acknowledged: string[] = [];
  readonly attempted = new Set<string>();
  readonly logged: LoggedOrder[] = [];
  readonly #collected = new Set<LoggedOrder>();
  /** First sealed bundle that each keyholder gave out for each order. */
  readonly bundles = new Map<string, Uint8Array>();

  private constructor(
    root: string,
    deployment: Deployment,
    completed: Case,
    agency: Agency,
    monitor: Monitor,
  ) {
    this.#root = root;
    this.deployment = deployment;
    this.#completed = completed;
    this.#agency = agency;
    this.#monitor = monitor;
    this.#snapshots = join(root, "snapshots");
    this.#now = unixSeconds(dayStart(FIRST_DAY) + 9 * 3600);
    mkdirSync(this.#snapshots);
  }

  static async open(root: string): Promise<Stage> {
    const state = join(root, "deployment");
    const options = {
      state,
      port: 0,
      deployment: "crash.example",
      clock: { replayFrom: unixSeconds(dayStart(FIRST_DAY) + 9 * 3600) },
      charterFrom: FIRST_DAY,
      charterDays: CHARTER_DAYS,
      progress: silent,
    };
    // Ports are chosen at the first start and kept from the second on.
    await (await Deployment.open(options)).close();
    const deployment = await Deployment.open(options);
    await deployment.keysOf(periodOf(FIRST_DAY));
    const { charter, url } = deployment;
    const people = new Map<string, AccountId>();
    writeFileSync(join(root, "policy"), charter.log.policy);
    for (const name of ["ada", "bo"]) {
      // As `porchlight member init` does, but for a passphrase that every later command need not work on for seconds.
      const made = await createMember(join(root, name), {
        url,
        charter: charter.id,
        workFactor: WORK_FACTOR,
      });
      people.set(name, made.member.account);
      const seed = made.member.noticeKey?.seed;
      if (seed !== undefined) writeFileSync(join(root, `${name}.code`), formatNoticeCode(seed));
    }
    const bo = people.get("bo") as AccountId;
    const created = await command<{ conversation: string }>([
      "member",
      "create",
      "--dir",
      join(root, "ada"),
      "--add",
      bo,
    ]);
    await command(["member", "read", "--dir", join(root, "bo"), "--keep"]);
    const agency = await Agency.create(
      deployment.layout.directory("agency"),
      { name: "agency", url, charter: charter.id },
      { workFactor: WORK_FACTOR },
    );
    const completed = new Case(deployment, await deployment.court(), agency, {
      person: "ada",
      account: people.get("ada") as AccountId,
      conversation: conversationId(created.conversation),
      day: FIRST_DAY,
    });
    const monitor = await Monitor.open({
      source: httpLogSource({ url: `${url}/log` }),
      policy: parsePolicy(charter.log.policy, nodeSuite),
      directory: join(root, "monitor"),
      clock: { now: () => unixSeconds(0) },
      // In days of the replayed clock, which jumps.
      maxAge: 60 * 86_400,
      suite: nodeSuite,
    });
    return new Stage(root, deployment, completed, agency, monitor);
  }

  get firstDay(): DayNumber {
    return FIRST_DAY;
  }

  async close(): Promise<void> {
    await this.#monitor.close();
    await this.deployment.close();
  }

  // ---- Phases

  /** Keys of a month that has none yet. */
  async ceremony(month: number): Promise<void> {
    const first = dayNumber(FIRST_DAY + 31 * month);
    await persist(async () => await this.deployment.ceremony(periodOf(first)));
  }

  async send(text: string): Promise<void> {
    this.attempted.add(text);
    const { child, ended } = start(["member", "send", text, "--dir", join(this.#root, "ada")]);
    this.#command = child;
    const { code } = await ended;
    this.#command = null;
    if (code === 0) this.acknowledged.push(text);
  }

  /** The first message of a day, which opens an epoch. */
  async commit(text: string): Promise<void> {
    await this.advance(1);
    await this.send(text);
  }

  /** An order that the court has signed and nobody has seen, secret for so many days. */
  async order(secretDays?: number): Promise<OrderFile> {
    await this.advance(2);
    return await persist(
      async () =>
        await this.#completed.issue(await this.#completed.request(`case ${++this.#orders}`), secretDays),
    );
  }

  async log(order: OrderFile): Promise<LoggedOrder> {
    const court = await this.deployment.court();
    const logged = await persist(async () => await court.submit(this.deployment.service, order));
    this.logged.push(logged);
    return logged;
  }

  async handIn(order: LoggedOrder): Promise<void> {
    const court = await this.deployment.court();
    await persist(async () => {
      await court.handIn(this.deployment.service, order);
      const there = await this.#completed.reached(
        order,
        ["awaiting-approval", "released"],
        KEYHOLDER_NAMES.length,
        20,
      );
      if (there.length < KEYHOLDER_NAMES.length) throw new Error("not every keyholder has the order");
    });
  }

  /** Three operators approve; resolves when three keyholders have released. */
  async approve(order: LoggedOrder): Promise<void> {
    const three = KEYHOLDER_NAMES.slice(0, 3);
    await Promise.all(
      three.map(async (name) => {
        await persist(async () => {
          const states = await this.#completed.reached(order, ["released"], 0, 0);
          const own = this.deployment.charter.keyholders[KEYHOLDER_NAMES.indexOf(name)];
          if (states.some(({ keyholder }) => keyholder.index === own?.index)) return;
          // Refused where it was approved before the kill: what counts is the release.
          const state = await this.#completed.approve(order, name, 20).catch(() => null);
          const after = await this.#completed.reached(order, ["released"], 3, state === null ? 1 : 20);
          if (!after.some(({ keyholder }) => keyholder.index === own?.index)) throw new Error("not released");
        });
      }),
    );
  }

  /** The texts that the agency reads, and the randomness (aP1) of every partial that it was given. */
  async collect(order: LoggedOrder): Promise<{ texts: string[]; points: string[] }> {
    return await persist(async () => {
      const collected = await this.#agency.collect(this.deployment.service, order);
      if (collected.kind !== "opened") throw new Error("the release is not complete");
      const points: string[] = [];
      for (const [path, bytes] of collected.files) {
        if (!path.startsWith("data/releases/")) continue;
        const text = Buffer.from(bytes).toString();
        const bundle = text.includes('"partials"')
          ? text
          : Buffer.from((JSON.parse(text) as { bundle: string }).bundle, "base64").toString();
        for (const [, partial] of bundle.matchAll(/"partial": ?"([0-9a-f]{384})"/g)) {
          points.push((partial as string).slice(0, 96));
        }
      }
      await this.#keepBundles(order);
      this.#collected.add(order);
      return { texts: collected.opened.messages.map(({ text }) => text), points };
    });
  }

  async #keepBundles(order: LoggedOrder): Promise<void> {
    for (const { index, url } of this.deployment.charter.keyholders.slice(0, 3)) {
      const { orderId } = namesOf(order);
      const name = `${orderId} ${index}`;
      const bundle = await new KeyholderClient({ url }).bundle(orderId);
      if (bundle === null) throw new Error("a keyholder that released has no bundle");
      const known = this.bundles.get(name);
      if (known === undefined) this.bundles.set(name, bundle);
      else if (!Buffer.from(known).equals(Buffer.from(bundle))) throw new Error(`two releases: ${name}`);
    }
  }

  /** Every bundle again, as it was. */
  async bundlesAgain(): Promise<void> {
    for (const order of this.#collected) await this.#keepBundles(order);
  }

  /** An order whose secrecy ends on the next morning; until then no keyholder gives anything for its notice. */
  async untold(): Promise<LoggedOrder> {
    const order = await this.log(await this.order(SECRET_DAYS));
    await this.handIn(order);
    const end = secrecyEnd(order);
    await this.#advanceTo(unixSeconds(dayStart(end) - 600));
    await persist(async () => {
      for (const { url } of this.deployment.charter.keyholders) {
        const { status } = await fetch(`${url}/notices/${namesOf(order).commitment}/${end}`);
        if (status === 200) throw new Error("a share of a notice before its day");
        if (status !== 409) throw new Error(`asked for a notice, a keyholder answers ${status}`);
      }
    });
    if ((await this.noticeShares(order)).length > 0) throw new Error("a notice in the log before its day");
    return order;
  }

  /** The day comes: every keyholder releases unasked, and the person reads with the printed code. */
  async told(order: LoggedOrder): Promise<void> {
    await this.#advanceTo(unixSeconds(dayStart(secrecyEnd(order)) + 9 * 3600));
    await persist(async () => {
      // Keyholders look at what is due when their clock goes on.
      await this.#advanceTo(unixSeconds(this.#now + 61));
      const told = (await this.notices()).filter((one) => one === namesOf(order).commitment);
      if (told.length !== 1) throw new Error("the person is not told yet");
      const by = new Set((await this.noticeShares(order)).map(({ keyholder }) => keyholder));
      if (by.size < KEYHOLDER_NAMES.length) throw new Error("not every keyholder has released the notice");
    });
  }

  /** Commitments of the orders that ada reads notices of: her code, the log and the keyholders are all that it takes. */
  async notices(): Promise<string[]> {
    const file = (name: string): string => join(this.#root, name);
    const args = ["notice", "read", this.deployment.url, "--policy", file("policy"), "--code-file"];
    const { child, ended } = start([...args, file("ada.code"), "--ask-keyholders"]);
    this.#command = child;
    const { code, out } = await ended;
    this.#command = null;
    if (code !== 0) throw new Error(`notice read: ${out}`);
    type Read = { readonly notices: readonly { readonly commitment: string }[] };
    const { notices } = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Read;
    return notices.map(({ commitment }) => commitment);
  }

  /** Shares of an order's notice in the log; of every order's, where none is named. */
  async noticeShares(order?: LoggedOrder): Promise<NoticeShareEntry[]> {
    const { service } = this.deployment;
    await persist(async () => await service.update());
    const commitment = order === undefined ? null : namesOf(order).commitment;
    return service.entriesFrom(0).flatMap(({ bytes }) => {
      const entry = parseEntry(bytes);
      return entry.type === "notice-share" && (commitment === null || entry.commitment === commitment)
        ? [entry]
        : [];
    });
  }

  // ---- Time

  /** By the clock of the deployment. */
  get today(): DayNumber {
    return dayOf(this.#now);
  }

  async advance(days: number): Promise<void> {
    await this.#advanceTo(unixSeconds(this.#now + DAY_SECONDS * days));
  }

  async #advanceTo(at: UnixSeconds): Promise<void> {
    this.#now = at;
    await this.deployment.keysOf(periodOf(dayOf(this.#now)));
    await this.deployment.tick(this.#now);
    await persist(async () => {
      const server = new ServerClient({ url: this.deployment.url });
      const since = unixSeconds(this.#now - 300);
      if ((await server.waitForCheckpoint(1, { since, wait: 10 })) === null) throw new Error("no checkpoint");
    });
  }

  // ---- Death and repair

  /** SIGKILL. Returns whether there was somebody to kill. */
  async kill(victim: Victim): Promise<boolean> {
    if (victim === "member") {
      const running = this.#command;
      return running !== null && running.kill("SIGKILL");
    }
    if (victim === "postgres") {
      const pid = this.#postgres();
      if (pid === null) return false;
      process.kill(pid, "SIGKILL");
      return true;
    }
    if (!this.deployment.supervisor.names.includes(victim)) return false;
    await this.deployment.supervisor.kill(victim);
    // As it lay on the disk when the power of its process ended.
    if (victim.startsWith("keyholder")) {
      cpSync(this.deployment.layout.directory(victim), join(this.#snapshots, `${++this.#copies}-${victim}`), {
        recursive: true,
        filter: (path) => !path.endsWith(".sock"),
      });
    }
    return true;
  }

  #postgres(): number | null {
    const file = join(this.deployment.layout.directory("server"), "postgres", "postmaster.pid");
    const pid = existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[0]) : 0;
    return pid > 0 ? pid : null;
  }

  /** Starts again whoever is gone, until the server takes requests and everyone runs. */
  async heal(): Promise<void> {
    const { supervisor, layout, url } = this.deployment;
    const until = performance.now() + 1000 * HEAL_SECONDS;
    for (;;) {
      for (const name of PROGRAMS) {
        if (supervisor.names.includes(name)) continue;
        const app = name.replace(/-\d+$/, "");
        const entry = fileURLToPath(new URL(`../../apps/${app}/src/main.ts`, import.meta.url));
        await supervisor.start({ name, entry, directory: layout.directory(name) });
      }
      const ready = await fetch(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (ready && PROGRAMS.every((name) => supervisor.names.includes(name))) return;
      if (performance.now() > until) throw new Error("the deployment did not come up again");
      await sleep(200);
    }
  }

  // ---- What must hold

  /** What a monitor says that has watched from the beginning. */
  async findings(): Promise<readonly unknown[]> {
    return (await this.#monitor.look()).findings;
  }

  /** Everything that bo was shown, by kind. */
  async readings(): Promise<Reading[]> {
    await command(["member", "read", "--dir", join(this.#root, "ada"), "--keep"]);
    type Read = { readonly events: Reading[] };
    return (await command<Read>(["member", "read", "--dir", join(this.#root, "bo"), "--keep"])).events;
  }

  get directories(): { readonly everything: string; readonly keyholders: readonly string[] } {
    return {
      everything: this.#root,
      keyholders: KEYHOLDER_NAMES.map((name) => this.deployment.layout.directory(name)),
    };
  }
}

/** The day on which the person is told. */
export function secrecyEnd(order: OrderFile): DayNumber {
  const { disclosure } = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant, "warrant")));
  if (disclosure.kind !== "secret") throw new Error("an order of this test is secret");
  return disclosure.until;
}

/** What a member is shown. */
type Reading = { readonly kind: string; readonly content?: { readonly text?: string } };

type Ended = { readonly code: number | null; readonly out: string };

/** The command line in one process, without the launcher that looks for the right Node: what is killed is the member. */
function start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [CLI, ...args, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, out })));
  return { child, ended };
}

async function command<T>(args: readonly string[]): Promise<T> {
  const { code, out } = await start(args).ended;
  if (code !== 0) throw new Error(`${args.slice(0, 2).join(" ")}: ${out}`);
  return JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as T;
}

/** Again until it succeeds: whoever asks survives the death of whoever answers. */
async function persist<T>(act: () => Promise<T>): Promise<T> {
  const until = performance.now() + 1000 * HEAL_SECONDS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(250);
    }
  }
}
