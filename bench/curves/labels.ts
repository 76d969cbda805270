// A warrant with 1 to 1,000 labels: three keyholders' shares, their combination, and the opened keys.
import { randomBytes } from "node:crypto";
import { type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import {
  type Curve as Arithmetic,
  combineOrder,
  type MasterKey,
  noble,
  partialRelease,
  requesterPoint,
} from "../../packages/quorum/src/index.ts";
import { loadCurve } from "../../packages/quorum/src/mcl.ts";
import { sharedKey } from "../../vectors/fixture/deployment.ts";
import { type Curve, cpu } from "./curve.ts";

const SIZES = [1, 10, 100, 1000];
const KEYHOLDERS = [1, 2, 3].map(keyholderIndex);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export async function run(): Promise<Curve> {
  const { shares, mpk, verifyingShares } = sharedKey("curve");
  const master: MasterKey = {
    mpk,
    threshold: 3,
    verifyingShares: new Map(shares.map(({ keyholder }, i) => [keyholder, verifyingShares[i] as Uint8Array])),
  };
  const arithmetics = [await loadCurve(), noble];
  if (arithmetics[0] === noble) throw new Error("the accelerator is not installed: nothing to compare");
  const series: Curve["series"][number][] = [];
  for (const arithmetic of arithmetics) {
    const rows = await measure(arithmetic, shares, master);
    series.push(
      { what: `one keyholder makes its shares, ${arithmetic.name}`, unit: "CPU ms", points: rows.release },
      {
        what: `the requester combines three, all checked, ${arithmetic.name}`,
        unit: "CPU ms",
        points: rows.combine,
      },
    );
    if (arithmetic === noble) {
      series.push({ what: "one keyholder's shares", unit: "bytes", points: rows.bytes });
    }
  }
  return { title: "Labels of a warrant", x: "labels", series };
}

async function measure(curve: Arithmetic, shares: ReturnType<typeof sharedKey>["shares"], master: MasterKey) {
  const { mpk } = master;
  const release: [number, number][] = [];
  const combine: [number, number][] = [];
  const bytes: [number, number][] = [];
  for (const size of [5, ...SIZES]) {
    const requester = requesterPoint(random, random(32));
    const labels = Array.from({ length: size }, () => ({
      master,
      label: random(121),
      partials: new Map<KeyholderIndex, Uint8Array>(),
    }));
    const own = shares.filter(({ keyholder }) => KEYHOLDERS.includes(keyholder));
    const spent = await cpu(() => {
      for (const share of own) {
        for (const { label, partials } of labels) {
          const input = { share, mpk, label, requester: requester.point, random, curve };
          partials.set(share.keyholder, partialRelease(input));
        }
      }
    });
    const combined = await cpu(() => {
      const result = combineOrder({
        requester: requester.point,
        requesterSecret: requester.secret,
        labels,
        curve,
      });
      if (result.kind !== "combined") throw new Error("three partials are a quorum");
    });
    release.push([size, spent / own.length]);
    combine.push([size, combined]);
    let sum = 0;
    for (const { partials } of labels) for (const partial of partials.values()) sum += partial.length;
    bytes.push([size, sum / own.length]);
  }
  return { release: release.slice(1), combine: combine.slice(1), bytes: bytes.slice(1) };
}
