import { parseDecimal } from "@porchlight/encoding";
import { refuseAs, TlogError, type TlogErrorCode } from "./error.ts";

declare const brand: unique symbol;

/** Number of leaves of a tree, at most 2^53 − 1 (TLOG-7). */
export type TreeSize = number & { readonly [brand]: "TreeSize" };
/** Position of an entry in the log, from 0. */
export type LogIndex = number & { readonly [brand]: "LogIndex" };

function whole(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new TlogError("out-of-range", field);
  return value;
}

export function treeSize(value: number): TreeSize {
  return whole(value, "tree size") as TreeSize;
}

export function logIndex(value: number): LogIndex {
  return whole(value, "log index") as LogIndex;
}

/** A decimal without sign and leading zeroes; anything else is `code`. */
export function parseTreeSize(text: string, code: TlogErrorCode): TreeSize {
  return refuseAs(code, "tree size", () => treeSize(parseDecimal(text, "tree size")));
}
