import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { formatAppRelease, parseAppRelease, RELEASE_FILE } from "@porchlight/charter";

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(directory.length + 1)
        .split(sep)
        .join("/"),
    )
    .filter((path) => path !== RELEASE_FILE && !/\.(br|gz)$/.test(path))
    .sort();
}

/** Path → SHA-256 in base64, in the order of the paths. */
export function digestsOf(directory: string): Record<string, string> {
  return Object.fromEntries(
    filesOf(directory).map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(directory, path)))
        .digest("base64"),
    ]),
  );
}

/** Names every file of the release; the digest of what is written is what the log holds (APP-1). */
export function writeRelease(directory: string, version: string): void {
  const files = filesOf(directory).map((path) => {
    const bytes = readFileSync(join(directory, path));
    return { path, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  const release = formatAppRelease({ version, files });
  parseAppRelease(release);
  writeFileSync(join(directory, RELEASE_FILE), release);
}

/** Compressed once, here, and not for every visitor. */
export function compress(directory: string): void {
  for (const path of [...filesOf(directory), RELEASE_FILE]) {
    if (!/\.(js|css|html|svg|json|webmanifest)$/.test(path)) continue;
    const bytes = readFileSync(join(directory, path));
    writeFileSync(join(directory, `${path}.gz`), gzipSync(bytes, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(join(directory, `${path}.br`), brotliCompressSync(bytes, { params }));
  }
}
