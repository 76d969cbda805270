// Told first: a person contests with the printed code, the court suspends, nobody releases; the court lets it go on, and it
// is released. Real processes of every party; person and court by the command line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSignedDocument, readSignedDocument, verifyContest } from "@porchlight/charter";
import {
  type AccountId,
  conversationIdOf,
  dayNumber,
  dayOf,
  dayStart,
  parseInstant,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { type Disclosure, orderIdOf } from "@porchlight/gate";
import { formatNoticeCode, type NoticeContent } from "@porchlight/notice";
import { Agency, type Court, formatOrderFile, keyholderStates, namesOf } from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import { ServerClient } from "@porchlight/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contestOrder } from "../packages/client/src/index.ts";
import { Case, type LoggedOrder } from "../packages/deployment/src/case.ts";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES, WORK_FACTOR } from "../packages/deployment/src/layout.ts";
import { silent } from "../packages/deployment/src/progress.ts";
import { keyMaterial, Speaker } from "../packages/deployment/src/speaker.ts";
import { nodeMlsSuite } from "../packages/mls/src/node-provider.ts";
import { answer, porchlight } from "./porchlight.ts";

const START = parseInstant("2017-10-03T12:00:00Z");
const TODAY = dayOf(START);
const CONTEST_DAYS = 14;

let home: string;
let deployment: Deployment;
let court: Court;
let agency: Agency;
let jane: Speaker;
let bob: Speaker;
let files = 0;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "porchlight-contest-"));
  deployment = await Deployment.open({
    state: join(home, "deployment"),
    port: 0,
    deployment: "contest.example",
    clock: { replayFrom: START },
    charterFrom: dayNumber(TODAY - 2),
    charterDays: 60,
    progress: silent,
  });
  court = await deployment.court();
  agency = await Agency.create(
    join(home, "agency"),
    { name: "agency", url: deployment.url, charter: deployment.charter.id },
    { workFactor: WORK_FACTOR },
  );
  const suite = await nodeMlsSuite();
  const people = ["jane", "bob"].map(
    (name) =>
      new Speaker({
        name,
        suite,
        client: new ServerClient({ url: deployment.url }),
        random: keyMaterial(null),
      }),
  );
  await Promise.all(people.map((one) => one.register(deployment.charter.log.origin)));
  [jane, bob] = people as [Speaker, Speaker];
  await deployment.ceremony("2017-10" as never);
  writeFileSync(join(home, "policy"), deployment.charter.log.policy);
}, 240_000);
afterAll(async () => {
  await deployment.close();
  rmSync(home, { recursive: true, force: true });
});

async function tick(at: number): Promise<void> {
  await deployment.tick(unixSeconds(at));
}

/** An order on one account, logged and with every keyholder. */
async function ordered(
  account: AccountId,
  about: { disclosure?: Disclosure; emergency?: boolean } = {},
): Promise<LoggedOrder> {
  const { charter, layout } = deployment;
  const conversation = conversationIdOf(new Uint8Array(32).fill(7));
  const target = { person: "Jane Doe", account, conversation, day: dayNumber(TODAY - 1) };
  const made = new Case(deployment, court, agency, target);
  const request = await made.request(`case ${++files}`);
  const server = layout.directory("server");
  await callAdmin(server, { command: "bind-person", account, person: "Jane Doe" });
  const stated = await callAdmin(server, { command: "statement", charter: charter.id, accounts: [account] });
  const issued = made.now();
  const order = await court.issue(charter, {
    request,
    statement: readSignedDocument(stated, "statement"),
    accounts: [account],
    conversations: [conversation],
    firstDay: target.day,
    lastDay: target.day,
    legalBasis: charter.legalBases[0] as string,
    offenceCategory: charter.offenceCategories[0] as string,
    necessity: "There is no other way.",
    proportionality: "One day.",
    disclosure: about.disclosure ?? { kind: "notice-first" },
    emergency: about.emergency ?? false,
    issued,
    expires: unixSeconds(issued + 50 * 86_400),
  });
  return await made.submit(order);
}

function fileOf(order: LoggedOrder): string {
  const path = join(home, `order-${order.index}.json`);
  writeFileSync(path, formatOrderFile(order));
  return path;
}

const stages = async (order: LoggedOrder): Promise<string[]> =>
  (await keyholderStates(deployment.charter, order)).map(({ answer: { state } }) => state);

