// The keyholder's desk beside real keyholder processes: what its person sees and can do.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDay, unixSeconds } from "@porchlight/encoding";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestDeployment, type TestOrder, until } from "../../apps/keyholder/test/deployment.ts";
import { openKeyholder } from "../../packages/desk/src/keyholder/desk.ts";
import { RULE_WORDS } from "../../packages/desk/src/rules.ts";
import { type DeskClient, signedIn } from "../../packages/desk/test/desk-client.ts";
import { startBrowser } from "./browser.ts";
import { DeskVisitor } from "./desk-visitor.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-desk-"));
const deployment = new TestDeployment(directory);
const [K1, K2, K3] = ["keyholder-1", "keyholder-2", "keyholder-3"] as const;
const HOSTILE = `<img src=x onerror="alert(1)"> & </dd><script>alert(2)</script>`;
let desk: DeskClient;

beforeAll(async () => {
  await deployment.boot({ config: () => ({ patienceSeconds: 60 }) });
  await deployment.ceremony();
  const opened = await openKeyholder({ directory: deployment.home(K1), url: null, charter: null });
  desk = await signedIn(opened, { directory: deployment.home(K1), label: K1 });
});
afterAll(async () => {
  await desk.desk.close();
  await deployment.close();
  rmSync(directory, { recursive: true });
});

async function waiting(order: TestOrder, names: readonly string[] = [K1]): Promise<TestOrder> {
  await deployment.server.publish();
  for (const name of names) {
    await deployment.submit(name, order);
    await deployment.reaches(name, order, "awaiting-approval");
  }
  return order;
}

async function stateOf(name: string, order: TestOrder): Promise<string> {
  return (await deployment.client(name).order(order.id)).state;
}

/** A page as it is once it says this of others: who does not answer within two seconds is asked again by the next one. */
async function pageThat(path: string, says: RegExp): Promise<string> {
  let text = "";
  await until(async () => {
    ({ text } = await desk.get(path));
    return says.test(text);
  }, `${path} to say ${says}`);
  return text;
}

test("DESK-1: without a session there is no page of orders", async () => {
  const { cookie } = desk;
  desk.cookie = "";
  const answer = await desk.get("/orders");
  desk.cookie = cookie;
  expect(answer.text).not.toContain("Waiting for you");
});

test("KEY-24, GATE-34: an order rule by rule, with its caps; nothing that anyone typed is markup", async () => {
  expect((await desk.get("/orders")).text).toContain("No order waits for your decision.");
  const order = await waiting(
    await deployment.order({
      reference: HOSTILE,
      necessity: HOSTILE,
      proportionality: HOSTILE,
      disclosure: { kind: "secret", until: parseDay("2017-11-15"), ground: HOSTILE },
    }),
  );
  const inbox = (await desk.get("/orders")).text;
  const shown = (await desk.get(`/orders/${order.id}`)).text;
  for (const text of [inbox, shown]) {
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    expect(text).not.toMatch(/<img|<script>/);
  }
  for (const rule of Object.keys(RULE_WORDS)) expect(shown, rule).toContain(`>${rule}</span>`);
  expect(shown).toContain("All 27 rules that can be asked before your decision hold.");
  expect(shown).not.toContain("does not hold");
  expect(shown).toContain("Opens the messages of up to 1 person, in 1 conversation, on 1 day.");
  expect(shown).toContain("Secret until 2017-11-15.");
  expect(shown).toMatch(
    /Warrants in thirty days<\/th><td data-label="Used">1<\/td><td data-label="Allowed">100<\/td>/,
  );
  expect((await desk.get(`/orders/${"0".repeat(64)}`)).text).toContain("This order is not here");
});

