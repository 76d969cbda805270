// Whatever anybody can type or send, as whoever works with it reads it: markup, scripts, text that turns the order of reading,
// marks that stack, lines without an end, files that are not what they say. Nothing runs, nothing stands unescaped, and no page
// is wider than 360 pixels. On the way: the provider's statement and the registration of a key by their pages, and a file from the
// app to the agency's desk.
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { HI1 } from "../../packages/deployment/src/layout.ts";
import {
  type AccountId,
  base64,
  dayNumber,
  dayOf,
  formatDay,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import {
  askProvider,
  authorisationOf,
  documentOf,
  type ProviderLine,
  taskOf,
} from "../../packages/parties/src/index.ts";
import { buildWeb } from "./build.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { Opening } from "./opening.ts";
import type { Person } from "./town.ts";

const PATIENT = { timeout: 300_000 };
vi.setConfig({ testTimeout: 900_000 });
const NOW = unixSeconds(Math.floor(Date.now() / 1000));
const DAY = dayOf(NOW);
const day = (count: number) => dayNumber(DAY + count);

const MARKUP = `<img src=x onerror="window.owned=1"><script>window.owned=2</script><svg onload=window.owned=3>"><form action="//evil.example">`;
const ZALGO = `Z${"\u0335\u0321\u0353".repeat(40)}algo`;
/** What every field takes that takes prose. */
const EVIL = `${MARKUP} read \u202ethis\u202c \u200bback ${ZALGO} ${"w".repeat(300)}`;
/** A name takes nothing that turns the order of reading. */
const EVIL_NAME = `<img src=x onerror="window.owned=4">${ZALGO.slice(0, 20)}${"w".repeat(60)}`.normalize(
  "NFC",
);
/** What a field for a name at a desk takes of it: 80 letters. */
const PERSON = EVIL_NAME.slice(0, 60);
/** As it is read: what hides is a number. */
const READ = "read U+202EthisU+202C U+200Bback Z";
const LINE = "l".repeat(65_536);
const PROSE = "p".repeat(15_000);
const REFERENCE = `7 Js 1/26 ${EVIL_NAME}`;
const AUTHORITY = `AGENCY <b>${"a".repeat(60)}`;

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const SVG = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" onload="window.owned=5"><script>window.owned=6</script></svg>`,
);
const FILES = [
  { told: "owned=7", name: `"><img src=x onerror=window.owned=7>.png`, mimeType: "image/png", buffer: PNG },
  { told: "drawing.png", name: "drawing.png", mimeType: "image/png", buffer: SVG },
  {
    told: "pagennn",
    name: `page${"n".repeat(80)}.html`,
    mimeType: "text/html",
    buffer: Buffer.from(`<script>window.owned=8</script>`),
  },
];

let opening: Opening;
let ada: Person;
let ben: Person;
let account: AccountId;
let officer: DeskVisitor;
let agency: DeskVisitor;
let court: DeskVisitor;
let keyholders: readonly DeskVisitor[];
let statement: Uint8Array;
const at: Record<string, string> = {};

const holder = (number: number): DeskVisitor => keyholders[number - 1] as DeskVisitor;
const here = (visitor: DeskVisitor): string => new URL(visitor.page.url()).pathname;

beforeAll(async () => {
  opening = await Opening.open({ name: "hostile.example", from: NOW, web: await buildWeb() });
}, 300_000);
afterAll(async () => {
  await opening?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await opening?.showFailure();
});

test("two people write and send what they like", async () => {
  [ada, ben] = [await opening.member(`Ada <b>${"d".repeat(40)}`), await opening.member("Ben")];
  account = await opening.asks(ben, ada, "What is in it?");
  await ada.says(EVIL);
  await ada.says(LINE);
  for (const { told, ...file } of FILES) {
    await ada.attach(file);
    await ada.press("Send");
    // One after the other, as the evidence has them.
    await ben.page.getByText(told).first().waitFor(PATIENT);
  }
  expect(await ada.page.evaluate(() => (window as { owned?: unknown }).owned ?? null)).toBeNull();
});

