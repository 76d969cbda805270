import * as z from "zod";
import { logIndexValue, signedDocumentValue, treeSizeValue } from "./codec.ts";

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

export type LoggedDocument = z.output<typeof loggedKeysAnswer>["keys"][number];
export type Health = z.output<typeof healthAnswer>;
