// A copy for the defence as a requester types it, and as the defence verifies it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixSeconds } from "@porchlight/encoding";
import { makePackage, sealEvidence } from "@porchlight/evidence";
import { Agency, formatOrderFile, type OrderFile } from "@porchlight/parties";
import { afterAll, expect, test } from "vitest";
import { makeCase } from "../../../packages/evidence/test/case.ts";
import { typed } from "./typed.ts";

const home = mkdtempSync(join(tmpdir(), "porchlight-copy-"));
const at = (name: string): string => join(home, name);
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function asked(...argv: readonly string[]): Promise<readonly [number, Record<string, unknown>]> {
  const { code, out } = await typed(...argv, "--json");
  return [code, JSON.parse(out) as Record<string, unknown>];
}

test("EVI-44, EVI-45: requester copy-for-defence seals what verifies to whom it names, and only they open it", async () => {
  const agency = await Agency.create(at("agency"), { name: "Public Prosecutor" }, { workFactor: 2 });
  const made = await makeCase({ warrant: { privileged: true } });
  const order: OrderFile = { warrant: made.warrant, others: null, opening: made.opening, index: 2 };
  const { files } = await makePackage(made);
  writeFileSync(at("order.json"), formatOrderFile(order));
  const defence = await Agency.create(at("defence"), { name: "Counsel" }, { workFactor: 2 });
  const copy = (...more: readonly string[]): string[] => [
    ...["requester", "copy-for-defence", "--dir", at("agency"), "--order", at("order.json")],
    ...["--to", "counsel", ...more],
  ];
  const recipient = ["--recipient", ...defence.recipients];

  expect(await asked(...copy(...recipient))).toMatchObject([1, { code: "not-collected" }]);
  const folder = await agency.evidenceFolder(order);
  mkdirSync(folder, { recursive: true });
  const seal = async (name: string, of: typeof files): Promise<void> =>
    writeFileSync(join(folder, name), await sealEvidence(of, agency.recipients, unixSeconds(0)));
  await seal("evidence-1.age", files);
  await seal("evidence-2.age", new Map([...files, ["data/messages.jsonl", new Uint8Array()]]));

  // The newest does not verify; the order touches privileged communication; a name is no part in the case.
  expect(await asked(...copy(...recipient))).toMatchObject([1, { code: "evidence-refused" }]);
  const first = [...recipient, "--package", "1"];
  expect(await asked(...copy(...first))).toMatchObject([1, { code: "privilege-open" }]);
  const cleared = "--privilege-cleared";
  expect((await typed(...copy(...first, cleared, "--to", "Mr Jones"))).code).toBe(2);
  const noKey = copy("--recipient", "age1x", "--package", "1", cleared);
  expect(await asked(...noKey)).toMatchObject([2, { code: "recipient" }]);
  const [code, said] = await asked(...copy(...first, cleared));
  expect([code, said["copy"], said["package"]]).toEqual([0, 1, 1]);
  const verify = (...keys: readonly string[]) => asked("evidence", "verify", String(said["path"]), ...keys);
  expect(await verify("--dir", at("defence"), "--charter", made.charterId)).toMatchObject([
    0,
    { verified: true, trusted: true, digest: said["digest"] },
  ]);
  expect((await verify("--dir", at("agency")))[0]).not.toBe(0);
});
