import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BatchEntry, parseEntry, verifyKeys } from "@porchlight/charter";
import {
  type AccountId,
  base64,
  type ConversationId,
  charterId,
  conversationIdOf,
  dayNumber,
  hex,
  type KeyholderIndex,
  keyholderIndex,
  parseDay,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { accessLabel } from "@porchlight/envelope";
import { type Bundle, furtherContext, openBundle, orderIdOf, verifyRefusal } from "@porchlight/gate";
import { combinePartials, requesterWord, verifyLabelKey, verifyPartial } from "@porchlight/quorum";
import { makeSigner } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DORA, otherSide, personOf } from "../../../vectors/fixture/other-side.ts";
import type { OrderEvent } from "../src/order-book.ts";
import { START, TestDeployment, type TestOrder, until } from "./deployment.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-orders-"));
const deployment = new TestDeployment(directory);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const K1 = "keyholder-1";
const PAUSE = "5a".repeat(16);
const K2 = "keyholder-2";
const K3 = "keyholder-3";

beforeAll(async () => {
  // The second one alone comes to the end of its patience (KEY-23).
  await deployment.boot({ config: (name) => ({ patienceSeconds: name === K2 ? 10 : 60 }) });
  await deployment.ceremony();
});
afterAll(async () => {
  await deployment.close();
  rmSync(directory, { recursive: true });
});

async function awaiting(name: string, order: TestOrder): Promise<void> {
  await deployment.witnessed(order);
  await deployment.submit(name, order);
  await deployment.reaches(name, order, "awaiting-approval");
}

async function released(name: string, order: TestOrder): Promise<Uint8Array> {
  await awaiting(name, order);
  await deployment.approve(name, order);
  await deployment.reaches(name, order, "released");
  return (await deployment.client(name).bundle(order.id)) as Uint8Array;
}

async function refusal(name: string, order: TestOrder): Promise<string> {
  await deployment.submit(name, order);
  const found = (await deployment.reaches(name, order, "refused")) as Awaited<
    ReturnType<ReturnType<typeof deployment.client>["order"]>
  >;
  if (found.state !== "refused") throw new Error("not refused");
  const record = await verifyRefusal(found.record ?? null, deployment.charter as never);
  expect(record).toMatchObject({ code: found.code, rule: found.rule, commitment: order.commitment });
  expect(found.reason).toMatch(/^[A-Z].{20,}\.$/);
  return found.code;
}

type Shown = {
  readonly examined: {
    readonly rules: readonly { readonly rule: string; readonly holds: boolean; readonly code?: string }[];
    readonly caps: Readonly<Record<"accounts" | "days" | "orders", { used: number; limit: number }>>;
  };
};

describe("what the person who decides can do", () => {
  test("GATE-34, KEY-24: show answers every rule, and what of the caps is used", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    const shown = (await deployment.admin(K1, "show", { order: order.id })) as unknown as Shown;
    expect(shown.examined.rules.length).toBeGreaterThan(20);
    expect(shown.examined.rules.every(({ holds }) => holds)).toBe(true);
    expect(shown.examined.caps.accounts).toEqual({ used: 1, limit: 3 });
    expect(shown.examined.caps.orders.limit).toBe(100);
    // At the command line too.
    const main = fileURLToPath(new URL("../../cli/src/main.ts", import.meta.url));
    const argv = [main, "keyholder", "show", order.id, "--dir", deployment.home(K1)];
    const { stdout } = await promisify(execFile)(process.execPath, argv);
    expect(stdout).toContain(`all ${shown.examined.rules.length} hold`);
    expect(stdout).toMatch(/people: 1 of 3[^]*The person is told +2017-11-15/);
    const listed = (await deployment.admin(K1, "list")) as unknown as { order: string; open?: object }[];
    expect(listed.find((one) => one.order === order.id)?.open).toMatchObject({
      issuer: "District Court",
      requester: "Agency",
      emergency: false,
      secretUntil: "2017-11-15",
    });
  });

  test("KEY-34: while paused nothing is approved, made or handed out, after a restart too; then all goes on", async () => {
    const [before, approved, waiting] = [
      await deployment.order(),
      await deployment.order(),
      await deployment.order(),
    ];
    await released(K1, before);
    await awaiting(K1, approved);
    await awaiting(K1, waiting);
    await expect(deployment.admin(K1, "pause", { by: "A. Approver", reason: " " })).rejects.toMatchObject({
      code: "reason-missing",
    });
    // Paused between the approval and the use of the share.
    deployment.crashAt(K1, "order-intended");
    await deployment.approve(K1, approved);
    await until(() => deployment.exits.length > 0, "the crash");
    writeFileSync(
      join(deployment.home(K1), "paused.json"),
      JSON.stringify({
        id: PAUSE,
        reasons: [{ by: "A. Approver", at: START, reason: "a share may have been seen" }],
      }),
    );
    await deployment.restartAfterCrash(K1);
    expect(await deployment.admin(K1, "status")).toMatchObject({
      paused: { reasons: [{ by: "A. Approver" }] },
    });
    await expect(deployment.approve(K1, waiting)).rejects.toMatchObject({ code: "paused" });
    await expect(deployment.client(K1).bundle(before.id)).rejects.toMatchObject({ reason: "paused" });
    await deployment.server.publish();
    expect(await deployment.client(K1).order(approved.id)).toMatchObject({ state: "approved" });
    expect((await deployment.journal(K1)).filter(({ kind }) => kind === "sealed")).toHaveLength(1);
    await deployment.admin(K1, "resume", { pause: PAUSE });
    expect(existsSync(join(deployment.home(K1), "paused.json"))).toBe(false);
    await deployment.reaches(K1, approved, "released");
    expect((await deployment.client(K1).bundle(before.id))?.length).toBeGreaterThan(0);
    await deployment.approve(K1, waiting);
    await deployment.reaches(K1, waiting, "released");
  });
});

