// Forged call backs and requests from a taken-over mailbox, as the response officer reads them: a key counts only as the
// registry signed exactly what was recorded of a call, and under any other key nothing even comes in.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { formatSignedDocument } from "../../packages/charter/src/index.ts";
import { introduceAuthority } from "../../packages/deployment/src/authority.ts";
import { HI1, WORK_FACTOR } from "../../packages/deployment/src/layout.ts";
import {
  base64,
  dayNumber,
  dayStart,
  formatDay,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import { Agency, askProvider, authorisationOf, Court } from "../../packages/parties/src/index.ts";
import { nodeSuite } from "../../packages/tlog/src/node-suite.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { Opening } from "./opening.ts";

vi.setConfig({ testTimeout: 600_000 });

const DAY = dayNumber(20_500);
/** Ed25519 of whoever sits in the mailbox, and of whoever comes between later. */
const [SEED, OTHER] = [3, 9].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
const [KEY, OTHER_KEY] = [SEED, OTHER].map((seed) => base64(nodeSuite.publicKeyOf(seed))) as [string, string];

let opening: Opening;
let officer: DeskVisitor;
let draft: string;

beforeAll(async () => {
  opening = await Opening.open({ name: "call-back.example", from: unixSeconds(dayStart(DAY) + 3 * 3600) });
  officer = await opening.at("officer", "Officer Vale", "server");
}, 600_000);
afterAll(async () => {
  await opening?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await opening?.showFailure();
});

async function says(name: string, ...words: readonly string[]): Promise<void> {
  const text = await officer.text();
  for (const one of words) expect(text).toContain(one);
  await opening.look(officer, `call-back-${name}`);
}

/** A request in the mailbox's name; the provider's answer. */
async function asks(): Promise<string> {
  const { service, charter } = opening.deployment;
  const line = {
    own: { CountryCode: HI1.country, UniqueIdentifier: "MAILBOX" },
    provider: { CountryCode: HI1.country, UniqueIdentifier: HI1.endpoint },
    owner: "porchlight",
    version: "1",
    seed: SEED,
  };
  const authorisation = authorisationOf(line, {
    reference: "urgent",
    legalBasis: charter.legalBases[0] as string,
    offenceCategory: charter.offenceCategories[0] as string,
    days: { first: formatDay(DAY), last: formatDay(DAY) },
    isEmergency: true,
  });
  return await askProvider(service, line, [{ CREATE: { HI1Object: authorisation } }]).then(
    (answers) => JSON.stringify(answers),
    (error: unknown) => (error as Error).message,
  );
}

async function nothingCameIn(): Promise<void> {
  expect(await asks()).not.toContain("AwaitingApproval");
  await officer.go("/inbox");
  expect(await officer.text()).toContain("Nothing waits.");
}

/** What the registry is said to have signed, put in and confirmed; refused. */
async function putIn(name: string, document: Parameters<typeof formatSignedDocument>[0]): Promise<void> {
  await officer.go("/endpoints");
  await officer.upload("What the registry signed", "signed.json", formatSignedDocument(document));
  await officer.press("Take it and log it");
  await officer.page.getByRole("heading", { name: "Log this registration" }).waitFor();
  await officer.press("Log this registration");
  await officer.page.getByRole("heading", { name: "This key is not registered" }).waitFor();
  await says(name, "Begin again with the call back.");
  await officer.go("/endpoints");
  expect(await officer.text()).toContain("called back, the registry has not signed");
}

test("a key that came in a mail counts for nothing before somebody called back: its request does not come in", async () => {
  await nothingCameIn();
  await officer.go("/endpoints");
  await officer.page.getByLabel("Country, two letters").fill(HI1.country);
  await officer.page.getByLabel("The authority's UniqueIdentifier").fill("MAILBOX");
  await officer.page.getByLabel("Its key, base64").fill(KEY);
  await officer.press("Note it");
  await officer.page.getByText("It counts for nothing before a call back.").waitFor();
  await says("noted", "not called back", "forged requests come from real mailboxes");
  await nothingCameIn();
  // A call back without a number, or without words, is none.
  await officer.go("/endpoints");
  await officer.page.getByLabel("Where you found it").fill("the mail itself");
  await officer.press("Record the call back");
  await officer.page.getByText("Every field of this form is needed.").waitFor();
  expect(await officer.page.getByLabel("Where you found it").inputValue()).toBe("the mail itself");
  await says("empty", "Every field of this form is needed");
});

test("forged: not signed by the registry, about another call than was recorded, or another key than was called about", async () => {
  await officer.go("/endpoints");
  await officer.page.getByLabel("The number that you called").fill("+99 30 5550101");
  await officer.page.getByLabel("Where you found it").fill("the printed directory");
  await officer.page.getByLabel("Who answered, and what was said").fill("Somebody, in a hurry.");
  await officer.page.getByLabel("The key counts until").fill(formatDay(dayNumber(DAY + 60)));
  await officer.press("Record the call back");
  await officer.press("Record this call back");
  await officer.page.getByText("Recorded. Now the registry signs.").waitFor();
  draft = Buffer.from(await officer.download("Download what the registry signs")).toString();
  const stranger = await Court.create(
    opening.directory("stranger"),
    { name: "district-court", title: "District Court" },
    { workFactor: WORK_FACTOR },
  );
  const registry = await opening.deployment.court();
  const [otherCall, otherKey] = [
    draft.replace("+99 30 5550101", "+99 30 5550199"),
    draft.replace(KEY, OTHER_KEY),
  ];
  expect([otherCall, otherKey]).not.toContain(draft);
  await putIn("stranger", await stranger.signRegistration(utf8(draft), null));
  await putIn("other-call", await registry.signRegistration(utf8(otherCall), null));
  await putIn("other-key", await registry.signRegistration(utf8(otherKey), null));
  await nothingCameIn();
});

test("the registry signs what was recorded: the key counts once it is logged and witnessed, until it is taken back", async () => {
  const registry = await opening.deployment.court();
  await officer.go("/endpoints");
  const signed = formatSignedDocument(await registry.signRegistration(utf8(draft), null));
  await officer.upload("What the registry signed", "signed.json", signed);
  await officer.press("Take it and log it");
  await officer.page.getByRole("heading", { name: "Log this registration" }).waitFor();
  await says("confirm", "+99 30 5550101", "Somebody, in a hurry.");
  await officer.press("Log this registration");
  await officer.page.getByText("Logged. It counts once witnesses have seen it.").waitFor();
  await opening.reads(officer, "/endpoints", "counts");
  await officer.page.getByLabel("Why is it taken back?").fill("The authority never wrote that mail.");
  await officer.press("Take the key back");
  await officer.page.getByRole("heading", { name: "Take this key back" }).waitFor();
  await officer.press("Take this key back");
  await officer.page.getByText("Taken back.").first().waitFor();
  await says("taken-back", "taken back");
  await nothingCameIn();
});

test("a true authority asks about a name that nobody has: no such account, and the officer is asked nothing about it", async () => {
  const { url, charter } = opening.deployment;
  const made = await Agency.create(
    opening.directory("agency"),
    { name: "agency", url, charter: charter.id },
    { workFactor: WORK_FACTOR },
  );
  const about = { reference: "5 Js 1/26", person: "Nobody Known", day: DAY };
  await expect(introduceAuthority(opening.deployment, made, about)).rejects.toThrow("No such account.");
  await officer.go("/inbox");
  await says("no-such-account", "Authorisation", "5 Js 1/26");
  expect(await officer.text()).not.toContain("Task: whose account");
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  expect(opening.problems).toEqual([]);
});
