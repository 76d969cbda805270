// The library itself, for tests that play an attacker or another implementation.
export {
  acceptAll,
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPub,
  createProposal,
  decodeMlsMessage,
  defaultCapabilities,
  defaultCryptoProvider,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  processMessage,
} from "ts-mls";
export { defaultClientConfig } from "ts-mls/clientConfig.js";
export { validateRatchetTree } from "ts-mls/clientState.js";
export { encode } from "ts-mls/codec/tlsEncoder.js";
export { extensionEncoder } from "ts-mls/extension.js";
export { generateKeyPackageWithKey } from "ts-mls/keyPackage.js";
export { protect, unprotectPrivateMessage } from "ts-mls/messageProtection.js";
export type { Proposal } from "ts-mls/proposal.js";
export { encodeRatchetTree, type RatchetTree } from "ts-mls/ratchetTree.js";
export { makeResumptionPsk } from "ts-mls/resumption.js";
export { ratchetToGeneration } from "ts-mls/secretTree.js";
export { treeHashRoot } from "ts-mls/treeHash.js";

export function makeCustomExtension(extensionType: number): {
  extensionType: number;
  extensionData: Uint8Array;
} {
  return { extensionType, extensionData: new Uint8Array(2) };
}
