// How an order stands, as a court types it: what keyholders answered, and what is written down of those that did not.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dayNumber } from "@porchlight/encoding";
import { Agency, Court, formatOrderFile, namesOf, Service } from "@porchlight/parties";
import { afterAll, expect, test, vi } from "vitest";
import { CONVERSATION, DAY, SERVICE_URL, World } from "../../../packages/parties/test/world.ts";
import { onDay, seedOf } from "../../../vectors/fixture/deployment.ts";
import { typed } from "./typed.ts";

const home = mkdtempSync(join(tmpdir(), "porchlight-status-"));
const at = (name: string): string => join(home, name);
afterAll(() => {
  vi.unstubAllGlobals();
  rmSync(home, { recursive: true, force: true });
});

test("BUN-8: which keyholders did not answer is written down, with what the log shows, and nothing of those that did", async () => {
  const about = { name: "court", title: "District Court", url: SERVICE_URL };
  const court = await Court.create(at("court"), about, { workFactor: 2 });
  const { name, title, publicKey } = court;
  const world = await World.open([{ name, title, key: publicKey }]);
  vi.stubGlobal("fetch", async (...asked: Parameters<typeof fetch>) => await world.fetch(...asked));
  const service = await Service.open({ url: SERVICE_URL, directory: at("log") });
  const agency = await Agency.create(at("agency"), { name: "prosecutor" }, { workFactor: 2 });
  const { charter } = world;
  const { request } = await agency.request(charter.id, { reference: "4 Gs 1/26", actHash: seedOf("act") });
  const order = await court.submit(
    service,
    await court.issue(charter, {
      request,
      statement: await world.statement(),
      accounts: [world.account],
      conversations: [CONVERSATION],
      firstDay: DAY,
      lastDay: DAY,
      legalBasis: charter.legalBases[0] as string,
      offenceCategory: charter.offenceCategories[0] as string,
      necessity: "Needed.",
      proportionality: "One day.",
      disclosure: { kind: "secret", until: dayNumber(DAY + 30), ground: "It would be destroyed." },
      issued: service.now(),
      expires: onDay(dayNumber(DAY + 20), 0),
    }),
  );
  await service.covers(order.index + 1, 5);
  await court.handIn(service, order);
  writeFileSync(at("order.json"), formatOrderFile(order));
  const status = async () => {
    const line = ["issuer", "status", "--dir", at("court"), "--order", at("order.json")];
    const { code, out } = await typed(...line, "--silence", at("silence.json"));
    return [code, out] as const;
  };
  expect(await status()).toEqual([0, expect.stringContaining("every keyholder answered")]);
  world.silent.add(2).add(5);
  const suspended = await court.sayOf(service, order, {
    kind: "suspension",
    ground: "A complaint.",
    at: service.now(),
  });
  await court.direct(service, order, "suspension", suspended);
  const extended = await court.sayOf(service, order, {
    kind: "extension",
    ground: "It would still be destroyed.",
    at: service.now(),
    until: dayNumber(DAY + 60),
  });
  await court.direct(service, order, "extension", extended);
  expect(await status()).toEqual([0, expect.stringContaining("2 keyholders did not answer")]);
  const records = JSON.parse(readFileSync(at("silence.json"), "utf8")) as Record<string, unknown>[];
  expect(records.map(({ keyholder }) => (keyholder as { index: number }).index)).toEqual([2, 5]);
  for (const record of records) {
    expect(record).toMatchObject({
      kind: "no-answer",
      order: { commitment: namesOf(order).commitment, index: order.index, reference: "4 Gs 1/26" },
      later: [{ type: "suspension" }, { type: "extension" }],
    });
    expect(record["words"]).toMatch(
      /these were decided about it later: suspension \(entry \d+\), extension \(entry \d+\)/,
    );
  }
});
