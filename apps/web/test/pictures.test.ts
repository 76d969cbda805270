import { crc32, deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { asPicture, drawablePreview } from "../src/files/picture.ts";
import { pictureSize } from "../src/files/picture-size.ts";
import { flatWebp } from "./flat-pictures.ts";

/** One bit a pixel, all of them black. */
function flatPng(width: number, height: number): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, body: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(type, "latin1"), body]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))));
  const start = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Uint8Array.from(
    Buffer.concat([start, chunk("IHDR", header), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]),
  );
}

const bytes = (...parts: (number | string)[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : [...Buffer.from(part, "latin1")])),
  );
const SEGMENT = [0xff, 0xe1, 0, 6, 0xff, 0xc0, 0, 0];
const frame = (marker: number): number[] => [0xff, marker, 0, 11, 8, 0x01, 0x02, 0x03, 0x04, 1, 0, 0, 0];
const EXTENDED = ["WEBPVP8X", 10, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x3f, 0, 0xff, 0, 1];

test.each<[string, Uint8Array, { width: number; height: number } | null]>([
  ["PNG", flatPng(2000, 3), { width: 2000, height: 3 }],
  ["lossless WebP", flatWebp(16_383, 5), { width: 16_383, height: 5 }],
  [
    "lossy WebP",
    bytes("RIFF", 0, 0, 0, 0, "WEBPVP8 ", 9, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 0x40, 0x41, 0xf0, 0),
    { width: 320, height: 240 },
  ],
  ["extended WebP", bytes("RIFF", 0, 0, 0, 0, ...EXTENDED), { width: 16_383, height: 65_792 }],
  [
    "JPEG: the frame, not what looks like one inside of a segment",
    bytes(0xff, 0xd8, ...SEGMENT, 0xff, 0xc4, 0, 2, 0xff, ...frame(0xc2)),
    { width: 0x0304, height: 0x0102 },
  ],
  ["JPEG: a scan before any frame", bytes(0xff, 0xd8, ...SEGMENT, 0xff, 0xda, 0, 2, ...frame(0xc0)), null],
  ...[0x00, 0x01, 0xd0, 0xd7, 0xd8].map((marker): [string, Uint8Array<ArrayBuffer>, null] => [
    `JPEG: a marker without a length, ${marker.toString(16)}, in front of the frame that decoders take`,
    bytes(0xff, 0xd8, 0xff, marker, ...frame(0xc0), ...frame(0xc2)),
    null,
  ]),
  [
    "GIF: a picture larger than its screen",
    bytes("GIF89a", 1, 0, 1, 0, 0, 0, 0, 0x21, 0xf9, 1, 0, 0, 0x2c, 1, 0, 0, 0, 0xff, 0x3f, 2, 0, 0),
    { width: 16_384, height: 2 },
  ],
  ["no picture", bytes("<svg xmlns='http://www.w3.org/2000/svg'/>"), null],
])("the size of a picture is read from its bytes: %s", (_, picture, size) => {
  expect(pictureSize(picture)).toEqual(size);
  // Cut anywhere before the size, it has none; nothing throws.
  for (let end = 0; end < Math.min(picture.length, 64); end++) pictureSize(picture.subarray(0, end));
  expect(pictureSize(picture.subarray(0, 9))).toBeNull();
});

test("CON-10: a preview of one colour and 16,383 pixels a side is not drawn, whatever the message says of it", () => {
  const [fair, hostile] = [flatWebp(320, 200), flatWebp(16_383, 16_383)];
  expect(hostile.length).toBeLessThan(100);
  expect(drawablePreview({ bytes: fair })?.type).toBe("image/webp");
  expect(drawablePreview({ bytes: hostile })).toBeNull();
  expect(drawablePreview({ bytes: flatPng(2049, 1) })).toBeNull();
  expect(
    drawablePreview({ bytes: bytes("GIF89a", 1, 0, 1, 0, 0, 0, 0, 0x2c, ...Array(9).fill(0)) }),
  ).toBeNull();
});

test("a full picture is drawn up to 50 megapixels and 40 MiB; beyond that it is a file", async () => {
  const drawn = async (...parts: Uint8Array<ArrayBuffer>[]) => (await asPicture(new Blob(parts))).kind;
  expect(await drawn(flatPng(5000, 5000))).toBe("picture");
  const flat = flatPng(16_383, 16_383);
  expect(flat.length).toBeLessThan(40_000);
  expect(await drawn(flat)).toBe("large-picture");
  expect(await drawn(flatPng(8, 8), new Uint8Array(40 * 1024 * 1024))).toBe("large-picture");
  expect(await drawn(bytes("%PDF-1.7"))).toBe("no-picture");
});
