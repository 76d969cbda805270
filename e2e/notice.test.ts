// From an order to the person who is told: real keyholders release, and the command line reads with the printed code.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestDeployment, type TestOrder, until } from "../apps/keyholder/test/deployment.ts";
import { parseEntry } from "../packages/charter/src/index.ts";
import { unixSeconds } from "../packages/encoding/src/index.ts";
import { formatNoticeCode } from "../packages/notice/src/index.ts";
import { answer, porchlight } from "./porchlight.ts";

type Read = {
  readonly notices: readonly { readonly reference: string; readonly commitment: string }[];
  readonly clearance: { readonly overdue: number };
  readonly silentKeyholders: number;
};

let deployment: TestDeployment;
let order: TestOrder;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "porchlight-notice-"));
  deployment = new TestDeployment(join(home, "deployment"));
  await deployment.boot();
  await deployment.ceremony();
  writeFileSync(join(home, "policy"), deployment.charter?.log.policy ?? "");
  order = await deployment.order({ disclosure: { kind: "notice-first" } });
}, 120_000);
afterAll(async () => {
  await deployment.close();
  rmSync(home, { recursive: true });
});

async function read(seed: Uint8Array, ...more: readonly string[]) {
  const code = join(home, "code");
  writeFileSync(code, `${formatNoticeCode(seed).toLowerCase()}\n`);
  const url = deployment.url;
  return await porchlight(
    "notice",
    "read",
    url,
    "--policy",
    join(home, "policy"),
    "--code-file",
    code,
    "--json",
    ...more,
  );
}

test("P7, NOT-21, NOT-33: who holds the printed code learns of the order from log and keyholders alone, nobody else does", async () => {
  const told = async (): Promise<boolean> => {
    await deployment.tick(unixSeconds(deployment.now + 61));
    const logged = deployment.server.entries.map((bytes) => parseEntry(new Uint8Array(bytes)).type);
    return logged.filter((type) => type === "notice-share").length >= 3;
  };
  await until(told, "the notice");
  expect(answer<Read>(await read(order.noticeSeed)).notices).toHaveLength(1);
  const own = await read(order.noticeSeed, "--ask-keyholders");
  expect(own.code).toBe(0);
  expect(answer<Read>(own)).toMatchObject({
    notices: [{ reference: order.document.reference, commitment: order.commitment }],
    clearance: { overdue: 0 },
    silentKeyholders: 0,
  });
  const other = await read(new Uint8Array(32).fill(9), "--ask-keyholders");
  expect(answer<Read>(other)).toMatchObject({ notices: [], clearance: { overdue: 0 } });
});

test("NOT-3: a code with a wrong character is refused before anything is asked", async () => {
  const code = join(home, "wrong");
  const good = formatNoticeCode(order.noticeSeed);
  writeFileSync(code, good.endsWith("0") ? `${good.slice(0, -1)}1` : `${good.slice(0, -1)}0`);
  const { code: exit, err } = await porchlight(
    ...["notice", "read", "http://127.0.0.1:1", "--policy", join(home, "policy"), "--code-file", code],
  );
  expect(exit).toBe(2);
  expect(err).toContain("holds no notice code");
});
