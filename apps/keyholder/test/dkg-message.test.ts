import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  charterId,
  EncodingError,
  fromHex,
  fromUtf8,
  hex,
  keyholderIndex,
  parsePeriod,
  utf8,
} from "@porchlight/encoding";
import type { DkgRound } from "@porchlight/quorum";
import { expect, test } from "vitest";
import {
  formatDkgMessage,
  parseDkgMessage,
  roundHash,
  type SessionKind,
  sessionId,
} from "../src/dkg-message.ts";

type Vectors = {
  sessions: { charter: string; period: string; generation: number; kind: SessionKind; session: string }[];
  messages: { session: string; round: DkgRound; from: number; body: string; document: string }[];
  rounds: { session: string; round: DkgRound; bodies: { from: number; body: string }[]; hash: string }[];
  refused: { why: string; document: string }[];
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/ceremony.json", import.meta.url), "utf8"),
) as Vectors;

const sha256 = (...parts: Uint8Array[]): string =>
  createHash("sha256").update(Buffer.concat(parts)).digest("hex");

test("CER-5: a session id covers charter, period, generation and kind", () => {
  for (const { charter, period, generation, kind, session } of vectors.sessions) {
    const name = { charter: charterId(charter), period: parsePeriod(period), generation };
    expect(hex(sessionId(name, kind))).toBe(session);
    // As the page says it, without this program's code.
    const number = Buffer.alloc(4);
    number.writeUInt32BE(generation);
    const domain = utf8("porchlight-v1/ceremony-session\0");
    expect(sha256(domain, fromHex(charter), utf8(period), number, utf8(kind))).toBe(session);
  }
  expect(new Set(vectors.sessions.map(({ session }) => session)).size).toBe(vectors.sessions.length);
});

test("CER-7: a message has one encoding", () => {
  for (const { session, round, from, body, document } of vectors.messages) {
    const message = { session: fromHex(session), round, from: keyholderIndex(from), body: fromHex(body) };
    expect(fromUtf8(formatDkgMessage(message))).toBe(document);
    expect(parseDkgMessage(utf8(document))).toEqual(message);
  }
  for (const { why, document } of vectors.refused) {
    expect(() => parseDkgMessage(utf8(document)), why).toThrow(EncodingError);
  }
});

test("CER-8: a round's hash is over all bodies in the order of their keyholders", () => {
  for (const { session, round, bodies, hash } of vectors.rounds) {
    const given = new Map(bodies.map(({ from, body }) => [keyholderIndex(from), fromHex(body)]));
    expect(hex(roundHash(fromHex(session), round, given))).toBe(hash);
    const parts = bodies
      .toSorted((a, b) => a.from - b.from)
      .flatMap(({ from, body }) => [Uint8Array.of(from), fromHex(sha256(fromHex(body)))]);
    const domain = utf8("porchlight-v1/ceremony-round\0");
    expect(sha256(domain, fromHex(session), Uint8Array.of(round, bodies.length), ...parts)).toBe(hash);
  }
});
