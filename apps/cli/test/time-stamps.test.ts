// Time stamps as a requester types them: `requester time-stamps`, `requester stamp`, `evidence verify`. The authority is
// OpenSSL behind HTTP, the package a finished case, sealed to the requester as it was collected.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import { makePackage, sealEvidence } from "@porchlight/evidence";
import { Agency, formatOrderFile, type OrderFile } from "@porchlight/parties";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Authority, withoutOpenssl } from "../../../packages/evidence/test/authority.ts";
import { makeCase } from "../../../packages/evidence/test/case.ts";
import { typed } from "./typed.ts";

const missing = withoutOpenssl();
if (missing !== null) console.log(`skipped: ${missing}`);

const home = mkdtempSync(join(tmpdir(), "porchlight-stamp-"));
const at = (name: string): string => join(home, name);
let charter: string;
let evidence: string;

beforeAll(async () => {
  if (missing !== null) return;
  const agency = await Agency.create(at("agency"), { name: "Public Prosecutor" }, { workFactor: 2 });
  const made = await makeCase();
  const order: OrderFile = { warrant: made.warrant, others: null, opening: made.opening, index: 2 };
  charter = made.charterId;
  const sealed = await sealEvidence((await makePackage(made)).files, agency.recipients, unixSeconds(0));
  const folder = await agency.evidenceFolder(order);
  mkdirSync(folder, { recursive: true });
  evidence = join(folder, "evidence.age");
  writeFileSync(evidence, sealed);
  writeFileSync(at("order.json"), formatOrderFile(order));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Exit status and the object of `--json`. */
async function asked(...argv: readonly string[]): Promise<readonly [number, Record<string, unknown>]> {
  const { code, out } = await typed(...argv, "--json");
  return [code, JSON.parse(out) as Record<string, unknown>];
}
const requester = (command: string) => ["requester", command, "--dir", at("agency")];
const stamp = (): string[] => [...requester("stamp"), "--order", at("order.json")];
const verify = (...more: readonly string[]): string[] => [
  ...["evidence", "verify", evidence, "--dir", at("agency"), "--charter", charter, ...more],
];

test.skipIf(missing !== null)(
  "EVI-74: an authority is named, a package is stamped once it answers, and whoever trusts it verifies the stamp",
  async () => {
    const authority = (name: string): Authority => {
      const one = new Authority(at(name), { key: "ec" });
      writeFileSync(at(`${name}.pem`), one.root);
      return one;
    };
    const [tsa] = [authority("tsa"), authority("other")];
    const closed = await tsa.serve();
    await closed.close();
    const names = (url: string, anchor: string): string[] => [
      ...[...requester("time-stamps"), "--url", url, "--anchor", at(anchor)],
    ];

    // Nobody is named, what is named is none, and who is named does not answer.
    expect(await asked(...stamp())).toMatchObject([1, { ok: false, code: "no-time-stamps" }]);
    expect(await asked(...names("ftp://tsa.example", "tsa.pem"))).toMatchObject([
      1,
      { code: "time-stamps-invalid" },
    ]);
    expect(await asked(...names(closed.url, "order.json"))).toMatchObject([
      1,
      { code: "time-stamps-invalid" },
    ]);
    expect(await asked(...names(closed.url, "nothing.pem"))).toMatchObject([2, { code: "file-unreadable" }]);
    expect(await asked(...names(closed.url, "tsa.pem"))).toEqual([0, { ok: true, url: closed.url }]);
    const before = readFileSync(evidence);
    expect(await asked(...stamp())).toEqual([
      69,
      { ok: false, timeStamp: { stamped: false, why: "the authority cannot be reached" } },
    ]);
    expect((await typed(...stamp())).out).toMatch(/^NO TIME STAMP: .*The package is whole/);
    expect(readFileSync(evidence)).toEqual(before);
    expect(await asked(...verify())).toMatchObject([0, { verified: true, timeStamp: null }]);

    const serving = await tsa.serve();
    try {
      await typed(...names(serving.url, "tsa.pem"));
      const { code, out } = await typed(...stamp());
      expect([code, out]).toEqual([0, expect.stringMatching(/^time stamp: \d{4}-.*Z by O=Test, CN=tsa\n$/)]);
      expect(await asked(...stamp())).toMatchObject([1, { code: "stamped-already" }]);
      expect(serving.asked.length).toBe(1);
    } finally {
      await serving.close();
    }
    expect(await asked(...verify())).toMatchObject([0, { timeStamp: { trusted: false } }]);
    expect(await asked(...verify("--tsa-anchor", at("tsa.pem")))).toMatchObject([
      0,
      { verified: true, timeStamp: { authority: "O=Test, CN=tsa", trusted: true } },
    ]);
    expect(await asked(...verify("--tsa-anchor", at("other.pem")))).toMatchObject([
      1,
      { verified: false, findings: [{ rule: "EVI-74", file: "timestamp.tsr" }] },
    ]);
    // As docs/operations.md says it can be checked without this program.
    await typed("evidence", "unpack", evidence, "--dir", at("agency"), "--out", at("unpacked"));
    const words = ["-data", "tagmanifest-sha256.txt", "-in", "timestamp.tsr", "-CAfile", at("tsa.pem")];
    const said = execFileSync("openssl", ["ts", "-verify", ...words], { cwd: at("unpacked"), stdio: "pipe" });
    expect(said.toString()).toContain("Verification: OK");
  },
);
