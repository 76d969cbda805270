import { compareBytes, concat, fromUtf8, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { EvidenceError } from "./error.ts";
import { checkFileName, type Files } from "./files.ts";

// POSIX.1-1988 ustar, the subset that every tar reads: regular files, no owner, one time for all, sorted names.
// Our own because two things matter that general libraries leave open: the same files always give the same bytes, and
// a reader that an archive from elsewhere cannot talk into links, devices, absolute paths or two files of one name.

const BLOCK = 512;
const NAME = { at: 0, length: 100 };
const MODE = { at: 100, length: 8 };
const UID = { at: 108, length: 8 };
const GID = { at: 116, length: 8 };
const SIZE = { at: 124, length: 12 };
const MTIME = { at: 136, length: 12 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE = 156;
const MAGIC = { at: 257, bytes: utf8("ustar\u000000") };
const PREFIX = { at: 345, length: 155 };
const REGULAR = "0".charCodeAt(0);
/** Eleven octal digits. */
const MAX_SIZE = 8 ** 11 - 1;

type Field = { readonly at: number; readonly length: number };

function octal(value: number, { length }: Field): Uint8Array {
  return utf8(`${value.toString(8).padStart(length - 1, "0")}\u0000`);
}

function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) {
    // The field itself counts as spaces.
    sum += i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.length ? 0x20 : (header[i] as number);
  }
  return sum;
}

/** Splits a path at a `/` so that both halves fit their fields; the shortest prefix that works is the only form. */
function split(path: string): { prefix: string; name: string } {
  if (path.length <= NAME.length) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (prefix.length > PREFIX.length) break;
    if (name.length <= NAME.length && name.length > 0) return { prefix, name };
  }
  throw new EvidenceError("file-name", path.slice(0, 200));
}

function headerOf(path: string, size: number, at: UnixSeconds): Uint8Array {
  if (size > MAX_SIZE) throw new EvidenceError("archive-too-large", path);
  const header = new Uint8Array(BLOCK);
  const { prefix, name } = split(path);
  header.set(utf8(name), NAME.at);
  header.set(octal(0o644, MODE), MODE.at);
  header.set(octal(0, UID), UID.at);
  header.set(octal(0, GID), GID.at);
  header.set(octal(size, SIZE), SIZE.at);
  header.set(octal(at, MTIME), MTIME.at);
  header[TYPE] = REGULAR;
  header.set(MAGIC.bytes, MAGIC.at);
  header.set(utf8(prefix), PREFIX.at);
  header.set(utf8(`${checksum(header).toString(8).padStart(6, "0")}\u0000 `), CHECKSUM.at);
  return header;
}

/** The files as a ustar archive under one top directory (EVI-40): the same files and time give the same bytes. */
export function writeTar(files: Files, top: string, at: UnixSeconds): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const path of [...files.keys()].sort()) {
    checkFileName(path);
    const bytes = files.get(path) as Uint8Array;
    parts.push(headerOf(`${top}/${path}`, bytes.length, at), bytes);
    parts.push(new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return concat(...parts);
}

function text(header: Uint8Array, { at, length }: Field): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return fromUtf8(end === -1 ? field : field.subarray(0, end), "archive");
}

/** Inverse of {@link writeTar}, accepting only what it writes (EVI-41). Throws EvidenceError "archive-malformed" or "file-name". */
export function readTar(archive: Uint8Array, top: string): Files {
  const malformed = (): never => {
    throw new EvidenceError("archive-malformed", "archive");
  };
  const files = new Map<string, Uint8Array>();
  let at = 0;
  let previous = "";
  for (;;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.length < BLOCK) return malformed();
    if (header.every((byte) => byte === 0)) break;
    const prefix = text(header, PREFIX);
    const path = prefix === "" ? text(header, NAME) : `${prefix}/${text(header, NAME)}`;
    const [sizeText, timeText] = [text(header, SIZE), text(header, MTIME)];
    if (!/^[0-7]{11}$/.test(sizeText) || !/^[0-7]{11}$/.test(timeText)) return malformed();
    const size = Number.parseInt(sizeText, 8);
    // Every other byte of a header is fixed: written again, it must be the same.
    const expected = headerOf(path, size, Number.parseInt(timeText, 8) as UnixSeconds);
    if (compareBytes(header, expected) !== 0) return malformed();
    const end = at + BLOCK + size;
    const padded = end + ((BLOCK - (size % BLOCK)) % BLOCK);
    if (padded > archive.length || archive.subarray(end, padded).some((byte) => byte !== 0))
      return malformed();
    if (!path.startsWith(`${top}/`)) throw new EvidenceError("file-name", "archive");
    const name = path.slice(top.length + 1);
    checkFileName(name);
    // Sorted also means that no name comes twice.
    if (name <= previous) return malformed();
    previous = name;
    files.set(name, archive.slice(at + BLOCK, end));
    at = padded;
  }
  const rest = archive.subarray(at);
  if (rest.length !== 2 * BLOCK || rest.some((byte) => byte !== 0)) return malformed();
  return files;
}