function batchesOf(index: number): { at: number; batch: BatchEntry }[] {
  return deployment.server.entries.flatMap((bytes, at) => {
    const entry = parseEntry(new Uint8Array(bytes));
    return entry.type === "keyholder-batch" && entry.keyholder === index ? [{ at, batch: entry }] : [];
  });
}

function opened(order: TestOrder, name: string, sealed: Uint8Array): { bundle: Bundle; slot: string } {
  const keyholder = keyholderIndex(Number(name.at(-1)));
  return openBundle(sealed, order.requester.xwing, {
    charter: order.document.charter,
    commitment: order.commitment,
    keyholder,
  });
}

describe("an order from receipt to release", () => {
  test("KEY-25: two keyholders' bundles open with the requester's keys only and combine to the label key; KEY-29: intent, then release, each once in the log", async () => {
    const order = await deployment.order();
    const [one, two] = await Promise.all([released(K1, order), released(K2, order)]);
    const bundles = [opened(order, K1, one), opened(order, K2, two)];
    const keysEntry = deployment.server.entries
      .map((bytes) => parseEntry(new Uint8Array(bytes)))
      .find((entry) => entry.type === "keys");
    if (keysEntry?.type !== "keys") throw new Error("no keys");
    const { access } = await verifyKeys(keysEntry.document, deployment.charter as never);
    const partials = new Map<KeyholderIndex, Uint8Array>();
    const requester = order.document.requester.point;
    const label = accessLabel(bundles[0]?.bundle.partials[0]?.label as never);
    for (const { bundle } of bundles) {
      expect(bundle.partials.length).toBe(1);
      const { partial } = bundle.partials[0] as { partial: Uint8Array };
      const verifyingShare = access.verifyingShares.get(bundle.keyholder) as Uint8Array;
      expect(verifyPartial({ partial, verifyingShare, mpk: access.mpk, label, requester })).toBe(true);
      partials.set(bundle.keyholder, partial);
    }
    const requesterSecret = order.requester.secret;
    const combined = combinePartials({ master: access, label, requester, requesterSecret, partials });
    expect(combined.kind).toBe("combined");
    if (combined.kind !== "combined") return;
    expect(verifyLabelKey({ mpk: access.mpk, label, labelKey: combined.labelKey })).toBe(true);
    expect(() =>
      opened({ ...order, requester: { ...order.requester, xwing: new Uint8Array(32) } }, K1, one),
    ).toThrow();

    const events = (await deployment.journal(K1)).filter(
      (event) => "order" in event && event.order === order.id,
    );
    expect(events.map(({ kind }) => kind)).toEqual([
      "received",
      "admitted",
      "approved",
      "intended",
      "sealed",
      "released",
    ]);
    const intended = events.find((event) => event.kind === "intended");
    if (intended?.kind !== "intended") throw new Error("no intent");
    const holding = (slot: string) => batchesOf(1).filter(({ batch }) => batch.slots.includes(slot));
    const intents = holding(intended.intent.slot);
    const releases = holding(bundles[0]?.slot as string);
    expect([intents.length, releases.length]).toEqual([1, 1]);
    expect(intents[0]?.at).toBeGreaterThan(order.index);
    expect(releases[0]?.at).toBeGreaterThan(intents[0]?.at as number);
  });

  test("KEY-21: the same order again changes nothing; KEY-40: states are told to who has the order id, a bundle before its release to nobody", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    expect(await deployment.submit(K1, order)).toMatchObject({
      orderId: order.id,
      state: "awaiting-approval",
    });
    expect(await deployment.client(K1).bundle(order.id)).toBeNull();
    await expect(deployment.client(K2).order(order.id)).rejects.toMatchObject({ refusal: "order-unknown" });
    await expect(deployment.client(K1).order("00".repeat(32))).rejects.toMatchObject({
      refusal: "order-unknown",
    });
    await expect(deployment.client(K1).bundle("../../secrets")).rejects.toMatchObject({ code: "refused" });
  });

  test("KEY-24: the operator sees the whole order and approves exactly what was shown, once, by name", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    const shown = await deployment.admin(K1, "show", { order: order.id });
    expect(shown).toMatchObject({
      state: "awaiting-approval",
      commitment: order.commitment,
      persons: [{ person: "Jane Doe" }],
      signedBy: ["District Court"],
      opens: { keys: 1, firstDay: "2017-10-02", lastDay: "2017-10-02" },
      warrant: { necessity: "There is no other way." },
    });
    const approve = (members: object) =>
      deployment.admin(K1, "approve", { order: order.id, commitment: order.commitment, by: "A", ...members });
    await expect(approve({ commitment: "00".repeat(32) })).rejects.toMatchObject({
      code: "commitment-differs",
    });
    await expect(approve({ by: "" })).rejects.toMatchObject({ code: "approver-missing" });
    await expect(approve({ order: "00".repeat(32) })).rejects.toMatchObject({ code: "order-unknown" });
    await expect(approve({ haste: true })).rejects.toMatchObject({ code: "unknown-field" });
    const results = await Promise.allSettled([approve({ by: "First" }), approve({ by: "Second" })]);
    expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
    const rejected = results.find((result) => result.status === "rejected") as PromiseRejectedResult;
    expect(rejected.reason).toMatchObject({ code: "order-not-awaiting-approval" });
    await deployment.reaches(K1, order, "released");
    await expect(approve({})).rejects.toMatchObject({ code: "order-not-awaiting-approval" });
    const approvals = (await deployment.journal(K1)).filter(
      (event) => event.kind === "approved" && event.order === order.id,
    );
    expect(approvals.length).toBe(1);
  });

  test("an order over all conversations opens those that it lists, and is out of form without a list", async () => {
    const order = await deployment.order({ conversations: "all" });
    await expect(deployment.submit(K1, order)).rejects.toMatchObject({ refusal: "malformed" });
    const conversations = [1, 2].map((byte) => conversationIdOf(new Uint8Array(32).fill(byte)));
    await deployment.witnessed(order);
    await deployment.submit(K1, order, conversations);
    await deployment.reaches(K1, order, "awaiting-approval");
    await deployment.approve(K1, order);
    await deployment.reaches(K1, order, "released");
    const { bundle } = opened(order, K1, (await deployment.client(K1).bundle(order.id)) as Uint8Array);
    expect(bundle.partials.map(({ label }) => label.conversation)).toEqual(conversations);
  });
});

