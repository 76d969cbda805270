// A copy for the defence: the same package, sealed to somebody else, and a record of it that names nobody.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import {
  type Files,
  makePackage,
  openSealedEvidence,
  sealEvidence,
  sha256,
  TIME_STAMP,
  verifyFiles,
} from "@porchlight/evidence";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCase } from "../../evidence/test/case.ts";
import { Agency, copyForDefence, type DefenceRole, defenceCopies, type OrderFile } from "../src/index.ts";
import { PackageShelf } from "../src/package-shelf.ts";

const home = mkdtempSync(join(tmpdir(), "porchlight-copies-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

let agency: Agency;
let order: OrderFile;
let files: Files;
let digest: string;
let identity: string;
let recipient: string;
const NOW = unixSeconds(1_790_000_000);

beforeAll(async () => {
  agency = await Agency.create(join(home, "agency"), { name: "Prosecutor" }, { workFactor: 4 });
  const made = await makeCase();
  order = { warrant: made.warrant, others: null, opening: made.opening, index: 0 };
  ({ files } = await makePackage(made));
  const shelf = new PackageShelf(await agency.evidenceFolder(order));
  await shelf.add(await sealEvidence(files, agency.recipients, NOW));
  digest = sha256(files.get("tagmanifest-sha256.txt") as Uint8Array);
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});

function copy(role: DefenceRole, changes: { readonly now?: UnixSeconds; readonly files?: Files } = {}) {
  const about = { number: 1, digest, role, recipients: [recipient], isPrivilegeCleared: false };
  return copyForDefence(agency, order, { files, now: NOW, ...about, ...changes });
}

const folder = async (): Promise<string> => await agency.evidenceFolder(order);

test("EVI-44: the copy is the whole package, verifies offline, and opens for the defence alone", async () => {
  const { path, number, step } = await copy("counsel");
  expect(number).toBe(1);
  const sealed = new Uint8Array(readFileSync(path));
  const opened = await openSealedEvidence(sealed, [identity]);
  expect(opened).toEqual(files);
  expect(await verifyFiles(opened)).toMatchObject({ kind: "verified", digest });
  await expect(agency.unseal(sealed)).rejects.toThrow(/cannot-decrypt/);
  expect(step.digest).toBe(sha256(sealed));
  // Neither is a package of the order that was collected.
  expect((await agency.packages(order)).map((kept) => kept.number)).toEqual([1]);
});

test("EVI-45: each copy is recorded with its time, its package and for what part in the case, and no name or key", async () => {
  const earlier = await copy("expert", { now: unixSeconds(NOW - 60) });
  expect(earlier.step.at).toBe(NOW);
  const copies = await defenceCopies(agency, order);
  expect(copies.map(({ step }) => step)).toMatchObject([
    { action: "copied", actor: "Prosecutor", subject: `package 1 (${digest}) for counsel of the defence` },
    { action: "copied", subject: `package 1 (${digest}) for an expert of the defence` },
  ]);
  const record = readdirSync(await folder()).filter((name) => name.endsWith(".jsonl"));
  expect(record).toEqual(["copy-1.jsonl", "copy-2.jsonl"]);
  for (const name of record) expect(readFileSync(join(await folder(), name), "utf8")).not.toContain("age1");
});

test("EVI-45: of copies that are made at once each has its place in the record", async () => {
  const before = (await defenceCopies(agency, order)).length;
  const made = await Promise.all([copy("counsel"), copy("person"), copy("expert")]);
  expect(made.map(({ number }) => number - before).sort()).toEqual([1, 2, 3]);
  const copies = await defenceCopies(agency, order);
  for (const { number, path, step } of made) {
    expect(copies[number - 1]?.step).toEqual(step);
    expect(sha256(new Uint8Array(readFileSync(path)))).toBe(step.digest);
  }
});

test("EVI-44: what is not the package that was checked is not copied, nor sealed to what is no key", async () => {
  const altered = new Map([...files, ["tagmanifest-sha256.txt", new Uint8Array(3)]]);
  await expect(copy("counsel", { files: altered })).rejects.toMatchObject({ code: "moved-on" });
  const stamped = new Map([...files, [TIME_STAMP, new Uint8Array(3)]]);
  expect(
    (
      await openSealedEvidence(
        new Uint8Array(readFileSync((await copy("counsel", { files: stamped })).path)),
        [identity],
      )
    ).has(TIME_STAMP),
  ).toBe(true);
  const before = (await defenceCopies(agency, order)).length;
  recipient = "somebody@example.org";
  await expect(copy("counsel")).rejects.toMatchObject({ code: "recipient" });
  recipient = await identityToRecipient(identity);
  expect((await defenceCopies(agency, order)).length).toBe(before);
});

test("EVI-44: of an order that touches privileged communication a copy is made once that was allowed, and the record says so", async () => {
  const made = await makeCase({ warrant: { privileged: true } });
  const own: OrderFile = { warrant: made.warrant, others: null, opening: made.opening, index: 0 };
  const { files: all } = await makePackage(made);
  await new PackageShelf(await agency.evidenceFolder(own)).add(
    await sealEvidence(all, agency.recipients, NOW),
  );
  const wish = {
    number: 1,
    files: all,
    digest: sha256(all.get("tagmanifest-sha256.txt") as Uint8Array),
    role: "counsel" as const,
    recipients: [recipient],
    now: NOW,
  };
  await expect(copyForDefence(agency, own, { ...wish, isPrivilegeCleared: false })).rejects.toMatchObject({
    code: "privilege-open",
  });
  expect(await defenceCopies(agency, own)).toEqual([]);
  const { step } = await copyForDefence(agency, own, { ...wish, isPrivilegeCleared: true });
  expect(step.subject).toContain("for counsel of the defence, privilege cleared");
});

test("EVI-45: a record that was altered is said, and no copy is added to it", async () => {
  const path = join(await folder(), "copy-1.jsonl");
  const kept = readFileSync(path);
  writeFileSync(path, kept.toString().replace("counsel", "nobody "));
  await expect(defenceCopies(agency, order)).rejects.toMatchObject({ code: "custody" });
  await expect(copy("counsel")).rejects.toMatchObject({ code: "custody" });
  writeFileSync(path, kept);
});

test("EVI-45: a line that was taken out is missed, wherever it stood, and no copy that was handed out is overwritten", async () => {
  const at = async (name: string): Promise<string> => join(await folder(), name);
  const before = await defenceCopies(agency, order);
  const last = before.length;
  expect(last).toBeGreaterThan(2);
  const handedOut = before.map(({ path }) => sha256(new Uint8Array(readFileSync(path))));
  for (const gone of [1, 2, last]) {
    const line = await at(`copy-${gone}.jsonl`);
    renameSync(line, join(home, "taken-out"));
    await expect(defenceCopies(agency, order)).rejects.toMatchObject({ code: "custody" });
    await expect(copy("person")).rejects.toMatchObject({ code: "custody" });
    expect(existsSync(line)).toBe(false);
    renameSync(join(home, "taken-out"), line);
  }
  expect(before.map(({ path }) => sha256(new Uint8Array(readFileSync(path))))).toEqual(handedOut);
  // Of a line whose copy never came to be, the record goes on.
  rmSync(await at(`copy-${last}.age`));
  expect((await copy("person")).number).toBe(last + 1);
});
