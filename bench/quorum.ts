// Sealing, opening, release and combining beside the group operations that they cannot do without.
import { randomBytes } from "node:crypto";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import {
  checkMasterKey,
  combinePartials,
  type DkgSession,
  type DkgState,
  dkgDue,
  dkgStart,
  dkgStep,
  ibeBase,
  ibeOpen,
  ibeSeal,
  type KeyShare,
  type MasterKey,
  openFrom,
  partialRelease,
  requesterPoint,
  sealTo,
  verifyLabelKey,
  verifyLabelKeys,
  verifyPartial,
  xwingKeygen,
} from "../packages/quorum/src/index.ts";
import type { Row } from "./run.ts";

export const name = "quorum: 3 of 5 on BLS12-381";

type Due = NonNullable<ReturnType<typeof dkgDue>>;

const random = (length: number) => new Uint8Array(randomBytes(length));

export async function run(): Promise<Row[]> {
  const { G1, G2, fields } = bls12_381;
  const scalar = BigInt(`0x${Buffer.from(random(31)).toString("hex")}`);
  const [p, q] = [G1.Point.BASE.multiply(scalar), G2.Point.BASE.multiply(scalar)];
  const element = bls12_381.pairing(p, q);
  const [p48, q96] = [p.toBytes(), q.toBytes()];

  const keygen = ceremony();
  const { shares, master } = keygen;
  const { mpk } = master;
  const label = random(121);
  const requester = requesterPoint(random, label);
  const release = { mpk, label, requester: requester.point };
  const share = shares[0] as (typeof shares)[number];
  const partials = new Map(
    shares.map((s) => [s.keyholder, partialRelease({ share: s, ...release, random })]),
  );
  const partial = partials.get(share.keyholder) as Uint8Array;
  const verifyingShare = master.verifyingShares.get(share.keyholder) as Uint8Array;
  const input = { master, label, requester: requester.point, requesterSecret: requester.secret, partials };
  const result = combinePartials(input);
  if (result.kind !== "combined") throw new Error("five partials are a quorum");
  const claim = { mpk, label, labelKey: result.labelKey };
  const batch = Array.from({ length: 16 }, () => claim);
  const message = random(64);
  const seed = random(32);
  const base = ibeBase(mpk, label);
  const ciphertext = ibeSeal({ mpk, label, message, seed, base });
  const { publicKey, secretKey } = xwingKeygen(seed);
  const encapsulation = random(64);
  const box = sealTo(publicKey, ciphertext, label, label, encapsulation);

  const ms = interleaved({
    g1: () => p.multiply(scalar),
    g1Base: () => G1.Point.BASE.multiply(scalar),
    g2: () => q.multiplyUnsafe(scalar),
    g2Base: () => G2.Point.BASE.multiply(scalar),
    pairing: () => bls12_381.pairing(p, q),
    power: () => fields.Fp12.pow(element, scalar),
    hash: () => G1.hashToCurve(label),
    parse1: () => G1.Point.fromBytes(p48),
    parse2: () => G2.Point.fromBytes(q96),
    base: () => ibeBase(mpk, label),
    seal: () => ibeSeal({ mpk, label, message, seed, base }),
    open: () => ibeOpen({ ...claim, ciphertext, base }),
    partial: () => partialRelease({ share, ...release, random }),
    verify: () => verifyPartial({ partial, verifyingShare, ...release }),
    combine: () => combinePartials(input),
    labelKey: () => verifyLabelKey(claim),
    batch: () => verifyLabelKeys(batch),
    master: () => checkMasterKey(master),
    box: () => sealTo(publicKey, ciphertext, label, label, encapsulation),
    unbox: () => openFrom(secretKey, box, label, label),
  });

  const row = (what: string, value: number, raw: number, operations: string): Row => ({
    what,
    value,
    unit: "ms",
    ratio: `${(value / raw).toFixed(2)} × noble's ${operations}`,
  });
  const raw = (what: string, value: number): Row => ({ what: `raw: ${what}`, value, unit: "ms" });
  return [
    raw("G1 multiplication", ms.g1),
    raw("G1 multiplication of the generator", ms.g1Base),
    raw("G2 multiplication of the generator", ms.g2Base),
    raw("G2 multiplication, public scalar", ms.g2),
    raw("pairing, G2 point known", ms.pairing),
    raw("GT exponentiation", ms.power),
    raw("hash to G1", ms.hash),
    raw("parse G1 / subgroup check included", ms.parse1),
    raw("parse G2 / subgroup check included", ms.parse2),
    row("label base, once a label", ms.base, ms.hash + ms.pairing, "hash + pairing"),
    row("seal, base cached", ms.seal, ms.g2Base + ms.power, "G2 generator + GT power"),
    row(
      "open, base cached",
      ms.open,
      ms.parse1 + ms.parse2 + ms.pairing + ms.g2Base + ms.power,
      "G1 + G2 parse + pairing + G2 generator + GT power",
    ),
    row(
      "partial, blinded",
      ms.partial,
      ms.parse1 + ms.hash + ms.g1Base + ms.g2Base + 3 * ms.g1,
      "parse + hash + G1, G2 generators + 3 G1",
    ),
    row(
      "verify one partial",
      ms.verify,
      3 * ms.parse1 + ms.parse2 + ms.hash + 4 * ms.pairing,
      "4 parses + hash + 4 pairings",
    ),
    row(
      "combine 3, check included",
      ms.combine,
      6 * ms.parse1 + ms.hash + 6 * ms.g1 + 2 * ms.pairing,
      "6 parses + hash + 6 G1 + 2 pairings",
    ),
    row(
      "check one label key",
      ms.labelKey,
      ms.parse1 + ms.hash + 2 * ms.pairing,
      "parse + hash + 2 pairings",
    ),
    {
      what: "check a label key in a batch of 16",
      value: ms.batch / 16,
      unit: "ms",
      ratio: `${(ms.batch / 16 / ms.labelKey).toFixed(2)} × checking it alone`,
    },
    { what: "check a master key of 5", value: ms.master, unit: "ms" },
    { what: "sealed box of 200 bytes", value: ms.box, unit: "ms" },
    { what: "open it", value: ms.unbox, unit: "ms" },
    {
      what: "key generation, one party, all rounds",
      value: keygen.ms,
      unit: "ms",
      ratio: `${(keygen.ms / (24 * (ms.parse2 + ms.g2Base) + 8 * ms.g2 + 4 * (ms.box + ms.unbox))).toFixed(2)} × 24 G2 parses + 24 G2 generators + 8 G2 + 4 boxes made and opened`,
    },
  ];
}

