// A person's devices and an issuer's order to preserve, by the command line alone, against a real server.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPassphrase, readPassphrase, SecretStore } from "@porchlight/durable";
import { fromBase64url, fromUtf8, type Json } from "@porchlight/encoding";
import { Court } from "@porchlight/parties";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../apps/cli/src/program.ts";
import { TestServer } from "../apps/server/test/deployment.ts";
import { COURT, seedOf } from "../vectors/fixture/deployment.ts";
import { chartered } from "./people.ts";

const home = mkdtempSync(join(tmpdir(), "porchlight-devices-"));
const at = (name: string): string => join(home, name);
let server: TestServer;
let charter: string;

beforeAll(async () => {
  server = await TestServer.start({}, { hi1: { country: "XX", endpoint: "PROVIDER" } });
  charter = await chartered(server);
  for (const dir of ["ada", "bea", "stranger", "tablet", "nobody", "found"]) {
    await withSecret(dir, "storage-key", seedOf(`storage of ${dir}`));
  }
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

/** A command that is under way: what it says for a person as it says it. */
class Running {
  said = "";
  readonly ended: Promise<Record<string, never>>;
  #look: () => void = () => {};

  constructor(argv: readonly string[], confirm: (question: string) => Promise<boolean>) {
    let out = "";
    const streams = {
      out: (text: string) => void (out += text),
      error: (text: string) => {
        this.said += text;
        this.#look();
      },
      interactive: false,
      confirm,
    };
    this.ended = run([...argv, "--json"], streams).then(() => {
      process.exitCode = 0;
      return JSON.parse(out) as Record<string, never>;
    });
  }

  async says(pattern: RegExp): Promise<string> {
    return await new Promise((resolve) => {
      this.#look = () => {
        const found = pattern.exec(this.said)?.[1];
        if (found !== undefined) resolve(found);
      };
      this.#look();
    });
  }
}

async function cli(...argv: readonly string[]): Promise<Record<string, never>> {
  return await new Running(argv, () => Promise.resolve(false)).ended;
}

/** A directory keeps the key that it has: this one is sealed under a quick passphrase. */
async function withSecret(dir: string, name: string, secret: Uint8Array): Promise<void> {
  mkdirSync(at(dir));
  await createPassphrase(at(dir));
  const passphrase = await readPassphrase(at(dir));
  const secrets = await SecretStore.open(join(at(dir), "secrets"), { passphrase, workFactor: 2 });
  await secrets.write(name, secret);
}

const member = async (dir: string, command: string, ...more: readonly string[]) =>
  await cli("member", command, ...more, "--dir", at(dir));
const init = async (dir: string): Promise<string> =>
  (await member(dir, "init", "--url", server.url, "--charter", charter))["account"] ?? "";
async function texts(dir: string, ...more: readonly string[]): Promise<string[]> {
  const { events } = (await member(dir, "read", ...more)) as unknown as {
    events: { kind: string; content?: { text: string } }[];
  };
  return events.flatMap(({ content }) => (content === undefined ? [] : [content.text]));
}

type Device = {
  deviceKey: string;
  name: string;
  current: boolean;
  revoked: number | null;
  sessions: { id: string }[];
};
const devices = async (dir: string): Promise<Device[]> =>
  (await member(dir, "devices"))["devices"] as unknown as Device[];

describe("porchlight member", () => {
  let ada: string;

  beforeAll(async () => {
    ada = await init("ada");
    const bea = await init("bea");
    await member("ada", "create", "--add", bea);
    await texts("bea");
  });

  /** Both sides of a pairing; whether the digits are compared is the test's. */
  async function pair(dir: string, answer: (host: string, guest: string) => boolean) {
    const place = ["--url", server.url, "--charter", charter, "--dir", at(dir), "--name", "tablet"];
    const guest = new Running(["member", "pair", ...place], () => Promise.resolve(false));
    const code = await guest.says(/^Code: (\S+)$/m);
    const host = new Running(["member", "approve", "--code", code, "--dir", at("ada")], async (question) =>
      answer(/show (\d{6})\?/.exec(question)?.[1] ?? "", await guest.says(/^Digits: (\d{6})$/m)),
    );
    return await Promise.all([host.ended, guest.ended]);
  }

  test("ACC-30: a further device comes in by code and digits, and reads; a no keeps it out", async () => {
    const [no, out] = await pair("stranger", () => false);
    expect(no).toMatchObject({ ok: false, code: "digits-differ" });
    expect(out).toMatchObject({ ok: false, code: "pairing-refused" });
    const [host, guest] = await pair("tablet", (here, there) => here === there);
    expect(host).toMatchObject({ ok: true, device: "tablet", conversations: 1, left: 0 });
    expect(guest).toMatchObject({ ok: true, account: ada });
    await texts("bea");
    await member("bea", "send", "hello to both");
    expect(await texts("tablet", "--wait", "60")).toContain("hello to both");
    expect(await texts("ada")).toContain("hello to both");
    expect((await devices("ada")).map(({ name, current }) => [name, current])).toContainEqual([
      "tablet",
      false,
    ]);
  });

  test("ACC-5, ACC-6: sessions are listed and ended; a lost device is out", async () => {
    const own = (await devices("ada")).find(({ current }) => current);
    const session = own?.sessions[0]?.id ?? "none";
    expect(await member("ada", "end-session", "--session", session.slice(0, 12))).toMatchObject({ ok: true });
    const after = (await devices("ada")).flatMap(({ sessions }) => sessions.map(({ id }) => id));
    expect(after).not.toContain(session);
    const lost = (await devices("ada")).find(({ name }) => name === "tablet")?.deviceKey ?? "none";
    expect(await member("ada", "remove-device", "--device", "ff".repeat(32))).toMatchObject({
      code: "unknown-device",
    });
    expect(await member("ada", "remove-device", "--device", lost.slice(0, 16))).toMatchObject({
      ok: true,
      conversations: 1,
    });
    expect(await member("tablet", "read")).toMatchObject({ ok: false, code: "device-revoked" });
    expect((await devices("ada")).find(({ deviceKey }) => deviceKey === lost)?.revoked).not.toBeNull();
  });

  test("ACC-50 to ACC-61: the recovery code makes a new device, and the next member to come lets it in", async () => {
    const { code } = await member("ada", "recovery-code");
    expect(code).toMatch(/^(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}$/);
    writeFileSync(at("code"), `${code}\n`);
    writeFileSync(at("wrong"), "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA\n");
    const restore = async (dir: string, file: string) =>
      await member(dir, "restore", "--url", server.url, "--charter", charter, "--code-file", at(file));
    expect(await restore("nobody", "wrong")).toMatchObject({ ok: false, code: "code-malformed" });
    expect(await restore("found", "code")).toMatchObject({
      ok: true,
      account: ada,
      lost: 1,
      conversations: 1,
    });
    expect(await member("ada", "read")).toMatchObject({ ok: false, code: "device-revoked" });
    await texts("bea");
    await member("bea", "send", "welcome back");
    expect(await texts("found", "--wait", "60")).toContain("welcome back");
  });

  test("PRES-8: an issuer has what she wrote kept, and the retention says by which entry", async () => {
    await member("found", "send", "to be kept");
    const { conversations } = (await member("found", "conversations")) as unknown as {
      conversations: { id: string }[];
    };
    await issuer("court");
    writeFileSync(at("act.pdf"), "the court's original act");
    const day = new Date(server.now * 1000).toISOString().slice(0, 10);
    const until = new Date((server.now + 60 * 86_400) * 1000).toISOString().slice(0, 10);
    const preserve = async (...more: readonly string[]) =>
      await cli(
        ...["issuer", "preserve", "--dir", at("court"), "--url", server.url, "--charter", charter],
        ...["--reference", "4 Gs 12/26", "--act", at("act.pdf"), "--ground", "Until a warrant is decided."],
        ...["--legal-basis", "Code of Criminal Procedure § 100a", "--account", ada, "--until", until],
        ...["--conversation", conversations[0]?.id ?? "", "--first-day", day, "--last-day", day, ...more],
      );
    expect(await preserve("--legal-basis", "none")).toMatchObject({ ok: false, code: "order-refused" });
    const held = await preserve("--out", at("order.json"));
    expect(held).toMatchObject({ ok: true, state: "held", until });
    // Handed in again it is the same; a second of this reference is refused.
    const again = await cli(
      ...["issuer", "preserve", "--dir", at("court"), "--url", server.url, "--charter", charter],
      ...["--document", at("order.json")],
    );
    expect(again).toEqual({ ...held, order: at("order.json") });
    expect(await preserve("--out", at("second.json"))).toMatchObject({
      ok: false,
      code: "preservation-refused",
    });
    const { reports } = (await server.admin("retention", { act: "run" })) as {
      reports: { payload: string }[];
    };
    const report = JSON.parse(fromUtf8(fromBase64url(reports[0]?.payload ?? ""))) as { held: Json[] };
    expect(report.held).toEqual([{ entry: held["index"], until, messages: 0, envelopes: 0, attachments: 0 }]);
  });

  /** A court with the fixture's key, which the fixture's charter names. */
  async function issuer(dir: string): Promise<void> {
    await withSecret(dir, "issuer-key", seedOf(COURT));
    await Court.create(at(dir), { name: COURT, title: "Judge" }, { workFactor: 2 });
  }

  test("PRES-14: the issuer lifts its order early", async () => {
    const place = ["--dir", at("court"), "--url", server.url, "--charter", charter];
    const lift = async (...more: readonly string[]) =>
      await cli("issuer", "lift-preservation", ...place, "--order", at("order.json"), ...more);
    expect(await lift()).toMatchObject({ ok: false, code: "option-missing" });
    const lifted = await lift("--ground", "The case is closed.", "--out", at("lift.json"));
    expect(lifted).toMatchObject({ ok: true, state: "lifted" });
    expect(await lift("--document", at("lift.json"))).toMatchObject({ index: lifted["index"] });
  });

  test("HI1-4, HI1-51: an agency's key, the call-back, the registry's signature; then its orders are taken", async () => {
    await withSecret("agency", "hi1-endpoint", seedOf("Agency endpoint"));
    await cli(
      "requester",
      "init",
      "--name",
      "State Police",
      "--dir",
      at("agency"),
      "--recipient",
      "age1none",
    );
    const { key } = await cli("requester", "hi1", "key", "--dir", at("agency"));
    const hi1 = async (command: string, ...more: readonly string[]) =>
      await cli(
        ...["requester", "hi1", command, "--dir", at("agency"), "--url", server.url, "--charter", charter],
        ...more,
      );
    expect(await hi1("list")).toMatchObject({ ok: false, code: "option-missing" });
    const names = ["--endpoint", "AGENCY", "--provider", "PROVIDER"];
    expect(await cli("requester", "hi1", "names", "--dir", at("agency"), ...names)).toMatchObject({
      ok: true,
      country: "XX",
    });
    expect(await hi1("list")).toMatchObject({ ok: false, code: "hi1-refused" });
    const provider = async (command: string, ...more: readonly string[]) =>
      await cli("provider", command, "--dir", server.directory, ...more);
    const { id } = await provider(
      ...["register-endpoint", "--country", "XX", "--endpoint", "AGENCY", "--key", String(key)],
    );
    const day = (days: number) => new Date((server.now + days * 86_400) * 1000).toISOString().slice(0, 10);
    await provider(
      ...["call-back", "--id", String(id), "--by", "Officer Vale", "--number", "+99 30 5550100"],
      ...["--found", "the printed directory", "--words", "Inspector Reed read it out."],
      ...["--until", day(30), "--out", at("draft.json")],
    );
    const place = ["--dir", at("court"), "--url", server.url, "--charter", charter];
    const sign = ["issuer", "sign-registration", ...place, "--out", at("registration.json")];
    expect(await cli(...sign, "--draft", at("draft.json"))).toMatchObject({ ok: true, signed: false });
    await cli(...sign, "--draft", at("draft.json"), "--yes");
    // As at its desk: what it has signed it does not sign again.
    expect(await cli(...sign, "--document", at("registration.json"), "--yes")).toMatchObject({
      ok: false,
      code: "registration-unsignable",
    });
    const document = ["--id", String(id), "--document", at("registration.json")];
    expect(await provider("complete-registration", ...document)).toMatchObject({ ok: true });
    const { size } = (await server.admin("status")) as { size: number };
    await server.client().waitForCheckpoint(size, { since: server.now, wait: 60 });
    const { registrations } = (await provider("endpoints")) as unknown as { registrations: Json[] };
    expect(registrations).toMatchObject([{ endpoint: "AGENCY", state: "usable" }]);

    const days = ["--first-day", day(0), "--last-day", day(0)];
    const { id: authorisation } = await hi1(
      ...(["authorise", "--reference", "4 Gs 217/26", "--offence", "stalking", ...days] as const),
      ...["--legal-basis", "Code of Criminal Procedure § 100a"],
    );
    const under = ["--authorisation", String(authorisation)];
    const asked = ["--reference", "XX-AGENCY-17", "--type", "SubscriberData", ...days, "--account", ada];
    const { id: task } = await hi1("task", ...under, ...asked);
    // As after an answer that was lost: it is there once.
    expect(await hi1("task", ...under, ...asked, "--id", String(task))).toMatchObject({ ok: true, id: task });
    await hi1("document", ...under, "--act", at("act.pdf"), "--hash-only");
    const listed = async () =>
      (await hi1("list"))["objects"] as unknown as { id: string; what: string; status: string }[];
    expect((await listed()).map(({ what, status }) => `${what} ${status}`).sort()).toEqual([
      "Authorisation AwaitingApproval",
      "OriginalAct AwaitingApproval",
      "SubscriberData AwaitingApproval",
    ]);
    expect(await hi1("get", "--id", String(task))).toMatchObject({
      object: { "task:Status": { "common:Value": "AwaitingApproval" } },
    });
    expect(
      await hi1(
        "task",
        ...under,
        "--reference",
        "XX-AGENCY-18",
        "--type",
        "SubscriberData",
        ...days,
        "--person",
        "Nobody",
      ),
    ).toMatchObject({ ok: false, code: "hi1-refused" });
    expect(await hi1("received", "--id", String(task))).toMatchObject({ ok: false, code: "hi1-refused" });
    expect(await hi1("extend", "--id", String(task), "--until", day(20))).toMatchObject({
      ok: false,
      code: "hi1-refused",
    });
    expect(await hi1("cancel", "--id", String(task))).toMatchObject({ ok: true, status: "Cancelled" });
    expect(await hi1("cancel", "--id", String(task))).toMatchObject({ ok: false, code: "hi1-refused" });
    expect((await listed()).find((one) => one.id === task)?.status).toBe("Cancelled");
    await provider("revoke-endpoint", "--id", String(id), "--by", "Officer Vale", "--words", "Lost.");
    expect(await hi1("list")).toMatchObject({ ok: false, code: "hi1-refused" });
  });
});
