// What whoever takes the keyholders' disks, with their passphrases and the public log, can open: a month's messages before
// its shares are erased, nothing of it afterwards.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEntry, verifyKeys } from "@porchlight/charter";
import { SecretStore } from "@porchlight/durable";
import {
  base64,
  fromBase64,
  fromHex,
  fromUtf8,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parseInstant,
} from "@porchlight/encoding";
import {
  combinePartials,
  dkgStart,
  type KeyShare,
  type MasterKey,
  partialRelease,
  requesterPoint,
  verifyLabelKey,
  xwingKeygen,
} from "@porchlight/quorum";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomFrom, seedOf } from "../../../vectors/fixture/deployment.ts";
import { type Course, courseStart, courseStep } from "../src/ceremony-course.ts";
import { startOf } from "./course-log.ts";
import { TestDeployment, until } from "./deployment.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-erasure-"));
const deployment = new TestDeployment(directory);
const { names } = deployment;
const PERIOD = "2017-10" as Period;
const KINDS = ["access", "notice"] as const;

beforeAll(async () => {
  await deployment.boot();
});
afterAll(async () => {
  await deployment.close();
  rmSync(directory, { recursive: true });
});

/** Copies the disks of all keyholders. */
function image(name: string, of: readonly string[] = names): string {
  const copy = join(directory, `image-${name}`);
  for (const keyholder of of) cpSync(deployment.home(keyholder), join(copy, keyholder), { recursive: true });
  return copy;
}

function ceremonyEntries() {
  return deployment.server.entries
    .map((bytes) => parseEntry(new Uint8Array(bytes)))
    .filter((entry) => entry.type === "ceremony")
    .filter(({ period }) => period === PERIOD);
}

/** Everything sealed in an image, opened with the passphrase. */
async function secretsIn(copy: string, keyholder: string): Promise<Map<string, Uint8Array>> {
  const store = await SecretStore.open(join(copy, keyholder, "secrets"), {
    passphrase: "a test's passphrase",
  });
  const found = new Map<string, Uint8Array>();
  for (const name of await store.names()) found.set(name, (await store.read(name)) as Uint8Array);
  return found;
}

/** Every 32 bytes that any of the secrets could mean. */
function keysIn(secrets: ReadonlyMap<string, Uint8Array>): Uint8Array[] {
  return [...secrets.values()].flatMap((bytes) => {
    if (bytes.length === 32) return [bytes];
    return (fromUtf8(bytes).match(/[0-9a-f]{64}/g) ?? []).map((text) => fromHex(text));
  });
}

/** A keyholder's shares of the period from what its disk and the log give: as files, or by running the ceremony again from any key on it. */
async function sharesFrom(
  copy: string,
  keyholder: string,
  way: "files" | "seeds",
): Promise<KeyShare[] | null> {
  const self = keyholderIndex(Number(keyholder.at(-1)));
  const secrets = await secretsIn(copy, keyholder);
  if (way === "files") {
    const found = KINDS.map((kind) =>
      [...secrets].find(([name]) => name.includes(`.${PERIOD}.`) && name.endsWith(`.${kind}`)),
    );
    return found.map((one) => {
      const secret =
        one === undefined
          ? new Uint8Array()
          : fromHex((JSON.parse(fromUtf8(one[1])) as { secret: string }).secret);
      return { keyholder: self, secret };
    });
  }
  const charter = deployment.charter as NonNullable<typeof deployment.charter>;
  const { terms, course: watcher } = startOf(charter, PERIOD);
  if (watcher.kind !== "exchanging" || !("session" in watcher.dkg))
    throw new Error("a ceremony begins by joining");
  for (const seed of keysIn(secrets)) {
    let course: Course = courseStart(dkgStart(watcher.dkg.session, { self, seed, shares: null }));
    for (const entry of ceremonyEntries()) {
      course = courseStep(
        course,
        { round: entry.round, from: entry.keyholder, body: fromBase64(entry.body) },
        terms,
      );
    }
    if (course.kind === "signed" && course.outcome.shares !== null) return [...course.outcome.shares];
  }
  return null;
}

