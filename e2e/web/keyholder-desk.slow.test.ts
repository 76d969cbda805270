// A keyholder's person in front of a browser with a virtual passkey, beside a real keyholder.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestDeployment, type TestOrder } from "../../apps/keyholder/test/deployment.ts";
import { openKeyholder } from "../../packages/desk/src/keyholder/desk.ts";
import { type ServedDesk, serveDesk } from "../../packages/desk/src/shell/serve.ts";
import { parseDay } from "../../packages/encoding/src/index.ts";
import { addPasskeyDevice, type Started, startBrowser } from "./browser.ts";
import { DeskVisitor } from "./desk-visitor.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-browser-"));
const deployment = new TestDeployment(directory);
const [K1, K2] = ["keyholder-1", "keyholder-2"] as const;
const EVIL = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
let started: Started;
let desk: ServedDesk;
let person: DeskVisitor;
const found: string[] = [];
let count = 16;

beforeAll(async () => {
  [started] = await Promise.all([startBrowser(), deployment.boot().then(() => deployment.ceremony())]);
  const opened = await openKeyholder({ directory: deployment.home(K1), url: null, charter: null });
  const failure = (event: string, error: unknown) => {
    throw new Error(event, { cause: error });
  };
  desk = await serveDesk(opened, { directory: deployment.home(K1), label: K1, port: 0 }, failure);
  person = await DeskVisitor.enter(started.browser, "Ines Holder", desk.link());
});
afterAll(async () => {
  await person.context.close();
  await desk.close();
  await started.stop();
  await deployment.close();
  rmSync(directory, { recursive: true });
});

async function waiting(names: readonly string[] = [K1]): Promise<TestOrder> {
  const order = await deployment.order({
    reference: `4 Gs ${++count}/26 ${EVIL}`,
    necessity: EVIL,
    disclosure: { kind: "secret", until: parseDay("2017-11-15"), ground: `The suspect would flee. ${EVIL}` },
  });
  await deployment.server.publish();
  for (const name of names) {
    await deployment.submit(name, order);
    await deployment.reaches(name, order, "awaiting-approval");
  }
  return order;
}

async function stateOf(order: TestOrder): Promise<string> {
  return (await deployment.client(K1).order(order.id)).state;
}

test("an order is read, refused with a reason, another approved, everything paused, each by the passkey", async () => {
  await person.go("/orders");
  found.push(...(await person.look("keyholder-empty")));
  const [refused, approved] = [await waiting([K1, K2]), await waiting()];
  await deployment.admin(K2, "refuse", { order: refused.id, by: "B", reason: `No. ${EVIL}` });
  await person.go("/orders");
  found.push(...(await person.look("keyholder-inbox")));
  await person.go(`/orders/${refused.id}`);
  expect(await person.text()).toContain(EVIL);
  expect(await person.page.title()).not.toBe("owned");
  found.push(...(await person.look("keyholder-order")));

  await person.press("Refuse …");
  found.push(...(await person.look("keyholder-no-reason")));
  expect(await person.text()).toContain("Say why, in a sentence.");
  await person.page.getByLabel("Why").fill("The order names a day on which nothing was said.");
  await person.press("Refuse …");
  found.push(...(await person.look("keyholder-confirm")));
  await person.press("Refuse");
  await person.page.getByText("Refused, for good.").waitFor();
  expect(await stateOf(refused)).toBe("refused");
  found.push(...(await person.look("keyholder-refused")));

  await person.go(`/orders/${approved.id}`);
  await person.press("Approve …");
  await person.press("Approve");
  await person.page.getByText("Approved. The intent goes").waitFor();
  await deployment.reaches(K1, approved, "released");

  await person.go("/keys");
  found.push(...(await person.look("keyholder-keys")));
  await person.go("/charters");
  found.push(...(await person.look("keyholder-charters")));
  await person.go("/state");
  await person.page.getByLabel("Why").fill("A laptop is gone.");
  await person.press("Pause everything …");
  await person.press("Pause everything");
  await person.page.getByText("Everything is paused.", { exact: true }).waitFor();
  found.push(...(await person.look("keyholder-paused")));
  expect(await deployment.admin(K1, "status")).toMatchObject({
    paused: { reasons: [{ by: "Ines Holder" }] },
  });
  await person.press("Let it go on …");
  await person.press("Let it go on");
  await person.page.getByText("It goes on.").waitFor();
});

test("a stolen session approves nothing: it has no passkey", async () => {
  const order = await waiting();
  const thief = await started.browser.newContext();
  await thief.addCookies(await person.context.cookies());
  const page = await thief.newPage();
  // Of the thief's own, with nothing of the keyholder's in it.
  await addPasskeyDevice(page);
  await page.goto(`${desk.origin}/orders/${order.id}`);
  await page.getByRole("button", { name: "Approve …" }).click();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("status").filter({ hasText: /./ }).waitFor();
  expect(await stateOf(order)).toBe("awaiting-approval");
  // Nor does the form without an assertion.
  const sent = await page
    .evaluate(async () => {
      const form = document.querySelector<HTMLFormElement>('form[action^="/acts/"]') as HTMLFormElement;
      const body = new URLSearchParams(new FormData(form) as never);
      return (await fetch(form.action, { method: "POST", body })).status;
    })
    .catch(() => 0);
  expect(sent).not.toBe(200);
  expect(await stateOf(order)).toBe("awaiting-approval");
  await thief.close();
});

test("a keyholder's program that is down is said to be, and nothing on any page is hard to read or too wide", async () => {
  await deployment.supervisor.stop(K1);
  await person.go("/orders");
  expect(await person.text()).toContain("The keyholder's program is not running");
  found.push(...(await person.look("keyholder-down")));
  expect(found).toEqual([]);
  expect(person.watch.problems.filter((one) => !one.includes("503"))).toEqual([]);
});
