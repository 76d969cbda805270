import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import {
  type Charter,
  type DisclosedEntry,
  formatCharter,
  formatEntry,
  formatSignedDocument,
  type LogEntry,
  makeNoticeCard,
  type NoticeEntry,
  noticeSeedOf,
  type OrderEntry,
  parseEntry,
  parseSignedDocument,
  readSignedDocument,
  signBatch,
  signCeremony,
  signDocument,
  signErasure,
  signIntake,
  verifyContest,
  verifyEntrySignature,
  verifyStatement,
} from "@porchlight/charter";
import {
  dayNumber,
  dayOf,
  dayStart,
  fromHex,
  hex,
  type Json,
  keyholderIndex,
  type Period,
  parseDay,
  periodOf,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  commitmentOf,
  coreOf,
  formatDirection,
  noticesOf,
  type OtherSide,
  orderIdOf,
  publicCommitment,
  verifyOrder,
  verifyOtherSide,
} from "@porchlight/gate";
import { blockHash, type NoticeContent } from "@porchlight/notice";
import { openFrom } from "@porchlight/quorum";
import {
  consistencyProof,
  entriesPath,
  inclusionProof,
  leafHash,
  logIndex,
  parseCheckpoint,
  parseEntries,
  parseNote,
  treeHash,
  treeSize,
  verifyConsistency,
  verifyInclusion,
  verifyWitnessed,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import {
  LIMITS,
  MATERIAL_INFO,
  type NewItem,
  ORDER_CONVERSATIONS_INFO,
  OTHER_SIDES_INFO,
  parseMaterial,
  parseOrderConversations,
  parseOtherSides,
} from "@porchlight/wire";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contestOrder } from "../../../packages/client/src/index.ts";
import { sealFile } from "../../../packages/evidence/test/attached.ts";
import {
  COURT,
  charterDocument,
  keysDocument,
  onDay,
  publicKeyOf,
  seedOf,
  signedCharter,
  signedKeys,
  signedSuccession,
  signerOf,
  successionDocument,
  xwingOf,
} from "../../../vectors/fixture/deployment.ts";
import { periodKeys } from "../../../vectors/fixture/notice.ts";
import {
  batch,
  directed,
  signedWarrant,
  statementOf,
  strangersOrder,
  warrantDocument,
} from "../../../vectors/fixture/order.ts";
import type { Route } from "../src/http.ts";
import { LogStore } from "../src/log-store.ts";
import { routes } from "../src/routes.ts";
import type { Services } from "../src/services.ts";
import { DAY, TestServer } from "./deployment.ts";
import { Person, roomOf } from "./people.ts";

let server: TestServer;
let charter: Charter;

beforeAll(async () => {
  server = await TestServer.start({}, {}, "own");
  charter = await server.charter();
});
afterAll(async () => {
  await server.stop();
});

async function refusal(run: Promise<unknown>): Promise<string> {
  return await run.then(
    () => "accepted",
    (error: unknown) => (error as { refusal?: string }).refusal ?? String(error),
  );
}

const TABLE: readonly Route[] = routes({} as Services);
/** Addresses that every route takes as well-formed. */
const ID = "ab".repeat(32);
const address = (url: string): string =>
  url
    .replace(":period", "2026-09")
    .replace(":transfer", ID.slice(0, 32))
    .replace(/:(?:number|generation|part)/g, "0")
    .replace(/:[a-zA-Z]+/, ID)
    .replace("*", "0/000");

/** What these take is in their address, or nothing; or any bytes at all. */
const TAKES_NO_BODY = /\/(?:challenge|key-package|begin|take|drop|push\/remove|:number)$/;

