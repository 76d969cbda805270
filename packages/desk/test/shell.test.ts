import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPassphrase, Journal } from "@porchlight/durable";
import { Fields, unixSeconds, utf8 } from "@porchlight/encoding";
import { html } from "@porchlight/markup";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { repeated } from "../src/repeated.ts";
import { MAX_STATEMENT, PendingActs } from "../src/shell/acts.ts";
import { Challenges } from "../src/shell/challenges.ts";
import type { Desk } from "../src/shell/desk.ts";
import { DeskError } from "../src/shell/error.ts";
import { DeskJournal } from "../src/shell/journal.ts";
import { area, clockBadge, postForm } from "../src/shell/look.ts";
import { Passkeys } from "../src/shell/passkeys.ts";
import { SealedJournal } from "../src/shell/sealed-journal.ts";
import { serveDesk } from "../src/shell/serve.ts";
import { DeskClient, signedIn } from "./desk-client.ts";
import { Passkey } from "./passkey.ts";

const directory = mkdtempSync(join(tmpdir(), "porchlight-desk-"));
const notes: string[] = [];
const signed: string[] = [];
const failures: string[] = [];
let seconds = 0;
/** How what goes on behind a page ends. */
const behind = { resolve: (_code: string): void => {}, reject: (_error: Error): void => {} };

/** A desk with one note that can be written, and one thing that can be signed. */
const desk: Desk = {
  party: 'desk <b>"of"</b> tests',
  heading: "Tests",
  kind: "court",
  now: () => unixSeconds(1_800_000_000),
  places: [{ path: "/notes", words: "Notes" }],
  routes: ({ page, form, act, download }) => {
    page("/notes", async (visit) => ({
      title: "Notes",
      body: html`<h1>Notes</h1>${postForm(visit, "/notes", area({ name: "note", label: "Note", value: notes.at(-1) ?? "" }))}`,
    }));
    form("/notes", async (_visit, sent) => {
      notes.push(sent.text("note"));
      return { to: "/notes", said: sent.text("note") };
    });
    form(
      "/upload",
      async (_visit, sent) => {
        notes.push(Buffer.from(sent.file("act")?.bytes ?? []).toString());
        return { to: "/notes" };
      },
      { bodyLimit: 200_000 },
    );
    act("/sign/:number", {
      name: "sign-note",
      propose: async (visit, sent) => ({
        title: `Sign note ${visit.params["number"]}`,
        button: "Sign",
        shown: [{ term: "Note", text: sent.text("note") }],
        payload: { note: sent.text("note") },
        back: "/notes",
      }),
      perform: async (_visit, payload) => {
        const note = new Fields(payload, "payload").string("note", 10_000);
        if (note === "not now") throw new DeskError("not-now", "the note is on its way already");
        if (note === "fault") throw new TypeError("secret of the program");
        signed.push(note);
        return { to: "/notes", said: "Signed." };
      },
    });
    act(
      "/sign-large",
      {
        name: "sign-large",
        propose: async (_visit, sent) => ({
          ...{ title: "Sign", button: "Sign", payload: {}, back: "/notes" },
          shown: [{ term: "Note", text: sent.text("note") }],
        }),
        perform: async () => ({ to: "/notes" }),
      },
      { bodyLimit: 2 ** 24 },
    );
    act("/collect", {
      name: "collect",
      propose: async () => ({ title: "Collect", button: "Go", shown: [], payload: {}, back: "/notes" }),
      perform: async () => ({
        to: "/notes",
        outcome: new Promise<string>((resolve, reject) => Object.assign(behind, { resolve, reject })),
      }),
    });
    download("/file", async () => ({
      name: "../a b.html",
      type: "text/html",
      bytes: Buffer.from("<script>alert(1)</script>"),
    }));
  },
};

const options = { directory, label: "tests", stopwatch: () => seconds };
let client: DeskClient;

beforeAll(async () => {
  client = await signedIn(desk, options, (event) => failures.push(event));
});

