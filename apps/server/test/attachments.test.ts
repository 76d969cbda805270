import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS, type ServerClient } from "@porchlight/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf, layoutOf } from "../../../packages/attachment/src/index.ts";
import { nodeSuite } from "../../../packages/attachment/src/node-suite.ts";
import {
  type AttachmentSource,
  Attachments,
  type AttachmentTarget,
  memoryStorage,
} from "../../../packages/client/src/index.ts";
import { TestServer } from "./deployment.ts";
import { type Person, roomOf } from "./people.ts";

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server.stop();
});

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

function source(bytes: Uint8Array): AttachmentSource {
  return { size: bytes.length, read: async (start, length) => bytes.slice(start, start + length) };
}

class Target implements AttachmentTarget {
  bytes = new Uint8Array(0);
  writes = 0;
  readonly size = async (): Promise<number> => this.bytes.length;
  readonly read = async (start: number, length: number): Promise<Uint8Array> =>
    this.bytes.slice(start, start + length);
  readonly write = async (start: number, part: Uint8Array): Promise<void> => {
    this.writes++;
    const grown = new Uint8Array(Math.max(this.bytes.length, start + part.length));
    grown.set(this.bytes);
    grown.set(part, start);
    this.bytes = grown;
  };
}

function files(client: ServerClient, storage = memoryStorage()): Attachments {
  return new Attachments({ server: client, storage, random, suite: nodeSuite });
}

async function refusal(run: Promise<unknown>): Promise<string> {
  return await run.then(
    () => "accepted",
    (error: unknown) =>
      (error as { refusal?: string }).refusal ?? (error as { code?: string }).code ?? String(error),
  );
}

async function put(person: Person, bytes: Uint8Array) {
  const attachments = files(person.client);
  const { id } = await attachments.begin(person.conversation, { size: bytes.length, type: "text/plain" });
  return await attachments.upload(id, source(bytes));
}

const fileOf = (id: string): string => join(server.directory, "files", id.slice(0, 2), id);

test("ATT-10, ATT-11: 20 MB up and down, with a killed server and a new client in the middle of both", async () => {
  const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
  const bytes = random(20_000_000);
  const storage = memoryStorage();
  const first = files(alice.client, storage);
  const begun = await first.begin(alice.conversation, {
    size: bytes.length,
    type: "video/mp4",
    name: "a.mp4",
  });
  const dying = { ...source(bytes) };
  const progress: number[] = [];
  let killed = Promise.resolve();
  await expect(
    first.upload(begun.id, dying, {
      onProgress: (done) => {
        progress.push(done);
        if (progress.length === 7) killed = server.kill();
      },
    }),
  ).rejects.toMatchObject({ code: "unreachable" });
  await killed;
  await server.run();
  // The client is a new one too; all that it has is its storage.
  await alice.login();
  const second = files(alice.client, storage);
  expect(await second.pending()).toEqual([begun]);
  const { received } = await alice.client.attachment(begun.id);
  expect(received.length).toBeGreaterThanOrEqual(7);
  expect(received.length).toBeLessThan(layoutOf(bytes.length).parts);
  const reference = await second.upload(begun.id, source(bytes));
  expect(reference).toMatchObject({ size: 20_000_000, type: "video/mp4", name: "a.mp4" });
  // Complete: the same answer again, and nothing else changes.
  expect(await second.upload(begun.id, source(bytes))).toEqual(reference);
  await second.forget(begun.id);
  expect(await second.pending()).toEqual([]);
  expect(statSync(fileOf(begun.id)).size).toBe(layoutOf(bytes.length).sealed);
  expect(readFileSync(fileOf(begun.id)).includes(Buffer.from(bytes.subarray(5000, 5032)))).toBe(false);

  await bob.login();
  const target = new Target();
  const stop = new AbortController();
  await expect(
    files(bob.client).download(reference, target, {
      signal: stop.signal,
      onProgress: (done) => void (done > 9_000_000 && stop.abort()),
    }),
  ).rejects.toMatchObject({ name: "AbortError" });
  const { writes } = target;
  await server.kill();
  await server.run();
  await bob.login();
  await files(bob.client).download(reference, target);
  expect(target.writes).toBeLessThan(writes + layoutOf(bytes.length).parts - 5);
  expect(Buffer.from(target.bytes).equals(bytes)).toBe(true);
});

