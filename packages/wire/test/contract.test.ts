import { readFileSync } from "node:fs";
import { base64, conversationId, fromHex, hex, utf8 } from "@porchlight/encoding";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  bytes,
  conversationRequest,
  type Fetch,
  itemsAnswer,
  KeyholderClient,
  LIMITS,
  materialRequest,
  materialValue,
  type NewItem,
  parseMaterial,
  refusalBody,
  ServerClient,
  sessionStatement,
  submitRequest,
  WireError,
} from "../src/index.ts";

const CONVERSATION = conversationId("ab".repeat(32));

const MESSAGE: NewItem = { kind: "message", key: "k1234567", epoch: 0, bytes: Uint8Array.of(1) };

type Sent = { url: string; method: string; body: unknown; authorization: string | undefined };

/** A server that answers from a list and keeps what it was sent. */
function scripted(...answers: { status: number; body: unknown }[]): { fetch: Fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = (url, init) => {
    const headers = new Headers(init?.headers);
    const body = init?.body === undefined ? undefined : new TextDecoder().decode(init.body as Uint8Array);
    sent.push({
      url: String(url),
      method: init?.method ?? "GET",
      body: body === undefined ? undefined : JSON.parse(body),
      authorization: headers.get("authorization") ?? undefined,
    });
    const answer = answers.shift();
    if (answer === undefined) return Promise.reject(new TypeError("fetch failed"));
    const text = answer.body === null ? null : JSON.stringify(answer.body);
    return Promise.resolve(new Response(text, { status: answer.status }));
  };
  return { fetch, sent };
}

const SESSION = { token: "t1", account: "cd".repeat(32), expires: 2_000_000_000 };
const CHALLENGE = { nonce: base64(new Uint8Array(32)), audience: "log.test" };

function login(sign: (message: Uint8Array) => Uint8Array = () => new Uint8Array(64)) {
  return {
    audience: "log.test",
    deviceKey: new Uint8Array(32),
    credential: new Uint8Array(97),
    sign,
  };
}

test("DEL-1: bytes have one text; every other base64 of them is refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
      const text = z.encode(bytes(100), value);
      expect(text).toBe(base64(value));
      expect(z.decode(bytes(100), text)).toEqual(value);
    }),
    { numRuns: 50 },
  );
  for (const text of ["YQ", "YR==", "YQ==\n", " YQ==", "YQ===", "_w==", "a"]) {
    expect(bytes(100).safeParse(text).success, text).toBe(false);
  }
  expect(bytes(2).safeParse(base64(new Uint8Array(3))).success).toBe(false);
});

test("DEL-1: a request with a member that the contract does not know is refused", () => {
  const request = { conversation: CONVERSATION, charter: null, day: 15_000 };
  expect(conversationRequest.safeParse(request).success).toBe(true);
  expect(conversationRequest.safeParse({ ...request, admin: true }).success).toBe(false);
});

test("DEL-2: a batch beyond the stated limit is refused before it is sent", async () => {
  const item = { kind: "message", key: "k".repeat(8), epoch: 0, bytes: "" } as const;
  expect(
    submitRequest.safeParse({ items: Array.from({ length: LIMITS.batchItems }, () => item) }).success,
  ).toBe(true);
  const { fetch } = scripted({ status: 200, body: CHALLENGE }, { status: 200, body: SESSION });
  const client = new ServerClient({ url: "http://test", fetch });
  await client.login(login());
  await expect(
    client.submit(
      CONVERSATION,
      Array.from({ length: LIMITS.batchItems + 1 }, () => MESSAGE),
    ),
  ).rejects.toMatchObject({ code: "request-malformed" });
  expect(
    submitRequest.safeParse({ items: Array.from({ length: LIMITS.batchItems + 1 }, () => item) }).success,
  ).toBe(false);
});

test("DEL-3: a refusal keeps code, reason, item and head, and says whether to retry", async () => {
  const { fetch } = scripted(
    { status: 200, body: CHALLENGE },
    { status: 200, body: SESSION },
    {
      status: 409,
      body: { code: "conflict", message: "another commit won", head: { seq: 7, epoch: 3 }, item: 0 },
    },
    { status: 503, body: { code: "unavailable", message: "try again" } },
  );
  const client = new ServerClient({ url: "http://test", fetch });
  await client.login(login());
  const conflict = await client.submit(CONVERSATION, [MESSAGE]).catch((error: unknown) => error);
  expect(conflict).toBeInstanceOf(WireError);
  expect(conflict).toMatchObject({
    refusal: "conflict",
    head: { seq: 7, epoch: 3 },
    item: 0,
    retryable: false,
  });
  await expect(client.conversations()).rejects.toMatchObject({ refusal: "unavailable", retryable: true });
  await expect(client.conversations()).rejects.toMatchObject({ code: "unreachable", retryable: true });
});

