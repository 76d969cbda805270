export * from "./accountable-policy.ts";
export * from "./checkpoint.ts";
export * from "./entry-bundle.ts";
export { TlogError, type TlogErrorCode } from "./error.ts";
export {
  appendLeaves,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeFrontier,
  frontierRoot,
  loadFrontier,
  type Tile,
  type TreeFrontier,
  treeHash,
} from "./frontier.ts";
export {
  type ConsistencyClaim,
  emptyRoot,
  type InclusionClaim,
  leafHash,
  MAX_ENTRY_LENGTH,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "./merkle.ts";
export {
  cosign,
  mergeSignatures,
  type Note,
  type NoteSignature,
  parseNote,
  signNote,
  type VerifiedNote,
  type VerifiedSignature,
  verifyNote,
} from "./note.ts";
export {
  fewestCosignatures,
  formatPolicy,
  type Policy,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  parsePolicy,
} from "./policy.ts";
export { type LogIndex, logIndex, type TreeSize, treeSize } from "./size.ts";
export { nobleSuite, type TlogSuite } from "./suite.ts";
export { entriesPath, parseTilePath, TILE_WIDTH, type TilePath, tilePath } from "./tile-path.ts";
export type { TileReader } from "./tile-reader.ts";
export { formatProof, type LogProof, parseProof, verifyProof } from "./tlog-proof.ts";
export { consistencyProof, inclusionProof, leafHashAt } from "./tree-proof.ts";
export {
  formatSignerKey,
  formatVkey,
  makeSigner,
  makeVerifierKey,
  parseSignerKey,
  parseVkey,
  type SignatureType,
  type Signer,
  type VerifierKey,
} from "./vkey.ts";
export * from "./witness.ts";
export * from "./witnessed.ts";