describe("what is refused", () => {
  test("KEY-27: a stranger's warrant is answered with a signed record of the refusal", async () => {
    const stranger = { seed: new Uint8Array(32).fill(7) };
    expect(await refusal(K1, await deployment.order({}, { court: stranger }))).toBe("signature-invalid");
  });

  test("KEY-21: junk with the same opening neither hides an order nor replaces it", async () => {
    const order = await deployment.order();
    const junk = { ...order, warrant: '{"payload":"","signatures":[]}' };
    expect(await deployment.submit(K1, junk)).toMatchObject({ state: "refused", code: "malformed" });
    await awaiting(K1, order);
    expect(await deployment.submit(K1, junk)).toMatchObject({ state: "refused", code: "malformed" });
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ state: "awaiting-approval" });
  });

  test("KEY-23: an order that is not logged is refused, at once where the log goes beyond its place; once logged, it may come again", async () => {
    const order = await deployment.order({}, { unlogged: true });
    expect(await refusal(K1, { ...order, index: 0 })).toBe("not-logged");
    expect(await refusal(K2, order)).toBe("not-logged");
    await expect(deployment.approve(K1, order)).rejects.toMatchObject({ code: "order-unknown" });
    const elsewhere = await deployment.order();
    expect(await refusal(K1, { ...order, index: elsewhere.index })).toBe("commitment-mismatch");
  });

  test("KEY-21, KEY-23: endless openings of one warrant leave nothing durable", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    const journalled = (await deployment.journal(K1)).length;
    const again = (index: number): TestOrder => {
      const opening = random(32);
      return { ...order, opening, index, id: orderIdOf(opening) };
    };
    for (let i = 0; i < 10; i++) {
      const answer = await deployment.submit(K1, again(order.index));
      expect(answer).toMatchObject({ state: "refused", code: "commitment-mismatch" });
    }
    const waits = again(order.index + 100_000);
    expect(await deployment.submit(K1, waits)).toMatchObject({ state: "checking" });
    await expect(deployment.submit(K1, { ...waits, index: order.index })).rejects.toMatchObject({
      reason: "commitment-differs",
    });
    expect((await deployment.journal(K1)).length).toBe(journalled);
    expect(await deployment.submit(K1, order)).toMatchObject({ state: "awaiting-approval" });
  });

  test("KEY-21: a ninth order with the same warrant on one day is told to come tomorrow; another warrant's is taken", async () => {
    const first = await deployment.order();
    const others = [];
    for (let i = 0; i < 8; i++) others.push(await deployment.signOrder(first.document, first.requester));
    await awaiting(K1, first);
    for (const other of others.slice(0, 7)) {
      expect(other.warrant).toBe(first.warrant);
      await deployment.submit(K1, other);
      // Logged as it is: its requester's key came with the first.
      await deployment.reaches(K1, other, "refused");
    }
    const journalled = (await deployment.journal(K1)).length;
    await expect(deployment.submit(K1, others[7] as TestOrder)).rejects.toMatchObject({ reason: "busy" });
    expect((await deployment.journal(K1)).length).toBe(journalled);
    await awaiting(K1, await deployment.order());
  });

  test("KEY-32: an order takes a hundred additions a day, and says so at the next", async () => {
    const order = await deployment.order({ conversations: "all" });
    const conversation = (byte: number) => conversationIdOf(new Uint8Array(32).fill(byte));
    const add = async (byte: number) =>
      await deployment.add(K1, order, { conversations: [conversation(byte)], otherSides: [] });
    await deployment.witnessed(order);
    await deployment.submit(K1, order, [conversation(200)]);
    await deployment.reaches(K1, order, "awaiting-approval");
    for (let i = 0; i < 100; i++) await add(i);
    // What is known already counts for nothing, before the limit and at it.
    await add(0);
    await expect(add(100)).rejects.toMatchObject({ reason: "busy" });
    await add(99);
  });

  test("an order that comes before its entry is witnessed waits for it", async () => {
    deployment.server.publishing = false;
    const order = await deployment.order();
    expect(await deployment.submit(K1, order)).toMatchObject({ state: "checking" });
    deployment.server.publishing = true;
    await deployment.server.publish();
    await deployment.reaches(K1, order, "awaiting-approval");
  });

  test("revoked between two approvals: who had not released yet refuses", async () => {
    const order = await deployment.order();
    await released(K1, order);
    await awaiting(K2, order);
    deployment.revoke(order);
    await deployment.server.publish();
    expect(await deployment.approve(K2, order)).toEqual({ state: "refused" });
    expect(await deployment.client(K2).order(order.id)).toMatchObject({ code: "revoked", rule: "GATE-10" });
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ state: "released" });
  });

  test("revoked between the approval and the gate: nothing is released", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    // The batch with the intent is held back until the revocation is in the log in front of it.
    let revoked = false;
    deployment.server.beforeEntry = () => {
      if (!revoked) deployment.revoke(order);
      revoked = true;
    };
    expect(await deployment.approve(K1, order)).toEqual({ state: "approved" });
    await deployment.reaches(K1, order, "refused");
    deployment.server.beforeEntry = () => {};
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ code: "revoked" });
    expect(await deployment.client(K1).bundle(order.id)).toBeNull();
  });

  test("KEY-25: revoked while the shares were at work: no bundle is kept", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    const stopped = deployment.whileStoppedAt(K1, "release-unjournalled", () => {
      deployment.server.settling = true;
      deployment.revoke(order);
    });
    await deployment.approve(K1, order);
    await stopped;
    await deployment.reaches(K1, order, "refused");
    deployment.server.settling = false;
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ code: "revoked", releases: 0 });
    const events = (await deployment.journal(K1)).filter(
      (event) => "order" in event && event.order === order.id,
    );
    expect(events.map(({ kind }) => kind)).not.toContain("sealed");
  });

  test("KEY-26: what a person declines is refused for good, with a record", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    await deployment.admin(K1, "refuse", {
      order: order.id,
      by: "A. Approver",
      reason: "The act was not attached.",
    });
    const found = await deployment.client(K1).order(order.id);
    expect(found).toMatchObject({ state: "refused", code: "declined", reason: "The act was not attached." });
    await expect(deployment.approve(K1, order)).rejects.toMatchObject({
      code: "order-not-awaiting-approval",
    });
    expect(await deployment.submit(K1, order)).toMatchObject({ state: "refused", code: "declined" });
  });

  test("a requester's key that came with another order before is refused, also after a restart", async () => {
    const first = await deployment.order();
    await awaiting(K3, first);
    await deployment.supervisor.kill(K3);
    await deployment.start(K3);
    deployment.follow();
    const second = await deployment.signOrder(
      { ...first.document, necessity: "Other words." },
      first.requester,
    );
    await deployment.witnessed(second);
    await deployment.submit(K3, second);
    await deployment.reaches(K3, second, "refused");
    expect(await deployment.client(K3).order(second.id)).toMatchObject({ code: "requester-reused" });
  });
});

