import { mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CharterDocument, parseSignedDocument } from "@porchlight/charter";
import { type DayNumber, hex, periodOf, unixSeconds } from "@porchlight/encoding";
import { sealEvidence, verifyFiles } from "@porchlight/evidence";
import { type OtherSide, verifyWarrant } from "@porchlight/gate";
import { LIMITS, LogError, WireError } from "@porchlight/wire";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  keysDocument,
  onDay,
  publicKeyOf,
  seedOf,
  signedKeys,
  xwingOf,
} from "../../../vectors/fixture/deployment.ts";
import { type SealedFile, sealFile } from "../../evidence/test/attached.ts";
import { Authority, withoutOpenssl } from "../../evidence/test/authority.ts";
import { additionsOf } from "../src/additions.ts";
import { addAtKeyholders } from "../src/hand-in.ts";
import {
  Agency,
  Court,
  charterInWords,
  checkOrder,
  type Decision,
  fitsMessage,
  formatOrderFile,
  formatRequest,
  type LineObject,
  lineObjects,
  namesOf,
  type OrderFile,
  PartyError,
  planSending,
  readOrderFile,
  readRequest,
  type SendingWish,
  Service,
} from "../src/index.ts";
import { requestTimeStamp } from "../src/time-stamps.ts";
import { CONVERSATION, DAY, PLAIN, SERVICE_URL, World } from "./world.ts";

const FAST = { workFactor: 2 };
const TEXTS = PLAIN.flat().map(({ text }) => text);

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "parties-"));
});
afterEach(async () => await rm(home, { recursive: true, force: true }));

async function setUp(kind: "court" | "house" = "court", changes: Partial<CharterDocument> = {}) {
  const courts = [];
  for (const name of kind === "court" ? ["District Court"] : ["Works Counsel", "Head of Compliance"]) {
    courts.push(await Court.create(join(home, name), { name, title: "Judge" }, FAST));
  }
  const world = await World.open(
    courts.map(({ name, title, publicKey }) => ({ name, title, key: publicKey })),
    kind,
    changes,
  );
  const agency = await Agency.create(join(home, "agency"), { name: "Public Prosecutor" }, FAST);
  const open = async (directory: string): Promise<Service> =>
    await Service.open({ url: SERVICE_URL, directory: join(home, directory, "log"), fetch: world.fetch });
  return { world, agency, courts, court: courts[0] as Court, service: await open("service"), open };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

async function decide({ world, agency, service }: SetUp, changes: Partial<Decision> = {}): Promise<Decision> {
  const { request } = await agency.request(world.charter.id, {
    reference: "4 Gs 9/26",
    actHash: seedOf("act"),
  });
  return {
    request,
    statement: await world.statement(),
    accounts: [world.account],
    conversations: [CONVERSATION],
    firstDay: DAY,
    lastDay: DAY,
    legalBasis: world.charter.legalBases[0] as string,
    offenceCategory: world.charter.offenceCategories[0] as string,
    necessity: "Needed.",
    proportionality: "One day.",
    disclosure: { kind: "secret", until: (DAY + 30) as DayNumber, ground: "Evidence would be destroyed." },
    issued: service.now(),
    expires: onDay(DAY, 24 * 20),
    ...changes,
  };
}

async function handedIn(
  set: SetUp,
  changes: Partial<Decision> = {},
): Promise<OrderFile & { readonly index: number }> {
  const order = await set.court.submit(
    set.service,
    await set.court.issue(set.world.charter, await decide(set, changes)),
  );
  await set.court.handIn(set.service, order, { fetch: set.world.fetch });
  return order;
}

async function code(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return "done";
  } catch (error) {
    if (error instanceof PartyError || error instanceof WireError || error instanceof LogError)
      return error.code;
    throw error;
  }
}

