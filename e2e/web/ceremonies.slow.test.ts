// Keys of a month, the same keys shared anew, and a lost keyholder's place given to another: as the keyholders' people go
// through it, each at a desk of their own, while one of them is away. Real programs.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  type CharterEntry,
  formatEntry,
  parseEntry,
  unverifiedPayload,
} from "../../packages/charter/src/index.ts";
import {
  dayNumber,
  dayOf,
  fromBase64,
  fromUtf8,
  keyholderIndex,
  parseInstant,
  periodOf,
  unixSeconds,
} from "../../packages/encoding/src/index.ts";
import {
  completeSuccession,
  draftSuccession,
  formatSuccessionFile,
  readSuccessionFile,
  type SuccessionFile,
  stateOfSuccession,
  withSignature,
} from "../../packages/parties/src/index.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { Opening } from "./opening.ts";

vi.setConfig({ testTimeout: 600_000 });
const START = parseInstant("2026-03-03T08:00:00Z");
const MONTH = periodOf(dayNumber(dayOf(START) + 31));
const EVIL = `<img src=x onerror="window.owned=1">${"w".repeat(60)}`;
const LOST = "keyholder-5";
const NEW = "keyholder-6";

let opening: Opening;
let people: readonly DeskVisitor[];

const holder = (number: number): DeskVisitor => people[number - 1] as DeskVisitor;
/** The other three are in front of their desks; the fourth speaks to its program by command. */
const everyone = [1, 2, 3];

beforeAll(async () => {
  opening = await Opening.open({ name: "ceremonies.example", from: START });
  const desks: DeskVisitor[] = [];
  for (const [i, name] of ["Ines", "Jon", "Kit"].entries())
    desks.push(await opening.at("keyholder", name, `keyholder-${i + 1}`));
  people = desks;
}, 400_000);
afterAll(async () => {
  await opening?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await opening?.showFailure();
});

async function startAgain(name: string): Promise<number> {
  const { layout, url, supervisor, charter } = opening.deployment;
  const config = { server: url, log: charter.log.vkey, batches: "prompt", patienceSeconds: 3 };
  return (await supervisor.start(await layout.program(name, "keyholder", config))) ?? 0;
}

/** What its card on the page of keys says. */
const card = (visitor: DeskVisitor, title: string | RegExp) =>
  visitor.page
    .locator(".card")
    .filter({ has: visitor.page.getByRole("heading", { name: title }) })
    .first();

/** Loads a page until it says so; the deployment's clock goes on meanwhile, and with it the log. */
async function reads(visitor: DeskVisitor, path: string, words: string | RegExp): Promise<void> {
  const { deployment } = opening;
  const said = async (): Promise<string> => {
    await deployment.tick(unixSeconds((deployment.supervisor.at ?? START) + 1));
    await visitor.go(path);
    return await visitor.text();
  };
  const wanted = expect.poll(said, { timeout: 120_000, interval: 500 });
  await (typeof words === "string" ? wanted.toContain(words) : wanted.toMatch(words));
}

async function confirms(visitor: DeskVisitor): Promise<void> {
  await visitor.press("Take part");
  await visitor.page.getByText("This keyholder takes part. The rest goes by itself.").waitFor();
}

async function begins(visitor: DeskVisitor, form: string, month: string): Promise<void> {
  await visitor.go("/keys");
  await card(visitor, form).getByLabel("Month").fill(month);
  await card(visitor, form).getByRole("button", { name: "Take part …" }).click();
}

/** Follows who has begun. */
async function follows(visitor: DeskVisitor, title: string): Promise<void> {
  await reads(visitor, "/keys", new RegExp(`${title}[^]*waits for you`));
  await card(visitor, title).getByRole("button", { name: "Take part …" }).click();
  await confirms(visitor);
}

test("new keys: each takes part, everyone sees who has and who is waited for, and one that is down holds up nobody", async () => {
  await opening.deployment.supervisor.stop(LOST);
  const title = `New keys for ${MONTH}`;
  await begins(holder(1), "Make a month's keys", "2026-13");
  await holder(1).page.getByText("a month is written as YYYY-MM", { exact: false }).waitFor();
  await opening.look(holder(1), "ceremony-month-wrong");
  await begins(holder(1), "Make a month's keys", MONTH);
  await opening.look(holder(1), "ceremony-confirm");
  await confirms(holder(1));
  await reads(holder(2), "/keys", new RegExp(`${title}[^]*keyholder-1 began it`));
  expect(await card(holder(2), title).innerText()).toMatch(/keyholder-3[^]*has not begun/);
  await opening.look(holder(2), "ceremony-waits-for-you");
  for (const number of [2, 3]) await follows(holder(number), title);
  await opening.admin("keyholder-4", "ceremony", { period: MONTH });
  await reads(holder(1), "/keys", `Waits for ${LOST}.`);
  await opening.look(holder(1), "ceremony-waits-for-one");
  await reads(holder(1), "/state", /keyholder-5\s+(At its door: )?does not answer/);
  await opening.look(holder(1), "ceremony-state-one-down");
  for (const number of everyone) {
    await reads(holder(number), "/keys", `Waits for ${LOST}.`);
    await card(holder(number), title).getByRole("button", { name: "Wait no longer …" }).click();
    await holder(number).page.getByText("Not waited for any more").waitFor();
    if (number === 1) await opening.look(holder(1), "ceremony-wait-no-longer");
    await holder(number).press("Wait no longer");
    await holder(number).page.getByText("Asked. It is closed when enough keyholders ask.").waitFor();
  }
  for (const number of everyone) {
    await reads(holder(number), "/keys", new RegExp(`${title} done[^]*${LOST}\\s+[^]*Who has no share`));
    expect(await card(holder(number), title).innerText()).toContain("did not take part in time");
  }
  await opening.look(holder(3), "ceremony-done-without-one");
});

