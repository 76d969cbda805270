// Every single bit, where the fast tests take one of each byte or fewer.
import { hex } from "@porchlight/encoding";
import { expect, test } from "vitest";
import {
  ibeBase,
  ibeOpen,
  ibeSeal,
  openFrom,
  partialRelease,
  requesterPoint,
  sealTo,
  verifyLabelKey,
  verifyPartial,
  verifyRequesterPoint,
  xwingKeygen,
} from "../src/index.ts";
import { encodeG1, labelPoint } from "../src/points.ts";
import { at, deal, flip, seeded } from "./dealer.ts";

/** Milliseconds: thousands of decapsulations on a machine that does other things as well. */
const MINUTES = 600_000;

const random = seeded("flips");
const { master, shares, coefficients } = deal(2, [1, 2, 3], random);
const { mpk } = master;
const label = random(121);
const labelKey = encodeG1(labelPoint(mpk, label).multiply(at(coefficients, 0)));
const refused = (open: () => unknown) =>
  expect(open).toThrowError(expect.objectContaining({ name: "QuorumError", code: "refused" }));

function everyBit(bytes: Uint8Array, check: (flipped: Uint8Array) => void): void {
  for (let bit = 0; bit < 8 * bytes.length; bit++) check(flip(bytes, bit));
}

test(
  "QUO-11: every flipped bit of a ciphertext is refused",
  () => {
    const base = ibeBase(mpk, label);
    const message = random(64);
    const sealed = ibeSeal({ mpk, label, message, seed: random(32), base });
    expect(hex(ibeOpen({ mpk, label, labelKey, ciphertext: sealed, base }))).toBe(hex(message));
    everyBit(sealed, (ciphertext) => refused(() => ibeOpen({ mpk, label, labelKey, ciphertext, base })));
  },
  MINUTES,
);

test(
  "QUO-9: every flipped bit of a label key is refused",
  () => {
    everyBit(labelKey, (flipped) => expect(verifyLabelKey({ mpk, label, labelKey: flipped })).toBe(false));
  },
  MINUTES,
);

test(
  "REL-3: every flipped bit of a partial is refused",
  () => {
    const requester = requesterPoint(random, label);
    const share = at(shares, 0);
    const release = { mpk, label, requester: requester.point };
    const verifyingShare = master.verifyingShares.get(share.keyholder) as Uint8Array;
    everyBit(partialRelease({ share, ...release, random }), (partial) =>
      expect(verifyPartial({ partial, verifyingShare, ...release })).toBe(false),
    );
  },
  MINUTES,
);

test(
  "REL-1: every flipped bit of a requester's proof is refused",
  () => {
    const { point, proof } = requesterPoint(random, label);
    everyBit(proof, (flipped) => expect(verifyRequesterPoint(point, flipped, label)).toBe(false));
  },
  MINUTES,
);

test(
  "QUO-14: every flipped bit of a sealed box is refused",
  () => {
    const { publicKey, secretKey } = xwingKeygen(random(32));
    const box = sealTo(publicKey, random(32), label, label, random(64));
    everyBit(box, (flipped) => refused(() => openFrom(secretKey, flipped, label, label)));
  },
  MINUTES,
);
