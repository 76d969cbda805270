// Web push to an endpoint of this test, which decrypts what it gets as a browser does (RFC 8188, RFC 8291, RFC 8292).
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkEndpoint, isPrivate, publicLookup } from "../src/push/endpoint.ts";
import { vapidKeys } from "../src/push/sender.ts";
import { TestServer } from "./deployment.ts";
import { Person, roomOf } from "./people.ts";
import { StreamPeer } from "./stream-peer.ts";

type Pushed = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

let service: Server;
let server: TestServer;
let origin: string;
const pushed: Pushed[] = [];
let answer = 201;
let wake: () => void = () => {};

beforeAll(async () => {
  service = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      pushed.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(answer).end("x".repeat(100_000));
      wake();
    });
  });
  service.listen(0, "127.0.0.1");
  await once(service, "listening");
  origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  server = await TestServer.start({}, { push: { contact: "mailto:operator@example.org", allow: [origin] } });
});
afterAll(async () => {
  await server.stop();
  service.close();
});

/** What a browser keeps of its subscription. */
class Browser {
  readonly #ecdh = createECDH("prime256v1");
  readonly #auth = randomBytes(16);
  readonly endpoint: string;

  constructor(path: string) {
    this.endpoint = `${origin}${path}`;
    this.#ecdh.generateKeys();
  }

  get subscription(): { endpoint: string; p256dh: Uint8Array; auth: Uint8Array } {
    return { endpoint: this.endpoint, p256dh: this.#ecdh.getPublicKey(), auth: this.#auth };
  }

  decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const server = body.subarray(21, 21 + (body[20] as number));
    const sealed = body.subarray(21 + (body[20] as number));
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#ecdh.getPublicKey(), server]);
    const derive = (key: Uint8Array, with_: Uint8Array, what: Buffer | string, length: number): Buffer =>
      Buffer.from(hkdfSync("sha256", key, with_, what, length));
    const key = derive(this.#ecdh.computeSecret(server), this.#auth, info, 32);
    const cipher = createDecipheriv(
      "aes-128-gcm",
      derive(key, salt, "Content-Encoding: aes128gcm\0", 16),
      derive(key, salt, "Content-Encoding: nonce\0", 12),
    );
    cipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
}

async function arrives(path: string, count = 1): Promise<Pushed[]> {
  for (;;) {
    const found = pushed.filter((one) => one.path === path);
    if (found.length >= count) return found;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

/** All that was under way has been told, as this one has. */
async function nothingElse(): Promise<void> {
  const [sender, sentinel] = (await roomOf(server, 2, null)) as [Person, Person];
  const path = `/sentinel-${pushed.length}-${randomBytes(4).toString("hex")}`;
  await sentinel.client.subscribePush(new Browser(path).subscription);
  await sender.send("the last one");
  await arrives(path);
}

test("PUSH-1: a device without a stream is told, once, encrypted and signed, and nothing of what", async () => {
  const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
  const browsers = [new Browser("/bob"), new Browser("/alice")] as const;
  const key = await bob.client.pushKey();
  await bob.client.subscribePush(browsers[0].subscription);
  await alice.client.subscribePush(browsers[1].subscription);
  await alice.send("a secret that no push service learns");
  const [one] = await arrives("/bob");
  if (one === undefined) throw new Error("nothing");
  expect(browsers[0].decrypt(one.body)).toBe('{"v":1}');
  expect(one.headers).toMatchObject({ "content-encoding": "aes128gcm", ttl: "86400", topic: "new" });
  // VAPID: signed by the key that the browser subscribed for, for this push service.
  const [, token = "", k = ""] = /^vapid t=([^,]+), k=(.+)$/.exec(one.headers.authorization ?? "") ?? [];
  expect(Buffer.from(k, "base64url")).toEqual(Buffer.from(key));
  const [head, claims = "", signature = ""] = token.split(".");
  const point = Buffer.from(key);
  const publicKey = createPublicKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    },
  });
  const signed = verify(
    "sha256",
    Buffer.from(`${head}.${claims}`),
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  expect(signed).toBe(true);
  expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
    aud: origin,
    sub: "mailto:operator@example.org",
  });
  // Not again and again, and not who wrote it.
  await alice.send("another", "and another");
  await nothingElse();
  expect(pushed.filter(({ path }) => path === "/bob").length).toBe(1);
  expect(pushed.some(({ path }) => path === "/alice")).toBe(false);
  // Whatever has happened, it is as long.
  await server.tick(server.now + 61);
  await bob.send("one more");
  const [other] = await arrives("/alice");
  expect(other?.body.length).toBe(one.body.length);
});

