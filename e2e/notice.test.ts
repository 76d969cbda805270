// From an order to the person who is told: real keyholders release, and the command line reads with the printed code.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestDeployment, type TestOrder, until } from "../apps/keyholder/test/deployment.ts";
import { parseEntry } from "../packages/charter/src/index.ts";
import { CharterBook, memoryStorage } from "../packages/client/src/index.ts";
import { KeyholderDoors } from "../packages/client/src/keyholder-doors.ts";
import { Messenger } from "../packages/client/src/messenger/messenger.ts";
import { nodePlatform } from "../packages/client/src/messenger/node.ts";
import { hex, unixSeconds } from "../packages/encoding/src/index.ts";
import { formatNoticeCode } from "../packages/notice/src/index.ts";
import { PublicLog, serveSite } from "../packages/public-log/src/index.ts";
import { parsePolicy } from "../packages/tlog/src/index.ts";
import { nodeSuite } from "../packages/tlog/src/node-suite.ts";
import { httpLogSource } from "../packages/wire/src/index.ts";
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
});
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

/** Every keyholder has logged its share of the first order's notices. */
async function told(): Promise<boolean> {
  await deployment.tick(unixSeconds(deployment.now + 61));
  const logged = deployment.server.entries.map((bytes) => parseEntry(new Uint8Array(bytes)).type);
  return logged.filter((type) => type === "notice-share").length >= 3;
}

test("P7, NOT-21, NOT-33: who holds the printed code learns of the order from log and keyholders alone, nobody else does", async () => {
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

test("NOT-44, NOT-45: the provider stopped, the messenger reads by a copy of the log, and at the keyholders' own doors what the log never had", async () => {
  await until(told, "the notice");
  deployment.server.beforeEntry = (bytes) => {
    if (parseEntry(new Uint8Array(bytes)).type === "notice-share") throw new Error("kept back");
  };
  const held = await deployment.order({ disclosure: { kind: "notice-first" } });
  const given = async (): Promise<boolean> => {
    await deployment.tick(unixSeconds(deployment.now + 61));
    const made = deployment.names.map((name) => deployment.client(name).noticeShares(held.commitment));
    return (await Promise.all(made)).filter((shares) => shares.length > 0).length >= 2;
  };
  await until(given, "the keyholders");
  const policy = deployment.charter?.log.policy ?? "";
  const clock = { now: () => deployment.now };
  const site = await PublicLog.open({
    source: httpLogSource({ url: `${deployment.url}/log` }),
    policy: parsePolicy(policy, nodeSuite),
    directory: join(home, "mirror"),
    clock,
    suite: nodeSuite,
  });
  await site.look();
  const served = await serveSite(site, { port: 0 }, (_event, error) => {
    throw error;
  });
  await deployment.server.close();
  const mirror = `http://127.0.0.1:${served.port}`;
  const messenger = await Messenger.start(
    { ...(await nodePlatform(join(home, "device"))), clock },
    {
      url: deployment.url,
      origin: deployment.server.origin,
      policy,
      // Nobody is at the first address.
      mirrors: async () => ["http://127.0.0.1:9", mirror],
    },
  );
  const readBy = (seed: Uint8Array) =>
    messenger.perform("readNotices", { noticeCode: formatNoticeCode(seed) });
  const place = { kind: "mirror", url: mirror, provider: "away" };
  expect(await readBy(order.noticeSeed)).toMatchObject({
    notices: [{ id: order.commitment, actHash: hex(order.document.actHash) }],
    place,
  });
  expect(await readBy(held.noticeSeed)).toMatchObject({ notices: [{ id: held.commitment }], place });
  expect((await readBy(new Uint8Array(32).fill(9))).notices).toEqual([]);
  // A device leaves the log time while the provider serves it, and asks about each order once.
  const follow = async (): Promise<CharterBook> => {
    const source = httpLogSource({ url: mirror });
    const book = await CharterBook.open({
      source,
      policy,
      storage: memoryStorage(),
      clock,
      suite: nodeSuite,
    });
    await book.refresh();
    expect(book.notices.notices(held.noticeSeed)).toEqual([]);
    return book;
  };
  const [patient, cut] = [await follow(), await follow()];
  let now = deployment.now;
  const doors = new KeyholderDoors(patient, () => now);
  expect(await doors.look(true)).toBe(false);
  now = unixSeconds(now + 600);
  expect(await doors.look(true)).toBe(true);
  expect(patient.notices.notices(held.noticeSeed)).toMatchObject([{ commitment: held.commitment }]);
  now = unixSeconds(now + 86_400);
  expect(await doors.look(true)).toBe(false);
  expect(await new KeyholderDoors(cut, () => now).look(false)).toBe(true);
  expect(cut.notices.notices(held.noticeSeed)).toMatchObject([{ commitment: held.commitment }]);
  // A page of any origin may ask what anybody may ask, and nothing else.
  const keyholder = deployment.charter?.keyholders[0]?.url;
  const allowed = async (path: string): Promise<string | null> =>
    (await fetch(`${keyholder}${path}`)).headers.get("access-control-allow-origin");
  expect(await allowed(`/notices/${held.commitment}`)).toBe("*");
  expect(await allowed("/notices/no-commitment")).toBe("*");
  expect([await allowed("/"), await allowed(`/orders/${held.id}`)]).toEqual([null, null]);
  await messenger.close();
  await served.close();
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
