// Every route and the stream, fed what their own schemas allow and what they do not. The slow suite does much more of it.
import { join } from "node:path";
import { base64, hex } from "@porchlight/encoding";
import { CLOSE, encodeClientFrame, REFUSAL_CODES, refusalBody } from "@porchlight/wire";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { command } from "../../../fuzz/doors.ts";
import { TestServer } from "./deployment.ts";
import { type Person, roomOf } from "./people.ts";
import { StreamPeer, tokenOf } from "./stream-peer.ts";

type Schema = {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maximum?: number;
};
type Operation = {
  readonly security?: unknown;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
};
type Call = { readonly method: string; readonly path: string; readonly operation: Operation };

const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
const RUNS = SLOW ? 20_000 : 250;

let server: TestServer;
let people: [Person, Person];
let stranger: Person;
let calls: Call[];
/** Ids that exist, to be found where ids are asked for. */
let ids: string[];
const tokens: Record<string, string | null> = {};

beforeAll(async () => {
  server = await TestServer.start(
    {},
    { limits: { accountRequests: 0, accountItems: 0 }, streams: { perAccount: 10_000 } },
  );
  people = (await roomOf(server, 2, null)) as [Person, Person];
  [stranger] = (await roomOf(server, 1, null)) as [Person];
  Object.assign(tokens, { none: null, member: await tokenOf(people[0]), stranger: await tokenOf(stranger) });
  ids = [people[0].conversation, people[0].account, people[1].account, stranger.account, "ab".repeat(32)];
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(async () => {
  await server.stop();
});

const anything = fc.oneof(
  fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text) as unknown),
  fc.string({ unit: "grapheme" }),
  fc.double(),
  fc.constantFrom(null, -1, 2 ** 53, 1e308, "", "\u0000", "../..", "__proto__", [], {}),
);

function arbitrary(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return fc.oneof(...options.map((one) => arbitrary(one, depth + 1)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "object": {
      const members = Object.entries(schema.properties ?? {});
      const model = Object.fromEntries(
        members.map(([name, one]) => [
          name,
          fc.oneof({ weight: 12, arbitrary: arbitrary(one, depth + 1) }, { weight: 1, arbitrary: anything }),
        ]),
      );
      return fc.record(model, { requiredKeys: members.slice(0, 20).map(([name]) => name) });
    }
    case "array":
      return fc.array(arbitrary(schema.items ?? {}, depth + 1), { maxLength: 3 });
    case "integer":
    case "number":
      return fc.oneof(
        fc.integer({ min: 0, max: Math.min(schema.maximum ?? 100, 2 ** 31 - 1) }),
        fc.maxSafeNat(),
      );
    case "boolean":
      return fc.boolean();
    case "string": {
      const bytes = fc.uint8Array({ maxLength: 200 });
      const exact = (length: number): fc.Arbitrary<Uint8Array> =>
        fc.uint8Array({ minLength: length, maxLength: length });
      if (schema.pattern === "^[0-9a-f]{64}$") return fc.oneof(fc.constantFrom(...ids), exact(32).map(hex));
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
      // Base64 of what a length allows, and of the lengths that keys and signatures have.
      const length = Math.floor(((schema.maxLength ?? 0) * 3) / 4);
      return fc.oneof(
        fc.string(),
        bytes.map(base64),
        ...[32, 64, length].filter((one) => one > 0 && one <= 4096).map((one) => exact(one).map(base64)),
      );
    }
    default:
      return depth > 4 ? fc.constant(null) : anything;
  }
}

const request = (call: Call): fc.Arbitrary<{ path: string; body: string | Uint8Array | null }> => {
  const { path, operation } = call;
  const parameters = (operation.parameters ?? []).map((one) => ({
    ...one,
    value: fc.oneof({ weight: 8, arbitrary: arbitrary(one.schema) }, { weight: 1, arbitrary: anything }),
  }));
  const body = operation.requestBody?.content;
  const json = body?.["application/json"]?.schema;
  const values = fc.tuple(...parameters.map(({ value }) => value));
  const bodies: fc.Arbitrary<string | Uint8Array | null> =
    json !== undefined
      ? fc.oneof(
          { weight: 9, arbitrary: arbitrary(json).map((value) => JSON.stringify(value) ?? "") },
          { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
        )
      : body !== undefined
        ? fc.uint8Array({ maxLength: 2000 })
        : fc.constant(null);
  return fc.tuple(values, bodies).map(([given, made]) => {
    let address = path;
    const query = new URLSearchParams();
    given.forEach((value, place) => {
      const parameter = parameters[place];
      const text = String(value).toWellFormed();
      if (parameter?.in === "path")
        address = address.replace(`{${parameter.name}}`, encodeURIComponent(text));
      // Nobody waits in this test.
      else if (parameter !== undefined && !/wait|timeout/.test(parameter.name))
        query.set(parameter.name, text);
    });
    return { path: query.size === 0 ? address : `${address}?${query}`, body: made };
  });
};

async function ask(
  { method, path: pattern }: Call,
  path: string,
  body: string | Uint8Array | null,
  token: string | null,
): Promise<{ status: number; code: string | null }> {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === null ? {} : { "content-type": "application/json" }),
    },
    ...(method === "POST" ? { body: (body ?? "") as string } : {}),
    redirect: "manual",
  });
  const bytes = await response.text();
  if (response.status < 300) return { status: response.status, code: null };
  const { code, message } = refusalBody.parse(JSON.parse(bytes));
  expect(REFUSAL_CODES, pattern).toContain(code);
  // Nothing that was sent comes back.
  if (typeof body === "string" && body.length > 40) expect(message).not.toContain(body.slice(1, 40));
  return { status: response.status, code };
}

