import { createHash } from "node:crypto";
import {
  base64,
  type CharterId,
  concat,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64,
  fromHex,
  hex,
  idBytes,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  parseJson,
  utf8,
  Writer,
} from "@porchlight/encoding";
import type { DkgRound } from "@porchlight/quorum";

/** The two key generations of a period, and the exchange of signatures on its `keys` document. */
export type SessionKind = "access" | "notice" | "keys";

/** What a ceremony is for; the generation's number is never used twice, an aborted one's included (CER-4). */
export type CeremonyName = {
  readonly charter: CharterId;
  readonly period: Period;
  readonly generation: number;
};

/** A message of a ceremony, as it is signed for the board (CER-7). */
export type DkgMessage = {
  /** CER-5, 32 bytes. */
  readonly session: Uint8Array;
  readonly round: DkgRound;
  readonly from: KeyholderIndex;
  readonly body: Uint8Array;
};

const MAX_BODY = 128 * 1024;

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** CER-5: names a session on the board and binds every proof made in it. 32 bytes. */
export function sessionId({ charter, period, generation }: CeremonyName, kind: SessionKind): Uint8Array {
  return sha256(
    concat(
      utf8("porchlight-v1/ceremony-session\0"),
      new Writer().fixed(idBytes(charter), 32).fixed(utf8(period), 7).uint(generation, 4).finish(),
      utf8(kind),
    ),
  );
}

/** CER-8: what a `ceremony` entry says of a round: SHA-256 over session, round and every participant's body. */
export function roundHash(
  session: Uint8Array,
  round: DkgRound,
  bodies: ReadonlyMap<KeyholderIndex, Uint8Array>,
): Uint8Array {
  const parts = [...bodies]
    .sort(([a], [b]) => a - b)
    .map(([from, body]) => concat(Uint8Array.of(from), sha256(body)));
  return sha256(
    concat(
      utf8("porchlight-v1/ceremony-round\0"),
      new Writer().fixed(session, 32).uint(round, 1).uint(parts.length, 1).finish(),
      ...parts,
    ),
  );
}

/** The canonical document bytes, to be signed as kind "dkg". */
export function formatDkgMessage({ session, round, from, body }: DkgMessage): Uint8Array {
  return utf8(JSON.stringify({ version: 1, session: hex(session), round, from, body: base64(body) }));
}

/** Strict inverse of {@link formatDkgMessage}. Throws EncodingError. */
export function parseDkgMessage(bytes: Uint8Array): DkgMessage {
  const fields = new Fields(parseJson(bytes, "dkg"), "dkg");
  fields.literal("version", 1);
  const message: DkgMessage = {
    session: fromHex(fields.string("session"), 32, "dkg.session"),
    round: fields.literal("round", 1, 2, 3),
    from: keyholderIndex(fields.integer("from")),
    body: fromBase64(fields.string("body", 2 * MAX_BODY), undefined, "dkg.body"),
  };
  fields.end();
  if (!equalBytes(formatDkgMessage(message), bytes)) throw new EncodingError("not-canonical", "dkg");
  return message;
}
