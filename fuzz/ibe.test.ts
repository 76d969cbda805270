// Lock-step with DFINITY's vetKeys: any label, message and seed; any ciphertext, broken ones above all.
import { DerivedPublicKey, IbeCiphertext, IbeIdentity, IbeSeed, VetKey } from "@dfinity/vetkeys";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hex } from "../packages/encoding/src/index.ts";
import { ibeOpen, ibeSeal } from "../packages/quorum/src/index.ts";
import { encodeG1, encodeG2, labelPoint, P2 } from "../packages/quorum/src/points.ts";
import { mutate, mutation } from "./mutation.ts";

const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
/** In the slow suite these are minutes of work. */
const LIMIT = 1_800_000;
const secret = 0x2b1cb59c2f6b62fbd4c1c4c3d93a8f0e6c9f25a2f4b1d5e9n;
const mpk = encodeG2(P2.multiply(secret));
const theirKey = DerivedPublicKey.deserialize(mpk);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test(
  "QUO-10: the same label, message and seed give the same bytes",
  () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes(64), bytes(32), (label, message, seed) => {
        const theirs = IbeCiphertext.encrypt(
          theirKey,
          IbeIdentity.fromBytes(label),
          message,
          IbeSeed.fromBytes(seed),
        );
        expect(hex(ibeSeal({ mpk, label, message, seed }))).toBe(hex(theirs.serialize()));
      }),
      { numRuns: SLOW ? 400 : 8 },
    );
  },
  LIMIT,
);

test(
  "QUO-11: no broken ciphertext opens here that vetKeys refuses, and what opens is the same",
  () => {
    const label = new Uint8Array(121).fill(7);
    const labelKey = encodeG1(labelPoint(mpk, label).multiply(secret));
    const theirLabelKey = VetKey.deserialize(labelKey);
    const good = ibeSeal({
      mpk,
      label,
      message: new Uint8Array(64).fill(1),
      seed: new Uint8Array(32).fill(2),
    });
    let opened = 0;
    fc.assert(
      fc.property(fc.option(mutation, { freq: 6 }), (made) => {
        const ciphertext = made === null ? good : mutate(good, made);
        const ours = outcome(() => ibeOpen({ mpk, label, labelKey, ciphertext }));
        const theirs = outcome(() => IbeCiphertext.deserialize(ciphertext).decrypt(theirLabelKey));
        if (ours !== null) opened++;
        // Ours takes 64-byte messages only; of those both say the same.
        if (ciphertext.length === good.length) expect(ours).toBe(theirs);
        else expect(ours).toBeNull();
      }),
      { numRuns: SLOW ? 2000 : 60 },
    );
    expect(opened).toBeGreaterThan(0);
  },
  LIMIT,
);

function outcome(open: () => Uint8Array): string | null {
  try {
    return hex(open());
  } catch {
    return null;
  }
}
