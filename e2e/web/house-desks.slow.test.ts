// A house at its desks, with real programs and a browser each: two sign in turn, the works council reads and stops, what was
// decided later and what is to be kept takes both.
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { dayNumber, formatDay, unixSeconds, utf8 } from "../../packages/encoding/src/index.ts";
import { Agency, formatRequest } from "../../packages/parties/src/index.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import type { Opening } from "./opening.ts";
import { DAY, SpokenOpening } from "./spoken-opening.ts";

/** Many pages, each looked at twice. */
vi.setConfig({ testTimeout: 600_000 });
const EVIL = `<img src=x onerror="alert(1)">`;
let spoken: SpokenOpening;
let opening: Opening;
let agency: Agency;
let statement: Uint8Array;
let legal: DeskVisitor;
let management: DeskVisitor;
let council: DeskVisitor;

beforeAll(async () => {
  spoken = await SpokenOpening.open("house-desks", {
    kind: "house",
    said: [
      ["brandt", "Put it in two parts."],
      ["jonas", "Nobody reads this."],
    ],
  });
  ({ opening } = spoken);
  statement = await opening.statement({ [spoken.account("brandt")]: `Brandt ${EVIL}` });
  agency = await Agency.open(opening.directory("agency"));
  legal = await opening.at("court", "Lena Legal", "legal");
  management = await opening.at("court", "Max Manager", "management");
  council = await opening.at("inspector", "Cora Council", "works-council");
}, 600_000);
afterAll(async () => {
  await spoken?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await spoken?.opening.showFailure();
});

/** Lena drafts and signs, Max signs second and hands it in; the order's file. */
async function ordered(reference: string): Promise<Uint8Array> {
  const { request } = await agency.request(opening.deployment.charter.id, {
    reference,
    actHash: new Uint8Array(32),
  });
  await opening.draft(legal, formatRequest(request), statement, {
    days: [DAY],
    conversations: spoken.conversation,
    secretUntil: dayNumber(DAY + 30),
    necessity: `Nothing else ${EVIL}`,
  });
  await legal.press("Show what will be signed");
  await legal.press("Sign it");
  await legal.page.getByText("A second person must sign it.").waitFor();
  const half = await legal.download("Download the order");
  await management.go("/orders");
  await management.upload("The order's file", "order.json", half);
  await management.press("Read it");
  await management.press("Add this desk's signature");
  await management.press("Sign it");
  await management.page.getByText("Signed by both.").waitFor();
  const whole = await management.download("Download the order");
  await management.press("Hand it in");
  await management.press("Hand it in");
  await management.page.getByText("Signed, in the log, and with every keyholder.").waitFor();
  await legal.go("/orders");
  await legal.upload("The order's file", "order.json", whole);
  await legal.press("Read it");
  await legal.page.getByText("in the log").first().waitFor();
  return whole;
}

let first: Uint8Array;

test("CHA-24, GATE-33: the works council sees that an order exists, reads it rule by rule, and stops it with a reason", async () => {
  first = await ordered("hold 1");
  await opening.look(management, "house-order");
  await council.go("/orders");
  await council.page.getByText("1 hold order stands in the public log that nobody gave you.").waitFor();
  await opening.look(council, "inspector-unshown");
  await council.upload("The hold order's file", "order.json", first);
  await council.press("Read it");
  await council.page.getByRole("heading", { name: "hold 1" }).waitFor();
  expect(await council.text()).toContain(EVIL);
  await opening.look(council, "inspector-order");
  await council.press("Let it pass …");
  await council.press("Let it pass");
  await council.page.getByText("Noted: you do not object.").waitFor();
  const second = await ordered("hold 2");
  await council.go("/orders");
  await council.upload("The hold order's file", "order.json", second);
  await council.press("Read it");
  await council.press("Stop it …");
  await council.page.getByText("Say why, in words").waitFor();
  await opening.look(council, "inspector-no-reason");
  await council.page.getByLabel("Why", { exact: true }).fill(`Too wide ${EVIL}`);
  await council.press("Stop it …");
  await opening.look(council, "inspector-confirm");
  // Without the passkey nothing is stopped.
  const { session, authenticator: authenticatorId } = council;
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await council.press("Stop it");
  await council.page.getByText("The passkey did not answer. Nothing was done.").waitFor();
  await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  await council.press("Stop it");
  await council.page.getByText("Your veto is entry").waitFor();
  await opening.look(council, "inspector-vetoed");
  await council.go("/orders");
  await opening.look(council, "inspector-done");
  await opening.reads(management, "/orders", "revoked");
});

