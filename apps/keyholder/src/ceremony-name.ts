import { createHash } from "node:crypto";
import { type CharterId, concat, idBytes, type Period, utf8, Writer } from "@porchlight/encoding";

/** What a ceremony is for; the generation's number is never used twice, an aborted one's included (CER-4). */
export type CeremonyName = {
  readonly charter: CharterId;
  readonly period: Period;
  readonly generation: number;
  /** The generation that is reshared; 0 where new keys are made. */
  readonly from: number;
};

/** CER-5: binds every proof made in the ceremony to it. 32 bytes. */
export function sessionId({ charter, period, generation, from }: CeremonyName): Uint8Array {
  const name = concat(
    utf8("porchlight-v1/ceremony-session\0"),
    new Writer()
      .fixed(idBytes(charter), 32)
      .fixed(utf8(period), 7)
      .uint(generation, 4)
      .uint(from, 4)
      .finish(),
  );
  return new Uint8Array(createHash("sha256").update(name).digest());
}
