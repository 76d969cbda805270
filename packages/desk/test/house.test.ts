import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Charter,
  formatRegistration,
  formatSignedDocument,
  type LogEntry,
  parseSignedDocument,
  signDocument,
  unverifiedPayload,
  verifyRegistration,
} from "@porchlight/charter";
import {
  base64,
  type DayNumber,
  dayNumber,
  dayOf,
  formatDay,
  formatInstant,
  fromUtf8,
  hex,
  periodOf,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { type Disclosure, parseWarrant } from "@porchlight/gate";
import { html } from "@porchlight/markup";
import {
  Agency,
  Court,
  cosignPreservation,
  formatOrderFile,
  formatPreservationFile,
  formatRequest,
  keepOrder,
  keptOrders,
  logView,
  namesOf,
  type OrderFile,
  type PreservationFile,
  preservationName,
  preservationOf,
  preservationShelf,
  type Request,
  Service,
  signPreservation,
} from "@porchlight/parties";
import { leafHash, parsePolicy, verifyProof } from "@porchlight/tlog";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { charterOf, onDay, publicKeyOf, seedOf, signerOf } from "../../../vectors/fixture/deployment.ts";
import { CONVERSATION, DAY, SERVICE_URL, World } from "../../parties/test/world.ts";
import { openAgency } from "../src/agency/desk.ts";
import { openCourt } from "../src/court/desk.ts";
import { openInspector } from "../src/inspector/desk.ts";
import { orderWords } from "../src/orders.ts";
import { addSaid, readSaid } from "../src/said.ts";
import { type DeskClient, signedIn } from "./desk-client.ts";

const FAST = { workFactor: 2 };
const EVIL = `<img src=x onerror="alert(1)">`;
let home: string;
let world: World;
let service: Service;
let client: DeskClient;
const issuers: DeskClient[] = [];
let orders: readonly [OrderFile, OrderFile];
let half: OrderFile;
let unsent: readonly [one: OrderFile, both: OrderFile];
/** Signed under a charter that came into force later: one secret and soon over, one whose person is told first. */
let changed: readonly [OrderFile, OrderFile];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "inspector-"));
  const make = async (name: string, title: string) =>
    await Court.create(join(home, name), { name, title, url: SERVICE_URL }, FAST);
  const [legal, management, council] = [
    await make("legal", "Head of legal affairs"),
    await make("management", "Managing director"),
    await make("works-council", "Works council"),
  ];
  const named = ({ name, title, publicKey }: Court) => ({ name, title, key: publicKey });
  world = await World.open([named(legal), named(management)], "house", {
    inspection: { inspectors: [named(council)], days: 1 },
  });
  // The desk finds its service by the address in its directory, as everywhere.
  vi.stubGlobal("fetch", async (...asked: Parameters<typeof fetch>) => await world.fetch(...asked));
  service = await Service.open({ url: SERVICE_URL, directory: join(home, "log") });
  const agency = await Agency.create(join(home, "agency"), { name: "house-lawyers" }, FAST);
  const signed = async (reference: string): Promise<[OrderFile, OrderFile]> => {
    const { request } = await agency.request(world.charter.id, { reference, actHash: seedOf("act") });
    const one = await legal.issue(world.charter, {
      request,
      statement: await world.statement(`brandt ${EVIL}`),
      accounts: [world.account],
      conversations: [CONVERSATION],
      firstDay: DAY,
      lastDay: DAY,
      legalBasis: world.charter.legalBases[0] as string,
      offenceCategory: world.charter.offenceCategories[0] as string,
      necessity: `Needed ${EVIL}`,
      proportionality: "One day.",
      disclosure: { kind: "secret", until: dayNumber(DAY + 30), ground: "It would be destroyed." },
      issued: service.now(),
      expires: onDay((DAY + 20) as DayNumber, 0),
    });
    return [one, await management.countersign(world.charter, one)];
  };
  const [first, second] = [await signed("hold 1"), await signed("hold 2")];
  half = second[0];
  unsent = await signed("hold 3");
  orders = [await legal.submit(service, first[1]), await legal.submit(service, second[1])];
  world.publish();
  client = await signedIn(
    await openInspector({ directory: join(home, "works-council"), url: null, charter: null }),
    {
      directory: join(home, "works-council"),
      label: "works-council",
    },
  );
});
afterAll(async () => {
  for (const one of [client, ...issuers]) await one?.desk.close();
  vi.unstubAllGlobals();
  await rm(home, { recursive: true, force: true });
});

/** A file as a browser sends it. */
async function upload(
  to: DeskClient,
  path: string,
  name: string,
  bytes: Uint8Array | string,
  fields: Readonly<Record<string, string>> = {},
) {
  const boundary = "----house";
  const part = (field: string, body: string, file = "") =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${field}"${file}\r\n\r\n${body}\r\n`;
  const text = typeof bytes === "string" ? bytes : Buffer.from(bytes).toString();
  const more = Object.entries(fields).map(([field, value]) => part(field, value));
  const body = `${part("csrf", await to.token())}${more.join("")}${part(name, text, '; filename="file.json"')}--${boundary}--\r\n`;
  return await to.send("POST", path, body, { "content-type": `multipart/form-data; boundary=${boundary}` });
}

const bring = async (order: OrderFile) => await upload(client, "/orders", "order", formatOrderFile(order));

test("GATE-33: hold orders of the log that nobody gave the inspector are shown to it, with how long they wait", async () => {
  const { text } = await client.get("/orders");
  expect(text).toContain("2 hold orders stand in the public log that nobody gave you.");
  expect(text).toContain('class="house inspects"');
});