describe("HTTP", () => {
  const members = TABLE.filter(({ access }) => access === "member");

  test.each(members)(
    "DEL-10: $method $url is closed to whoever is not logged in",
    async ({ method, url }) => {
      for (const [authorization, status, code] of [
        [undefined, 401, "unauthenticated"],
        ["Basic YTpi", 401, "unauthenticated"],
        ["Bearer short", 401, "unauthenticated"],
        [`Bearer ${"A".repeat(43)}`, 401, "session-expired"],
      ] as const) {
        const response = await fetch(server.url + address(url), {
          method,
          headers: authorization === undefined ? {} : { authorization },
          ...(method === "POST" ? { body: "{}" } : {}),
        });
        expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
      }
    },
  );

  test("DEL-3: whatever is sent to whichever route, the answer is typed and never 500", async () => {
    const person = await Person.join(server, null);
    const token = await tokenOf(person);
    const post = async (url: string, body: Uint8Array | string): Promise<string> => {
      const response = await fetch(server.url + address(url), {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: body as Uint8Array<ArrayBuffer>,
      });
      const answer = (await response.json()) as { code?: string };
      expect(response.status, url).toBeLessThan(500);
      return response.status < 300 ? "taken" : (answer.code ?? "untyped");
    };
    const nasty = ["", "{", "null", "[]", '{"a":1}', `${"[".repeat(5000)}`, '"\ud800"', '{"__proto__":{}}'];
    for (const { url } of TABLE.filter(({ method }) => method === "POST")) {
      if (TAKES_NO_BODY.test(url)) continue;
      for (const body of nasty)
        expect(await post(url, body), `${url} ${body.slice(0, 20)}`).not.toMatch(/^(taken|untyped)$/);
      expect(await post(url, Uint8Array.of(0xff, 0xfe, 0x00)), url).not.toMatch(/^(taken|untyped)$/);
    }
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 3 }), fc.constantFrom(...TABLE), async (body, { method, url }) => {
        if (method === "GET" || TAKES_NO_BODY.test(url)) return;
        expect(await post(url, body)).not.toMatch(/^(taken|untyped)$/);
      }),
      { numRuns: 60 },
    );
  });

  test("DEL-2: a body beyond a route's size is refused as too large, with or without its length announced", async () => {
    const big = "x".repeat(3_000_000);
    for (const url of ["/v1/accounts", "/v1/log/entries", "/v1/orders"]) {
      const response = await fetch(server.url + url, { method: "POST", body: big });
      expect([url, response.status, ((await response.json()) as { code: string }).code]).toEqual([
        url,
        413,
        "too-large",
      ]);
    }
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (let i = 0; i < 30; i++) controller.enqueue(utf8(big.slice(0, 100_000)));
        controller.close();
      },
    });
    const init = { method: "POST", body: stream, duplex: "half" } as RequestInit;
    const response = await fetch(`${server.url}/v1/accounts`, init).catch(() => null);
    if (response !== null) expect(response.status).toBe(413);
  });

  test("DEL-3: bad addresses and queries are typed refusals", async () => {
    const get = async (path: string): Promise<string> => {
      const response = await fetch(server.url + path);
      return `${response.status} ${((await response.json()) as { code?: string }).code ?? ""}`;
    };
    expect(await get("/nothing")).toBe("404 not-found");
    expect(await get("/log/tile/0/1")).toBe("400 malformed");
    expect(await get("/log/tile/0/..%2f..%2fkeys")).toBe("400 malformed");
    expect(await get("/log/tile/9/000")).toBe("404 not-found");
    expect(await get("/log/tile/entries/999")).toBe("404 not-found");
    expect(await get("/v1/log/wait?size=-1")).toBe("400 malformed");
    expect(await get("/v1/log/wait?size=1&timeout=9999")).toBe("400 malformed");
    expect(await get("/v1/keys/2026-13")).toBe("400 malformed");
    const place = { conversation: ID, account: ID, day: 1 };
    const ask = async (labels: object[], more: object = {}): Promise<string> => {
      const response = await fetch(`${server.url}/v1/orders/${ID}/material`, {
        method: "POST",
        body: JSON.stringify({ labels, ...more }),
      });
      return `${response.status} ${((await response.json()) as { code?: string }).code ?? ""}`;
    };
    expect(await ask([place])).toBe("404 order-unknown");
    // DEL-73: one label at least, and no more than fit.
    for (const labels of [
      [],
      [{ ...place, day: -1 }],
      Array.from({ length: 101 }, (_, day) => ({ ...place, day })),
    ]) {
      expect(await ask(labels)).toBe("400 malformed");
    }
    expect(await ask([place], { after: -1 })).toBe("400 malformed");
    expect(await get(`/v1/orders/${ID}/conversations`)).toBe("404 order-unknown");
    expect(await get("/v1/%E0%A4%A")).toMatch(/^40[04] /);
  });

  test("DEL-11: a session needs this server's fresh challenge, the device's signature and the account's", async () => {
    const person = await Person.join(server, null);
    const { deviceKey, credential } = person.device;
    const other = (await Person.join(server, null)).device;
    const client = server.client();
    const login = { audience: `log.${charter.deployment}`, deviceKey, credential };
    const bad = (sign: () => Uint8Array, changes: object = {}): Promise<unknown> =>
      client.login({ ...login, ...changes, sign });
    expect(await refusal(bad(() => new Uint8Array(64)))).toBe("credential-refused");
    expect(await refusal(bad(() => new Uint8Array(64), { credential: other.credential }))).toBe(
      "credential-refused",
    );
    expect(await refusal(bad(() => new Uint8Array(64), { deviceKey: other.deviceKey }))).toBe(
      "credential-refused",
    );
    expect(await refusal(client.conversations())).toBe("unauthenticated");
    await person.login(server.client());
  });

  test("no line of the log holds an account, a conversation or anything that was sent", async () => {
    const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
    await alice.send("a secret sentence");
    await bob.read();
    const text = server.logText;
    for (const secret of [alice.account, bob.account, alice.conversation, "a secret sentence"]) {
      expect(text.includes(secret)).toBe(false);
    }
    expect(text).toMatch(/"route":"\/v1\/conversations\/:conversation\/items"/);
    for (const line of text.trim().split("\n")) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });
});

async function tokenOf(person: Person): Promise<string> {
  let token = "";
  const client = server.client();
  const { credential, deviceKey } = person.device;
  const sign = (message: Uint8Array): Uint8Array => envelopeSign(person, message);
  token = (await client.login({ audience: `log.${charter.deployment}`, deviceKey, credential, sign })).token;
  return token;
}

function envelopeSign(person: Person, message: Uint8Array): Uint8Array {
  return person.device.suite.primitives.ed25519Sign(person.device.deviceSeed, message);
}

