import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatEntry, parseEntry, signCeremony, signDocument } from "@porchlight/charter";
import { hex, keyholderIndex, parseInstant, parsePeriod } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DkgMessage, formatDkgMessage, type SessionKind, sessionId } from "../src/dkg-message.ts";
import { surviveCrash } from "./crash.ts";
import { TestDeployment, until } from "./deployment.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-ceremony-"));
const deployment = new TestDeployment(directory);
const NAMES = ["keyholder-1", "keyholder-2", "keyholder-3"];
const [K1 = "", K2 = "", K3 = ""] = NAMES;

beforeAll(async () => {
  await deployment.boot({ unlogged: true });
});
afterAll(async () => {
  await deployment.close();
  rmSync(directory, { recursive: true });
});

function session(kind: SessionKind, period: string, generation = 1): Uint8Array {
  const charter = deployment.charter?.id as never;
  return sessionId({ charter, period: parsePeriod(period), generation }, kind);
}

function begin(names: readonly string[], period: string, generation = 1) {
  return Promise.all(names.map((name) => deployment.admin(name, "ceremony", { period, generation })));
}

/** Puts a message on the board, signed with a keyholder's own (stolen) key. */
async function post(message: DkgMessage, signedBy: string): Promise<void> {
  const { document: seed } = await deployment.keysOf(signedBy);
  const name = `Keyholder ${signedBy.at(-1)}`;
  const document = await signDocument("dkg", formatDkgMessage(message), [{ name, seed }]);
  const id = hex(message.session);
  const posts = deployment.server.board.get(id) ?? [];
  deployment.server.board.set(id, [...posts, { round: message.round, from: message.from, document }]);
}

function entries(type: string, period: string) {
  return deployment.server.entries
    .map((bytes) => parseEntry(new Uint8Array(bytes)))
    .filter((entry) => entry.type === type && (!("period" in entry) || entry.period === period));
}

describe("an honest ceremony", () => {
  test("CER-2: nothing is said on the board before the charter is in the log", async () => {
    await begin(NAMES, "2017-10");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(deployment.server.board.size).toBe(0);
    expect(await deployment.ceremonyOf(K1)).toMatchObject({ kind: "running" });
    await expect(deployment.order().then((order) => deployment.submit(K1, order))).rejects.toMatchObject({
      refusal: "unavailable",
    });
  });

  test("CER-6 to CER-13, CER-14: ends in one keys entry after eighteen equal ceremony entries, though one keyholder is killed on the way", async () => {
    deployment.crashAt(K2, "dkg-round-2-journalled", 2);
    deployment.logCharter();
    await deployment.restartAfterCrash(K2);
    deployment.follow();
    await Promise.all(NAMES.map((name) => deployment.ceremonyEnd(name)));
    for (const name of NAMES) expect(await deployment.ceremonyOf(name)).toMatchObject({ kind: "ready" });
    expect(entries("keys", "2017-10").length).toBe(1);
    const ceremony = entries("ceremony", "2017-10");
    expect(ceremony.length).toBe(18);
    const hashes = new Set(
      ceremony.map((entry) => entry.type === "ceremony" && `${entry.kind} ${entry.round} ${entry.hash}`),
    );
    expect(hashes.size).toBe(6);
  });

  test("CER-12: nothing of the making is kept but the shares", async () => {
    for (const name of NAMES) {
      const kept = await (await deployment.secrets(name)).names();
      expect(kept.filter((secret) => secret.startsWith("dkg."))).toEqual([]);
      expect(kept.filter((secret) => secret.startsWith("share.")).length).toBe(2);
    }
  });

  test("CER-2: a period outside the charter, and one that has keys, is refused", async () => {
    await expect(begin([K1], "2018-04")).rejects.toMatchObject({ code: "period-outside-charter" });
    await expect(begin([K1], "2017-10", 2)).rejects.toMatchObject({ code: "period-has-keys" });
    expect(await begin([K1], "2017-10")).toMatchObject([{ kind: "ready" }]);
  });

  test("KEY-28: killed between approval and intent, and between release and serving, an order still ends in one release", async () => {
    await surviveCrash(deployment, "order-approved");
    await surviveCrash(deployment, "order-sealed");
  });
});

