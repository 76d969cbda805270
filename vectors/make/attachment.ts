// Attachments: sizes, file keys and ciphertexts.

import { fileKeyOf, keyFrom, layoutOf, sealPart } from "../../packages/attachment/src/index.ts";
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
  const hash = nodeSuite.sha256();
  hash.update(content);
  const fileKey = fileKeyOf(seed, { size: content.length, digest: hash.digest() });
  const sealed = await sealPart(nodeSuite, keyFrom(fileKey), layoutOf(content.length), 0, content);
  const whole = nodeSuite.sha256();
  whole.update(sealed);
  return {
    seed: hex(seed),
    content: hex(content),
    fileKey: hex(fileKey),
    digest: hex(whole.digest()),
    parts: [hex(sealed)],
  };
}

/** Three parts; the content is `i mod 251` at each place, so that only its digest has to be here. */
async function repeated() {
  const size = 2_500_000;
  const content = Uint8Array.from({ length: size }, (_, at) => at % 251);
  const seed = new Uint8Array(32).fill(9);
  const hash = nodeSuite.sha256();
  hash.update(content);
  const fileKey = fileKeyOf(seed, { size, digest: hash.digest() });
  const layout = layoutOf(size);
  const whole = nodeSuite.sha256();
  for (let part = 0; part < layout.parts; part++) {
    const { start, length } = layout.plaintext(part);
    const own = content.subarray(start, Math.min(size, start + length));
    whole.update(await sealPart(nodeSuite, keyFrom(fileKey), layout, part, own));
  }
  return { seed: hex(seed), size, fileKey: hex(fileKey), parts: layout.parts, digest: hex(whole.digest()) };
}