test("DEL-3: the served OpenAPI has every route, and schemas that are complete", async () => {
  expect(calls.length).toBeGreaterThan(50);
  for (const { path, operation } of calls) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const given = (operation.parameters ?? []).filter((one) => one.in === "path").map(({ name }) => name);
    expect(given.sort(), path).toEqual(named.sort());
    expect(Object.keys(operation.responses).length, path).toBeGreaterThan(0);
  }
  // Whether each address is there at all: what is not would be "not-found" without a session too.
  for (const call of calls.filter(({ operation }) => operation.security !== undefined)) {
    const { code } = await ask(call, call.path.replace(/\{\w+\}/g, "0"), "{}", null);
    expect(code, call.path).toBe("unauthenticated");
  }
});

test("DEL-3: an address that cannot be decoded, or is too long, is refused by a code and not repeated", async () => {
  const call = calls.find(({ path }) => /^\/v1\/[a-z]+\/\{\w+\}/.test(path)) as Call;
  for (const part of ["%", "a".repeat(9000)]) {
    expect(await ask(call, call.path.replace(/\{\w+\}/g, part), null, null)).toEqual({
      status: 400,
      code: "malformed",
    });
  }
});

test(`DEL-3: whatever is sent to whichever route, with a session, another's and none, is answered and never 500`, async () => {
  // Sessions, accounts and devices are needed until the end.
  const ENDS = /sessions\/end|account\/delete|devices\/revoke/;
  const usable = calls.filter(({ path }) => !ENDS.test(path) && path !== "/v1/stream");
  const each = usable.map((call) => request(call).map((made) => ({ call, ...made })));
  await fc.assert(
    fc.asyncProperty(fc.oneof(...each), fc.constantFrom(...Object.keys(tokens)), async (made, who) => {
      const { status, code } = await ask(made.call, made.path, made.body, tokens[who] ?? null);
      expect(status, `${made.call.method} ${made.call.path}: ${code}`).not.toBe(500);
      if (made.call.operation.security !== undefined && who === "none") expect(code).toBe("unauthenticated");
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: SLOW ? 1_200_000 : 20_000 },
  );
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test("DEL-33: whether a conversation or an attachment exists is not told to strangers, on any route", async () => {
  const other = "cd".repeat(32);
  for (const call of calls) {
    if (!/\{conversation\}|\{id\}/.test(call.path)) continue;
    const body = call.method === "POST" ? "{}" : null;
    const at = (id: string): string =>
      call.path.replace(/\{conversation\}|\{id\}/, id).replace("{part}", "0");
    const known = await ask(call, at(people[0].conversation), body, tokens["stranger"] ?? null);
    const unknown = await ask(call, at(other), body, tokens["stranger"] ?? null);
    expect(known, call.path).toEqual(unknown);
  }
});

test("DEL-80: whatever comes over the stream, before and after hello, ends it with a code or is answered", async () => {
  const token = tokens["member"] as string;
  const { conversation } = people[0];
  const hello = encodeClientFrame({ type: "hello", request: 1, token, window: 0 });
  const frame = fc
    .tuple(fc.integer({ min: 0, max: 0x90 }), fc.nat(3), fc.uint8Array({ maxLength: 120 }), fc.nat(4))
    .map(([type, request, body, off]) => {
      const bytes = Buffer.alloc(12 + body.length);
      bytes[0] = off === 4 ? 2 : 1;
      bytes[1] = type < 16 ? type : (type % 7) + 1;
      bytes.writeUInt32BE(request, 4);
      bytes.writeUInt32BE(Math.max(0, body.length + (off === 3 ? 1 : 0)), 8);
      bytes.set(body, 12);
      // Sometimes about a conversation that is there.
      if (off === 2 && body.length >= 34) bytes.set(Buffer.from(conversation, "hex"), 12 + (type % 2) * 3);
      return bytes;
    });
  const codes = new Set<number>([CLOSE.malformed, CLOSE.unauthenticated, CLOSE.tooMany]);
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(frame, { minLength: 1, maxLength: 4 }),
      async (greets, frames) => {
        const peer = await StreamPeer.connect(server.url);
        if (greets) {
          peer.ws.send(hello);
          await peer.until(({ type }) => type === "ready");
        }
        for (const one of frames) peer.ws.send(one);
        peer.send({ type: "ping", nonce: 7 });
        await Promise.race([peer.end(), peer.until(({ type }) => type === "pong")]).catch(() => {});
        if (peer.closed !== null) expect(codes).toContain(peer.closed.code);
        for (const one of peer.frames) {
          if (one.type === "refused") expect(one.refusal.code).not.toBe("internal");
        }
        peer.close();
      },
    ),
    { numRuns: SLOW ? 5_000 : 60, interruptAfterTimeLimit: SLOW ? 600_000 : 15_000 },
  );
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.logText).not.toContain('"event":"uncaught"');
});

