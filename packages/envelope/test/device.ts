// A sending device for tests, vectors and benches, everything from fixed seeds.
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import {
  type AccountId,
  charterId,
  concat,
  conversationId,
  dayNumber,
  hex,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { xwingKeygen } from "@porchlight/quorum";
import {
  accessLabel,
  accountOf,
  type CipherSuite,
  type EnvelopeHeader,
  escrowSecret,
  makeCredential,
  nobleSuite,
  rosterOf,
} from "../src/index.ts";
import { vector } from "../src/mls.ts";
import { messageMaker } from "./sender.ts";

/** 32 bytes that a name determines. */
export function seed(name: string): Uint8Array {
  return nobleSuite.hash(utf8(`porchlight test seed: ${name}`));
}

const { G1, G2, fields } = bls12_381;
const LABEL_DST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";

/** A whole master key in one hand, as only tests have it. */
function masterKey(name: string) {
  const secret = fields.Fr.create(BigInt(`0x${hex(seed(name))}`));
  const mpk = G2.Point.BASE.multiply(secret).toBytes(true);
  return {
    secret,
    mpk,
    /** s·Q, Q = hash_to_curve_G1(mpk ‖ label). */
    labelKey: (label: Uint8Array): Uint8Array =>
      G1.hashToCurve(concat(mpk, label), { DST: LABEL_DST }).multiply(secret).toBytes(true),
  };
}

export function account(name: string) {
  const identitySeed = seed(`${name} identity`);
  const identityKey = ed25519.getPublicKey(identitySeed);
  return { identitySeed, identityKey, id: accountOf(identityKey) };
}

/** A GroupContext as a group in its first epochs has it, with one private-use extension. */
export function groupContext(groupId: Uint8Array, epoch: number, data = seed("extension")): Uint8Array {
  const extensions = concat(new Writer().uint(0xf0a1, 2).finish(), vector(data));
  return concat(
    new Writer().uint(1, 2).uint(1, 2).finish(),
    vector(groupId),
    new Writer().u64(epoch).finish(),
    vector(seed("tree hash")),
    vector(seed("confirmed transcript hash")),
    vector(extensions),
  );
}

export function device(name: string, suite: CipherSuite = nobleSuite) {
  const owner = account(name);
  const deviceSeed = seed(`${name} device`);
  const deviceKey = ed25519.getPublicKey(deviceSeed);
  const credential = makeCredential({
    identityKey: owner.identityKey,
    deviceKey,
    sign: (message) => ed25519.sign(message, owner.identitySeed),
  });
  const others: AccountId[] = ["ada", "cyd"].map((other) => account(other).id);
  const groupId = seed("group");
  const header: EnvelopeHeader = {
    label: {
      charter: charterId(hex(seed("charter"))),
      conversation: conversationId(hex(groupId)),
      account: owner.id,
      day: dayNumber(20_779),
    },
    leafIndex: 3,
    groupContext: groupContext(groupId, 7),
    roster: rosterOf([owner.id, ...others]),
    deviceKey,
    credential,
  };
  const secret = escrowSecret(seed(`${name} application_ratchet_secret[0]`), seed("sender_data_secret"));
  return {
    owner,
    others,
    deviceSeed,
    header,
    secret,
    sign: (message: Uint8Array) => suite.ed25519Sign(deviceSeed, message),
    /** {@link messageMaker} of this device. */
    message: messageMaker({ header, secret, deviceSeed, suite }),
  };
}

/** What everyone knows who seals or verifies in these tests. */
export function escrow(name = "first") {
  const master = masterKey(`${name} master key`);
  const provider = xwingKeygen(seed(`${name} provider`));
  return {
    master,
    providerSecret: provider.secretKey,
    keys: { mpk: master.mpk, providerKey: provider.publicKey },
    labelKey: (header: EnvelopeHeader) => master.labelKey(accessLabel(header.label)),
  };
}
