import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretStore } from "@porchlight/durable";
import { Fields, type Json, unixSeconds } from "@porchlight/encoding";
import { createLogger } from "@porchlight/runtime";
import { formatVkey, makeSigner } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { channelsOf, webhookSecret } from "../src/channels.ts";
import { readConfig } from "../src/config.ts";
import { Notifier, orderHash } from "../src/notifier.ts";
import { until } from "./deployment.ts";
import { TestMailServer } from "./smtp.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-told-"));
const clock = { now: () => unixSeconds(1_500_000_000) };
const lines: string[] = [];
const log = createLogger("keyholder", clock, (line) => lines.push(line));
const posts: { headers: IncomingHttpHeaders; body: string }[] = [];
let refusals = 0;
const hook = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk) => (body += String(chunk)));
  request.on("end", () => {
    if (request.url === "/elsewhere") return response.writeHead(307, { location: "/hook" }).end();
    if (refusals > 0) {
      refusals--;
      return response.writeHead(503).end();
    }
    posts.push({ headers: request.headers, body });
    return response.writeHead(204).end();
  });
});
const mail = new TestMailServer();
let secrets: SecretStore;
let url = "";
let smtp = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(hook.address() as { port: number }).port}`;
  smtp = await mail.listen();
  secrets = await SecretStore.open(join(directory, "secrets"), { passphrase: "a test's", workFactor: 2 });
});
afterAll(() => {
  hook.close();
  mail.close();
  rmSync(directory, { recursive: true });
});

const MAIL = {
  host: "127.0.0.1",
  tls: "none",
  user: null,
  from: "keyholder@example.org",
  to: "person@example.org",
} as const;

async function notifier(webhook: string, name: string, signal = new AbortController().signal) {
  const config = { webhook, mail: { ...MAIL, port: smtp } };
  const channels = await channelsOf(config, { directory, secrets, clock, name: "keyholder-1" });
  return await Notifier.open(join(directory, name), channels, { log, signal });
}

test("KEY-35: each waiting order is told once by webhook and mail, signed, and nothing of it is said", async () => {
  const id = "ab".repeat(32);
  const one = await notifier(`${url}/hook`, "told.json");
  one.waiting([orderHash(id)]);
  one.waiting([orderHash(id)]);
  await until(() => posts.length > 0 && mail.messages.length > 0, "both");
  const [post] = posts;
  const body = post?.body ?? "";
  expect(JSON.parse(body)).toEqual({
    type: "order.waits",
    timestamp: "2017-07-14T02:40:00Z",
    data: { order: orderHash(id) },
  });
  const secret = await webhookSecret(secrets);
  const signed = `${String(post?.headers["webhook-id"])}.1500000000.${body}`;
  const mac = createHmac("sha256", secret).update(signed).digest("base64");
  expect(post?.headers["webhook-signature"]).toBe(`v1,${mac}`);
  const [message] = mail.messages;
  expect(message).toMatchObject({
    from: expect.stringContaining(MAIL.from),
    to: expect.stringContaining(MAIL.to),
  });
  expect(message?.data).toContain("Subject: keyholder-1: an order waits for you");
  for (const said of [body, message?.data ?? "", lines.join("")]) expect(said).not.toContain(id);

  await one.close();
  const again = await notifier(`${url}/hook`, "told.json");
  again.waiting([orderHash(id), orderHash("another")]);
  await until(() => posts.length > 1 && mail.messages.length > 1, "the other");
  expect(posts.map((told) => (JSON.parse(told.body) as { data: { order: string } }).data.order)).toEqual([
    orderHash(id),
    orderHash("another"),
  ]);
  expect(mail.messages).toHaveLength(2);
  await again.close();
});

test("KEY-35: what was not taken is told again, and each channel by itself", async () => {
  const [before, mailed] = [posts.length, mail.messages.length];
  refusals = 1;
  const one = await notifier(`${url}/hook`, "again.json");
  one.waiting([orderHash("third")]);
  await until(() => one.channels.some(({ failures }) => failures === 1), "the failure");
  await until(() => posts.length > before && mail.messages.length > mailed, "both");
  await until(() => one.channels.every(({ failures }) => failures === 0), "the recovery");
  await one.close();
  expect(JSON.parse(readFileSync(join(directory, "again.json"), "utf8"))).toEqual({
    webhook: [orderHash("third")],
    mail: [orderHash("third")],
  });
});

test("KEY-35: a redirected webhook is not followed", async () => {
  const ending = new AbortController();
  const before = posts.length;
  const one = await notifier(`${url}/elsewhere`, "elsewhere.json", ending.signal);
  one.waiting([orderHash("fourth")]);
  await until(
    () => one.channels.some(({ name, failures }) => name === "webhook" && failures > 0),
    "the failure",
  );
  ending.abort();
  await one.close();
  expect(posts).toHaveLength(before);
});

test.each([
  ["http to another machine", { webhook: "http://example.org/hook" }, "https"],
  ["no address", { webhook: "example" }, "https"],
  ["a mail server without a port", { mail: { host: "h", tls: "none", from: "a", to: "b" } }, "missing-field"],
  [
    "mail without TLS to another machine",
    { mail: { host: "mail.example.org", port: 25, tls: "none", from: "a", to: "b" } },
    "on this machine",
  ],
  [
    "a mail password without TLS",
    { mail: { host: "localhost", port: 25, tls: "none", user: "u", from: "a", to: "b" } },
    "without user",
  ],
  ["an unknown word", { sms: "1" }, "unknown-field"],
])("KEY-35: a configuration with %s is refused", (_, notify: Json, message) => {
  const vkey = formatVkey(makeSigner("ed25519", "log.test.example", new Uint8Array(32), nodeSuite).key);
  const config = { name: "k", deployment: "d", port: 0, server: "http://x", log: vkey, notify };
  expect(() => readConfig(new Fields(config as never, "config"))).toThrow(message);
});
