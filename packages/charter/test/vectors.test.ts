import { readFileSync } from "node:fs";
import { fromHex, hex, parseJson, utf8 } from "@porchlight/encoding";
import { leafHash, nobleSuite } from "@porchlight/tlog";
import { describe, expect, test } from "vitest";
import {
  charterDocument,
  charterOf,
  KEYHOLDERS,
  keyholderName,
  keysDocument,
  signedCharter,
  signedKeys,
  signerOf,
} from "../../../vectors/fixture/deployment.ts";
import {
  type CharterKind,
  entrySignatureInput,
  formatContest,
  formatEntry,
  parseCharter,
  parseContest,
  parseEntry,
  parseKeys,
  parseSignedDocument,
  parseStatement,
  type SignedEntry,
  signDocument,
  unverifiedPayload,
  verifyCharter,
  verifyContest,
  verifyKeys,
  verifyStatement,
} from "../src/index.ts";

type Signed = { document: string; signed: string };
type Edit = { name: string; from: string; to: string };

function read<T>(name: string): T {
  const bytes = readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url));
  return parseJson(new Uint8Array(bytes)) as T;
}

const charters = read<{
  charters: (Signed & { kind: CharterKind; id: string })[];
  refused: (Edit & { rule: string; code: string })[];
  keys: Signed & { charter: string; refused: Edit[] };
  statement: Signed & { charter: string };
}>("charter");
const contests = read<Signed & { refused: { name: string; signed: string }[]; malformed: Edit[] }>("contest");
const entries = read<{
  entries: { entry: string; leafHash: string; signed?: string; key?: string }[];
  refused: { name: string; entry: string }[];
}>("entries");

const court = await charterOf("court");

describe("vectors/charter.json", () => {
  test.each(charters.charters)("CHA-7, CHA-8: the $kind charter", async ({ kind, id, document, signed }) => {
    const parsed = parseSignedDocument(utf8(signed));
    expect(new TextDecoder().decode(unverifiedPayload(parsed))).toBe(document);
    const charter = await verifyCharter(parsed);
    expect(charter.id).toBe(id);
    expect(charter).toMatchObject(charterDocument(kind));
    expect(await signedCharter(charterDocument(kind))).toEqual(parsed);
  });

  test.each(charters.refused)("$rule: $name is refused ($code)", ({ code, from, to }) => {
    const base = charters.charters.find(({ kind }) => kind === "court")?.document ?? "";
    expect(base).toContain(from);
    expect(() => parseCharter(utf8(base.replace(from, () => to)))).toThrow(expect.objectContaining({ code }));
  });

  test("CHA-16 to CHA-18: keys", async () => {
    const { document, signed, charter } = charters.keys;
    expect(charter).toBe(court.id);
    const keys = await verifyKeys(parseSignedDocument(utf8(signed)), court);
    expect(keys.access.mpk).toEqual(parseKeys(utf8(document)).access.mpk);
    expect(await signedKeys(keysDocument(court, keys.period))).toEqual(parseSignedDocument(utf8(signed)));
  });

  test.each(charters.keys.refused)("CHA-18, CHA-19: $name is refused", async ({ from, to }) => {
    expect(charters.keys.document).toContain(from);
    const edited = charters.keys.document.replace(from, () => to);
    const signed = await signDocument("keys", utf8(edited), KEYHOLDERS.map(keyholderName).map(signerOf));
    await expect(verifyKeys(signed, court)).rejects.toMatchObject({
      code: expect.stringMatching(/keys-inconsistent|wrong-charter/),
    });
  });

  test("CHA-20: the provider's statement", async () => {
    const { document, signed } = charters.statement;
    const statement = await verifyStatement(parseSignedDocument(utf8(signed)), court);
    expect(statement).toEqual(parseStatement(utf8(document)));
  });
});

describe("vectors/contest.json", () => {
  test("CONT-1: a contest as the provider signed it", async () => {
    const contest = await verifyContest(parseSignedDocument(utf8(contests.signed)), court);
    expect(contest).toEqual(parseContest(utf8(contests.document)));
    expect(formatContest(contest)).toEqual(utf8(contests.document));
  });

  test.each(contests.refused)("CONT-1: $name is refused", async ({ signed }) => {
    await expect(verifyContest(parseSignedDocument(utf8(signed)), court)).rejects.toMatchObject({
      name: "CharterError",
    });
  });

  test.each(contests.malformed)("CONT-1: $name is malformed", ({ from, to }) => {
    expect(contests.document).toContain(from);
    expect(() => parseContest(utf8(contests.document.replace(from, () => to)))).toThrow(
      expect.objectContaining({ name: "EncodingError" }),
    );
  });
});

describe("vectors/entries.json", () => {
  test.each(entries.entries)("ENT-1 to ENT-8: $entry", ({ entry: text, leafHash: hash, signed, key }) => {
    const entry = parseEntry(utf8(text));
    expect(formatEntry(entry)).toEqual(utf8(text));
    expect(hex(leafHash(utf8(text)))).toBe(hash);
    if (signed === undefined || key === undefined) return;
    const own = entry as SignedEntry;
    expect(hex(entrySignatureInput(own))).toBe(signed);
    const signature = new Uint8Array(Buffer.from("intake" in own ? own.intake : own.signature, "base64"));
    expect(nobleSuite.verifyEd25519(fromHex(key), fromHex(signed), signature)).toBe(true);
  });

  test.each(entries.refused)("ENT-1: $name is refused", ({ entry }) => {
    expect(() => parseEntry(utf8(entry))).toThrow(expect.objectContaining({ name: "EncodingError" }));
  });
});