test("whose account it is: the officer notes it and states it, by pages, and signs what was shown", async () => {
  await opening.until(day(1));
  officer = await opening.at("officer", `Vale ${EVIL_NAME}`, "server");
  await officer.go("/statements");
  await officer.page.getByLabel("Accounts, or people's names as you noted them").fill(`Nobody ${EVIL}`);
  await officer.page.getByLabel("For which file, and who asked").fill(`7 Js 1/26 ${EVIL}`);
  await officer.press("Show what will be stated");
  await officer.page.getByText("too long for a name").waitFor();
  await officer.page.getByLabel("Accounts, or people's names as you noted them").fill(`Nobody ${MARKUP}`);
  await officer.press("Show what will be stated");
  await officer.page.getByText("no such account").waitFor();
  await opening.look(officer, "statements-unknown");
  await officer.go("/statements");
  await officer.page.getByLabel("The account's number").fill(account);
  await officer.page.getByLabel("The person's name").fill(`Ada ${EVIL_NAME}`);
  await officer.press("Show what will be noted");
  await opening.look(officer, "statements-bind");
  await officer.press("Note it");
  await officer.page.getByText("Noted.").waitFor();
  await officer.page.getByLabel("Accounts, or people's names as you noted them").fill(`Ada ${EVIL_NAME}`);
  await officer.page.getByLabel("For which file, and who asked").fill(`7 Js 1/26 ${EVIL}`);
  await officer.press("Show what will be stated");
  await officer.page.getByRole("heading", { name: "State whose accounts these are" }).waitFor();
  expect(await officer.text()).toContain(account);
  await opening.look(officer, "statements-confirm");
  await officer.press("Sign it");
  await officer.page.getByText("Signed. Download the file").waitFor();
  await opening.look(officer, "statements-signed");
  statement = await officer.download("Download");
  await officer.go("/journal");
  expect(await officer.text()).toContain("State whose accounts these are");
});

test("an authority's key: the agency makes it, the officer calls back, the registry signs, and it is in the log", async () => {
  const made = await opening.agencyOf("agency");
  [agency, court] = [await opening.at("agency", EVIL_NAME), await opening.at("court", `Cho ${EVIL_NAME}`)];
  await agency.go("/key");
  await opening.look(agency, "agency-key-none");
  await agency.press("Make the key");
  await opening.look(agency, "agency-key-confirm");
  await agency.press("Make it");
  await agency.page.getByText("The key is made.").waitFor();
  await opening.look(agency, "agency-key");
  const [key = "", fingerprint = ""] = await agency.page.locator("dl.facts dd").allInnerTexts();
  expect(key).toBe(base64(await made.endpointKey()));

  await officer.go("/endpoints");
  await officer.page.getByLabel("Country, two letters").fill(HI1.country);
  await officer.page.getByLabel("The authority's UniqueIdentifier").fill(AUTHORITY);
  await officer.page.getByLabel("Its key, base64").fill(key);
  await officer.press("Note it");
  await officer.page.getByText("It counts for nothing before a call back.").waitFor();
  expect(await officer.text()).toContain(fingerprint);
  await officer.page.getByLabel("The number that you called").fill(`+99 30 5550101 ${EVIL_NAME}`);
  await officer.page.getByLabel("Where you found it").fill(`the printed directory ${EVIL_NAME}`);
  await officer.page.getByLabel("Who answered, and what was said").fill(EVIL);
  await officer.page.getByLabel("The key counts until").fill(formatDay(day(60)));
  await officer.press("Record the call back");
  await opening.look(officer, "endpoints-confirm");
  await officer.press("Record this call back");
  await officer.page.getByText("Recorded. Now the registry signs.").waitFor();
  await opening.look(officer, "endpoints-called");
  const record = await officer.download("Download what the registry signs");

  await court.go("/registrations");
  await opening.look(court, "registrations-none");
  await court.upload("The record of the call back", "record.json", record);
  await court.press("Show what will be signed");
  await court.page.getByText("Write what you checked.").waitFor();
  await opening.look(court, "registrations-problem");
  await court.upload("The record of the call back", "record.json", record);
  await court.page.getByLabel("What you checked yourself").fill(EVIL);
  await court.press("Show what will be signed");
  await court.page.getByRole("heading", { name: "Register this authority's key" }).waitFor();
  for (const words of [key, fingerprint, AUTHORITY, "the printed directory", READ])
    expect(await court.text()).toContain(words);
  await opening.look(court, "registrations-confirm");
  await court.press("Sign it");
  await court.page.getByText("Give this file to the provider").waitFor();
  await opening.look(court, "registrations-signed");
  at["registration"] = here(court);
  const signed = await court.download("Download what was signed");

  await officer.go("/endpoints");
  await officer.upload("What the registry signed", "signed.json", signed);
  await officer.press("Take it and log it");
  await opening.look(officer, "endpoints-complete");
  await officer.press("Log this registration");
  await officer.page.getByText("Logged. It counts once witnesses have seen it.").waitFor();
  await opening.reads(officer, "/endpoints", "counts");
  await opening.look(officer, "endpoints-usable");
  const { service } = opening.deployment;
  await service.update();
  expect(service.find(({ type }) => type === "registration")).not.toBeNull();

  // And under it the authority sends, hostile too.
  const line: ProviderLine = {
    own: { CountryCode: HI1.country, UniqueIdentifier: AUTHORITY },
    provider: { CountryCode: HI1.country, UniqueIdentifier: HI1.endpoint },
    owner: "porchlight",
    version: "1",
    seed: await made.endpointSeed(),
  };
  const days = { first: formatDay(DAY), last: formatDay(DAY) };
  const authorisation = authorisationOf(line, {
    reference: REFERENCE,
    legalBasis: opening.deployment.charter.legalBases[0] as string,
    offenceCategory: opening.deployment.charter.offenceCategories[0] as string,
    days,
    isEmergency: false,
  });
  const act = utf8(`<script>window.owned=9</script>`);
  const paper = documentOf(line, authorisation.ObjectIdentifier, {
    type: "OriginalAct",
    contentType: "text/html",
    checksum: createHash("sha256").update(act).digest("hex"),
    contents: act,
  });
  const task = taskOf(line, authorisation.ObjectIdentifier, {
    reference: `${HI1.country}-AGENCY-1`,
    type: "SubscriberData",
    isEmergency: false,
    days,
    targets: { accounts: [], names: [`Ada ${EVIL_NAME}`], conversations: [] },
  });
  for (const object of [authorisation, paper, task]) {
    const answers = await askProvider(service, line, [{ CREATE: { HI1Object: object } }]);
    const said = answers.map((one) => ("ErrorInformation" in one ? one.ErrorInformation : undefined));
    expect(said.flatMap((error) => (error === undefined ? [] : [error.ErrorDescription]))).toEqual([]);
  }
  await officer.go("/inbox");
  await officer.follow("Authorisation");
  at["object"] = here(officer);
  await officer.page.getByLabel("What do you ask back?").fill(EVIL);
  await officer.press("Challenge: ask back");
  await opening.look(officer, "hostile-challenge");
  await officer.press("Challenge: ask back");
  await officer.page.getByText("Done, and noted in the custody record.").waitFor();
});

