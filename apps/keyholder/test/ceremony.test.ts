import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CeremonyEntry, formatEntry, parseEntry, signCeremony } from "@porchlight/charter";
import {
  base64,
  keyholderIndex,
  type Period,
  parseDay,
  parseInstant,
  parsePeriod,
  unixSeconds,
} from "@porchlight/encoding";
import { xwingKeygen } from "@porchlight/quorum";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { surviveCrash } from "./crash.ts";
import { START, TestDeployment, until } from "./deployment.ts";

// Two of four: one keyholder may be missing, in the log's policy and in a period's keys.
const directory = mkdtempSync(join(tmpdir(), "keyholder-ceremony-"));
const deployment = new TestDeployment(directory, 4);
const { names } = deployment;
const [K1 = "", K2 = "", , K4 = ""] = names;
const others = names.slice(0, 3);

beforeAll(async () => {
  await deployment.boot({
    unlogged: true,
    config: () => ({ roundSeconds: 3600 }),
    more: { validUntil: parseDay("2018-05-31") },
  });
});
afterAll(async () => {
  await deployment.close();
  rmSync(directory, { recursive: true });
});

function begin(who: readonly string[], period: string, generation = 1) {
  return Promise.all(who.map((name) => deployment.admin(name, "ceremony", { period, generation })));
}

function entries(type: string, period?: string) {
  return deployment.server.entries
    .map((bytes) => parseEntry(new Uint8Array(bytes)))
    .filter(
      (entry) =>
        entry.type === type && (period === undefined || !("period" in entry) || entry.period === period),
    );
}

function said(period: string, keyholder: number, round: number): CeremonyEntry[] {
  return entries("ceremony", period).filter(
    (entry): entry is CeremonyEntry =>
      entry.type === "ceremony" &&
      entry.keyholder === keyholder &&
      entry.round === round &&
      entry.body !== "",
  );
}

async function namedAt(name: string, period: string, generation = 1): Promise<string[]> {
  const end = await deployment.ceremonyEnd(name, period, generation);
  return (end.named ?? []).map(({ keyholder, fault }) => `${keyholder} ${fault}`);
}

/** Signs with a keyholder's stolen key. */
async function stolen(
  name: string,
  entry: { readonly period: Period; readonly round: number; readonly body: Uint8Array },
): Promise<Uint8Array> {
  const { document: seed } = await deployment.keysOf(name);
  const charter = deployment.charter?.id as never;
  const keyholder = keyholderIndex(Number(name.at(-1)));
  const { period, round, body } = entry;
  const unsigned = { type: "ceremony", charter, period, generation: 1, from: 0, round, keyholder } as const;
  return formatEntry(signCeremony({ ...unsigned, body: base64(body) }, seed));
}

describe("an honest ceremony", () => {
  test("CER-2: nothing is said before the charter is in the log", async () => {
    await begin(names, "2017-10");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(deployment.server.size).toBe(0);
    expect(await deployment.ceremonyOf(K1)).toMatchObject({ kind: "running" });
    await expect(deployment.order().then((order) => deployment.submit(K1, order))).rejects.toMatchObject({
      refusal: "unavailable",
    });
  });

  test("CER-7 to CER-14: ends in one keys entry after three messages of each, though one keyholder is killed on the way", async () => {
    deployment.crashAt(K2, "ceremony-2-posted");
    deployment.logCharter();
    await deployment.restartAfterCrash(K2);
    deployment.follow();
    for (const name of names) {
      expect(await deployment.ceremonyEnd(name)).toMatchObject({ kind: "ready", absent: [], named: [] });
    }
    expect(entries("keys").length).toBe(1);
    expect(entries("ceremony").length).toBe(12);
  });

  test("CER-15: nothing of the making is kept but the shares", async () => {
    for (const name of names) {
      const kept = await (await deployment.secrets(name)).names();
      expect(kept.filter((secret) => secret.startsWith("dkg."))).toEqual([]);
      expect(kept.filter((secret) => secret.startsWith("share.")).length).toBe(2);
    }
  });

  test("CER-2: a period outside the charter, and one that has keys, is refused", async () => {
    await expect(begin([K1], "2018-06")).rejects.toMatchObject({ code: "period-outside-charter" });
    await expect(begin([K1], "2017-10", 2)).rejects.toMatchObject({ code: "period-has-keys" });
    await expect(deployment.admin(K1, "refresh", { period: "2017-11" })).rejects.toMatchObject({
      code: "keys-unavailable",
    });
    expect(await begin([K1], "2017-10")).toMatchObject([{ kind: "ready" }]);
  });

  test("KEY-28: killed between approval and intent, and between release and serving, an order still ends in one release", async () => {
    await surviveCrash(deployment, "order-approved");
    await surviveCrash(deployment, "order-sealed");
  });
});

