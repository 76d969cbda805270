import { z } from "zod";
import { keyholderIndexValue, logIndexValue, signedDocumentValue, treeSizeValue } from "./codec.ts";
import { LIMITS } from "./limits.ts";

/** DEL-61: session id of a key ceremony, 64 lower-case hex digits. */
export const boardSessionText = z.string().regex(/^[0-9a-f]{64}$/);

export const boardPost = z.strictObject({
  round: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  from: keyholderIndexValue,
  /** SignedDocument "dkg" by keyholder `from`; the board checks the signature and looks no further. */
  document: signedDocumentValue,
});
/** `position` counts the session's messages from 1; the same document again has the position that it has. */
export const boardAnswer = z.object({ position: z.int().min(1) });
export const boardMessage = z.object({ position: z.int().min(1), ...boardPost.shape });
export const boardPage = z.object({ messages: z.array(boardMessage).max(LIMITS.boardPage) });

export const entryAnswer = z.object({ index: logIndexValue });

/** Convenience lists, from the log: whoever relies on one verifies it against the log. */
export const chartersAnswer = z.object({
  charters: z.array(z.object({ index: logIndexValue, document: signedDocumentValue })),
});
export const loggedKeysAnswer = z.object({
  keys: z.array(z.object({ index: logIndexValue, document: signedDocumentValue })),
});

export const healthAnswer = z.object({
  status: z.enum(["ok", "degraded"]),
  /** Entries in the log, and how many of them the published checkpoint covers; absent where the process keeps no log. */
  log: z.object({ size: treeSizeValue, published: treeSizeValue }).optional(),
});

export const readyAnswer = z.object({
  ready: z.boolean(),
  /** Whether word from the other server processes arrives; without it, what they took is seen some seconds later. */
  hints: z.boolean(),
});

export type BoardPost = z.output<typeof boardPost>;
export type BoardMessage = z.output<typeof boardMessage>;
export type LoggedDocument = z.output<typeof loggedKeysAnswer>["keys"][number];
export type Health = z.output<typeof healthAnswer>;