describe("the process and its directory", () => {
  test("KEY-1: a second process does not get the directory", async () => {
    const second = { name: "second", entry: deployment.entry, directory: deployment.home(K1) };
    await expect(deployment.supervisor.start(second)).rejects.toMatchObject({
      code: "program-exited",
      message: expect.stringContaining("locked") as string,
    });
  });

  test("KEY-4: no secret is in clear anywhere in the directory, in no form, and no warrant either", async () => {
    const order = await deployment.order();
    await released(K1, order);
    const secrets = await deployment.secrets(K1);
    const names = await secrets.names();
    expect(names.filter((name) => name.startsWith("share.")).length).toBe(2);
    const found: Uint8Array[] = [];
    for (const name of names) {
      const text = Buffer.from((await secrets.read(name)) as Uint8Array).toString();
      for (const value of Object.values(JSON.parse(text) as Record<string, unknown>)) {
        if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value) && value !== deployment.charter?.id) {
          found.push(Buffer.from(value, "hex"));
        }
      }
    }
    expect(found.length).toBe(5);
    const forbidden = found.flatMap((secret) => [
      hex(secret),
      base64(secret).replace(/=+$/, ""),
      Buffer.from(secret).toString("latin1"),
    ]);
    forbidden.push("Jane Doe", "There is no other way", order.document.reference, "AGE-SECRET-KEY");
    for (const [path, contents] of deployment.files(K1)) {
      for (const text of forbidden) expect(contents.includes(text), path).toBe(false);
    }
  });

  test("KEY-10, KEY-12: a charter is signed only as it was shown, and only where it names this keyholder, log and clock", async () => {
    const sign = (charter: string, id: string) => deployment.admin(K1, "sign-charter", { charter, id });
    await expect(sign(deployment.charterText, "00".repeat(32))).rejects.toMatchObject({
      code: "charter-wrong-id",
    });
    const changed = (from: string, to: string) => deployment.charterText.replace(from, to);
    const review = (charter: string) => deployment.admin(K1, "review-charter", { charter });
    await expect(review(changed('"clock":"replay"', '"clock":"system"'))).rejects.toMatchObject({
      code: "charter-wrong-clock",
    });
    const key = deployment.publicOf(K1).key;
    await expect(review(changed(key, base64(new Uint8Array(32).fill(9))))).rejects.toMatchObject({
      code: "charter-not-ours",
    });
    const xwing = deployment.publicOf(K1).xwing;
    await expect(review(changed(xwing, base64(new Uint8Array(1216).fill(9))))).rejects.toMatchObject({
      code: "charter-not-ours",
    });
    await expect(review(`${deployment.charterText} `)).rejects.toMatchObject({ code: "not-canonical" });
    const text = changed('"jurisdiction":"Country 2"', '"jurisdiction":"Country 1"');
    expect(await review(text)).toMatchObject({
      keyholder: 1,
      warnings: ["2 of 3 keyholders share one jurisdiction (Country 1); 2 can open"],
    });
  });

  test("KEY-3: keys that are gone are not replaced by new ones", async () => {
    const home = join(directory, "empty");
    deployment.configure("empty");
    writeFileSync(join(home, "public.json"), JSON.stringify(deployment.publicOf(K1)));
    const start = deployment.supervisor.start({ name: "empty", entry: deployment.entry, directory: home });
    await expect(start).rejects.toMatchObject({
      message: expect.stringContaining("restore secrets/keys.age") as string,
    });
  });

  test("KEY-31: commands that do not exist are refused by name", async () => {
    await expect(deployment.admin(K1, "approve-all")).rejects.toMatchObject({ code: "command-unknown" });
  });
});