test("PUSH-1: who has a stream is not told; when it ends, yes", async () => {
  const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
  const peer = await StreamPeer.of(bob);
  await peer.subscribe(bob.conversation, 0);
  await bob.client.subscribePush(new Browser("/streaming").subscription);
  const second = await StreamPeer.of(bob);
  second.close();
  await second.end();
  await alice.send("by the stream");
  await peer.read(2);
  await nothingElse();
  expect(pushed.some(({ path }) => path === "/streaming")).toBe(false);
  peer.close();
  await peer.end();
  await server.tick(server.now + 61);
  // The server learns of the end when it does.
  while (!pushed.some(({ path }) => path === "/streaming")) {
    await alice.send("by push");
    await nothingElse();
  }
});

test("PUSH-1: a Welcome is told too", async () => {
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const guest = await Person.join(server, null);
  await guest.publish();
  await guest.client.subscribePush(new Browser("/welcome").subscription);
  await alice.commit({ adds: [guest] });
  await arrives("/welcome");
});

test("PUSH-3: an endpoint that the push service does not know any more is forgotten", async () => {
  const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
  await bob.client.subscribePush(new Browser("/gone").subscription);
  answer = 410;
  await alice.send("to nobody");
  await arrives("/gone");
  answer = 201;
  await nothingElse();
  await server.tick(server.now + 61);
  await alice.send("again");
  await nothingElse();
  expect(pushed.filter(({ path }) => path === "/gone").length).toBe(1);
});

test("PUSH-3: a subscription ends with a word, and with the session", async () => {
  const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
  await bob.client.subscribePush(new Browser("/ended").subscription);
  await bob.client.unsubscribePush();
  await alice.send("hello");
  await nothingElse();
  expect(pushed.some(({ path }) => path === "/ended")).toBe(false);
});

test("PUSH-4: no member makes the server speak to its own network", async () => {
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const { p256dh, auth } = new Browser("/").subscription;
  for (const endpoint of [
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://10.0.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/x",
    "https://intranet/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://push.example.org:8443/x",
    "https://user:secret@push.example.org/x",
    "http://push.example.org/x",
    "file:///etc/passwd",
    "nonsense",
  ]) {
    await expect(alice.client.subscribePush({ endpoint, p256dh, auth }), endpoint).rejects.toMatchObject({
      refusal: "malformed",
    });
  }
  expect(checkEndpoint("https://push.example.org/x", []).hostname).toBe("push.example.org");
  expect(
    ["192.168.1.1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "none"].every(isPrivate),
  ).toBe(true);
  expect(["9.9.9.9", "2620:fe::fe"].some(isPrivate)).toBe(false);
  // A name that was public when it was checked, and is not when the connection is made.
  const error = await new Promise((resolve) => publicLookup("localhost", { all: true }, resolve));
  expect(String(error)).toContain("private network");
});

test("PUSH-2: the server's key is that of its sealed seed, and the same again", () => {
  const [one, again, other] = [
    vapidKeys(Buffer.alloc(32, 1)),
    vapidKeys(Buffer.alloc(32, 1)),
    vapidKeys(Buffer.alloc(32, 2)),
  ];
  expect(one).toEqual(again);
  expect(one.publicKey.equals(other.publicKey)).toBe(false);
});