describe("traitors", () => {
  test("CER-9, CER-16: a keyholder that is down is waited for, seen by all, and named when its time by the witnesses is over", async () => {
    await deployment.supervisor.stop(K4);
    deployment.follow();
    await begin(others, "2017-12");
    for (const name of [K1, K2]) {
      await until(
        async () => (await deployment.ceremonyOf(name, "2017-12"))?.missing?.join() === "4",
        "all others to join",
      );
      expect(await deployment.ceremonyOf(name, "2017-12")).toMatchObject({ phase: "joining" });
    }
    await deployment.tick(unixSeconds(START + 3599));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await deployment.ceremonyOf(K1, "2017-12")).toMatchObject({ phase: "joining" });
    await deployment.tick(unixSeconds(START + 2 * 3600));
    for (const name of others) {
      expect(await namedAt(name, "2017-12")).toEqual(["4 absent"]);
      expect(await deployment.ceremonyOf(name, "2017-12")).toMatchObject({ kind: "ready", absent: [4] });
    }
  });

  test("CER-20, KEY-9: a refresh gives the one that was absent its share; the old shares are erased and the log says so", async () => {
    await deployment.start(K4);
    deployment.follow();
    await until(async () => {
      const status = (await deployment.admin(K4, "status")) as {
        charters: { periods: { period: string }[] }[];
      };
      return status.charters[0]?.periods.some(({ period }) => period === "2017-12") === true;
    }, "the keys to be seen by the one that was down");
    expect((await deployment.generations(K4))["2017-12"]).toBeUndefined();
    await deployment.admin(K1, "refresh", { period: "2017-12" });
    // Whoever waits for nothing looks at the log when the clock beats.
    await until(async () => {
      await deployment.tick(unixSeconds(deployment.now + 1));
      return (await deployment.ceremonyOf(K2, "2017-12", 2))?.kind === "not-begun";
    }, "the others to see that one has begun");
    await Promise.all(names.slice(1).map((name) => deployment.admin(name, "refresh", { period: "2017-12" })));
    for (const name of names) {
      expect(await deployment.ceremonyEnd(name, "2017-12", 2)).toMatchObject({ kind: "ready", absent: [] });
      await until(async () => (await deployment.generations(name))["2017-12"] === 2, "the old share to go");
    }
    await until(() => entries("erasure", "2017-12").length === 6, "the erasures in the log");
    expect(entries("erasure", "2017-12")).toEqual(
      expect.arrayContaining([expect.objectContaining({ generation: 1, kind: "access", keyholder: 3 })]),
    );
    const keys = entries("keys").length;
    expect(keys).toBe(3);
  });

  test("CER-17: a log that does not take a keyholder's message can stop the ceremony, not have it excluded", async () => {
    let refused = 0;
    deployment.server.beforeEntry = (bytes) => {
      const entry = parseEntry(new Uint8Array(bytes));
      if (entry.type !== "ceremony" || entry.keyholder !== 4 || entry.round !== 2) return;
      refused++;
      throw new Error("lost");
    };
    await begin(names, "2018-01");
    await until(
      async () => (await deployment.ceremonyOf(K1, "2018-01"))?.missing?.join() === "4",
      "the other deals",
    );
    // Its own tries, and those of the three that it told.
    await until(() => refused >= 4, "the message to be handed on");
    for (const name of others) {
      await until(async () => {
        const answer = await deployment
          .admin(name, "close-round", { period: "2018-01" })
          .catch((error: unknown) => error);
        return (answer as { code?: string }).code === "message-held";
      }, "the message to be held");
    }
    deployment.server.beforeEntry = () => {};
    for (const name of names) expect(await namedAt(name, "2018-01")).toEqual([]);
    await expect(deployment.admin(K1, "close-round", { period: "2018-01" })).rejects.toMatchObject({
      code: "ceremony-over",
    });
  });

  test("CER-9: operators close rounds themselves; who is killed after it joined is named, comes back, and has its share", async () => {
    deployment.crashAt(K4, "ceremony-2-unposted");
    await begin(names, "2018-02");
    await until(() => deployment.exits.some(({ name }) => name === K4), "the crash");
    deployment.follow();
    await expect(deployment.admin(K1, "close-round", { period: "2018-04" })).rejects.toMatchObject({
      code: "ceremony-unknown",
    });
    for (const phase of ["dealing", "checking"]) {
      for (const name of [K1, K2]) {
        await until(async () => {
          const facts = await deployment.ceremonyOf(name, "2018-02");
          return facts?.phase === phase && facts.missing?.join() === "4";
        }, phase);
      }
      for (const name of [K1, K2]) await deployment.admin(name, "close-round", { period: "2018-02" });
    }
    for (const name of others) expect(await namedAt(name, "2018-02")).toEqual(["4 silent", "4 absent"]);
    await deployment.restartAfterCrash(K4);
    deployment.follow();
    expect(await deployment.ceremonyEnd(K4, "2018-02")).toMatchObject({ kind: "ready", absent: [4] });
    expect((await deployment.generations(K4))["2018-02"]).toBe(1);
  });

  test("CER-9: two different messages under one keyholder's name exclude it; the one whose key was stolen does not sign", async () => {
    const period = parsePeriod("2018-03");
    for (const byte of [1, 2]) {
      const body = Buffer.concat([xwingKeygen(new Uint8Array(32).fill(byte)).publicKey, new Uint8Array(32)]);
      deployment.server.append(await stolen(K4, { period, round: 1, body }));
    }
    // Junk: another's name under this signature.
    const forged = parseEntry(
      await stolen(K4, { period, round: 1, body: new Uint8Array(9) }),
    ) as CeremonyEntry;
    deployment.server.append(formatEntry({ ...forged, keyholder: keyholderIndex(1) }));
    await begin(names, "2018-03");
    await until(async () => (await deployment.ceremonyOf(K1, "2018-03"))?.phase === "checking", "the others");
    await until(
      async () => (await deployment.ceremonyOf(K1, "2018-03"))?.missing?.join() === "4",
      "the others",
    );
    for (const name of [K1, K2]) await deployment.admin(name, "close-round", { period: "2018-03" });
    for (const name of names) {
      expect(await namedAt(name, "2018-03")).toEqual(["4 equivocation", "4 absent"]);
    }
    // Its own join came third, if it came: the first is what everybody sealed to.
    expect(said("2018-03", 4, 1).length).toBeGreaterThanOrEqual(2);
    expect((await deployment.generations(K4))["2018-03"]).toBeUndefined();
  });

  test("CER-4: with too few that take part it is aborted, nothing is kept, and the next number is tried", async () => {
    for (const name of [K1, K2]) await deployment.admin(name, "ceremony", { period: "2018-05" });
    await until(
      async () => (await deployment.ceremonyOf(K1, "2018-05"))?.missing?.join() === "3,4",
      "two to join",
    );
    for (const name of [K1, K2]) await deployment.admin(name, "close-round", { period: "2018-05" });
    // They sign what they have, and there are not enough of them.
    expect(await deployment.ceremonyEnd(K1, "2018-05")).toMatchObject({
      kind: "aborted",
      reason: "too-few-signers",
    });
    expect(await namedAt(K2, "2018-05")).toEqual(["3 absent", "4 absent"]);
    await begin(names, "2018-05", 2);
    for (const name of names) {
      expect(await deployment.ceremonyEnd(name, "2018-05", 2)).toMatchObject({ kind: "ready", named: [] });
    }
  });
});