test("DIR-2: to keep a hold order secret for longer takes both: one file, two desks, and keyholders count it", async () => {
  await legal.go("/orders");
  await legal.follow("hold 1");
  await legal.page.locator("summary", { hasText: "Keep it secret for longer" }).click();
  await legal.page.getByLabel("Secret until (UTC)").fill(formatDay(dayNumber(DAY + 60)));
  await legal.page.locator("#ground-extend").fill(`A second person is involved ${EVIL}`);
  await legal.press("Keep it secret for longer …");
  await opening.look(legal, "house-extend");
  await legal.press("Sign it");
  await legal.page.getByText("Signed by you.").waitFor();
  await opening.look(legal, "house-half");
  const half = await legal.download("Download what you signed");
  await management.go("/orders");
  await management.follow("hold 1");
  await management.page.locator("summary", { hasText: "A decision that the other of you signed" }).click();
  await management.upload("The file that they signed", "half.json", utf8("{}"));
  await management.press("Read it");
  await management.page.getByText("This file is no signed decision").first().waitFor();
  await management.go("/orders");
  await management.follow("hold 1");
  await management.page.locator("summary", { hasText: "A decision that the other of you signed" }).click();
  await management.upload("The file that they signed", "half.json", half);
  await management.press("Read it");
  await management.page.getByText("It waits for your signature.").waitFor();
  await opening.look(management, "house-cosign");
  await management.press("Add your signature …");
  expect(await management.text()).toContain("A second person is involved <img");
  expect(await management.text()).toContain(formatDay(dayNumber(DAY + 60)));
  await management.press("Extend the secrecy");
  await management.page.getByText(/Extended\. \d of 5 keyholders have counted it/).waitFor();
  await opening.reads(legal, new URL(legal.page.url()).pathname, "Secrecy extended");
  // What is done is not asked for any more.
  expect(await legal.text()).not.toContain("one signature of two");
  await opening.look(legal, "house-extended");
});

test("PRES-2, PRES-6, PRES-13: an order to preserve, its extension and its lift take both, with what is left counted down", async () => {
  await legal.go("/preservations");
  await opening.look(legal, "preservations-empty");
  await legal.follow("New order to preserve");
  await legal.press("Show what will be signed");
  await legal.page.getByText("Write the file reference in one line.").waitFor();
  await opening.look(legal, "preservation-problems");
  await legal.page.getByLabel("File reference").fill("keep 1");
  await legal.upload("The original act (PDF, scan or form)", "act.pdf", utf8("%PDF-1.7 act"));
  await legal.page.getByLabel("Legal basis").selectOption(opening.deployment.charter.legalBases[0] as string);
  await legal.page.getByLabel("Account").fill(spoken.account("brandt"));
  await legal.page.getByLabel("First day (UTC)").fill(formatDay(DAY));
  await legal.page.getByLabel("Kept until the end of (UTC)").fill(formatDay(dayNumber(DAY + 62)));
  await legal.page.getByLabel("Why").fill(`Until it is decided ${EVIL}`);
  await legal.press("Show what will be signed");
  await legal.page.getByText("it can be extended once.").first().waitFor();
  await legal.page.getByLabel("Kept until the end of (UTC)").fill(formatDay(dayNumber(DAY + 61)));
  await legal.press("Show what will be signed");
  await opening.look(legal, "preservation-sign");
  await legal.press("Sign it");
  await legal.page.getByText("The other person must sign it.").waitFor();
  await opening.look(legal, "preservation-half");
  const signedSecond = async (file: Uint8Array): Promise<Uint8Array> => {
    await management.go("/preservations");
    await management.upload("The order's file", "keep.json", file);
    await management.press("Read it");
    await management.press("Add your signature …");
    await management.press("Sign it");
    await management.page.getByText("What is there now is kept until").waitFor();
    return await management.download("Download the order");
  };
  const whole = await signedSecond(await legal.download("Download the order"));
  // The order itself, at each desk: its extension has the same name.
  const pathAt = ({ page }: DeskVisitor): string => new URL(page.url()).pathname;
  const managementsOrder = pathAt(management);
  expect(await management.text()).toContain("60 days");
  await opening.look(management, "preservation-kept");
  await legal.go("/preservations");
  await legal.upload("The order's file", "keep.json", whole);
  await legal.press("Read it");
  await legal.page.getByText("in the log").first().waitFor();
  const legalsOrder = pathAt(legal);
  // Later than the order: lists have the newest first.
  const { deployment } = opening;
  await deployment.tick(unixSeconds(deployment.service.now() + 60));
  await legal.page.locator("summary", { hasText: "Extend it, once" }).click();
  await legal.page.getByLabel("Kept until the end of (UTC)").fill(formatDay(dayNumber(DAY + 91)));
  await legal.page.locator("#ground-extend").fill("It is not decided.");
  await legal.press("Extend it …");
  await legal.press("Sign it");
  await legal.page.getByText("The other person must sign it.").waitFor();
  await signedSecond(await legal.download("Download the order"));
  await management.go("/preservations");
  expect(await management.text()).toContain("kept, extended");
  await opening.look(management, "preservations");

  await management.go(managementsOrder);
  await management.page.locator("summary", { hasText: "Lift it" }).click();
  await management.page.locator("#ground-lift").fill("The matter is closed.");
  await management.press("Lift it …");
  await management.press("Sign it");
  await management.page.getByText("Signed by you.").waitFor();
  const lift = await management.download("Download what you signed");
  await legal.go(legalsOrder);
  await legal.page.locator("summary", { hasText: "A lift that the other of you signed" }).click();
  await legal.upload("The file that they signed", "lift.json", lift);
  await legal.press("Read it");
  await legal.press("Add your signature …");
  await legal.press("Lift it");
  await legal.page.getByText("it holds nothing any more").waitFor();
  await opening.look(legal, "preservation-lifted");
  await opening.reads(management, "/preservations", /lifted[^]*lifted/);
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  expect(opening.problems).toEqual([]);
});