test("shared anew: the one that was away gets its share, and everyone sees that everybody has one", async () => {
  await startAgain(LOST);
  const title = `Shares of ${MONTH} anew, generation 2`;
  await begins(holder(1), "Share a month's keys anew", MONTH);
  await opening.look(holder(1), "refresh-confirm");
  await confirms(holder(1));
  for (const number of [2, 3]) await follows(holder(number), title);
  await opening.look(holder(3), "refresh-under-way");
  for (const name of ["keyholder-4", LOST]) {
    const takesPart = async () =>
      await opening.admin(name, "refresh", { period: MONTH }).then(
        () => "taking part",
        (error: { code?: string }) => error.code,
      );
    await expect.poll(takesPart, { timeout: 60_000, interval: 500 }).toBe("taking part");
  }
  for (const number of everyone)
    await reads(holder(number), "/keys", new RegExp(`${title} done\\s+Everybody has a share`));
  await opening.look(holder(2), "refresh-done");
});

test("CHA-21: a lost keyholder is replaced: one file goes round, each reads and signs it, and sees who has not yet", async () => {
  const { deployment } = opening;
  const { layout, service, supervisor } = deployment;
  await supervisor.stop(LOST);
  const port = await startAgain(NEW);
  const made = await layout.publicIdentity<{
    readonly vkey: string;
    readonly key: string;
    readonly xwing: string;
  }>(NEW);
  await service.update();
  const entry = parseEntry(service.charterEntry().bytes) as CharterEntry;
  const keyholder = {
    index: keyholderIndex(5),
    name: NEW,
    owner: "Foundation 6",
    payer: "Foundation 6",
    jurisdiction: "LU",
    url: `http://127.0.0.1:${port}`,
    vkey: made.vkey,
    key: fromBase64(made.key, 32),
    xwing: fromBase64(made.xwing, 1216),
  };
  let file: SuccessionFile = draftSuccession(service.present, unverifiedPayload(entry.document), {
    keyholder,
    ground: `The machine burnt with its building ${EVIL}`,
    at: service.now(),
  });
  const { digest } = stateOfSuccession(file);
  for (const name of ["server", "keyholder-4"]) {
    const request = { succession: fromUtf8(file.succession), digest };
    const answered = (await opening.admin(name, "sign-succession", request)) as unknown as {
      readonly signature: SuccessionFile["signatures"][number];
    };
    file = withSignature(file, answered.signature);
  }
  const successor = await opening.at("keyholder", "Mara", NEW);
  await successor.go("/charters");
  await opening.look(successor, "succession-new-empty");
  for (const [visitor, verb] of [
    [holder(1), "Sign"],
    [holder(2), "Sign"],
    [holder(3), "Sign"],
    [successor, "Accept"],
  ] as const) {
    await visitor.go("/charters");
    await visitor.upload("The succession's file", "succession.json", formatSuccessionFile(file));
    await visitor.page
      .locator(".card", { hasText: "A lost keyholder is replaced" })
      .getByRole("button", { name: "Read it" })
      .click();
    await visitor.page.getByRole("heading", { name: "Read the succession" }).waitFor();
    const text = await visitor.text();
    for (const words of [NEW, "Foundation 6", "The machine burnt", EVIL, digest, "has not signed"])
      expect(text).toContain(words);
    await opening.look(visitor, `succession-read-${verb}-${visitor.name}`);
    await visitor.press(`${verb} …`);
    if (visitor === holder(1)) await opening.look(visitor, "succession-confirm");
    await visitor.press(verb);
    await visitor.page.getByRole("heading", { name: "Signed" }).waitFor();
    await opening.look(visitor, `succession-signed-${visitor.name}`);
    expect(await visitor.text()).toContain(
      visitor === successor ? "All have signed." : "Send the file on to",
    );
    file = readSuccessionFile(await visitor.download("Save the file"));
  }
  expect(stateOfSuccession(file).missing).toEqual([]);
  const document = await completeSuccession(file, service.present);
  const index = await service.server.appendEntry(formatEntry({ type: "succession", document }));
  await deployment.tick(unixSeconds((supervisor.at ?? START) + 1));
  await service.covers(Number(index) + 1, 20);
  await reads(holder(1), "/state", /keyholder-6[^]*replaced a lost one/);
  await opening.look(holder(1), "succession-state");

  // The running month is shared anew, with the new one among all.
  const title = `Shares of ${MONTH} anew, generation 3`;
  await begins(holder(1), "Share a month's keys anew", MONTH);
  await confirms(holder(1));
  for (const visitor of [holder(2), holder(3), successor]) await follows(visitor, title);
  await opening.admin("keyholder-4", "refresh", { period: MONTH });
  for (const visitor of [...people, successor])
    await reads(visitor, "/keys", new RegExp(`${title} done\\s+Everybody has a share`));
  await opening.look(successor, "succession-new-has-share");
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  expect(opening.problems).toEqual([]);
});
