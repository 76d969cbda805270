import {
  base64,
  base64url,
  dayOf,
  formatDay,
  formatInstant,
  hex,
  periodOf,
  unixSeconds,
} from "../../packages/encoding/src/index.ts";

export function make(): unknown {
  const bytes = [0, 1, 2, 3, 4, 5].map((length) => Uint8Array.from({ length }, (_, i) => 251 + i));
  const instants = [0, 86_399, 86_400, 951_782_400, 1_367_761_500, 4_107_542_399].map(unixSeconds);
  return {
    description:
      "Encodings (spec/encoding.md): hexadecimal, base64, calendar, and JSON texts that are refused",
    bytes: bytes.map((b) => ({ hex: hex(b), base64: base64(b), base64url: base64url(b) })),
    calendar: instants.map((at) => ({
      unix: at,
      instant: formatInstant(at),
      day: dayOf(at),
      date: formatDay(dayOf(at)),
      period: periodOf(dayOf(at)),
    })),
    refusedJson: [
      ["duplicate-key", '{"a":1,"a":2}'],
      ["duplicate-key", '{"a":1,"\\u0061":2}'],
      ["duplicate-key", '{"__proto__":{}}'],
      ["not-json", "1.0"],
      ["not-json", "1e3"],
      ["not-json", "-0"],
      ["not-json", "01"],
      ["not-json", "[1,]"],
      ["not-json", '"\\ud800"'],
      ["not-json", ""],
      ["out-of-range", "9007199254740993"],
      ["out-of-range", "[".repeat(40) + "]".repeat(40)],
      ["trailing-bytes", "{} {}"],
    ],
    refusedBase64: ["QQ", "QR==", "Q===", "QQ==\n", "QQ-_"],
    refusedHex: ["A0", "0", "zz"],
    refusedDays: ["2023-02-29", "2023-2-01", "2023-13-01", "20230101"],
    refusedDecimals: ["", "01", "+1", "-1", "1 ", "0x10", "9007199254740993"],
  };
}
