import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { Decrypter, Encrypter } from "age-encryption";
import { DurableError } from "./error.ts";
import { syncDirectory } from "./file.ts";
import { type Sealing, STRONG_WORK_FACTOR } from "./secret.ts";

/** `path` is relative, with "/". The contents have exactly `size` bytes; a reader takes them before the next file. */
export type ArchiveFile = {
  readonly path: string;
  readonly size: number;
  readonly contents: AsyncIterable<Uint8Array>;
};

const BLOCK = 512;
const MAX_PATH = 100;
const CHUNK = 1024 * 1024;

/**
 * Writes files as a tar sealed with a passphrase in age's own format: `age -d FILE | tar x` opens it too. Resolves when
 * it is on the disk under its name; what fails leaves nothing there.
 */
export async function writeArchive(
  path: string,
  sealing: Sealing,
  files: AsyncIterable<ArchiveFile>,
): Promise<void> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(sealing.passphrase);
  encrypter.setScryptWorkFactor(sealing.workFactor ?? STRONG_WORK_FACTOR);
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx", 0o600);
  try {
    const sealed = await encrypter.encrypt(webStream(pack(files)));
    for await (const chunk of sealed as unknown as AsyncIterable<Uint8Array>) await handle.write(chunk);
    await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close();
    await unlink(temporary);
    throw error;
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/**
 * Files of what {@link writeArchive} wrote. Throws DurableError "secret-unreadable" for a wrong passphrase and for bytes
 * that were altered or are missing, wherever it meets them: nothing is to be relied on before the last file is read.
 */
export async function* readArchive(path: string, passphrase: string): AsyncGenerator<ArchiveFile> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  let plain: AsyncIterable<Uint8Array>;
  try {
    const sealed = createReadStream(path, { highWaterMark: CHUNK });
    plain = (await decrypter.decrypt(webStream(sealed))) as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new DurableError("secret-unreadable", path, { cause: error });
  }
  yield* unpack(readable(plain, path), path);
}

function webStream(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  return Readable.toWeb(Readable.from(chunks, { objectMode: true })) as unknown as ReadableStream<Uint8Array>;
}

async function* readable(plain: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  try {
    yield* plain;
  } catch (error) {
    throw new DurableError("secret-unreadable", where, { cause: error });
  }
}

async function* pack(files: AsyncIterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  for await (const { path, size, contents } of files) {
    yield header(path, size);
    let written = 0;
    for await (const chunk of contents) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== size) throw new DurableError("archive-malformed", path);
    if (size % BLOCK !== 0) yield new Uint8Array(BLOCK - (size % BLOCK));
  }
  yield new Uint8Array(2 * BLOCK);
}

/** POSIX ustar. */
function header(path: string, size: number): Uint8Array {
  if (Buffer.byteLength(path) > MAX_PATH || size >= 8 ** 11)
    throw new DurableError("archive-malformed", path);
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0);
  block.write("0000600\0", 100);
  block.write("0000000\0".repeat(2), 108);
  block.write(`${size.toString(8).padStart(11, "0")} `, 124);
  block.write("00000000000 ", 136);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** Sum of the header's bytes, its own eight counted as spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

async function* unpack(chunks: AsyncGenerator<Uint8Array>, where: string): AsyncGenerator<ArchiveFile> {
  const source = new Source(chunks, where);
  for (;;) {
    const block = await source.exactly(BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const text = (from: number, to: number): string => {
      const end = block.indexOf(0, from);
      return block.toString("utf8", from, end < 0 || end > to ? to : end);
    };
    const sum = Number.parseInt(text(148, 156), 8);
    const octal = text(124, 136).trim();
    const path = text(0, MAX_PATH);
    const safe = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(path);
    if (sum !== checksum(block) || !/^[0-7]{11}$/.test(octal) || !safe || text(156, 157) !== "0") {
      throw new DurableError("archive-malformed", where);
    }
    const size = Number.parseInt(octal, 8);
    yield { path, size, contents: source.some(size) };
    await source.exactly((BLOCK - (size % BLOCK)) % BLOCK);
  }
  // To the very end: only there does age say whether something is missing.
  for await (const rest of chunks) {
    if (rest.some((byte) => byte !== 0)) throw new DurableError("archive-malformed", where);
  }
}

class Source {
  readonly #chunks: AsyncGenerator<Uint8Array>;
  readonly #where: string;
  #left: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncGenerator<Uint8Array>, where: string) {
    this.#chunks = chunks;
    this.#where = where;
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.some(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  async *some(length: number): AsyncGenerator<Uint8Array> {
    for (let need = length; need > 0; ) {
      if (this.#left.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new DurableError("archive-malformed", this.#where);
        this.#left = next.value;
      }
      const part = this.#left.subarray(0, need);
      this.#left = this.#left.subarray(part.length);
      need -= part.length;
      yield part;
    }
  }
}
