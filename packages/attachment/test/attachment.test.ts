import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { concat, fromBase64, fromHex, hex } from "@porchlight/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AttachmentSuite,
  digestOf,
  fileKeyOf,
  formatReference,
  keyFrom,
  layoutOf,
  MAX_ATTACHMENT,
  nobleSuite,
  openPart,
  PART,
  paddedSize,
  readReference,
  sealPart,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";

type Vectors = {
  padding: { size: number; padded: number; sealed: number; parts: number }[];
  files: { seed: string; content: string; fileKey: string; digest: string; parts: string[] }[];
  repeated: { seed: string; size: number; fileKey: string; parts: number; digest: string };
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/attachment.json", import.meta.url), "utf8"),
) as Vectors;

const key = keyFrom(new Uint8Array(32).fill(7));
const SIZE = 2 * PART + 100_000;
const content = new Uint8Array(randomBytes(SIZE));
const layout = layoutOf(SIZE);

async function sealed(suite: AttachmentSuite = nodeSuite, of = key): Promise<Uint8Array[]> {
  const parts = [];
  for (let part = 0; part < layout.parts; part++) {
    const { start, length } = layout.plaintext(part);
    parts.push(
      await sealPart(suite, of, layout, part, content.subarray(start, Math.min(SIZE, start + length))),
    );
  }
  return parts;
}

async function code(run: Promise<unknown>): Promise<string> {
  return await run.then(
    () => "opened",
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}

describe.each([
  ["noble", nobleSuite],
  ["OpenSSL", nodeSuite],
])("with %s", (_name, suite) => {
  test("ATT-4, ATT-5: the vectors", async () => {
    for (const { seed, content, fileKey, digest, parts } of vectors.files) {
      const bytes = fromHex(content);
      const own = digestOf([await suite.sha256(bytes)]);
      const made = fileKeyOf(fromHex(seed), { size: bytes.length, digest: own });
      expect(hex(made)).toBe(fileKey);
      const found = layoutOf(bytes.length);
      const digests: Uint8Array[] = [];
      for (const [part, expected] of parts.entries()) {
        const sealed = await sealPart(suite, keyFrom(made), found, part, bytes);
        digests.push(await suite.sha256(sealed));
        expect(hex(sealed)).toBe(expected);
        expect(await openPart(suite, keyFrom(made), found, part, sealed)).toEqual(bytes);
      }
      expect(hex(digestOf(digests))).toBe(digest);
    }
  });

  test("ATT-4: a ciphertext of several parts is the vectors'", async () => {
    const { size, seed, fileKey, parts, digest } = vectors.repeated;
    const bytes = Uint8Array.from({ length: size }, (_, at) => at % 251);
    const found = layoutOf(size);
    expect(found.parts).toBe(parts);
    const contents = Array.from({ length: parts }, (_, part) => {
      const { start, length } = found.plaintext(part);
      return bytes.subarray(start, Math.min(size, start + length));
    });
    const own = digestOf(await Promise.all(contents.map(suite.sha256)));
    const made = fileKeyOf(fromHex(seed), { size, digest: own });
    expect(hex(made)).toBe(fileKey);
    const digests: Uint8Array[] = [];
    for (const [part, content] of contents.entries()) {
      digests.push(await suite.sha256(await sealPart(suite, keyFrom(made), found, part, content)));
    }
    expect(hex(digestOf(digests))).toBe(digest);
  });

  test("seals what the other opens", async () => {
    const parts = await sealed(suite);
    const opened = [];
    for (const [part, bytes] of parts.entries()) {
      opened.push(await openPart(suite === nodeSuite ? nobleSuite : nodeSuite, key, layout, part, bytes));
    }
    expect(Buffer.from(concat(...opened)).equals(content)).toBe(true);
  });
});

test("ATT-2, ATT-3: sizes as in the vectors; parts of 1 MiB, at most an eighth of padding, few sizes", () => {
  for (const { size, padded, sealed: whole, parts } of vectors.padding) {
    const found = layoutOf(size);
    expect({ size, padded: found.padded, sealed: found.sealed, parts: found.parts }).toEqual({
      size,
      padded,
      sealed: whole,
      parts,
    });
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_ATTACHMENT }), (size) => {
      const found = layoutOf(size);
      expect(found.padded).toBeGreaterThanOrEqual(size);
      expect(found.padded).toBeLessThanOrEqual(Math.max(4096, size * 1.125));
      expect(paddedSize(found.padded)).toBe(found.padded);
      let total = 0;
      for (const part of new Set([0, found.parts - 1])) {
        const length = found.sealedLength(part);
        expect(length).toBeGreaterThan(0);
        expect(length).toBeLessThanOrEqual(PART);
        total = part * PART + length;
      }
      expect(total).toBe(found.sealed);
    }),
  );
  const sizes = new Set(Array.from({ length: 1000 }, (_, i) => paddedSize(1_000_000 + 1000 * i)));
  expect(sizes.size).toBeLessThan(40);
  expect(() => layoutOf(MAX_ATTACHMENT + 1)).toThrow(expect.objectContaining({ code: "size-refused" }));
  expect(() => layoutOf(-1)).toThrow(expect.objectContaining({ code: "size-refused" }));
});

