// The sending half of RFC 9420's PrivateMessage. Every part can be made wrong, as a member could who knows the group's
// secrets: what an honest library never sends is what openers and recipients have to agree about.
import { concat, dayNumber, utf8, Writer } from "@porchlight/encoding";
import {
  type CipherSuite,
  type EnvelopeHeader,
  type EscrowSecret,
  formatAuthenticatedData,
  formatPlaintext,
  frankingField,
  parseGroupContext,
} from "../src/index.ts";
import { expandWithLabel, signContent, vector } from "../src/mls.ts";
import { framedContentTbs, privateContentAad, senderDataAad } from "../src/private-message.ts";

export type Made = {
  readonly generation: number;
  /** The generation, where nothing else is said. */
  readonly counter?: number;
  readonly text: string | Uint8Array;
  readonly groupId?: Uint8Array;
  readonly epoch?: number;
  readonly leafIndex?: number;
  /** What the sender data says, where it lies. */
  readonly claimedGeneration?: number;
  readonly day?: number;
  readonly signer?: Uint8Array;
  readonly franking?: Uint8Array;
  readonly application?: Uint8Array;
  /** Of application data and signature, where not the shortest. */
  readonly lengths?: "four bytes";
  readonly afterSenderData?: Uint8Array;
  readonly authenticatedData?: Uint8Array;
  readonly padding?: Uint8Array;
  readonly contentType?: number;
};

/** MLSMessages of the device that `header` names, from its epoch's 64 bytes and the seed of its signature key. */
export function messageMaker(sender: {
  readonly header: EnvelopeHeader;
  readonly secret: EscrowSecret;
  readonly deviceSeed: Uint8Array;
  readonly suite: CipherSuite;
}): (made: Made) => Uint8Array {
  const { header, deviceSeed, suite } = sender;
  const { groupId, epoch } = parseGroupContext(header.groupContext);
  const senderDataSecret = sender.secret.slice(32);

  /** application_ratchet_secret[generation]. */
  const ratchet: Uint8Array[] = [sender.secret.slice(0, 32)];
  const ratchetSecret = (generation: number): Uint8Array => {
    for (let g = ratchet.length; g <= generation; g++) {
      ratchet.push(expandWithLabel(suite, ratchet[g - 1] as Uint8Array, "secret", uint32(g - 1), 32));
    }
    return ratchet[generation] as Uint8Array;
  };

  return (made) => {
    const content = typeof made.text === "string" ? utf8(made.text) : made.text;
    const counter = made.counter ?? made.generation;
    const frankingKey = suite.hash(utf8(`franking ${counter}`));
    const authenticatedData =
      made.authenticatedData ??
      formatAuthenticatedData({
        day: dayNumber(made.day ?? header.label.day),
        counter,
        franking: made.franking ?? frankingField(frankingKey, content, suite),
      });
    const group = made.groupId ?? groupId;
    const at = made.epoch ?? epoch;
    const leafIndex = made.leafIndex ?? header.leafIndex;
    const applicationData = made.application ?? formatPlaintext({ frankingKey, content });
    const tbs = framedContentTbs({
      groupId: group,
      epoch: at,
      leafIndex,
      authenticatedData,
      applicationData,
      groupContext: header.groupContext,
    });
    const signature = suite.ed25519Sign(made.signer ?? deviceSeed, signContent("FramedContentTBS", tbs));
    const write = made.lengths === "four bytes" ? longVector : vector;
    const secret = ratchetSecret(made.generation);
    const reuseGuard = suite.hash(uint32(made.generation)).subarray(0, 4);
    const nonce = expandWithLabel(suite, secret, "nonce", uint32(made.generation), 12).map(
      (byte, i) => byte ^ (reuseGuard[i] ?? 0),
    );
    const ciphertext = suite.aeadSeal(
      expandWithLabel(suite, secret, "key", uint32(made.generation), 16),
      nonce,
      privateContentAad(group, at, authenticatedData),
      concat(write(applicationData), write(signature), made.padding ?? new Uint8Array(0)),
    );
    const sample = ciphertext.subarray(0, 32);
    const encryptedSenderData = suite.aeadSeal(
      expandWithLabel(suite, senderDataSecret, "key", sample, 16),
      expandWithLabel(suite, senderDataSecret, "nonce", sample, 12),
      senderDataAad(group, at),
      concat(
        uint32(leafIndex),
        uint32(made.claimedGeneration ?? made.generation),
        reuseGuard,
        made.afterSenderData ?? new Uint8Array(0),
      ),
    );
    return concat(
      new Writer().uint(1, 2).uint(2, 2).finish(),
      vector(group),
      new Writer()
        .u64(at)
        .uint(made.contentType ?? 1, 1)
        .finish(),
      vector(authenticatedData),
      vector(encryptedSenderData),
      vector(ciphertext),
    );
  };
}

function uint32(value: number): Uint8Array {
  return new Writer().uint(value, 4).finish();
}

function longVector(bytes: Uint8Array): Uint8Array {
  return concat(new Writer().uint(2 ** 31 + bytes.length, 4).finish(), bytes);
}
