import { readFileSync } from "node:fs";
import { EncodingError, fromUtf8, hex, utf8 } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { expect, test } from "vitest";
import { formatAppRelease, parseAppRelease } from "../src/index.ts";

type Vectors = {
  readonly manifest: string;
  readonly sha256: string;
  readonly refused: readonly { readonly name: string; readonly manifest: string }[];
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/app-release.json", import.meta.url), "utf8"),
) as Vectors;

test("APP-1: a manifest has one encoding, and the log holds its SHA-256", () => {
  const bytes = utf8(vectors.manifest);
  expect(fromUtf8(formatAppRelease(parseAppRelease(bytes)))).toBe(vectors.manifest);
  expect(hex(nodeSuite.sha256(bytes))).toBe(vectors.sha256);
});

test.each(vectors.refused)("APP-1: refused: $name", ({ manifest }) => {
  expect(manifest).not.toBe(vectors.manifest);
  expect(() => parseAppRelease(utf8(manifest))).toThrow(EncodingError);
});
