import { type AccountId, hex } from "@porchlight/encoding";
import { type CipherSuite, EnvelopeError, verifyCredential } from "@porchlight/envelope";
import { defaultKeyPackageEqualityConfig, defaultPaddingConfig } from "ts-mls";
import type { ClientConfig } from "ts-mls/clientConfig.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import { MlsError } from "./error.ts";
import type { MlsSuite } from "./suite.ts";

/** Messages that a device may have encrypted and never sent, in one epoch, before the next that arrives. */
const MAXIMUM_FORWARD_STEPS = 1000;
const MAX_REMEMBERED = 65_536;

const configs = new WeakMap<CipherSuite, ClientConfig>();

/**
 * The library's knobs, set as far down as they go: no message key is kept for later (order is total, MLS-4), no old
 * epoch is kept ("0" would keep them all), and a credential that the account did not sign is refused everywhere.
 */
export function clientConfig(suite: MlsSuite): ClientConfig {
  const known = configs.get(suite.primitives);
  if (known !== undefined) return known;
  const config: ClientConfig = {
    keyRetentionConfig: {
      retainKeysForGenerations: 0,
      retainKeysForEpochs: 1,
      maximumForwardRatchetSteps: MAXIMUM_FORWARD_STEPS,
    },
    // The library would ask the system clock; MLS-13 checks lifetimes against the day of the commit instead.
    lifetimeConfig: { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false },
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    paddingConfig: defaultPaddingConfig,
    authService: {
      validateCredential: async (credential, deviceKey) =>
        credential.credentialType === "basic" &&
        accountOfCredential(suite, credential.identity, deviceKey) !== null,
    },
  };
  configs.set(suite.primitives, config);
  return config;
}

const remembered = new WeakMap<CipherSuite, Map<string, AccountId | null>>();

/** The account whose identity key signed the device key (MLS-10), or `null`. A pure function: answers are kept. */
function accountOfCredential(
  suite: MlsSuite,
  credential: Uint8Array,
  deviceKey: Uint8Array,
): AccountId | null {
  let answers = remembered.get(suite.primitives);
  if (answers === undefined) remembered.set(suite.primitives, (answers = new Map()));
  const name = hex(credential) + hex(deviceKey);
  const answer = answers.get(name);
  if (answer !== undefined) return answer;
  let account: AccountId | null = null;
  try {
    account = verifyCredential(credential, deviceKey, suite.primitives);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
  }
  if (answers.size >= MAX_REMEMBERED) answers.clear();
  answers.set(name, account);
  return account;
}

/** One device of the group as its leaf shows it. */
export type Device = {
  readonly account: AccountId;
  /** MLS signature public key, 32 bytes. */
  readonly deviceKey: Uint8Array;
  /** Identity of its BasicCredential (ENV-10). */
  readonly credential: Uint8Array;
};

const devices = new WeakMap<LeafNode, Device>();

/** MLS-10: throws "credential-refused" for a leaf whose account did not sign its device key. */
export function deviceOfLeaf(suite: MlsSuite, leaf: LeafNode): Device {
  const known = devices.get(leaf);
  if (known !== undefined) return known;
  if (leaf.credential.credentialType !== "basic") throw new MlsError("credential-refused", "not basic");
  const credential = leaf.credential.identity;
  const account = accountOfCredential(suite, credential, leaf.signaturePublicKey);
  if (account === null) throw new MlsError("credential-refused");
  const device = { account, deviceKey: leaf.signaturePublicKey, credential };
  devices.set(leaf, device);
  return device;
}