describe("with time", () => {
  test("CER-3: the next period's keys are made in the last week before it, unasked", async () => {
    expect(await deployment.ceremonyOf(K1, "2017-11")).toBeUndefined();
    await deployment.tick(parseInstant("2017-10-24T23:59:59Z"));
    await until(() => deployment.dayOfBatches() === "2017-10-24", "the day's batches");
    expect(await deployment.ceremonyOf(K1, "2017-11")).toBeUndefined();
    await deployment.tick(parseInstant("2017-10-25T00:00:00Z"));
    for (const name of names)
      expect(await deployment.ceremonyEnd(name, "2017-11")).toMatchObject({ kind: "ready" });
  });

  test("KEY-6: shares are erased and logged when nothing may open any more, and not a day earlier", async () => {
    await deployment.tick(parseInstant("2017-12-30T12:00:00Z"));
    await until(() => deployment.dayOfBatches() === "2017-12-30", "the day's batches");
    expect(await deployment.generations(K1)).toMatchObject({ "2017-10": 1, "2017-11": 1 });
    expect(entries("erasure", "2017-10")).toEqual([]);
    await deployment.tick(parseInstant("2017-12-31T00:00:00Z"));
    await until(() => entries("erasure", "2017-10").length === 4, "the erasures in the log");
    expect(await deployment.generations(K1)).toMatchObject({ "2017-11": 1 });
    expect((await deployment.generations(K1))["2017-10"]).toBeUndefined();
    expect(
      entries("erasure", "2017-10").every((entry) => entry.type === "erasure" && entry.kind === "access"),
    ).toBe(true);
  });
});
