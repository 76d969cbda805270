// A warrant with 1 to 1,000 labels: three keyholders' shares, their combination, and the opened keys.
import { randomBytes } from "node:crypto";
import { type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import {
  combinePartials,
  type MasterKey,
  partialRelease,
  requesterPoint,
} from "../../packages/quorum/src/index.ts";
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
  const release: [number, number][] = [];
  const combine: [number, number][] = [];
  const bytes: [number, number][] = [];
  for (const size of [5, ...SIZES]) {
    const labels = Array.from({ length: size }, () => random(121));
    const requester = requesterPoint(random, random(32));
    const byLabel = labels.map((label) => ({ label, partials: new Map<KeyholderIndex, Uint8Array>() }));
    const own = shares.filter(({ keyholder }) => KEYHOLDERS.includes(keyholder));
    const spent = await cpu(() => {
      for (const share of own) {
        for (const { label, partials } of byLabel) {
          const input = { share, mpk, label, requester: requester.point, random };
          partials.set(share.keyholder, partialRelease(input));
        }
      }
    });
    const combined = await cpu(() => {
      for (const { label, partials } of byLabel) {
        const result = combinePartials({
          master,
          label,
          requester: requester.point,
          requesterSecret: requester.secret,
          partials,
        });
        if (result.kind !== "combined") throw new Error("three partials are a quorum");
      }
    });
    release.push([size, spent / own.length]);
    combine.push([size, combined]);
    let sum = 0;
    for (const { partials } of byLabel) for (const partial of partials.values()) sum += partial.length;
    bytes.push([size, sum / own.length]);
  }
  return {
    title: "Labels of a warrant",
    x: "labels",
    series: [
      { what: "one keyholder makes its shares", unit: "CPU ms", points: release.slice(1) },
      { what: "the requester combines three, all checked", unit: "CPU ms", points: combine.slice(1) },
      { what: "one keyholder's shares", unit: "bytes", points: bytes.slice(1) },
    ],
  };
}
