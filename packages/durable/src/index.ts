export { type ArchiveFile, readArchive, writeArchive } from "./archive.ts";
export { DurableError, type DurableErrorCode } from "./error.ts";
export {
  createFileDurable,
  eraseFileDurable,
  makeDirectory,
  readFileOrNull,
  removeFileDurable,
  syncDirectory,
  writeFileDurable,
} from "./file.ts";
export { Journal, MAX_RECORD } from "./journal.ts";
export { type DirectoryLock, lastHolder, lockDirectory } from "./lock.ts";
export { createPassphrase, PASSPHRASE_VARIABLE, passphrasePath, readPassphrase } from "./passphrase.ts";
export { type Sealing, SecretFile, SecretStore, STRONG_WORK_FACTOR } from "./secret.ts";
