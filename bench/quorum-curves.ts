// What the accelerator brings, and what checking all labels of an order together brings: every figure beside the group
// operations of the same implementation, in the same run.
import { randomBytes } from "node:crypto";
import { type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import {
  combineOrder,
  ibeBase,
  ibeOpen,
  ibeSeal,
  type LabelPartials,
  noble,
  partialRelease,
  requesterPoint,
  verifyPartial,
} from "../packages/quorum/src/index.ts";
import { loadCurve } from "../packages/quorum/src/mcl.ts";
import { encodeG1, encodeG2, P1, P2 } from "../packages/quorum/src/points.ts";
import { sharedKey } from "../vectors/fixture/deployment.ts";
import type { Row } from "./run.ts";

export const name = "quorum on noble and on mcl-wasm: release of an order of 100 labels, 3 of 5";

const LABELS = 100;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export async function run(): Promise<Row[]> {
  const { shares, mpk, verifyingShares } = sharedKey("bench");
  const master = {
    mpk,
    threshold: 3,
    verifyingShares: new Map(shares.map(({ keyholder }, i) => [keyholder, verifyingShares[i] as Uint8Array])),
  };
  const accelerated = await loadCurve();
  if (accelerated === noble) throw new Error("mcl-wasm could not be loaded: nothing to compare");
  const rows: Row[] = [];
  const speed = new Map<string, number>();
  for (const curve of [noble, accelerated]) {
    const requester = requesterPoint(random, random(32));
    const labels = Array.from({ length: LABELS }, () => random(121));
    const release = (index: number, label: Uint8Array) =>
      partialRelease({
        share: shares[index] as (typeof shares)[number],
        mpk,
        label,
        requester: requester.point,
        random,
        curve,
      });
    for (const label of labels.slice(0, 10)) release(0, label);
    const own = time(() => labels.map((label) => release(0, label)));
    const others = [1, 2].map((index) => labels.map((label) => release(index, label)));
    const order: LabelPartials[] = labels.map((label, i) => ({
      master,
      label,
      partials: new Map<KeyholderIndex, Uint8Array>(
        [own.result, ...others].map((list, k) => [keyholderIndex(k + 1), list[i] as Uint8Array]),
      ),
    }));
    const combining = { requester: requester.point, requesterSecret: requester.secret, curve };
    const together = time(() => combineOrder({ ...combining, labels: order }));
    if (together.result.kind !== "combined") throw new Error("three partials are a quorum");
    const alone = time(() =>
      order.slice(0, 20).map((label) => combineOrder({ ...combining, labels: [label] })),
    );
    const spoiled = order.map((label, i) =>
      i === 77
        ? {
            ...label,
            partials: new Map([...label.partials, [keyholderIndex(2), own.result[5] as Uint8Array]]),
          }
        : label,
    );
    const searched = time(() => combineOrder({ ...combining, labels: spoiled }));
    if (searched.result.kind !== "short" || searched.result.at !== 77)
      throw new Error("the label was spoiled");
    const singly = time(() =>
      order.slice(0, 10).map(({ label, partials }) =>
        [...partials].every(([keyholder, partial]) =>
          verifyPartial({
            partial,
            verifyingShare: master.verifyingShares.get(keyholder) as Uint8Array,
            mpk,
            label,
            requester: requester.point,
            curve,
          }),
        ),
      ),
    );
    const message = random(64);
    const seed = random(32);
    const label = labels[0] as Uint8Array;
    const base = ibeBase(mpk, label, curve);
    const ciphertext = ibeSeal({ mpk, label, message, seed, base });
    const labelKey = together.result.labelKeys[0] as Uint8Array;

    const [scalar, p, q] = [BigInt(`0x${Buffer.from(random(31)).toString("hex")}`), P1.double(), P2.double()];
    const [p48, q96] = [encodeG1(p), encodeG2(q)];
    const raw = {
      parse: each(() => curve.decodeG1(p48)),
      parse2: each(() => curve.decodeG2(q96)),
      hash: each(() => curve.hashToG1(label, "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_")),
      multiply: each(() => curve.sumG1([[p, scalar]])),
      pairing: each(() => curve.pairing(p, q)),
      g2: each(() => P2.multiply(scalar)),
      g1: each(() => P1.multiply(scalar)),
    };
    const row = (what: string, value: number, operations?: number, of?: string): void => {
      rows.push({
        what: `${curve.name}: ${what}`,
        value,
        unit: "ms",
        ...(operations === undefined ? {} : { ratio: `${(value / operations).toFixed(2)} × its own ${of}` }),
      });
    };
    row("raw G1 multiplication", raw.multiply);
    row("raw pairing", raw.pairing);
    row("raw hash to G1", raw.hash);
    row("raw G1 parse", raw.parse);
    row(
      "label base, once a label",
      each(() => ibeBase(mpk, label, curve)),
      raw.hash + raw.pairing,
      "hash + pairing",
    );
    row(
      "seal, base cached",
      each(() => ibeSeal({ mpk, label, message, seed, base })),
    );
    row(
      "open, base cached",
      each(() => ibeOpen({ mpk, label, labelKey, ciphertext, base })),
    );
    row(
      "partial, blinded",
      own.ms / LABELS,
      raw.parse + raw.hash + raw.g1 + raw.g2 + 3 * raw.multiply,
      "parse + hash + two generators + 3 G1",
    );
    row(
      "combine one label alone",
      alone.ms / 20,
      6 * raw.parse + raw.hash + 2 * raw.multiply + 2 * raw.pairing,
      "6 parses + hash + 2 G1 + 2 pairings",
    );
    row(
      "combine, a label of 100",
      together.ms / LABELS,
      6 * raw.parse + raw.hash + 3 * raw.multiply,
      "6 parses + hash + 3 G1",
    );
    row("the same, each partial verified singly instead", singly.ms / 10 + raw.multiply * 2);
    row("find the one wrong partial of 300", searched.ms - together.ms);
    for (const [what, ms] of [
      ["a keyholder releases", own.ms],
      ["the requester combines", together.ms],
    ] as const) {
      const value = (1000 * LABELS) / ms;
      const before = speed.get(what);
      speed.set(what, value);
      rows.push({
        what: `${curve.name}: ${what}`,
        value,
        unit: "labels/s",
        ...(before === undefined ? {} : { ratio: `${(value / before).toFixed(1)} × noble` }),
      });
    }
  }
  return rows;
}

/** CPU milliseconds: this program computes on one thread, and its neighbours' turns are not its own. */
function time<T>(run: () => T): { readonly ms: number; readonly result: T } {
  const start = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(start);
  return { ms: (user + system) / 1000, result };
}

/** Mean of some runs after a few to warm up, in CPU ms. */
function each(run: () => unknown, turns = 30): number {
  for (let i = 0; i < 5; i++) run();
  return (
    time(() => {
      for (let i = 0; i < turns; i++) run();
    }).ms / turns
  );
}
