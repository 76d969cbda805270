import {
  asString,
  EncodingError,
  equalBytes,
  Fields,
  fromHex,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";

/** One file of a release of the web app. */
export type ReleaseFile = {
  /** Below the origin, without the first slash. */
  readonly path: string;
  /** Bytes, not compressed. */
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
};

/** APP-1: every file of a release; its SHA-256 is what the log holds (ENT-16). */
export type AppRelease = {
  readonly version: string;
  /** In the order of their paths, by code unit. */
  readonly files: readonly ReleaseFile[];
};

/** Where a server serves the manifest; it does not name itself. */
export const RELEASE_FILE = "release.json";
/** The page of every view. */
export const INDEX_FILE = "index.html";
/** Bytes of a manifest. */
export const MAX_RELEASE_BYTES = 2 ** 20;
const MAX_FILES = 2000;
const MAX_FILE_BYTES = 2 ** 30;

const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/;
const PATH = /^[0-9A-Za-z_][0-9A-Za-z_.-]*(?:\/[0-9A-Za-z_][0-9A-Za-z_.-]*)*$/;

/** The manifest's only encoding (APP-1). */
export function formatAppRelease({ version, files }: AppRelease): Uint8Array {
  const rows = files.map(({ path, size, sha256 }) => JSON.stringify({ path, size, sha256 }));
  return utf8(`{"version":${JSON.stringify(version)},"files":[${rows.join(",")}]}`);
}

/** Strict inverse of {@link formatAppRelease}. Throws EncodingError. */
export function parseAppRelease(bytes: Uint8Array): AppRelease {
  if (bytes.length > MAX_RELEASE_BYTES) throw new EncodingError("too-long", "release");
  const fields = new Fields(parseJson(bytes, "release"), "release");
  const release: AppRelease = {
    version: asReleaseVersion(fields.json("version"), "release.version"),
    files: fields.array("files", readFile, MAX_FILES),
  };
  fields.end();
  for (const [i, { path }] of release.files.entries()) {
    const before = release.files[i - 1]?.path;
    if (before !== undefined && before >= path) throw new EncodingError("not-canonical", "release.files");
  }
  if (!release.files.some(({ path }) => path === INDEX_FILE)) {
    throw new EncodingError("missing-field", `release.files ${INDEX_FILE}`);
  }
  if (!equalBytes(formatAppRelease(release), bytes)) throw new EncodingError("not-canonical", "release");
  return release;
}

/** APP-1: what a release is called. Throws EncodingError. */
export function asReleaseVersion(value: Json, where: string): string {
  const text = asString(value, where, 64);
  if (!VERSION.test(text)) throw new EncodingError("not-canonical", where);
  return text;
}

function readFile(value: Json, where: string): ReleaseFile {
  const fields = new Fields(value, where);
  const path = fields.string("path", 200);
  if (!PATH.test(path) || path === RELEASE_FILE) throw new EncodingError("not-canonical", `${where}.path`);
  const size = fields.integer("size", 0, MAX_FILE_BYTES);
  const sha256 = fields.string("sha256", 64);
  fromHex(sha256, 32, `${where}.sha256`);
  fields.end();
  return { path, size, sha256 };
}
