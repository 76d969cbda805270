import { equalBytes } from "@porchlight/encoding";
import { type AuthenticatedData, parseAuthenticatedData } from "./authenticated-data.ts";
import type { CipherSuite } from "./cipher-suite.ts";
import { EnvelopeError } from "./error.ts";
import { type EscrowSecret, leafSecretOf, senderDataSecretOf } from "./escrow-secret.ts";
import { checkFranking } from "./franking.ts";
import type { EnvelopeHeader } from "./header.ts";
import { expandWithLabel, parseGroupContext, signContent } from "./mls.ts";
import {
  framedContentTbs,
  type PrivateMessage,
  parsePrivateMessage,
  parsePrivateMessageContent,
  parseSenderData,
  privateContentAad,
  type SenderData,
  senderDataAad,
} from "./private-message.ts";
import { ApplicationRatchet } from "./ratchet.ts";

/** A message that decrypted. Any member of the group could have made it: nothing here says that the sender did. */
export type DecryptedMessage = {
  /** Place in the sender's ratchet, and its signed counter (ENV-41). */
  readonly generation: number;
  readonly epoch: number;
  readonly leafIndex: number;
  readonly authenticatedData: AuthenticatedData;
  /** The application data: franking key ‖ content (ENV-43, `checkFranking`). */
  readonly content: Uint8Array;
};

/** A message that the header's device signed, as a recipient would have accepted it. */
export type OpenedMessage = DecryptedMessage & { readonly signatureValid: true };

export type Opener = {
  /**
   * Opens one MLSMessage (ENV-50 to ENV-57): what recipients accept opens, what they refuse is refused. Throws an
   * EnvelopeError about this message alone: later ones still open, and a refused message spends no generation, so
   * that neither junk nor a forgery takes the place of the genuine one.
   */
  readonly open: (message: Uint8Array) => OpenedMessage;
  /**
   * The same without the signature (ENV-58): a preview. It spends the generation, so messages to be relied on need
   * another opener.
   */
  readonly decrypt: (message: Uint8Array) => DecryptedMessage;
};

/**
 * Opens standard RFC 9420 PrivateMessages of one sender in one epoch from the 64 escrowed bytes. `header` comes from
 * an envelope that `openEnvelope` (or `verifyEnvelope`) accepted. Feed the messages in the server's order, as recipients
 * read them: of two messages of one generation the first opens and the second is reported.
 */
export function createOpener(input: {
  readonly secret: EscrowSecret;
  readonly header: EnvelopeHeader;
  readonly suite: CipherSuite;
}): Opener {
  const { header, suite } = input;
  const context = parseGroupContext(header.groupContext);
  const senderDataSecret = senderDataSecretOf(input.secret);
  const ratchet = new ApplicationRatchet(suite, leafSecretOf(input.secret));

  const decrypt = (bytes: Uint8Array): { readonly opened: DecryptedMessage; readonly signed: Signed } => {
    const message = parsePrivateMessage(bytes);
    if (!equalBytes(message.groupId, context.groupId)) throw new EnvelopeError("wrong-group");
    if (message.epoch !== context.epoch) throw new EnvelopeError("wrong-epoch", String(message.epoch));
    const sender = openSenderData(suite, senderDataSecret, message);
    if (sender.leafIndex !== header.leafIndex) throw new EnvelopeError("wrong-sender");
    const { key, nonce } = ratchet.peek(sender.generation);
    for (let i = 0; i < 4; i++) nonce[i] = (nonce[i] as number) ^ (sender.reuseGuard[i] as number);
    const plaintext = suite.aeadOpen(
      key,
      nonce,
      privateContentAad(message.groupId, message.epoch, message.authenticatedData),
      message.ciphertext,
    );
    if (plaintext === null) throw new EnvelopeError("ciphertext-refused", `generation ${sender.generation}`);
    const { applicationData, signature } = parsePrivateMessageContent(plaintext);
    const authenticatedData = parseAuthenticatedData(message.authenticatedData);
    if (authenticatedData.day !== header.label.day) {
      throw new EnvelopeError("wrong-day", String(authenticatedData.day));
    }
    // MLS signatures do not cover the generation: a member can encrypt another's signed message again, at a generation
    // that its sender has not reached. The signed counter gives it away.
    const { counter } = authenticatedData;
    if (counter !== sender.generation) {
      throw new EnvelopeError(ratchet.isUsed(counter) ? "counter-used" : "counter-mismatch", String(counter));
    }
    checkFranking(authenticatedData, applicationData, suite);
    return {
      opened: {
        generation: sender.generation,
        epoch: message.epoch,
        leafIndex: sender.leafIndex,
        authenticatedData,
        content: applicationData,
      },
      signed: { message, applicationData, signature },
    };
  };

  return {
    open: (bytes) => {
      const { opened, signed } = decrypt(bytes);
      const tbs = framedContentTbs({
        groupId: signed.message.groupId,
        epoch: opened.epoch,
        leafIndex: opened.leafIndex,
        authenticatedData: signed.message.authenticatedData,
        applicationData: signed.applicationData,
        groupContext: header.groupContext,
      });
      if (!suite.ed25519Verify(header.deviceKey, signContent("FramedContentTBS", tbs), signed.signature)) {
        throw new EnvelopeError("message-signature", `generation ${opened.generation}`);
      }
      ratchet.use(opened.generation);
      return { ...opened, signatureValid: true };
    },
    decrypt: (bytes) => {
      const { opened } = decrypt(bytes);
      ratchet.use(opened.generation);
      return opened;
    },
  };
}

type Signed = {
  readonly message: PrivateMessage;
  readonly applicationData: Uint8Array;
  readonly signature: Uint8Array;
};

/** RFC 9420 §6.3.2: key and nonce come from the first 32 bytes of the ciphertext. */
function openSenderData(suite: CipherSuite, secret: Uint8Array, message: PrivateMessage): SenderData {
  const sample = message.ciphertext.subarray(0, 32);
  const plaintext = suite.aeadOpen(
    expandWithLabel(suite, secret, "key", sample, 16),
    expandWithLabel(suite, secret, "nonce", sample, 12),
    senderDataAad(message.groupId, message.epoch),
    message.encryptedSenderData,
  );
  if (plaintext === null) throw new EnvelopeError("sender-data-refused");
  return parseSenderData(plaintext);
}
