// What a court and an agency cannot have: each refusal as the person at the desk reads it, with what to do next.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { WORK_FACTOR } from "../../packages/deployment/src/layout.ts";
import { formatDay, utf8 } from "../../packages/encoding/src/index.ts";
import { Agency, formatRequest } from "../../packages/parties/src/index.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { DAY, day, SpokenOpening } from "./spoken-opening.ts";

vi.setConfig({ testTimeout: 600_000 });

let spoken: SpokenOpening;
let court: DeskVisitor;
let agency: DeskVisitor;
let statement: Uint8Array;

beforeAll(async () => {
  spoken = await SpokenOpening.open("court-refusals");
  const { opening } = spoken;
  statement = await spoken.statement("rook");
  [agency, court] = [await opening.at("agency", "Inspector Bo"), await opening.at("court", "Judge Cho")];
}, 600_000);
afterAll(async () => {
  await spoken?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await spoken?.opening.showFailure();
});

test("over the caps, a secrecy too long, days outside the charter's, a day that is over: the court's draft says each beside its field", async () => {
  const { opening, conversation } = spoken;
  const four = await spoken.statement("rook", "noor", "ines", "tomas");
  const application = await opening.apply(agency, "1 Gs 1/26");
  await opening.draft(court, application, four, {
    days: [day(-40), day(20)],
    conversations: conversation,
    secretUntil: day(1 + 181),
  });
  for (const box of await court.page.locator("input[name=accounts]").all()) await box.check();
  await court.press("Show what will be signed");
  await court.page.getByRole("alert").waitFor();
  await spoken.says(
    court,
    "over-the-caps",
    "The charter allows at most 3 people in one order.",
    "The charter allows at most 31 days in one order; these are 61.",
    `Secrecy lasts at most 180 days under this charter: until ${formatDay(day(1 + 180))}.`,
  );
  await court.page.getByLabel("Last day, included").fill("");
  await court.press("Show what will be signed");
  await spoken.says(court, "outside-dates", `it holds from ${formatDay(day(-1))} to `);
  await court.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  await court.page.getByLabel("Secret until (UTC)").fill(formatDay(day(-1)));
  await court.press("Show what will be signed");
  await spoken.says(court, "day-over", "This day is over.");
});

test("a wrong account: nobody but whom the provider stated can be chosen, an account that is not there says so", async () => {
  const { opening } = spoken;
  const application = await opening.apply(agency, "1 Gs 2/26");
  await opening.draft(court, application, statement, spoken.about);
  // Somebody else's number in the place of the stated one.
  await court.page.locator("input[name=accounts]").evaluateAll((boxes, other) => {
    for (const box of boxes) (box as HTMLInputElement).value = other;
  }, spoken.account("noor"));
  await court.press("Show what will be signed");
  await court.page.getByRole("alert").waitFor();
  await spoken.says(
    court,
    "wrong-account",
    "An account was named that the provider's statement does not name.",
    "begin again with a statement of that person",
  );
});

test("an order whose account was changed on its way: the agency cannot use it", async () => {
  const { opening } = spoken;
  const application = await opening.apply(agency, "1 Gs 3/26");
  await opening.draft(court, application, statement, spoken.about);
  const order = await opening.sign(court);
  const changed = (JSON.parse(Buffer.from(order).toString()) as { warrant: string }).warrant;
  const document = JSON.parse(changed) as { payload: string };
  const payload = Buffer.from(document.payload, "base64url").toString();
  const other = payload.replaceAll(spoken.account("rook"), spoken.account("noor"));
  expect(other).not.toBe(payload);
  const forged = Buffer.from(order)
    .toString()
    .replace(document.payload, Buffer.from(other).toString("base64url"));
  await agency.go("/orders");
  await agency.upload("The order's file", "order.json", utf8(forged));
  await agency.press("Put it in");
  await agency.page.getByRole("heading", { level: 1 }).waitFor();
  await spoken.says(
    agency,
    "agency-changed-account",
    "This order cannot be used",
    "A signature on the order does not hold.",
    "It is not kept here. Ask whoever signed it for the file again",
  );
});