test("application, order, a refusal with its reason, approvals, and what was opened", async () => {
  keyholders = await Promise.all(
    ["Ines", "Jon", "Kit", "Lou"].map(
      async (name, i) => await opening.at("keyholder", `${name} ${EVIL_NAME}`, `keyholder-${i + 1}`),
    ),
  );
  const application = await opening.apply(agency, REFERENCE, `act "><img src=x onerror=window.owned=1>.pdf`);
  at["application"] = here(agency);
  await opening.draft(court, application, statement, {
    days: [DAY],
    conversations: "all",
    secretUntil: day(20),
    necessity: EVIL,
    proportionality: `${EVIL} ${PROSE}`,
    ground: EVIL,
  });
  await court.press("Save and count again");
  // A draft keeps what was typed, to the last hidden character.
  expect(await court.page.getByLabel("Why it is necessary").inputValue()).toBe(EVIL);
  at["draft"] = here(court);
  const order = await opening.sign(court);
  at["signed"] = here(court);
  await opening.bring(agency, order);
  at["order"] = here(agency);
  await agency.press("Tell the keyholders the conversations …");
  await agency.press("Tell them");
  await agency.page.getByText("Every keyholder has it.").waitFor();
  await opening.open(holder(2), REFERENCE);
  await holder(2)
    .page.getByLabel("Why")
    .fill(EVIL.replaceAll(/[\u200b\u202a-\u202e]/g, ""));
  await holder(2).press("Refuse …");
  await holder(2).press("Refuse");
  await holder(2).page.getByText("Refused, for good.").waitFor();
  for (const number of [1, 3, 4]) {
    await opening.open(holder(number), REFERENCE);
    at["holder"] = here(holder(number));
    await opening.approve(holder(number));
  }
  await opening.reads(agency, at["order"], "3 of 3 have released");
  await opening.collect(agency);
  // The court revokes, with a ground of its own.
  await court.go(at["signed"]);
  await opening.revoke(court, EVIL);
});

test("EVI-29, DESK-10: a file that was sent in the app arrives, is looked at where it is a picture, and is exported", async () => {
  const { page } = agency;
  const evidence = `${at["order"]}/evidence`;
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/pictures/")) asked.push(request.url());
  });
  await agency.go(evidence);
  expect(await agency.text()).toContain("drawing.png");
  const looks = page.locator("details.picture");
  expect([await looks.count(), asked]).toEqual([2, []]);
  const widthOf = async (place: number): Promise<number> => {
    const shown = looks.nth(place);
    await shown.locator("summary").click();
    const image = shown.locator("img");
    await image.scrollIntoViewIfNeeded();
    await expect
      .poll(async () => await image.evaluate((one) => (one as HTMLImageElement).complete), PATIENT)
      .toBe(true);
    return await image.evaluate((one) => (one as HTMLImageElement).naturalWidth);
  };
  // A picture is drawn; what only says that it is one is not, and does not run.
  expect([await widthOf(0), await widthOf(1)]).toEqual([1, 0]);
  expect(asked.length).toBe(2);
  await opening.look(agency, "evidence-pictures");
  // Opened by itself it is not there, and no other origin's page can show it.
  for (const url of [...asked]) expect((await page.goto(url))?.status()).toBe(404);
  await agency.go(evidence);
  const links = page.getByRole("link", { name: "Download", exact: true });
  const saved = async (place: number) => {
    const [download] = await Promise.all([page.waitForEvent("download"), links.nth(place).click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) };
  };
  for (const [place, { buffer }] of FILES.entries()) {
    const { name, bytes } = await saved(place);
    expect(bytes.equals(buffer)).toBe(true);
    expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(name).not.toMatch(/\.(html|svg|htm)$/);
  }
  // Nothing in the ZIP is packed.
  const rsmf = Buffer.from(await agency.download("Messages for review programs")).toString("latin1");
  const [, packed = ""] = /name="rsmf\.zip"[^]*?\r\n\r\n([\w+/=\r\n]+)--/.exec(rsmf) ?? [];
  const zip = Buffer.from(packed, "base64");
  expect(FILES.map(({ buffer }) => zip.includes(buffer))).toEqual([true, true, true]);
  const whole = await agency.download("The whole package, sealed");
  expect(Buffer.from(whole).toString("latin1")).toContain("age-encryption.org");
});

