// Builds the web app into dist/ where it is not there yet for exactly these sources, and prints the directory.
// `--out DIR` builds elsewhere, always; `--gallery` builds the gallery of all states instead.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RELEASE_FILE } from "@porchlight/charter";
import { build } from "vite";
import { compress, digestsOf, writeRelease } from "./release.ts";
import { galleryConfig, pageConfig, serviceWorkerConfig } from "./vite.config.ts";

// A build is one and the same wherever it is made, in a test too.
process.env["NODE_ENV"] = "production";

const app = fileURLToPath(new URL("..", import.meta.url));
const workspace = join(app, "..", "..");
const { values } = parseArgs({ options: { out: { type: "string" }, gallery: { type: "boolean" } } });

/** SHA-256 over everything that the build reads. */
function sourceHash(): string {
  const hash = createHash("sha256");
  const add = (path: string): void => {
    hash.update(`${relative(workspace, path).split(sep).join("/")}\0`);
    hash.update(readFileSync(path));
  };
  const walk = (directory: string): void => {
    if (!existsSync(directory)) return;
    const entries = readdirSync(directory, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else add(path);
    }
  };
  add(join(workspace, "package-lock.json"));
  add(join(app, "package.json"));
  add(join(app, "index.html"));
  for (const part of ["src", "public", "build"]) walk(join(app, part));
  for (const name of readdirSync(join(workspace, "packages")).sort()) {
    walk(join(workspace, "packages", name, "src"));
  }
  return hash.digest("hex");
}

function versionOf(directory: string): string {
  return (JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { version: string }).version;
}

async function buildInto(directory: string): Promise<void> {
  if (values.gallery === true) {
    await build(galleryConfig(directory));
    renameSync(join(directory, "gallery.html"), join(directory, "index.html"));
    return;
  }
  await build(pageConfig(directory));
  await build(serviceWorkerConfig(directory, digestsOf(directory)));
  writeRelease(directory, versionOf(app));
  compress(directory);
}

const target = values.out ?? join(app, values.gallery === true ? "dist-gallery" : "dist");
const stamp = sourceHash();
const stampFile = join(target, ".built-from");
const isBuilt = (): boolean => existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
if (values.out !== undefined || values.gallery === true || !isBuilt()) {
  // Built beside and moved into place: whoever serves the directory sees all of a release or none of it.
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    await buildInto(fresh);
    writeFileSync(join(fresh, ".built-from"), stamp);
    // Somebody else may have built the same in the meantime.
    if (values.out !== undefined || values.gallery === true || !isBuilt()) {
      rmSync(target, { recursive: true, force: true });
      renameSync(fresh, target);
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
console.log(JSON.stringify({ directory: target, release: values.gallery === true ? null : RELEASE_FILE }));
