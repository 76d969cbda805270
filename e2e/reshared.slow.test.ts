// A keyholder's machine is gone for good. A new one takes its place by everyone's signature and by resharing, and an order
// opens with it; what the old one had opens nothing any more. Real processes; operators by the command line.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { readPassphrase, SecretStore } from "@porchlight/durable";
import {
  dayNumber,
  dayOf,
  fromUtf8,
  type KeyholderIndex,
  keyholderIndex,
  parseInstant,
  periodOf,
  unixSeconds,
} from "@porchlight/encoding";
import { accessLabel } from "@porchlight/envelope";
import { verifyFiles } from "@porchlight/evidence";
import { openBundle, parseWarrant } from "@porchlight/gate";
import {
  Agency,
  formatSuccessionFile,
  keyholderStates,
  namesOf,
  readSuccessionFile,
  type SuccessionFile,
  withSignature,
} from "@porchlight/parties";
import { combinePartials, partialRelease, xwingKeygen } from "@porchlight/quorum";
import { callAdmin } from "@porchlight/runtime";
import { KeyholderClient } from "@porchlight/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Shares } from "../apps/keyholder/src/shares.ts";
import { Case } from "../packages/deployment/src/case.ts";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES, WORK_FACTOR } from "../packages/deployment/src/layout.ts";
import { silent } from "../packages/deployment/src/progress.ts";
import { replayChat } from "../packages/deployment/src/replay.ts";
import { keyMaterial } from "../packages/deployment/src/speaker.ts";
import { answer, porchlight } from "./porchlight.ts";

const START = parseInstant("2017-10-03T08:00:00Z");
const PERIOD = periodOf(dayOf(START));
const LOST = "keyholder-2";
const NEW = "keyholder-6";
const remaining = KEYHOLDER_NAMES.filter((name) => name !== LOST);

let home: string;
let deployment: Deployment;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "porchlight-succession-"));
  deployment = await Deployment.open({
    state: join(home, "deployment"),
    port: 0,
    deployment: "succession.example",
    clock: { replayFrom: START },
    charterFrom: dayNumber(dayOf(START) - 2),
    charterDays: 60,
    progress: silent,
  });
}, 400_000);
afterAll(async () => {
  await deployment.close();
  rmSync(home, { recursive: true, force: true });
});