describe("log", () => {
  test("DEL-44: takes what is signed by whom its type demands, and nothing else", async () => {
    const client = server.client();
    const entries = async (value: Parameters<typeof formatEntry>[0]): Promise<string> =>
      await refusal(client.appendEntry(formatEntry(value)));
    const good = batch(charter, keyholderIndex(1), DAY);
    expect(await entries(good)).toBe("accepted");
    expect(await entries({ ...good, slots: good.slots.toReversed() })).toBe("entry-refused");
    expect(await entries(batch(charter, keyholderIndex(1), (DAY + 2) as typeof DAY))).toBe("entry-refused");
    expect(await entries(batch(charter, keyholderIndex(2), DAY, [], "Keyholder 1"))).toBe("entry-refused");
    const { signature: _, ...unsigned } = good;
    const unknown = signBatch({ ...unsigned, charter: ID as typeof charter.id }, seedOf("Keyholder 1"));
    expect(await entries(unknown)).toBe("unknown-charter");
    const ceremony = signCeremony(
      {
        type: "ceremony",
        charter: charter.id,
        period: "2026-09" as Period,
        generation: 1,
        from: 0,
        round: 1,
        keyholder: keyholderIndex(3),
        body: "AAEC",
      },
      seedOf("Keyholder 3"),
    );
    expect(await entries(ceremony)).toBe("accepted");
    expect(await entries({ ...ceremony, round: 2 })).toBe("entry-refused");
    // A second, different message is evidence; a fourth is only noise.
    for (const [body, answer] of [
      ["AAED", "accepted"],
      ["", "accepted"],
      ["AAEE", "entry-refused"],
    ] as const) {
      expect(await entries(signCeremony({ ...ceremony, body }, seedOf("Keyholder 3")))).toBe(answer);
    }
    const erasure = signErasure(
      {
        type: "erasure",
        charter: charter.id,
        period: "2026-09" as Period,
        generation: 1,
        kind: "notice",
        keyholder: keyholderIndex(3),
        day: DAY,
      },
      seedOf("Keyholder 3"),
    );
    expect(await entries(erasure)).toBe("accepted");
    expect(await entries({ ...erasure, kind: "access" })).toBe("entry-refused");
    const tomorrow = { ...erasure, day: (DAY + 2) as typeof DAY };
    expect(await entries(signErasure(tomorrow, seedOf("Keyholder 3")))).toBe("entry-refused");
    const keys = await signedKeys(keysDocument(charter, "2026-09" as Period));
    expect(await entries({ type: "keys", document: keys })).toBe("accepted");
    const fewer = { ...keys, signatures: keys.signatures.slice(1) };
    expect(await entries({ type: "keys", document: fewer })).toBe("entry-refused");
    const elsewhere = charterDocument("court", { intake: { key: publicKeyOf("elsewhere") } });
    const foreign = await signedCharter(elsewhere);
    expect(await entries({ type: "charter", document: foreign })).toBe("entry-refused");
    const system = await signedCharter(charterDocument("court", { clock: "system" }));
    expect(await entries({ type: "charter", document: system })).toBe("entry-refused");
    expect(await refusal(client.appendEntry(utf8('{"type":"note"}')))).toBe("entry-refused");
    expect((await client.keys("2026-09" as Period)).map(({ document }) => document)).toEqual([keys]);
    expect((await client.charters()).length).toBe(1);
  });

  test("DEL-43: the same bytes have one index, and orders come in by their own route only", async () => {
    const client = server.client();
    const entry = formatEntry(batch(charter, keyholderIndex(4), DAY));
    const indices = await Promise.all(Array.from({ length: 5 }, () => client.appendEntry(entry)));
    expect(new Set(indices).size).toBe(1);
    const order = strangersOrder(charter, "a stranger", DAY);
    expect(await refusal(client.appendEntry(formatEntry(order)))).toBe("entry-not-accepted-here");
  });

  test("DEL-42: what is published satisfies the policy, proves every entry and is consistent with what was", async () => {
    const client = server.client();
    const before = parseCheckpoint(parseNote(await client.checkpoint()).text);
    const entry = formatEntry(batch(charter, keyholderIndex(5), DAY));
    const index = await client.appendEntry(entry);
    const note = await client.waitForCheckpoint(index + 1, { wait: 60 });
    const checkpoint = verifyWitnessed(note ?? "", server.cosigners.policy, nodeSuite);
    expect(checkpoint.time).toBe(server.now);
    const { size, root } = checkpoint;
    const proof = await inclusionProof(client.readTile, size, index, nodeSuite);
    verifyInclusion({ size, root, index, leafHash: leafHash(entry, nodeSuite), proof }, nodeSuite);
    const { size: oldSize, root: oldRoot } = before;
    const consistency = await consistencyProof(client.readTile, oldSize, size, nodeSuite);
    verifyConsistency({ oldSize, oldRoot, newSize: size, newRoot: root, proof: consistency }, nodeSuite);
    // A partial bundle of every width, not only the newest.
    for (let width = 1; width <= size; width++) {
      const bundle = parseEntries(await client.logFile(entriesPath(0, width)), width);
      expect(bundle.length).toBe(width);
    }
    const response = await fetch(`${server.url}/log/${entriesPath(0, 1)}`);
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect((await fetch(`${server.url}/log/checkpoint`)).headers.get("cache-control")).toBe("max-age=1");
  });

  test("DEL-42: one keyholder that is down and one that hangs delay nobody; without a quorum nothing is published", async () => {
    const client = server.client();
    const { down, hanging, givenUp } = server.cosigners;
    down.add("keyholder-5");
    const index = await client.appendEntry(
      formatEntry(batch(charter, keyholderIndex(1), (DAY - 1) as typeof DAY)),
    );
    expect(await client.waitForCheckpoint(index + 1, { wait: 60 })).not.toBeNull();
    down.delete("keyholder-5");
    hanging.add("keyholder-4");
    const next = await client.appendEntry(
      formatEntry(batch(charter, keyholderIndex(2), (DAY - 1) as typeof DAY)),
    );
    expect(await client.waitForCheckpoint(next + 1, { wait: 60 })).not.toBeNull();
    expect([...givenUp]).toEqual([]);
    down.add("witness-1");
    const last = await client.appendEntry(
      formatEntry(batch(charter, keyholderIndex(3), (DAY - 1) as typeof DAY)),
    );
    expect(await client.waitForCheckpoint(last + 1, { wait: 1 })).toBeNull();
    expect((await client.health()).status).toBe("degraded");
    down.clear();
    hanging.clear();
    expect(await client.waitForCheckpoint(last + 1, { wait: 60 })).not.toBeNull();
  });

  test("DEL-42: after the clock went on, a checkpoint of the new time can be waited for", async () => {
    const client = server.client();
    await server.tick(server.now + 3600);
    const note = await client.waitForCheckpoint(0, { since: server.now, wait: 60 });
    expect(verifyWitnessed(note ?? "", server.cosigners.policy, nodeSuite).time).toBe(server.now);
  });
});

