import * as z from "zod";
import { fixedBytes } from "./codec.ts";
import { LIMITS } from "./limits.ts";

/** 64 lower-case hex digits, drawn by the sender. */
export const attachmentIdText = z.string().regex(/^[0-9a-f]{64}$/);

export const attachmentRequest = z.strictObject({
  id: attachmentIdText,
  /** Bytes of the ciphertext. */
  size: z.int().min(1).max(LIMITS.attachment),
});

export const attachmentState = z.object({
  size: z.int(),
  complete: z.boolean(),
  /** Numbers of the parts that are durable, ascending; empty once it is complete. */
  received: z.array(z.int()),
});

/** The digest of the ciphertext (ATT-1). */
export const attachmentCompletion = z.strictObject({ digest: fixedBytes(32) });

export const attachmentCancellation = z.strictObject({});

export type AttachmentState = z.output<typeof attachmentState>;
