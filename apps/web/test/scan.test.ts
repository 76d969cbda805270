import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import {
  formatContactCode,
  formatVerification,
} from "../../../packages/client/src/messenger/safety-number.ts";
import { pairingCode, pairingQr } from "../../../packages/client/src/pairing-message.ts";
import { accountId } from "../../../packages/encoding/src/index.ts";
import { qrModules } from "../src/parts/qr.tsx";
import { contactCodeOf, ForeignLinkError } from "../src/people/contact-link.ts";
import { claimOf } from "../src/scan/code.ts";
import { type Frame, loadReader } from "../src/scan/reader.ts";
import { drawnCode } from "./drawn-code.ts";

const [WIDTH, HEIGHT] = [640, 480];
const account = () => accountId(randomBytes(32).toString("hex"));
const OWN = "https://chat.example.org";
const link = (code: string) => `${OWN}/join#contact=${encodeURIComponent(code)}`;
const SHOWN = {
  "safety-number": formatVerification(account(), account()),
  pairing: pairingQr(pairingCode(randomBytes(8))),
  contact: link(
    formatContactCode(account(), "Wilhelmina-Charlotte von der Bank am Alten Markt 123456789012345"),
  ),
} as const;

function frameOf(text: string, options: Parameters<typeof drawnCode>[1] = {}): Frame {
  const brightness = drawnCode(qrModules(text), { width: WIDTH, height: HEIGHT, ...options });
  const data = new Uint8ClampedArray(4 * brightness.length);
  for (const [i, value] of brightness.entries()) data.set([value, value, value, 255], 4 * i);
  return { width: WIDTH, height: HEIGHT, data };
}

let read: (frame: Frame) => string | null;
beforeAll(async () => {
  read = await loadReader();
});

describe("scanned codes", () => {
  test.each(Object.entries(SHOWN))(
    "CON-21, CON-23, ACC-31: %s: what our page shows is read, held straight or not",
    (kind, text) => {
      for (const turn of [0, 0.1, -0.4, Math.PI / 2, Math.PI]) {
        expect([turn, read(frameOf(text, { turn }))]).toEqual([turn, text]);
      }
      expect(claimOf(text, OWN)).toBe(kind);
    },
  );

  test("a finger's width over a code is made up for, half of it is not, and nothing is read into a picture without one", () => {
    const text = SHOWN["safety-number"];
    expect(read(frameOf(text, { spoils: (x, y) => x > 20 && x < 25 && y > 20 && y < 25 }))).toBe(text);
    expect(read(frameOf(text, { spoils: (x) => x > 12 && x < 34 }))).toBeNull();
    const size = 4 * WIDTH * HEIGHT;
    for (const data of [new Uint8ClampedArray(size), new Uint8ClampedArray(randomBytes(size))]) {
      expect(read({ width: WIDTH, height: HEIGHT, data })).toBeNull();
    }
  });

  test("what a code claims to be is told by its beginning, and anything else is none of ours", () => {
    expect(claimOf("https://chat.example.org/join#AAAA&contact=plc1.AAAA", OWN)).toBe("invitation");
    expect(claimOf(formatContactCode(account(), "Ada"), OWN)).toBe("contact");
    for (const hostile of [
      "",
      "<img src=x onerror=alert(1)>porchlight-verify:1:",
      "javascript:alert(1)//join#contact=plc1.AAAA",
      ` ${SHOWN.pairing}`,
      `porchlight-verify:1:${"0".repeat(2000)}`,
      "https://evil.example/ /join#contact=plc1.AAAA",
      "https://[/join",
      "WIFI:S:porchlight-pair:;T:WPA;;",
    ]) {
      expect([hostile, claimOf(hostile, OWN)]).toEqual([hostile, "other"]);
    }
  });

  test("CON-23: a contact link of another service is refused, scanned or pasted; a code by itself is of none", () => {
    const code = formatContactCode(account(), "Ada");
    for (const own of [
      code,
      ` ${code}\n`,
      link(code),
      `Write to me: ${link(code)} (Ada)`,
      link(code).replace("https:", "HTTPS:"),
      link(code).slice("https://".length),
      `#contact=${encodeURIComponent(code)}`,
      // With signs of the text that it stood in, or what is no address of any service.
      `(#contact=${encodeURIComponent(code)})`,
      `(${link(code)}).`,
      `<${link(code)}>`,
      `„${link(code)}“`,
      `Link:${link(code)}`,
      `[Ada](${link(code)})`,
      `(${link(code).slice("https://".length)}`,
      link(code).replace(OWN, "https://["),
    ]) {
      expect([own, contactCodeOf(own, OWN)]).toEqual([own, code]);
    }
    for (const foreign of [
      "https://other.example.org",
      "http://chat.example.org",
      "https://chat.example.org:8443",
      "https://chat.example.org.evil.example",
      "https://chat.example.org@evil.example",
      "https://evil.example/https://chat.example.org",
    ]) {
      const scanned = link(code).replace(OWN, foreign);
      expect([foreign, claimOf(scanned, OWN)]).toEqual([foreign, "foreign-contact"]);
      for (const pasted of [scanned, `Write to me: ${scanned}`, `(${scanned})`, `Link:${scanned}`]) {
        expect(() => contactCodeOf(pasted, OWN), pasted).toThrow(ForeignLinkError);
      }
    }
    const bare = link(code).replace(OWN, "other.example.org");
    for (const pasted of [bare, `(${bare})`]) {
      expect(() => contactCodeOf(pasted, OWN), pasted).toThrow(ForeignLinkError);
    }
  });
});