test("ATT-5: a file that changed in the middle of its upload is not sent under the same key", async () => {
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const bytes = random(3_000_000);
  const attachments = files(alice.client);
  const { id } = await attachments.begin(alice.conversation, { size: bytes.length, type: "text/plain" });
  const stop = new AbortController();
  const stopped = attachments.upload(id, source(bytes), {
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
  const changed = bytes.slice();
  changed[2_999_999] = (changed[2_999_999] as number) ^ 1;
  expect(await refusal(attachments.upload(id, source(changed)))).toBe("source-changed");
  // Between the two readings of one attempt:
  let readings = 0;
  const moving = source(bytes);
  const racing: AttachmentSource = {
    ...moving,
    read: async (start, length) => (++readings > 4 ? source(changed) : moving).read(start, length),
  };
  expect(await refusal(attachments.upload(id, racing))).toBe("source-changed");
  await attachments.cancel(id);
  await attachments.cancel(id);
  expect(existsSync(fileOf(id))).toBe(false);
  expect(await refusal(alice.client.attachment(id))).toBe("forbidden");
});

test("ATT-6: what the server's disk changes, cuts or swaps is refused by name", async () => {
  const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
  const bytes = random(2_500_000);
  // A last byte that is zero could be padding, and a size without it would be true.
  bytes[2_499_999] = 1;
  const one = await put(alice, bytes);
  const two = await put(alice, bytes);
  const fetch = (reference = one) => refusal(files(bob.client).download(reference, new Target()));
  const good = readFileSync(fileOf(one.id));
  expect(await fetch()).toBe("accepted");
  const altered = Buffer.from(good);
  altered[1_500_000] = (altered[1_500_000] as number) ^ 1;
  writeFileSync(fileOf(one.id), altered);
  expect(await fetch()).toBe("part-refused");
  const swapped = Buffer.concat([
    good.subarray(0, 0),
    good.subarray(1_048_576, 2_097_152),
    good.subarray(0, 1_048_576),
    good.subarray(2_097_152),
  ]);
  writeFileSync(fileOf(one.id), swapped);
  expect(await fetch()).toBe("commitment-mismatch");
  writeFileSync(fileOf(one.id), good.subarray(0, 2_000_000));
  expect(await fetch()).toBe("not-found");
  writeFileSync(fileOf(one.id), readFileSync(fileOf(two.id)));
  expect(await fetch()).toBe("commitment-mismatch");
  writeFileSync(fileOf(one.id), good);
  expect(await fetch()).toBe("accepted");
  expect(await fetch({ ...one, digest: two.digest })).toBe("digest-mismatch");
  expect(await fetch({ ...one, size: one.size - 1 })).toBe("padding-malformed");
  expect(await fetch({ ...one, size: 1000 })).toBe("part-length");
});

test("ATT-21: a part that the disk lost before completion is asked for again; another content for it is refused", async () => {
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const { client, conversation } = alice;
  const id = random(32).reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
  const size = 1_500_000;
  const ciphertext = random(size);
  const parts = [ciphertext.subarray(0, 1_048_576), ciphertext.subarray(1_048_576)] as const;
  const digest = digestOf(await Promise.all(parts.map(nodeSuite.sha256)));
  await client.createAttachment(conversation, { id, size });
  expect(await refusal(client.completeAttachment(id, digest))).toBe("attachment-incomplete");
  await client.putAttachmentPart(id, 1, parts[1]);
  await client.putAttachmentPart(id, 0, parts[0]);
  await client.putAttachmentPart(id, 0, parts[0]);
  expect(await refusal(client.putAttachmentPart(id, 0, random(1_048_576)))).toBe("attachment-mismatch");
  expect(await refusal(client.putAttachmentPart(id, 0, parts[1]))).toBe("malformed");
  expect(await refusal(client.putAttachmentPart(id, 2, random(1)))).toBe("malformed");
  const damaged = readFileSync(fileOf(id));
  damaged[3] = (damaged[3] as number) ^ 1;
  writeFileSync(fileOf(id), damaged);
  expect(await refusal(client.completeAttachment(id, digest))).toBe("attachment-incomplete");
  expect((await client.attachment(id)).received).toEqual([1]);
  await client.putAttachmentPart(id, 0, parts[0]);
  expect(await refusal(client.completeAttachment(id, new Uint8Array(32)))).toBe("attachment-mismatch");
  expect((await client.completeAttachment(id, digest)).complete).toBe(true);
  expect((await client.completeAttachment(id, digest)).complete).toBe(true);
  expect(await refusal(client.completeAttachment(id, new Uint8Array(32)))).toBe("attachment-mismatch");
  expect(await refusal(client.cancelAttachment(id))).toBe("exists");
});

test("ATT-23: only the conversation's members of that time fetch, and only the sender sends", async () => {
  const [alice, bob, carol] = (await roomOf(server, 3, null)) as [Person, Person, Person];
  const [stranger] = (await roomOf(server, 1, null)) as [Person];
  await alice.commit({ removes: [carol] });
  const reference = await put(alice, random(5000));
  expect(await refusal(bob.client.attachmentPart(reference.id, 0))).toBe("accepted");
  for (const { client } of [carol, stranger]) {
    expect(await refusal(client.attachmentPart(reference.id, 0))).toBe("forbidden");
    expect(await refusal(client.attachment(reference.id))).toBe("forbidden");
    expect(await refusal(client.createAttachment(alice.conversation, { id: "0a".repeat(32), size: 9 }))).toBe(
      "forbidden",
    );
  }
  await bob.read();
  const { id } = await files(alice.client).begin(alice.conversation, { size: 10, type: "a/b" });
  await alice.client.createAttachment(alice.conversation, { id, size: 5000 });
  // Nobody else reads, fills, completes or cancels one that is under way.
  expect(await refusal(bob.client.attachment(id))).toBe("forbidden");
  expect(await refusal(bob.client.putAttachmentPart(id, 0, random(5000)))).toBe("forbidden");
  expect(await refusal(bob.client.completeAttachment(id, random(32)))).toBe("forbidden");
  expect(await refusal(bob.client.cancelAttachment(id))).toBe("forbidden");
  expect(await refusal(bob.client.createAttachment(alice.conversation, { id, size: 5000 }))).toBe("exists");
  // Removed since, bob was a member when it was sent.
  await alice.commit({ removes: [bob] });
  expect(await refusal(bob.client.attachmentPart(reference.id, 0))).toBe("accepted");
  expect(await refusal(bob.client.attachmentPart("00".repeat(32), 0))).toBe("forbidden");
});

test("ATT-22: a quota by account, and a limit by file", async () => {
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const create = (size: number) =>
    refusal(
      alice.client.createAttachment(alice.conversation, {
        id: Buffer.from(random(32)).toString("hex"),
        size,
      }),
    );
  expect(await create(LIMITS.attachment)).toBe("accepted");
  for (let i = 0; i < 8; i++) expect(await create(LIMITS.attachment)).toBe("accepted");
  expect(await create(LIMITS.attachment)).toBe("quota");
  expect(await create(1000)).toBe("accepted");
  expect(await create(LIMITS.attachment + 1)).toBe("request-malformed");
  // Nothing of it is on the disk before it is sent.
  expect(readdirSync(join(server.directory, "files")).length).toBeLessThan(20);
});
