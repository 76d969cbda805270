// Attachments: sizes, file keys and ciphertexts.

import { digestOf, fileKeyOf, keyFrom, layoutOf, sealPart } from "../../packages/attachment/src/index.ts";
import { nodeSuite } from "../../packages/attachment/src/node-suite.ts";
import { hex } from "../../packages/encoding/src/index.ts";

const SIZES = [0, 1, 4095, 4096, 4097, 5000, 100_000, 1_048_528, 1_048_529, 1_048_576, 20_000_000, 2 ** 30];

export async function make(): Promise<unknown> {
  const files = [];
  for (const [i, length] of [0, 5, 4096, 5000].entries()) {
    const content = Uint8Array.from({ length }, (_, at) => (at * 7 + i) % 256);
    files.push(await file(new Uint8Array(32).fill(i + 1), content));
  }
  return {
    description: "Attachments (spec/attachment.md). Bytes are hexadecimal; sizes are bytes.",
    padding: SIZES.map((size) => {
      const { padded, sealed, parts } = layoutOf(size);
      return { size, padded, sealed, parts };
    }),
    files,
    repeated: await repeated(),
  };
}

async function file(seed: Uint8Array, content: Uint8Array) {
  const digest = digestOf([await nodeSuite.sha256(content)]);
  const fileKey = fileKeyOf(seed, { size: content.length, digest });
  const sealed = await sealPart(nodeSuite, keyFrom(fileKey), layoutOf(content.length), 0, content);
  return {
    seed: hex(seed),
    content: hex(content),
    fileKey: hex(fileKey),
    digest: hex(digestOf([await nodeSuite.sha256(sealed)])),
    parts: [hex(sealed)],
  };
}

/** Three parts; the content is `i mod 251` at each place, so that only digests have to be here. */
async function repeated() {
  const size = 2_500_000;
  const content = Uint8Array.from({ length: size }, (_, at) => at % 251);
  const seed = new Uint8Array(32).fill(9);
  const layout = layoutOf(size);
  const contents = Array.from({ length: layout.parts }, (_, part) => {
    const { start, length } = layout.plaintext(part);
    return content.subarray(start, Math.min(size, start + length));
  });
  const digest = digestOf(await Promise.all(contents.map(nodeSuite.sha256)));
  const fileKey = fileKeyOf(seed, { size, digest });
  const digests = [];
  for (const [part, own] of contents.entries()) {
    digests.push(await nodeSuite.sha256(await sealPart(nodeSuite, keyFrom(fileKey), layout, part, own)));
  }
  return {
    seed: hex(seed),
    size,
    fileKey: hex(fileKey),
    parts: layout.parts,
    digest: hex(digestOf(digests)),
  };
}