test("from a request to evidence, and nothing readable on the way", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  const { orderId } = namesOf(order);
  const options = { fetch: world.fetch };
  expect(await agency.collect(service, order, options)).toMatchObject({ kind: "waiting", have: 0, need: 3 });
  for (const n of [5, 2]) world.release(orderId, n);
  expect(await agency.collect(service, order, options)).toMatchObject({ kind: "waiting", have: 2, need: 3 });
  world.release(orderId, 4);
  // EVI-30: a clock that is set back meanwhile takes no step back in the record.
  let ahead = 60;
  const stepping = await Service.open({
    url: SERVICE_URL,
    directory: join(home, "stepping", "log"),
    fetch: world.fetch,
    clock: { now: () => unixSeconds(world.time + ahead) },
  });
  // One that boasts holds nobody up: it is asked once, and answers when all others have given what they have.
  const asked: string[] = [];
  let othersAsked = (): void => {};
  const all = new Promise<void>((resolve) => {
    othersAsked = resolve;
  });
  const boasting: typeof fetch = async (input, init) => {
    const { host, pathname } = new URL(String(input));
    if (pathname.includes("/bundles/")) asked.push(`${host.slice(0, 11)} ${pathname.split("/").at(-1)}`);
    if (asked.length === 4) othersAsked();
    if (!host.startsWith("keyholder-1.")) return await world.fetch(input, init);
    if (!pathname.includes("/bundles/")) return Response.json({ state: "released", releases: 1_000_000 });
    await all;
    ahead = 0;
    throw new TypeError("no answer");
  };
  const collected = await agency.collect(stepping, order, { fetch: boasting });
  if (collected.kind !== "opened") throw new Error(collected.kind);
  expect(asked.sort()).toEqual(["keyholder-1 0", "keyholder-2 0", "keyholder-4 0", "keyholder-5 0"]);
  expect(collected.opened.messages.map(({ text, from }) => [from, text])).toEqual(
    TEXTS.map((text) => ["merry-ram", text]),
  );
  expect(collected.opened.releases.map(({ keyholder }) => keyholder)).toEqual([2, 4, 5]);
  const sealed = new Uint8Array(await readFile(collected.path as string));
  const files = await agency.unseal(sealed);
  expect(await verifyFiles(files, { charter: world.charter.id })).toMatchObject({ kind: "verified" });
  // A second agency's directory opens neither the release nor the package.
  const other = await Agency.create(join(home, "other"), { name: "Public Prosecutor" }, FAST);
  expect(await code(other.collect(service, order, options))).toBe("request-unknown");
  await expect(other.unseal(sealed)).rejects.toThrow(/cannot-decrypt/);
  // Court and agency keep no text in the clear: what they store is sealed.
  for (const file of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const bytes = await readFile(join(file.parentPath, file.name));
    for (const text of TEXTS) expect(bytes.includes(text), file.name).toBe(false);
  }
});

test("BUN-6: shares of before and after a refresh are never combined; t of one generation open", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  const { orderId } = namesOf(order);
  for (const n of [1, 2]) world.release(orderId, n);
  const document = await signedKeys(keysDocument(world.charter, periodOf(DAY), 2));
  world.append({ type: "keys", document });
  for (const n of [3, 4]) world.release(orderId, n, { generation: 2 });
  expect(await agency.collect(service, order, { fetch: world.fetch })).toMatchObject({
    kind: "waiting",
    have: 2,
    blamed: [],
  });
  world.release(orderId, 5, { generation: 2 });
  const collected = await agency.collect(service, order, { fetch: world.fetch });
  expect(collected).toMatchObject({ kind: "opened", blamed: [] });
});

test("a keyholder whose release does not hold is blamed and left out, and the others suffice", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  const { orderId } = namesOf(order);
  world.release(orderId, 1, {
    alter: (partial) => {
      // Another partial's last point: well formed, and wrong.
      const altered = partial.slice();
      altered.set(partial.subarray(0, 48), 144);
      return altered;
    },
  });
  for (const n of [2, 3]) world.release(orderId, n);
  expect(await agency.collect(service, order, { fetch: world.fetch })).toMatchObject({
    kind: "waiting",
    have: 2,
    blamed: [1],
  });
  world.release(orderId, 4, { requesterKey: xwingOf("someone else") });
  expect(await agency.collect(service, order, { fetch: world.fetch })).toMatchObject({
    kind: "waiting",
    blamed: [1, 4],
  });
  world.release(orderId, 5);
  const collected = await agency.collect(service, order, { fetch: world.fetch });
  if (collected.kind !== "opened") throw new Error(collected.kind);
  expect(collected.blamed).toEqual([1, 4]);
  expect(collected.opened.releases.map(({ keyholder }) => keyholder)).toEqual([2, 3, 5]);
});

