import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDay } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ORDER_PLACES, surviveCrash } from "./crash.ts";
import { TestDeployment } from "./deployment.ts";

const directory = mkdtempSync(join(tmpdir(), "keyholder-crash-"));
const deployment = new TestDeployment(directory);

beforeAll(async () => {
  await deployment.boot({ more: { validUntil: parseDay("2019-12-31") } });
  await deployment.ceremony();
});
afterAll(async () => {
  await deployment.close();
  rmSync(directory, { recursive: true });
});

describe("KEY-28: kill -9 at every place of an order's course leaves one intent and one release", () => {
  test.each(ORDER_PLACES)("%s", async (place) => {
    await surviveCrash(deployment, place);
  });
});

const CEREMONY_PLACES = [
  "ceremony-seeded",
  "ceremony-1-unposted",
  "ceremony-1-posted",
  "ceremony-2-unposted",
  "ceremony-2-posted",
  "share-access-kept",
  "share-notice-kept",
  "ceremony-3-unposted",
  "ceremony-3-posted",
  "keys-unlogged",
] as const;

describe("CER-14: kill -9 of one keyholder at every place of a ceremony does not stop it", () => {
  // A period of its own for each place.
  const periods = CEREMONY_PLACES.map(
    (_, i) => `${2018 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, "0")}`,
  );
  test.each(CEREMONY_PLACES.map((place, i) => [place, periods[i] as string] as const))(
    "%s",
    async (place, period) => {
      deployment.crashAt("keyholder-2", place);
      const begun = deployment.ceremony(period).catch(() => {});
      await deployment.restartAfterCrash("keyholder-2");
      deployment.follow();
      await begun;
      for (const name of ["keyholder-1", "keyholder-2", "keyholder-3"]) {
        await deployment.admin(name, "ceremony", { period });
        expect(await deployment.ceremonyEnd(name, period)).toMatchObject({ kind: "ready" });
      }
    },
  );
});
