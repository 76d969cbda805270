// A keyholder's machine is gone for good. A new one takes its place by everyone's signature, and everybody can see it. Real
// processes; operators by the command line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dayNumber, dayOf, fromUtf8, parseInstant } from "@porchlight/encoding";
import {
  formatSuccessionFile,
  readSuccessionFile,
  type SuccessionFile,
  withSignature,
} from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Deployment } from "../packages/deployment/src/deployment.ts";
import { KEYHOLDER_NAMES } from "../packages/deployment/src/layout.ts";
import { silent } from "../packages/deployment/src/progress.ts";
import { answer, porchlight } from "./porchlight.ts";

const START = parseInstant("2017-10-03T08:00:00Z");
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

test("CHA-21, CHA-22, KEY-14: another takes a lost keyholder's place, by everyone's signature and no sooner, and everybody can see it", async () => {
  const { url, layout, supervisor } = deployment;
  await supervisor.kill(LOST);
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
}, 900_000);
