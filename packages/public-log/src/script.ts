import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The script of the page that looks things up, as it is served. */
export type Script = {
  /** Its address has its hash in it, so that it can be kept for ever. */
  readonly path: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly br: Buffer;
};

/** Bundles what the browser verifies with out of the same sources as everybody else's (a tenth of a second). */
export async function builtScript(): Promise<Script> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("browser/look-up.ts", import.meta.url))],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "silent",
  });
  const plain = Buffer.from(outputFiles[0]?.contents ?? new Uint8Array());
  const hash = createHash("sha256").update(plain).digest("hex").slice(0, 16);
  return {
    path: `/assets/look-up-${hash}.js`,
    plain,
    gzip: gzipSync(plain, { level: 9 }),
    br: brotliCompressSync(plain),
  };
}
