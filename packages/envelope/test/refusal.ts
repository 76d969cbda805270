import { EnvelopeError, type EnvelopeErrorCode } from "../src/index.ts";

/** The code with which `run` is refused, or "accepted". Anything but an EnvelopeError is a bug and passes through. */
export function codeOf(run: () => unknown): EnvelopeErrorCode | "accepted" {
  try {
    run();
    return "accepted";
  } catch (error) {
    if (error instanceof EnvelopeError) return error.code;
    throw error;
  }
}

/** A copy with one bit changed. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
  return changed;
}