async function reach(order: LoggedOrder, state: string, count: number): Promise<void> {
  await expect
    .poll(async () => (await stages(order)).filter((one) => one === state).length, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(count);
}

/** As somebody would who knows the number of an order from the log, and has a notice key. */
async function tries(who: Speaker, order: LoggedOrder, ground = "Not so."): Promise<string> {
  const { commitment } = namesOf(order);
  const notice = { commitment, account: who.account } as NoticeContent;
  const { charter, url } = deployment;
  return await contestOrder(new ServerClient({ url }), charter, {
    notice,
    noticeSeed: who.noticeSeed,
    ground,
  }).then(
    () => "taken",
    (error: { refusal?: string; reason?: string }) => `${error.refusal}: ${error.reason}`,
  );
}

function person(...args: readonly string[]) {
  const code = join(home, "code");
  writeFileSync(code, formatNoticeCode(jane.noticeSeed));
  return porchlight("notice", ...args, "--policy", join(home, "policy"), "--code-file", code, "--json");
}

const issuer = async (command: string, order: LoggedOrder, ...args: readonly string[]) =>
  await porchlight(
    ...["issuer", command, "--order", fileOf(order), "--dir", deployment.layout.directory("court"), "--json"],
    ...args,
  );

test("CONT-1 to CONT-7, GATE-20, GATE-31: a person told first contests, the court suspends and nobody releases, the court lets it go on and it is released", async () => {
  const { charter, url } = deployment;
  const order = await ordered(jane.account);
  const { commitment, orderId } = namesOf(order);

  // The person reads of it in the log, with the printed code.
  let now: UnixSeconds = START;
  const told = async (): Promise<number> => {
    now = unixSeconds(now + 61);
    await tick(now);
    return answer<{ notices: unknown[] }>(await person("read", url)).notices.length;
  };
  await expect.poll(told, { timeout: 60_000 }).toBe(1);
  const ground = join(home, "ground");
  writeFileSync(ground, "I was abroad.\nAsk my employer.\n");
  const out = join(home, "contest.json");
  const contest = () => person("contest", url, "--order", commitment, "--ground-file", ground, "--out", out);
  expect(answer(await contest())).toMatchObject({ ok: true, reference: "case 1" });
  const receipt = readFileSync(out, "utf8");
  const kept = await verifyContest(parseSignedDocument(utf8(receipt.trim())), charter);
  expect(kept).toMatchObject({
    account: jane.account,
    commitment,
    ground: "I was abroad.\nAsk my employer.",
  });

  // The same again is the same; other words, another's key, and who was told of nothing, are refused.
  expect((await contest()).code).toBe(0);
  expect(readFileSync(out, "utf8")).toBe(receipt);
  writeFileSync(ground, "Something else.");
  expect(answer(await contest())).toMatchObject({ ok: false, code: "contest-refused" });
  expect(await tries(jane, order)).toBe("contest-refused: twice");
  expect(await tries(bob, order)).toBe("contest-refused: not-yours");
  const forged = { commitment, account: jane.account, nonce: new Uint8Array(32), ground: "I confess." };
  await expect(new ServerClient({ url }).contest(forged)).rejects.toMatchObject({ reason: "unproven" });
  const until = dayNumber(TODAY + 30);
  const secret = await ordered(jane.account, {
    disclosure: { kind: "secret", until, ground: "Evidence would be destroyed." },
  });
  const emergency = await ordered(jane.account, { emergency: true });
  const second = await ordered(jane.account);
  await deployment.service.covers(second.index + 1);
  expect(await tries(jane, secret)).toBe("contest-refused: not-yours");
  expect(await tries(jane, emergency)).toBe("contest-refused: no-wait");

  // The court reads it and suspends; nothing did so by itself.
  expect(answer(await issuer("contests", order))).toMatchObject({
    contests: [{ account: jane.account, person: "Jane Doe", ground: "I was abroad.\nAsk my employer." }],
  });
  expect(answer(await issuer("contests", second))).toMatchObject({ contests: [] });
  expect(answer(await issuer("suspend", order, "--ground", "To hear Jane Doe."))).toMatchObject({ ok: true });

  // The days are over: an order that nobody contested goes to the keyholders' operators, this one does not.
  await tick(dayStart(dayNumber(TODAY + CONTEST_DAYS + 1)) + 3600);
  await reach(second, "awaiting-approval", 5);
  expect(await stages(order)).toEqual(Array.from({ length: 5 }, () => "checking"));
  const approve = async (name: string) =>
    await callAdmin(deployment.layout.directory(name), {
      command: "approve",
      order: orderId,
      commitment,
      by: "operator",
    });
  for (const name of KEYHOLDER_NAMES) {
    await expect(approve(name)).rejects.toMatchObject({ code: "order-not-awaiting-approval" });
  }
  expect(await tries(jane, second)).toBe("contest-refused: too-late");
  await court.revoke(deployment.service, second, "Withdrawn.", deployment.service.now());
  expect(await tries(jane, second)).toBe("contest-refused: revoked");
  expect(orderIdOf(order.opening)).toBe(orderId);

  // Having heard the person, the court lets it go on; people approve, and it is released.
  const resumed = await issuer("resume", order, "--ground", "Heard; the order stands.");
  expect(answer(resumed)).toMatchObject({
    keyholders: Array.from({ length: 5 }, () => ({ state: "counted" })),
  });
  await reach(order, "awaiting-approval", 5);
  await Promise.all(KEYHOLDER_NAMES.slice(0, 3).map(approve));
  await reach(order, "released", 3);
}, 240_000);