test("the requester's key swapped: the court is told at once, and what was signed for another key the agency cannot open", async () => {
  const { opening } = spoken;
  // Byte for byte as the agency's program writes it, but for the key.
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const pointOf = (file: string): string =>
    (JSON.parse(file) as { readonly requester: { readonly point: string } }).requester.point;
  const application = text(await opening.apply(agency, "1 Gs 4/26"));
  const other = text(await opening.apply(agency, "1 Gs 5/26"));
  const swapped = application.replace(pointOf(application), pointOf(other));
  await court.go("/new");
  await court.upload("The agency's application", "a.json", utf8(swapped));
  await court.upload("The provider's statement", "s.json", statement);
  await court.press("Begin the draft");
  await court.page.getByText("The application's key is not proven").waitFor();
  await spoken.says(court, "swapped-key", "Ask the agency for a new application.", "request-unproven");

  // A thief's whole application under the agency's name.
  const { url, charter } = opening.deployment;
  const thief = await Agency.create(
    opening.directory("thief"),
    { name: "agency", url, charter: charter.id },
    { workFactor: WORK_FACTOR },
  );
  const { request } = await thief.request(charter.id, {
    reference: "1 Gs 6/26",
    actHash: new Uint8Array(32).fill(6),
  });
  const stolen = formatRequest(request);
  await opening.draft(court, stolen, statement, spoken.about);
  const order = await opening.sign(court);
  await agency.go("/orders");
  await agency.upload("The order's file", "order.json", order);
  await agency.press("Put it in");
  await spoken.says(agency, "agency-not-its-key", "The keys for this order are not here", "request-unknown");
});

test("an extension beyond the longest secrecy: refused, and why is on the court's screen", async () => {
  await court.go("/orders");
  await court.follow("1 Gs 3/26");
  await court.page.locator("summary", { hasText: "Keep it secret for longer" }).click();
  await court.page.getByLabel("Secret until (UTC)").fill(formatDay(day(1 + 181)));
  await court.page.locator("#ground-extend").fill("Inquiries go on.");
  await court.press("Keep it secret for longer …");
  await court.page
    .locator(".problem", {
      hasText: `This order can be secret until ${formatDay(day(1 + 180))} at the latest`,
    })
    .waitFor();
  expect(await court.page.locator("#ground-extend").inputValue()).toBe("Inquiries go on.");
});

test("files that are none: no JSON, too deep, twice the same member, too large, something else: refused in words at every desk", async () => {
  const files = {
    deep: "[".repeat(60_000),
    twice: '{"version":1,"version":2}',
    large: `"${"x".repeat(4.5 * 2 ** 20)}"`,
    picture: "\u0089PNG\r\n",
    proto: '{"__proto__":{"isAdmin":true}}',
  };
  const folder = mkdtempSync(join(tmpdir(), "porchlight-files-"));
  const choose = async (visitor: DeskVisitor, label: string, path: string) =>
    await visitor.page.getByLabel(label, { exact: true }).setInputFiles(path);
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, text);
    const words = name === "large" ? "That is too large" : "Nothing was done|in the agreed form|was refused";
    await court.go("/new");
    await choose(court, "The agency's application", path);
    await court.upload("The provider's statement", "s.json", statement);
    await court.press("Begin the draft");
    await court.page.locator(".reason").waitFor();
    await spoken.says(court, `file-${name}`, new RegExp(words));
    await agency.go("/orders");
    await choose(agency, "The order's file", path);
    await agency.press("Put it in");
    await agency.page.locator(".reason").waitFor();
    expect(await agency.text()).toMatch(new RegExp(words));
  }
  rmSync(folder, { recursive: true });
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(spoken.opening.found).toEqual([]);
  expect(spoken.opening.problems).toEqual([]);
});