test("DEL-11: a device signs for the deployment that it expects, and for no other", async () => {
  const { fetch, sent } = scripted({ status: 200, body: { ...CHALLENGE, audience: "log.elsewhere" } });
  let signed = 0;
  const client = new ServerClient({ url: "http://test", fetch });
  const attempt = client.login(
    login(() => {
      signed++;
      return new Uint8Array(64);
    }),
  );
  await expect(attempt).rejects.toMatchObject({ code: "answer-malformed" });
  expect([signed, sent.length]).toEqual([0, 1]);
  expect(sessionStatement("a", new Uint8Array(32))).not.toEqual(sessionStatement("b", new Uint8Array(32)));
});

test("DEL-12: an expired session is opened again once, and the call repeated", async () => {
  const expired = { status: 401, body: { code: "session-expired", message: "log in again" } };
  const { fetch, sent } = scripted(
    { status: 200, body: CHALLENGE },
    { status: 200, body: SESSION },
    expired,
    { status: 200, body: CHALLENGE },
    { status: 200, body: { ...SESSION, token: "t2" } },
    { status: 200, body: { conversations: [] } },
    expired,
    { status: 200, body: CHALLENGE },
    { status: 200, body: SESSION },
    expired,
  );
  const client = new ServerClient({ url: "http://test", fetch });
  await client.login(login());
  expect(await client.conversations()).toEqual([]);
  expect(sent.at(-1)?.authorization).toBe("Bearer t2");
  await expect(client.conversations()).rejects.toMatchObject({ refusal: "session-expired" });
});

test("an answer of another protocol is named as such", async () => {
  for (const answer of [
    { status: 200, body: { hello: 1 } },
    { status: 500, body: "no" },
    { status: 204, body: null },
  ]) {
    const { fetch } = scripted(answer);
    await expect(new ServerClient({ url: "http://test", fetch }).health()).rejects.toMatchObject({
      code: "answer-malformed",
    });
  }
});

test("what a proxy or a stopping server answers in the server's place is no answer of it, and worth repeating", async () => {
  const stopping = { error: "Service Unavailable", message: "Service Unavailable", statusCode: 503 };
  for (const answer of [
    { status: 502, body: "<html>Bad Gateway</html>" },
    { status: 503, body: stopping },
    { status: 504, body: null },
  ]) {
    const { fetch } = scripted(answer);
    await expect(new ServerClient({ url: "http://test", fetch }).health()).rejects.toMatchObject({
      code: "unreachable",
      status: answer.status,
      retryable: true,
    });
  }
});

test("a keyholder's bundle that is not there yet is a value, not an error", async () => {
  const { fetch } = scripted(
    { status: 409, body: { code: "not-released", message: "not released yet" } },
    { status: 404, body: { code: "order-unknown", message: "unknown" } },
    {
      status: 200,
      body: { orderId: "ab".repeat(32), state: "refused", code: "revoked", reason: "Revoked." },
    },
  );
  const client = new KeyholderClient({ url: "http://test/", fetch });
  expect(await client.bundle("00".repeat(32))).toBeNull();
  await expect(client.bundle("00".repeat(32))).rejects.toMatchObject({ refusal: "order-unknown" });
  expect(await client.submitOrder({ warrant: "{}", opening: new Uint8Array(32), index: 3 as never })).toEqual(
    {
      orderId: "ab".repeat(32),
      state: "refused",
      code: "revoked",
      reason: "Revoked.",
      releases: 0,
    },
  );
});

test("answers with large items decode", () => {
  const item = {
    seq: 1,
    kind: "message",
    epoch: 0,
    submitter: "ab".repeat(32),
    at: 1_400_000_000,
    bytes: base64(new Uint8Array(LIMITS.message)),
  };
  expect(itemsAnswer.parse({ items: [item], head: 1 }).items[0]?.bytes.length).toBe(LIMITS.message);
  expect(refusalBody.safeParse({ code: "made-up", message: "" }).success).toBe(false);
});

test("DEL-11: the statement that a device signs is that of the vectors", () => {
  const path = new URL("../../../vectors/delivery.json", import.meta.url);
  const { sessionStatement: cases } = JSON.parse(readFileSync(path, "utf8")) as {
    sessionStatement: { audience: string; nonce: string; statement: string }[];
  };
  expect(cases.length).toBeGreaterThan(2);
  for (const { audience, nonce, statement } of cases) {
    expect(hex(sessionStatement(audience, fromHex(nonce)))).toBe(statement);
  }
});

test("DEL-53, DEL-73: what is asked of material and what answers it is that of the vectors", () => {
  const path = new URL("../../../vectors/delivery.json", import.meta.url);
  type Cases = { readonly good: readonly unknown[]; readonly bad: readonly unknown[] };
  const { material } = JSON.parse(readFileSync(path, "utf8")) as {
    material: { readonly request: Cases; readonly answer: Cases };
  };
  for (const one of material.request.good)
    expect(z.encode(materialRequest, materialRequest.parse(one))).toEqual(one);
  for (const one of material.request.bad) expect(materialRequest.safeParse(one).success).toBe(false);
  for (const one of material.answer.good) {
    expect(z.encode(materialValue, parseMaterial(utf8(JSON.stringify(one))))).toEqual(one);
  }
  for (const one of material.answer.bad)
    expect(() => parseMaterial(utf8(JSON.stringify(one)))).toThrow(WireError);
});
