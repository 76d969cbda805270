import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  base64,
  base64url,
  dayOf,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  formatInstant,
  fromBase64,
  fromBase64url,
  fromHex,
  fromUtf8,
  hex,
  parseDay,
  parseDecimal,
  parseInstant,
  parseJson,
  periodOf,
  Reader,
  unixSeconds,
  utf8,
  Writer,
} from "../src/index.ts";

const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/encoding.json", import.meta.url), "utf8"),
) as {
  bytes: { hex: string; base64: string; base64url: string }[];
  calendar: { unix: number; instant: string; day: number; date: string; period: string }[];
  refusedJson: [string, string][];
  refusedBase64: string[];
  refusedHex: string[];
  refusedDays: string[];
  refusedDecimals: string[];
};

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof EncodingError) return error.code;
    throw error;
  }
  return "accepted";
};

test("ENC-3: vectors of hexadecimal and base64", () => {
  for (const vector of vectors.bytes) {
    const bytes = fromHex(vector.hex);
    expect(base64(bytes)).toBe(vector.base64);
    expect(base64url(bytes)).toBe(vector.base64url);
    expect(Buffer.from(bytes).toString("base64")).toBe(vector.base64);
    expect(fromBase64(vector.base64)).toEqual(bytes);
    expect(fromBase64url(vector.base64url)).toEqual(bytes);
  }
  for (const text of vectors.refusedBase64)
    expect(
      codeOf(() => fromBase64(text)),
      text,
    ).not.toBe("accepted");
  for (const text of vectors.refusedHex)
    expect(
      codeOf(() => fromHex(text)),
      text,
    ).toBe("not-hex");
});

test("ENC-3: round trip of any bytes; what decodes encodes to the same text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(fromBase64(base64(bytes))).toEqual(bytes);
      expect(fromBase64url(base64url(bytes))).toEqual(bytes);
      expect(fromHex(hex(bytes))).toEqual(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9+/]{0,12}={0,2}$/), (text) => {
      if (codeOf(() => fromBase64(text)) === "accepted") expect(base64(fromBase64(text))).toBe(text);
    }),
  );
});

test("ENC-6, ENC-7: vectors of days, instants and periods", () => {
  for (const vector of vectors.calendar) {
    const at = unixSeconds(vector.unix);
    expect(formatInstant(at)).toBe(vector.instant);
    expect(parseInstant(vector.instant)).toBe(vector.unix);
    expect(dayOf(at)).toBe(vector.day);
    expect(formatDay(dayOf(at))).toBe(vector.date);
    expect(parseDay(vector.date)).toBe(vector.day);
    expect(periodOf(dayOf(at))).toBe(vector.period);
  }
  for (const text of vectors.refusedDays)
    expect(
      codeOf(() => parseDay(text)),
      text,
    ).not.toBe("accepted");
});

test("ENC-5: decimals without sign or leading zero only", () => {
  for (const text of vectors.refusedDecimals)
    expect(
      codeOf(() => parseDecimal(text, "n")),
      text,
    ).not.toBe("accepted");
  expect(parseDecimal("9007199254740991", "n")).toBe(Number.MAX_SAFE_INTEGER);
});

test("ENC-4: refused JSON, each with its code", () => {
  for (const [code, text] of vectors.refusedJson)
    expect(
      codeOf(() => parseJson(utf8(text))),
      text,
    ).toBe(code);
});

test("ENC-4: agrees with JSON.parse on what it accepts", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      if (codeOf(() => parseJson(Buffer.from(text))) === "accepted") {
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }
    }),
  );
  expect(parseJson(utf8(' {"a" : [1, true, null, "x\\n"] } '))).toEqual({ a: [1, true, null, "x\n"] });
});

test("ENC-4: a string ends where JSON.parse ends it, whatever it holds", () => {
  const piece = fc.constantFrom(
    '"',
    "\\",
    "u",
    "00e9",
    "d83d",
    "n",
    "x",
    "/",
    "\n",
    "\u001f",
    "é",
    "😀",
    " ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = `"${pieces.join("")}"`;
      const outcome = codeOf(() => parseJson(utf8(text)));
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {}
      const isGood = typeof parsed === "string" && parsed.isWellFormed();
      if (isGood) expect(parseJson(utf8(text))).toBe(parsed);
      else expect(["not-json", "trailing-bytes"]).toContain(outcome);
    }),
    { numRuns: 3000 },
  );
});

test("ENC-3, ENC-4: sixteen million characters in one string are read like five", () => {
  const long = "A".repeat(16 * 2 ** 20);
  expect(parseJson(utf8(`{"a":"${long}"}`))).toEqual({ a: long });
  expect(parseJson(utf8(`["${"\\n".repeat(2 ** 23)}"]`))).toEqual(["\n".repeat(2 ** 23)]);
  expect(codeOf(() => parseJson(utf8(`"${long}`)))).toBe("not-json");
  expect(codeOf(() => parseJson(utf8(`"${long}\n"`)))).toBe("not-json");
  expect(fromHex("a0".repeat(2 ** 23))).toHaveLength(2 ** 23);
  expect(codeOf(() => fromHex(`${"a0".repeat(2 ** 23)}a`))).toBe("not-hex");
});

test("ENC-4: every member is read exactly as its type, unknown ones are refused", () => {
  const fields = new Fields(parseJson(utf8('{"a":1,"b":"x"}')), "doc");
  expect(fields.integer("a")).toBe(1);
  expect(codeOf(() => fields.end())).toBe("unknown-field");
  expect(codeOf(() => fields.integer("b"))).toBe("wrong-type");
  expect(codeOf(() => fields.string("c"))).toBe("missing-field");
  expect(codeOf(() => new Fields([], "doc"))).toBe("wrong-type");
});

test("ENC-1: invalid UTF-8 and lone surrogates are refused", () => {
  expect(codeOf(() => fromUtf8(Uint8Array.of(0xc3)))).toBe("not-utf8");
  expect(codeOf(() => utf8("\ud800"))).toBe("not-utf8");
  expect(fromUtf8(utf8("\ufeffé"))).toBe("\ufeffé");
});

test("ENC-2: reader and writer are inverse; missing and trailing bytes are refused", () => {
  const bytes = new Writer()
    .uint(7, 1)
    .uint(65_535, 2)
    .u64(2 ** 52)
    .opaque(Uint8Array.of(1, 2), 4)
    .finish();
  const reader = new Reader(bytes);
  expect([reader.uint(1), reader.uint(2), reader.u64()]).toEqual([7, 65_535, 2 ** 52]);
  expect(reader.opaque(4, 10)).toEqual(Uint8Array.of(1, 2));
  reader.end();
  expect(codeOf(() => new Reader(bytes.slice(0, -1)).fixed(bytes.length))).toBe("truncated");
  expect(codeOf(() => new Reader(bytes).end())).toBe("trailing-bytes");
  expect(codeOf(() => new Writer().uint(256, 1))).toBe("out-of-range");
  expect(codeOf(() => new Reader(bytes.slice(11)).opaque(4, 1))).toBe("too-long");
  expect(equalBytes(bytes, bytes.slice())).toBe(true);
  expect(equalBytes(bytes, bytes.slice(1))).toBe(false);
});