test("an entry of the log is parsed once, however many pages ask what it says", () => {
  const [first, again] = [logView(service).entries, logView(service).entries];
  expect(again.length).toBeGreaterThan(1);
  for (const [i, { entry }] of first.entries()) expect(again[i]?.entry).toBe(entry);
});

test("CHA-24: a hold order that one of two signed is not taken", async () => {
  const refused = await bring(half);
  expect(refused.text).toContain("not signed by all who must sign it");
});

test("CHA-24, GATE-33: the inspector reads what is asked, rule by rule, and until when keyholders wait", async () => {
  for (const order of orders) expect((await bring(order)).status).toBe(303);
  const inbox = (await client.get("/orders")).text;
  expect(inbox).not.toContain("nobody gave you");
  const [path] = /\/orders\/[0-9a-f]{16}/.exec(inbox) ?? [""];
  const { text } = await client.get(path);
  expect(text).toContain("1 key</strong>Opens the messages of up to 1 person, in 1 conversation, on 1 day.");
  expect(text).toMatch(/GATE-33<\/span><\/th><td data-label="Answer"><span class="badge wait">not yet/);
  expect(text).toMatch(/GATE-42<\/span><\/th><td data-label="Answer"><span class="badge good">holds/);
  expect(text).toContain("Needed &lt;img");
  expect(text).not.toContain("<img");
});

test("DIR-2: in a house one stops a hold order alone; to go on, or to keep it secret for longer, takes both", async () => {
  for (const name of ["legal", "management"]) {
    const directory = join(home, name);
    const desk = await openCourt({ directory, url: null, charter: null });
    expect(desk.heading).toBe("Issuer");
    issuers.push(await signedIn(desk, { directory, label: name }));
  }
  const [legal, management] = issuers as [DeskClient, DeskClient];
  const [order] = orders;
  const at = `/orders/${namesOf(order).commitment.slice(0, 16)}`;
  for (const one of issuers) await upload(one, "/orders", "order", formatOrderFile(order));
  // What one signed alone is gone once the whole of it is there: nobody takes it for a second order.
  const shownHalf = `/orders/${namesOf(half).commitment.slice(0, 16)}`;
  await upload(legal, "/orders", "order", formatOrderFile(half));
  expect((await legal.get("/orders")).text).toContain(shownHalf);
  await upload(legal, "/orders", "order", formatOrderFile(orders[1]));
  const listed = (await legal.get("/orders")).text;
  expect(listed).not.toContain(shownHalf);
  expect(listed).toContain(namesOf(orders[1]).commitment.slice(0, 16));
  const size = world.entries.length;
  const suspended = await legal.act(`${at}/suspend`, { ground: `A complaint ${EVIL}` });
  expect(suspended.text).toContain("Suspended. 5 of 5 keyholders have counted it so far.");
  expect(world.entries[size]).toMatchObject({ type: "suspension" });

  const resumed = await legal.act(`${at}/resume`, { ground: `It was heard ${EVIL}` });
  expect(resumed.text).toContain("one signature of two");
  expect(resumed.text).toContain("It was heard &lt;img");
  expect(world.entries.length).toBe(size + 1);
  const path = /\/orders\/[0-9a-f]{16}\/halves\/[0-9a-f]{16}/.exec(resumed.text)?.[0] ?? "";
  const file = (await legal.get(`${path}/file`)).text;
  // One's own signature twice is none, another order's is none, and neither is something else.
  expect((await legal.post(`${path}/sign`, {})).status).toBe(409);
  expect((await upload(management, `${at}/halves`, "half", "{}")).status).toBe(422);
  const forged = JSON.parse(file) as { payload: string };
  forged.payload = `${forged.payload.slice(0, -2)}AA`;
  expect((await upload(management, `${at}/halves`, "half", JSON.stringify(forged))).status).toBe(422);
  const read = await management.follow(await upload(management, `${at}/halves`, "half", file));
  expect(read.text).toContain("It waits for your signature.");
  const shown = await management.post(`${path}/sign`, {});
  expect(shown.text).toContain("Signed so far by</dt><dd>legal");
  const done = await management.follow(await management.confirm(management.asked(shown)));
  expect(done.text).toContain("It goes on. 5 of 5 keyholders have counted it so far.");
  expect(world.entries.at(-1)).toMatchObject({ type: "resumption" });
  // The first sees it in the log, and is asked for nothing more.
  const after = await vi.waitFor(
    async () => {
      const { text } = await legal.get(at);
      expect(text).toContain("Let go on");
      return text;
    },
    { timeout: 90_000, interval: 200 },
  );
  expect(after).not.toContain("one signature of two");

  const extended = await management.act(`${at}/extend`, {
    ground: "More people.",
    until: formatDay(dayNumber(DAY + 60)),
  });
  const other = /\/orders\/[0-9a-f]{16}\/halves\/[0-9a-f]{16}/.exec(extended.text)?.[0] ?? "";
  await upload(legal, `${at}/halves`, "half", (await management.get(`${other}/file`)).text);
  const both = await legal.act(`${other}/sign`, {});
  expect(both.text).toContain(`Secrecy extended until ${formatDay(dayNumber(DAY + 60))}`);
  expect(world.entries.at(-1)).toMatchObject({ type: "extension" });
  // When the person is told, moved: to the day where it was said, to the log's month at the other desk.
  const [day, month] = [formatDay(dayNumber(DAY + 60)), periodOf(dayNumber(DAY + 60))];
  const shownTo = async (desk: DeskClient, words: string) =>
    await vi.waitFor(async () => expect((await desk.get("/orders")).text).toContain(words), {
      timeout: 90_000,
      interval: 200,
    });
  await shownTo(legal, `on ${day} (extended)`);
  await upload(management, "/orders", "order", formatOrderFile(order));
  await shownTo(management, `on a day in ${month} (extended)`);
});