describe("with time", () => {
  test("KEY-30: a batch a day from each keyholder, empty or not, of one size", async () => {
    await deployment.tick(unixSeconds(START + 86_400));
    const day = Math.floor((START + 86_400) / 86_400);
    await until(
      () => [1, 2, 3].every((i) => batchesOf(i).some(({ batch }) => batch.day === day)),
      "daily batches",
    );
    for (const i of [1, 2, 3]) expect(batchesOf(i).filter(({ batch }) => batch.day === day).length).toBe(1);
    const sizes = new Set(
      [1, 2, 3].flatMap((i) => batchesOf(i).map(({ at }) => deployment.server.entry(at)?.length)),
    );
    expect(sizes.size).toBe(1);
  });

  test("KEY-30: a keyholder with one batch a day lets intent and release wait for it, but not in an emergency", async () => {
    await deployment.supervisor.stop(K3);
    deployment.configure(K3, { batches: "daily" });
    await deployment.start(K3);
    deployment.follow();
    const patient = await deployment.order();
    const before = batchesOf(3).length;
    await awaiting(K3, patient);
    expect(await deployment.approve(K3, patient)).toEqual({ state: "approved" });
    await deployment.server.publish();
    expect(await deployment.client(K3).order(patient.id)).toMatchObject({ state: "approved" });
    expect(batchesOf(3).length).toBe(before);
    await deployment.tick(unixSeconds(START + 2 * 86_400));
    await deployment.reaches(K3, patient, "intent-logged");
    await deployment.tick(unixSeconds(START + 3 * 86_400));
    await deployment.reaches(K3, patient, "released");
    const { slot } = opened(patient, K3, (await deployment.client(K3).bundle(patient.id)) as Uint8Array);
    const holding = batchesOf(3).filter(({ batch }) => batch.slots.includes(slot));
    expect(holding.map(({ batch }) => batch.day)).toEqual([Math.floor(START / 86_400) + 3]);
    const urgent = await deployment.order({ emergency: true });
    await released(K3, urgent);
    expect(batchesOf(3).length).toBe(before + 4);
  });

  test("notice first: an order waits until its time to contest is over, and goes on by itself", async () => {
    const logged = deployment.now;
    const order = await deployment.order({ disclosure: { kind: "notice-first" } });
    await deployment.submit(K1, order);
    await deployment.server.publish();
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ state: "checking" });
    await deployment.tick(unixSeconds(logged + 14 * 86_400));
    await deployment.server.publish();
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ state: "checking" });
    await deployment.tick(unixSeconds(logged + 15 * 86_400));
    await deployment.reaches(K1, order, "awaiting-approval");
  });

  const noon = (offset: number) => unixSeconds(START + offset * 86_400);
  const dayAt = (offset: number) => dayNumber(Math.floor(START / 86_400) + offset);
  const labelDays = (order: TestOrder, name: string, sealed: Uint8Array | null) =>
    opened(order, name, sealed as Uint8Array).bundle.partials.map(({ label }) => label.day);
  const releases = async (name: string, order: TestOrder, count: number) => {
    await until(
      async () => (await deployment.client(name).order(order.id)).releases >= count,
      `release ${count}`,
    );
    return await deployment.client(name).bundle(order.id, count - 1);
  };

  test("KEY-25, GATE-19: days to come are released one by one, each with an intent of its own, on one approval, through a kill -9, until the order is revoked", async () => {
    await deployment.tick(noon(18));
    const order = await deployment.order({ firstDay: dayAt(17), lastDay: dayAt(21) });
    await awaiting(K1, order);
    await deployment.approve(K1, order);
    expect(labelDays(order, K1, await releases(K1, order, 1))).toEqual([dayAt(17)]);
    expect(await deployment.client(K1).order(order.id)).toEqual({ state: "released", releases: 1 });
    await deployment.tick(noon(19));
    expect(labelDays(order, K1, await releases(K1, order, 2))).toEqual([dayAt(18)]);
    await deployment.supervisor.kill(K1);
    await deployment.tick(noon(20));
    await deployment.start(K1);
    deployment.follow();
    expect(labelDays(order, K1, await releases(K1, order, 3))).toEqual([dayAt(19)]);
    deployment.revoke(order);
    await deployment.server.publish();
    await deployment.tick(noon(21));
    await until(
      async () => (await deployment.client(K1).order(order.id)).state === "refused",
      "the revoked order's end",
    );
    expect(await deployment.client(K1).order(order.id)).toMatchObject({ code: "revoked", releases: 3 });
    expect(await deployment.client(K1).bundle(order.id, 0)).not.toBeNull();
    expect(await deployment.client(K1).bundle(order.id, 3)).toBeNull();
    const events = (await deployment.journal(K1)).filter(
      (event) => "order" in event && event.order === order.id,
    );
    const count = (kind: string) => events.filter((event) => event.kind === kind).length;
    expect([count("approved"), count("intended"), count("sealed"), count("released")]).toEqual([1, 3, 3, 3]);
  });

  test("KEY-30: an emergency that goes on day by day adds batches for its first release only", async () => {
    await deployment.tick(noon(21));
    const on = (offset: number) => batchesOf(3).filter(({ batch }) => batch.day === dayAt(offset)).length;
    const order = await deployment.order({ emergency: true, firstDay: dayAt(20), lastDay: dayAt(22) });
    await awaiting(K3, order);
    await until(() => on(21) === 1, "the day's batch");
    await deployment.approve(K3, order);
    await releases(K3, order, 1);
    expect(on(21)).toBe(3);
    // A day's batch takes along what is ready when the day begins: intent, bundle and release of one day take three.
    const steps = ["intended", "sealed", "released"] as const;
    for (const [i, kind] of steps.entries()) {
      await deployment.tick(noon(22 + i));
      await until(() => on(22 + i) === 1, `batch of day ${22 + i}`);
      const reached = (event: OrderEvent): boolean =>
        event.kind === kind && event.order === order.id && event.release === 1;
      await until(async () => (await deployment.journal(K3)).some(reached), kind);
    }
    expect(labelDays(order, K3, await releases(K3, order, 2))).toEqual([dayAt(21)]);
    expect([22, 23, 24].map(on)).toEqual([1, 1, 1]);
  });

  test("GATE-19: a live order is released once its day has begun", async () => {
    await deployment.tick(noon(24));
    const today = dayAt(24);
    const order = await deployment.order({ firstDay: today, lastDay: today, live: true });
    await awaiting(K1, order);
    await deployment.approve(K1, order);
    expect(labelDays(order, K1, await releases(K1, order, 1))).toEqual([today]);
  });

  test("KEY-32, GATE-14: the other side is released on what it signed itself, not on an informant's word, nor in an epoch without the person", async () => {
    const informant = personOf("Alex").account;
    const statement = await deployment.statement([informant], "Jane Doe");
    const sides = { mode: "both-sides", accounts: [informant], statement } as const;
    const order = await deployment.order(sides, { others: [DORA] });
    await awaiting(K1, order);
    expect(await deployment.admin(K1, "show", { order: order.id })).toMatchObject({
      others: [DORA],
      persons: [{ person: "Jane Doe" }, { person: "John Roe" }],
    });
    await deployment.approve(K1, order);
    await releases(K1, order, 1);
    const { charter, conversations, firstDay } = order.document;
    const place = { charter, conversation: conversations[0] as ConversationId, day: firstDay };
    const side = (name: string, members: AccountId[], label = place) => {
      const made = otherSide(name, label, members);
      return { ...made, members: [...made.members] };
    };
    const further = async (made: ReturnType<typeof side>, secret?: Uint8Array) =>
      await deployment.add(K1, order, { conversations: [], otherSides: [made] }, secret);
    const both = [informant, DORA];
    for (const refused of [
      side("Alex", both),
      side("Dora", [DORA]),
      side("Dora", both, { ...place, day: dayNumber(firstDay + 1) }),
      side("Dora", both, { ...place, conversation: conversationIdOf(new Uint8Array(32)) }),
      { ...side("Dora", both), members: [DORA] },
      side("Erin", [informant, personOf("Erin").account]),
    ]) {
      await expect(further(refused)).rejects.toMatchObject({ refusal: "document-refused" });
    }
    // Whoever has the order's id, and even what was added with the requester's word on something else.
    const journalled = (await deployment.journal(K1)).length;
    const stranger = (await deployment.order()).requester.secret;
    await expect(further(side("Dora", both), stranger)).rejects.toMatchObject({
      reason: "requester-unproven",
    });
    const empty = { conversations: [], otherSides: [] };
    const word = requesterWord(random, order.requester.secret, furtherContext(order.id, empty));
    const conversation = conversationIdOf(new Uint8Array(32).fill(9));
    await expect(
      deployment.client(K1).further(order.id, { conversations: [conversation], otherSides: [], word }),
    ).rejects.toMatchObject({ reason: "requester-unproven" });
    expect((await deployment.journal(K1)).length).toBe(journalled);
    await further(side("Dora", both));
    const { bundle } = opened(order, K1, (await releases(K1, order, 2)) as Uint8Array);
    expect(bundle.partials.map(({ label }) => label.account)).toEqual([DORA]);
    // The same again is nothing new.
    expect(await further(side("Dora", both))).toEqual({ state: "released", releases: 2 });
    const sent = await deployment.order();
    await awaiting(K1, sent);
    await expect(
      deployment.add(K1, sent, { conversations: [], otherSides: [side("Dora", both)] }),
    ).rejects.toMatchObject({ refusal: "document-refused" });
  });

  test("WAR-16, KEY-32: what an order is given beyond its labels is refused at the door, other sides included", async () => {
    const informant = personOf("Alex").account;
    const statement = await deployment.statement([informant], "Jane Doe");
    const firstDay = parseDay("2017-10-01");
    const terms = { firstDay, lastDay: parseDay("2017-10-31"), live: true, conversations: "all" } as const;
    const sides = { mode: "both-sides", accounts: [informant], statement, ...terms } as const;
    const order = await deployment.order(sides, { others: [DORA] });
    const conversation = (number: number) =>
      conversationIdOf(new Uint8Array(32).fill(number >> 8, 0, 1).fill(number & 255, 1));
    const listed = Array.from({ length: 322 }, (_, number) => conversation(number));
    await deployment.witnessed(order);
    await deployment.submit(K1, order, listed);
    await deployment.reaches(K1, order, "awaiting-approval");
    const { charter } = order.document;
    const both = [informant, DORA];
    const otherSides = Array.from({ length: 19 }, (_, number) => {
      const place = { charter, conversation: conversation(number), day: firstDay };
      return { ...otherSide("Dora", place, both), members: both };
    });
    const add = async (count: number) =>
      await deployment.add(K1, order, { conversations: [], otherSides: otherSides.slice(0, count) });
    // 322 conversations of 31 days are 9,982 labels.
    await expect(add(19)).rejects.toMatchObject({ refusal: "malformed", reason: "too-long" });
    await add(18);
    await expect(add(19)).rejects.toMatchObject({ refusal: "malformed", reason: "too-long" });
    expect(await deployment.admin(K1, "show", { order: order.id })).toMatchObject({ others: [DORA] });
    expect(await deployment.admin(K1, "list", {})).toContainEqual(
      expect.objectContaining({ order: order.id, open: expect.anything() as unknown }),
    );
    // Ten thousand labels are no part of what comes next here.
    await deployment.admin(K1, "refuse", { order: order.id, by: "A. Approver", reason: "Too much." });
  });

  test("GATE-31, KEY-33: a suspended order waits, also after a resumption that only the provider vouches for, and goes on with the issuer's", async () => {
    const order = await deployment.order();
    await awaiting(K1, order);
    await deployment.say(order, "suspension");
    await deployment.server.publish();
    await expect(deployment.approve(K1, order)).rejects.toMatchObject({
      code: "busy",
      message: expect.stringContaining("suspended") as string,
    });
    const resumption = await deployment.say(order, "resumption");
    await deployment.server.publish();
    await expect(deployment.approve(K1, order)).rejects.toMatchObject({ code: "busy" });
    const other = await deployment.order();
    await expect(
      deployment
        .client(K1)
        .direct(order.id, { ...resumption, ...(await deployment.say(other, "resumption")) }),
    ).rejects.toMatchObject({ refusal: "document-refused" });
    expect(await deployment.client(K1).direct(order.id, resumption)).toEqual({ state: "counted" });
    await deployment.approve(K1, order);
    await deployment.reaches(K1, order, "released");
  });

  test("DIR-7, DIR-8, KEY-33: an extension counts where it is seen in time, across restarts, and is refused a day before the end and beyond the longest secrecy", async () => {
    await deployment.tick(noon(24));
    const until = (offset: number) => dayNumber(dayAt(24) + offset);
    const secret = (offset: number) => ({
      disclosure: { kind: "secret", until: until(offset), ground: "The suspect would flee." } as const,
    });
    const order = await deployment.order(secret(3));
    await awaiting(K1, order);
    const extension = await deployment.say(order, "extension", until(20));
    await deployment.server.publish();
    expect(await deployment.client(K1).direct(order.id, extension)).toEqual({ state: "counted" });
    expect(await deployment.client(K1).direct(order.id, extension)).toEqual({ state: "counted" });
    const late = await deployment.order(secret(1));
    await awaiting(K1, late);
    const tooLate = await deployment.say(late, "extension", until(20));
    await deployment.server.publish();
    const refused = await deployment.client(K1).direct(late.id, tooLate);
    expect(refused).toMatchObject({ state: "refused", code: "extension-too-late", rule: "DIR-8" });
    const record = await verifyRefusal(refused.record ?? null, deployment.charter as never);
    expect(record).toMatchObject({ commitment: late.commitment, rule: "DIR-8", keyholder: 1 });
    const tooLong = await deployment.say(order, "extension", until(2000));
    await deployment.server.publish();
    expect(await deployment.client(K1).direct(order.id, tooLong)).toMatchObject({
      state: "refused",
      code: "extension-too-long",
      rule: "DIR-7",
    });
    const directed = (await deployment.journal(K1)).filter((event) => event.kind === "directed");
    expect(directed.at(-1)).toMatchObject({ order: order.id, directed: { kind: "extension" } });
    expect(directed.filter((event) => event.order === order.id).length).toBe(1);
    // What is refused stays refused, with the record that was given, through a kill -9.
    await deployment.supervisor.kill(K1);
    await deployment.start(K1);
    deployment.follow();
    await awaiting(K1, order);
    expect(await deployment.client(K1).direct(late.id, tooLate)).toEqual(refused);
    const kept = (await deployment.journal(K1)).filter((event) => event.kind === "direction-refused");
    expect(kept.map((event) => event.direction.refused.code)).toEqual([
      "extension-too-late",
      "extension-too-long",
    ]);
  });

  test("KEY-22: a log that shows two trees is proven to have forked, and nothing is decided after it, restarts included", async () => {
    const forked = { code: "busy", message: expect.stringContaining("has forked") as string };
    const order = await deployment.order();
    await awaiting(K2, order);
    deployment.server.publishing = false;
    await deployment.server.publish();
    const { size } = deployment.server;
    deployment.server.rewrite(size - 2, [
      utf8('{"type":"other"}'),
      utf8('{"type":"history"}'),
      utf8('{"type":"x"}'),
    ]);
    // Every keyholder's cosigning key was stolen, and both witnesses take part.
    const stolen = await Promise.all(
      [K1, K2, K3].map(async (name) => {
        const { cosigner } = await deployment.keysOf(name);
        return makeSigner("cosignature", deployment.publicOf(name).name, cosigner, nodeSuite);
      }),
    );
    deployment.server.show(deployment.server.sign([...deployment.server.witnesses, ...stolen]));
    await expect(deployment.approve(K2, order)).rejects.toMatchObject(forked);
    const fork = join(deployment.home(K2), "charters", charterId(deployment.charter?.id ?? ""), "fork.json");
    expect(existsSync(fork)).toBe(true);
    await deployment.supervisor.kill(K2);
    await deployment.start(K2);
    expect(await deployment.admin(K2, "status")).toMatchObject({ charters: [{ forked: true, log: null }] });
    await expect(deployment.approve(K2, order)).rejects.toMatchObject(forked);
  });
});
