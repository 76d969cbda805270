import { ed25519 } from "@noble/curves/ed25519.js";
import {
  type AccountId,
  type DayNumber,
  dayOf,
  dayStart,
  SECONDS_PER_DAY,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { makeCredential, verifyCredential } from "@porchlight/envelope";
import { encodeMlsMessage } from "ts-mls";
import type { Capabilities } from "ts-mls/capabilities.js";
import { generateKeyPackageWithKey, type KeyPackage, verifyKeyPackage } from "ts-mls/keyPackage.js";
import { type LeafNode, verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { type Device, deviceOfLeaf } from "./authentication.ts";
import { MlsError } from "./error.ts";
import { CHARTER_EXTENSION } from "./extension.ts";
import { CIPHER_SUITE, type MlsSuite } from "./suite.ts";
import { parseMessage } from "./wire-format.ts";

/** MLS-13: how long a key package may be used to add its device. */
export const KEY_PACKAGE_DAYS = 90;
/** Clocks differ: a key package is valid from one day before it was made. */
const BACKDATED = SECONDS_PER_DAY;
const LONGEST_LIFETIME = (KEY_PACKAGE_DAYS + 1) * SECONDS_PER_DAY;

const CAPABILITIES: Capabilities = {
  versions: ["mls10"],
  ciphersuites: [CIPHER_SUITE],
  extensions: [CHARTER_EXTENSION],
  proposals: [],
  credentials: ["basic"],
};

/** This device's own keys. Holds a private key: keep it where the conversation's state is kept. */
export type OwnDevice = {
  readonly suite: MlsSuite;
  readonly account: AccountId;
  /** The account's Ed25519 identity public key, 32 bytes. */
  readonly identityKey: Uint8Array;
  /** Identity of the MLS BasicCredential: the account's signature over the device key (ENV-10). */
  readonly credential: Uint8Array;
  /** MLS signature public key, 32 bytes. */
  readonly deviceKey: Uint8Array;
  /** Ed25519 seed of the device key, 32 bytes. */
  readonly deviceSeed: Uint8Array;
};

/**
 * A new device of the account behind `identitySeed` (Ed25519 seed, 32 bytes; used here only, not kept).
 * `random` fills the device key's seed.
 */
export function createDevice(input: {
  readonly suite: MlsSuite;
  readonly identitySeed: Uint8Array;
  readonly random: (length: number) => Uint8Array;
}): OwnDevice {
  const { suite } = input;
  const identityKey = ed25519.getPublicKey(input.identitySeed);
  const deviceSeed = input.random(32);
  const deviceKey = ed25519.getPublicKey(deviceSeed);
  const credential = makeCredential({
    identityKey,
    deviceKey,
    sign: (message) => suite.primitives.ed25519Sign(input.identitySeed, message),
  });
  return restoreDevice({ suite, credential, deviceSeed, identityKey });
}

/** MLS signature public key of a device's seed. */
export function deviceKeyOf(deviceSeed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(deviceSeed);
}

/** The device from what was saved of it; throws "credential-refused" where key and credential do not belong together. */
export function restoreDevice(saved: {
  readonly suite: MlsSuite;
  readonly identityKey: Uint8Array;
  readonly credential: Uint8Array;
  readonly deviceSeed: Uint8Array;
}): OwnDevice {
  const deviceKey = ed25519.getPublicKey(saved.deviceSeed);
  try {
    const account = verifyCredential(saved.credential, deviceKey, saved.suite.primitives);
    return { ...saved, account, deviceKey };
  } catch (cause) {
    throw new MlsError("credential-refused", "own device", { cause });
  }
}

/** A key package and the private keys that open what is sent to it. Single use. */
export type OwnKeyPackage = {
  /** MLSMessage with wire format mls_key_package: what is published. */
  readonly public: Uint8Array;
  readonly initPrivateKey: Uint8Array;
  readonly leafPrivateKey: Uint8Array;
};

/** A fresh key package, valid from a day before `now` until 90 days after it. */
export async function createKeyPackage(device: OwnDevice, now: UnixSeconds): Promise<OwnKeyPackage> {
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
    { credentialType: "basic", identity: device.credential },
    CAPABILITIES,
    {
      notBefore: BigInt(Math.max(0, now - BACKDATED)),
      notAfter: BigInt(now + KEY_PACKAGE_DAYS * SECONDS_PER_DAY),
    },
    [],
    { signKey: device.deviceSeed, publicKey: device.deviceKey },
    device.suite.mls,
  );
  return {
    public: encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage: publicPackage }),
    initPrivateKey: privatePackage.initPrivateKey,
    leafPrivateKey: privatePackage.hpkePrivateKey,
  };
}