test("CHA-21 to CHA-23, KEY-14, CER-20, CER-21, EVI-16: another takes a lost keyholder's place, and an order opens with its share; the lost one's share opens nothing", async () => {
  const { charter, url, layout, service, supervisor } = deployment;
  const day = dayOf(START);
  const said = ["The beans come on Friday.", "Bring the fork."];
  const lines = said.map((text, i) => {
    const time = unixSeconds(START + 600 * (i + 1));
    return {
      at: new Date(1000 * time).toISOString().replace(".000", ""),
      time,
      from: i === 0 ? "noor" : "tomas",
      text,
    };
  });
  const talk = await replayChat(
    {
      url,
      charter,
      tick: (at) => deployment.tick(at),
      keysOf: (period) => deployment.keysOf(period),
    },
    [{ day, lines }],
    { seed: null, sampleDay: day, progress: silent },
  );
  await deployment.tick(unixSeconds(START + 86_400 + 3600));

  // Gone, with a copy of its directory in somebody's hands.
  await supervisor.kill(LOST);
  const stolen = join(home, "stolen");
  cpSync(layout.directory(LOST), stolen, { recursive: true, filter: (path) => !path.endsWith(".sock") });

  const address = `http://127.0.0.1:${await supervisor.start(
    await layout.program(NEW, "keyholder", {
      server: url,
      log: (await layout.publicIdentity<{ log: { vkey: string } }>("server")).log.vkey,
      batches: "prompt",
      patienceSeconds: 3,
    }),
  )}`;
  const file = join(home, "succession.json");
  const memory = ["--memory", join(home, "memory"), "--url", url];
  const step = (...args: readonly string[]) => porchlight("succession", ...args, "--json");
  const drafted = answer<{ digest: string; missing: string[] }>(
    await step(
      ...["draft", "--place", "2", "--public", join(layout.directory(NEW), "public.json"), "--name", NEW],
      ...["--owner", "Foundation 6", "--payer", "Foundation 6", "--jurisdiction", "LU", "--address", address],
      ...["--ground", "The machine of keyholder-2 burnt with its building", "--out", file, ...memory],
    ),
  );
  expect(drafted.missing).toEqual(["provider", ...remaining, NEW]);
  const { digest } = drafted;
  const sign = (command: string, name: string, of = digest) =>
    step(command, file, "--digest", of, "--dir", layout.directory(name));
  expect(answer(await sign("sign", remaining[0] as string, "00".repeat(32)))).toMatchObject({
    ok: false,
    code: "succession-differs",
  });
  // Two by the command line, the others by what it calls: each start of a program costs its time.
  for (const name of ["server", "keyholder-1"]) expect((await sign("sign", name)).code).toBe(0);
  for (const name of remaining.slice(1)) {
    const whole = readSuccessionFile(new Uint8Array(readFileSync(file)));
    const request = { command: "sign-succession", succession: fromUtf8(whole.succession), digest };
    const answered = await callAdmin(layout.directory(name), request);
    const { signature } = answered as { signature: SuccessionFile["signatures"][number] };
    writeFileSync(file, formatSuccessionFile(withSignature(whole, signature)));
  }
  expect(answer(await step("log", file, ...memory))).toMatchObject({ ok: false, code: "signer-missing" });
  expect(answer(await sign("accept", NEW))).toMatchObject({ ok: true, missing: [] });
  expect(answer(await step("log", file, ...memory))).toMatchObject({ ok: true, witnessed: true });
  const shown = answer<{
    keyholders: { name: string }[];
    replacements: { lost: string; successor: string }[];
  }>(await porchlight("log", "charter", "--url", url, "--memory", join(home, "log"), "--json"));
  expect(shown.keyholders[1]).toMatchObject({ name: NEW, url: address });
  expect(shown.replacements).toMatchObject([{ lost: LOST, successor: NEW }]);

  // Every operator gives the same command, once the keyholder's own view of the log has the succession.
  const present = [...remaining, NEW];
  const tick = () => deployment.tick(unixSeconds((supervisor.at ?? START) + 1));
  for (const name of present) {
    const refresh = async () => {
      await tick();
      return await callAdmin(layout.directory(name), { command: "refresh", period: PERIOD }).then(
        () => "taking part",
        (error: { code?: string }) => error.code,
      );
    };
    await expect.poll(refresh, { timeout: 120_000, interval: 500 }).toBe("taking part");
  }
  const reshared = async () => {
    await tick();
    await service.update();
    return await service.keys(PERIOD, 2).then(
      ({ keys }) => keys.absent,
      () => null,
    );
  };
  await expect.poll(reshared, { timeout: 120_000, interval: 500 }).toEqual([]);
  const first = (await service.keys(PERIOD)).keys;
  const second = (await service.keys(PERIOD, 2)).keys;
  expect(second.access.mpk).toEqual(first.access.mpk);
  expect(second.under.keyholders[1]?.name).toBe(NEW);

  // The order, approved by two of before and by the new one.
  const agency = await Agency.create(
    join(home, "agency"),
    { name: "agency", url, charter: charter.id },
    { workFactor: WORK_FACTOR },
  );
  const account = talk.accounts.get("noor");
  if (account === undefined) throw new Error("noor said nothing");
  const target = { person: "noor", account, conversation: talk.conversation, day };
  const court = await deployment.court();
  const made = new Case(deployment, court, agency, target);
  const order = await made.submit(await made.issue(await made.request("case 1")));
  expect(service.present.keyholders[1]?.url).toBe(address);
  const states = async () =>
    (await keyholderStates(service.present, order)).map(({ answer: { state } }) => state);
  const reach = async (state: string, count: number) =>
    await expect
      .poll(async () => (await states()).filter((one) => one === state).length, {
        timeout: 90_000,
        interval: 500,
      })
      .toBeGreaterThanOrEqual(count);
  await reach("awaiting-approval", 5);
  for (const name of ["keyholder-1", "keyholder-3", NEW]) await made.approve(order, name, 60);
  await reach("released", 3);
  const collected = await agency.collect(service, order);
  if (collected.kind !== "opened") throw new Error(`${collected.have} of ${collected.need}`);
  expect(collected.opened.messages.map(({ text }) => text)).toEqual([said[0]]);
  expect(collected.opened.releases.map(({ holder }) => holder.name)).toContain(NEW);
  const report = await verifyFiles(collected.files, { charter: charter.id });
  expect(report.kind === "refused" ? report.findings : report.kind).toBe("verified");
  expect([...collected.files.keys()]).toContain("data/succession-01.json");

  // What the lost one had, with two that the others released: no key. Its generation is another's.
  const secrets = await SecretStore.open(join(stolen, "secrets"), {
    passphrase: await readPassphrase(stolen),
  });
  const place = keyholderIndex(2);
  const kept = await new Shares(secrets).read(
    { charter: charter.id, period: PERIOD, generation: 1 },
    "access",
    place,
    first.access,
  );
  const document = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant)));
  const requester = document.requester.point;
  const requesterSecrets = await agency.secretsOf(requester);
  const { secretKey } = xwingKeygen(requesterSecrets.xwing);
  const label = accessLabel({ charter: charter.id, conversation: talk.conversation, account, day });
  const { commitment, orderId } = namesOf(order);
  const partials = new Map<KeyholderIndex, Uint8Array>();
  for (const { index, url: at } of service.present.keyholders.filter(({ index: i }) => i === 1 || i === 3)) {
    const sealed = (await new KeyholderClient({ url: at }).bundle(orderId)) as Uint8Array;
    const { bundle } = openBundle(sealed, secretKey, { charter: charter.id, commitment, keyholder: index });
    partials.set(index, bundle.partials[0]?.partial as Uint8Array);
  }
  partials.set(
    place,
    partialRelease({ share: kept, mpk: first.access.mpk, label, requester, random: keyMaterial(null) }),
  );
  const combine = (master: typeof first.access) =>
    combinePartials({ master, label, requester, requesterSecret: requesterSecrets.point, partials });
  expect(combine(second.access)).toMatchObject({ kind: "short" });
  expect(combine(first.access)).toMatchObject({ kind: "short" });
}, 900_000);