test("KEY-32, WAR-22: however much is added, each request fits, has its own word, and a keyholder that is full gets no more", async () => {
  const { world } = await setUp();
  const orderId = "ab".repeat(32);
  const side = (n: number, members: number): OtherSide => ({
    header: new Uint8Array(600).fill(n),
    inner: seedOf(`inner ${n}`),
    outer: seedOf("outer"),
    signature: new Uint8Array(64),
    members: Array.from({ length: members }, (_, i) => hex(seedOf(`${i}`)) as never),
  });
  const conversations = Array.from({ length: 1500 }, (_, i) => hex(seedOf(`${i}`)) as never);
  const sides = [side(0, 500), ...Array.from({ length: 2500 }, (_, n) => side(n, 2)), side(1, 10_000)];
  const additions = additionsOf(conversations, sides);
  expect(additions.flatMap((one) => one.conversations)).toEqual(conversations);
  expect(additions.flatMap(({ otherSides }) => otherSides)).toEqual(sides);
  expect(additionsOf([], [])).toEqual([]);
  const taken = new Map<string, number>();
  const requests = additions.map(({ conversations, otherSides }) => ({
    conversations: [...conversations],
    otherSides: otherSides.map((one) => ({ ...one, members: [...one.members] })),
    word: new Uint8Array(80),
  }));
  const [first, ...others] = requests as [(typeof requests)[0], ...typeof requests];
  const answers = await addAtKeyholders(world.charter, orderId, [first, ...others], {
    fetch: async (input, init) => {
      expect(((init?.body ?? new Uint8Array()) as Uint8Array).length).toBeLessThan(LIMITS.keyholderRequest);
      const { host } = new URL(String(input));
      const count = (taken.get(host) ?? 0) + 1;
      taken.set(host, count);
      return host.startsWith("keyholder-2.") && count === 2
        ? Response.json({ code: "busy", message: "tomorrow" }, { status: 429 })
        : Response.json({ state: "approved", releases: count });
    },
  });
  expect([...taken.values()]).toEqual([0, 2, 0, 0, 0].map((most) => most || additions.length));
  expect(answers.map(({ answer }) => answer.state)).toEqual([
    "approved",
    "unreachable",
    ...["approved", "approved", "approved"],
  ]);
});

test("keyholders that do not answer or refuse are shown as what they are, and hold up nothing", async () => {
  const set = await setUp();
  const { world, court, service } = set;
  world.silent.add(3);
  const order = await handedIn(set);
  const { orderId } = namesOf(order);
  world.say(2, orderId, { state: "refused", code: "cap-days", reason: "Too many days.", rule: "GATE-14" });
  const status = await court.status(service, order, { fetch: world.fetch });
  expect(status.keyholders.map(({ answer }) => answer.state)).toEqual([
    "awaiting-approval",
    "refused",
    "unreachable",
    "awaiting-approval",
    "awaiting-approval",
  ]);
  expect(status).toMatchObject({ index: order.index, revokedAt: null });
});

test("nothing is opened under a revoked order", async () => {
  const set = await setUp();
  const { world, agency, court, service } = set;
  const order = await handedIn(set);
  for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n);
  await court.revoke(service, order, "The suspicion was unfounded.", service.now());
  await service.update();
  expect(await code(agency.collect(service, order, { fetch: world.fetch }))).toBe("order-revoked");
});

test("a provider that delivers something else than was asked for is refused", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n);
  world.deliver = (material) => ({ ...material, day: DAY + 1 });
  expect(await code(agency.collect(service, order, { fetch: world.fetch }))).toBe("answer-malformed");
});

test("DEL-73: what does not fit into one answer comes in several, and makes the same package", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n);
  const lines = async (): Promise<string> => {
    const collected = await agency.collect(service, order, { fetch: world.fetch });
    if (collected.kind !== "opened") throw new Error(collected.kind);
    return new TextDecoder().decode(collected.files.get("data/messages.jsonl"));
  };
  const whole = await lines();
  expect(world.answers).toBe(1);
  world.messagesAnAnswer = 1;
  expect(await lines()).toBe(whole);
  expect(world.answers).toBeGreaterThan(3);
  // A provider that never gets on is not asked for ever.
  world.deliver = (material) => ({ ...material, messages: [], complete: false });
  expect(await code(agency.collect(service, order, { fetch: world.fetch }))).toBe("answer-malformed");
});

