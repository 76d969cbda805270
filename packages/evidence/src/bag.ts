import { utf8 } from "@porchlight/encoding";
import { checkFileName, type Files, sha256 } from "./files.ts";
import { TIME_STAMP } from "./time-stamp.ts";

// BagIt 1.0 (RFC 8493) with SHA-256, of which EVI-10 fixes the one form that is written and accepted.

const BAGIT = utf8("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
const TAG_FILES = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"];
const TAG_MANIFEST = "tagmanifest-sha256.txt";

/** One thing that is wrong with a package: the file it is in and a sentence that says what. */
export type Finding = { readonly rule: string; readonly file: string; readonly what: string };

function manifest(files: Files, paths: readonly string[]): Uint8Array {
  return utf8(paths.map((path) => `${sha256(files.get(path) as Uint8Array)}  ${path}\n`).join(""));
}

function payloadPaths(files: Files): string[] {
  return [...files.keys()].filter((path) => path.startsWith("data/")).sort();
}

/** RFC 8493 §2.2.2 `Payload-Oxum`: octets and number of payload files. */
export function payloadOxum(files: Files): string {
  const paths = payloadPaths(files);
  return `${paths.reduce((sum, path) => sum + (files.get(path) as Uint8Array).length, 0)}.${paths.length}`;
}

/** Payload files (paths beginning `data/`) and bag-info.txt, as a whole bag. */
export function makeBag(payload: Files, info: Uint8Array): Files {
  const files = new Map(payload);
  for (const path of payload.keys()) checkFileName(path);
  files.set("bag-info.txt", info);
  files.set("bagit.txt", BAGIT);
  files.set("manifest-sha256.txt", manifest(files, payloadPaths(files)));
  files.set(TAG_MANIFEST, manifest(files, TAG_FILES));
  return files;
}

/** Lines of a manifest in its one form; `null` where a line is not. */
function parseManifest(bytes: Uint8Array | undefined): Map<string, string> | null {
  if (bytes === undefined) return null;
  const lines = new Map<string, string>();
  // ASCII only (EVI-2), so that latin1 is exact.
  for (const line of Buffer.from(bytes).toString("latin1").split("\n").slice(0, -1)) {
    const match = /^([0-9a-f]{64}) {2}([!-~]+)$/.exec(line);
    if (match === null || lines.has(match[2] as string)) return null;
    lines.set(match[2] as string, match[1] as string);
  }
  const written = [...lines].map(([path, digest]) => `${digest}  ${path}\n`).join("");
  return written === Buffer.from(bytes).toString("latin1") ? lines : null;
}

/**
 * EVI-10 to EVI-13: every file present is listed, every listed file is present and has its digest, and nothing else is
 * there. An altered file is named, also where it is a manifest itself.
 */
export function checkBag(files: Files): Finding[] {
  const findings: Finding[] = [];
  const report = (rule: string, file: string, what: string): void => {
    findings.push({ rule, file, what });
  };
  for (const path of files.keys()) {
    const isTag = TAG_FILES.includes(path) || path === TAG_MANIFEST || path === TIME_STAMP;
    if (!path.startsWith("data/") && !isTag) {
      report("EVI-13", path, "does not belong in an evidence package");
    }
  }
  for (const path of [...TAG_FILES, TAG_MANIFEST]) {
    if (!files.has(path)) report("EVI-12", path, "is missing");
  }
  const tags = parseManifest(files.get(TAG_MANIFEST));
  const listed = parseManifest(files.get("manifest-sha256.txt"));
  const good = (path: string): boolean =>
    files.has(path) && tags?.get(path) === sha256(files.get(path) as Uint8Array);

  if (files.has(TAG_MANIFEST)) {
    if (tags === null || [...tags.keys()].join() !== TAG_FILES.join()) {
      report("EVI-11", TAG_MANIFEST, "is not a tag manifest in the form of EVI-11");
    } else {
      const wrong = TAG_FILES.filter((path) => files.has(path) && !good(path));
      // One of two is altered: the tag file or its line here. The two that can be made again tell which.
      const remade = new Map([
        ["bagit.txt", BAGIT],
        ["manifest-sha256.txt", manifest(files, payloadPaths(files))],
      ]);
      for (const path of wrong) {
        const again = remade.get(path);
        const intact = again !== undefined && sha256(again) === sha256(files.get(path) as Uint8Array);
        if (!intact) report("EVI-11", path, `has another SHA-256 than ${TAG_MANIFEST} says`);
        if (intact || again === undefined)
          report("EVI-11", TAG_MANIFEST, `has another SHA-256 for ${path} than that file`);
      }
    }
  }
  if (files.has("manifest-sha256.txt")) {
    if (listed === null) {
      if (!findings.some(({ file }) => file === "manifest-sha256.txt")) {
        report("EVI-10", "manifest-sha256.txt", "is not a manifest in the form of EVI-10");
      }
    } else if (tags === null || good("manifest-sha256.txt")) {
      // Only a manifest that is itself intact can accuse another file.
      for (const path of payloadPaths(files)) {
        const digest = listed.get(path);
        if (digest === undefined) report("EVI-13", path, "is not listed in manifest-sha256.txt");
        else if (digest !== sha256(files.get(path) as Uint8Array)) {
          report("EVI-10", path, "has another SHA-256 than manifest-sha256.txt says");
        }
      }
      for (const path of listed.keys()) {
        if (!files.has(path)) report("EVI-12", path, "is missing");
        else if (!path.startsWith("data/"))
          report("EVI-10", "manifest-sha256.txt", "lists a file outside data/");
      }
    }
  }
  return findings;
}
