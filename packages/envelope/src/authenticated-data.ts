import { type DayNumber, dayNumber, Reader, Writer } from "@porchlight/encoding";
import { EnvelopeError, parsing } from "./error.ts";

const VERSION = 1;

/** Bytes of the `authenticated_data` of every message and commit (ENV-40). */
export const AUTHENTICATED_DATA_LENGTH = 41;

/** What a sender signs beside its message. `franking` is `null` where there is none (32 zero bytes on the wire). */
export type AuthenticatedData = {
  readonly day: DayNumber;
  /** The message's generation; any other and a member re-encrypted what someone else signed (ENV-41). */
  readonly counter: number;
  readonly franking: Uint8Array | null;
};

/** ENV-40: 41 bytes. */
export function formatAuthenticatedData(data: AuthenticatedData): Uint8Array {
  return new Writer()
    .uint(VERSION, 1)
    .uint(data.day, 4, "day")
    .uint(data.counter, 4, "counter")
    .fixed(data.franking ?? new Uint8Array(32), 32, "franking")
    .finish();
}

/** Strict inverse of {@link formatAuthenticatedData}. */
export function parseAuthenticatedData(bytes: Uint8Array): AuthenticatedData {
  return parsing("authenticated data", () => {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION)
      throw new EnvelopeError("version-unsupported", "authenticated data");
    const day = dayNumber(reader.uint(4, "day"));
    const counter = reader.uint(4, "counter");
    const franking = reader.fixed(32, "franking");
    reader.end("authenticated data");
    return { day, counter, franking: franking.every((byte) => byte === 0) ? null : franking };
  });
}