describe("a ceremony that must not succeed", () => {
  test("equivocation: two different messages of one keyholder end it at everyone's, who name it", async () => {
    const bogus = {
      session: session("access", "2017-12"),
      round: 1,
      from: keyholderIndex(3),
      body: new Uint8Array(32),
    } as const;
    await post(bogus, K3);
    await begin(NAMES, "2017-12");
    for (const name of NAMES) {
      expect(await deployment.ceremonyEnd(name, "2017-12")).toMatchObject({
        kind: "aborted",
        reason: "equivocation",
        blame: [3],
      });
      const kept = await (await deployment.secrets(name)).names();
      expect(kept.filter((secret) => secret.includes("2017-12") || secret.startsWith("dkg."))).toEqual([]);
    }
    // Of October: none was added.
    expect(entries("keys", "2017-12").length).toBe(1);
  });

  test("CER-4: after an abort the same period is tried again under the next number; CER-9: junk on the board blames nobody", async () => {
    const access = session("access", "2017-12", 2);
    // Another session's message, one under another's name, and one that is no message.
    await post(
      {
        session: session("notice", "2017-12", 2),
        round: 1,
        from: keyholderIndex(2),
        body: new Uint8Array(32),
      },
      K2,
    );
    const stray = deployment.server.board.get(hex(session("notice", "2017-12", 2))) ?? [];
    deployment.server.board.delete(hex(session("notice", "2017-12", 2)));
    deployment.server.board.set(hex(access), [...stray]);
    await post({ session: access, round: 1, from: keyholderIndex(2), body: new Uint8Array(32) }, K3);
    deployment.server.board.get(hex(access))?.push({
      round: 1,
      from: 1,
      document: { payload: "AA", signatures: [{ protected: "AA", signature: "AA" }] },
    });
    await begin(NAMES, "2017-12", 2);
    await until(
      async () =>
        (await Promise.all(NAMES.map((name) => deployment.generations(name)))).every(
          (held) => held["2017-12"] === 2,
        ),
      "keys of the second try",
    );
  });

  test("CER-11: a keyholder that logs that it saw something else ends the ceremony before any signature", async () => {
    const { document: seed } = await deployment.keysOf(K3);
    const charter = deployment.charter?.id as never;
    const hash = "00".repeat(32);
    const entry = signCeremony(
      {
        type: "ceremony",
        charter,
        period: parsePeriod("2018-01"),
        generation: 1,
        kind: "notice",
        round: 2,
        keyholder: keyholderIndex(3),
        hash,
      },
      seed,
    );
    deployment.server.append(formatEntry(entry));
    await begin(NAMES, "2018-01");
    for (const name of NAMES) {
      expect(await deployment.ceremonyEnd(name, "2018-01")).toMatchObject({
        kind: "aborted",
        reason: "log-differs",
        blame: [3],
      });
    }
    expect(deployment.server.board.get(hex(session("keys", "2018-01")))).toBeUndefined();
  });

  test("CER-10: who is not heard of is named when the operators stop waiting", async () => {
    const silenced = hex(session("access", "2018-02"));
    deployment.server.shows = (post, id) => !(id === silenced && post.from === 3);
    await begin(NAMES, "2018-02");
    await until(() => (deployment.server.board.get(silenced)?.length ?? 0) >= 3, "everyone's first message");
    await expect(deployment.admin(K1, "give-up-ceremony", { period: "2018-03" })).rejects.toMatchObject({
      code: "ceremony-unknown",
    });
    await deployment.admin(K1, "give-up-ceremony", { period: "2018-02" });
    expect(await deployment.ceremonyEnd(K1, "2018-02")).toMatchObject({
      kind: "aborted",
      reason: "missing",
      blame: [3],
    });
    await expect(deployment.admin(K1, "give-up-ceremony", { period: "2017-10" })).rejects.toMatchObject({
      code: "ceremony-over",
    });
    deployment.server.shows = () => true;
  });
});

describe("with time", () => {
  test("CER-3: the next period's keys are made in the last week before it, unasked", async () => {
    expect(await deployment.ceremonyOf(K1, "2017-11")).toBeUndefined();
    await deployment.tick(parseInstant("2017-10-24T23:59:59Z"));
    await until(() => deployment.dayOfBatches() === "2017-10-24", "the day's batches");
    expect(await deployment.ceremonyOf(K1, "2017-11")).toBeUndefined();
    await deployment.tick(parseInstant("2017-10-25T00:00:00Z"));
    for (const name of NAMES)
      expect(await deployment.ceremonyEnd(name, "2017-11")).toMatchObject({ kind: "ready" });
  });

  test("KEY-6: access shares are erased when nothing may open any more, and not a day earlier", async () => {
    await deployment.tick(parseInstant("2017-12-30T12:00:00Z"));
    await until(() => deployment.dayOfBatches() === "2017-12-30", "the day's batches");
    expect(await deployment.generations(K1)).toMatchObject({ "2017-10": 1, "2017-11": 1 });
    await deployment.tick(parseInstant("2017-12-31T00:00:00Z"));
    await until(async () => (await deployment.generations(K1))["2017-10"] === undefined, "the erasure");
    expect(await deployment.generations(K1)).toMatchObject({ "2017-11": 1 });
  });
});