test("DESK-4, DIR-7, GATE-23, WAR-10: what every keyholder would refuse the desk does not sign, and says what to do", async () => {
  const [legal] = issuers as [DeskClient];
  const [order] = orders;
  const longest = dayNumber(dayOf(service.now()) + world.charter.longestSecrecyDays);
  const extend = async (until: DayNumber) =>
    await legal.post(`/orders/${namesOf(order).commitment.slice(0, 16)}/extend`, {
      ground: "More people.",
      until: formatDay(until),
    });
  const refused = await extend(dayNumber(longest + 1));
  expect(refused.status).toBe(422);
  // What was typed is kept, to be mended.
  expect(refused.text).toMatch(/<details class="card" open><summary>Keep it secret for longer/);
  expect(refused.text).toContain(`value="${formatDay(dayNumber(longest + 1))}"`);
  expect(refused.text).toMatch(/name="ground"[^>]*>\nMore people\./);
  expect(refused.text).toContain(`secret until ${formatDay(longest)} at the latest`);
  expect((await extend(longest)).status).toBe(200);

  const agency = await Agency.open(join(home, "agency"));
  const used = (await agency.requests()).requests.find(
    ({ request: { reference } }) => reference === "hold 1",
  );
  const { request } = await agency.request(world.charter.id, { reference: "hold 3", actHash: seedOf("act") });
  const statement = JSON.stringify(await world.statement("brandt"));
  const begin = async (application: Request | undefined) =>
    await legal.post("/new", {
      requestText: Buffer.from(formatRequest(application as Request)).toString(),
      statementText: statement,
    });
  const again = await begin(used?.request);
  expect(again.status).toBe(422);
  expect(again.text).toContain("An order was signed on this application already");
  const draft = String((await begin(request)).headers["location"]);
  const unstated = await legal.post(`${draft}/sign`, { accounts: "0".repeat(64) });
  expect(unstated.text).toContain("An account was named that the provider&#39;s statement does not name.");
  // Nothing that was typed is cut: it is refused in words and kept.
  const words = "é".repeat(20_001);
  const long = await legal.post(`${draft}/sign`, { accounts: [], necessity: words });
  expect([long.status, long.text.includes(`${words}</textarea>`)]).toEqual([422, true]);
  expect(long.text).toContain("At most 20,000 characters can be signed; this has 20,001.");
  expect((await legal.get(draft)).text).toContain(`${words}</textarea>`);
});

test("DIR-2, DESK-5: a veto takes a reason and the passkey, and stands in the log; letting pass sends nothing", async () => {
  const inbox = (await client.get("/orders")).text;
  const paths = [...new Set(inbox.match(/\/orders\/[0-9a-f]{16}/g))] as [string, string];
  const without = await client.post(`${paths[0]}/veto`, { ground: " " });
  expect(without.status).toBe(422);
  expect(without.text).toContain("Say why, in words");
  const size = world.entries.length;
  // A note that could not be read again would lock the whole inbox.
  const long = await client.post(`${paths[1]}/pass`, { note: `the words of a long note `.repeat(1000) });
  expect([long.status, long.text.includes("at most 20,000 characters")]).toEqual([422, true]);
  const passed = await client.act(`${paths[1]}/pass`, { note: "" });
  expect(passed.text).toContain("Noted: you do not object.");
  expect(world.entries.length).toBe(size);
  await client.act(`${paths[0]}/veto`, { ground: `Too wide ${EVIL}` });
  expect(world.entries.at(-1)).toMatchObject({ type: "revocation" });
  const after = (await client.get(paths[0])).text;
  expect(after).toContain("You stopped it");
  expect(after).toContain("Too wide &lt;img");
  const again = await client.post(`${paths[0]}/veto`, { ground: "again" });
  expect(again.status).toBe(409);
  const done = (await client.get("/orders")).text;
  expect(done).toContain("let it pass");
  expect(done).toContain("No hold order waits for you.");
});