/** Which of the period's two keys t of these disks open a label of. */
async function opened(copy: string, of: readonly string[] = names): Promise<string[]> {
  const logged = deployment.server.entries.map((bytes) => parseEntry(new Uint8Array(bytes)));
  const entry = logged.find((one) => one.type === "keys");
  if (entry?.type !== "keys") throw new Error("the log has keys");
  const keys = await verifyKeys(entry.document, deployment.charter as NonNullable<typeof deployment.charter>);
  const found = new Set<string>();
  for (const way of ["files", "seeds"] as const) {
    const shares = new Map<KeyholderIndex, KeyShare[]>();
    for (const keyholder of of) {
      const own = await sharesFrom(copy, keyholder, way);
      if (own !== null) shares.set(keyholderIndex(Number(keyholder.at(-1))), own);
    }
    for (const [i, kind] of KINDS.entries()) {
      if (
        opens(
          keys[kind],
          [...shares.values()].map((own) => own[i] as KeyShare),
        )
      )
        found.add(kind);
    }
  }
  return [...found].sort();
}

function opens(master: MasterKey, shares: readonly KeyShare[]): boolean {
  const random = randomFrom("a thief");
  const label = random(121);
  const requester = requesterPoint(random, seedOf("no warrant"));
  const partials = new Map<KeyholderIndex, Uint8Array>();
  for (const share of shares.filter(({ secret }) => secret.length === 32)) {
    partials.set(
      share.keyholder,
      partialRelease({ share, mpk: master.mpk, label, requester: requester.point, random }),
    );
  }
  const input = { master, label, requester: requester.point, requesterSecret: requester.secret, partials };
  const result = combinePartials(input);
  return result.kind === "combined" && verifyLabelKey({ mpk: master.mpk, label, labelKey: result.labelKey });
}

describe("disk images of the keyholders", () => {
  test("CER-15: in the middle of a ceremony they open what will be sealed, for the seeds are there", async () => {
    for (const name of names.slice(0, 2)) deployment.crashAt(name, "ceremony-2-posted");
    for (const name of names) await deployment.admin(name, "ceremony", { period: PERIOD });
    await until(() => deployment.exits.length === 2, "both to crash");
    const middle = image("middle", names.slice(0, 2));
    deployment.exits.splice(0);
    for (const name of names.slice(0, 2)) await deployment.start(name);
    deployment.follow();
    for (const name of names) expect(await deployment.ceremonyEnd(name)).toMatchObject({ kind: "ready" });
    expect(await opened(middle, names.slice(0, 2))).toEqual(["access", "notice"]);
  });

  test("KEY-5: before the erasure two of them open the month", async () => {
    const before = image("before");
    expect(await opened(before, names.slice(0, 2))).toEqual(["access", "notice"]);
    expect(await opened(before, names.slice(0, 1))).toEqual([]);
  });

  test("CER-15: without the share files, all other keys of all keyholders and the whole log open nothing", async () => {
    const stripped = image("stripped");
    for (const name of names) {
      const store = await SecretStore.open(join(stripped, name, "secrets"), {
        passphrase: "a test's passphrase",
      });
      for (const secret of await store.names()) if (secret.startsWith("share.")) await store.remove(secret);
    }
    expect(await opened(stripped)).toEqual([]);
    // None of them is a key that the boxes in the log were sealed to.
    const joins = ceremonyEntries().filter(({ round }) => round === 1);
    expect(joins.length).toBe(3);
    for (const name of names) {
      for (const key of keysIn(await secretsIn(stripped, name))) {
        const { publicKey } = xwingKeygen(key);
        expect(joins.some(({ body }) => body.startsWith(base64(publicKey).slice(0, 1600)))).toBe(false);
      }
    }
  });

  test("KEY-6: after the erasures that the log shows, they open nothing of that kind any more", async () => {
    const erased = (kind: string) =>
      deployment.server.entries
        .map((bytes) => parseEntry(new Uint8Array(bytes)))
        .filter((entry) => entry.type === "erasure" && entry.period === PERIOD && entry.kind === kind).length;
    await deployment.tick(parseInstant("2017-12-31T00:00:00Z"));
    await until(() => erased("access") === 3, "the erasure of access shares");
    expect(await opened(image("access-erased"))).toEqual(["notice"]);
    await deployment.tick(parseInstant("2018-03-01T00:00:00Z"));
    await until(() => erased("notice") === 3, "the erasure of notice shares");
    const after = image("after");
    expect(await opened(after)).toEqual([]);
    // Nor is any share of it left under another name.
    for (const name of names) {
      expect([...(await secretsIn(after, name)).keys()].filter((secret) => secret.includes(PERIOD))).toEqual(
        [],
      );
    }
  });
});
