import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, type KeyholderIndex, keyholderIndex } from "@porchlight/encoding";
import { QuorumError } from "./error.ts";
import { transcript } from "./scalar.ts";
import { isXwingPublicKey, xwingKeygen } from "./xwing.ts";

/** One run of key generation as one participant sees it. Everything but `self` and `decryptionKey` is common to all. */
export type DkgSession = {
  /** 32 bytes, never used for two runs. */
  readonly session: Uint8Array;
  /** Ascending, distinct. */
  readonly participants: readonly KeyholderIndex[];
  readonly threshold: number;
  /** X-Wing public keys, 1216 bytes, of exactly the participants. */
  readonly encryptionKeys: ReadonlyMap<KeyholderIndex, Uint8Array>;
  readonly self: KeyholderIndex;
  /** X-Wing secret key of `self`, 32 bytes. */
  readonly decryptionKey: Uint8Array;
};

/** Throws QuorumError "session-invalid" with the member at fault. */
export function checkSession(session: DkgSession): void {
  const fail = (field: string): never => {
    throw new QuorumError("session-invalid", field);
  };
  const { participants, threshold, encryptionKeys, self } = session;
  if (session.session.length !== 32) fail("session");
  for (const [i, index] of participants.entries()) {
    if (keyholderIndex(index) <= (participants[i - 1] ?? 0)) fail("participants");
    const key = encryptionKeys.get(index);
    if (key === undefined || !isXwingPublicKey(key)) fail("encryption keys");
  }
  if (encryptionKeys.size !== participants.length) fail("encryption keys");
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > participants.length) fail("threshold");
  if (!participants.includes(self)) fail("self");
  const own = encryptionKeys.get(self) as Uint8Array;
  if (!equalBytes(xwingKeygen(session.decryptionKey).publicKey, own)) fail("decryption key");
}

/** DKG-1: binds every proof, commitment and share to session id, threshold, participants and their encryption keys. */
export function sessionContext(session: DkgSession): Uint8Array {
  return sha256(
    transcript(
      "dkg-session",
      session.session,
      Uint8Array.of(session.threshold),
      ...session.participants.map((index) =>
        concat(Uint8Array.of(index), session.encryptionKeys.get(index) as Uint8Array),
      ),
    ),
  );
}