test("DESK-11, WAR-4: after a change of charter everything is read under the charter that it names, and what cannot be read keeps nobody from the rest", async () => {
  const [legal] = issuers as [DeskClient];
  const { kind, issuers: named, inspection, contestDays } = world.charter;
  const later = await world.addCharter({ issuers: named, inspection, contestDays, legalBases: ["Later"] });
  const foreign = await charterOf(kind, { issuers: named, inspection, legalBases: ["Nowhere"] });
  await service.update();
  const [one, two] = [await Court.open(join(home, "legal")), await Court.open(join(home, "management"))];
  const agency = await Agency.open(join(home, "agency"));
  const signed = async (charter: Charter, reference: string, disclosure: Disclosure) => {
    const { request } = await agency.request(charter.id, { reference, actHash: seedOf("act") });
    const half = await one.issue(charter, {
      request,
      statement: await world.statement("brandt", charter),
      accounts: [world.account],
      conversations: [CONVERSATION],
      firstDay: DAY,
      lastDay: DAY,
      legalBasis: charter.legalBases[0] as string,
      offenceCategory: charter.offenceCategories[0] as string,
      necessity: "Needed.",
      proportionality: "One day.",
      disclosure,
      issued: service.now(),
      expires: unixSeconds(service.now() + 86_400),
    });
    return await two.countersign(charter, half);
  };
  const secret = { kind: "secret", until: dayNumber(DAY + 30), ground: "It would be destroyed." } as const;
  const under = await service.under(later.id);
  await expect(service.under(foreign.id)).rejects.toMatchObject({ code: "charter-unknown" });
  changed = [
    await one.submit(under, await signed(later, "hold 4", secret)),
    await one.submit(under, await signed(later, "hold 5", { kind: "notice-first" })),
  ];
  await world.contest(namesOf(changed[1]).orderId, `He is my lawyer ${EVIL}`);
  const unreadable = await signed(foreign, "hold 6", secret);
  for (const name of ["legal", "works-council", "agency"]) await keepOrder(join(home, name), unreadable);
  const until = formatDay(dayNumber(DAY + 1 + contestDays));
  const seen = async (desk: DeskClient, words: string) =>
    await vi.waitFor(async () => expect((await desk.get("/orders")).text).toContain(words), {
      timeout: 90_000,
      interval: 200,
    });
  // An inspector that both charters name sees that nobody showed it these.
  await seen(client, "2 hold orders stand in the public log that nobody gave you.");
  for (const order of changed) {
    const at = `/orders/${namesOf(order).commitment.slice(0, 16)}`;
    for (const desk of [client, legal]) {
      expect((await upload(desk, "/orders", "order", formatOrderFile(order))).status).toBe(303);
      const page = await desk.get(at);
      expect([page.status, page.text.includes("Later")]).toEqual([200, true]);
    }
  }
  for (const desk of [client, legal]) {
    const list = await desk.get("/orders");
    expect([list.status, list.text.split("cannot be read").length]).toEqual([200, 2]);
    for (const reference of ["hold 1", "hold 4", "hold 6"]) expect(list.text).toContain(reference);
    const page = await desk.get(`/orders/${namesOf(unreadable).commitment.slice(0, 16)}`);
    expect([page.status, page.text.includes("made under another charter")]).toEqual([409, true]);
  }
  // CONT-6: whoever signed it sees on the list that somebody objects, and how long the keyholders wait.
  const list = (await legal.get("/orders")).text;
  expect(list).toContain("1 person objects");
  expect(list).toMatch(
    new RegExp(`until the end of ${until} <span class="badge plain">\\d+ days \\d+ hours? left`),
  );
  const page = (await legal.get(`/orders/${namesOf(changed[1]).commitment.slice(0, 16)}`)).text;
  expect(page).toContain("The people whom it opens may object until the end of");
  expect(page).toContain("He is my lawyer &lt;img");

  // A damaged file keeps nobody from the rest either; whoever brings the order again mends it.
  const broken = `${namesOf(changed[0]).commitment.slice(0, 16)}.json`;
  for (const [desk, name] of [
    [client, "works-council"],
    [legal, "legal"],
  ] as const) {
    const path = join(home, name, "orders", broken);
    const bytes = await readFile(path);
    for (const damage of [bytes.subarray(0, 900), Buffer.from(String(bytes).replace("payload", "pay"))]) {
      await writeFile(path, damage);
      const list = await desk.get("/orders");
      expect([list.status, list.text.includes(`<code>orders/${broken}</code>`)]).toEqual([200, true]);
      expect([list.text.includes("hold 1"), list.text.includes("hold 4")]).toEqual([true, false]);
      // It was given, and on which application it was signed nobody can tell.
      expect(list.text).not.toContain("that nobody gave you");
      // DESK-15: whose file is damaged cannot be read, and its days run.
      expect(list.text.includes("1 hold order stands in the public log that you can read only once")).toBe(
        desk === client,
      );
    }
    if (desk === legal) {
      const { requests } = await agency.requests();
      const requestText = fromUtf8(formatRequest(requests[0]?.request as Request));
      const begun = await desk.post("/new", { requestText, statementText: "it is not read" });
      expect([begun.status, begun.text.includes("is damaged")]).toEqual([409, true]);
    }
    await upload(desk, "/orders", "order", formatOrderFile(changed[0]));
    const mended = (await desk.get("/orders")).text;
    expect([mended.includes("hold 4"), mended.includes(broken)]).toEqual([true, false]);
    // What was said of an order, too.
    const said = join(home, name, "directions", broken);
    await mkdir(join(home, name, "directions"), { recursive: true });
    await writeFile(said, "{");
    const unsaid = (await desk.get("/orders")).text;
    expect([unsaid.includes("hold 4"), unsaid.split("cannot be read").length]).toEqual([true, 3]);
    expect(unsaid).toContain(`<code>directions/${broken}</code>`);
    // Whatever can be decided still is.
    const at = `/orders/${broken.slice(0, 16)}`;
    expect((await desk.get(at)).text).toContain("What this desk noted of it is damaged");
    const stop = desk === client ? "veto" : "revoke";
    expect((await desk.post(`${at}/${stop}`, { ground: "It is too wide." })).text).toContain(
      "It is too wide.",
    );
    if (desk === client) {
      expect((await desk.act(`${at}/pass`, { note: "" })).text).toContain("Noted: you do not object.");
      const { said: noted, damaged } = await readSaid(join(home, name), broken.slice(0, 16));
      expect(noted.map(({ kind }) => kind)).toEqual(["passed"]);
      expect(await readFile(join(home, name, damaged as string), "utf8")).toBe("{");
    }
    await rm(said);
  }
  // Drafts, and what one of two signed.
  const none = "0123456789abcdef";
  for (const folder of ["drafts", "halves"]) {
    await mkdir(join(home, "legal", folder), { recursive: true });
    await writeFile(join(home, "legal", folder, `${none}.json`), "{");
  }
  const halved = (await legal.get("/orders")).text;
  for (const folder of ["drafts", "halves"]) expect(halved).toContain(`<code>${folder}/${none}.json</code>`);
  expect((await legal.get(`/orders/${broken.slice(0, 16)}`)).text).toContain(
    `<code>halves/${none}.json</code>`,
  );
  await legal.post(`/drafts/${none}/remove`, {});
  expect((await legal.get("/orders")).text).not.toContain(`drafts/${none}`);
  await rm(join(home, "legal", "halves", `${none}.json`));

  // Authorities' keys too.
  const shelf = join(home, "legal", "registrations");
  await mkdir(shelf, { recursive: true });
  for (const [i, charter] of [later, foreign].entries()) {
    const record = formatRegistration({
      charter: charter.id,
      country: "XX",
      endpoint: `AGENCY-${i}`,
      key: publicKeyOf("Agency endpoint"),
      asked: unixSeconds(service.now() - 7200),
      callBack: { at: service.now(), by: "Vale", number: "+99 1", found: "a directory", words: "Yes." },
      until: dayNumber(DAY + 40),
    });
    const document = await one.signRegistration(record, null);
    await writeFile(join(shelf, `${String(i).repeat(16)}.json`), formatSignedDocument(document));
  }
  const keys = await legal.get("/registrations");
  expect([keys.status, keys.text.includes("AGENCY-0"), keys.text.includes("cannot be read")]).toEqual([
    200,
    true,
    true,
  ]);
});