test("DEL-71: whatever an operator's program writes to the socket is answered with a code", async () => {
  const id = "ab".repeat(32);
  const text = JSON.stringify({ version: 1, kind: "court" });
  const commands = [
    ...["public", "status", "audit", "constructor", "__proto__"].map((name) => ({ command: name })),
    { command: "retention", act: "show" },
    { command: "set-policy", policy: "log x\n", cosigners: [{ vkey: "x", url: "http://127.0.0.1:1" }] },
    { command: "set-mirrors", mirrors: ["ftp://127.0.0.1:1"] },
    { command: "backup", path: "no/absolute/path" },
    { command: "review-charter", charter: text },
    { command: "sign-charter", charter: text, id },
    { command: "review-succession", succession: text },
    { command: "sign-succession", succession: text, digest: id },
    { command: "bind-person", account: people[0].account, person: "somebody" },
    { command: "others", warrant: text, accounts: [people[1].account] },
    { command: "invite", secretHash: id, days: 3, role: "member" },
    { command: "set-role", account: id, role: "member" },
    { command: "statement", charter: id, accounts: [people[0].account] },
  ];
  const limits = SLOW ? { runs: 20_000, seconds: 300 } : { runs: 150, seconds: 60 };
  const codes = await command(join(server.directory, "admin.sock"), commands, limits);
  console.log(`spoilt commands to the server: ${JSON.stringify(Object.fromEntries(codes))}`);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.logText).not.toMatch(/"event":"(uncaught|admin-failed)"/);
}, 400_000);