test("EVI-43: collecting again replaces nothing, and says what the provider gave before and gives no more", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n);
  const file = await sealFile("kept", new Uint8Array(10));
  world.stored.set(file.reference.id, file.ciphertext);
  world.written = [[{ at: "2026-09-14T08:00:00Z", text: "with a file", attachments: [file.reference] }]];
  const collect = async () => {
    const collected = await agency.collect(service, order, { fetch: world.fetch });
    if (collected.kind !== "opened") throw new Error(collected.kind);
    return collected;
  };
  const first = await collect();
  // What an earlier version of this tool wrote has its place too.
  const folder = await agency.evidenceFolder(order);
  await rm(join(folder, "evidence.age"));
  await rename(first.path, join(folder, "evidence.age"));
  world.stored.clear();
  expect((await collect()).lacking).toEqual({ stored: 0, files: 1 });
  world.deliver = (material) => ({ ...material, envelopes: [], messages: [], complete: true });
  const last = await collect();
  expect(last.opened.messages).toEqual([]);
  expect(last.lacking).toEqual({ stored: 2, files: 1 });
  const kept = await agency.packages(order);
  expect(kept.map(({ number }) => number)).toEqual([1, 2, 3]);
  const bytes = await Promise.all(kept.map(async ({ path }) => new Uint8Array(await readFile(path))));
  expect([bytes[0], bytes[2]]).toEqual([first.sealed, last.sealed]);
  expect(await readlink(join(folder, "evidence.age"))).toBe("evidence-3.age");
  // What others read alone cannot be compared here, and is kept all the same.
  const recipient = await identityToRecipient(await generateHybridIdentity());
  await writeFile(join(folder, "evidence-4.age"), await sealEvidence(first.files, [recipient], world.time));
  expect(await collect()).toMatchObject({ lacking: null, path: join(folder, "evidence-5.age") });
});

test("EVI-29, ATT-25: files that messages name are in the package, and whatever a sender or the provider did to them stops nothing", async () => {
  const set = await setUp();
  const { world, agency, service } = set;
  const order = await handedIn(set);
  for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n);
  const files = await Promise.all(
    ["kept", "gone", "foreign", "tomorrow", "altered", "cut", "swapped"].map((name) =>
      sealFile(name, new Uint8Array(1_100_000).fill(name.length)),
    ),
  );
  const [kept, , foreign, tomorrow, altered, cut, swapped] = files;
  const store = (file: SealedFile | undefined, what: Uint8Array | string): void =>
    void world.stored.set(file?.reference.id ?? "", what);
  store(kept, kept?.ciphertext ?? "");
  store(foreign, "out-of-scope");
  store(tomorrow, "day-not-over");
  store(
    altered,
    (altered?.ciphertext ?? new Uint8Array()).map((byte, i) => (i === 1_050_000 ? byte ^ 1 : byte)),
  );
  store(cut, (cut?.ciphertext ?? new Uint8Array()).slice(0, 1_048_576));
  store(swapped, kept?.ciphertext ?? "");
  const attachments = files.map(({ reference }) => reference);
  world.written = [[{ at: "2026-09-14T08:00:00Z", text: "all of them", attachments }]];
  const collected = await agency.collect(service, order, { fetch: world.fetch });
  if (collected.kind !== "opened") throw new Error(collected.kind);
  const { messages } = JSON.parse(new TextDecoder().decode(collected.files.get("data/report.json"))) as {
    messages: { attachments: { name: string; state: string; file?: string }[] }[];
  };
  const named = messages[0]?.attachments ?? [];
  expect(named.map(({ name, state }) => [name, state])).toEqual([
    ["kept", "held"],
    ["gone", "gone"],
    ["foreign", "out-of-scope"],
    ["tomorrow", "out-of-scope"],
    ["altered", "altered"],
    ["cut", "altered"],
    ["swapped", "altered"],
  ]);
  expect(collected.files.get(named[0]?.file ?? "")).toEqual(kept?.content);
  expect(await verifyFiles(collected.files, { charter: world.charter.id })).toMatchObject({
    kind: "verified",
  });
  const custody = new TextDecoder().decode(collected.files.get("data/custody.jsonl"));
  expect(custody.match(/"attachment-received"/g)?.length).toBe(1);
  expect(custody.match(/"attachment-missing"/g)?.length).toBe(6);
  // A provider that gives nothing any more is no missing file.
  store(kept, "revoked");
  expect(await code(agency.collect(service, order, { fetch: world.fetch }))).toBe("refused");
});

