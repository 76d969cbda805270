import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@porchlight/attachment";
import {
  type Charter,
  formatEntry,
  formatPreservation,
  formatPreservationLift,
  formatSignedDocument,
  type PreservationDocument,
  preservationCommitment,
  signDocument,
  verifyDocument,
} from "@porchlight/charter";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  formatDay,
  fromHex,
  fromUtf8,
  type Json,
  parseJson,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { Service } from "@porchlight/parties";
import { openFrom } from "@porchlight/quorum";
import { MATERIAL_INFO, parseMaterial } from "@porchlight/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  COURT,
  charterDocument,
  charterOf,
  publicKeyOf,
  seedOf,
  signedCharter,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import { signedWarrant, statementOf, warrantDocument } from "../../../vectors/fixture/order.ts";
import { DAY, TestServer } from "./deployment.ts";
import { Person, roomOf } from "./people.ts";

const CHANGES = { retentionDays: 30, caps: { ...charterDocument("court").caps, warrantsPer30Days: 4 } };
const home = mkdtempSync(join(tmpdir(), "preservation-"));
let server: TestServer;
let charter: Charter;
let service: Service;
let people: Person[];

beforeAll(async () => {
  server = await TestServer.start();
  charter = await charterOf("court", CHANGES);
  const document = await signedCharter(charterDocument("court", CHANGES));
  const index = await server.client().appendEntry(formatEntry({ type: "charter", document }));
  await server.client().waitForCheckpoint(index + 1, { wait: 60 });
  people = await roomOf(server, 2, charter);
  service = await Service.open({ url: server.url, directory: home, charter: charter.id });
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

type Order = { readonly text: string; readonly opening: Uint8Array; readonly bytes: Uint8Array };

/** What this person wrote in its conversation on the first day, kept for sixty days. */
async function order(person: Person, changes: Partial<PreservationDocument> = {}): Promise<Order> {
  const today = dayOf(server.now);
  const document: PreservationDocument = {
    charter: charter.id,
    reference: "4 Gs 12/26",
    actHash: new Uint8Array(32),
    legalBasis: charter.legalBases[0] as string,
    issuer: COURT,
    issued: server.now,
    account: person.account,
    conversations: [person.conversation],
    firstDay: DAY,
    lastDay: DAY,
    until: dayNumber(today + 60),
    extends: null,
    ground: "Until a warrant is decided.",
    ...changes,
  };
  const signed = await signDocument("preservation", formatPreservation(document), [signerOf(COURT)]);
  const bytes = formatSignedDocument(signed);
  return { text: fromUtf8(bytes), opening: new Uint8Array(randomBytes(32)), bytes };
}

async function hand({ text, opening }: Order, proof?: string) {
  const request = { preservation: text, opening, ...(proof === undefined ? {} : { proof }) };
  return await server.client().preserve(request);
}

/** The proof of an entry under a fresh checkpoint. */
async function proofOf(index: number): Promise<string> {
  await server.client().waitForCheckpoint(index + 1, { since: server.now, wait: 60 });
  await service.update();
  return await service.proof(index);
}

/** Where the server has this person's file. */
function fileOf({ account }: Person): string {
  const id = files.get(account) as string;
  return join(id.slice(0, 2), id);
}

/** What a warrant over both people and the first day reads of each. */
async function materialOf(by: readonly Person[]) {
  const accounts = by.map(({ account, noticeCard: notice }) => ({ account, person: "A person", notice }));
  const document = await warrantDocument(charter, {
    statement: await statementOf(charter, [], { accounts }),
    accounts: accounts.map(({ account }) => account),
    conversations: "all",
    firstDay: DAY,
    lastDay: DAY,
    issued: server.now,
    expires: (server.now + 20 * 86_400) as typeof server.now,
  });
  const opening = new Uint8Array(randomBytes(32));
  const warrant = fromUtf8(await signedWarrant(charter, document));
  const { orderId } = await server.client().submitOrder({ warrant, opening });
  const labels = [];
  for (const { account, conversation } of by) {
    const asked = { labels: [{ conversation, account, day: DAY }] };
    const sealed = await server.client().material(orderId, asked);
    const seed = seedOf(`xwing ${document.requester.name}`);
    labels.push(...parseMaterial(openFrom(seed, sealed, utf8(MATERIAL_INFO), fromHex(orderId, 32))).labels);
  }
  const file = async (account: string) =>
    await server.client().orderAttachment(orderId, files.get(account) as string, 0);
  return { labels, file };
}

/** By account, and their SHA-256 by id. */
const files = new Map<string, string>();
const digests = new Map<string, Buffer>();

async function attach(person: Person): Promise<void> {
  const [id, bytes] = [randomBytes(32).toString("hex"), new Uint8Array(randomBytes(500))];
  await put(person, id, bytes);
  files.set(person.account, id);
  digests.set(id, createHash("sha256").update(bytes).digest());
}

async function put(person: Person, id: string, bytes: Uint8Array): Promise<void> {
  await person.client.createAttachment(person.conversation, { id, size: bytes.length });
  await person.client.putAttachmentPart(id, 0, bytes);
  await person.client.completeAttachment(id, digestOf([createHash("sha256").update(bytes).digest()]));
}

type Report = {
  day: string;
  deleted: { files: number };
  held: { entry: number; until: string; messages: number; envelopes: number; attachments: number }[];
};

/** Runs on a later day; what is left of each person in the conversation, for those who are in it. */
async function onDay(day: DayNumber): Promise<{ report: Report; left: string[][] }> {
  await server.tick(dayStart(day) + 3600);
  for (const person of people) await person.login();
  const { reports } = (await server.admin("retention", { act: "run" })) as { reports: Json[] };
  const keys = new Map([["Provider", publicKeyOf("Provider")]]);
  const signed = await Promise.all(reports.map((one) => verifyDocument("retention", one, keys)));
  // The day's own run may have come before the one that was asked for.
  const ofToday = signed
    .map(({ payload }) => parseJson(payload, "report") as unknown as Report)
    .filter((one) => one.day === formatDay(day));
  const deleted = { files: ofToday.reduce((sum, one) => sum + one.deleted.files, 0) };
  const [reader] = people as [Person];
  const { items } = await reader.client.items(reader.conversation, 0);
  const left = people.map(({ account }) =>
    items.filter(({ submitter, kind }) => submitter === account && kind !== "commit").map(({ kind }) => kind),
  );
  return { report: { ...(ofToday[0] as Report), deleted }, left };
}

test("PRES-8, PRES-9: what is refused holds nothing", async () => {
  const [alice] = people as [Person];
  const stranger = await Person.join(server, charter, server.client(), undefined, "no notice key");
  const refusing = async (changes: Partial<PreservationDocument>, reason: string) =>
    await expect(hand(await order(alice, changes))).rejects.toMatchObject({
      refusal: "preservation-refused",
      reason,
    });
  await refusing({ account: stranger.account }, "account-unknown");
  await refusing({ conversations: [charter.id as never] }, "out-of-scope");
  await refusing({ until: dayNumber(DAY + 61) }, "preservation-too-long");
  await refusing({ legalBasis: "none" }, "preservation-inconsistent");
  await refusing({ lastDay: dayNumber(DAY + 1) }, "preservation-inconsistent");
  await refusing({ extends: "00".repeat(32) as never }, "extends-unknown");
  await refusing({ issued: (server.now + 3600) as never }, "not-yet-valid");
  await refusing({ issuer: "Provider" }, "signer-missing");
  const past = dayNumber(DAY - 1);
  const over = { issued: dayStart(past), firstDay: past, lastDay: past, until: past };
  await refusing(over, "expired");
  await expect(hand(await order(alice, { charter: "00".repeat(32) as never }))).rejects.toMatchObject({
    refusal: "unknown-charter",
  });
  await expect(hand(await order(alice), "no proof")).rejects.toMatchObject({ reason: "not-logged" });
});

test("PRES-8 to PRES-11, RET-7: exactly what a proven order names outlives its retention, until it ends", async () => {
  const [alice, bob] = people as [Person, Person];
  for (const person of people) {
    await person.client.submit(person.conversation, [person.envelope(), await person.message("old")]);
    await attach(person);
  }
  const forBob = await order(bob, { reference: "4 Gs 13/26" });
  await hand(forBob);
  const forAlice = await order(alice);
  const logged = await hand(forAlice);
  const { index } = logged;
  const [entry] = await server.entries(index, index + 1);
  expect(fromUtf8(entry as Uint8Array)).toMatch(
    new RegExp(
      `^{"type":"preservation","charter":"${charter.id}","day":${DAY},` +
        `"commitment":"${preservationCommitment(forAlice.opening, forAlice.bytes)}","until":"2026-10","intake":"[^"]+"}$`,
    ),
  );
  expect(await hand(forAlice)).toEqual(logged);

  // Another entry's proof, one that its witnesses did not sign, an old one.
  await expect(hand(forAlice, await proofOf(0))).rejects.toMatchObject({ reason: "inclusion-invalid" });
  const old = await proofOf(index);
  const unsigned = old.slice(0, old.indexOf("— witness"));
  await expect(hand(forAlice, unsigned)).rejects.toMatchObject({ reason: "policy-unsatisfied" });
  await server.tick(server.now + 700);
  await expect(hand(forAlice, old)).rejects.toMatchObject({ reason: "checkpoint-stale" });

  const held = { state: "held", index, until: DAY + 60 };
  expect(await hand(forAlice, await proofOf(index))).toEqual(held);
  expect(await hand(forAlice, "again, whatever it says")).toEqual(held);
  await expect(hand(await order(alice))).rejects.toMatchObject({ reason: "preserved-already" });
  await server.tick(server.now + 1);
  await alice.send("after the order came");

  // The disk with the files is away while the run puts them apart, and comes back.
  const kept = join(server.directory, "files", fileOf(alice));
  renameSync(kept, join(home, "away"));
  // Bob's was logged, and never proven.
  const first = await onDay(dayNumber(DAY + 32));
  // No member sees whose messages are held: not in the conversation, not by a file, not by what an account may still keep.
  expect(first.left).toEqual([[], []]);
  for (const { client, account } of people) {
    const id = files.get(account) as string;
    await expect(client.attachment(id)).rejects.toMatchObject({ refusal: "forbidden" });
    await expect(client.attachmentPart(id, 0)).rejects.toMatchObject({ refusal: "forbidden" });
  }
  const until = "2026-10-31";
  expect(first.report.held).toEqual([{ entry: index, until, messages: 1, envelopes: 1, attachments: 1 }]);
  expect(first.report.deleted.files).toBe(1);

  renameSync(join(home, "away"), kept);
  const longAgo = new Date(Date.now() - 2 * 86_400_000);
  utimesSync(kept, longAgo, longAgo);
  await server.admin("retention", { act: "run" });
  expect(existsSync(kept)).toBe(false);

  // A warrant reads it.
  await server.keys(charter, periodOf(dayOf(server.now)));
  const readable = await materialOf([alice, bob]);
  expect(readable.labels.map((one) => [one?.envelopes.length, one?.messages.length])).toEqual([
    [1, 1],
    [0, 0],
  ]);
  const name = files.get(alice.account) as string;
  const ciphertext = await readable.file(alice.account);
  expect(createHash("sha256").update(ciphertext).digest()).toEqual(digests.get(name));
  await expect(readable.file(bob.account)).rejects.toMatchObject({ refusal: "not-found" });

  // A killed server holds the same.
  await server.kill();
  await server.run();
  // A file of the same name as the one that is held takes nothing from it.
  await alice.login();
  const id = files.get(alice.account) as string;
  await put(alice, id, new Uint8Array(500));
  const second = await onDay(dayNumber(DAY + 60));
  expect(second.left).toEqual([[], []]);
  const heldFiles = join(server.directory, "files", "held");
  const again = readFileSync(join(heldFiles, readdirSync(heldFiles).join()));
  expect(createHash("sha256").update(again).digest()).toEqual(digests.get(id));

  const commitment = preservationCommitment(forAlice.opening, forAlice.bytes);
  const longer = await order(alice, { extends: commitment, until: dayNumber(DAY + 90) });
  await expect(
    hand(await order(alice, { extends: commitment, until: dayNumber(DAY + 91) })),
  ).rejects.toMatchObject({ reason: "preservation-too-long" });
  const extension = await hand(longer);
  await hand(longer, await proofOf(extension.index));
  expect(periodOf(dayNumber(DAY + 90))).toBe("2026-11");
  const third = await onDay(dayNumber(DAY + 90));
  expect(third.left).toEqual([[], []]);
  expect(third.report.held).toMatchObject([
    { entry: extension.index, messages: 1, envelopes: 1, attachments: 1 },
  ]);
  const last = await onDay(dayNumber(DAY + 91));
  expect(last.left).toEqual([[], []]);
  expect(last.report).toMatchObject({ held: [], deleted: { files: 1 } });
  expect(server.logText).not.toContain("failed");
});

test("PRES-14: what its issuer lifted holds nothing, and the next run deletes it", async () => {
  people = await roomOf(server, 2, charter);
  const [alice] = people as [Person];
  const day = dayOf(server.now);
  await alice.client.submit(alice.conversation, [
    alice.envelope(),
    await alice.message("until it is lifted"),
  ]);
  const about = { firstDay: day, lastDay: day, reference: "6 Gs 1/26" };
  const kept = await order(alice, about);
  const { index } = await hand(kept);
  await hand(kept, await proofOf(index));
  const commitment = preservationCommitment(kept.opening, kept.bytes);
  const lift = async (changes: object = {}, signer: string = COURT) => {
    const said = { charter: charter.id, preservation: commitment, issuer: COURT, issued: server.now };
    const payload = formatPreservationLift({ ...said, ground: "The case is closed.", ...changes });
    const document = await signDocument("preservation-lift", payload, [signerOf(signer)]);
    return await server.client().liftPreservation(document);
  };
  const refusing = async (changes: object, reason: string, signer?: string) =>
    await expect(lift(changes, signer)).rejects.toMatchObject({ refusal: "preservation-refused", reason });
  await refusing({ preservation: "00".repeat(32) }, "not-logged");
  await refusing({ issued: server.now + 3600 }, "not-yet-valid");
  await refusing({}, "signer-unknown", "Provider");
  const before = await onDay(dayNumber(day + 32));
  expect(before.left).toEqual([[], []]);
  expect(before.report.held).toMatchObject([{ entry: index, messages: 1, envelopes: 1 }]);

  const lifted = await lift({ issued: server.now });
  expect(await lift({ issued: server.now })).toBe(lifted);
  const [entry] = await server.entries(lifted, lifted + 1);
  expect(fromUtf8(entry as Uint8Array)).toContain(`"type":"preservation-lift","charter":"${charter.id}"`);
  await expect(hand(kept, await proofOf(index))).rejects.toMatchObject({ reason: "lifted" });
  const longer = await order(alice, { ...about, extends: commitment, until: dayNumber(day + 70) });
  await expect(hand(longer)).rejects.toMatchObject({ reason: "lifted" });
  const after = await onDay(dayNumber(day + 33));
  expect(after.left).toEqual([[], []]);
  expect(after.report.held).toEqual([]);
});

test("PRES-9: no more of them within thirty days than the charter allows", async () => {
  const [alice] = people as [Person];
  const today = dayOf(server.now);
  const days = { firstDay: today, lastDay: today };
  // The extension of thirty-one days ago counts no more.
  for (let i = 0; i < 4; i++) await hand(await order(alice, { ...days, reference: `5 Gs ${i}/26` }));
  await expect(hand(await order(alice, { ...days, reference: "5 Gs 9/26" }))).rejects.toMatchObject({
    reason: "cap-rate",
  });
});
