import type { UnixSeconds } from "@porchlight/encoding";
import { Decrypter, Encrypter } from "age-encryption";
import { EvidenceError } from "./error.ts";
import type { Files } from "./files.ts";
import { readTar, writeTar } from "./tar.ts";

/** The top directory in the archive. */
const TOP = "evidence";

/**
 * EVI-42: `evidence.age`, the package as a tar archive encrypted with age to the requester's recipients (`age1…`).
 * `age -d -i KEY evidence.age | tar x` opens it too. Throws EvidenceError "recipient".
 */
export async function sealEvidence(
  files: Files,
  recipients: readonly string[],
  packagedAt: UnixSeconds,
): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  if (recipients.length === 0) throw new EvidenceError("recipient", "evidence.age");
  try {
    for (const recipient of recipients) encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new EvidenceError("recipient", "evidence.age", { cause });
  }
  return await encrypter.encrypt(writeTar(files, TOP, packagedAt));
}

/** Whether a text is an age recipient that something can be sealed to. */
export function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Inverse of {@link sealEvidence}, with an age identity (`AGE-SECRET-KEY-…`). Throws EvidenceError "cannot-decrypt" for
 * another identity and for altered bytes alike, "archive-malformed" for another's archive.
 */
export async function openSealedEvidence(sealed: Uint8Array, identities: readonly string[]): Promise<Files> {
  let archive: Uint8Array;
  try {
    const decrypter = new Decrypter();
    for (const identity of identities) decrypter.addIdentity(identity);
    archive = await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new EvidenceError("cannot-decrypt", "evidence.age", { cause });
  }
  return readTar(archive, TOP);
}