/** The last day on which somebody can add this device with the key package (MLS-13). */
export function lastDayOf(own: OwnKeyPackage): DayNumber {
  const { leafNode } = parseMessage(own.public, "mls_key_package").keyPackage;
  if (leafNode.leafNodeSource !== "key_package") throw new MlsError("key-package-refused", "leaf");
  return dayOf(unixSeconds(Number(leafNode.lifetime.notAfter)));
}

/**
 * MLS-12: a key package from the wire, checked for everything but its lifetime: signatures, credential, suite,
 * exactly our capabilities' minimum and no extensions.
 */
export async function parseKeyPackage(suite: MlsSuite, bytes: Uint8Array): Promise<KeyPackage> {
  const { keyPackage } = parseMessage(bytes, "mls_key_package");
  await checkKeyPackage(suite, keyPackage);
  return keyPackage;
}

/** Whose device a key package is of. Throws MlsError as {@link parseKeyPackage} (MLS-15). */
export async function deviceOfKeyPackage(suite: MlsSuite, bytes: Uint8Array): Promise<Device> {
  return deviceOfLeaf(suite, (await parseKeyPackage(suite, bytes)).leafNode);
}

/** MLS-12, of a key package that came inside an Add as well. */
export async function checkKeyPackage(suite: MlsSuite, keyPackage: KeyPackage): Promise<void> {
  const { leafNode } = keyPackage;
  deviceOfLeaf(suite, leafNode);
  checkLeafNode(leafNode);
  if (keyPackage.version !== "mls10" || keyPackage.cipherSuite !== CIPHER_SUITE) {
    throw new MlsError("key-package-refused", "cipher suite");
  }
  if (keyPackage.extensions.length > 0) throw new MlsError("key-package-refused", "extensions");
  const signed =
    (await verifyLeafNodeSignatureKeyPackage(leafNode, suite.mls.signature)) &&
    (await verifyKeyPackage(keyPackage, suite.mls.signature));
  if (!signed) throw new MlsError("key-package-refused", "signature");
}

/** MLS-11: what every leaf must support, and no extensions; the same for all, or one leaf could bar all who join. */
export function checkLeafNode(leaf: LeafNode): void {
  const { capabilities } = leaf;
  const supported =
    capabilities.versions.includes("mls10") &&
    capabilities.ciphersuites.includes(CIPHER_SUITE) &&
    capabilities.credentials.includes("basic") &&
    capabilities.extensions.includes(CHARTER_EXTENSION);
  if (!supported) throw new MlsError("leaf-refused", "capabilities");
  if (leaf.extensions.length > 0) throw new MlsError("leaf-refused", "extensions");
}

/** MLS-13: the lifetime is at most 91 days and touches the day of the commit that adds the device. */
export function checkLifetime(keyPackage: KeyPackage, day: DayNumber): void {
  const { notBefore, notAfter } = keyPackage.leafNode.lifetime;
  const start = BigInt(dayStart(day));
  const end = start + BigInt(SECONDS_PER_DAY - 1);
  if (notAfter < notBefore || notAfter - notBefore > BigInt(LONGEST_LIFETIME)) {
    throw new MlsError("key-package-refused", "lifetime too long");
  }
  if (notBefore > end || notAfter < start) throw new MlsError("key-package-refused", "lifetime");
}
