// Names and hashes of a key ceremony (spec/ceremony.md): session ids, message documents, round hashes.
import { charterId, fromUtf8, hex, keyholderIndex, parsePeriod } from "@porchlight/encoding";
import {
  formatDkgMessage,
  roundHash,
  type SessionKind,
  sessionId,
} from "../../apps/keyholder/src/dkg-message.ts";

const KINDS: readonly SessionKind[] = ["access", "notice", "keys"];

export function make(): unknown {
  const charter = charterId("5b".repeat(32));
  const names = [
    { charter, period: parsePeriod("2017-10"), generation: 1 },
    { charter, period: parsePeriod("2017-10"), generation: 2 },
    { charter, period: parsePeriod("2026-12"), generation: 4_294_967_295 },
  ];
  const sessions = names.flatMap((name) =>
    KINDS.map((kind) => ({ ...name, kind, session: hex(sessionId(name, kind)) })),
  );
  const session = sessionId(names[0] as (typeof names)[number], "access");
  const bodies = new Map(
    [3, 1, 2].map((index) => [keyholderIndex(index), new Uint8Array(32).fill(index)] as const),
  );
  const messages = [...bodies].map(([from, body]) => ({
    session: hex(session),
    round: 1,
    from,
    body: hex(body),
    document: fromUtf8(formatDkgMessage({ session, round: 1, from, body })),
  }));
  const rounds = ([1, 2, 3] as const).map((round) => ({
    session: hex(session),
    round,
    bodies: [...bodies].map(([from, body]) => ({ from, body: hex(body) })),
    hash: hex(roundHash(session, round, bodies)),
  }));
  return {
    description: "Key ceremony: CER-5 session ids, CER-7 message documents, CER-8 round hashes.",
    sessions,
    messages,
    rounds,
    refused: [
      { why: "not canonical: white space", document: `${messages[0]?.document} ` },
      { why: "round 4", document: messages[0]?.document.replace('"round":1', '"round":4') },
      { why: "keyholder 0", document: messages[0]?.document.replace('"from":3', '"from":0') },
      { why: "unknown member", document: messages[0]?.document.replace("{", '{"also":1,') },
      { why: "base64 without padding", document: messages[0]?.document.replace('="}', '"}') },
      {
        why: "session of 31 bytes",
        document: messages[0]?.document.replace(hex(session), hex(session).slice(2)),
      },
    ],
  };
}
