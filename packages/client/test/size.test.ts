import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

/** Bytes after minifying and gzip, and the packages that came in, as a page would load it. */
async function weigh(entry: string): Promise<{ readonly gzip: number; readonly inputs: readonly string[] }> {
  const made = await build({
    entryPoints: [fileURLToPath(new URL(`../src/messenger/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    metafile: true,
    logLevel: "error",
  });
  return {
    gzip: gzipSync(made.outputFiles[0]?.contents ?? "").length,
    inputs: Object.keys(made.metafile.inputs),
  };
}

describe("what a browser loads", () => {
  test("in a page: less than 3 kB, nothing of any other package but how letters look", async () => {
    const { gzip, inputs } = await weigh("page.ts");
    expect(gzip).toBeLessThan(3_000);
    const others = inputs.filter((path) => !path.includes("packages/client/src/"));
    expect(others).toEqual(["packages/charter/src/letters.ts"]);
  });

  test("in the worker: less than 240 kB, nothing of Node", async () => {
    const { gzip, inputs } = await weigh("browser.ts");
    expect(gzip).toBeLessThan(240_000);
    expect(inputs.filter((path) => path.includes("packages/durable/"))).toEqual([]);
  });
});