const missing = withoutOpenssl();
if (missing !== null) console.log(`skipped: ${missing}`);
test.skipIf(missing !== null)(
  "EVI-74: a package is stamped where an authority answers, is whole where it does not, and can be stamped later",
  async () => {
    const set = await setUp();
    const { world, agency, service } = set;
    const order = await handedIn(set);
    for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n);
    const tsa = new Authority(join(home, "tsa"), { key: "ec" });
    type Answer = { status?: number; type?: string; body: Uint8Array };
    let answer = (body: Uint8Array): Answer => ({ body });
    const server = await tsa.serve((body) => answer(body));
    const { url } = server;
    const options = {
      fetch: async (input: string | URL | Request, init?: RequestInit) =>
        await (String(input) === url ? fetch(input, init) : world.fetch(input, init)),
    };
    const collect = async () => {
      const collected = await agency.collect(service, order, options);
      if (collected.kind !== "opened") throw new Error(collected.kind);
      return collected;
    };
    try {
      expect(await code(agency.stamp(order, options))).toBe("not-collected");
      expect(await code(agency.useTimeStamps({ url: "ftp://tsa.example", anchors: tsa.root }))).toBe(
        "time-stamps-invalid",
      );
      expect(await code(agency.useTimeStamps({ url, anchors: "no certificate" }))).toBe(
        "time-stamps-invalid",
      );
      const other = new Authority(join(home, "other tsa"), { key: "ec" });
      const refusals: [(body: Uint8Array) => Answer, string, RegExp][] = [
        [(body) => ({ body, status: 503 }), tsa.root, /answered 503/],
        [(body) => ({ body, type: "text/html" }), tsa.root, /no answer of a time stamp authority/],
        [() => ({ body: new Uint8Array(100_000) }), tsa.root, /too long/],
        [(body) => ({ body }), other.root, /no authority that is trusted/],
        // An answer that was recorded before.
        [
          () => ({ body: tsa.reply(server.asked[0] as Uint8Array) }),
          tsa.root,
          /something else|another request/,
        ],
      ];
      for (const [says, anchors, why] of refusals) {
        answer = says;
        expect(await requestTimeStamp({ url, anchors }, seedOf("digest"))).toMatchObject({
          kind: "not-stamped",
          why: expect.stringMatching(why) as string,
        });
      }
      await server.close();
      await agency.useTimeStamps({ url, anchors: tsa.root });
      const { files, stamped } = await collect();
      expect(stamped).toEqual({ kind: "not-stamped", why: "the authority cannot be reached" });
      expect(await verifyFiles(files)).toMatchObject({ kind: "verified", timeStamp: null });
    } finally {
      await server.close();
    }
    const again = await tsa.serve();
    try {
      await agency.useTimeStamps({ url: again.url, anchors: tsa.root });
      // A collection that ends while the authority thinks is not lost to the older package that is being stamped.
      const meanwhile = new Map<string, Uint8Array>();
      const stamping = agency.stamp(order, {
        fetch: async (input, init) => {
          if (meanwhile.size === 0) {
            const { path, sealed } = await collect();
            meanwhile.set(path, sealed);
          }
          return await fetch(input, init);
        },
      });
      expect(await stamping).toMatchObject({ kind: "stamped", authority: "O=Test, CN=tsa" });
      const [[path, kept] = []] = meanwhile;
      expect(new Uint8Array(await readFile(path ?? ""))).toEqual(kept);
      expect(await agency.packages(order)).toMatchObject([{ number: 1 }, { number: 2, path }]);
      expect(await code(agency.stamp(order, { number: 1 }))).toBe("stamped-already");
      const sealed = await readFile(join(await agency.evidenceFolder(order), "evidence-1.age"));
      // Another authority from now on: what this one stamped holds as before.
      const other = new Authority(join(home, "next tsa"), { key: "ec" });
      await agency.useTimeStamps({ url: again.url, anchors: other.root });
      await agency.useTimeStamps({ url: again.url, anchors: other.root });
      const timeAnchors = (await agency.timeAnchors()) ?? [];
      expect(timeAnchors.length).toBe(2);
      expect(await verifyFiles(await agency.unseal(sealed), { timeAnchors })).toMatchObject({
        kind: "verified",
        timeStamp: { trusted: true },
      });
      expect(await agency.timeStamps()).toEqual({ url: again.url, anchors: other.root });
    } finally {
      await again.close();
    }
  },
);