test("KEY-24, DESK-5: approved by the passkey alone, for exactly the order that was shown", async () => {
  const [one, other] = [
    await waiting(await deployment.order(), [K1, K2]),
    await waiting(await deployment.order()),
  ];
  const path = `/orders/${one.id}/approve`;
  // A session and its token propose, and do nothing.
  const proposed = desk.asked(await desk.post(path, { commitment: one.commitment }));
  expect(proposed.text).toContain(one.commitment);
  // What the page before showed is what is signed: on what ground, for what, and whether it touches a privileged person.
  for (const term of ["Legal basis", "Why it is necessary", "Privileged communication", "Conversations"]) {
    expect(proposed.text).toContain(term);
  }
  const bare = await desk.post(proposed.path, { csrf: proposed.csrf, assertion: "{}" });
  expect(bare.status).toBe(403);
  // Nor does an assertion over another order's proposal.
  const [first, second] = [
    desk.asked(await desk.post(path, { commitment: one.commitment })),
    desk.asked(await desk.post(`/orders/${other.id}/approve`, { commitment: other.commitment })),
  ];
  const swapped = desk.passkey.answer(second.challenge, desk.desk.origin);
  expect((await desk.confirm(first, swapped)).status).toBe(403);
  const wrong = await desk.post(path, { commitment: other.commitment });
  expect(wrong.text).toContain("This is not the order that was shown: read it again");
  expect([await stateOf(K1, one), await stateOf(K1, other)]).toEqual([
    "awaiting-approval",
    "awaiting-approval",
  ]);

  const done = await desk.act(path, { commitment: one.commitment });
  expect(done.text).toContain("Approved");
  await deployment.reaches(K1, one, "released");
  const shown = (await desk.get(`/orders/${one.id}`)).text;
  expect(shown).toContain("<strong>Approved</strong> by Ada Clerk");
  expect(shown).not.toContain('action="/orders');
  expect((await desk.post(path, { commitment: one.commitment })).text).toContain(
    "does not wait for a decision",
  );
  const [approved] = (await deployment.journal(K1)).filter(({ kind }) => kind === "approved");
  expect(approved).toMatchObject({ order: one.id, approval: { by: "Ada Clerk" } });
});

test("KEY-26: refused with a reason, in the person's name; what others say is visible", async () => {
  const order = await waiting(await deployment.order(), [K1, K2]);
  await deployment.admin(K2, "refuse", { order: order.id, by: "B", reason: `Not ours: ${HOSTILE}` });
  const shown = await pageThat(
    `/orders/${order.id}`,
    /Keyholder 2<\/th><td data-label="State"><span class="badge bad">refused/,
  );
  expect(shown).toContain("Not ours: &lt;img");

  for (const [reason, problem] of [
    ["  ", "Say why, in a sentence."],
    ["x".repeat(1001), "at most 1,000"],
    ["turned \u202e around", "cannot be seen"],
  ] as const) {
    const again = await desk.post(`/orders/${order.id}/refuse`, { reason });
    expect(again.status).toBe(422);
    expect(again.text).toContain(problem);
  }
  const done = await desk.act(`/orders/${order.id}/refuse`, {
    reason: `The act is older than the law.\n${HOSTILE}`,
  });
  expect(done.text).toContain("Refused, for good.");
  const found = await deployment.client(K1).order(order.id);
  expect(found).toMatchObject({ state: "refused", code: "declined" });
  expect(done.text).toContain("by Ada Clerk");
  expect(done.text).not.toMatch(/<img|<script>/);
});

test("KEY-34: everything paused from the desk, and only its passkey lets it go on", async () => {
  const order = await waiting(await deployment.order());
  expect((await desk.post("/state/pause", { reason: "" })).status).toBe(422);
  const done = await desk.act("/state/pause", { reason: `A laptop is gone. ${HOSTILE}` });
  expect(done.text).toContain("A laptop is gone. &lt;img");
  expect((await desk.get(`/orders/${order.id}`)).text).toContain(
    "Everything is paused: nothing can be approved.",
  );
  expect((await desk.post(`/orders/${order.id}/approve`, { commitment: order.commitment })).status).toBe(409);
  const proposed = desk.asked(await desk.post("/state/resume", {}));
  await desk.post(proposed.path, { csrf: proposed.csrf, assertion: "{}" });
  expect(await deployment.admin(K1, "status")).toMatchObject({
    paused: { reasons: [{ by: "Ada Clerk" }] },
  });
  // A second person's reason, within the same second: who read only the first lets nothing go on.
  const read = desk.asked(await desk.post("/state/resume", {}));
  await deployment.admin(K1, "pause", { by: "B. Second", reason: "A share may have been seen." });
  const late = await desk.confirm(read);
  expect([late.status, late.text.includes("paused again meanwhile")]).toEqual([409, true]);
  expect((await desk.get("/state")).text).toContain("A share may have been seen.");
  await desk.act("/state/resume", {});
  expect(await deployment.admin(K1, "status")).toMatchObject({ paused: null });
  await desk.act(`/orders/${order.id}/approve`, { commitment: order.commitment });
  await deployment.reaches(K1, order, "released");
});