test("on every page of every desk: shown as typed, nothing runs, nothing stands unescaped, nothing is wider than 360 pixels", async () => {
  const table: readonly (readonly [visitor: DeskVisitor, path: string, words: string])[] = [
    [officer, "/inbox", "Js 1/26"],
    [officer, at["object"] as string, READ],
    [officer, "/statements", READ],
    [officer, "/endpoints", READ],
    [officer, "/people", PERSON],
    [officer, "/journal", READ],
    [agency, "/orders", EVIL_NAME],
    [agency, at["application"] as string, EVIL_NAME],
    [agency, at["order"] as string, READ],
    [agency, `${at["order"]}/evidence`, READ],
    [agency, `${at["order"]}/evidence?words=window.owned`, READ],
    [agency, `${at["order"]}/evidence?words=${encodeURIComponent(EVIL)}`, READ],
    [
      agency,
      `${at["order"]}/evidence?from=${encodeURIComponent(EVIL)}&day=${encodeURIComponent(EVIL)}`,
      "No message fits",
    ],
    [agency, "/people", PERSON],
    [agency, "/journal", PERSON],
    [court, "/orders", EVIL_NAME],
    [court, at["signed"] as string, READ],
    [court, "/registrations", AUTHORITY],
    [court, at["registration"] as string, READ],
    [court, "/people", PERSON],
    [court, "/journal", READ],
    [holder(1), "/orders", EVIL_NAME],
    [holder(1), at["holder"] as string, READ],
    [holder(2), at["holder"] as string, READ],
    [holder(1), "/state", ""],
    [holder(1), "/keys", ""],
    [holder(1), "/people", PERSON],
    [holder(1), "/journal", READ],
  ];
  const wrong: string[] = [];
  for (const [place, [visitor, path, words]] of table.entries()) {
    const { page, origin } = visitor;
    const answer = await page.goto(origin + path);
    const raw = (await answer?.text()) ?? "";
    const desk = new URL(origin).host.split(".")[0] ?? "";
    const where = `${desk} ${path.slice(0, 60)}`;
    await page.evaluate(() => {
      for (const closed of document.querySelectorAll("details:not(.picture)"))
        closed.toggleAttribute("open", true);
    });
    if (answer?.status() !== 200) wrong.push(`${where}: ${answer?.status()}`);
    if (!(await visitor.text()).includes(words)) wrong.push(`${where}: does not say ${words.slice(0, 20)}`);
    if (/<img src=x|<script>window|<svg onload|action="\/\/evil/.test(raw)) wrong.push(`${where}: unescaped`);
    if (/[\u202a-\u202e\u200b]/.test(raw)) wrong.push(`${where}: hidden`);
    // At both widths, and with axe.
    await opening.look(visitor, `hostile-${String(place + 1).padStart(2, "0")}-${desk}`);
    const seen = await page.evaluate(() => ({
      owned: (window as { owned?: unknown }).owned ?? null,
      made: document.querySelectorAll(
        "main img:not(.picture img), main script, [onerror], [onload], form[action*=evil], main svg:not(.timeline), iframe",
      ).length,
    }));
    if (seen.owned !== null || seen.made !== 0) wrong.push(`${where}: ${JSON.stringify(seen)}`);
  }
  expect(wrong).toEqual([]);
});

test("axe finds nothing, no page is wider than a phone, and no page did what its policy forbids", () => {
  expect(opening.found).toEqual([]);
  // A picture that is none is not there, and the browser says so.
  expect(opening.problems.filter((text) => !text.includes("Failed to load resource"))).toEqual([]);
  expect([...ada.watch.problems, ...ben.watch.problems]).toEqual([]);
});