test("an order over all conversations: the requester alone learns which, and hands them in", async () => {
  const set = await setUp();
  const { world, agency, court, service } = set;
  const issued = await court.issue(world.charter, await decide(set, { conversations: "all" }));
  const order = await court.submit(service, issued);
  expect(await agency.conversations(service, order)).toEqual([CONVERSATION]);
  expect((await agency.handIn(service, order, { fetch: world.fetch })).length).toBe(5);
  // KEY-32: once more each day while an order goes on, under the requester's own word; one that is down holds up nobody.
  world.silent.add(2);
  const answers = await agency.handOn(service, order, { fetch: world.fetch });
  world.silent.clear();
  expect(answers.map(({ answer }) => answer.state)).toEqual([
    "awaiting-approval",
    "unreachable",
    "awaiting-approval",
    "awaiting-approval",
    "awaiting-approval",
  ]);
  const given = [1, 3, 4, 5].map((keyholder) => ({ keyholder, conversations: [CONVERSATION] }));
  expect(world.further.sort((a, b) => a.keyholder - b.keyholder)).toEqual(given);
  for (const n of [1, 2, 3]) world.release(namesOf(order).orderId, n, { conversations: [CONVERSATION] });
  const collected = await agency.collect(service, order, { fetch: world.fetch });
  expect(collected).toMatchObject({ kind: "opened" });
});

test("a court refuses to sign what every keyholder would refuse, with the rule's own sentence", async () => {
  const set = await setUp();
  const { world, court } = set;
  const decision = await decide(set);
  const refused = async (changes: Partial<Decision>): Promise<string> => {
    try {
      await court.issue(world.charter, { ...decision, ...changes });
      return "signed";
    } catch (error) {
      if (error instanceof PartyError) return error.message;
      throw error;
    }
  };
  expect(await refused({})).toBe("signed");
  expect(await refused({ offenceCategory: "curiosity" })).toMatch(/category.*WAR-8/);
  expect(await refused({ firstDay: (DAY - 60) as DayNumber })).toMatch(/GATE-/);
  expect(await refused({ accounts: ["ab".repeat(32) as never] })).toMatch(/WAR-11/);
  const stranger = await Court.create(
    join(home, "stranger"),
    { name: "District Court", title: "Judge" },
    FAST,
  );
  expect(await code(stranger.issue(world.charter, decision))).toBe("issuer-unknown");
});

test("a house's hold order counts when two persons signed, and cannot be changed once it is logged", async () => {
  const set = await setUp("house");
  const { world, courts, service } = set;
  const [first, second] = courts as [Court, Court];
  const draft = await first.issue(world.charter, await decide(set));
  await expect(checkOrder(draft, world.charter, service.now())).rejects.toThrow(/WAR-6/);
  const order = await second.countersign(world.charter, draft);
  expect((await verifyWarrant(order.warrant, world.charter)).signers.size).toBe(2);
  expect(hex(order.opening)).not.toBe(hex(draft.opening));
  const logged = await first.submit(service, order);
  expect(await code(second.countersign(world.charter, logged))).toBe("order-refused");
});

test("requests and orders survive as files; a request whose proof is for another reference is refused", async () => {
  const set = await setUp();
  const { agency, world } = set;
  const { request, path } = await agency.request(world.charter.id, {
    reference: "A 1",
    actHash: seedOf("act"),
  });
  expect(readRequest(new Uint8Array(await readFile(path)))).toEqual(request);
  await expect(async () => readRequest(formatRequest({ ...request, reference: "A 2" }))).rejects.toThrow(
    /proven/,
  );
  const again = await agency.request(world.charter.id, { reference: "A 1", actHash: seedOf("act") });
  expect(again.request.requester.point).not.toEqual(request.requester.point);
  const order = await set.court.issue(world.charter, await decide(set));
  expect(readOrderFile(formatOrderFile(order))).toEqual(order);
  parseSignedDocument(order.warrant);
});