test("ATT-6: altered, swapped, reordered and cut parts are refused, each by name", async () => {
  const parts = await sealed();
  const [first, second, last] = parts as [Uint8Array, Uint8Array, Uint8Array];
  const open = (part: number, bytes: Uint8Array, of = key) =>
    code(openPart(nodeSuite, of, layout, part, bytes));
  expect(await open(0, first)).toBe("opened");
  // in another's place
  expect(await open(1, concat(second.subarray(0, 5), second.subarray(5)))).toBe("opened");
  expect(await code(openPart(nodeSuite, key, layoutOf(3 * PART), 2, second))).toBe("part-refused");
  // the last one in place of one in the middle, as after a cut: an attachment of one part less
  const shorter = layoutOf(layout.plaintext(2).start - 200_000);
  expect(shorter.parts).toBe(2);
  expect(await code(openPart(nodeSuite, key, shorter, 1, second.subarray(0, shorter.sealedLength(1))))).toBe(
    "part-refused",
  );
  // cut, and with a byte more
  expect(await open(2, last.subarray(1))).toBe("part-length");
  expect(await open(2, concat(last, new Uint8Array(1)))).toBe("part-length");
  expect(await open(3, last)).toBe("part-length");
  // another's
  const other = keyFrom(new Uint8Array(32).fill(8));
  expect(await open(0, first, other)).toBe("commitment-mismatch");
  expect(await open(1, second, other)).toBe("part-refused");
  const theirs = await sealed(nodeSuite, other);
  expect(await open(1, theirs[1] as Uint8Array)).toBe("part-refused");
  // any bit
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: last.length * 8 - 1 }), async (bit) => {
      const altered = last.slice();
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await open(2, altered)).toBe("part-refused");
    }),
    { numRuns: 100 },
  );
});

test("ATT-6: bytes behind the content are refused", async () => {
  const small = layoutOf(10);
  const larger = layoutOf(20);
  expect(small.padded).toBe(larger.padded);
  const bytes = await sealPart(nodeSuite, key, larger, 0, new Uint8Array(20).fill(1));
  expect(await code(openPart(nodeSuite, key, small, 0, bytes))).toBe("padding-malformed");
});

test("ATT-5: another content or size has another key", () => {
  const seed = new Uint8Array(32).fill(1);
  const digest = new Uint8Array(32).fill(2);
  const keys = [
    fileKeyOf(seed, { size: 1, digest }),
    fileKeyOf(seed, { size: 2, digest }),
    fileKeyOf(seed, { size: 1, digest: new Uint8Array(32) }),
    fileKeyOf(new Uint8Array(32), { size: 1, digest }),
  ];
  expect(new Set(keys.map(hex)).size).toBe(4);
});

test("ATT-1: a reference is read back, and nothing else is", () => {
  const reference = {
    id: "ab".repeat(32),
    key: Buffer.alloc(32, 3).toString("base64"),
    digest: "cd".repeat(32),
    size: 12,
    type: "image/png",
    name: "a.png",
  };
  expect(readReference(formatReference(reference), "test")).toEqual(reference);
  expect(fromBase64(reference.key, 32).length).toBe(32);
  const refused = [
    { ...reference, id: "AB".repeat(32) },
    { ...reference, key: "AA==" },
    { ...reference, digest: "cd" },
    { ...reference, size: -1 },
    { ...reference, size: MAX_ATTACHMENT + 1 },
    { ...reference, type: "not a type" },
    { ...reference, name: "x".repeat(256) },
  ];
  for (const one of refused) {
    expect(() => readReference(one, "test")).toThrow(
      expect.objectContaining({ code: "reference-malformed" }),
    );
  }
});
