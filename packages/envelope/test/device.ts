// A sending device for tests, vectors and benches: everything from fixed seeds, and the sending half of RFC 9420's
// PrivateMessage, with which a test can also forge what an insider could.
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
  formatAuthenticatedData,
  formatPlaintext,
  frankingField,
  makeCredential,
  nobleSuite,
  rosterOf,
} from "../src/index.ts";
import { expandWithLabel, signContent, vector } from "../src/mls.ts";
import { framedContentTbs, privateContentAad, senderDataAad } from "../src/private-message.ts";

/** 32 bytes that a name determines. */
export function seed(name: string): Uint8Array {
  return nobleSuite.hash(utf8(`porchlight test seed: ${name}`));
}

const { G1, G2, fields } = bls12_381;
const LABEL_DST = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";

/** A whole master key in one hand, as only tests have it. */
export function masterKey(name: string) {
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
export function groupContext(groupId: Uint8Array, epoch: number): Uint8Array {
  const extensions = concat(new Writer().uint(0xf0a1, 2).finish(), vector(seed("extension")));
  return concat(
    new Writer().uint(1, 2).uint(1, 2).finish(),
    vector(groupId),
    new Writer().u64(epoch).finish(),
    vector(seed("tree hash")),
    vector(seed("confirmed transcript hash")),
    vector(extensions),
  );
}

export type Device = ReturnType<typeof device>;

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
  const epoch = 7;
  const header: EnvelopeHeader = {
    label: {
      charter: charterId(hex(seed("charter"))),
      conversation: conversationId(hex(groupId)),
      account: owner.id,
      day: dayNumber(20_779),
    },
    leafIndex: 3,
    groupContext: groupContext(groupId, epoch),
    roster: rosterOf([owner.id, ...others]),
    deviceKey,
    credential,
  };
  const leafSecret = seed(`${name} application_ratchet_secret[0]`);
  const senderDataSecret = seed("sender_data_secret");

  /** application_ratchet_secret[generation]. */
  const ratchet: Uint8Array[] = [leafSecret];
  const ratchetSecret = (generation: number): Uint8Array => {
    for (let g = ratchet.length; g <= generation; g++) {
      ratchet.push(expandWithLabel(suite, ratchet[g - 1] as Uint8Array, "secret", uint32(g - 1), 32));
    }
    return ratchet[generation] as Uint8Array;
  };

  return {
    owner,
    others,
    deviceSeed,
    header,
    secret: escrowSecret(leafSecret, senderDataSecret),
    sign: (message: Uint8Array) => suite.ed25519Sign(deviceSeed, message),

    /** An MLSMessage; every field can be made wrong, as a member who knows the group's secrets could. */
    message(made: {
      readonly generation: number;
      readonly counter: number;
      readonly text: string | Uint8Array;
      readonly groupId?: Uint8Array;
      readonly epoch?: number;
      readonly leafIndex?: number;
      readonly day?: number;
      readonly signer?: Uint8Array;
      readonly authenticatedData?: Uint8Array;
      readonly padding?: Uint8Array;
      readonly contentType?: number;
    }): Uint8Array {
      const content = typeof made.text === "string" ? utf8(made.text) : made.text;
      const frankingKey = seed(`franking ${made.counter}`);
      const authenticatedData =
        made.authenticatedData ??
        formatAuthenticatedData({
          day: dayNumber(made.day ?? header.label.day),
          counter: made.counter,
          franking: frankingField(frankingKey, content, suite),
        });
      const group = made.groupId ?? groupId;
      const at = made.epoch ?? epoch;
      const leafIndex = made.leafIndex ?? header.leafIndex;
      const applicationData = formatPlaintext({ frankingKey, content });
      const tbs = framedContentTbs({
        groupId: group,
        epoch: at,
        leafIndex,
        authenticatedData,
        applicationData,
        groupContext: header.groupContext,
      });
      const signature = suite.ed25519Sign(made.signer ?? deviceSeed, signContent("FramedContentTBS", tbs));
      const secret = ratchetSecret(made.generation);
      const reuseGuard = nobleSuite.hash(uint32(made.generation)).subarray(0, 4);
      const nonce = expandWithLabel(suite, secret, "nonce", uint32(made.generation), 12).map(
        (byte, i) => byte ^ (reuseGuard[i] ?? 0),
      );
      const ciphertext = suite.aeadSeal(
        expandWithLabel(suite, secret, "key", uint32(made.generation), 16),
        nonce,
        privateContentAad(group, at, authenticatedData),
        concat(vector(applicationData), vector(signature), made.padding ?? new Uint8Array(0)),
      );
      const sample = ciphertext.subarray(0, 32);
      const encryptedSenderData = suite.aeadSeal(
        expandWithLabel(suite, senderDataSecret, "key", sample, 16),
        expandWithLabel(suite, senderDataSecret, "nonce", sample, 12),
        senderDataAad(group, at),
        concat(uint32(leafIndex), uint32(made.generation), reuseGuard),
      );
      return concat(
        new Writer().uint(1, 2).uint(2, 2).finish(),
        vector(group),
        new Writer()
          .u64(at)
          .uint(made.contentType ?? 1, 1)
          .finish(),
        vector(authenticatedData),
        vector(encryptedSenderData),
        vector(ciphertext),
      );
    },
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

function uint32(value: number): Uint8Array {
  return new Writer().uint(value, 4).finish();
}