test("DESK-5, DESK-7: an original act is kept once its application is confirmed, sealed; an earlier version's is sealed too", async () => {
  const directory = join(home, "agency");
  const acts = join(directory, "acts");
  const act = Buffer.from("the act, as the accused is named in it");
  const text = "of a request";
  const actHash = new Uint8Array(createHash("sha256").update(text).digest());
  const old = { text, hash: hex(actHash) };
  await (await Agency.open(directory)).request(world.charter.id, { reference: "old", actHash });
  await mkdir(acts);
  await writeFile(join(acts, old.hash), old.text);
  await writeFile(join(acts, "0".repeat(64)), "nobody confirmed it");
  const desk = await signedIn(await openAgency({ directory, url: SERVICE_URL, charter: world.charter.id }), {
    directory,
    label: "agency",
  });
  expect(await readdir(acts)).toEqual([`${old.hash}.age`]);
  const boundary = "----agency";
  const propose = async () => {
    const part = (name: string, body: string, file = "") =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${body}\r\n`;
    const body = `${part("csrf", await desk.token())}${part("reference", "case 9")}${part("act", act.toString(), '; filename="a.txt"')}--${boundary}--\r\n`;
    const type = `multipart/form-data; boundary=${boundary}`;
    return desk.asked(await desk.send("POST", "/new", body, { "content-type": type }));
  };
  const asked = await propose();
  expect((await readdir(acts)).length).toBe(1);
  const made = await desk.confirm(asked);
  const path = String(made.headers["location"]);
  const names = await readdir(acts);
  expect(names.length).toBe(2);
  for (const name of names) {
    const bytes = await readFile(join(acts, name));
    expect([bytes.includes("accused"), bytes.includes("of a request")]).toEqual([false, false]);
  }
  expect((await desk.get(`${path}/act`)).text).toBe(act.toString());
  // DESK-5: what is signed with the key of an order takes the passkey too.
  await upload(desk, "/orders", "order", formatOrderFile(orders[1]));
  const told = await desk.act(`/orders/${namesOf(orders[1]).commitment.slice(0, 16)}/hand-on`, {});
  expect(told.text).toContain("Every keyholder has it.");
  expect((await desk.get("/journal")).text).toContain("Tell the keyholders the conversations");
  // WAR-4: one of another charter is collected under that one, and one that cannot be read keeps nobody from it.
  const path4 = `/orders/${namesOf(changed[0]).commitment.slice(0, 16)}`;
  expect((await upload(desk, "/orders", "order", formatOrderFile(changed[0]))).status).toBe(303);
  const damaged = join("requests", `${path.split("/").at(-1)}.json`);
  const kept = await readFile(join(directory, damaged));
  await writeFile(join(directory, damaged), "{");
  const list = await desk.get("/orders");
  expect([list.status, list.text.includes("hold 6"), list.text.includes(damaged)]).toEqual([200, true, true]);
  await writeFile(join(directory, damaged), kept);
  const order = await desk.get(path4);
  expect([order.status, order.text.includes("Later")]).toEqual([200, true]);
  expect((await desk.post(`${path4}/collect`, {})).text).toContain("Open it");
  // In a house no page speaks of a court.
  for (const place of ["/orders", path, `${path}/send`, path4, `${path4}/send`, "/new", "/key"]) {
    const { text } = await desk.get(place);
    expect(text.slice(text.indexOf("<main"))).not.toMatch(/\bcourt\b/i);
  }
  await desk.desk.close();
});

test("WAR-3, GATE-16: an issuer's desk takes no order whose signatures do not hold, and no file's word for where it is logged", async () => {
  const [legal] = issuers as [DeskClient];
  const [one, both] = unsent;
  const altered = (order: OrderFile, change: (signature: string) => string): OrderFile => {
    const text = Buffer.from(order.warrant).toString();
    const sig = /"signature":"([^"]+)"/.exec(text)?.[1] ?? "";
    expect(sig).not.toBe("");
    return { ...order, warrant: new Uint8Array(Buffer.from(text.replace(sig, change(sig)))) };
  };
  for (const order of [one, both]) {
    const forged = altered(order, (sig) => `${sig.startsWith("A") ? "B" : "A"}${sig.slice(1)}`);
    const refused = await upload(legal, "/orders", "order", formatOrderFile(forged));
    expect(refused.status).toBe(409);
    expect(refused.text).toContain("A signature on the order does not hold. (WAR-3)");
    expect((await legal.get(`/orders/${namesOf(forged).commitment.slice(0, 16)}`)).status).toBe(404);
  }
  const read = async (order: OrderFile) =>
    await legal.follow(await upload(legal, "/orders", "order", formatOrderFile(order)));
  expect((await read({ ...one, index: 1 })).text).toContain("A second person must sign it.");
  const page = (await read({ ...both, index: 1 })).text;
  expect(page).toContain("signed, not handed in");
  expect(page).not.toContain("Entry in the public log");
});

test("DESK-5, BUN-8: what is confirmed to hand an order in is all that it says, and its number", async () => {
  const [legal] = issuers as [DeskClient];
  const [, both] = unsent;
  const { commitment } = namesOf(both);
  const at = `/orders/${commitment.slice(0, 16)}`;
  const asked = legal.asked(await legal.post(`${at}/submit`, {}));
  const shown = [...asked.text.matchAll(/<dt>([^<]+)<\/dt><dd>([^<]*)<\/dd>/g)].map(
    ([, term, text]) => `${term}: ${text}`,
  );
  for (const { term, text } of await orderWords(both, world.charter)) {
    expect(shown).toContain(html`${term}: ${text}`.markup);
  }
  expect(shown).toContain(`Number in the public log: ${commitment}`);
  const size = world.entries.length;
  // One that is down holds up nobody, and since when it is silent is said.
  world.silent.add(4);
  const since = formatInstant(service.now()).slice(0, 10);
  const page = (await legal.follow(await legal.confirm(asked))).text;
  expect(page).toContain(`it does not answer, asked in vain since ${since}`);
  expect(page).not.toContain("check that the address is right");
  // BUN-8: of one that is silent the desk writes a record of its own, with what the log proves.
  const silence = `${at}/silences/4`;
  expect(page).toContain(`href="${silence}"`);
  const record = await legal.get(silence);
  expect(String(record.headers["content-disposition"])).toContain("attachment");
  const said = JSON.parse(record.text) as {
    words: string;
    entry: string;
    proof: string;
    checkpoint: { size: number };
    order: { commitment: string; index: number };
    later: readonly object[];
  };
  const leaf = leafHash(utf8(said.entry));
  const proven = verifyProof(said.proof, parsePolicy(world.charter.log.policy), leaf);
  expect([proven.index, proven.checkpoint.size]).toEqual([said.order.index, said.checkpoint.size]);
  expect(JSON.parse(said.entry)).toMatchObject({ type: "hold-order", commitment: said.order.commitment });
  expect(said.later).toEqual([]);
  for (const words of [
    "keyholder 4 of this charter, gave no answer about this order until ",
    "first asked about this order in vain at",
    since,
  ])
    expect(said.words).toContain(words);
  expect((await legal.get(`${at}/silences/3`)).status).toBe(404);
  world.silent.delete(4);
  expect((await legal.get(silence)).status).toBe(404);
  expect((await legal.get(at)).text).not.toContain("asked in vain");
  expect(world.entries.slice(size).map(({ type }) => type)).toContain("hold-order");
  expect((await legal.get("/journal")).text).toContain("Hand this order in");
});

test("HI1-51: the registry signs what was recorded of a call back, all of it shown; in a house by two; and nothing else", async () => {
  const [legal, management] = issuers as [DeskClient, DeskClient];
  const now = service.now();
  const record = {
    charter: world.charter.id,
    country: "XX",
    endpoint: `AGENCY ${EVIL}`,
    key: publicKeyOf("Agency endpoint"),
    asked: unixSeconds(now - 7200),
    callBack: {
      at: unixSeconds(now - 3600),
      by: "Officer Vale",
      number: "+99 30 5550100",
      found: "the printed directory",
      words: `He read it out ${EVIL}`,
    },
    until: dayNumber(DAY + 40),
  };
  const checked = { checked: "I know the number from earlier cases." };
  const put = async (to: DeskClient, bytes: Uint8Array | string, fields: Record<string, string> = checked) =>
    await upload(to, "/registrations", "record", bytes, fields);
  const refusals: readonly [Uint8Array | string, string][] = [
    ["{}", "no record of a call back"],
    [formatRegistration({ ...record, charter: "0".repeat(64) as typeof record.charter }), "another charter"],
    [formatRegistration({ ...record, asked: now }), "contradict each other"],
    [
      formatRegistration({
        ...record,
        until: dayNumber(DAY - 1),
        callBack: { ...record.callBack, at: unixSeconds(0) },
        asked: unixSeconds(0),
      }),
      "contradict each other",
    ],
    [
      formatRegistration({ ...record, callBack: { ...record.callBack, at: unixSeconds(now + 200_000) } }),
      "has not taken place yet",
    ],
    [
      formatSignedDocument(
        await signDocument("registration", formatRegistration(record), [signerOf("Thief")]),
      ),
      "is no issuer&#39;s of this charter",
    ],
  ];
  for (const [bytes, words] of refusals) {
    const refused = await put(legal, bytes);
    expect([refused.status, refused.text.includes(words)]).toEqual([422, true]);
  }
  expect((await put(legal, formatRegistration(record), { checked: " " })).text).toContain(
    "Write what you checked.",
  );
  const asked = legal.asked(await put(legal, formatRegistration(record)));
  for (const row of [
    base64(record.key),
    "+99 30 5550100",
    "the printed directory",
    "He read it out &lt;img",
    "AGENCY &lt;img",
    "I know the number from earlier cases.",
    formatDay(record.until),
    world.charter.id,
  ]) {
    expect(asked.text).toContain(row);
  }
  const half = await legal.follow(await legal.confirm(asked));
  expect(half.text).toContain("one signature of two");
  const path = /\/registrations\/[0-9a-f]{16}\/file/.exec(half.text)?.[0] ?? "";
  const file = (await legal.get(path)).text;
  expect((await put(legal, file)).text).toContain("You have signed it");
  const both = await management.follow(
    await management.confirm(management.asked(await put(management, file))),
  );
  expect(both.text).toContain("Give this file to the provider");
  const signed = (await management.get(path)).text;
  const { document } = await verifyRegistration(new Uint8Array(Buffer.from(signed)), world.charter);
  expect(document).toEqual(record);
  expect((await management.get("/registrations")).text).toContain("AGENCY &lt;img");
});

test("a word that could not be read again is not written; what an earlier version wrote is read", async () => {
  const directory = join(home, "said");
  const say = (ground: string) =>
    ({ kind: "passed", at: unixSeconds(1), until: null, ground, index: null }) as const;
  await addSaid(directory, "a", say("x".repeat(60_000)));
  expect((await readSaid(directory, "a")).said.length).toBe(1);
  await expect(addSaid(directory, "a", say("x".repeat(70_000)))).rejects.toThrow(/too-long/);
  expect((await readSaid(directory, "a")).said.length).toBe(1);
});

test("DESK-6, PRES-8: an order to preserve is handed in as it was shown, and what was sent is not thrown away", async () => {
  const [legal] = issuers as [DeskClient];
  const court = await Court.open(join(home, "management"));
  const half = await signPreservation(court, world.charter, {
    reference: "keep 1",
    actHash: seedOf("act"),
    legalBasis: world.charter.legalBases[0] as string,
    issued: service.now(),
    account: world.account,
    conversations: "all",
    firstDay: DAY,
    lastDay: DAY,
    until: dayNumber(DAY + 30),
    extends: null,
    ground: "It would be deleted.",
  });
  const whole = await cosignPreservation(await Court.open(join(home, "legal")), world.charter, half);
  const name = await preservationName(join(home, "legal"), whole);
  const path = `/preservations/${name}`;
  await upload(legal, "/preservations", "preservation", formatPreservationFile(whole));
  // Sixteen digits can be found again; what is behind them cannot.
  const file = join(home, "legal", "preservations", `${name}.json`);
  const [first, other] = [
    await readFile(file),
    formatPreservationFile({ ...whole, opening: seedOf("other") }),
  ];
  for (const act of ["lodge", "lift"]) {
    const asked = legal.asked(await legal.post(`${path}/${act}`, { ground: "It is over." }));
    await writeFile(file, other);
    expect((await legal.confirm(asked)).status).toBe(404);
    await writeFile(file, first);
  }
  // The service of this test knows no orders to preserve, as one whose answer is lost.
  expect((await legal.confirm(legal.asked(await legal.post(`${path}/lodge`, {})))).status).not.toBe(303);
  // DESK-11: read under the charter that each names; one that the log has not is no hindrance to the others.
  const { charter: later } = await service.under(
    parseWarrant(unverifiedPayload(parseSignedDocument(changed[0].warrant, "warrant"))).charter,
  );
  const nowhere = await charterOf("house", { issuers: world.charter.issuers, legalBases: ["Nowhere"] });
  const [underLater, foreign] = (await Promise.all(
    [later, nowhere].map(async (charter) => {
      const { charter: _, issuer: __, ...decision } = preservationOf(half).document;
      const about = { ...decision, reference: "keep 2", legalBasis: charter.legalBases[0] as string };
      const one = await signPreservation(court, charter, about);
      return await cosignPreservation(await Court.open(join(home, "legal")), charter, one);
    }),
  )) as [PreservationFile, PreservationFile];
  const brought = await upload(legal, "/preservations", "preservation", formatPreservationFile(underLater));
  const own = await legal.follow(brought);
  expect([brought.status, own.status, own.text.includes("Later")]).toEqual([303, 200, true]);
  const refused = await upload(legal, "/preservations", "preservation", formatPreservationFile(foreign));
  expect([refused.status, refused.text.includes("made under another charter")]).toEqual([409, true]);
  await preservationShelf(join(home, "legal")).keep(
    await preservationName(join(home, "legal"), foreign),
    foreign,
  );
  const list = await legal.get("/preservations");
  expect([list.status, list.text.split("cannot be read").length]).toEqual([200, 2]);
  const [atForeign, atLater] = await Promise.all(
    [foreign, underLater].map(
      async (one) => `/preservations/${await preservationName(join(home, "legal"), one)}`,
    ),
  );
  expect((await legal.get(atForeign as string)).status).toBe(409);
  expect((await legal.post(`${atLater}/lodge`, {})).text).toContain("Hand it in");
  const page = (await legal.get(path)).text;
  expect(page).toContain("The provider was sent it; the public log does not show it yet.");
  expect(page).not.toContain("Throw it away");
  expect((await legal.post(`${path}/drop`, {})).status).toBe(409);
  // DESK-11: where what was noted is damaged it may have been sent, and its page is there.
  await writeFile(join(home, "legal", "directions", `${name}.json`), "{");
  expect((await legal.get("/preservations")).text).toContain(`<code>directions/${name}.json</code>`);
  expect((await legal.get(path)).text).toContain("What this desk noted of it is damaged");
  expect((await legal.post(`${path}/drop`, {})).status).toBe(409);
  expect(await readFile(file)).toEqual(first);
});

test("DESK-12, DIR-1: after an order lapsed its secrecy is still extended and cut short; nothing else is said of it", async () => {
  const [legal] = issuers as [DeskClient];
  const at = `/orders/${namesOf(changed[0]).commitment.slice(0, 16)}`;
  world.time = unixSeconds(world.time + 2 * 86_400);
  world.publish();
  const page = await vi.waitFor(
    async () => {
      const { text } = await legal.get(at);
      expect(text).toContain("It has lapsed: nothing is released under it any more.");
      return text;
    },
    { timeout: 90_000, interval: 200 },
  );
  expect(page).toContain(`are told on ${formatDay(dayNumber(DAY + 30))}. When that is can still be decided.`);
  for (const words of ["Suspend it", "Revoke it"]) expect(page).not.toContain(words);
  for (const path of ["revoke", "suspend"]) {
    expect((await legal.post(`${at}/${path}`, { ground: "Too late." })).status).toBe(409);
  }
  const until = formatDay(dayNumber(DAY + 40));
  const extended = await legal.act(`${at}/extend`, { ground: "More people.", until });
  expect(extended.text).toContain("one signature of two");
  expect((await legal.post(`${at}/release-notice`, { ground: "It is over." })).text).toContain("Sign it");
  const told = await legal.get(`/orders/${namesOf(changed[1]).commitment.slice(0, 16)}`);
  expect(told.text).toContain("were told first. Nothing is left to decide.");
});

test("DESK-12, CONT-4: who objects is asked while that can be said, then once more, and kept", async () => {
  const [legal] = issuers as [DeskClient];
  const [one, two] = [await Court.open(join(home, "legal")), await Court.open(join(home, "management"))];
  const agency = await Agency.open(join(home, "agency"));
  await service.update();
  const { request } = await agency.request(world.charter.id, { reference: "hold 7", actHash: seedOf("act") });
  const half = await one.issue(world.charter, {
    request,
    statement: await world.statement("brandt"),
    accounts: [world.account],
    conversations: [CONVERSATION],
    firstDay: DAY,
    lastDay: DAY,
    legalBasis: world.charter.legalBases[0] as string,
    offenceCategory: world.charter.offenceCategories[0] as string,
    necessity: "Needed.",
    proportionality: "One day.",
    disclosure: { kind: "notice-first" },
    issued: service.now(),
    expires: unixSeconds(service.now() + 100 * 86_400),
  });
  const order = await one.submit(service, await two.countersign(world.charter, half));
  world.publish();
  await keepOrder(join(home, "legal"), order);
  const { orderId } = namesOf(order);
  let asked = 0;
  vi.stubGlobal("fetch", async (...request: Parameters<typeof fetch>) => {
    if (String(request[0]).includes(`${orderId}/contests`)) asked++;
    return await world.fetch(...request);
  });
  const listed = async (words: string): Promise<void> => {
    await vi.waitFor(async () => expect((await legal.get("/orders")).text).toContain(words), {
      timeout: 90_000,
      interval: 200,
    });
  };
  await listed("none so far");
  const before = asked;
  expect(before).toBeGreaterThan(0);
  await world.contest(orderId, "He is my lawyer");
  await listed("1 person objects");
  expect(asked).toBeGreaterThan(before);
  world.time = unixSeconds(world.time + (world.charter.contestDays + 1) * 86_400);
  world.publish();
  await listed("time was over at the end of");
  const last = asked;
  for (let again = 0; again < 3; again++) await listed("1 person objects");
  expect(asked).toBe(last);
  // Kept on the disk; what cannot be read of it is asked for again.
  const kept = join(home, "legal", "objections", `${namesOf(order).commitment.slice(0, 16)}.json`);
  expect(JSON.parse(String(await readFile(kept)))).toEqual({ version: 1, count: 1 });
  await writeFile(kept, "{");
  await listed("1 person objects");
  expect(asked).toBe(last + 1);
  vi.stubGlobal("fetch", async (...request: Parameters<typeof fetch>) => await world.fetch(...request));
});

test("DESK-15: who signs two orders whose commitments begin alike hides neither behind the other", async () => {
  const directory = join(home, "works-council");
  const { orders: kept } = await keptOrders(join(home, "legal"));
  const [third, order] = ["hold 3", "hold 7"].map(
    (reference) => kept.find(({ document }) => document.reference === reference)?.order,
  ) as [OrderFile, OrderFile];
  const { commitment } = namesOf(order);
  const short = commitment.slice(0, 16);
  const listed = async (...words: readonly string[]): Promise<string> =>
    await vi.waitFor(
      async () => {
        const { text } = await client.get("/orders");
        for (const one of words) expect(text).toContain(one);
        return text;
      },
      { timeout: 90_000, interval: 200 },
    );
  for (const one of [third, order]) expect((await bring(one)).status).toBe(303);
  const logged = world.entries.find((one) => one.type === "hold-order" && one.commitment === commitment);
  const alike = `${short}${"0".repeat(48)}` as typeof commitment;
  const index = world.append({ ...(logged as LogEntry & { type: "hold-order" }), commitment: alike });
  expect(await listed(`Entry ${index}`)).toContain("1 hold order stands in the public log that nobody gave");

  // The name is another's already, and a note of it lies there.
  const paths = ["orders", "directions"].map((folder) => join(directory, folder, `${short}.json`));
  const [atOrder, atNote] = paths as [string, string];
  await addSaid(directory, short, {
    kind: "passed",
    at: unixSeconds(1),
    until: null,
    ground: "It is harmless.",
    index: null,
  });
  const other = formatOrderFile(orders[0]);
  await writeFile(atOrder, other);
  const entry = world.entries.indexOf(logged as LogEntry);
  expect(await listed(`Entry ${entry}`, `Entry ${index}`)).toContain("2 hold orders stand");
  const brought = await bring(order);
  expect(brought.headers["location"]).toBe(`/orders/${commitment}`);
  expect((await bring(order)).headers["location"]).toBe(`/orders/${commitment}`);
  const page = (await client.follow(brought)).text;
  expect([page.includes("hold 7"), page.includes("It is harmless.")]).toEqual([true, false]);
  expect(await readFile(atOrder, "utf8")).toBe(fromUtf8(other));
  expect(await listed(`Entry ${index}`)).toContain("1 hold order stands in the public log that nobody gave");

  // Whose beginning a damaged file has: one that can be read is not it.
  await writeFile(atOrder, "{");
  const text = await listed("1 hold order stands in the public log that you can read only once");
  expect([text.includes("that nobody gave you"), text.includes(`Entry ${index}`)]).toEqual([false, true]);
  expect(text).not.toContain(`Entry ${entry}<`);
  for (const path of [atOrder, atNote]) await rm(path);
});
