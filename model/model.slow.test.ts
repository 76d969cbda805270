import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** What each property rests on: taken away, it fails. */
const PROPERTIES: readonly {
  readonly name: string;
  readonly claim: string;
  readonly flags?: readonly string[];
  readonly fair?: boolean;
  readonly rules: readonly string[];
}[] = [
  { name: "P1: fewer than t keyholders open nothing", claim: "p1", rules: ["DISTINCT", "GENERATION"] },
  {
    name: "P1: t keyholders without the provider open nothing",
    claim: "p1_provider",
    flags: ["-DCORRUPT=2", "-DPROVIDER=0"],
    rules: ["OUTER"],
  },
  {
    name: "P2: a release is for its label, order and requester",
    claim: "p2",
    rules: ["SCOPE", "REQUESTER"],
  },
  {
    name: "P3: nothing is released before order and intent are in the witnessed log",
    claim: "p3",
    flags: ["-DFORKS=1"],
    rules: ["LOGGED", "INTENT", "WITNESSES"],
  },
  {
    name: "P3: keyholders act on one log though both witnesses lie",
    claim: "p3_one_log",
    flags: ["-DFORKS=1", "-DWITHOUT_WITNESSES"],
    rules: ["KEYHOLDERS", "CONSISTENCY"],
  },
  { name: "P3: what was revoked before is not released", claim: "p3_revoked", rules: ["REVOCATION"] },
  {
    name: "P7: whoever was opened is told in the end",
    claim: "p7",
    fair: true,
    rules: ["NOTICE", "RELEASE", "LONGEST"],
  },
  { name: "P7: and not before the court's date", claim: "p7_secrecy", rules: ["DATE", "IN_TIME"] },
];

const MODEL = join(import.meta.dirname, "porchlight.pml");
const MISSING = ["spin", "gcc"].filter((tool) => spawnSync("which", [tool]).status !== 0);
if (MISSING.length > 0) console.warn(`skipped: the model needs ${MISSING.join(" and ")} (Debian: spin, gcc)`);

for (const { name, claim, flags = [], fair = false, rules } of PROPERTIES) {
  test.skipIf(MISSING.length > 0)(
    name,
    () => {
      const whole = check(claim, flags, fair);
      console.log(`${claim}: ${whole.states} states`);
      expect(whole.errors).toBe(0);
      for (const rule of rules) {
        expect(check(claim, [...flags, `-DWITHOUT_${rule}`], fair).errors, `without ${rule}`).toBe(1);
      }
    },
    900_000,
  );
}

/** Every state of the model, or those up to the first that violates the claim. */
function check(
  claim: string,
  flags: readonly string[],
  fair: boolean,
): { readonly errors: number; readonly states: number } {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-model-"));
  try {
    copyFileSync(MODEL, join(directory, "porchlight.pml"));
    run(directory, "spin", ["-a", ...flags, "porchlight.pml"]);
    run(directory, "gcc", ["-O2", "-DCOLLAPSE", "-DNFAIR=4", "-o", "pan", "pan.c"]);
    const output = run(directory, "./pan", ["-a", "-m1000000", ...(fair ? ["-f"] : []), "-N", claim]);
    const errors = /errors: (\d+)/.exec(output)?.[1];
    const states = /(\d+) states, stored/.exec(output)?.[1];
    // A search that was cut short without finding anything shows nothing.
    if (errors === "0") expect(output).not.toMatch(/depth too small|not completed|out of memory/);
    return { errors: Number(errors ?? Number.NaN), states: Number(states ?? Number.NaN) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function run(directory: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}
