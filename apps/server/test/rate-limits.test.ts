import type { IncomingMessage } from "node:http";
import { ServerClient, type StreamItem } from "@porchlight/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Addresses, isLoopback, networkOf } from "../src/addresses.ts";
import { TestServer } from "./deployment.ts";
import { type Person, roomOf } from "./people.ts";
import { StreamPeer } from "./stream-peer.ts";

let server: TestServer;

beforeAll(async () => {
  const limits = {
    addressRequests: 40,
    addressEntries: 12,
    accountRequests: 25,
    accountItems: 8,
    loopback: true,
  };
  server = await TestServer.start({}, { limits, trustedProxies: ["127.0.0.1"] });
});
afterAll(async () => {
  await server.stop();
});

/** A client whose requests come from this address, as a trusted proxy says. */
function from(address: string): ServerClient {
  return new ServerClient({
    url: server.url,
    fetch: async (target, init) =>
      await fetch(target, { ...init, headers: { ...init?.headers, "x-forwarded-for": address } }),
  });
}

async function outcomes(count: number, call: () => Promise<unknown>): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i++) {
    found.push(
      await call().then(
        () => "taken",
        (error: { refusal?: string }) => String(error.refusal),
      ),
    );
  }
  return found;
}

test("DEL-90: too many requests of one address are refused with 429 and how long to wait; another address goes on", async () => {
  const call = async (address: string): Promise<Response> =>
    await fetch(`${server.url}/healthz`, { headers: { "x-forwarded-for": address } });
  const answers = [];
  for (let i = 0; i < 45; i++) answers.push(await call("192.0.2.1"));
  expect(answers.map(({ status }) => status)).toEqual([...Array(40).fill(200), ...Array(5).fill(429)]);
  const last = answers.at(-1) as Response;
  const { code, retryAfter } = (await last.json()) as { code: string; retryAfter: number };
  expect(code).toBe("too-many-requests");
  expect(retryAfter).toBeGreaterThan(0);
  expect(retryAfter).toBeLessThanOrEqual(60);
  expect(last.headers.get("retry-after")).toBe(String(retryAfter));
  expect((await call("192.0.2.2")).status).toBe(200);
  // One network of IPv6 is one household.
  for (let i = 0; i < 40; i++) await call(`2001:db8:0:1::${i}`);
  expect((await call("2001:db8:0:1:ffff::1")).status).toBe(429);
  expect((await call("2001:db8:0:2::1")).status).toBe(200);
});

test("DEL-90: who is not known yet may make the server work less often", async () => {
  const ask = async (): Promise<number> =>
    (
      await fetch(`${server.url}/v1/sessions/challenge`, {
        method: "POST",
        headers: { "x-forwarded-for": "192.0.2.10" },
      })
    ).status;
  const found: number[] = [];
  for (let i = 0; i < 14; i++) found.push(await ask());
  expect(found).toEqual([...Array(12).fill(201), 429, 429]);
});

test("DEL-90: one account's requests and items are limited wherever they come from; others go on", async () => {
  let place = 20;
  const [alice, bob] = (await roomOf(server, 2, null, () => from(`192.0.2.${place++}`))) as [Person, Person];
  expect((await alice.send("1", "2", "3", "4")).length).toBe(4);
  expect((await alice.send("5", "6", "7")).length).toBe(3);
  // The commit that added Bob was the eighth.
  const late = await alice.message("9");
  await expect(alice.client.submit(alice.conversation, [late])).rejects.toMatchObject({
    refusal: "too-many-requests",
    retryable: true,
    retryAfter: expect.any(Number),
  });
  expect((await bob.send("from bob")).length).toBe(1);
  expect(await outcomes(25, () => bob.client.conversations())).toContain("too-many-requests");
  expect(await outcomes(3, () => alice.client.conversations())).toEqual(["taken", "taken", "taken"]);
});

test("DEL-90: the same limits hold on the stream", async () => {
  let place = 30;
  const [alice] = (await roomOf(server, 1, null, () => from(`192.0.2.${place++}`))) as [Person];
  const peer = await StreamPeer.of(alice);
  const items: StreamItem[] = [];
  for (let i = 0; i < 9; i++) items.push((await alice.message(`${i}`)) as StreamItem);
  const { conversation } = alice;
  const ask = async (part: StreamItem[]): Promise<unknown> =>
    await peer.ask({ type: "submit", request: peer.next(), conversation, items: part });
  expect(await ask(items.slice(0, 8))).toMatchObject({ type: "acknowledged" });
  expect(await ask(items.slice(8))).toMatchObject({
    type: "refused",
    refusal: { code: "too-many-requests", retryAfter: expect.any(Number) },
  });
  peer.close();
});

test("X-Forwarded-For is believed from trusted proxies only, from the right", () => {
  const request = (remoteAddress: string, forwarded?: string): IncomingMessage =>
    ({ socket: { remoteAddress }, headers: { "x-forwarded-for": forwarded } }) as unknown as IncomingMessage;
  const addresses = new Addresses(["10.0.0.0/8", "2001:db8::/32"]);
  expect(addresses.of(request("192.0.2.1", "203.0.113.9"))).toBe("192.0.2.1");
  expect(addresses.of(request("::ffff:10.1.1.1", "203.0.113.9"))).toBe("203.0.113.9");
  expect(addresses.of(request("10.1.1.1", "6.6.6.6, 203.0.113.9, 10.2.2.2"))).toBe("203.0.113.9");
  expect(addresses.of(request("10.1.1.1", "nonsense"))).toBe("10.1.1.1");
  expect(addresses.of(request("2001:db8::1", "2001:470::7"))).toBe("2001:470::7");
  expect(addresses.of(request("10.1.1.1"))).toBe("10.1.1.1");
});

test("addresses: networks of IPv6, and the machine itself", () => {
  expect(networkOf("192.0.2.1")).toBe("192.0.2.1");
  expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0");
  expect(networkOf("2001:0DB8:0:0:1:2:3:4")).toBe("2001:db8:0:0");
  expect(networkOf("::1")).toBe("0:0:0:0");
  expect(networkOf("2001:db8:1:2::")).toBe("2001:db8:1:2");
  expect(["127.0.0.1", "127.9.9.9", "::1"].every(isLoopback)).toBe(true);
  expect(["192.0.2.1", "::2", "no address"].some(isLoopback)).toBe(false);
});