describe("operator", () => {
  test("DEL-70: binds accounts to persons and signs statements; the names are nowhere in clear", async () => {
    const person = await Person.join(server, null);
    await server.admin("bind-person", { account: person.account, person: "Wanda Example" });
    const document = await server.admin("statement", { charter: charter.id, accounts: [person.account] });
    const statement = await verifyStatement(readSignedDocument(document as Json, "statement"), charter);
    const notice = person.noticeCard;
    expect(statement.accounts).toEqual([{ account: person.account, notice, person: "Wanda Example" }]);
    await expect(server.admin("bind-person", { account: ID, person: "Nobody" })).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(server.admin("statement", { charter: charter.id, accounts: [ID] })).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(server.admin("statement", { charter: ID, accounts: [] })).rejects.toMatchObject({
      code: "unknown-charter",
    });
    await expect(server.admin("nonsense")).rejects.toMatchObject({ code: "command-unknown" });
    expect(server.logText.includes("Wanda")).toBe(false);
  });

  test("DEL-72: signs a charter that names the provider's own keys, and no other", async () => {
    const document = charterDocument("house");
    const text = new TextDecoder().decode(formatCharter(document));
    const review = (await server.admin("review-charter", { charter: text })) as { id: string };
    const { signature } = (await server.admin("sign-charter", { charter: text, id: review.id })) as {
      signature: { signature: string };
    };
    const signed = await signedCharter(document);
    expect(signed.signatures[0]).toEqual(signature);
    await expect(server.admin("sign-charter", { charter: text, id: ID })).rejects.toMatchObject({
      code: "charter-wrong-id",
    });
    const provider = { ...document.provider, key: publicKeyOf("elsewhere") };
    const foreign = new TextDecoder().decode(formatCharter({ ...document, provider }));
    await expect(server.admin("review-charter", { charter: foreign })).rejects.toMatchObject({
      code: "charter-not-ours",
    });
  });
});

