import {
  BATCH_SLOTS,
  entrySignatureInput,
  formatEntry,
  type LogEntry,
  type SignedEntry,
  signBatch,
  signCeremony,
  signErasure,
  signIntake,
  signNoticeShare,
} from "../../packages/charter/src/index.ts";
import {
  base64,
  commitment,
  fromUtf8,
  hex,
  keyholderIndex,
  type Period,
  parseDay,
} from "../../packages/encoding/src/index.ts";
import { leafHash } from "../../packages/tlog/src/index.ts";
import {
  charterDocument,
  charterOf,
  keysDocument,
  publicKeyOf,
  randomFrom,
  seedOf,
  signedCharter,
  signedKeys,
  signedSuccession,
  successionDocument,
} from "../fixture/deployment.ts";

export async function make(): Promise<unknown> {
  const court = await charterOf("court");
  const house = await charterOf("house");
  const random = randomFrom("entries");
  const day = parseDay("2026-09-11");
  const warrant = signIntake(
    {
      type: "warrant",
      charter: court.id,
      day,
      commitment: commitment(hex(random(32))),
      public: hex(random(32)),
      notices: hex(random(32)),
      secretUntil: "2026-11" as Period,
    },
    seedOf("Intake"),
  );
  const batch = signBatch(
    {
      type: "keyholder-batch",
      charter: court.id,
      keyholder: keyholderIndex(2),
      day,
      slots: Array.from({ length: BATCH_SLOTS }, () => hex(random(32))),
    },
    seedOf("Keyholder 2"),
  );
  const erasure = signErasure(
    {
      type: "erasure",
      charter: court.id,
      period: "2026-09" as Period,
      generation: 2,
      kind: "access",
      keyholder: keyholderIndex(3),
      day,
    },
    seedOf("Keyholder 3"),
  );
  const notice = signIntake(
    {
      type: "notice",
      charter: court.id,
      commitment: warrant.commitment,
      part: 0,
      parts: 1,
      block: random(100),
    },
    seedOf("Intake"),
  );
  const noticeShare = signNoticeShare(
    {
      type: "notice-share",
      charter: court.id,
      keyholder: keyholderIndex(2),
      commitment: warrant.commitment,
      until: parseDay("2026-11-30"),
      period: "2026-09" as Period,
      generation: 1,
      share: hex(random(48)),
    },
    seedOf("Keyholder 2"),
  );
  const signed: [entry: SignedEntry, signer: string][] = [
    [
      signCeremony(
        {
          type: "ceremony",
          charter: court.id,
          period: "2026-09" as Period,
          generation: 1,
          from: 0,
          round: 2,
          keyholder: keyholderIndex(5),
          body: base64(random(33)),
        },
        seedOf("Keyholder 5"),
      ),
      "Keyholder 5",
    ],
    [warrant, "Intake"],
    [signIntake({ ...warrant, type: "hold-order", charter: house.id }, seedOf("Intake")), "Intake"],
    [
      signIntake(
        { type: "revocation", charter: court.id, day, commitment: warrant.commitment },
        seedOf("Intake"),
      ),
      "Intake",
    ],
    [
      signIntake(
        {
          type: "preservation",
          charter: court.id,
          day,
          commitment: warrant.commitment,
          until: "2026-10" as Period,
        },
        seedOf("Intake"),
      ),
      "Intake",
    ],
    [
      signIntake(
        { type: "preservation-lift", charter: court.id, day, commitment: warrant.commitment },
        seedOf("Intake"),
      ),
      "Intake",
    ],
    [
      signIntake(
        { type: "registration", charter: court.id, day, commitment: warrant.commitment },
        seedOf("Intake"),
      ),
      "Intake",
    ],
    [
      signIntake(
        {
          type: "provider-answer",
          charter: court.id,
          day,
          commitment: warrant.commitment,
          data: "traffic",
        },
        seedOf("Intake"),
      ),
      "Intake",
    ],
    [
      signIntake(
        { type: "app-release", charter: court.id, day, version: "0.1.0", manifest: hex(random(32)) },
        seedOf("Intake"),
      ),
      "Intake",
    ],
    [batch, "Keyholder 2"],
    [erasure, "Keyholder 3"],
    [notice, "Intake"],
    [noticeShare, "Keyholder 2"],
  ];
  const documents: LogEntry[] = [
    { type: "charter", document: await signedCharter(charterDocument("court")) },
    { type: "keys", document: await signedKeys(keysDocument(court, "2026-09" as Period)) },
    { type: "succession", document: await signedSuccession(court, successionDocument(court)) },
  ];
  const text = (entry: LogEntry) => fromUtf8(formatEntry(entry));
  return {
    description:
      "Log entries (spec/log-entries.md): their one encoding, RFC 6962 leaf hash, and for those that carry a signature " +
      "the bytes under it and the key that it holds under",
    entries: [
      ...documents.map((entry) => ({ entry: text(entry), leafHash: hex(leafHash(formatEntry(entry))) })),
      ...signed.map(([entry, signer]) => ({
        entry: text(entry),
        leafHash: hex(leafHash(formatEntry(entry))),
        signed: hex(entrySignatureInput(entry)),
        key: hex(publicKeyOf(signer)),
      })),
    ],
    refused: [
      ["white space", text(warrant).replace(":", ": ")],
      ["a line feed at the end", `${text(warrant)}\n`],
      ["an unknown type", text(warrant).replace('"warrant"', '"writ"')],
      ["an unknown member", text(warrant).replace("{", '{"note":"",')],
      ["a member twice", text(warrant).replace('"type":"warrant"', '"type":"warrant","type":"warrant"')],
      ["a member missing", text(warrant).replace(/,"secretUntil":"[^"]*"/, "")],
      ["members in another order", text(warrant).replace(/("day":\d+),("commitment":"[^"]*")/, "$2,$1")],
      ["a day as text", text(warrant).replace(/"day":(\d+)/, '"day":"$1"')],
      ["a day of four digits", text(warrant).replace(/"day":\d+/, '"day":9999')],
      [
        "an upper-case commitment",
        text(warrant).replace(/(?<="commitment":")[^"]*/, (found) => found.toUpperCase()),
      ],
      ["a month that does not exist", text(warrant).replace("2026-11", "2026-13")],
      ["a signature without padding", text(warrant).replace("==", "")],
      ["seven slots", text(batch).replace(/(?<="slots":\[)"[^"]*",/, "")],
      ["nine slots", text(batch).replace(/(?<="slots":\[)("[^"]*",)/, "$1$1")],
      ["a part beyond the last", text(notice).replace('"part":0', '"part":1')],
      ["a share one byte short", text(noticeShare).replace(/(?<="share":")../, "")],
      ["keyholder zero", text(batch).replace('"keyholder":2', '"keyholder":0')],
    ].map(([name, entry]) => ({ name, entry })),
  };
}