test("a party's directory opens for its own kind only, and is made once", async () => {
  await Court.create(join(home, "court"), { name: "Court", title: "Judge" }, FAST);
  expect(await code(Agency.open(join(home, "court")))).toBe("not-this-party");
  expect(await code(Court.open(join(home, "nothing")))).toBe("not-this-party");
  expect(await code(Court.create(join(home, "court"), { name: "Court", title: "Judge" }, FAST))).toBe(
    "exists",
  );
  const key = (await Court.open(join(home, "court"))).publicKey;
  expect((await Court.open(join(home, "court"))).publicKey).toEqual(key);
});

test("a service is relied on only as far as its log goes: pinned charter, no rollback, no fork", async () => {
  const set = await setUp();
  const { world, open } = set;
  expect(
    await code(
      Service.open({
        url: SERVICE_URL,
        directory: join(home, "x"),
        fetch: world.fetch,
        charter: "0".repeat(64) as never,
      }),
    ),
  ).toBe("charter-unknown");
  await open("watcher");
  const kept = [...world.entries];
  world.entries.length = 0;
  world.append(...kept.slice(0, 1));
  expect(await code(open("watcher"))).toBe("rollback");
  world.entries.length = 0;
  world.append(...kept, kept[0] as never);
  await open("watcher");
  world.entries.length = 0;
  world.append(...kept, kept[1] as never);
  expect(await code(open("watcher"))).toBe("fork");
});

test("where the clock is real, a log that was not renewed for a day is not relied on", async () => {
  const court = await Court.create(join(home, "court"), { name: "District Court", title: "Judge" }, FAST);
  const issuer = { name: court.name, title: court.title, key: court.publicKey };
  const world = await World.open([issuer], "court", { clock: "system" });
  const after = async (seconds: number): Promise<Service> =>
    await Service.open({
      url: SERVICE_URL,
      directory: join(home, `after-${seconds}`, "log"),
      fetch: world.fetch,
      clock: { now: () => unixSeconds(world.time + seconds) },
    });
  await after(86_000);
  expect(await code(after(87_000))).toBe("log-stale");
});

test("keys of a period that the log does not have are said to be missing, and found when they come", async () => {
  const { service, world } = await setUp();
  expect(await code(service.keys("2026-10" as never))).toBe("charter-unknown");
  const { keysDocument, signedKeys } = await import("../../../vectors/fixture/deployment.ts");
  world.append({ type: "keys", document: await signedKeys(keysDocument(world.charter, "2026-10" as never)) });
  await service.update();
  expect((await service.keys("2026-10" as never)).keys.period).toBe("2026-10");
});

test("the charter in words names every keyholder and warns where one power could open alone", async () => {
  const { world } = await setUp();
  const { rows, warnings } = charterInWords(world.charter);
  expect(rows[0]?.text).toContain("Any 3 of these 5 keyholders");
  for (const { name } of world.charter.keyholders) expect(rows[0]?.text).toContain(name);
  expect(warnings.join()).toContain("key escrow");
  expect(warnings.join()).not.toContain("enough to open everything alone");
  const keyholders = world.charter.keyholders.map((one) => ({ ...one, owner: "One Owner" }));
  expect(charterInWords({ ...world.charter, keyholders }).warnings.join()).toContain(
    "5 keyholders belong to One Owner",
  );
});

