// A provider that keeps the log back from one keyholder, and that shows one keyholder another log than everybody else: what
// the person at that desk reads, and that nothing is opened there.
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { KEYHOLDER_NAMES, WITNESS_NAMES } from "../../packages/deployment/src/layout.ts";
import { readPassphrase, SecretFile, SecretStore } from "../../packages/durable/src/index.ts";
import { dayStart, fromHex, fromUtf8, parseJson, unixSeconds } from "../../packages/encoding/src/index.ts";
import {
  cosign,
  formatCheckpoint,
  makeSigner,
  parseSignerKey,
  type Signer,
  signNote,
} from "../../packages/tlog/src/index.ts";
import { nodeSuite } from "../../packages/tlog/src/node-suite.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { LyingLog } from "./lying-log.ts";
import { day, SpokenOpening } from "./spoken-opening.ts";

vi.setConfig({ testTimeout: 600_000 });

/** From one the log is withheld, to the other another one is shown. */
const [BLIND, DECEIVED] = ["keyholder-4", "keyholder-5"] as const;

let spoken: SpokenOpening;
let withholding: LyingLog;
let forking: LyingLog;
let court: DeskVisitor;
let agency: DeskVisitor;
let honest: DeskVisitor;
let blind: DeskVisitor;
let deceived: DeskVisitor;
let statement: Uint8Array;

beforeAll(async () => {
  spoken = await SpokenOpening.open("log-lies");
  const { opening } = spoken;
  const { deployment } = opening;
  statement = await spoken.statement("rook");
  const { vkey } = deployment.charter.log;
  const lies = async (name: string): Promise<LyingLog> => {
    const liar = await LyingLog.before(deployment.url);
    await deployment.supervisor.stop(name);
    const config = { server: liar.url, log: vkey, batches: "prompt", patienceSeconds: 3 };
    await deployment.supervisor.start(await deployment.layout.program(name, "keyholder", config));
    return liar;
  };
  withholding = await lies(BLIND);
  forking = await lies(DECEIVED);
  agency = await opening.at("agency", "Inspector Bo");
  court = await opening.at("court", "Judge Cho");
  honest = await opening.at("keyholder", "Ines", "keyholder-1");
  blind = await opening.at("keyholder", "Lou", BLIND);
  deceived = await opening.at("keyholder", "Mia", DECEIVED);
}, 600_000);
afterAll(async () => {
  withholding?.stop();
  forking?.stop();
  await spoken?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await spoken?.opening.showFailure();
});

test("the provider withholds the log from one keyholder: its person is told so, and nothing can be approved", async () => {
  const { opening } = spoken;
  await opening.ordered({ agency, court }, "4 Gs 1/26", statement, spoken.about);
  await opening.open(blind, "4 Gs 1/26");
  const order = new URL(blind.page.url()).pathname;
  await withholding.withhold();
  // It was revoked meanwhile, which this keyholder is not to see.
  await court.go("/orders");
  await court.follow("4 Gs 1/26");
  await court.page.locator("summary", { hasText: "Revoke it" }).click();
  await court.page.locator("#ground-revoke").fill("The complaint was withdrawn.");
  await court.press("Revoke it …");
  await court.press("Revoke it");
  await court.page.getByText("Revoked.").first().waitFor();
  await opening.deployment.tick(unixSeconds(dayStart(day(1)) + 9 * 3600));
  await opening.reads(blind, "/orders", "was not renewed since");
  await spoken.says(
    blind,
    "withheld",
    "The provider may be keeping newer entries back, a revocation among them",
    "Ask another keyholder what its log says, and compare the time.",
  );
  await opening.reads(blind, order, /GATE-2\s+not yet/);
  await spoken.says(blind, "withheld-order", "was not renewed since");
  await blind.press("Approve …");
  await blind.press("Approve");
  await blind.page.getByText("This cannot be decided at the moment").waitFor();
  await spoken.says(blind, "withheld-busy", "Nothing was approved.", "try again in a minute", "busy");
  // The others see the true log, and the revocation in it.
  await opening.reads(honest, "/orders", /4 Gs 1\/26[^]*revoked/);
  expect(await honest.text()).not.toContain("was not renewed since");
});

test("KEY-22: a split view shown to one keyholder, with every cosigner's key stolen: it decides nothing any more, and says so", async () => {
  const { opening } = spoken;
  const { deployment } = opening;
  const { layout, charter, service, supervisor } = deployment;
  await opening.ordered({ agency, court }, "4 Gs 2/26", statement, spoken.about);
  await opening.open(deceived, "4 Gs 2/26");
  const order = new URL(deceived.page.url()).pathname;
  await service.update();
  const { size } = service.checkpoint;
  await opening.reads(deceived, "/state", `${size} entries`);
  const fork = formatCheckpoint({ origin: charter.log.origin, size, root: new Uint8Array(32).fill(1) });
  const keys = async (party: string) => {
    const passphrase = await readPassphrase(layout.directory(party));
    const store = await SecretStore.open(join(layout.directory(party), "secrets"), { passphrase });
    return parseJson((await store.read("keys")) ?? new Uint8Array()) as Record<string, string>;
  };
  const logKey = fromHex((await keys("server"))["log"] ?? "", 32);
  let note = signNote(fork, [makeSigner("ed25519", charter.log.origin, logKey, nodeSuite)]);
  const at = supervisor.at ?? service.now();
  for (const party of WITNESS_NAMES) {
    const directory = layout.directory(party);
    const file = new SecretFile(join(directory, "witness-key.age"), {
      passphrase: await readPassphrase(directory),
    });
    const signer = parseSignerKey(fromUtf8((await file.read()) ?? new Uint8Array()), nodeSuite);
    note += cosign(fork, signer as Signer<"cosignature">, at);
  }
  for (const party of KEYHOLDER_NAMES) {
    const { name } = await layout.publicIdentity<{ readonly name: string }>(party);
    const seed = fromHex((await keys(party))["cosigner"] ?? "", 32);
    note += cosign(fork, makeSigner("cosignature", name, seed, nodeSuite), at);
  }
  forking.shown = note;
  await deployment.tick(unixSeconds(dayStart(day(1)) + 12 * 3600));
  await opening.reads(deceived, "/orders", "The public log has shown two different histories.");
  await spoken.says(
    deceived,
    "split-view",
    "This keyholder decides nothing until a person has looked into it",
    "Tell the other keyholders today.",
  );
  await deceived.go(order);
  await spoken.says(deceived, "split-view-order", "The public log has shown two different histories.");
  if ((await deceived.page.getByRole("button", { name: "Approve …" }).count()) > 0) {
    await deceived.press("Approve …");
    await deceived.press("Approve");
    await deceived.page.locator("h1").filter({ hasNotText: "Approve this warrant" }).waitFor();
    await spoken.says(deceived, "split-view-approve", "Nothing was approved.");
  }
  await honest.go("/orders");
  expect(await honest.text()).not.toContain("two different histories");
  await opening.open(honest, "4 Gs 2/26");
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(spoken.opening.found).toEqual([]);
  expect(spoken.opening.problems).toEqual([]);
});
