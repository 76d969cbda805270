// A whole master key and a provider's key in one hand, as only tests have them.
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat } from "@porchlight/encoding";
import { accessLabel, type EnvelopeHeader, type EscrowKeys } from "@porchlight/envelope";
import { xwingKeygen } from "@porchlight/quorum";

const { G1, G2, fields } = bls12_381;
const LABEL_DST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";

export function escrowKeys(secret = 20_779n): {
  readonly keys: EscrowKeys;
  readonly providerSecret: Uint8Array;
  readonly labelKey: (header: EnvelopeHeader) => Uint8Array;
} {
  const master = fields.Fr.create(secret);
  const mpk = G2.Point.BASE.multiply(master).toBytes(true);
  const provider = xwingKeygen(new Uint8Array(32).fill(Number(secret % 251n)));
  return {
    keys: { mpk, providerKey: provider.publicKey },
    providerSecret: provider.secretKey,
    labelKey: (header) =>
      G1.hashToCurve(concat(mpk, accessLabel(header.label)), { DST: LABEL_DST })
        .multiply(master)
        .toBytes(true),
  };
}
