// Envelopes beside the group operations that they need, and the opener beside the bare primitives.
import { createDecipheriv, createPublicKey, createSecretKey, verify } from "node:crypto";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { XWing } from "@noble/post-quantum/hybrid.js";
import { accessLabel, createOpener, openEnvelope, sealEnvelope, verifyEnvelope } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import { ibeBase } from "@porchlight/quorum";
import { device, escrow, seed } from "../packages/envelope/test/device.ts";
import type { Row } from "./run.ts";

export const name = "envelope: once per sender and epoch; opener: messages of 600 bytes";

/** Milliseconds of this process' CPU time: the figures are for one core, whatever else the machine does. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Mean milliseconds of `run`, for about `budget` milliseconds after one call to warm up. */
function measure(run: () => unknown, budget = 1500): number {
  run();
  const start = cpu();
  let count = 0;
  do {
    run();
    count++;
  } while (cpu() - start < budget);
  return (cpu() - start) / count;
}

/** Milliseconds a message, on a fresh opener. */
function messages(wires: readonly Uint8Array[], open: () => (wire: Uint8Array) => unknown): number {
  const warm = open();
  for (const wire of wires.slice(0, 1000)) warm(wire);
  const start = cpu();
  const opener = open();
  for (const wire of wires) opener(wire);
  return (cpu() - start) / wires.length;
}

export async function run(): Promise<Row[]> {
  const bea = device("bea", nodeSuite);
  const { header, secret, sign } = bea;
  const { keys, labelKey } = escrow();
  const label = accessLabel(header.label);
  const base = ibeBase(keys.mpk, label);
  const sealed = sealEnvelope({ header, secret, keys, sign, base, suite: nodeSuite });

  const { G1, G2, pairing, fields } = bls12_381;
  const scalar = fields.Fr.create(BigInt(`0x${"5a".repeat(32)}`));
  const mpk = G2.Point.fromBytes(keys.mpk);
  const toCurve = measure(() => G1.hashToCurve(label));
  const point = G1.hashToCurve(label);
  const pair = measure(() => pairing(point, mpk));
  const multiply = measure(() => G2.Point.BASE.multiply(scalar));
  const encapsulate = measure(() => XWing.encapsulate(keys.providerKey.slice(), new Uint8Array(64)));

  const first = measure(() => sealEnvelope({ header, secret, keys, sign, suite: nodeSuite }));
  const cached = measure(() => sealEnvelope({ header, secret, keys, sign, base, suite: nodeSuite }));
  const input = { envelope: sealed.envelope, expected: header, secret, keys, suite: nodeSuite };
  const verified = measure(() => verifyEnvelope({ ...input, base }));
  const key = labelKey(header);
  const opened = measure(() =>
    openEnvelope({ envelope: sealed.envelope, inner: sealed.inner, labelKey: key, keys, suite: nodeSuite }),
  );

  const wires = Array.from({ length: 4000 }, (_, generation) =>
    bea.message({ generation, text: "m".repeat(600) }),
  );
  const opener = () => createOpener({ secret, header, suite: nodeSuite });
  const decrypted = messages(wires, () => opener().decrypt);
  const withSignatures = messages(wires, () => opener().open);
  const aesKey = seed("key").subarray(0, 16);
  const nonce = seed("nonce").subarray(0, 12);
  // A thousand at a time: asking for the CPU time would cost as much as one.
  const aead =
    measure(() => {
      for (let i = 0; i < 1000; i++) {
        createDecipheriv("aes-128-gcm", createSecretKey(aesKey), nonce).update(wires[0] as Uint8Array);
      }
    }, 500) / 1000;
  const publicKey = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), header.deviceKey]),
    format: "der",
    type: "spki",
  });
  const signature = sign(wires[0] as Uint8Array);
  const check = measure(() => verify(null, wires[0] as Uint8Array, publicKey, signature), 500);

  const times = (value: number, raw: number, of: string): string => `${(value / raw).toFixed(2)} × ${of}`;
  const perSecond = (milliseconds: number): number => 1000 / milliseconds;
  const rawSeal = toCurve + pair + multiply + encapsulate;
  return [
    { what: "pairing", value: pair, unit: "ms" },
    { what: "hash to curve", value: toCurve, unit: "ms" },
    { what: "G2 base multiplication", value: multiply, unit: "ms" },
    { what: "X-Wing encapsulation", value: encapsulate, unit: "ms" },
    {
      what: "seal, new label",
      value: first,
      unit: "ms",
      ratio: times(first, rawSeal, "hash to curve + pairing + multiplication + encapsulation"),
    },
    {
      what: "seal, cached label",
      value: cached,
      unit: "ms",
      ratio: times(cached, multiply + encapsulate, "multiplication + encapsulation"),
    },
    {
      what: "verify (recipient), cached label",
      value: verified,
      unit: "ms",
      ratio: times(verified, cached, "seal"),
    },
    {
      what: "open, new label",
      value: opened,
      unit: "ms",
      ratio: times(opened, rawSeal + pair + multiply, "the same + pairing + multiplication"),
    },
    { what: "envelope", value: sealed.envelope.length, unit: "bytes per sender and epoch" },
    { what: "added to a message", value: 0, unit: "bytes (it is the PrivateMessage of RFC 9420)" },
    { what: "AES-128-GCM", value: perSecond(aead), unit: "messages/s a core" },
    { what: "Ed25519", value: perSecond(check), unit: "verifications/s a core" },
    {
      what: "decrypt, no signatures",
      value: perSecond(decrypted),
      unit: "messages/s a core",
      ratio: times(decrypted, 2 * aead, "two AES-GCM"),
    },
    {
      what: "open with signatures",
      value: perSecond(withSignatures),
      unit: "messages/s a core",
      ratio: times(withSignatures, check, "one Ed25519 verification"),
    },
  ];
}
