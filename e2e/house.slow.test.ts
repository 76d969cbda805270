// A house's charter with real programs: two sign, each order waits for the works council, which stops one of two.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dayNumber, dayOf, dayStart, formatInstant, parseInstant, unixSeconds } from "@porchlight/encoding";
import { Agency, Court, formatOrderFile } from "@porchlight/parties";
import { afterAll, beforeAll, expect, test } from "vitest";
import { typed } from "../apps/cli/test/typed.ts";
import { Case } from "../packages/deployment/src/case.ts";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { WORK_FACTOR } from "../packages/deployment/src/layout.ts";
import { silent } from "../packages/deployment/src/progress.ts";
import { replayChat } from "../packages/deployment/src/replay.ts";

const START = parseInstant("2017-10-03T08:00:00Z");
const DAY = dayOf(START);
let home: string;
let deployment: Deployment;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "porchlight-house-"));
  deployment = await Deployment.open({
    state: join(home, "deployment"),
    port: 0,
    kind: "house",
    deployment: "house.example",
    clock: { replayFrom: START },
    charterFrom: DAY,
    charterDays: 60,
    progress: silent,
  });
});
afterAll(async () => {
  await deployment.close();
  rmSync(home, { recursive: true });
});

test("GATE-33, DIR-2, CHA-24: a hold order waits for the works council, which stops it; the next one goes through", async () => {
  const { charter, layout } = deployment;
  const lines = ["Put it in two parts.", "I am not comfortable with that."].map((text, i) => {
    const time = unixSeconds(dayStart(DAY) + 36_000 + 600 * i);
    return { at: formatInstant(time), time, from: i === 0 ? "brandt" : "jonas", text };
  });
  const replayed = await replayChat(
    {
      url: deployment.url,
      charter,
      tick: async (at) => await deployment.tick(at),
      keysOf: async (period) => await deployment.keysOf(period),
    },
    [{ day: DAY, lines }],
    { seed: null, sampleDay: DAY, progress: silent },
  );
  const account = replayed.accounts.get("brandt") ?? expect.fail("no account");
  const about = { name: "house-lawyers", url: deployment.url, charter: charter.id };
  const agency = await Agency.create(join(home, "agency"), about, { workFactor: WORK_FACTOR });
  const { conversation } = replayed;
  const legal = await deployment.court();
  const made = new Case(deployment, legal, agency, { person: "brandt", account, conversation, day: DAY });
  await deployment.tick(unixSeconds(dayStart(dayNumber(DAY + 1)) + 3600));
  const [stopped, other] = [
    await made.submit(await made.issue(await made.request("hold 1"))),
    await made.submit(await made.issue(await made.request("hold 2"))),
  ];
  // One signature is none, and nobody is asked to decide while the works council still can.
  await expect(legal.countersign(charter, stopped)).rejects.toThrow("cannot be changed");
  expect(await made.reached(other, ["awaiting-approval"], 1, 3)).toEqual([]);
  const council = await Court.open(layout.directory("works-council"));
  // At its command line it sees both, and until when it is waited for.
  const inspects = async (...words: string[]) => {
    const said = await typed("inspector", ...words, "--dir", council.directory, "--json");
    expect([said.code, said.err]).toEqual([0, ""]);
    return JSON.parse(said.out) as {
      isNamed: boolean;
      unshown: object[];
      orders: { reference: string }[];
    };
  };
  const file = join(home, "order.json");
  writeFileSync(file, formatOrderFile(stopped));
  await inspects("read", "--order", file);
  const listed = await inspects("list");
  expect([listed.isNamed, listed.unshown]).toEqual([true, []]);
  const asItIs = { state: "logged", waitsUntil: DAY + 2, failing: [] };
  // Both are signed in one second: no order is first.
  const byReference = listed.orders.toSorted((a, b) => (a.reference < b.reference ? -1 : 1));
  expect(byReference).toMatchObject([
    { reference: "hold 1", ...asItIs },
    { reference: "hold 2", ...asItIs },
  ]);
  await council.revoke(deployment.service, stopped, "Nobody showed it to us before.", made.now());

  await deployment.tick(unixSeconds(dayStart(dayNumber(DAY + 3)) + 3600));
  const refused = await made.reached(stopped, ["refused"], 5, 60);
  expect(refused.map(({ answer }) => ("code" in answer ? answer.code : answer.state))).toEqual(
    Array.from({ length: 5 }, () => "revoked"),
  );
  const { opened } = await made.carryOut(other, 60);
  expect(opened.messages.map(({ text }) => text)).toEqual(["Put it in two parts."]);
});