test("CER-2, CER-9, CER-20: ceremonies as steps: begun here, who is waited for, no longer waited for, done", async () => {
  const charter = deployment.charter?.id ?? "";
  expect((await desk.get("/keys")).text).toContain("Everybody has a share.");
  expect((await desk.post("/keys/ceremony", { charter, period: "next month" })).status).toBe(422);
  await desk.act("/keys/ceremony", { charter, period: "2017-12" });
  let begun = "";
  await until(async () => {
    begun = (await desk.get("/keys")).text;
    return /Waits for Keyholder [23]/.test(begun);
  }, "its own word in the log");
  expect(begun).toContain("New keys for 2017-12");
  expect(begun).toMatch(/Waits for Keyholder [23]/);
  expect(begun).toContain("Everybody says that it takes part");
  for (const name of [K2, K3]) await deployment.admin(name, "ceremony", { period: "2017-12" });
  await deployment.ceremonyEnd(K1, "2017-12");
  expect((await desk.get("/keys")).text).not.toContain("under way");
  // Somebody else begins to share it anew: it waits for this person, who takes part, and can stop waiting.
  await deployment.admin(K2, "refresh", { period: "2017-12" });
  await until(async () => {
    await deployment.server.publish();
    // With its clock's next beat it looks at the log.
    await deployment.tick(unixSeconds(deployment.now + 2));
    return (await desk.get("/keys")).text.includes("waits for you");
  }, "the other's word in the log");
  await desk.act("/keys/refresh", { charter, period: "2017-12", generation: "2" });
  expect((await desk.get("/keys")).text).toContain("Shares of 2017-12 anew, generation 2");
  await until(
    async () => (await desk.get("/keys")).text.includes("Waits for Keyholder 3."),
    "keyholder 3's turn",
  );
  const asked = await desk.act("/keys/close-round", { charter, period: "2017-12", generation: "2" });
  expect(asked.text).toContain("Asked.");
});

test("KEY-10, KEY-12: a charter is read before it is signed; what is none is refused in words", async () => {
  const upload = (text: string) => {
    const form = "----x";
    return (csrf: string) =>
      `--${form}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n${csrf}\r\n--${form}\r\nContent-Disposition: form-data; name="charter"; filename="c.json"\r\nContent-Type: application/json\r\n\r\n${text}\r\n--${form}--\r\n`;
  };
  const send = async (text: string) =>
    await desk.send("POST", "/charters/read", upload(text)(await desk.token()), {
      "content-type": "multipart/form-data; boundary=----x",
    });
  const read = await desk.follow(await send(deployment.charterText));
  expect(read.text).toContain("You would be keyholder 1.");
  expect(read.text).toContain("Owner 3");
  const id = deployment.charter?.id ?? "";
  const signed = await desk.act(`/charters/${id}/sign`, {});
  expect(signed.text).toContain("&quot;signature&quot;");
  const foreign = await send(deployment.charterText.replace("Owner 2", HOSTILE.replaceAll('"', "'")));
  expect(await desk.follow(foreign)).toMatchObject({ status: 200 });
  expect((await desk.follow(foreign)).text).not.toMatch(/<img|<script>/);
  for (const junk of ["{}", '{"a":1,"a":2}', "[".repeat(5000)]) {
    const refused = await send(junk);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("Nothing was done");
  }
});

test("KEY-24: in Chromium an order is read and approved by a passkey; nothing typed runs, axe and the edges find nothing", async () => {
  const order = await waiting(await deployment.order({ necessity: HOSTILE }));
  const { browser, stop } = await startBrowser();
  try {
    const person = await DeskVisitor.enter(browser, "Ines Holder", desk.desk.link());
    await person.go(`/orders/${order.id}`);
    const found = await person.look("keyholder-chromium");
    expect(await person.text()).toContain(HOSTILE);
    await person.press("Approve …");
    await person.press("Approve");
    await person.page.getByText("Approved. The intent goes").waitFor();
    expect([...found, ...person.watch.problems]).toEqual([]);
  } finally {
    await stop();
  }
  await deployment.reaches(K1, order, "released");
});

test("who is down is seen, delays no page beyond two seconds, and the desk says so of its own keyholder", async () => {
  const order = await waiting(await deployment.order());
  await deployment.supervisor.stop(K3);
  const shown = await pageThat(
    `/orders/${order.id}`,
    /Keyholder 2<\/th><td data-label="State"><span class="badge wait">was not handed the order/,
  );
  expect(shown).toMatch(/Keyholder 3<\/th><td data-label="State"><span class="badge wait">does not answer/);
  const state = await pageThat(
    "/state",
    /\(you\)<\/span><\/th><td data-label="At its door"><span class="badge good">answers/,
  );
  expect(state).toMatch(
    /Keyholder 3<\/th><td data-label="At its door"><span class="badge bad">does not answer/,
  );
  await deployment.supervisor.stop(K1);
  const down = await desk.get("/orders");
  expect(down.status).toBe(503);
  expect(down.text).toContain("program is not running");
});