afterAll(async () => {
  await client.desk.close();
  rmSync(directory, { recursive: true, force: true });
});

test("DESK-1: an address that cannot be decoded is answered in no words of its sender's", async () => {
  const answer = await client.send("GET", "/notes/%E0%A4%A<script>alert(1)</script>");
  expect([answer.status, answer.text]).toEqual([400, "malformed address\n"]);
  expect(answer.headers["x-content-type-options"]).toBe("nosniff");
});

test("DESK-1, DESK-4: no address is a fault of the desk, before or after sign-in", async () => {
  failures.length = 0;
  for (const path of ["//", "//x:99999/", "//evil.example/notes?again", "/notes?a=1?b"]) {
    const stranger = await client.send("GET", path, undefined, { cookie: undefined });
    expect([path, stranger.status, stranger.text.includes("<h1>")]).toEqual([path, 401, true]);
  }
  const member = await client.send("GET", "//");
  expect([member.status, member.text.includes("evil")]).toEqual([404, false]);
  expect(failures).toEqual([]);
});

test("DESK-1: another Host, another Origin and a page of another site are refused, and told nothing", async () => {
  const before = notes.length;
  const csrf = await client.token();
  const body = new URLSearchParams({ csrf, note: "forged" }).toString();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  for (const host of [
    "localhost",
    `127.0.0.1:${client.desk.port}`,
    "evil.example",
    `court.localhost:${client.desk.port}`,
  ]) {
    const answer = await client.send("GET", "/notes", undefined, { host });
    expect([answer.status, answer.text.includes("Ada Clerk")]).toEqual([421, false]);
  }
  for (const headers of [
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: undefined },
    { origin: client.desk.origin.replace("tests.", "court.") },
    { "sec-fetch-site": "same-site" },
  ]) {
    const answer = await client.send("POST", "/notes", body, { ...form, ...headers });
    expect(answer.status, JSON.stringify(headers)).toBe(403);
    expect(answer.text).toContain("Another page tried");
    expect(answer.text).not.toContain("Ada Clerk");
  }
  expect(notes.length).toBe(before);
});

test("DESK-1: every page has its policy, and nothing frames, sniffs or keeps it", async () => {
  const { text, headers } = await client.get("/notes");
  expect(text).toContain("default-src &#39;none&#39;".replaceAll("&#39;", "'"));
  expect(text).toContain("form-action 'self'");
  expect(text).not.toContain("<script");
  expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(headers["cache-control"]).toBe("no-store");
  const signIn = await client.send("GET", "/sign-in", undefined, { cookie: undefined });
  expect(signIn.text).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
  const file = await client.get("/file");
  expect(file.headers["content-disposition"]).toBe('attachment; filename=".._a_b.html"');
  expect(file.headers["content-security-policy"]).toContain("sandbox");
});