describe("orders", () => {
  test("DEL-50 to DEL-54, DEL-73, ATT-25: from the order to what its requester reads, and to nobody else", async () => {
    const [alice, bob] = (await roomOf(server, 2, charter)) as [Person, Person];
    await alice.client.submit(alice.conversation, [alice.envelope(), await alice.message("first")]);
    await bob.client.submit(bob.conversation, [bob.envelope(), await bob.message("bob's own")]);
    await alice.read();
    // More than one answer holds (DEL-73).
    const long = "x".repeat(LIMITS.message - 1000);
    const texts = ["second", ...Array.from({ length: 5 }, () => long)];
    await alice.send(...texts);
    const upload = async (person: Person, name: string): Promise<string> => {
      const { reference, ciphertext } = await sealFile(name, `what is in ${name}`);
      const { id, digest } = reference;
      await person.client.createAttachment(person.conversation, { id, size: ciphertext.length });
      await person.client.putAttachmentPart(id, 0, ciphertext);
      await person.client.completeAttachment(id, fromHex(digest));
      return id;
    };
    const [own, bobs] = [await upload(alice, "alice's"), await upload(bob, "bob's")];
    const begun = hex(seedOf("begun"));
    await alice.client.createAttachment(alice.conversation, { id: begun, size: 4144 });
    const orderDay = server.now;
    const notice = alice.noticeCard;
    const accounts = [{ account: alice.account, person: "Alice", notice }];
    const statement = await statementOf(charter, [], { accounts });
    const document = await warrantDocument(charter, {
      statement,
      accounts: [alice.account],
      conversations: "all",
      firstDay: DAY,
      lastDay: DAY,
      issued: orderDay,
      expires: (orderDay + 30 * 86_400) as typeof orderDay,
    });
    const warrant = await signedWarrant(charter, document);
    const opening = seedOf("opening of the test");
    const client = server.client();
    const order = { warrant: new TextDecoder().decode(warrant), opening };
    await server.keys(charter);
    const [{ index, orderId }, again] = await Promise.all([
      client.submitOrder(order),
      client.submitOrder(order),
    ]);
    expect(again).toEqual({ index, orderId });
    expect(await client.submitOrder(order)).toEqual(again);
    const [notices, entry] = (await server.entries(index - 1, index + 1)).map(parseEntry);
    expect([notices, entry]).toMatchObject([
      { type: "notice", commitment: commitmentOf(opening, warrant), part: 0, parts: 1 },
      { type: "warrant", notices: blockHash((notices as NoticeEntry).block) },
    ]);
    expect(orderId).toBe(orderIdOf(opening));
    const query = { conversation: alice.conversation, account: alice.account, day: DAY };
    const nowhere = { ...query, conversation: ID as typeof alice.conversation };
    const [low, high] = [query, nowhere].sort((a, b) => (a.conversation < b.conversation ? -1 : 1));
    const both = [low, high] as (typeof query)[];
    // GATE-19: the day is not over.
    expect(await refusal(client.material(orderId, { labels: both }))).toBe("day-not-over");
    expect(await refusal(client.orderAttachment(orderId, own, 0))).toBe("day-not-over");
    await server.tick(onDay(DAY) + 86_400 + 3600);

    // ATT-25: what the person uploaded there on that day, as it was uploaded; nobody else's, and nothing half sent.
    const { ciphertext } = await sealFile("alice's", "what is in alice's");
    expect(hex(await client.orderAttachment(orderId, own, 0))).toBe(hex(ciphertext));
    expect(await refusal(client.orderAttachment(orderId, own, 1))).toBe("not-found");
    expect(await refusal(client.orderAttachment(orderId, bobs, 0))).toBe("out-of-scope");
    for (const id of [begun, ID])
      expect(await refusal(client.orderAttachment(orderId, id, 0))).toBe("not-found");
    expect(await refusal(client.orderAttachment(ID, own, 0))).toBe("order-unknown");
    expect(await refusal(client.orderAttachment(orderId, `${own.slice(0, 63)}g`, 0))).toBe("malformed");

    const requester = seedOf(`xwing ${document.requester.name}`);
    const aad = fromHex(orderId, 32);
    const list = parseOrderConversations(
      openFrom(requester, await client.orderConversations(orderId), utf8(ORDER_CONVERSATIONS_INFO), aad),
    );
    expect(list.labels).toEqual([query]);
    const ask = async (labels: readonly (typeof query)[], after?: number) => {
      const request = { labels: [...labels], ...(after === undefined ? {} : { after }) };
      const sealed = await client.material(orderId, request);
      return parseMaterial(openFrom(requester, sealed, utf8(MATERIAL_INFO), aad)).labels;
    };
    const [material] = await ask([query]);
    expect(material).toMatchObject({ ...query, complete: false });
    expect(material?.envelopes.map(({ inner }) => inner.length)).toEqual([200]);
    expect(new Set(material?.messages.map(({ submitter }) => submitter))).toEqual(new Set([alice.account]));
    const bytes = material?.messages.reduce((sum, { wire }) => sum + wire.length, 0) ?? 0;
    expect(bytes).toBeGreaterThan(LIMITS.materialBytes - 20_000);
    expect(bytes).toBeLessThan(LIMITS.materialBytes + LIMITS.message);
    const last = material?.messages.at(-1)?.seq as number;
    // The server keeps nothing of what it gave: after a crash it goes on where the requester is.
    await server.kill();
    await server.run();
    const [rest] = await ask([query], last);
    expect(rest).toMatchObject({ ...query, envelopes: [], complete: true });
    const all = [...(material?.messages ?? []), ...(rest?.messages ?? [])].map(({ seq }) => seq);
    expect(all.length).toBe(1 + texts.length);
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
    // Asked again, everything is checked and given again.
    expect(await ask([query])).toEqual([material]);

    // What was asked for behind the label that filled the answer is left for the next.
    const answered = await ask(both);
    expect(answered.map(({ conversation }) => conversation)).toEqual(
      both.slice(0, both[0] === query ? 1 : 2).map(({ conversation }) => conversation),
    );
    expect(await ask([nowhere])).toEqual([{ ...nowhere, envelopes: [], messages: [], complete: true }]);
    // One label that the gate refuses refuses them all.
    for (const out of [
      { ...query, account: bob.account },
      { ...query, day: (DAY + 1) as typeof DAY },
    ]) {
      const order = [query, out].sort((a, b) => (a.account + a.day < b.account + b.day ? -1 : 1));
      await expect(client.material(orderId, { labels: order })).rejects.toMatchObject({
        refusal: "out-of-scope",
        reason: "label-out-of-scope",
      });
    }
    for (const labels of [[query, query], [...both].reverse()]) {
      await expect(client.material(orderId, { labels })).rejects.toMatchObject({
        refusal: "out-of-scope",
        reason: "labels-not-canonical",
      });
    }

    const revocation = {
      kind: "revocation" as const,
      charter: charter.id,
      commitment: commitmentOf(opening, warrant),
      reference: document.reference,
      at: server.now,
      ground: "Withdrawn.",
    };
    const stranger = await signDocument("revocation", formatDirection(revocation), [signerOf("Provider")]);
    expect(await refusal(client.directOrder(orderId, "revocation", stranger))).toBe("direction-refused");
    const signed = await signDocument("revocation", formatDirection(revocation), [signerOf(COURT)]);
    const revoked = await client.directOrder(orderId, "revocation", signed);
    expect(await client.directOrder(orderId, "revocation", signed)).toBe(revoked);
    // DEL-51: between two answers too.
    for (const id of [own, ID]) expect(await refusal(client.orderAttachment(orderId, id, 0))).toBe("revoked");
    expect(await refusal(client.material(orderId, { labels: [query], after: last }))).toBe("revoked");
    const stored = readFileSync(join(server.directory, "postgres.log"), "utf8");
    expect(stored.includes(document.reference)).toBe(false);
  });

  test("DEL-15: an account without notice key is not escrowed, and has one key for life", async () => {
    const [alice] = (await roomOf(server, 2, charter)) as [Person, Person];
    const mute = await Person.join(server, charter, server.client(), seedOf("mute"), "no notice key");
    await mute.create();
    const post = async () => await mute.client.submit(mute.conversation, [mute.envelope()]);
    expect(await refusal(post())).toBe("notice-key-required");
    expect(await refusal(mute.client.publishNoticeKey(alice.noticeCard))).toBe("credential-refused");
    await mute.client.publishNoticeKey(mute.noticeCard);
    await mute.client.publishNoticeKey(mute.noticeCard);
    const other = makeNoticeCard({
      identityKey: mute.device.identityKey,
      xwing: xwingOf("another notice key"),
      sign: (message) => nodeSuite.signEd25519(seedOf("mute"), message),
    });
    expect(await refusal(mute.client.publishNoticeKey(other))).toBe("exists");
    await post();
  });

  test("DEL-50: an order that is no issuer's, or of another charter, is refused and not logged", async () => {
    const client = server.client();
    const { log } = await client.health();
    const document = await warrantDocument(charter);
    const submit = async (bytes: Uint8Array): Promise<unknown> =>
      await client
        .submitOrder({ warrant: new TextDecoder().decode(bytes), opening: seedOf("o") })
        .catch((error: unknown) => error);
    expect(await submit(await signedWarrant(charter, document, ["Provider"]))).toMatchObject({
      refusal: "warrant-refused",
    });
    expect(await submit(utf8("{}"))).toMatchObject({ refusal: "warrant-refused" });
    const good = await signedWarrant(charter, document);
    const flipped = parseSignedDocument(good);
    const broken = utf8(JSON.stringify({ ...flipped, payload: `${flipped.payload.slice(0, -2)}AA` }));
    expect(await submit(broken)).toMatchObject({ refusal: "warrant-refused" });
    expect((await client.health()).log?.size).toBe(log?.size);
  });
});