test("an issuer's key can stay in a token: a program signs, and what it gives is verified before it is believed", async () => {
  const script = join(home, "token.mjs");
  // Stands where a PKCS#11 tool would: the key is the program's own, bytes come in, 64 bytes go out.
  await writeFile(
    script,
    `import { createPrivateKey, sign } from "node:crypto";
const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from("${hex(seedOf("token"))}", "hex")]);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const input = process.argv[2] === "lie" ? Buffer.from("another text") : Buffer.concat(chunks);
if (process.argv[2] === "fail") process.exit(3);
process.stdout.write(sign(null, input, createPrivateKey({ key: der, format: "der", type: "pkcs8" })));
`,
  );
  const at = async (name: string, ...words: string[]): Promise<Court> => {
    const signCommand = [process.execPath, script, ...words] as const;
    const token = { publicKey: publicKeyOf("token"), signCommand };
    await Court.create(join(home, name), { name: "District Court", title: "Judge", token }, FAST);
    return await Court.open(join(home, name));
  };
  const court = await at("token");
  expect(await readdir(join(home, "token", "secrets")).catch(() => [])).not.toContain("issuer-key.age");
  const { name, title, publicKey } = court;
  const world = await World.open([{ name, title, key: publicKey }]);
  const service = await Service.open({ url: SERVICE_URL, directory: join(home, "log"), fetch: world.fetch });
  const agency = await Agency.create(join(home, "agency"), { name: "Public Prosecutor" }, FAST);
  const decision = await decide({ world, agency, service } as unknown as SetUp);
  const order = await court.issue(world.charter, decision);
  expect((await verifyWarrant(order.warrant, world.charter)).signers).toEqual(new Set([name]));
  for (const word of ["lie", "fail"]) {
    expect(await code((await at(word, word)).issue(world.charter, decision))).toBe("signer-failed");
  }
});

test("HI1-28, DESK-14: what the provider refuses as too long is found out before it is sent", () => {
  const own = { CountryCode: "XX", UniqueIdentifier: "AGENCY" };
  const provider = { CountryCode: "XX", UniqueIdentifier: "PROVIDER" };
  const line = { own, provider, owner: "porchlight", version: "1", seed: new Uint8Array(32) };
  const fits = (reference: string, names: readonly string[]): readonly boolean[] =>
    planSending(
      line,
      {
        ...{ reference, legalBasis: "a", offenceCategory: "b", isEmergency: false },
        ...{ days: { first: "2026-03-01", last: "2026-03-01" }, order: null, preserve: null },
        targets: { accounts: [], names, conversations: [] },
        tasks: ["SubscriberData"],
        act: { contentType: "application/pdf", checksum: "ab".repeat(32), isWhole: true },
      },
      [],
    ).parts.map(fitsMessage);
  const many = (count: number) => Array.from({ length: count }, (_, i) => `${i}${"y".repeat(65_000)}`);
  expect(fits("4".repeat(200), many(7))).toEqual([true, true, true]);
  expect(fits("4".repeat(200), many(9))).toEqual([true, true, false]);
  expect(fits("4".repeat(201), many(1))).toEqual([false, true, true]);
});

test("HI1-24, DESK-14: an act whose hash alone the provider has is planned whole, and one that it has is not sent twice", () => {
  const own = { CountryCode: "XX", UniqueIdentifier: "AGENCY" };
  const provider = { CountryCode: "XX", UniqueIdentifier: "PROVIDER" };
  const line = { own, provider, owner: "porchlight", version: "1", seed: new Uint8Array(32) };
  const checksum = "ab".repeat(32);
  const wish = (isWhole: boolean): SendingWish => ({
    ...{ reference: "5 Js 9/26", legalBasis: "a", offenceCategory: "b", isEmergency: false },
    ...{ days: { first: "2026-03-01", last: "2026-03-01" }, order: null, preserve: null },
    targets: { accounts: [], names: ["Ada Byron"], conversations: [] },
    tasks: ["SubscriberData"],
    act: { contentType: "application/pdf", checksum, isWhole },
  });
  // Taken: before it is, an object has no state.
  const planned = (isWhole: boolean, known: readonly LineObject[]): readonly LineObject[] =>
    lineObjects(planSending(line, wish(isWhole), known).parts.map((part) => ({ ...part, made: null }))).map(
      (one) => ({ ...one, isOver: false }),
    );
  const kindsOf = (objects: readonly LineObject[]) => objects.map(({ what, isWhole }) => [what, isWhole]);
  const hashed = planned(false, []);
  expect(kindsOf(hashed)).toEqual([
    ["Authorisation", null],
    ["OriginalAct", false],
    ["SubscriberData", null],
  ]);
  expect(kindsOf(planned(false, hashed))).toEqual([]);
  const whole = planned(true, hashed);
  expect(kindsOf(whole)).toEqual([["OriginalAct", true]]);
  expect(whole[0]?.belongsTo).toEqual([hashed[0]?.id]);
  for (const isWhole of [false, true]) expect(planned(isWhole, [...hashed, ...whole])).toEqual([]);
});