test("DESK-2: a link works once, for one hour, and makes nothing without a passkey that verifies its owner", async () => {
  const other = new DeskClient(client.desk);
  const link = client.desk.link();
  const weak = new DeskClient(client.desk);
  weak.passkey.verifies = false;
  const unverified = client.desk.link();
  expect((await weak.enter(unverified)).status).toBe(403);
  expect((await other.enter(link, "Ben")).status).toBe(200);
  const again = await new DeskClient(client.desk).enter(link, "Eve");
  expect([again.status, again.text.includes("link-spent")]).toEqual([410, true]);
  expect((await new DeskClient(client.desk).enter(link.replace(/#.*/, "#guessed"), "Eve")).status).toBe(410);
  const late = client.desk.link();
  seconds += 3601;
  expect((await new DeskClient(client.desk).enter(late, "Eve")).status).toBe(410);
  expect((await client.signIn()).status).toBe(200);
  // What a challenge was asked for, it answers: a sign-in's makes no person, and none is answered twice.
  const { challenge } = JSON.parse((await other.json("/sign-in/options", {})).text) as { challenge: string };
  const assertion = other.passkey.answer(challenge, client.desk.origin);
  expect((await other.json("/sign-in/passkey", { assertion })).status).toBe(200);
  expect((await other.json("/sign-in/passkey", { assertion })).status).toBe(410);
  const stranger = new DeskClient(client.desk);
  expect((await stranger.signIn()).status).toBe(403);
  const elsewhere = JSON.parse((await other.json("/sign-in/options", {})).text) as { challenge: string };
  const phished = other.passkey.answer(elsewhere.challenge, client.desk.origin, "evil.example");
  expect((await other.json("/sign-in/passkey", { assertion: phished })).status).toBe(403);
});

test("DESK-2: a link that was made for the program counts once, and only while nobody has a passkey", async () => {
  const directory = mkdtempSync(join(tmpdir(), "desk-link-"));
  const secret = "a".repeat(43);
  const linkHash = createHash("sha256").update(secret).digest("hex");
  const given = { directory, label: "given", port: 0, linkHash, workFactor: 2 };
  const serve = async () =>
    await serveDesk(desk, given, (_event, error) => {
      throw error;
    });
  await expect(serve()).rejects.toMatchObject({ code: "passphrase-missing" });
  await createPassphrase(directory);
  const first = await serve();
  const entered = await new DeskClient(first).enter(`${first.origin}/enter#${secret}`);
  expect(entered.status).toBe(200);
  expect((await new DeskClient(first).enter(`${first.origin}/enter#${secret}`)).status).toBe(410);
  await first.close();
  const second = await serve();
  expect((await new DeskClient(second).enter(`${second.origin}/enter#${secret}`)).status).toBe(410);
  await second.close();
  rmSync(directory, { recursive: true });
});

test("what came of something done is read on the next page, as long as that loads itself again, and no longer", async () => {
  const said = async (path: string): Promise<boolean> =>
    (await client.get(path)).text.includes('<p class="said" role="status">It is done.</p>');
  expect((await client.post("/notes", { note: "It is done." })).status).toBe(303);
  // Another page of this session, which loads itself in the background, neither shows it nor uses it up.
  expect(await said("/people?again=")).toBe(false);
  expect(await said("/notes")).toBe(true);
  expect([await said("/notes?again="), await said("/people?again="), await said("/notes?again=")]).toEqual([
    true,
    false,
    true,
  ]);
  expect([await said("/notes"), await said("/notes?again=")]).toEqual([false, false]);
});

test("DESK-3: the cookie is this desk's alone, and a session ends when nobody uses it, at sign-out, and for good", async () => {
  const other = new DeskClient(client.desk);
  const answer = await other.enter(client.desk.link(), "Cleo");
  const set = String(answer.headers["set-cookie"]);
  expect(set).toMatch(/^porchlight-tests=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const { cookie } = other;
  expect((await other.get("/notes")).status).toBe(200);
  // Two cookies of one name are somebody's attempt to plant one.
  expect((await other.send("GET", "/notes", undefined, { cookie: `${cookie}; ${cookie}` })).status).toBe(401);
  seconds += 14 * 60;
  expect((await other.get("/notes")).status).toBe(200);
  // A page that loads itself again behind somebody's back keeps nobody signed in.
  seconds += 14 * 60;
  expect((await other.get("/notes?again=")).status).toBe(200);
  seconds += 2 * 60;
  const over = await other.get("/notes?again=");
  expect([over.status, over.text.includes("You are signed out")]).toEqual([401, true]);
  await client.signIn();
  await other.signIn();
  expect((await other.post("/sign-out", {})).status).toBe(303);
  expect((await other.send("GET", "/notes", undefined, { cookie })).status).toBe(401);
  // However busy: eight hours after it began.
  for (let minutes = 0; minutes < 8 * 60 + 10; minutes += 10) {
    seconds += 600;
    await client.get("/notes");
  }
  expect((await client.get("/notes")).status).toBe(401);
  expect((await client.signIn()).status).toBe(200);
});

test("DESK-4: a form without this session's token does nothing", async () => {
  const before = notes.length;
  const old = await client.token();
  await client.signIn();
  for (const csrf of ["", "x", old]) {
    const answer = await client.post("/notes", { csrf, note: "stale" });
    expect([answer.status, answer.text.includes("form-stale")]).toEqual([403, true]);
  }
  const csrf = await client.token();
  expect((await client.post("/notes", { csrf: [csrf, csrf], note: "x" })).status).toBe(422);
  expect((await client.post("/notes", { note: ["a", "b"] })).status).toBe(422);
  expect((await client.post("/notes", { note: "zero\u0000byte" })).status).toBe(422);
  expect(notes.length).toBe(before);
});

test("DESK-4: who is not signed in is refused before a body is read, at every address but the entering ones", async () => {
  const { origin, port } = client.desk;
  for (const path of ["/upload", "/notes", "/acts/x", "/nothing"]) {
    const status = await new Promise((resolve, reject) => {
      const headers = { host: new URL(origin).host, origin, "content-length": 100_000 };
      const call = request({ host: "127.0.0.1", port, method: "POST", path, headers }, (answer) => {
        resolve(answer.statusCode);
        call.destroy();
      });
      call.on("error", reject);
      // The rest never comes.
      call.write("x");
    });
    expect(status, path).toBe(401);
  }
});

test("DESK-2: whoever asks for any number of challenges takes nobody's away, and none is answered twice", async () => {
  let now = 0;
  const challenges = new Challenges(() => now);
  const mine = challenges.issue("sign-in");
  for (let i = 0; i < 2000; i++) challenges.issue("sign-in");
  const answer = async (challenge: string, purpose = "sign-in") =>
    await challenges.answer(challenge, purpose, async () => "in");
  const lapsed = { code: "challenge-lapsed" };
  await expect(answer(mine, "enter")).rejects.toMatchObject(lapsed);
  await expect(answer(new Challenges(() => now).issue("sign-in"))).rejects.toMatchObject(lapsed);
  await expect(answer(`${mine.slice(0, -1)}_`)).rejects.toMatchObject(lapsed);
  // A wrong answer does not use it up; of two at once one counts.
  const wrong = challenges.answer(mine, "sign-in", async () => await Promise.reject(new Error("wrong")));
  await expect(wrong).rejects.toThrow("wrong");
  const both = await Promise.allSettled([answer(mine), answer(mine)]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const late = challenges.issue("sign-in");
  now = 301;
  await expect(answer(late)).rejects.toMatchObject(lapsed);
  await expect(answer(mine)).rejects.toMatchObject(lapsed);
});

test("DESK-4: an oversized body, a foreign type and a broken upload are refused with a page", async () => {
  const big = await client.post("/notes", { note: "x".repeat(70_000) });
  expect([big.status, big.text.includes("too large")]).toEqual([413, true]);
  const json = await client.send("POST", "/notes", "{}", { "content-type": "text/plain" });
  expect(json.status).toBe(422);
  // As long and as random as a browser's: the parser looks for it anywhere.
  const boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
  const broken = await client.send("POST", "/upload", `--${boundary}\r\nnonsense`, {
    "content-type": `multipart/form-data; boundary=${boundary}`,
  });
  expect(broken.status).toBe(422);
  const csrf = await client.token();
  const upload = `--${boundary}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n${csrf}\r\n--${boundary}\r\nContent-Disposition: form-data; name="act"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n${"y".repeat(100_000)}\r\n--${boundary}--\r\n`;
  const kept = await client.send("POST", "/upload", upload, {
    "content-type": `multipart/form-data; boundary=${boundary}`,
  });
  expect([kept.status, notes.at(-1)?.length]).toEqual([303, 100_000]);
  expect((await client.get("/nothing")).status).toBe(404);
});

test("nothing that anyone typed becomes markup, or leads away", async () => {
  const evil = `</textarea><script>alert(1)</script>"'<img src=x onerror=alert(2)>\u202e`;
  const shown = await client.follow(await client.post("/notes", { note: evil }));
  expect(shown.text).not.toContain("<script>alert");
  expect(shown.text).not.toContain("<img");
  expect(shown.text).toContain("U+202E");
  const act = await client.post(`/sign/${encodeURIComponent("<b>7")}`, { note: evil });
  expect(act.text).not.toContain("<b>7");
  expect(act.text).not.toContain("<img");
  expect(act.text).toContain("desk &lt;b&gt;");
  expect((await client.get("/notes?note=<script>")).text).not.toContain("<script>");
});

test("DESK-5, DESK-6: an act is done once, by an assertion over exactly what was shown, and by nothing else", async () => {
  const { origin } = client.desk;
  const propose = async (note: string) => client.asked(await client.post("/sign/1", { note }));
  const refused = async (asked: Awaited<ReturnType<typeof propose>>, assertion: object) => {
    const answer = await client.confirm(asked, assertion);
    expect([answer.status, answer.text.includes("passkey-refused")]).toEqual([403, true]);
  };
  signed.length = 0;
  // A stolen session can propose; without the passkey nothing comes of it.
  await refused(await propose("a"), {});
  // Another act's challenge, even of the same words.
  const [one, two] = [await propose("a"), await propose("a")];
  await refused(one, client.passkey.answer(two.challenge, origin));
  // The sign-in's.
  const { challenge } = JSON.parse((await client.json("/sign-in/options", {})).text) as { challenge: string };
  await refused(await propose("a"), client.passkey.answer(challenge, origin));
  // Another person's passkey, registered here as it is.
  const other = new DeskClient(client.desk);
  await other.enter(client.desk.link(), "Dora");
  const third = await propose("a");
  await refused(third, other.passkey.answer(third.challenge, origin));
  const fourth = await propose("a");
  await refused(fourth, { ...other.passkey.answer(fourth.challenge, origin), id: client.passkey.credential });
  // Without the owner's verification; for another origin.
  const fifth = await propose("a");
  client.passkey.verifies = false;
  await refused(fifth, client.passkey.answer(fifth.challenge, origin));
  client.passkey.verifies = true;
  const sixth = await propose("a");
  await refused(sixth, client.passkey.answer(sixth.challenge, "http://evil.localhost", "tests.localhost"));
  // Another session's act.
  const seventh = await propose("a");
  const foreign = await other.post(seventh.path, {
    assertion: JSON.stringify(client.passkey.answer(seventh.challenge, origin)),
  });
  expect([foreign.status, foreign.text.includes("act-lapsed")]).toEqual([410, true]);
  expect(signed).toEqual([]);

  const good = await client.confirm(seventh);
  expect(good.status).toBe(303);
  expect(signed).toEqual(["a"]);
  expect((await client.confirm(seventh)).status).toBe(410);
  const late = await propose("b");
  seconds += 301;
  expect((await client.confirm(late)).status).toBe(410);
  expect(signed).toEqual(["a"]);

  // What is no text was not read: an object that came out of somebody's file is no row.
  const session = { person: { id: "x", name: "Ada" } } as never;
  const forged = { title: "t", shown: [{ term: "Why", text: { markup: "<b>" } }], payload: {} } as never;
  expect(() => new PendingActs("p", () => 0).propose(session, {} as never, forged, {})).toThrow(TypeError);
});

test("DESK-7: the journal keeps who confirmed what, what came of it, and proves it; a restart keeps it", async () => {
  await client.signIn();
  await client.act("/sign/2", { note: "kept" });
  const refused = await client.act("/sign/3", { note: "not now" });
  expect([refused.status, refused.text.includes("on its way already")]).toEqual([409, true]);
  failures.length = 0;
  const fault = await client.act("/sign/4", { note: "fault" });
  expect([fault.status, fault.text.includes("secret of the program")]).toEqual([500, false]);
  expect(failures).toEqual(["request-failed"]);
  const { text } = await client.get("/journal");
  expect(text).toContain("Sign note 2");
  expect(text).toContain("not done: not-now");
  expect(text).toContain("not done: internal");
  expect(text).toContain("fits what is shown");
  expect(text).not.toContain("was altered");

  const { cookie } = client;
  await client.desk.close();
  // What the journal says of whom is on the disk for nobody who has only the disk.
  for (const text of ["kept", "Ada Clerk", "sign-note"]) {
    expect(readFileSync(join(directory, "desk/journal.sealed")).includes(text)).toBe(false);
  }
  const served = await serveDesk(desk, { port: 0, ...options }, () => {});
  await expect(serveDesk(desk, { port: 0, ...options }, () => {})).rejects.toMatchObject({ code: "locked" });
  const later = new DeskClient(served);
  Object.assign(later, { passkey: client.passkey });
  // A restart signs everybody out; the passkey signs in.
  expect((await later.send("GET", "/notes", undefined, { cookie })).status).toBe(401);
  expect((await later.signIn()).status).toBe(200);
  expect((await later.get("/journal")).text).toContain("Sign note 2");
  client = later;
});

test("DESK-16: what the journal could not read again is refused before anybody confirms it, and never written", async () => {
  const large = await client.post("/sign-large", { note: "n".repeat(MAX_STATEMENT) });
  expect([large.status, large.text.includes("This is too much to confirm at once")]).toEqual([413, true]);
  expect(large.text).not.toContain("data-options");
  const fits = await client.post("/sign-large", { note: "'".repeat(9000) });
  expect(fits.text).toContain("data-options");

  const home = mkdtempSync(join(tmpdir(), "porchlight-journal-"));
  const journal = await DeskJournal.open(home, { passphrase: "x".repeat(20), workFactor: 2 });
  const record = {
    kind: "act" as const,
    at: unixSeconds(1),
    ...{ act: "sign-note", name: "Ada Clerk", nonce: new Uint8Array(32), publicKey: new Uint8Array(3) },
    place: { origin: "http://tests.localhost", host: "tests.localhost" },
    assertion: { id: "aa", clientDataJSON: "aa", authenticatorData: "aa", signature: "aa" },
  };
  await expect(journal.add({ ...record, statement: "x".repeat(MAX_STATEMENT + 1) })).rejects.toMatchObject({
    code: "too-long",
  });
  await journal.add({ ...record, statement: "x".repeat(MAX_STATEMENT) });
  await journal.close();
  const again = await DeskJournal.open(home, { passphrase: "x".repeat(20), workFactor: 2 });
  expect(again.acts(2).map((one) => one.record.statement.length)).toEqual([MAX_STATEMENT]);
  await again.close();
  rmSync(home, { recursive: true, force: true });
});

test("DESK-16: what somebody sent is repeated by its beginning, its length and its SHA-256 where it is too long", () => {
  const short = [{ term: "Why", text: "x".repeat(20_000) }];
  expect(repeated(short)).toEqual(short);
  const text = "\u{1f600}".repeat(30_000);
  const [one] = repeated([{ term: "Approval", text: `a${text}` }]);
  expect(one?.text.startsWith(`a${"\u{1f600}".repeat(999)} …\n60001 characters in all`)).toBe(true);
  expect(one?.text.endsWith(createHash("sha256").update(`a${text}`).digest("hex"))).toBe(true);
  // However many there are, and whatever JSON makes of their characters.
  const many = Array.from({ length: 10_000 }, () => ({
    term: "\u0001".repeat(900),
    text: "\u0001".repeat(900),
  }));
  const all = repeated(many);
  expect(JSON.stringify(all).length).toBeLessThan(2 ** 19);
  const rest = many.slice(all.length - 1);
  expect(all.at(-1)?.text).toContain(`${rest.length} more, as they stand on its page.`);
  const hash = createHash("sha256");
  for (const { term, text: left } of rest) hash.update(`${JSON.stringify([term, left])}\n`);
  expect(all.at(-1)?.text).toContain(hash.digest("hex"));
});

test("DESK-7: a plain journal is sealed once and erased; one that was altered, moved or lost its key is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "desk-journal-"));
  const sealing = { passphrase: "a test's", workFactor: 2 };
  const record = { kind: "signed-in", at: 1_800_000_000, id: "x", name: "Ada Clerk" };
  const plain = join(folder, "journal");
  const old = await Journal.open(plain);
  await old.append(utf8(JSON.stringify(record)));
  await old.append(utf8(JSON.stringify({ ...record, name: "Ben" })));
  await old.close();
  const before = readFileSync(plain);
  const journal = await DeskJournal.open(folder, sealing);
  expect(existsSync(plain)).toBe(false);
  await journal.add({ kind: "person-removed", at: unixSeconds(1), id: "x", name: "Ada Clerk" });
  await journal.close();
  const path = join(folder, "journal.sealed");
  const whole = readFileSync(path);
  expect(whole.includes("Ada")).toBe(false);
  // As after a crash between the two: what is whole in the sealed one is erased, what is not is refused.
  writeFileSync(plain, before);
  const { journal: again, records } = await SealedJournal.open(folder, sealing);
  await again.close();
  expect([records.length, existsSync(plain)]).toEqual([3, false]);
  // A power cut while it is erased: it was overwritten and is still there.
  writeFileSync(join(folder, "journal.erasing"), new Uint8Array(100).fill(7));
  const { journal: third } = await SealedJournal.open(folder, sealing);
  await third.close();
  expect(
    readdirSync(folder)
      .filter((name) => name.startsWith("journal"))
      .sort(),
  ).toEqual(["journal-key.age", "journal.sealed"]);
  const foreign = await Journal.open(plain);
  await foreign.append(utf8("another's"));
  await foreign.close();
  const corrupt = { code: "journal-corrupt" };
  await expect(SealedJournal.open(folder, sealing)).rejects.toMatchObject(corrupt);
  rmSync(plain);

  // A record that comes a second time; one whose bytes are others.
  const raw = await Journal.open(path);
  const { value: first } = await raw.records().next();
  await raw.append(first as Uint8Array);
  await raw.close();
  await expect(SealedJournal.open(folder, sealing)).rejects.toMatchObject(corrupt);
  rmSync(path);
  const altered = await Journal.open(path);
  await altered.append((first as Uint8Array).map((byte, i) => (i === 20 ? byte ^ 1 : byte)));
  await altered.close();
  await expect(SealedJournal.open(folder, sealing)).rejects.toMatchObject(corrupt);
  writeFileSync(path, whole);
  rmSync(join(folder, "journal-key.age"));
  await expect(SealedJournal.open(folder, sealing)).rejects.toMatchObject({ code: "secret-unreadable" });
  rmSync(folder, { recursive: true });
});

test("DESK-7: what goes on behind a page is in the journal when it has ended, and the desk closes after it", async () => {
  const states = async () =>
    [
      ...(await client.get("/journal")).text.matchAll(/<h2>Collect<\/h2><span class="badge \w+">([^<]+)</g),
    ].map(([, state]) => state);
  await client.act("/collect", {});
  expect(await states()).toEqual(["not finished"]);
  behind.reject(new DeskError("not-now", "enough keyholders have not answered"));
  await expect.poll(states).toEqual(["not done: not-now"]);
  await client.act("/collect", {});
  let isClosed = false;
  const closing = client.desk.close().then(() => {
    isClosed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  behind.resolve("");
  await closing;
  const later = new DeskClient(
    await serveDesk(desk, { port: 0, ...options }, (event) => failures.push(event)),
  );
  Object.assign(later, { passkey: client.passkey });
  client = later;
  await client.signIn();
  expect(await states()).toEqual(["done", "not done: not-now"]);

  // A journal that fails after the act does not say that it was not done.
  failures.length = 0;
  const add = DeskJournal.prototype.add;
  const kinds: string[] = [];
  const failing = vi.spyOn(DeskJournal.prototype, "add").mockImplementation(async function (
    this: DeskJournal,
    record,
  ) {
    kinds.push(record.kind);
    if (record.kind === "done") throw new Error("disk full");
    await add.call(this, record);
  });
  const shown = await client.act("/sign/9", { note: "kept all the same" });
  failing.mockRestore();
  expect([kinds, failures, signed.at(-1)]).toEqual([
    ["act", "done"],
    ["outcome-not-journalled"],
    "kept all the same",
  ]);
  expect(shown.text).toContain("It was done.");
});

test("people: a link for somebody new and the end of a passkey each take one's own passkey", async () => {
  const invited = await client.act("/people/invite", {});
  const link = /http:[^<]+#[^<]+/.exec(invited.text)?.[0] ?? "";
  // Shown once.
  expect((await client.follow(await client.get("/people/link"))).text).not.toContain(link);
  const guest = new DeskClient(client.desk);
  expect((await guest.enter(link, "Guest <i>")).status).toBe(200);
  const people = await client.get("/people");
  expect(people.text).toContain("Guest &lt;i&gt;");
  await client.act("/people/remove", { id: guest.passkey.credential });
  expect((await guest.get("/notes")).status).toBe(401);
  expect((await guest.signIn()).status).toBe(403);
  const own = await client.act("/people/remove", { id: client.passkey.credential });
  expect(own.status).toBe(409);
});

test("DESK-8: who is removed while a passkey is being checked stays removed, and is signed in nowhere", async () => {
  const folder = mkdtempSync(join(tmpdir(), "desk-people-"));
  const place = { origin: "http://tests.localhost", host: "tests.localhost" };
  const passkeys = await Passkeys.open(folder);
  const [stays, goes] = [new Passkey(), new Passkey()];
  for (const [one, name] of [
    [stays, "Ada"],
    [goes, "Ben"],
  ] as const) {
    const challenge = `made-${name}`;
    const expected = { challenge, place, name, at: unixSeconds(1) };
    await passkeys.register(one.make(challenge, place.origin), expected);
  }
  const answers = Array.from({ length: 6 }, (_, i) => {
    const challenge = `sign-in-${i}`;
    return passkeys.verify(stays.answer(challenge, place.origin), { challenge, place });
  });
  const removed = passkeys.remove(goes.credential, stays.credential);
  const challenge = "its own";
  const own = passkeys.verify(goes.answer(challenge, place.origin), { challenge, place });
  const [verified] = await Promise.allSettled([Promise.all(answers), removed, own]);
  expect(verified.status).toBe("fulfilled");
  expect(passkeys.people.map(({ name, counter }) => [name, counter])).toEqual([["Ada", 7]]);
  expect((await Passkeys.open(folder)).people.map(({ name }) => name)).toEqual(["Ada"]);
  // Nobody removes oneself, and nobody who is gone removes anyone.
  expect(await passkeys.remove(stays.credential, stays.credential)).toBe(null);
  expect(await passkeys.remove(stays.credential, goes.credential)).toBe(null);
  rmSync(folder, { recursive: true });

  for (let round = 0; round < 4; round++) {
    const guest = new DeskClient(client.desk);
    await guest.enter(client.desk.link(), `Guest ${round}`);
    const asked = client.asked(await client.post("/people/remove", { id: guest.passkey.credential }));
    const [confirmed] = await Promise.all([client.confirm(asked), guest.signIn(), guest.signIn()]);
    expect(confirmed.status).toBe(303);
    expect((await guest.get("/notes")).status).toBe(401);
    expect((await guest.signIn()).status).toBe(403);
  }
});

test("a clock counts minutes in its last two hours, before and after", () => {
  const at = (seconds: number): string =>
    clockBadge(unixSeconds(1_800_000_000 + seconds), unixSeconds(1_800_000_000)).markup;
  expect(at(8 * 3600)).toContain("8 hours left");
  expect(at(7199)).toContain("119 minutes left");
  expect(at(60)).toContain("1 minute left");
  expect(at(-59 * 60)).toContain("59 minutes late");
  expect(at(-3 * 86_400 - 7200)).toContain("3 days 2 hours late");
});
