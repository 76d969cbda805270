import { concat, Reader, Writer } from "@porchlight/encoding";
import { EnvelopeError, parsing } from "./error.ts";
import { MLS10, readVector, vector } from "./mls.ts";

/** WireFormat mls_private_message, RFC 9420 §6. */
const WIRE_FORMAT = 2;
/** ContentType application. */
const APPLICATION = 1;

/** An application PrivateMessage, RFC 9420 §6.3. */
export type PrivateMessage = {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly authenticatedData: Uint8Array;
  readonly encryptedSenderData: Uint8Array;
  readonly ciphertext: Uint8Array;
};

/**
 * MLSMessage bytes that hold a PrivateMessage of application data. "not-private-message" and "not-application" for
 * what MLS also sends (commits, welcomes, proposals), "malformed" for what is no MLSMessage of version mls10.
 */
export function parsePrivateMessage(bytes: Uint8Array): PrivateMessage {
  return parsing("MLSMessage", () => {
    const reader = new Reader(bytes);
    if (reader.uint(2, "version") !== MLS10) throw new EnvelopeError("version-unsupported", "MLSMessage");
    if (reader.uint(2, "wire format") !== WIRE_FORMAT) throw new EnvelopeError("not-private-message");
    const groupId = readVector(reader, "group id");
    const epoch = reader.u64("epoch");
    if (reader.uint(1, "content type") !== APPLICATION) throw new EnvelopeError("not-application");
    const message = {
      groupId,
      epoch,
      authenticatedData: readVector(reader, "authenticated data"),
      encryptedSenderData: readVector(reader, "encrypted sender data"),
      ciphertext: readVector(reader, "ciphertext"),
    };
    reader.end("MLSMessage");
    return message;
  });
}

/** SenderDataAAD, RFC 9420 §6.3.2. */
export function senderDataAad(groupId: Uint8Array, epoch: number): Uint8Array {
  return concat(vector(groupId), new Writer().u64(epoch).uint(APPLICATION, 1).finish());
}

/** PrivateContentAAD, RFC 9420 §6.3.1. */
export function privateContentAad(
  groupId: Uint8Array,
  epoch: number,
  authenticatedData: Uint8Array,
): Uint8Array {
  return concat(senderDataAad(groupId, epoch), vector(authenticatedData));
}

export type SenderData = {
  readonly leafIndex: number;
  readonly generation: number;
  /** 4 bytes. */
  readonly reuseGuard: Uint8Array;
};

// What is inside the encryption is read as leniently as MLS libraries read it (ENV-52). Were a recipient's library to
// accept an encoding that an opener refuses, a sender could write what everyone reads and no warrant opens. Nothing
// depends on the difference: what is signed is encoded again, canonically.

/** RFC 9420 §6.3.2: the first 12 bytes. */
export function parseSenderData(bytes: Uint8Array): SenderData {
  return parsing("sender data", () => {
    const reader = new Reader(bytes);
    return {
      leafIndex: reader.uint(4, "leaf index"),
      generation: reader.uint(4, "generation"),
      reuseGuard: reader.fixed(4, "reuse guard"),
    };
  });
}

/** PrivateMessageContent of application data, RFC 9420 §6.3.1: the padding must be zero. */
export function parsePrivateMessageContent(bytes: Uint8Array): {
  readonly applicationData: Uint8Array;
  readonly signature: Uint8Array;
} {
  return parsing("PrivateMessageContent", () => {
    const reader = new Reader(bytes);
    const applicationData = readVector(reader, "application data", "lax");
    const signature = readVector(reader, "signature", "lax");
    if (!reader.fixed(reader.remaining).every((byte) => byte === 0)) {
      throw new EnvelopeError("malformed", "PrivateMessageContent (padding)");
    }
    return { applicationData, signature };
  });
}

/** FramedContentTBS of a member's application data, RFC 9420 §6.1; `groupContext` are the TLS bytes. */
export function framedContentTbs(input: {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly leafIndex: number;
  readonly authenticatedData: Uint8Array;
  readonly applicationData: Uint8Array;
  readonly groupContext: Uint8Array;
}): Uint8Array {
  return concat(
    new Writer().uint(MLS10, 2).uint(WIRE_FORMAT, 2).finish(),
    vector(input.groupId),
    // Sender: SenderType member (1), then its leaf index.
    new Writer().u64(input.epoch).uint(1, 1).uint(input.leafIndex, 4).finish(),
    vector(input.authenticatedData),
    Uint8Array.of(APPLICATION),
    vector(input.applicationData),
    input.groupContext,
  );
}
