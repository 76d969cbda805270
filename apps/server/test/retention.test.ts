import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "@porchlight/attachment";
import { type Charter, readSignedDocument, verifyDocument } from "@porchlight/charter";
import { fromUtf8, type Json } from "@porchlight/encoding";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publicKeyOf } from "../../../vectors/fixture/deployment.ts";
import { TestServer } from "./deployment.ts";
import { type Person, roomOf } from "./people.ts";

let server: TestServer;
let charter: Charter;

beforeAll(async () => {
  server = await TestServer.start({}, {}, "own");
  charter = await server.charter();
});
afterAll(async () => {
  await server.stop();
});

type Report = {
  number: number;
  previous: string | null;
  deleted: {
    items: number;
    files: number;
    conversationDays: { day: string; messages: number; envelopes: number; attachments: number }[];
  };
  oldestLeft: { message: string | null; attachment: string | null };
};

async function retention(act: "show" | "run" | "rewrite"): Promise<{ reports: Json[]; newest: Report }> {
  const { reports } = (await server.admin("retention", { act })) as { reports: Json[] };
  const keys = new Map([["Provider", publicKeyOf("Provider")]]);
  const { payload } = await verifyDocument("retention", reports[0] as Json, keys);
  return { reports, newest: JSON.parse(fromUtf8(payload)) as Report };
}

/** Whether a file below the directory holds these bytes. */
function holds(directory: string, wanted: Uint8Array): boolean {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).some((entry) => {
    if (!entry.isFile()) return false;
    try {
      return readFileSync(join(entry.parentPath, entry.name)).includes(Buffer.from(wanted));
    } catch (error) {
      // PostgreSQL removes files whenever it likes.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  });
}

async function attach(person: Person): Promise<{ id: string; bytes: Uint8Array }> {
  const [id, bytes] = [randomBytes(32).toString("hex"), new Uint8Array(randomBytes(5000))];
  await person.client.createAttachment(person.conversation, { id, size: bytes.length });
  await person.client.putAttachmentPart(id, 0, bytes);
  await person.client.completeAttachment(id, digestOf([createHash("sha256").update(bytes).digest()]));
  return { id, bytes };
}

test("RET-1 to RET-5: what is over is gone from the database and the disk, what is not stays, and a signed chain says so", async () => {
  const [open] = (await roomOf(server, 1, null)) as [Person];
  const [alice, bob] = (await roomOf(server, 2, charter)) as [Person, Person];
  const envelope = alice.envelope();
  const message = await alice.message("to be forgotten");
  await alice.client.submit(alice.conversation, [envelope, message]);
  await open.send("kept for a year");
  const old = await attach(alice);
  const half = randomBytes(32).toString("hex");
  await alice.client.createAttachment(alice.conversation, { id: half, size: 5000 });
  await alice.client.putAttachmentPart(half, 0, new Uint8Array(5000));
  const fileOf = (id: string): string => join(server.directory, "files", id.slice(0, 2), id);
  const data = join(server.directory, "postgres");
  await retention("run");
  await server.admin("retention", { act: "rewrite" });
  expect(holds(join(data, "base"), message.bytes.subarray(-64))).toBe(true);

  // The last day on which it is kept.
  await server.tick(server.now + charter.retentionDays * 86_400);
  await Promise.all([alice, bob, open].map((person) => person.login()));
  const kept = await retention("run");
  expect(kept.newest.deleted.conversationDays).toEqual([]);
  expect(existsSync(fileOf(half))).toBe(false);
  expect((await bob.client.items(bob.conversation, 0)).items.map(({ kind }) => kind)).toContain("message");

  await server.tick(server.now + 2 * 86_400);
  const gone = await retention("rewrite");
  const [first] = gone.newest.deleted.conversationDays;
  expect(gone.newest.deleted.conversationDays).toHaveLength(1);
  expect(first).toMatchObject({ messages: 1, envelopes: 1, attachments: 1 });
  expect((await bob.client.items(bob.conversation, 0)).items.map(({ kind }) => kind)).toEqual([]);
  await expect(bob.client.attachmentPart(old.id, 0)).rejects.toMatchObject({ refusal: "forbidden" });
  expect((await open.client.items(open.conversation, 0)).items).toHaveLength(1);
  expect(existsSync(fileOf(old.id))).toBe(false);
  for (const bytes of [
    message.bytes.subarray(-64),
    envelope.bytes.subarray(-64),
    old.bytes.subarray(0, 64),
  ]) {
    expect(holds(join(data, "base"), bytes)).toBe(false);
    expect(holds(join(server.directory, "files"), bytes)).toBe(false);
  }
  const names = [alice.account, bob.account, alice.conversation];
  for (const name of names) expect(JSON.stringify(gone.newest)).not.toContain(name);
  expect(gone.newest.oldestLeft).toEqual({ message: "2026-09-01", attachment: null });
  // Each names the one before it.
  const [newest, before] = (await retention("show")).reports;
  const text = (report: unknown): string =>
    Buffer.from((report as { payload: string }).payload, "base64url").toString();
  expect((JSON.parse(text(newest)) as Report).number).toBe((JSON.parse(text(before)) as Report).number + 1);
  expect(gone.newest.previous).toBe(createHash("sha256").update(JSON.stringify(before)).digest("hex"));
  expect(readSignedDocument(newest as Json, "report").signatures).toHaveLength(1);
});

test("RET-3: killed in the middle, the next run goes on, and delivery never waits", async () => {
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const texts = Array.from({ length: 200 }, (_, i) => `old ${i}`);
  for (let i = 0; i < 8; i++) await alice.send(...texts);
  await server.tick(server.now + 367 * 86_400);
  await alice.login();
  const running = server.admin("retention", { act: "run" }).catch(() => "killed");
  await server.kill();
  await running;
  await server.run();
  await alice.login();
  const { newest } = await retention("run");
  await retention("run");
  expect(
    (await alice.client.items(alice.conversation, 0)).items.filter(({ kind }) => kind === "message"),
  ).toEqual([]);
  expect(newest.oldestLeft.message).toBeNull();
});
