import { parseVkey, type SignatureType, TlogError, type VerifierKey } from "@porchlight/tlog";
import type { CharterDocument } from "./charter.ts";
import { CharterError } from "./error.ts";

/** A name and an Ed25519 public key (32 B) that must differ from every other one in the charter. */
export type Cosigner = { readonly name: string; readonly key: Uint8Array };

/**
 * CHA-13: the log's key carries the log's origin as its name, every keyholder has a cosigner key. Returns all keys of
 * the log, so that the charter can refuse one key with two purposes. Throws CharterError.
 */
export function checkLog(charter: CharterDocument): Cosigner[] {
  const log = readVkey(charter.log.vkey, "ed25519", "log.vkey");
  if (log.name !== charter.log.origin) throw new CharterError("charter-inconsistent", "log.origin");
  const keyholders = charter.keyholders.map(({ vkey }) => readVkey(vkey, "cosignature", "keyholders.vkey"));
  return [log, ...keyholders].map(({ name, publicKey }) => ({ name, key: publicKey }));
}

function readVkey(text: string, type: SignatureType, field: string): VerifierKey {
  try {
    const key = parseVkey(text);
    if (key.type === type) return key;
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new CharterError("charter-inconsistent", field, { cause });
  }
  throw new CharterError("charter-inconsistent", field);
}
