import {
  type AccountId,
  accountId,
  base64,
  base64url,
  EncodingError,
  Fields,
  fromBase64,
  fromBase64url,
  parseJson,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { ClientError } from "../error.ts";
import {
  formatUnlock,
  parseUnlock,
  type UnlockSlot,
  unwrapWithPassphrase,
  unwrapWithPrf,
  wrapWithPassphrase,
  wrapWithPrf,
} from "../unlock.ts";
import type { UnlockSecret } from "./intents.ts";
import type { Platform } from "./platform.ts";
import type { UnlockWay } from "./view.ts";

/** What can be read of a locked device: whose it is, and how it opens. */
export type Door = {
  readonly name: string;
  readonly account: AccountId;
  readonly slots: readonly UnlockSlot[];
};

const VERSION = 1;

export function formatDoor({ name, account, slots }: Door): Uint8Array {
  return utf8(JSON.stringify({ version: VERSION, name, account, unlock: base64(formatUnlock(slots)) }));
}

/** Throws ClientError "state-corrupt". */
export function parseDoor(bytes: Uint8Array): Door {
  try {
    const fields = new Fields(parseJson(bytes, "door"), "door");
    fields.literal("version", VERSION);
    const door = {
      name: fields.string("name", 64),
      account: accountId(fields.string("account", 64)),
      slots: parseUnlock(fromBase64(fields.string("unlock", 100_000))),
    };
    fields.end();
    return door;
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new ClientError("state-corrupt", "what says whose device this is is not what was saved", { cause });
  }
}

export function waysOf({ slots }: Door): readonly UnlockWay[] {
  return slots.map((slot) =>
    slot.kind === "passphrase"
      ? { kind: "passphrase" }
      : {
          kind: "passkey",
          credential: slot.credentialId,
          prfInput: base64url(slot.salt),
          label: slot.label ?? "",
          made: slot.made === undefined ? null : unixSeconds(slot.made),
        },
  );
}

/** A further way to the storage key. Throws ClientError "unlock-refused" for a secret that is none. */
export async function slotFor(
  key: Uint8Array,
  secret: UnlockSecret,
  platform: Platform,
): Promise<UnlockSlot> {
  const { random, passphraseLogN, clock } = platform;
  if (secret.kind === "passphrase") {
    if (secret.passphrase === "") throw refused();
    return await wrapWithPassphrase(key, secret.passphrase, random, passphraseLogN);
  }
  const { credential, prfInput, prf, label = "" } = secret;
  if (prf.length !== 32) throw refused();
  const salt = fromBase64url(prfInput, 32, "prfInput");
  const made = clock.now();
  return await wrapWithPrf(key, { credentialId: credential, salt, output: prf, label, made }, random);
}

/** The storage key. Throws ClientError "unlock-refused". */
export async function opened({ slots }: Door, secret: UnlockSecret): Promise<Uint8Array> {
  const key =
    secret.kind === "passphrase"
      ? await unwrapWithPassphrase(slots, secret.passphrase)
      : await unwrapWithPrf(slots, { credentialId: secret.credential, output: secret.prf });
  if (key === null) throw refused();
  return key;
}

function refused(): ClientError {
  return new ClientError("unlock-refused", "this does not open the device: try again, or another way");
}