/** Medians, every measure taken once a turn so that a noisy neighbour disturbs all alike. */
function interleaved<K extends string>(measures: Record<K, () => unknown>, turns = 15): Record<K, number> {
  const names = Object.keys(measures) as K[];
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let turn = -2; turn < turns; turn++) {
    for (const name of names) {
      const start = performance.now();
      measures[name]();
      if (turn >= 0) times.get(name)?.push(performance.now() - start);
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, times.get(name)?.sort((a, b) => a - b)[turns >> 1]]),
  ) as Record<K, number>;
}

/** One honest run of five for a period's two keys; `ms` is the time of one party, all rounds together, in the second run. */
function ceremony() {
  const participants = [1, 2, 3, 4, 5].map(keyholderIndex);
  let elapsed = 0;
  let states = new Map<KeyholderIndex, DkgState>();
  for (let repetition = 0; repetition < 2; repetition++) {
    const session: DkgSession = {
      session: random(32),
      dealers: participants,
      receivers: participants,
      threshold: 3,
      origin: { kind: "new", keys: 2 },
    };
    const start = performance.now();
    states = new Map(
      participants.map((self) => [self, dkgStart(session, { self, seed: random(32), shares: null })]),
    );
    for (let round = 1; round <= 3; round++) {
      const said = participants.map((from) => ({ from, ...(dkgDue(states.get(from) as DkgState) as Due) }));
      for (const message of said) {
        for (const self of participants) {
          states.set(self, dkgStep(states.get(self) as DkgState, { kind: "message", ...message }));
        }
      }
    }
    elapsed = performance.now() - start;
  }
  const ends = [...states.values()].map((state) => {
    if (state.kind !== "agreed" || state.outcome.shares === null)
      throw new Error("an honest run ends with keys");
    return { master: state.outcome.masters[0] as MasterKey, share: state.outcome.shares[0] as KeyShare };
  });
  const { master } = ends[0] as (typeof ends)[number];
  return { shares: ends.map(({ share }) => share), master, ms: elapsed / participants.length };
}