describe("durability", () => {
  test("kill -9 in the middle of everything loses nothing that was acknowledged and doubles nothing", async () => {
    const people = (await roomOf(server, 3, null)) as Person[];
    const first = people[0] as Person;
    const acknowledged = new Map<string, number>();
    const unanswered: { person: Person; items: NewItem[] }[] = [];
    let entries = 0;
    const over = new AbortController();
    const logged: number[] = [];
    const talk = people.map(async (person, who) => {
      for (let i = 0; !over.signal.aborted && i < 400; i++) {
        const items = [await person.message(`${who} ${i}`), await person.message(`${who} ${i} b`)];
        try {
          const seqs = await person.client.submit(person.conversation, items);
          for (const [at, item] of items.entries()) acknowledged.set(hex(item.bytes), seqs[at] as number);
        } catch {
          unanswered.push({ person, items });
          return;
        }
      }
    });
    const log = (async () => {
      const client = server.client();
      for (; !over.signal.aborted && entries < 400; entries++) {
        const filler = batch(charter, keyholderIndex(1), DAY, [hex(seedOf(`slot ${entries}`))]);
        const index = await client.appendEntry(formatEntry(filler)).catch(() => null);
        if (index === null) return;
        logged.push(index);
      }
    })();
    while (acknowledged.size < 60 || logged.length < 20)
      await new Promise((resolve) => setTimeout(resolve, 20));
    over.abort();
    await server.kill();
    await Promise.all([...talk, log]);
    await server.run();

    for (const person of people) Object.assign(person, { client: server.client() });
    for (const person of people) await person.login();
    expect(acknowledged.size).toBeGreaterThan(20);
    for (const { person, items } of unanswered) {
      const seqs = await person.client.submit(person.conversation, items);
      for (const [at, item] of items.entries()) acknowledged.set(hex(item.bytes), seqs[at] as number);
    }
    const stored = new Map<string, number>();
    for (let after = 0; ; ) {
      const { items } = await first.client.items(first.conversation, after);
      if (items.length === 0) break;
      for (const { seq, bytes, kind } of items) if (kind === "message") stored.set(hex(bytes), seq);
      after = items.at(-1)?.seq ?? after;
    }
    expect(new Map([...stored].sort())).toEqual(new Map([...acknowledged].sort()));

    const client = server.client();
    const { log: state } = await client.health();
    if (state === undefined) throw new Error("the primary tells its log's size");
    expect(state.size).toBeGreaterThanOrEqual((logged.at(-1) ?? 0) + 1);
    const note = await client.waitForCheckpoint(state.size, { wait: 60 });
    const { size, root } = verifyWitnessed(note ?? "", server.cosigners.policy, nodeSuite);
    expect(hex(await treeHash(client.readTile, treeSize(size), nodeSuite))).toBe(hex(root));
    for (const index of logged.slice(-5)) {
      const proof = await inclusionProof(client.readTile, size, logIndex(index), nodeSuite);
      expect(proof.length).toBeGreaterThan(0);
    }
    expect(existsSync(join(server.directory, "log", "checkpoint"))).toBe(true);
  });

  test("a PostgreSQL that is killed comes back by itself, and meanwhile requests are told to repeat", async () => {
    const [alice] = (await roomOf(server, 1, null)) as [Person];
    const pid = Number(
      readFileSync(join(server.directory, "postgres", "postmaster.pid"), "utf8").split("\n")[0],
    );
    process.kill(pid, "SIGKILL");
    const item = await alice.message("through the storm");
    // Backends of a killed PostgreSQL answer for a moment longer: both the write and the read may meet its end.
    const repeated = async (attempt: () => Promise<unknown>): Promise<void> => {
      let answer = "";
      while (answer !== "accepted") {
        answer = await refusal(attempt());
        expect(["accepted", "unavailable"]).toContain(answer);
        if (answer !== "accepted") await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    await repeated(async () => await alice.client.submit(alice.conversation, [item]));
    const postmaster = (): number =>
      Number(readFileSync(join(server.directory, "postgres", "postmaster.pid"), "utf8").split("\n")[0]);
    await expect.poll(postmaster).not.toBe(pid);
    await repeated(async () => {
      expect((await alice.client.items(alice.conversation, 0)).items.length).toBe(1);
    });
    await repeated(async () => await roomOf(server, 1, null));
  });

  test("a stop finishes what is under way, and a second start has everything", async () => {
    const [alice] = (await roomOf(server, 1, null)) as [Person];
    await alice.send("before");
    const { log } = await server.client().health();
    const waiting = request(`${server.url}/v1/conversations/${alice.conversation}/items?after=1&wait=60`, {
      headers: { authorization: `Bearer ${await tokenOf(alice)}`, expect: "100-continue" },
    });
    const answered = once(waiting, "response");
    waiting.end();
    // It is under way.
    await once(waiting, "continue");
    const [, [answer]] = await Promise.all([
      server.supervisor.stop("server"),
      answered as Promise<[IncomingMessage]>,
    ]);
    expect(await json(answer)).toMatchObject({ items: [] });
    await server.run();
    expect((await server.client().health()).log?.size).toBe(log?.size);
  });
});

describe("contests", () => {
  test("CONT-2 to CONT-6: who was told first contests once, in time, with the notice key; nobody else does, and nobody learns more", async () => {
    const seeds = ["first", "second", "third"].map((name) => seedOf(`contests ${name}`));
    const [alice, bob, carol] = (await Promise.all(
      seeds.map((seed) => Person.join(server, charter, server.client(), seed)),
    )) as [Person, Person, Person];
    const now = server.now;
    const named = [alice, bob];
    const document = await warrantDocument(charter, {
      reference: "4 Gs 200/26",
      statement: await statementOf(charter, [], {
        accounts: named.map(({ account, noticeCard: notice }, i) => ({ account, person: `P ${i}`, notice })),
      }),
      accounts: named.map(({ account }) => account),
      firstDay: dayOf(now),
      lastDay: dayOf(now),
      issued: now,
      expires: unixSeconds(now + 60 * 86_400),
      disclosure: { kind: "notice-first" },
    });
    const warrant = await signedWarrant(charter, document);
    const opening = seedOf("opening of the contested");
    const client = server.client();
    const text = new TextDecoder().decode(warrant);
    const { index, orderId } = await client.submitOrder({ warrant: text, opening });
    await client.waitForCheckpoint(index + 1, { wait: 60 });
    const commitment = commitmentOf(opening, warrant);
    const says = async (who: Person, ground: string, seed = seeds[[alice, bob, carol].indexOf(who)]) => {
      const notice = { commitment, account: who.account } as NoticeContent;
      const noticeSeed = noticeSeedOf(seed as Uint8Array);
      return await contestOrder(client, charter, { notice, noticeSeed, ground });
    };
    const reason = (run: Promise<unknown>) =>
      run.then(
        () => "taken",
        (error: { reason?: string; code?: string }) => error.reason ?? error.code,
      );
    // Two at once are one.
    const [taken, twin] = await Promise.all([says(alice, "I was abroad."), says(alice, "I was abroad.")]);
    expect(twin).toEqual(taken);
    expect(await verifyContest(taken, charter)).toMatchObject({ commitment, account: alice.account });
    expect(await reason(says(alice, "Something else."))).toBe("twice");
    expect(await reason(says(carol, "Me too."))).toBe("not-yours");
    // Of a commitment that the log does not have the answer is the same, and an account that is none is asked alike.
    const stranger = { commitment: ID as typeof commitment, account: ID as typeof alice.account };
    expect((await client.contestChallenge(stranger)).length).toBe(
      (await client.contestChallenge({ commitment, account: bob.account })).length,
    );
    expect(await reason(says(bob, "Not my key.", seeds[0]))).toBe("server-not-understood");
    const nonce = new Uint8Array(32);
    const forged = { commitment, account: bob.account, nonce, ground: "I confess." };
    await expect(client.contest(forged)).rejects.toMatchObject({
      refusal: "contest-refused",
      reason: "unproven",
      status: 403,
    });
    expect(await refusal(says(bob, " \n"))).toBe("malformed");
    expect(await client.contests(orderId)).toEqual([taken]);
    expect(await refusal(client.contests(ID))).toBe("order-unknown");

    await server.tick(dayStart(dayNumber(dayOf(now) + charter.contestDays + 1)) + 3600);
    const { size } = parseCheckpoint(parseNote(await client.checkpoint()).text);
    await client.waitForCheckpoint(size, { since: server.now, wait: 60 });
    expect(await reason(says(bob, "I was abroad, too."))).toBe("too-late");
    expect(await says(alice, "I was abroad.")).toEqual(taken);
  });
});

describe("orders over both sides, and what their issuers say later", () => {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const entriesNow = async (): Promise<LogEntry[]> => {
    const size = (await server.client().health()).log?.size ?? 0;
    return parseEntries(await server.client().logFile(entriesPath(0, size)), size).map((bytes) =>
      parseEntry(bytes),
    );
  };

  test("DEL-51, DEL-55 to DEL-57: from the statement of the others to what becomes public", async () => {
    const [alice, bob] = (await roomOf(server, 2, charter)) as [Person, Person];
    await bob.client.submit(bob.conversation, [bob.envelope(), await bob.message("bob's own")]);
    const now = server.now;
    const today = dayOf(now);
    const document = await warrantDocument(charter, {
      reference: "4 Gs 300/26",
      statement: await statementOf(charter, [], {
        accounts: [{ account: alice.account, person: "Alice", notice: alice.noticeCard }],
      }),
      mode: "both-sides",
      accounts: [alice.account],
      conversations: [alice.conversation],
      firstDay: today,
      lastDay: today,
      issued: now,
      expires: unixSeconds(now + 60 * 86_400),
      disclosure: { kind: "secret", until: dayNumber(today + 50), ground: "Evidence would be destroyed." },
    });
    const warrant = await signedWarrant(charter, document);
    const opening = seedOf("opening of both sides");
    const client = server.client();
    const alone = { warrant: text(warrant), opening };
    expect(await refusal(client.submitOrder(alone))).toBe("warrant-refused");
    for (const command of ["others", "review-others"]) {
      await expect(server.admin(command, { warrant: text(warrant) })).rejects.toMatchObject({
        code: "not-found",
        message: expect.stringContaining(bob.account) as string,
      });
    }
    await server.admin("bind-person", { account: bob.account, person: "Bob Roe" });
    const stated = readSignedDocument(
      (await server.admin("others", { warrant: text(warrant) })) as Json,
      "others",
    );
    expect((await verifyStatement(stated, charter)).accounts).toMatchObject([{ account: bob.account }]);
    await expect(
      server.admin("others", { warrant: text(warrant), accounts: ["ab".repeat(32)] }),
    ).rejects.toMatchObject({ code: "not-found" });
    const others = formatSignedDocument(stated);
    const { index, orderId } = await client.submitOrder({ ...alone, others: text(others) });
    const commitment = commitmentOf(opening, coreOf({ warrant, others }));
    expect((await entriesNow())[index]).toMatchObject({ type: "warrant", commitment });

    // DEL-56: nothing before the day is over.
    expect(await refusal(client.otherSides(orderId, today))).toBe("day-not-over");
    await server.tick(dayStart(dayNumber(today + 1)) + 3600);
    const requester = seedOf(`xwing ${document.requester.name}`);
    const open = (sealed: Uint8Array, info: string): Uint8Array =>
      openFrom(requester, sealed, utf8(info), fromHex(orderId, 32));
    const { sides } = parseOtherSides(open(await client.otherSides(orderId, today), OTHER_SIDES_INFO));
    expect(sides.length).toBe(1);
    const { label, members } = verifyOtherSide(sides[0] as OtherSide);
    const query = { conversation: alice.conversation, account: bob.account, day: today };
    expect(label).toEqual({ charter: charter.id, ...query });
    expect(members.has(alice.account)).toBe(true);
    const asked = { labels: [query] };
    const messages = async (): Promise<number | undefined> =>
      parseMaterial(open(await client.material(orderId, asked), MATERIAL_INFO)).labels[0]?.messages.length;
    expect(await messages()).toBe(1);
    expect(
      parseOtherSides(open(await client.otherSides(orderId, dayNumber(today + 1)), OTHER_SIDES_INFO)).sides,
    ).toEqual([]);

    // DEL-51: suspended, resumed, kept secret for longer, told early.
    const order = await verifyOrder({ warrant, others }, charter);
    const say = async (
      kind: "suspension" | "resumption" | "extension" | "notice-release",
      until = today + 60,
    ) => {
      const { verified } = await directed(order, opening, kind, { until: dayNumber(until) });
      return await client.directOrder(orderId, kind, parseSignedDocument(verified.bytes));
    };
    const suspended = await say("suspension");
    expect(await say("suspension")).toBe(suspended);
    await client.waitForCheckpoint(suspended + 1, { wait: 60 });
    expect(await refusal(client.material(orderId, asked))).toBe("suspended");
    await client.waitForCheckpoint((await say("resumption")) + 1, { wait: 60 });
    expect(await messages()).toBe(1);
    await expect(say("extension", today + 91)).rejects.toMatchObject({
      refusal: "direction-refused",
      reason: "extension-too-long",
    });
    const extended = await say("extension");
    expect((await entriesNow())[extended]).toMatchObject({ type: "extension", commitment });
    await client.waitForCheckpoint((await say("notice-release")) + 1, { wait: 60 });

    // DEL-57: on the next day what may be public is, and proves to be what was logged.
    await server.tick(dayStart(dayNumber(today + 2)) + 3600);
    const disclosed = async () =>
      (await entriesNow()).find((entry) => entry.type === "disclosed" && entry.commitment === commitment);
    await expect.poll(disclosed).toBeDefined();
    const entry = (await disclosed()) as DisclosedEntry;
    const logged = (await entriesNow())[index] as OrderEntry;
    expect(publicCommitment(fromHex(entry.key), entry.part)).toBe(logged.public);
    expect(entry.part).toEqual({
      issuer: COURT,
      legalBasis: document.legalBasis,
      offenceCategory: document.offenceCategory,
      accounts: 2,
      days: 1,
    });
    expect(verifyEntrySignature(entry, charter)).toBe(true);

    await server.tick(dayStart(parseDay("2026-10-01")) + 3600);
  });
});

// Last: from here on the second keyholder is another.
describe("succession", () => {
  test("DEL-61: a succession that all have signed is taken, and the place is the new keyholder's from then on", async () => {
    const client = server.client();
    const entries = async (value: Parameters<typeof formatEntry>[0]): Promise<string> =>
      await refusal(client.appendEntry(formatEntry(value)));
    const slots = Array.from({ length: 8 }, (_, i) => hex(seedOf(`succession ${i}`)));
    const succession = successionDocument(charter);
    const document = await signedSuccession(charter, succession);
    const unsigned_ = { ...document, signatures: document.signatures.slice(1) };
    expect(await entries({ type: "succession", document: unsigned_ })).toBe("entry-refused");
    expect(await entries({ type: "succession", document })).toBe("accepted");
    // From here on the place is the new keyholder's.
    const today = dayOf(server.now);
    const inPlace = batch(charter, keyholderIndex(2), today, slots, succession.keyholder.name);
    expect(await entries(inPlace)).toBe("accepted");
    expect(await entries(batch(charter, keyholderIndex(2), today, slots))).toBe("entry-refused");
    // A name that is taken.
    const again = await signedSuccession(charter, { ...succession, ground: "Once more" });
    expect(await entries({ type: "succession", document: again })).toBe("entry-refused");
  });
});

describe("a crash between notices and order", () => {
  test("NOT-16: the order goes on with the notices that it has, the day after too", async () => {
    const order = await half(server.now);
    const { log } = await server.client().health();
    const size = log?.size ?? 0;
    await server.supervisor.stop("server");
    const store = await LogStore.open(join(server.directory, "log"));
    await store.append(order.notices);
    await store.close();
    await server.run();
    expect((await server.client().health()).log?.size).toBe(size + order.notices.length);
    // Not a second set of notices, which would spoil the order for good; the day is that of the first.
    const { warrant, opening } = order;
    const { index } = await server.client().submitOrder({ warrant, opening });
    expect(index).toBe(size + order.notices.length);
    const [entry] = (await server.entries(index, index + 1)).map(parseEntry);
    expect(entry).toMatchObject({ type: "warrant", day: order.day, notices: order.hash });
  });
});

describe("a month's figures", () => {
  test("DEL-57, ENT-11: come when nothing of the month is secret any more", async () => {
    const months = async (): Promise<string[]> => {
      const { log } = await server.client().health();
      return (await server.entries(0, log?.size ?? 0))
        .map(parseEntry)
        .flatMap((entry) => (entry.type === "statistics" ? [entry.month] : []));
    };
    await server.tick(dayStart(parseDay("2026-11-01")) + 3600);
    await expect.poll(months).toEqual(["2026-10"]);
    await server.tick(dayStart(parseDay("2026-12-20")) + 3600);
    await expect.poll(months).toEqual(["2026-10", "2026-09", "2026-11"]);
  });
});

/** An order, and its notices as they would have been logged the day before. */
async function half(now: UnixSeconds) {
  const [person] = (await roomOf(server, 1, charter)) as [Person];
  const day = dayNumber(dayOf(now) - 1);
  const accounts = [{ account: person.account, person: "Alice", notice: person.noticeCard }];
  const document = await warrantDocument(charter, {
    statement: await statementOf(charter, [], { accounts }),
    accounts: [person.account],
    conversations: "all",
    firstDay: day,
    lastDay: day,
    issued: dayStart(day),
    expires: (now + 30 * 86_400) as UnixSeconds,
    disclosure: { kind: "notice-first" },
  });
  const bytes = await signedWarrant(charter, document);
  const opening = seedOf("opening of an order half logged");
  const verified = await verifyOrder({ warrant: bytes, others: null }, charter);
  const made = noticesOf(verified, opening, day, await periodKeys(charter, periodOf(day)));
  const notices = made.entries.map((one) => formatEntry(signIntake(one, seedOf("Intake"))));
  return { warrant: new TextDecoder().decode(bytes), opening, day, notices, hash: made.hash };
}
