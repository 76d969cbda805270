// A client of its own for the test that moves a gigabyte: makes a file, sends and fetches it, and says how much memory
// it took. For tests only.
import { createHash, randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { nodeSuite } from "../../../packages/attachment/src/node-suite.ts";
import { Attachments, memoryStorage } from "../../../packages/client/src/index.ts";
import { dayOf, unixSeconds } from "../../../packages/encoding/src/index.ts";
import { createConversation, createDevice } from "../../../packages/mls/src/index.ts";
import { nodeMlsSuite } from "../../../packages/mls/src/node-provider.ts";
import { ServerClient } from "../../../packages/wire/src/index.ts";

const [url = "", audience = "", at = "", size = "", folder = ""] = process.argv.slice(2);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const suite = await nodeMlsSuite();
const device = createDevice({ suite, identitySeed: random(32), random });
const server = new ServerClient({ url });
await server.register({
  audience,
  deviceKey: device.deviceKey,
  credential: device.credential,
  sign: (message) => suite.primitives.ed25519Sign(device.deviceSeed, message),
});
const now = unixSeconds(Number(at));
const { id: conversation } = await createConversation({
  device,
  charter: null,
  day: dayOf(now),
  now,
  random,
});
await server.createConversation({ conversation, charter: null, day: dayOf(now) });

const length = Number(size);
const original = await open(`${folder}/original`, "w+");
for (let done = 0; done < length; ) {
  const bytes = random(Math.min(8 * 1024 * 1024, length - done));
  await original.write(bytes, 0, bytes.length, done);
  done += bytes.length;
}
const reading = (handle: typeof original) => async (start: number, wanted: number) => {
  const buffer = new Uint8Array(wanted);
  const { bytesRead } = await handle.read(buffer, 0, wanted, start);
  return buffer.subarray(0, bytesRead);
};
const files = new Attachments({ server, storage: memoryStorage(), random, suite: nodeSuite });
const { id } = await files.begin(conversation, { size: length, type: "video/mp4" });
const began = performance.now();
const reference = await files.upload(id, { size: length, read: reading(original) });
const sent = performance.now();
const copy = await open(`${folder}/copy`, "w+");
await files.download(reference, {
  size: async () => (await copy.stat()).size,
  read: reading(copy),
  write: async (start, bytes) => void (await copy.write(bytes, 0, bytes.length, start)),
});
const fetched = performance.now();
const digests = [];
for (const handle of [original, copy]) {
  const hash = createHash("sha256");
  for (let start = 0; start < length; start += 8 * 1024 * 1024) {
    hash.update(await reading(handle)(start, Math.min(8 * 1024 * 1024, length - start)));
  }
  digests.push(hash.digest("hex"));
}
process.stdout.write(
  JSON.stringify({
    same: digests[0] === digests[1],
    upSeconds: (sent - began) / 1000,
    downSeconds: (fetched - sent) / 1000,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
  }),
);
