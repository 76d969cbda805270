// What somebody with stolen or outdated keys can try, for tests: every secret that a state holds, and every key of it
// against everything that a commit encrypts.
import type { ClientState } from "ts-mls";
import { decryptWithLabel } from "ts-mls/crypto/hpke.js";
import { encodeGroupContext } from "ts-mls/groupContext.js";
import { allSecretTreeValues } from "ts-mls/secretTree.js";
import {
  type ActiveConversation,
  deserializeConversation,
  type MlsSuite,
  type OwnKeyPackage,
} from "../src/index.ts";
import { parseMessage } from "../src/wire-format.ts";
import { active } from "./world.ts";

/** Copies of all secrets of the epoch: key schedule, message ratchets, private keys of the tree. */
export function secretsOf({ state }: ActiveConversation): Uint8Array[] {
  return [
    ...Object.values(state.keySchedule),
    ...Object.values(state.privatePath.privateKeys),
    ...allSecretTreeValues(state.secretTree),
  ].flatMap((secret) => (secret === undefined ? [] : [Uint8Array.from(secret)]));
}

/** A saved state opened again, as a thief of it would. */
export function stolen(suite: MlsSuite, saved: Uint8Array): ActiveConversation {
  return active(deserializeConversation(suite, saved));
}

/** The stolen keys with everything public of the present epoch around them. */
export function updatedByPublicData(thief: ActiveConversation, now: ActiveConversation): ActiveConversation {
  const { groupContext, ratchetTree, confirmationTag } = now.state;
  return {
    ...thief,
    day: now.day,
    envelopes: now.envelopes,
    state: { ...thief.state, groupContext, ratchetTree, confirmationTag },
  };
}

/**
 * How many of the path secrets in a commit these private keys open. `before` and `after` are a member's states on both
 * sides of the commit, for the public context that the encryption is bound to.
 */
export async function openedPathSecrets(
  suite: MlsSuite,
  keys: readonly Uint8Array[],
  commit: Uint8Array,
  before: Pick<ClientState, "groupContext">,
  after: Pick<ClientState, "groupContext">,
): Promise<number> {
  const { publicMessage } = parseMessage(commit, "mls_public_message");
  if (publicMessage.content.contentType !== "commit") throw new Error("no commit");
  const { path } = publicMessage.content.commit;
  const context = encodeGroupContext({
    ...after.groupContext,
    confirmedTranscriptHash: before.groupContext.confirmedTranscriptHash,
  });
  const { hpke } = suite.mls;
  let opened = 0;
  for (const key of keys) {
    const privateKey = await hpke.importPrivateKey(key);
    for (const { kemOutput, ciphertext } of path?.nodes.flatMap((node) => node.encryptedPathSecret) ?? []) {
      const secret = await decryptWithLabel(
        privateKey,
        "UpdatePathNode",
        context,
        kemOutput,
        ciphertext,
        hpke,
      ).catch(() => null);
      if (secret !== null) opened++;
    }
  }
  return opened;
}

/** How many of a Welcome's group secrets the init key of somebody's key package opens, addressed to it or not. */
export async function openedGroupSecrets(
  suite: MlsSuite,
  keyPackage: OwnKeyPackage,
  bytes: Uint8Array,
): Promise<number> {
  const { welcome } = parseMessage(bytes, "mls_welcome");
  const { hpke } = suite.mls;
  const key = await hpke.importPrivateKey(keyPackage.initPrivateKey);
  let opened = 0;
  for (const { encryptedGroupSecrets } of welcome.secrets) {
    const { kemOutput, ciphertext } = encryptedGroupSecrets;
    const { encryptedGroupInfo } = welcome;
    const secret = await decryptWithLabel(
      key,
      "Welcome",
      encryptedGroupInfo,
      kemOutput,
      ciphertext,
      hpke,
    ).catch(() => null);
    if (secret !== null) opened++;
  }
  return opened;
}
