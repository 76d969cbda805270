import { type Period, unixSeconds } from "@porchlight/encoding";
import { type Grant, passGate } from "@porchlight/gate";
import { expect, test } from "vitest";
import { sharedKey } from "../../../vectors/fixture/deployment.ts";
import { gateInput } from "../../../vectors/fixture/gate-cases.ts";
import { SELF } from "../../../vectors/fixture/order.ts";
import type { LoggedKeys } from "../src/log-memory.ts";
import { makeRelease } from "../src/release.ts";

const PAUSED = {
  id: "5a".repeat(16),
  reasons: [{ by: "B", at: unixSeconds(1_500_000_000), reason: "EMERGENCY" }],
};

async function granted(): Promise<Grant> {
  const result = passGate((await gateInput({ kind: "court", changes: {} })).input);
  if (result.kind !== "passed") throw new Error(result.code);
  return result.grant;
}

/** A release in which something happens while the first label is at work. */
async function released(grant: Grant, what: "nothing" | "pause" | "fork" | "end") {
  const ending = new AbortController();
  const secrets: Uint8Array[] = [];
  let asked = 0;
  const isPast = (): boolean => asked > 1;
  const keyOf = (period: Period) => sharedKey(`access ${period}`);
  const made = await makeRelease(grant, {
    shares: {
      read: async ({ period }) => {
        const share = keyOf(period).shares[SELF - 1];
        if (share === undefined) throw new Error("no share");
        const own = { ...share, secret: share.secret.slice() };
        secrets.push(own.secret);
        return own;
      },
    },
    memory: {
      keys: (period) => ({ keys: { access: keyOf(period) } }) as unknown as LoggedKeys,
      get forked() {
        return what === "fork" && isPast();
      },
    },
    pause: {
      get paused() {
        asked++;
        if (what === "end" && isPast()) ending.abort();
        return what === "pause" && isPast() ? PAUSED : null;
      },
    },
    signal: ending.signal,
  });
  return {
    made,
    asked,
    isWiped: secrets.length > 0 && secrets.flatMap((one) => [...one]).every((b) => b === 0),
  };
}

test.each(["pause", "fork", "end"] as const)(
  "KEY-34: a release under way stops before its next label at a %s, and nothing is left of it",
  async (what) => {
    const grant = await granted();
    expect(grant.labels.length).toBeGreaterThan(2);
    expect(await released(grant, what)).toEqual({ made: null, asked: 2, isWiped: true });
  },
);

test("KEY-25: it is asked before each label, and the shares are wiped after it", async () => {
  const grant = await granted();
  const { made, asked, isWiped } = await released(grant, "nothing");
  expect([asked, isWiped, made?.slot.length]).toEqual([grant.labels.length, true, 64]);
});
