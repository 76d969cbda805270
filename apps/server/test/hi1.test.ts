// Orders between authorities and a real server: registered keys, the officer's acts, the log (spec/hi1.md).
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  type Charter,
  formatEntry,
  formatPreservation,
  formatSignedDocument,
  parseEntry,
  parseRegistration,
  preservationCommitment,
  readSignedDocument,
  signDocument,
  verifyStatement,
} from "@porchlight/charter";
import {
  base64,
  dayNumber,
  dayOf,
  formatDay,
  fromUtf8,
  type Json,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { formatDirection, orderIdOf } from "@porchlight/gate";
import {
  type ActionResponse,
  type Hi1Object,
  MAX_CONTENTS_BYTES,
  parseMessage,
  referenceOf,
  refusal,
  signedMessage,
  wishFor,
} from "@porchlight/hi1";
import {
  Agency,
  askProvider,
  authorisationOf,
  createAtProvider,
  documentOf,
  fitsMessage,
  isUnfinished,
  keepOrder,
  LineRecords,
  type ProviderLine,
  planSending,
  preservationTaskOf,
  progressOf,
  type Sending,
  Sendings,
  Service,
  taskOf,
} from "@porchlight/parties";
import { orderRequest, type ServerClient } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { openAgency } from "../../../packages/desk/src/agency/desk.ts";
import { linePage } from "../../../packages/desk/src/agency/line-page.ts";
import { openOfficer } from "../../../packages/desk/src/officer/desk.ts";
import { serveDesk } from "../../../packages/desk/src/shell/serve.ts";
import { DeskClient, signedIn } from "../../../packages/desk/test/desk-client.ts";
import { etsiErrors, etsiMissing } from "../../../packages/hi1/test/etsi.ts";
import { NOTHING } from "../../../packages/markup/src/html.ts";
import {
  COURT,
  charterDocument,
  charterOf,
  publicKeyOf,
  seedOf,
  signedCharter,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import { signedWarrant, statementOf, warrantDocument } from "../../../vectors/fixture/order.ts";
import { AtRest } from "../src/hi1/at-rest.ts";
import { brief } from "../src/hi1/files.ts";
import { loadIdentity } from "../src/identity.ts";
import { DAY, TestServer } from "./deployment.ts";
import { type Person, roomOf } from "./people.ts";

const home = mkdtempSync(join(tmpdir(), "hi1-test-"));
const PROVIDER = { CountryCode: "XX", UniqueIdentifier: "PROVIDER" };
const AGENCY = { CountryCode: "XX", UniqueIdentifier: "AGENCY" };
const line: ProviderLine = {
  own: AGENCY,
  provider: PROVIDER,
  owner: "porchlight",
  version: "1",
  seed: seedOf("Agency endpoint"),
};
const OTHER: ProviderLine = {
  ...line,
  own: { CountryCode: "XX", UniqueIdentifier: "OTHER" },
  seed: seedOf("Other endpoint"),
};
const act = utf8("%PDF-1.7 the court's act");
const actHash = createHash("sha256").update(act).digest("hex");
const days = { first: formatDay(DAY), last: formatDay(DAY) };

/** What nobody may take for markup. */
const EVIL = "<img src=x onerror=alert(1)>";

let server: TestServer;
let charter: Charter;
let agency: Agency;
let people: Person[];
let service: Service;
/** Every message that went either way, for ETSI's schema. */
const sentAndGiven: Uint8Array[] = [];
const answers: Uint8Array[] = [];

beforeAll(async () => {
  server = await TestServer.start({}, { hi1: { country: "XX", endpoint: "PROVIDER" } });
  charter = await server.charter();
  await server.keys(charter);
  people = await roomOf(server, 2, charter);
  for (const [i, person] of people.entries()) {
    await server.admin("bind-person", {
      account: person.account,
      person: ["Ada Byron", "Bob Reed"][i] as string,
    });
    await person.client.submit(person.conversation, [person.envelope(), await person.message("written")]);
  }
  service = await Service.open({ url: server.url, directory: home, charter: charter.id });
  const about = { name: "agency", url: server.url, charter: charter.id };
  agency = await Agency.create(join(home, "agency"), about, { workFactor: 2 });
  const taken = service.server.hi1.bind(service.server);
  (service.server as { hi1: ServerClient["hi1"] }).hi1 = async (message) => {
    const answer = await taken(message);
    answers.push(answer);
    sentAndGiven.push(message, answer);
    return answer;
  };
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

const admin = async <T = Record<string, Json>>(command: string, members: object = {}): Promise<T> =>
  (await server.admin(command, members as never)) as T;
const create = (HI1Object: unknown): object => ({ CREATE: { HI1Object } });
const ask = async (
  actions: readonly object[],
  by: ProviderLine = line,
): Promise<readonly ActionResponse[]> => {
  await service.update();
  return await askProvider(service, by, actions);
};
const codes = (responses: readonly ActionResponse[]): (number | null)[] =>
  responses.map((one) => ("ErrorInformation" in one ? one.ErrorInformation.ErrorCode : null));
const failureOf = (answer: Uint8Array): number | null => {
  const { payload } = parseMessage(answer);
  return payload.kind === "failure" ? payload.failure.ErrorCode : null;
};

type Shown = {
  id: string;
  status: string;
  generation: number;
  deadline: number | null;
  received: number;
  checks: { code: string; isMet: boolean }[];
  acts: string[];
  extent: Record<string, number> | null;
  custody: { act: string; by: string; digest: string }[];
  logged: { index: number | null } | null;
  preservations: { commitment: string }[];
  asked: { term: string; text: string }[];
  isEmergency: boolean;
};
const shown = async (id: string): Promise<Shown> => await admin<Shown>("hi1-show", { id });
async function decide(id: string, what: string, more: object = {}): Promise<unknown> {
  const { generation } = await shown(id);
  return await admin("hi1-decide", { id, generation, act: what, by: "Officer Vale", ...more });
}
type Got = Record<string, unknown>;
async function get(Identifier: string): Promise<Got> {
  const [got] = await ask([{ GET: { Identifier } }]);
  return (got as unknown as { GETResponse: { HI1Object: Got } }).GETResponse.HI1Object;
}
async function statusOf(id: string): Promise<string> {
  const object = await get(id);
  const isStatus = /^(?:auth:Authorisation|task:|doc:Document|delivery:Delivery)Status$/;
  const [, status] = Object.entries(object).find(([name]) => isStatus.test(name)) ?? [];
  return (status as { "common:Value": string } | undefined)?.["common:Value"] ?? "";
}

/** A signed order of the court over the account's day, as an authority sends it. */
async function warrantUnder(authorisation: string, opening: string, changes: object = {}, under = charter) {
  const accounts = [{ account: account(), person: "Ada Byron", notice: (people[0] as Person).noticeCard }];
  const document = await warrantDocument(under, {
    statement: await statementOf(under, [], { accounts }),
    accounts: [account()],
    conversations: "all",
    firstDay: DAY,
    lastDay: DAY,
    issued: server.now,
    expires: (server.now + 30 * 86_400) as never,
    actHash: Uint8Array.from(Buffer.from(actHash, "hex")),
    ...changes,
  });
  const value = { warrant: fromUtf8(await signedWarrant(under, document)), opening: seedOf(opening) };
  const contents = utf8(JSON.stringify(z.encode(orderRequest, value)));
  const checksum = createHash("sha256").update(contents).digest("hex");
  const about = { type: "Warrant", contentType: "application/json", checksum, contents } as const;
  return { document, warrant: documentOf(line, authorisation, about) };
}

async function revoke(commitment: string, reference: string, opening: string): Promise<void> {
  const revocation = {
    kind: "revocation" as const,
    charter: charter.id,
    commitment: commitment as never,
    reference,
    at: server.now,
    ground: "Withdrawn.",
  };
  const signed = await signDocument("revocation", formatDirection(revocation), [signerOf(COURT)]);
  await server.client().directOrder(orderIdOf(seedOf(opening)), "revocation", signed);
}

async function draftOf(endpoint: string, key: Uint8Array): Promise<{ id: string; draft: string }> {
  const { id } = await admin<{ id: string }>("hi1-register", { country: "XX", endpoint, key: base64(key) });
  const call = {
    by: "Officer Vale",
    number: "+99 30 5550100",
    found: "the printed directory",
    words: "<b>He</b> read it out.",
  };
  const until = formatDay(dayNumber(dayOf(server.now) + 40));
  const { draft } = await admin<{ draft: string }>("hi1-call-back", { id, ...call, until });
  return { id, draft };
}
const registered = async (draft: string, signer = COURT) =>
  await signDocument("registration", utf8(draft), [signerOf(signer)]);
async function register(
  by: ProviderLine,
  key = publicKeyOf(`${by === line ? "Agency" : "Other"} endpoint`),
): Promise<string> {
  const { id, draft } = await draftOf(by.own.UniqueIdentifier, key);
  const { commitment } = await admin<{ commitment: string }>("hi1-complete", {
    id,
    document: await registered(draft),
  });
  const { size } = await admin<{ size: number }>("status");
  await server.client().waitForCheckpoint(size, { since: server.now, wait: 60 });
  expect(commitment).toMatch(/^[0-9a-f]{64}$/);
  return id;
}

const account = () => (people[0] as Person).account;
/** CHA-20, DEL-71: the desk's pages of the provider's statement. */
async function statesWhose(client: Awaited<ReturnType<typeof signedIn>>): Promise<void> {
  const about = "4 Gs 217/26, <b>court</b>";
  const unknown = await client.post("/statements/accounts", { whose: "Nobody <i>known</i>", about });
  expect([unknown.status, unknown.text.includes("no such account")]).toEqual([422, true]);
  expect(unknown.text).toContain("Nobody &lt;i&gt;known&lt;/i&gt;");
  const propose = async (whose: string) =>
    client.asked(await client.post("/statements/accounts", { whose, about }));
  const asked = await propose("Ada Byron");
  expect(asked.text).toContain(`${account()}\nAda Byron`);
  // Somebody noted another name between what was shown and the passkey.
  await admin("bind-person", { account: account(), person: "Eve" });
  const refused = await client.follow(await client.confirm(asked));
  expect(refused.text).toContain("records have changed");
  expect(refused.text).not.toContain("download>Download");
  const bind = async (person: string) =>
    await client.post("/statements/bind", { account: account(), person });
  const like = (await bind("Bоb Reed")).text;
  expect(like).toContain("Look twice");
  expect(like).toContain(`${(people[1] as Person).account}\nBob Reed`);
  expect((await bind("Ada Byron")).text).not.toContain("Look twice");
  const bound = await client.act("/statements/bind", { account: account(), person: "Ada Byron" });
  expect(bound.text).toContain("Noted.");
  const done = await client.follow(await client.confirm(await propose(`${account()}\nAda Byron\nBob Reed`)));
  const path = /\/statements\/[0-9a-f]{64}/.exec(done.text)?.[0] ?? "";
  const { text } = await client.get(path);
  const signed = readSignedDocument(JSON.parse(text) as Json, "statement");
  const { accounts } = await verifyStatement(signed, charter);
  expect(accounts.map(({ person }) => person)).toEqual(["Ada Byron", "Bob Reed"]);
  expect((await client.get("/journal")).text).toContain("4 Gs 217/26, &lt;b&gt;court&lt;/b&gt;");
}
const targets = () => ({ accounts: [], names: ["Ada Byron"], conversations: [] });
function papers(reference = "4 Gs 217/26", by = line, isEmergency = false) {
  const authorisation = authorisationOf(by, {
    reference,
    legalBasis: charter.legalBases[0] as string,
    offenceCategory: "stalking",
    days,
    isEmergency,
  });
  const id = authorisation.ObjectIdentifier;
  const original = documentOf(by, id, {
    type: "OriginalAct",
    contentType: "application/pdf",
    checksum: actHash,
    contents: act,
  });
  return { authorisation, id, original };
}

/** The warrant that was sent by page and approved, and the task that it answers. */
let byPage: readonly [warrant: string, task: string];

/** DESK-14: by its pages the agency asks for something under a new application, with the provider's reasons and a lost answer. */
async function sendsByItsPages(client: Awaited<ReturnType<typeof signedIn>>, by: ProviderLine) {
  const { request, path } = await agency.request(charter.id, {
    reference: "5 Js 9/26",
    actHash: Uint8Array.from(Buffer.from(actHash, "hex")),
  });
  const at = `/applications/${/request-[0-9a-f]{24}/.exec(path)?.[0]}`;
  expect((await client.get(at)).text).toContain(`${at}/send`);
  const place = `${at}/send`;
  const boundary = "----sending";
  const send = async (
    fields: Readonly<Record<string, string>>,
    file: Uint8Array | null = null,
    to = place,
  ) => {
    const part = (name: string, body: string, more = "") =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${body}\r\n`;
    const all = Object.entries({ csrf: await client.token(), ...fields }).map(([name, value]) =>
      part(name, value),
    );
    if (file !== null) all.push(part("file", fromUtf8(file), '; filename="act.pdf"'));
    const type = `multipart/form-data; boundary=${boundary}`;
    return await client.send("POST", to, `${all.join("")}--${boundary}--\r\n`, { "content-type": type });
  };
  const typed = {
    legalBasis: charter.legalBases[0] as string,
    offence: "stalking",
    firstDay: days.first,
    lastDay: "",
    names: `Nobody ${EVIL}`,
    subscriber: "yes",
    act: "whole",
  };
  const wrong = await send({ ...typed, legalBasis: "", firstDay: "yesterday", until: "" });
  expect(wrong.status).toBe(422);
  for (const words of [
    "Choose one of the charter&#39;s legal bases.",
    "Name the first day.",
    "not kept here",
  ]) {
    expect(wrong.text).toContain(words);
  }
  expect(wrong.text).toContain("Nobody &lt;img");
  expect((await send(typed, utf8("another act"))).text).toContain("This is another file");
  // What no message takes is said before anybody confirms it, and what was typed stays.
  for (const [names, words] of [
    ["x".repeat(65_536), "at most 65,535 characters"],
    [Array.from({ length: 1001 }, (_, i) => `Nobody ${i}`).join("\n"), "at most 1,000 people"],
    // DESK-16: each of three messages names them all.
    [
      Array.from({ length: 1000 }, (_, i) => `Nobody ${i}`.padEnd(400, "x")).join("\n"),
      "too much to confirm at once",
    ],
  ] as const) {
    const large = await send({ ...typed, names, act: "hash", traffic: "yes", content: "yes" });
    expect([large.status, large.text.includes(words), large.text.includes(names)]).toEqual([422, true, true]);
  }

  // What is confirmed is all that will be sent; it is on the disk before the first message, the act too.
  const asked = client.asked(await send(typed, act));
  expect(asked.text).toContain(`Asks PROVIDER, of 1 person, on ${days.first}: whose account it is.`);
  for (const words of ["Message 1: Authorisation", "Message 2: Original act", actHash, "Message 3: Task"]) {
    expect(asked.text).toContain(words);
  }
  expect(asked.text).not.toContain("<img");
  const ids = [...new Set(asked.text.match(/number at the provider: [0-9a-f-]{36}/g))].map((one) =>
    one.slice(-36),
  );
  expect(ids.length).toBe(3);
  // The answer to the second message is lost: the provider has the act, and the desk does not know.
  const plain = globalThis.fetch;
  let messages = 0;
  vi.stubGlobal("fetch", async (...request: Parameters<typeof fetch>) => {
    const isMessage = String(request[0]).endsWith("/hi1");
    const answer = await plain(...request);
    if (isMessage && ++messages >= 2) throw new TypeError("fetch failed");
    return answer;
  });
  const cut = await client.follow(await client.confirm(asked)).finally(() => vi.unstubAllGlobals());
  expect(cut.text).toContain("Nothing is lost: what is missing is sent when you go on.");
  expect(cut.text).toContain("This is not sent to its end.");
  // It is announced wherever somebody looks in the morning.
  for (const path of ["/orders", "/sent"])
    expect((await client.get(path)).text).toMatch(
      new RegExp(`to its end:</strong> <a href="${place}">5 Js 9/26`),
    );
  expect((await client.get(at)).text).toContain("not sent to its end");
  expect((await send(typed)).status).toBe(409);
  const refused = await client.act(`${place}/on`, {});
  expect(refused.text).toContain("The provider refused 1 part.");
  expect((await client.get("/orders")).text).not.toContain("to its end");
  expect(refused.text).toContain(
    `No such account. (task:RequestValues) (${refusal("no-such-account").number})`,
  );
  expect(refused.text).toContain("Nobody &lt;img");
  // What is there already is not sent twice; what was refused goes as it is corrected.
  const right = { ...typed, names: "Ada Byron" };
  const again = client.asked(await send(right));
  expect(again.text).toContain("There already, and not sent again");
  expect(again.text).not.toContain("Message 2");
  const twice = client.asked(await send(right));
  const sent = await client.follow(await client.confirm(again));
  expect(sent.text).toContain("The provider has all of it.");
  expect(sent.text).toContain("5 Js 9/26");
  // Somebody else was shown the same and confirms it too: it is sent once.
  expect((await client.confirm(twice)).text).toContain("It is not as it was shown any more");
  // Damaged, it is said: nothing is sent over it before somebody sets it aside.
  const kept = join(agency.directory, "sendings", `${at.split("/").at(-1)}.sealed`);
  writeFileSync(kept, readFileSync(kept).subarray(1));
  expect((await client.get(place)).text).toContain("What was noted of the last sending is damaged.");
  expect((await send(right)).status).toBe(409);
  expect((await client.get("/orders")).text).toContain("What was noted of a sending is damaged");
  expect((await client.act(`${place}/set-aside`, {})).text).toContain("It is set aside.");
  const all = await send(right);
  expect([all.status, all.text.includes("has all of that already")]).toEqual([422, true]);
  const { objects } = await new LineRecords(agency, by).ask(service);
  const mine = objects.filter((one) => one.id === ids[0] || one.belongsTo.includes(ids[0] as string));
  expect(mine.map(({ what }) => what).sort()).toEqual(["Authorisation", "OriginalAct", "SubscriberData"]);
  expect(mine.some(({ id }) => id === ids[1])).toBe(true);

  // HI1-24: what went as its fingerprint goes whole when it is wanted, once, and under the authorisation that is there.
  const second = await agency.request(charter.id, {
    reference: "5 Js 10/26",
    actHash: Uint8Array.from(Buffer.from(actHash, "hex")),
  });
  const next = `/applications/${/request-[0-9a-f]{24}/.exec(second.path)?.[0]}/send`;
  const hashed = client.asked(await send({ ...right, act: "hash" }, null, next));
  expect(hashed.text).toContain("Contents: its fingerprint only");
  expect((await client.follow(await client.confirm(hashed))).text).toContain("The provider has all of it.");
  expect((await send({ ...right, act: "hash" }, null, next)).status).toBe(422);
  const wholly = client.asked(await send(right, null, next));
  expect(wholly.text).toContain("Message 1: Original act");
  expect(wholly.text).toContain("Contents: in the message");
  expect(wholly.text).not.toContain("Message 2");
  expect((await client.follow(await client.confirm(wholly))).text).toContain("The provider has all of it.");
  const record = join(agency.directory, "provider-line.sealed");
  const noted = JSON.parse(fromUtf8(await agency.unsealOwn(readFileSync(record)))) as { taken: object[] };
  for (const earlier of [false, true]) {
    const taken = noted.taken.map((one) => ({ ...one, isWhole: undefined }));
    if (earlier) writeFileSync(record, await agency.sealOwn(utf8(JSON.stringify({ ...noted, taken }))));
    for (const what of ["hash", "whole"]) {
      const there = await send({ ...right, act: what }, null, next);
      expect([there.status, there.text.includes("has all of that already")]).toEqual([422, true]);
    }
  }
  const acts = (await new LineRecords(agency, by).known()).objects.filter(
    ({ what, checksum }) => what === "OriginalAct" && checksum === actHash,
  );
  expect(acts.filter(({ isWhole }) => isWhole === false).length).toBe(1);
  expect(acts.every(({ isWhole }) => isWhole !== null)).toBe(true);
  // Cancelled, each is still what it was.
  const lines = new LineRecords(agency, by);
  const above = acts.find(({ isWhole }) => isWhole === false)?.belongsTo[0] as string;
  const both = acts.filter(({ belongsTo }) => belongsTo.includes(above));
  expect(both.map(({ isWhole }) => isWhole).sort()).toEqual([false, true]);
  for (const { id, generation, isWhole } of both) {
    await lines.cancel(service, { id, generation });
    for (const said of [await lines.known(), await lines.ask(service)])
      expect(said.objects.find((one) => one.id === id)).toMatchObject({ status: "Cancelled", isWhole });
  }

  // The order is signed: from its own page it goes with its task, under the authorisation that is there.
  const { reference, requester } = request;
  const { document } = await warrantUnder("", "", { reference, requester });
  const warrant = await signedWarrant(charter, document);
  const order = { warrant, others: null, opening: seedOf("hi1 opening, by page"), index: null };
  const file = await keepOrder(agency.directory, order);
  const from = `/orders/${/[0-9a-f]{16}(?=\.json$)/.exec(file)?.[0]}/send`;
  expect((await client.get(from.replace("/send", ""))).text).toContain(from);
  const form = (await client.get(from)).text;
  for (const filled of [account(), 'name="content" value="yes" checked', `value="${days.last}"`])
    expect(form).toContain(filled);
  const { legalBasis, offenceCategory: offence } = document;
  const ordered = client.asked(
    await client.post(from, {
      ...{ legalBasis, offence, firstDay: days.first, lastDay: days.last, accounts: account() },
      ...{ content: "yes", order: "yes", act: "whole", preserve: "yes", preserveReference: "keep 9" },
      until: formatDay(dayNumber(dayOf(server.now) + 20)),
    }),
  );
  for (const words of [
    "The signed order goes with it.",
    "Message 3: Task: keep from deletion",
    `: ${ids[0]}`,
  ])
    expect(ordered.text).toContain(words);
  expect((await client.follow(await client.confirm(ordered))).text).toContain("The provider has all of it.");
  const then = (await new LineRecords(agency, by).ask(service)).objects;
  const under = then.filter(({ belongsTo }) => belongsTo.includes(ids[0] as string));
  const [content, signed] = ["StoredContentData", "Warrant"].map((what) =>
    under.find((one) => one.what === what),
  );
  for (const one of [ids[0], ids[1], signed?.id]) await decide(one as string, "approve");
  byPage = [signed?.id as string, content?.id as string];
  expect((await shown(byPage[1])).status).toBe("AwaitingDisclosure");
  expect(then.some(({ reference: of, asked }) => of === "keep 9" && asked !== null)).toBe(true);
  expect((await client.get("/journal")).text).toContain("Send this to the provider");
}

describe("registered keys", () => {
  test("HI1-4, HI1-53: a key counts after call-back, registry's signature and witnessed log, and never before", async () => {
    const refused = refusal("sender-unknown").description;
    const trying = async () => {
      await expect(askProvider(service, line, [{ LIST: {} }])).rejects.toMatchObject({ message: refused });
    };
    await service.update();
    await trying();
    const key = publicKeyOf("Agency endpoint");
    const { id, draft } = await draftOf("AGENCY", key);
    await trying();
    const complete = async (document: unknown) => await admin("hi1-complete", { id, document });
    // A forged call-back: nobody whom the charter names as the registry signed it.
    await expect(complete(await registered(draft, "Provider"))).rejects.toMatchObject({
      code: "registration-refused",
    });
    // A key that was swapped after the call-back.
    const swapped = draft.replace(base64(key), base64(publicKeyOf("Thief")));
    await expect(complete(await registered(swapped))).rejects.toThrow(
      "something else than what was recorded",
    );
    await trying();
    const before = await admin<{ size: number }>("status");
    server.cosigners.down.add("witness-a").add("witness-b");
    for (const { name } of server.cosigners.policy.witnesses) server.cosigners.down.add(name);
    await complete(await registered(draft));
    await complete(await registered(draft));
    // Logged, not witnessed.
    await trying();
    const listed = await admin<{ registrations: { id: string; state: string }[] }>("hi1-registrations");
    expect(listed.registrations.find((one) => one.id === id)?.state).toBe("logged");
    server.cosigners.down.clear();
    await server.client().waitForCheckpoint(before.size + 1, { since: server.now, wait: 60 });
    expect(codes(await ask([{ LIST: {} }]))).toEqual([null]);
    const [entry] = (await server.entries(before.size, before.size + 1)).map(parseEntry);
    expect(entry).toMatchObject({ type: "registration", charter: charter.id });
    expect(parseRegistration(utf8(draft)).callBack.words).toBe("<b>He</b> read it out.");
    await expect(ask([{ LIST: {} }], { ...line, seed: seedOf("Thief") })).rejects.toMatchObject({
      message: refusal("signature-invalid").description,
    });
  });

  test("HI1-4, HI1-54: of another country, and under a name that another country's authority has, nobody is known", async () => {
    const abroad = { ...line, own: { ...line.own, CountryCode: "YY" } };
    await expect(ask([{ LIST: {} }], abroad)).rejects.toMatchObject({
      message: refusal("sender-unknown").description,
    });
    const again = { country: "YY", endpoint: "AGENCY", key: base64(publicKeyOf("Thief")) };
    await expect(admin("hi1-register", again)).rejects.toThrow("another country");
    // What was mistyped and never signed takes the name no longer than it stands.
    const mistyped = { country: "YY", endpoint: "LATE AGENCY", key: base64(publicKeyOf("Late")) };
    const { id } = await admin<{ id: string }>("hi1-register", mistyped);
    const meant = { ...mistyped, country: "XX" };
    await expect(admin("hi1-register", meant)).rejects.toThrow("another country");
    await admin("hi1-revoke", { id, by: "Officer Vale", words: "Mistyped." });
    const right = await admin<{ id: string }>("hi1-register", meant);
    await admin("hi1-revoke", { id: right.id, by: "Officer Vale", words: "Asked for no more." });
  });

  test("HI1-54: taken back, it counts no more, and the key that it replaced does not come back", async () => {
    const id = await register(OTHER);
    expect(codes(await ask([{ LIST: {} }], OTHER))).toEqual([null]);
    await admin("hi1-revoke", { id, by: "Officer Vale", words: "The agency lost it." });
    await expect(ask([{ LIST: {} }], OTHER)).rejects.toMatchObject({ code: "hi1-refused" });
    const again = await register(OTHER);
    expect(again).not.toBe(id);
    // A third takes the second's place; when it is taken back, the second stays what it was: replaced.
    const third = await register(OTHER);
    expect(codes(await ask([{ LIST: {} }], OTHER))).toEqual([null]);
    await admin("hi1-revoke", { id: third, by: "Officer Vale", words: "Lost as well." });
    await expect(ask([{ LIST: {} }], OTHER)).rejects.toMatchObject({
      message: refusal("sender-unknown").description,
    });
    const { registrations } = await admin<{ registrations: { id: string; state: string }[] }>(
      "hi1-registrations",
    );
    expect(registrations.find((one) => one.id === again)?.state).toBe("superseded");
    await register(OTHER);
  });
});

describe("orders", () => {
  test("HI1-7, HI1-11: the same bytes again, also after a kill; another's object is nobody's", async () => {
    const { authorisation, id } = papers("1 Gs 1/26");
    const sent: Uint8Array[] = [];
    const server2 = service.server as { hi1: ServerClient["hi1"] };
    const plain = server2.hi1;
    server2.hi1 = async (message) => {
      sent.push(message);
      return await plain(message);
    };
    await ask([create(authorisation)]);
    server2.hi1 = plain;
    const [message] = sent as [Uint8Array];
    const first = answers.at(-1);
    expect(await server.client().hi1(message)).toEqual(first);
    await server.kill();
    await server.run();
    expect(await server.client().hi1(message)).toEqual(first);
    expect(codes(await ask([{ GET: { Identifier: id } }], OTHER))).toEqual([
      refusal("object-unknown").number,
    ]);
    expect(codes(await ask([{ GET: { Identifier: id } }]))).toEqual([null]);
    for (const person of people) await person.login();
    // Other words under the name of what was answered already.
    const { TransactionIdentifier: transaction } = parseMessage(message).header;
    const again = signedMessage(
      { sender: AGENCY, receiver: PROVIDER, transaction, owner: "porchlight", version: "1" },
      { RequestPayload: { ActionRequests: { ActionRequest: [{ ActionIdentifier: 0, LIST: {} }] } } },
      server.now,
      line.seed,
    );
    expect(failureOf(await server.client().hi1(again))).toBe(refusal("transaction-reused").number);
  });

  test("HI1-20: nobody, somebody outside the charter and two of a name have the same words", async () => {
    const { authorisation, id } = papers("1 Gs 2/26");
    const outside = await roomOf(server, 1, null);
    await admin("bind-person", { account: (outside[0] as Person).account, person: "Out Sider" });
    const task = (named: { accounts?: string[]; names?: string[] }) =>
      create(
        taskOf(line, id, {
          reference: "XX-AGENCY-1",
          type: "SubscriberData",
          days,
          targets: { accounts: [], names: [], conversations: [], ...named },
          isEmergency: false,
        }),
      );
    const [, ...refusals] = await ask([
      create(authorisation),
      task({ names: ["Nobody"] }),
      task({ names: ["ada byron"] }),
      task({ names: ["Out Sider"] }),
      task({ names: ["Ada Byron", "Аda Byron"] }),
      task({ accounts: ["00".repeat(32)] }),
      task({ accounts: [(outside[0] as Person).account] }),
    ]);
    // Two of one name, for a moment.
    await admin("bind-person", { account: (people[1] as Person).account, person: "Ada Byron" });
    refusals.push(...(await ask([task({ names: ["Ada Byron"] })])));
    await admin("bind-person", { account: (people[1] as Person).account, person: "Bob Reed" });
    // One whose name only looks like hers: neither is found by name.
    const [, cyrillic] = people as [Person, Person];
    await admin("bind-person", { account: cyrillic.account, person: "Аda Byron" });
    refusals.push(...(await ask([task({ names: ["Ada Byron"] }), task({ names: ["Аda Byron"] })])));
    await expect(admin("review-statement", { accounts: [], names: ["Ada Byron"] })).rejects.toThrow(
      "looks like one of these",
    );
    await admin("bind-person", { account: cyrillic.account, person: "Bob Reed" });
    const words = refusals.map((one) => JSON.stringify({ ...one, ActionIdentifier: 0 }));
    expect(new Set(words).size).toBe(1);
    expect(words[0]).toContain(String(refusal("no-such-account").number));
  });

  test("HI1-24, HI1-30, HI1-36: an approved warrant goes to the log, its task follows it; what does not fit is not approved", async () => {
    const { authorisation, id, original } = papers();
    const task = taskOf(line, id, {
      reference: "XX-AGENCY-17",
      type: "StoredContentData",
      days,
      targets: targets(),
      isEmergency: false,
    });
    const order = async (changes: object = {}) => await warrantUnder(id, "hi1 opening", changes);
    const good = await order();
    // An act that came too, and that nobody has read.
    const unread = utf8("another act");
    const unreadHash = createHash("sha256").update(unread).digest();
    const other = documentOf(line, id, {
      type: "OriginalAct",
      contentType: "application/pdf",
      checksum: unreadHash.toString("hex"),
      contents: unread,
    });
    const bad = await order({ actHash: new Uint8Array(unreadHash) });
    const made = await ask([authorisation, task, original, other, good.warrant, bad.warrant].map(create));
    expect(codes(made)).toEqual([null, null, null, null, null, null]);
    const [goodId, badId, taskId] = [good.warrant, bad.warrant, task].map((one) => one.ObjectIdentifier) as [
      string,
      string,
      string,
    ];
    const inbox = await admin<{ objects: { id: string; deadline: number | null }[] }>("hi1-inbox");
    expect(inbox.objects.find((one) => one.id === taskId)?.deadline).toBe(server.now + 10 * 86_400);
    // HI1-30: nobody at the provider can answer content.
    expect((await shown(taskId)).acts).toEqual(["challenge", "refuse"]);
    await expect(decide(taskId, "answer")).rejects.toMatchObject({ code: "act-refused" });
    await expect(decide(goodId, "approve")).rejects.toThrow("Its authorisation is approved.");
    await decide(id, "approve");
    await decide(original.ObjectIdentifier, "approve");
    const unmet = (await shown(badId)).checks.filter(({ isMet }) => !isMet).map(({ code }) => code);
    expect(unmet).toEqual(["same-act"]);
    await expect(decide(badId, "approve")).rejects.toMatchObject({ code: "act-refused" });
    await expect(decide(badId, "refuse")).rejects.toThrow("say why");
    await decide(badId, "refuse", { words: "<script>alert(1)</script> names another act." });
    expect((await shown(taskId)).extent).toMatchObject({
      accounts: 1,
      conversations: 1,
      labels: 1,
      messages: 1,
    });
    // What is suspended vouches for nothing.
    await decide(original.ObjectIdentifier, "suspend");
    await expect(decide(goodId, "approve")).rejects.toThrow("was read and approved");
    await decide(original.ObjectIdentifier, "resume");
    await decide(goodId, "approve");
    expect(await statusOf(taskId)).toBe("AwaitingDisclosure");
    // In the log, the order is its issuer's to revoke, and nobody says here that there is nothing to give.
    expect((await shown(goodId)).acts).toEqual(["challenge"]);
    expect((await shown(taskId)).acts).toEqual(["challenge"]);
    await expect(decide(taskId, "unavailable", { words: "Nothing." })).rejects.toMatchObject({
      code: "act-refused",
    });
    const { logged, custody } = await shown(taskId);
    const [entry] = (await server.entries(logged?.index ?? 0, (logged?.index ?? 0) + 1)).map(parseEntry);
    expect(entry?.type).toBe("warrant");
    expect(custody.map((one) => one.act)).toEqual(["received", "approve: AwaitingDisclosure"]);
    expect(custody[1]?.by).toBe("Officer Vale");
    // As an earlier version left it: approved, and nothing noted of which order it is.
    await server.kill();
    await server.query("update hi1_objects set logged = null where object = $1", [goodId]);
    await server.run();
    expect((await shown(goodId)).logged?.index).toBe(logged?.index);
    await revoke((entry as { commitment: string }).commitment, good.document.reference, "hi1 opening");
    expect(await statusOf(taskId)).toBe("Cancelled");
    expect((await shown(taskId)).deadline).toBeNull();
    // HI1-34: its warrant is over with it, and says so.
    expect((await shown(goodId)).status).toBe("Expired");
  });

  test("HI1-25: in an emergency every paper of the file bears its flag and its clock, and comes first", async () => {
    const { authorisation, id, original } = papers("6 Gs 1/26", line, true);
    const about = { days, targets: targets(), isEmergency: true, type: "SubscriberData" } as const;
    const task = taskOf(line, id, { reference: "XX-AGENCY-25", ...about });
    await ask([authorisation, task].map(create));
    const inbox = async () =>
      (await admin<{ objects: (Shown & { reference: string })[] }>("hi1-inbox")).objects;
    // Nothing runs before the act is here, and what is urgent comes first all the same.
    const early = (await inbox()).slice(0, 2);
    expect(early.map((one) => [one.isEmergency, one.deadline])).toEqual([
      [true, null],
      [true, null],
    ]);
    await ask([create(original)]);
    const file = [id, task.ObjectIdentifier, original.ObjectIdentifier];
    const first = (await inbox()).slice(0, 3);
    expect(first.map((one) => one.id).toSorted()).toEqual(file.toSorted());
    for (const one of first) {
      expect([one.isEmergency, one.deadline]).toEqual([true, server.now + 8 * 3600]);
    }
    // HI1-34: whoever asked takes it back, and nothing of it waits any more.
    const desired = {
      "common:Owner": "ETSI",
      "common:Name": "AuthorisationDesiredStatus",
      "common:Value": "Cancelled",
    };
    const HI1Object = { ...(await get(id)), "auth:AuthorisationDesiredStatus": desired };
    expect(codes(await ask([{ UPDATE: { HI1Object } }]))).toEqual([null]);
    const after = await Promise.all(file.map(statusOf));
    expect(after).toEqual(["Cancelled", "Cancelled", "Expired"]);
    expect((await shown(task.ObjectIdentifier)).custody.at(-1)).toMatchObject({ by: "this server" });
    expect((await shown(id)).deadline).toBeNull();
  });

  test("HI1-36: what was suspended is resumed only as it would be approved", async () => {
    const { authorisation, id, original } = papers("5 Gs 1/26", OTHER);
    await ask([authorisation, original].map(create), OTHER);
    await decide(id, "approve");
    await decide(id, "suspend");
    const { registrations } = await admin<{
      registrations: { id: string; state: string; endpoint: string }[];
    }>("hi1-registrations");
    const usable = registrations.find((one) => one.endpoint === "OTHER" && one.state === "usable");
    await admin("hi1-revoke", { id: usable?.id as string, by: "Officer Vale", words: "Stolen." });
    await expect(decide(id, "resume")).rejects.toThrow("has a key that was registered");
    await register(OTHER);
    await decide(id, "resume");
    expect((await shown(id)).acts).toEqual(["suspend", "challenge"]);
  });

  test("HI1-31, HI1-32, HI1-33: what the provider knows it answers itself, counted in the log; a challenge is a notification", async () => {
    const { authorisation, id, original } = papers("1 Gs 3/26");
    const about = { days, targets: targets(), isEmergency: false } as const;
    const subscriber = taskOf(line, id, { reference: "XX-AGENCY-18", type: "SubscriberData", ...about });
    const traffic = taskOf(line, id, { reference: "XX-AGENCY-19", type: "TrafficData", ...about });
    await ask([authorisation, subscriber, traffic, original].map(create));
    await decide(id, "challenge", { words: "Which office is this? & <i>why</i>" });
    await decide(id, "approve");
    await expect(decide(traffic.ObjectIdentifier, "answer")).rejects.toThrow("was read and approved");
    await decide(original.ObjectIdentifier, "approve");
    const { size } = await admin<{ size: number }>("status");
    await decide(subscriber.ObjectIdentifier, "answer");
    await decide(traffic.ObjectIdentifier, "answer");
    const counted = (await server.entries(size, size + 2)).map(parseEntry);
    expect(counted.map((one) => [one.type, "data" in one ? one.data : null])).toEqual([
      ["provider-answer", "subscriber"],
      ["provider-answer", "traffic"],
    ]);
    expect(await statusOf(subscriber.ObjectIdentifier)).toBe("Disclosed");
    const list = async (value: string) => {
      const ObjectType = { "common:Owner": "ETSI", "common:Name": "ObjectType", "common:Value": value };
      const [found] = await ask([{ LIST: { ObjectType } }]);
      const { LISTResponse } = found as unknown as {
        LISTResponse: { ListResponseRecord: { Identifier: string }[] };
      };
      return await Promise.all(LISTResponse.ListResponseRecord.map(({ Identifier }) => get(Identifier)));
    };
    const [notification] = await list("Notification");
    expect(notification?.["notification:NotificationDetails"]).toBe("Which office is this? & <i>why</i>");
    const deliveries = await list("Delivery");
    const told = deliveries.map((one) => {
      const { "delivery:BinaryData": data } = one["delivery:Delivery"] as {
        "delivery:BinaryData": Record<string, string>;
      };
      return JSON.parse(Buffer.from(data["delivery:Data"] as string, "base64").toString()) as Record<
        string,
        unknown
      >;
    });
    expect(told.find(({ data }) => data === "subscriber")).toMatchObject({
      accounts: [{ account: account(), person: "Ada Byron" }],
    });
    expect(told.find(({ data }) => data === "traffic")).toMatchObject({
      sent: [{ account: account(), conversation: (people[0] as Person).conversation }],
    });
    expect(JSON.stringify(told)).not.toContain("written");
    const [delivery] = deliveries as [Got];
    const wish = (value: string) => ({
      ...delivery,
      "delivery:DeliveryDesiredStatus": {
        "common:Owner": "ETSI",
        "common:Name": "DeliveryDesiredStatus",
        "common:Value": value,
      },
    });
    expect(codes(await ask([{ UPDATE: { HI1Object: wish("Received") } }]))).toEqual([null]);
    expect(await statusOf(String(delivery["ObjectIdentifier"]))).toBe("Received");
    expect(server.logText).not.toContain("Ada");
  });

  test("HI1-35, HI1-36: the officer's pages: clocks, checks in words, numbers, decisions with a passkey, all escaped", async () => {
    const { authorisation: plain, id, original } = papers("<img src=x onerror=alert(1)>");
    const authorisation = {
      ...plain,
      "auth:AuthorisationManualInformation": "Ask for <b>room 4</b>.\nOffence: none",
      "auth:AuthorisationJurisdiction": "XX-North",
    };
    const task = taskOf(line, id, {
      reference: "XX-AGENCY-20",
      type: "SubscriberData",
      days,
      targets: targets(),
      isEmergency: false,
    });
    await ask([authorisation, task].map(create));
    const desk = await openOfficer({ directory: server.directory, url: null, charter: null });
    const client = await signedIn(desk, { directory: mkdtempSync(join(home, "desk-")), label: "officer" });
    try {
      // Of a signed order: what it says, in words.
      const { objects } = await admin<{ objects: { id: string; what: string; status: string }[] }>(
        "hi1-inbox",
      );
      const order = objects.find(({ what, status: at }) => what === "Warrant" && at === "Expired")
        ?.id as string;
      const told = await client.get(`/objects/${order}`);
      expect(told.text).toContain("What the order says");
      expect(told.text).toContain("Ada Byron");
      expect(told.text).toContain("4 Gs 217/26");
      const inbox = await client.get("/inbox");
      expect(inbox.text).toContain("&lt;img src=x onerror=alert(1)&gt;");
      expect(inbox.text).not.toContain("<img");
      expect(inbox.text).toContain("no clock");
      expect((await client.get(`/objects/${id}`)).text).toContain("1 check is not met");
      const seen = async (of: string) => ({ generation: String((await shown(of)).generation) });
      // What is asked for stands on the page and in what the passkey signs.
      const wanted = [
        charter.legalBases[0] as string,
        "stalking",
        days.first,
        "Ask for &lt;b&gt;room 4&lt;/b&gt;.\nOffence: none",
        "XX-North",
        "Emergency",
      ];
      const pages = [
        await client.get(`/objects/${id}`),
        await client.post(`/objects/${id}/approve`, await seen(id)),
      ];
      for (const page of pages) for (const one of wanted) expect(page.text).toContain(one);
      const early = await client.act(`/objects/${id}/approve`, await seen(id));
      expect(early.text).toContain("nothing is done on a message alone");
      await ask([create(original)]);
      expect((await client.get("/inbox")).text).toContain("10 days 0 hours left");
      expect((await client.act(`/objects/${id}/approve`, await seen(id))).text).toContain(
        "noted in the custody record",
      );
      const before = await client.get(`/objects/${task.ObjectIdentifier}`);
      expect(before.text).toContain("What would be delivered");
      expect(before.text).not.toContain("written</dd>");
      const refusal4 = { ...(await seen(task.ObjectIdentifier)), words: "Somebody else." };
      const named = client.asked(await client.post(`/objects/${task.ObjectIdentifier}/refuse`, refusal4));
      for (const page of [before, named]) {
        expect(page.text).toContain("Name: Ada Byron");
        expect(page.text).toContain(`${account()}\nAda Byron`);
      }
      // Whose the account is was noted anew between what was shown and the passkey.
      await admin("bind-person", { account: account(), person: "Eve" });
      const stale = await client.follow(await client.confirm(named));
      expect(stale.text).toContain("hose accounts these are has changed");
      await admin("bind-person", { account: account(), person: "Ada Byron" });
      // A page that is old decides nothing.
      const old = await client.post(`/objects/${task.ObjectIdentifier}/refuse`, {
        generation: "7",
        words: "No.",
      });
      expect(old.text).toContain("It has changed since you looked");
      // What is approved can be read, byte for byte, and its fingerprint is what the passkey signs.
      const paper = await client.get(`/objects/${original.ObjectIdentifier}`);
      expect(paper.text).toContain(`/objects/${original.ObjectIdentifier}/contents`);
      const read = await client.get(`/objects/${original.ObjectIdentifier}/contents`);
      expect([read.text, read.headers["content-type"]]).toEqual([fromUtf8(act), "application/octet-stream"]);
      expect(read.headers["content-disposition"]).toContain("attachment");
      const asked = await client.post(
        `/objects/${original.ObjectIdentifier}/approve`,
        await seen(original.ObjectIdentifier),
      );
      expect(asked.text).toContain(actHash);
      const said = await client.act(`/objects/${task.ObjectIdentifier}/refuse`, {
        ...(await seen(task.ObjectIdentifier)),
        words: "<script>no</script>",
      });
      expect(said.text).toContain("&lt;script&gt;no&lt;/script&gt;");
      expect(said.text).not.toContain("<script>no");
      expect(said.text).toContain("Ada Clerk");
      expect(await statusOf(task.ObjectIdentifier)).toBe("Rejected");
      // What did not do is there to be mended.
      const wrong = { country: "XX", endpoint: "<b>THIRD</b>", key: "not a key" };
      const unread = await client.post("/endpoints/register", wrong);
      expect(unread.status).toBe(422);
      for (const one of ["32 bytes in base64", "not a key", "&lt;b&gt;THIRD&lt;/b&gt;"]) {
        expect(unread.text).toContain(one);
      }
      const key = base64(publicKeyOf("Third endpoint"));
      const noted = await client.follow(
        await client.post("/endpoints/register", { country: "XX", endpoint: "<b>THIRD</b>", key }),
      );
      expect(noted.text).toContain("XX &lt;b&gt;THIRD&lt;/b&gt;");
      const place = /action="(\/endpoints\/[^"]+\/call-back)"/.exec(noted.text)?.[1] ?? "";
      const until = formatDay(dayNumber(dayOf(server.now) + 40));
      const call = { number: "+99 30 1", found: "a directory", words: "<i>yes</i>", until };
      const late = await client.post(place, {
        ...call,
        until: formatDay(dayNumber(dayOf(server.now) + 400)),
      });
      expect([late.status, late.text.includes("366 days from now")]).toEqual([422, true]);
      expect(late.text).toContain("&lt;i&gt;yes&lt;/i&gt;");
      const shownCall = await client.post(place, call);
      for (const row of ["&lt;b&gt;THIRD&lt;/b&gt;, XX", key, "a directory", until]) {
        expect(shownCall.text).toContain(row);
      }
      const called = await client.act(place, call);
      expect(called.text).toContain("the registry has not signed");
      expect(called.text).toContain("&lt;i&gt;yes&lt;/i&gt;");
      // It turned out to be forged before the registry signed: it is taken back here too.
      const taken = place.replace("call-back", "revoke");
      const back = await client.act(taken, { reason: "The authority never wrote that mail." });
      expect(back.text).toContain("taken back");
      expect(back.text).not.toContain("Take it and log it");
      await statesWhose(client);
    } finally {
      await client.desk.close();
    }
  });

  test("DESK-16: nobody sends so much that the officer cannot refuse it, and the desk opens again", async () => {
    const { authorisation, id } = papers("5 Gs 16/26");
    const detail = {
      "common:ApprovalType": "Judge",
      "common:ApprovalDescription": `${EVIL}${"x".repeat(60_000)}`,
    };
    // As much as HI1-28 takes.
    const approvedBy = (details: number) =>
      create({ ...authorisation, "auth:AuthorisationApprovalDetails": Array(details).fill(detail) });
    expect(codes(await ask([approvedBy(9)]))).toEqual([refusal("text-too-long").number]);
    expect(codes(await ask([approvedBy(8)]))).toEqual([null]);
    const directory = mkdtempSync(join(home, "desk-"));
    const open = async () => await openOfficer({ directory: server.directory, url: null, charter: null });
    const client = await signedIn(await open(), { directory, label: "officer" });
    const { generation } = await shown(id);
    const asked = client.asked(
      await client.post(`/objects/${id}/refuse`, { generation: String(generation), words: "Too much." }),
    );
    expect(asked.text.length).toBeLessThan(400_000);
    for (const words of [
      "characters in all, as they stand on its page.",
      "Fingerprint (SHA-256)",
      "Too much.",
    ])
      expect(asked.text).toContain(words);
    expect((await client.follow(await client.confirm(asked))).text).toContain(
      "Done, and noted in the custody record.",
    );
    expect(await statusOf(id)).toBe("Rejected");
    await client.desk.close();
    const served = await serveDesk(
      await open(),
      { directory, label: "officer", port: 0, workFactor: 2 },
      () => {},
    );
    const later = new DeskClient(served);
    Object.assign(later, { passkey: client.passkey });
    await later.signIn();
    const journal = (await later.get("/journal")).text;
    expect([journal.includes("fits what is shown"), journal.includes("was altered")]).toEqual([true, false]);
    await served.close();
  });

  test("HI1-35, HI1-36: on the command line as on the pages: read first, decided under the generation that was seen", async () => {
    const { authorisation, id, original } = papers("3 Gs 1/26");
    const hostile = { ...authorisation, "auth:AuthorisationManualInformation": "Ring \u202efirst" };
    await ask([hostile, original].map(create));
    // A program of its own, as an officer starts it; nobody sits at its terminal.
    const program = join(import.meta.dirname, "../../cli/src/main.ts");
    const type = async (...words: string[]) => {
      const line = [program, "provider", ...words, "--dir", server.directory];
      const child = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "pipe"] });
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close") as Promise<[number]>,
      ]);
      return { code, out, err };
    };
    const decideBy = async (...more: string[]) => {
      const about = ["--id", id, "--generation", "0", "--act", "approve", "--by", "Officer Night"];
      return await type("decide", ...about, ...more);
    };
    // Nobody says yes to what is shown.
    const [read, unsure] = await Promise.all([type("show", "--id", id), decideBy()]);
    for (const one of [charter.legalBases[0] as string, "stalking", "Ring <U+202E>first"]) {
      expect(read.out).toContain(one);
      expect(unsure.out).toContain(one);
    }
    expect(read.out).toContain("--generation 0");
    expect([unsure.code, unsure.err.includes("not-confirmed")]).toEqual([1, true]);
    expect(await statusOf(id)).toBe("AwaitingApproval");
    expect((await decideBy("--yes")).code).toBe(0);
    expect(await statusOf(id)).toBe("Approved");
    expect((await shown(id)).custody.at(-1)?.by).toBe("Officer Night");
  });

  test("DESK-14: whoever goes on after a crash between any two messages sends the very same objects, each once", async () => {
    const plain = service.server.hi1.bind(service.server);
    const hooked = service.server as { hi1: ServerClient["hi1"] };
    const name = (cut: number) => `request-${String(cut).padStart(24, "0")}`;
    const wish = {
      ...{ legalBasis: charter.legalBases[0] as string, offenceCategory: "stalking", days },
      ...{ targets: targets(), isEmergency: false, order: null },
      tasks: ["SubscriberData"],
      act: { contentType: "application/pdf", checksum: actHash, isWhole: true },
      preserve: null,
    } as const;
    await service.update();
    // Each message is cut twice: before it leaves, and when its answer is on the way.
    for (let cut = 0; cut < 6; cut++) {
      const { parts } = planSending(line, { ...wish, reference: `cut ${cut}` }, []);
      expect(parts.length).toBe(3);
      await new Sendings(agency, line).begin(name(cut), {
        ...{ at: server.now, typed: { names: "Ada" }, parts, seen: [] },
      });
      let count = 0;
      hooked.hi1 = async (message) => {
        const isCut = count++ === Math.floor(cut / 2);
        if (isCut && cut % 2 === 0) throw new TypeError("killed");
        const answer = await plain(message);
        if (isCut) throw new TypeError("killed");
        return answer;
      };
      const contents = async () => act;
      await expect(new Sendings(agency, line).send(service, name(cut), contents)).rejects.toThrow("killed");
      hooked.hi1 = plain;
      // Another process: it has the directory alone.
      const after = new Sendings(await Agency.open(agency.directory), line);
      const kept = await after.read(name(cut));
      expect([kept?.parts.map(({ object }) => object), kept?.typed]).toEqual([
        parts.map(({ object }) => object),
        { names: "Ada" },
      ]);
      const sent = await after.send(service, name(cut), contents);
      expect([isUnfinished(sent), sent.parts.map(({ outcome }) => outcome.kind)]).toEqual([
        false,
        parts.map(() => "taken"),
      ]);
      const answered = await ask(
        parts.map(({ object }) => ({ GET: { Identifier: object.ObjectIdentifier } })),
      );
      expect(codes(answered)).toEqual(parts.map(() => null));
    }
    // A whole program, killed: what it had kept is on the disk, and no more.
    const { parts: all } = planSending(line, { ...wish, reference: "killed" }, []);
    await new Sendings(agency, line).begin(name(50), { at: server.now, typed: {}, parts: all, seen: [] });
    const program = join(import.meta.dirname, "killed-sender.ts");
    const child = spawn(process.execPath, [
      ...[program, agency.directory, server.url, charter.id, name(50), base64(act)],
    ]);
    const failure = text(child.stderr);
    const [, signal] = await once(child, "close");
    expect([signal, await failure]).toEqual(["SIGKILL", ""]);
    const after = new Sendings(agency, line);
    expect((await after.read(name(50)))?.parts.map(({ outcome }) => outcome.kind)).toEqual([
      "taken",
      "unanswered",
      "unanswered",
    ]);
    const ended = await after.send(service, name(50), async () => act);
    expect(ended.parts.map(({ outcome }) => outcome.kind)).toEqual(["taken", "taken", "taken"]);
    expect(
      codes(await ask(all.map(({ object }) => ({ GET: { Identifier: object.ObjectIdentifier } })))),
    ).toEqual(all.map(() => null));
    // Another object under the same name is none of this one's.
    const [part] = planSending(line, { ...wish, reference: "first" }, []).parts;
    const taken = part?.object as ReturnType<typeof authorisationOf>;
    await ask([create(taken)]);
    const other = { ...taken, "auth:AuthorisationReference": "second" } as typeof taken;
    const sendings = new Sendings(agency, line);
    const alone = [{ object: other, isWhole: false }];
    await sendings.begin(name(99), { at: server.now, typed: {}, parts: alone, seen: [] });
    const { parts } = await sendings.send(service, name(99), async () => null);
    expect(parts[0]?.outcome).toMatchObject({ kind: "refused", number: refusal("object-exists").number });
  });

  test("DESK-14: one at a time: what is left unsent is not sent, and what may have been is not called unsent", async () => {
    const plain = service.server.hi1.bind(service.server);
    const hooked = service.server as { hi1: ServerClient["hi1"] };
    const name = `request-${"7".repeat(24)}`;
    const planned = (reference: string, names: readonly string[] = ["Ada Byron"]) =>
      planSending(
        line,
        {
          ...{ reference, legalBasis: charter.legalBases[0] as string, offenceCategory: "stalking", days },
          ...{
            targets: { accounts: [], names, conversations: [] },
            isEmergency: true,
            order: null,
            tasks: ["SubscriberData"],
            preserve: null,
          },
          act: { contentType: "application/pdf", checksum: actHash, isWhole: true },
        },
        [],
      ).parts;
    const ids = (parts: ReturnType<typeof planned>) => parts.map(({ object }) => object.ObjectIdentifier);
    const kinds = (sending: Sending | null) => sending?.parts.map(({ outcome }) => outcome.kind);
    const there = async (parts: ReturnType<typeof planned>) =>
      codes(await ask(ids(parts).map((Identifier) => ({ GET: { Identifier } }))));
    const nowhere = refusal("object-unknown").number;
    const about = { at: server.now, typed: {} };
    const contents = async () => act;
    await service.update();
    const sendings = new Sendings(agency, line);

    const first = planned("lane 1");
    // Each value is one that ETSI allows, and all of them are more than a provider takes.
    const large = planned(
      "large",
      Array.from({ length: 250 }, (_, i) => `${i}${"y".repeat(65_000)}`),
    );
    expect([...first, ...large].map(fitsMessage)).toEqual([true, true, true, true, true, false]);

    // The second message is under way when somebody else leaves the rest, and begins anew.
    await sendings.begin(name, { ...about, parts: first, seen: [] });
    const [arrived, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let count = 0;
    hooked.hi1 = async (message) => {
      if (++count === 2) {
        arrived.resolve();
        await free.promise;
      }
      return await plain(message);
    };
    const sending = sendings.send(service, name, contents);
    await arrived.promise;
    const other = new Sendings(agency, { ...line, version: "2" }, sendings);
    const leaving = other.leave(name, ids(first));
    expect(kinds(await other.read(name))).toEqual(["taken", "unanswered", "unanswered"]);
    free.resolve();
    const left = await leaving;
    expect(kinds(left)).toEqual(["taken", "taken", "left"]);
    expect(kinds(await sending)).toEqual(["taken", "taken", "left"]);
    expect([count, await there(first)]).toEqual([2, [null, null, nowhere]]);

    // Two were shown the same: the second is not begun, nor is what was shown of the one before left.
    const second = planned("lane 2");
    const seen = progressOf(left);
    await sendings.begin(name, { ...about, parts: second, seen });
    const late = sendings.begin(name, { ...about, parts: planned("lane 3"), seen });
    await expect(late).rejects.toMatchObject({ code: "moved-on" });
    await expect(sendings.leave(name, ids(first))).rejects.toMatchObject({ code: "moved-on" });

    // The first answer is lost: the provider has it, the others were never sent.
    hooked.hi1 = async (message) => {
      await plain(message);
      throw new TypeError("lost");
    };
    await expect(sendings.send(service, name, contents)).rejects.toThrow("lost");
    hooked.hi1 = plain;
    expect(await sendings.open()).toEqual([{ name, isDamaged: false }]);
    expect(kinds(await sendings.leave(name, ids(second)))).toEqual(["left", "held-back", "held-back"]);
    expect(await there(second)).toEqual([null, nowhere, nowhere]);
    expect(await sendings.open()).toEqual([]);

    // One flipped bit: it is said, and nothing is begun over it.
    const file = join(agency.directory, "sendings", `${name}.sealed`);
    const sealed = readFileSync(file);
    sealed[sealed.length - 1] = (sealed.at(-1) as number) ^ 1;
    writeFileSync(file, sealed);
    expect(await sendings.open()).toEqual([{ name, isDamaged: true }]);
    const over = sendings.begin(name, { ...about, parts: planned("lane 4"), seen: [] });
    await expect(over).rejects.toMatchObject({ code: "file-malformed" });
    await sendings.setAside(name);
    expect([await sendings.read(name), await sendings.open()]).toEqual([null, []]);
  });

  test("HI1-12, HI1-15, HI1-32, DESK-13, DESK-14: what an agency sent, on its pages: states, words, deliveries and its acts, all escaped", async () => {
    const { directory } = agency;
    const at = { directory, url: server.url, charter: charter.id };
    const client = await signedIn(await openAgency(at), { directory, label: "agency" });
    const mine = { ...line, own: { CountryCode: "XX", UniqueIdentifier: "DESK" } };
    const page = async (path: string) => {
      const { text } = await client.get(path);
      expect(text).not.toContain("<img src=x");
      return text;
    };
    try {
      // Nothing can be asked before the names are said, a key is made and the registry has signed it.
      expect(await page("/sent")).toContain("does not know yet how you and the provider call each other");
      const names = {
        endpoint: "DESK",
        provider: "PROVIDER",
        country: "XX",
        owner: "porchlight",
        profile: "1",
      };
      const wrong = await client.post("/sent/names", { ...names, country: "<b>" });
      expect([wrong.status, wrong.text.includes("two capital letters")]).toEqual([422, true]);
      expect((await client.act("/sent/names", names)).text).toContain("No key was made here yet.");
      await client.act("/key", {});
      const early = await page("/sent");
      expect(early).toContain("The provider did not take that.");
      expect(early).toContain("It was never asked before");
      const by = { ...mine, seed: await agency.endpointSeed() };
      await register(by, await agency.endpointKey());
      expect(await page("/sent")).toContain("Nothing was sent to the provider yet.");

      const { authorisation, id, original } = papers(EVIL, by);
      const about = { days, targets: targets(), isEmergency: false } as const;
      const task = (reference: string) => taskOf(by, id, { reference, type: "SubscriberData", ...about });
      const [answered, dropped, raced] = [task("XX-DESK-1"), task("XX-DESK-2"), task("XX-DESK-3")];
      const until = formatDay(dayNumber(dayOf(server.now) + 20));
      const keep = preservationTaskOf(by, { reference: "keep", days, targets: targets(), until });
      const objects = [authorisation, answered, dropped, raced, keep];
      expect(codes(await ask(objects.map(create), by))).toEqual([null, null, null, null, null]);
      const waiting = await page("/sent");
      expect(waiting).toContain("&lt;img src=x onerror=alert(1)&gt;");
      expect(waiting).toContain("waits for the provider");
      expect(waiting).not.toContain("hours left");
      await ask([create(original)], by);
      expect(await page("/sent")).toContain("10 days 0 hours left");

      await decide(id, "challenge", { words: `Which office? ${EVIL}` });
      await decide(keep.ObjectIdentifier, "refuse", { words: `No order holds it ${EVIL}` });
      for (const one of [id, original.ObjectIdentifier]) await decide(one, "approve");
      await decide(answered.ObjectIdentifier, "answer");
      const listed = await page("/sent");
      for (const words of ["asked back", "refused", "answered", "to be received"])
        expect(listed).toContain(words);
      expect(await page(`/sent/${id}`)).toContain("Which office? &lt;img");
      const refused = await page(`/sent/${keep.ObjectIdentifier}`);
      expect(refused).toContain("No order holds it &lt;img");
      expect(refused).toContain("Name: Ada Byron");

      // What is received is here, sealed, before the provider is told.
      const records = new LineRecords(agency, by);
      const delivery = (await records.known()).objects.find(({ type }) => type === "Delivery")?.id ?? "";
      const status = async (of: string) =>
        (await records.ask(service)).objects.find((one) => one.id === of)?.status;
      expect((await client.get(`/sent/${delivery}/file`)).status).toBe(404);
      expect((await client.act(`/sent/${delivery}/receive`, { generation: "0" })).text).toContain(
        "It is here",
      );
      expect(await status(delivery)).toBe("Received");
      const given = await client.get(`/sent/${delivery}/file`);
      expect(JSON.parse(given.text)).toMatchObject({
        accounts: [{ account: account(), person: "Ada Byron" }],
      });
      expect(given.headers["content-disposition"]).toContain("attachment");
      for (const file of [
        join(directory, "deliveries", `${delivery}.age`),
        join(directory, "provider-line.sealed"),
      ])
        expect(readFileSync(file).includes("Ada")).toBe(false);
      const files = await agency.unseal((await records.sealedDelivery(delivery)) as Uint8Array);
      expect(parseMessage(files.get("answer.json") as Uint8Array).header.SenderIdentifier).toEqual(PROVIDER);
      await client.act(`/sent/${delivery}/acknowledge`, { generation: "1" });
      expect(await status(delivery)).toBe("Acknowledged");

      const cancel = (task: { ObjectIdentifier: string }) => `/sent/${task.ObjectIdentifier}/cancel`;
      // A page that is old asks for nothing, and what changed after it was shown is not cancelled either.
      expect((await client.post(cancel(dropped), { generation: "7" })).status).toBe(409);
      expect((await client.act(cancel(dropped), { generation: "0" })).text).toContain("It is cancelled.");
      expect(await status(dropped.ObjectIdentifier)).toBe("Cancelled");
      const shownThen = client.asked(await client.post(cancel(raced), { generation: "0" }));
      await decide(raced.ObjectIdentifier, "refuse", { words: "Too late." });
      const late = await client.confirm(shownThen);
      expect(late.text).toContain("The provider did not take that");
      expect(await status(raced.ObjectIdentifier)).toBe("Rejected");
      await records.cancel(service, { id, generation: 1 });
      expect(await status(id)).toBe("Cancelled");
      expect((await client.get("/journal")).text).toContain("Cancel it: Task: whose account");
      await sendsByItsPages(client, by);
    } finally {
      await client.desk.close();
    }
    // The provider is away: what it said last stands there, and when that was.
    const elsewhere = await openAgency({ ...at, url: "http://127.0.0.1:9" });
    const alone = await signedIn(elsewhere, { directory, label: "agency" }, () => {});
    try {
      await alone.signIn();
      const { text } = await alone.get("/sent");
      expect(text).toContain("The provider does not answer.");
      expect(text).toContain("what it said last");
      expect(text).toContain("received and confirmed");
    } finally {
      await alone.desk.close();
    }
  });

  test("HI1-23, HI1-34: a task to preserve rests on an issuer's order, is prolonged with it and ends with it", async () => {
    const today = dayOf(server.now);
    const task = preservationTaskOf(line, {
      reference: "7 Gs 1/26",
      days,
      targets: targets(),
      until: formatDay(dayNumber(today + 60)),
    });
    const id = task.ObjectIdentifier;
    expect(codes(await ask([create(task)]))).toEqual([null]);
    const order = async (changes: object = {}) => {
      const document = {
        charter: charter.id,
        reference: "7 Gs 1/26",
        actHash: new Uint8Array(32),
        legalBasis: charter.legalBases[0] as string,
        issuer: COURT,
        issued: server.now,
        account: account(),
        conversations: "all" as const,
        firstDay: DAY,
        lastDay: DAY,
        until: dayNumber(today + 10),
        extends: null,
        ground: "Until a warrant is decided.",
        ...changes,
      };
      const signed = await signDocument("preservation", formatPreservation(document), [signerOf(COURT)]);
      const bytes = formatSignedDocument(signed);
      const opening = seedOf(`preservation ${document.until}`);
      const sent = { preservation: fromUtf8(bytes), opening };
      const { index } = await server.client().preserve(sent);
      await server.client().waitForCheckpoint(index + 1, { since: server.now, wait: 60 });
      await service.update();
      await server.client().preserve({ ...sent, proof: await service.proof(index) });
      return preservationCommitment(opening, bytes);
    };
    await expect(decide(id, "preserve", { preservations: ["00".repeat(32)] })).rejects.toThrow(
      "do not hold all",
    );
    const commitment = await order();
    expect((await shown(id)).preservations).toMatchObject([{ commitment }]);
    await decide(id, "preserve", { preservations: [commitment] });
    // Asked for longer than it is held: said, and the officer can refuse that.
    const end = (inDays: number): string => `${formatDay(dayNumber(today + inDays))}T23:59:59Z`;
    const kept = await shown(id);
    expect(kept.acts).toEqual(["challenge", "refuse"]);
    expect(kept.deadline).toBe(Date.parse(end(10)) / 1000);
    expect(kept.asked.map(({ term }) => term)).toEqual(
      expect.arrayContaining(["Asked to be kept until", "Kept until"]),
    );
    await expect(decide(id, "refuse")).rejects.toThrow("say why");
    await decide(id, "refuse", { words: "No longer than the order says." });
    const refused = await get(id);
    expect(refused).toMatchObject({
      "task:DesiredPreservationExpiration": end(10),
      "task:StatusReason": { ErrorDescription: "No longer than the order says." },
    });
    expect([await statusOf(id), (await shown(id)).acts]).toEqual(["Preserved", []]);
    const longer = { ...refused, "task:DesiredPreservationExpiration": end(40) };
    expect(codes(await ask([{ UPDATE: { HI1Object: longer } }]))).toEqual([null]);
    expect(await get(id)).not.toHaveProperty("task:StatusReason");
    expect((await shown(id)).acts).toEqual(["challenge", "refuse"]);
    const expiration = async () => (await get(id))["task:PreservationExpiration"];
    expect(await expiration()).toBe(`${formatDay(dayNumber(today + 10))}T23:59:59Z`);
    // Its owner asks for longer: thirty days more than was granted at most, of what it saw.
    const records = new LineRecords(agency, line);
    const { objects } = await records.ask(service);
    const { generation } = objects.find((one) => one.id === id) as { generation: number };
    const prolong = async (days: number, seen = generation) =>
      await records.extend(service, { id, generation: seen, until: formatDay(dayNumber(today + days)) });
    await expect(prolong(41)).rejects.toThrow(refusal("preservation-too-long").description);
    await expect(prolong(40, 0)).rejects.toThrow(refusal("generation-stale").description);
    await prolong(40);
    const asked = (await records.known()).objects.find((one) => one.id === id);
    expect([asked?.status, asked?.asked, asked?.granted]).toEqual([
      "Preserved",
      formatDay(dayNumber(today + 40)),
      formatDay(dayNumber(today + 10)),
    ]);
    expect((await get(id))["task:DesiredPreservationExpiration"]).toBe(`${asked?.asked}T23:59:59Z`);
    await order({ extends: commitment, until: dayNumber(today + 40) });
    expect(await expiration()).toBe(`${formatDay(dayNumber(today + 40))}T23:59:59Z`);
    expect((await shown(id)).acts).toEqual([]);
    await server.tick(server.now + 41 * 86_400);
    // HI1-54: its last day is over.
    await server.client().waitForCheckpoint(0, { since: server.now, wait: 60 });
    await expect(ask([{ LIST: {} }])).rejects.toMatchObject({
      message: refusal("sender-unknown").description,
    });
    await register(line);
    expect(await statusOf(id)).toBe("Expired");
    // HI1-34: an order that nobody collected under is over with its day, and so is its warrant.
    const over = await Promise.all(byPage.map(async (one) => (await shown(one)).status));
    expect(over).toEqual(["Expired", "DisclosureNotAvailable"]);
  });

  test("HI1-36: under the charter before, a task is disclosed once its order's material was handed out, and stays so when the order is revoked", async () => {
    // From now on another charter is in force; what was written opens under the one before.
    const later = await signedCharter(charterDocument("court", { legalBases: ["Another Act, section 1"] }));
    await server.client().appendEntry(formatEntry({ type: "charter", document: later }));
    expect((await admin<{ charter: string }>("hi1-status")).charter).not.toBe(charter.id);
    const { authorisation, id, original } = papers("8 Gs 1/26");
    const task = taskOf(line, id, {
      reference: "XX-AGENCY-36",
      type: "StoredContentData",
      days,
      targets: targets(),
      isEmergency: false,
    });
    const opening = "hi1 opening, handed out";
    await server.keys(charter, periodOf(dayOf(server.now)));
    const { document, warrant } = await warrantUnder(id, opening, { reference: "8 Gs 1/26" });
    expect(codes(await ask([authorisation, task, original, warrant].map(create)))).toEqual([
      null,
      null,
      null,
      null,
    ]);
    for (const one of [id, original.ObjectIdentifier]) await decide(one, "approve");
    const nowhere = await charterOf("court", { legalBases: ["A charter that nobody logged"] });
    const about = { reference: "8 Gs 1/26" };
    const unknown = (await warrantUnder(id, "hi1 opening, of no charter", about, nowhere)).warrant;
    expect(codes(await ask([create(unknown)]))).toEqual([null]);
    await expect(decide(unknown.ObjectIdentifier, "approve")).rejects.toThrow("unknown-charter");
    const taskId = task.ObjectIdentifier;
    expect((await shown(taskId)).extent).toMatchObject({ conversations: 1, labels: 1 });
    await decide(warrant.ObjectIdentifier, "approve");
    expect(await statusOf(taskId)).toBe("AwaitingDisclosure");
    const { logged } = await shown(taskId);
    const index = logged?.index ?? 0;
    await server.client().waitForCheckpoint(index + 1, { since: server.now, wait: 60 });
    const [entry] = (await server.entries(index, index + 1)).map(parseEntry);
    const { conversation } = people[0] as Person;
    await server
      .client()
      .material(orderIdOf(seedOf(opening)), { labels: [{ conversation, account: account(), day: DAY }] });
    expect(await statusOf(taskId)).toBe("Disclosed");
    expect((await shown(taskId)).custody.at(-1)).toMatchObject({ by: "this server", act: "Disclosed" });
    await revoke((entry as { commitment: string }).commitment, document.reference, opening);
    expect(await statusOf(taskId)).toBe("Disclosed");
  });

  test("HI1-1, HI1-2: what is no message, or for another charter's endpoint, changes nothing and names no one", async () => {
    for (const text of ["", "{", "[]", '{"Header":{},"Header":{}}', "[".repeat(3000)]) {
      await expect(server.client().hi1(utf8(text))).rejects.toMatchObject({ refusal: "malformed" });
    }
    const wrong = { ...line, provider: { CountryCode: "XX", UniqueIdentifier: "ELSEWHERE" } };
    await expect(ask([{ LIST: {} }], wrong)).rejects.toMatchObject({ code: "hi1-untrue" });
    expect(failureOf(answers.at(-1) as Uint8Array)).toBe(refusal("receiver-wrong").number);
  });

  test("HI1-1: one string of ten million characters has its refusal, whoever sends it", async () => {
    const long = "A".repeat(10_000_000);
    for (const text of [
      `"${long}"`,
      `"${long}`,
      `{"Header":"${long}"}`,
      `{"${long}":1}`,
      `{"Header":{"a":"${long}`,
    ])
      await expect(server.client().hi1(utf8(text))).rejects.toMatchObject({ refusal: "malformed" });
  });

  /** The act of eleven MiB. */
  const elevenMiB: string[] = [];
  /** Not the one whose messages are all kept: these are of megabytes. */
  const large = async () => await Service.open({ url: server.url, directory: home, charter: charter.id });

  test("HI1-1, HI1-24: an act of eleven MiB goes whole, and the officer reads all of it", async () => {
    const by = await large();
    const { authorisation, id } = papers("2 Gs 11/26");
    const contents = Buffer.alloc(MAX_CONTENTS_BYTES, "%PDF-1.7 ");
    const checksum = createHash("sha256").update(contents).digest("hex");
    const original = documentOf(line, id, {
      type: "OriginalAct",
      contentType: "application/pdf",
      ...{ checksum, contents },
    });
    for (const object of [authorisation, original])
      expect(await createAtProvider(by, line, object)).toEqual({ kind: "taken" });
    const read = await admin<{ contents: string }>("hi1-contents", { id: original.ObjectIdentifier });
    expect(Buffer.from(read.contents, "base64").equals(contents)).toBe(true);
    // HI1-8: as many documents of one message are given as fit its answer.
    const more = contents.subarray(0, MAX_CONTENTS_BYTES / 2);
    const others = [more, act].map((bytes) =>
      documentOf(line, id, {
        ...{ type: "OriginalAct", contentType: "application/pdf", contents: bytes },
        checksum: createHash("sha256").update(bytes).digest("hex"),
      }),
    );
    for (const object of others) expect(await createAtProvider(by, line, object)).toEqual({ kind: "taken" });
    elevenMiB.push(original.ObjectIdentifier);
    const gets = [original, ...others].map(({ ObjectIdentifier: Identifier }) => ({ GET: { Identifier } }));
    expect(codes(await askProvider(by, line, gets))).toEqual([
      null,
      refusal("answer-too-large").number,
      null,
    ]);
    const { objects, unread } = await new LineRecords(agency, line).ask(by);
    expect(objects.find((one) => one.id === original.ObjectIdentifier)?.checksum).toBe(checksum);
    expect(unread).toEqual([]);
  });

  test("HI1-31: the largest answer of traffic is delivered and read; one message more is not answered, and not counted", async () => {
    const by = await large();
    const conversation = "c5".repeat(32);
    const row = { account: account(), conversation, at: `${days.first}T12:00:00Z`, encryptedBytes: 1000 };
    const size = (rows: number): number =>
      `${JSON.stringify({ version: 1, data: "traffic", sent: Array(rows).fill(row) }, null, 1)}\n`.length;
    const most = 3 + Math.floor((MAX_CONTENTS_BYTES - size(3)) / (size(3) - size(2)));
    const sent = async (from: number, to: number): Promise<unknown> =>
      await server.query(
        `insert into held_items (conversation, seq, generation, epoch, kind, submitter, at, bytes)
          select $1, n, 0, 0, 3, $2, $3, decode(repeat('ab', 1000), 'hex') from generate_series($4::integer, $5::integer) n`,
        [
          Buffer.from(conversation, "hex"),
          Buffer.from(account(), "hex"),
          Date.parse(row.at) / 1000,
          from,
          to,
        ],
      );
    await sent(1, most);
    const { authorisation, id, original } = papers("2 Gs 12/26");
    const task = (reference: string) =>
      taskOf(line, id, {
        ...{ days, isEmergency: false, type: "TrafficData", reference },
        targets: { accounts: [account()], names: [], conversations: [conversation] },
      });
    const [told, untold] = [task("XX-AGENCY-31"), task("XX-AGENCY-32")];
    expect(codes(await ask([authorisation, original, told, untold].map(create)))).toEqual(
      Array(4).fill(null),
    );
    for (const one of [id, original.ObjectIdentifier]) await decide(one, "approve");
    await decide(told.ObjectIdentifier, "answer");
    const records = new LineRecords(agency, line);
    const { objects } = await records.ask(by);
    const found = objects.find((one) => one.type === "Delivery" && one.reference === "XX-AGENCY-31");
    const delivery = found?.id as string;
    await records.receive(by, { id: delivery, generation: 0 });
    const answer = (await records.delivered(delivery)) as Uint8Array;
    expect(answer.length).toBe(size(most));
    expect((JSON.parse(fromUtf8(answer)) as { sent: object[] }).sent).toEqual(Array(most).fill(row));

    // HI1-8: the data lies beside the delivery, where no list reads it, and as much of it is given as fits an answer.
    const lying = async () =>
      await server.query(
        "select octet_length(sealed) < 10000 as light, octet_length(contents) as size from hi1_objects where object = $1",
        [delivery],
      );
    const isApart = [{ light: true, size: size(most) + 28 }];
    expect(await lying()).toEqual(isApart);
    const given = async (Identifier: string) => (await askProvider(by, line, [{ GET: { Identifier } }]))[0];
    const whole = JSON.stringify(await given(delivery));
    expect(whole).toContain(base64(answer));
    const first = elevenMiB.at(-1) as string;
    const gets = [first, delivery].map((Identifier) => ({ GET: { Identifier } }));
    expect(codes(await askProvider(by, line, gets))).toEqual([null, refusal("answer-too-large").number]);
    // An earlier version kept it in one piece; whatever is done with it next takes it apart.
    const { log: origin } = JSON.parse(readFileSync(join(server.directory, "public.json"), "utf8")) as {
      log: { origin: string };
    };
    const atRest = new AtRest(await loadIdentity(server.directory, origin.origin, undefined));
    const [kept] = await server.query("select sealed from hi1_objects where object = $1", [delivery]);
    const place = `object ${delivery}`;
    const value = JSON.parse(fromUtf8(atRest.open(place, kept?.["sealed"] as Uint8Array))) as object;
    const { GETResponse } = JSON.parse(whole) as { GETResponse: { HI1Object: Hi1Object } };
    const old = utf8(JSON.stringify({ ...value, object: GETResponse.HI1Object }));
    await server.query("update hi1_objects set sealed = $2, contents = null where object = $1", [
      ...[delivery, atRest.seal(place, old)],
    ]);
    expect(JSON.stringify(await given(delivery))).toBe(whole);
    const acknowledged = { UPDATE: { HI1Object: wishFor(GETResponse.HI1Object, "Acknowledged") } };
    const [updated] = await askProvider(by, line, [acknowledged]);
    const { UPDATEResponse } = updated as { UPDATEResponse: { HI1Object: Got } };
    expect(UPDATEResponse.HI1Object["delivery:Delivery"]).toMatchObject({
      "delivery:BinaryData": { "delivery:Data": "", "delivery:ContentLength": answer.length },
    });
    expect(await lying()).toEqual(isApart);
    expect(JSON.stringify(await given(delivery))).toContain(base64(answer));

    await sent(most + 1, most + 1);
    const { size: before } = await admin<{ size: number }>("status");
    await expect(decide(untold.ObjectIdentifier, "answer")).rejects.toThrow("ask for fewer days");
    expect(await statusOf(untold.ObjectIdentifier)).toBe("AwaitingApproval");
    expect((await admin<{ size: number }>("status")).size).toBe(before);
  });

  test("DESK-13: what cannot be read is named and asked for again, and keeps nothing else away", async () => {
    const by = await large();
    const [broken, whole] = [papers("2 Gs 13/26"), papers("2 Gs 14/26")];
    expect(codes(await ask([broken.authorisation, whole.authorisation].map(create)))).toEqual([null, null]);
    const { server: client } = by;
    const taken = client.hi1.bind(client);
    let isBroken = true;
    (client as { hi1: ServerClient["hi1"] }).hi1 = async (message) => {
      const answer = await taken(message);
      return isBroken && fromUtf8(message).includes(broken.id) ? answer.slice(0, -1) : answer;
    };
    const records = new LineRecords(agency, line);
    for (let look = 0; look < 2; look++) {
      const record = await records.ask(by);
      expect(record.objects.some(({ id }) => id === whole.id)).toBe(true);
      expect(record.objects.some(({ id }) => id === broken.id)).toBe(false);
      expect(record.unread).toMatchObject([{ id: broken.id, type: "Authorisation" }]);
      expect(await records.known()).toEqual(record);
      const names = {
        ...{ country: "XX", endpoint: "AGENCY", provider: "PROVIDER" },
        ...{ owner: "porchlight", profile: "1" },
      };
      const page = linePage({ now: server.now } as never, names, { record, why: null }, NOTHING);
      expect((page.body as { markup: string }).markup).toContain(
        `<li>Authorisation <code>${broken.id}</code>: the answer`,
      );
    }
    isBroken = false;
    const { objects, unread } = await records.ask(by);
    expect([unread, objects.some(({ id }) => id === broken.id)]).toEqual([[], true]);
  });

  test("HI1-27, HI1-28, HI1-29: no number and no length of what one authority sends keeps the officer from anything", async () => {
    const by = await large();
    const made: Hi1Object[] = [];
    const named = (reference: string) => {
      const { authorisation } = papers(reference);
      made.push(authorisation as Hi1Object);
      return create(authorisation);
    };
    const sent = async (all: readonly object[]) => codes(await askProvider(by, line, all));
    const { objects: listed } = await new LineRecords(agency, line).ask(by);
    const waiting = listed.filter(({ status }) => /^(?:Awaiting|Cancelled|Expired)/.test(status)).length;
    expect(await sent([named("9".repeat(201))])).toEqual([refusal("text-too-long").number]);
    const answered: (number | null)[] = [];
    // What JSON writes in six characters each.
    for (let i = 0; i < 10; i++) {
      const some = Array.from({ length: 100 }, (_, n) => named(`${i}.${n} ${"\u0001".repeat(190)}`));
      answered.push(...(await sent(some)));
    }
    const full = refusal("too-many-waiting").number;
    const taken = answered.indexOf(full);
    expect(answered.slice(taken).every((code) => code === full)).toBe(true);
    expect(taken).toBeGreaterThanOrEqual(1000 - waiting);

    type Page = { objects: Shown[]; more: number };
    const pages: Page[] = [await admin<Page>("hi1-inbox")];
    for (let from = 500; (pages.at(-1)?.more ?? 0) > 0; from += 500)
      pages.push(await admin<Page>("hi1-inbox", { from }));
    const all = pages.flatMap(({ objects }) => objects);
    expect(pages.slice(0, -1).every(({ objects }) => objects.length === 500)).toBe(true);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(pages[0]?.more).toBe(all.length - 500);
    const isDone = all.map(({ status, deadline }) => !status.startsWith("Awaiting") && deadline === null);
    expect(isDone.slice(0, 1000).includes(true)).toBe(false);

    // Nobody makes room by taking back, for a day, be it by way of the authorisation.
    const [none, some] = [Array(50).fill(null), made.slice(1, 51)];
    const cancel = (object: Hi1Object) => ({ UPDATE: { HI1Object: wishFor(object, "Cancelled") } });
    const again = () => Array.from({ length: 50 }, (_, n) => named(`again ${n}`));
    expect(await sent([...some.map(cancel), ...again()])).toEqual([...none, ...Array(50).fill(full)]);
    expect(await sent(again())).toEqual(Array(50).fill(full));
    await server.query("update hi1_objects set changed = changed - 86400 where object = any($1)", [
      some.map((one) => one.ObjectIdentifier),
    ]);
    const file = papers("fallen");
    const about = { days, targets: targets(), isEmergency: false, type: "SubscriberData" } as const;
    const task = taskOf(line, file.id, { reference: "XX-AGENCY-27", ...about });
    const fallen = [file.authorisation, task, file.original];
    expect(await sent([...again().slice(3), ...fallen.map(create)])).toEqual(none);
    expect(await sent([cancel(file.authorisation as Hi1Object)])).toEqual([null]);
    expect(await sent([named("none")])).toEqual([full]);
    expect(await Promise.all(fallen.map(({ ObjectIdentifier: id }) => statusOf(id)))).toEqual([
      ...["Cancelled", "Cancelled", "Expired"],
    ]);

    // What is done is not read where it is not shown; it stands in the order in which it came.
    const total = (pages[0]?.more ?? 0) + 550;
    const lastOf = async (count: number) => await admin<Page>("hi1-inbox", { from: total - count });
    const { objects: last, more: behind } = await lastOf(60);
    expect([last.length, behind]).toEqual([60, 0]);
    const { objects: most } = await lastOf(500);
    expect(most.slice(-60)).toEqual(last);
    const done = most.filter(({ status }) =>
      /^(?:Cancelled|Expired|Rejected|Disclos|Preservation)/.test(status),
    );
    expect(most.slice(-done.length)).toEqual(done);
    const inOrder = done.toSorted((a, b) => a.received - b.received || (a.id < b.id ? -1 : 1));
    expect(done).toEqual(inOrder);
    for (const { ObjectIdentifier } of [...some, ...fallen])
      expect(done.some(({ id }) => id === ObjectIdentifier)).toBe(true);
    const broken = done.at(-1)?.id;
    await server.query("update hi1_objects set sealed = sealed || '\\x00' where object = $1", [broken]);
    expect((await admin<Page>("hi1-inbox")).objects.length).toBe(500);
    await expect(lastOf(60)).rejects.toThrow();
    await server.query(
      "update hi1_objects set sealed = substr(sealed, 1, octet_length(sealed) - 1) where object = $1",
      [broken],
    );
    expect((await lastOf(60)).objects).toEqual(last);

    const desk = await openOfficer({ directory: server.directory, url: null, charter: null });
    const client = await signedIn(desk, { directory: mkdtempSync(join(home, "desk-")), label: "officer" });
    try {
      const { text } = await client.get("/inbox");
      expect(text).toContain(`There are ${total - 500} more, less urgent or done.`);
      expect((await client.get("/inbox?from=500")).text).toContain("behind the first 500");
      expect((await client.get("/inbox?from=-1")).text).toContain("There are");
    } finally {
      await client.desk.close();
    }
  });

  test("HI1-29: an object of any length is a line of some hundred characters", () => {
    const { authorisation } = papers("x".repeat(65_000));
    const object = { ...authorisation, "auth:AuthorisationApprovalDetails": Array(100).fill({}) };
    const held = { type: "Authorisation", owner: "AGENCY", object, scope: null, since: server.now } as const;
    const line = brief({ held, received: server.now, logged: null, preserved: [] } as never);
    expect(referenceOf(line.held.object)).toBe(`${"x".repeat(300)}…`);
    expect(JSON.stringify(line).length).toBeLessThan(3000);
  });

  test.skipIf(etsiMissing !== null)(
    `whatever requester and endpoint send is valid by ETSI's schema${etsiMissing === null ? "" : `: ${etsiMissing}`}`,
    () => {
      const errors = etsiErrors();
      expect(sentAndGiven.length).toBeGreaterThan(40);
      for (const answer of sentAndGiven) {
        const json = JSON.parse(fromUtf8(answer)) as { Payload: object };
        expect(errors(json)).toEqual([]);
      }
    },
  );
});
