import { randomBytes } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { DurableError } from "./error.ts";
import { syncDirectory } from "./file.ts";

const MAGIC = Buffer.from("PLJRNL01", "latin1");
const HEADER_SIZE = 16;
const FRAME_HEADER_SIZE = 14;
/** Largest single record. */
export const MAX_RECORD = 64 * 1024 * 1024;
const MAX_FRAME = MAX_RECORD + 1024 * 1024;
const GROUP_SIZE = 1024 * 1024;

type Waiting = {
  readonly records: readonly Uint8Array[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

/**
 * Append-only file of records. One frame holds one group commit:
 *
 *     file   = "PLJRNL01" id[8] frame*
 *     frame  = u32 length, u32 crc, u48 sequence, (u32 length, record)*
 *
 * `length` counts the bytes after `sequence`; `crc` is CRC-32 over id, sequence and those bytes, so that a journal kept
 * inside another's record is never mistaken for frames of the outer one. A frame is written only after the one before
 * it was fsynced. Hence a bad frame with no later frame behind it was never acknowledged and is cut off on opening,
 * and a bad frame with a later one behind it is damage and opening refuses ("journal-corrupt").
 *
 * One process at a time may have a journal open: see lockDirectory.
 */
export class Journal {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #id: Buffer;
  #sequence: number;
  #end: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #state: "open" | "failed" | "closed" = "open";

  private constructor(path: string, file: FileHandle, id: Buffer, sequence: number, end: number) {
    this.path = path;
    this.#file = file;
    this.#id = id;
    this.#sequence = sequence;
    this.#end = end;
  }

  /** Opens or creates; cuts off a torn tail. Throws DurableError "not-a-journal" or "journal-corrupt". */
  static async open(path: string): Promise<Journal> {
    const file = await open(path, "a+", 0o600);
    try {
      const size = (await file.stat()).size;
      if (size < HEADER_SIZE) {
        const start = await readExactly(file, 0, size);
        // A header that is cut short belongs to a journal that never held anything.
        if (!MAGIC.subarray(0, Math.min(size, 8)).equals(start.subarray(0, 8))) {
          throw new DurableError("not-a-journal", path);
        }
        const id = randomBytes(8);
        await file.truncate(0);
        await file.appendFile(Buffer.concat([MAGIC, id]));
        await file.sync();
        await syncDirectory(dirname(path));
        return new Journal(path, file, id, 0, HEADER_SIZE);
      }
      const header = await readExactly(file, 0, HEADER_SIZE);
      if (!header.subarray(0, 8).equals(MAGIC)) throw new DurableError("not-a-journal", path);
      const id = header.subarray(8);
      let end = HEADER_SIZE;
      let sequence = 0;
      for (;;) {
        const frame = await readFrame(file, id, end, size);
        if (frame === null || frame.sequence !== sequence + 1) break;
        sequence = frame.sequence;
        end = frame.end;
      }
      if (end < size) {
        if (await laterFrameExists(file, id, end, size, sequence + 1)) {
          throw new DurableError("journal-corrupt", path);
        }
        await file.truncate(end);
        await file.sync();
      }
      return new Journal(path, file, id, sequence, end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Resolves when the record is on the disk. Appends that arrive while one fsync runs share the next one. */
  append(record: Uint8Array): Promise<void> {
    return this.appendAll([record]);
  }

  /**
   * Appends records that are there after a crash either all or not at all. After a failed write or fsync the journal
   * takes nothing more ("journal-failed"): what the disk holds is then known only by opening it again.
   */
  appendAll(records: readonly Uint8Array[]): Promise<void> {
    if (this.#state !== "open") {
      return Promise.reject(
        new DurableError(this.#state === "failed" ? "journal-failed" : "journal-closed", this.path),
      );
    }
    if (records.reduce((sum, record) => sum + record.length, 0) > MAX_RECORD) {
      return Promise.reject(new DurableError("record-too-long", this.path));
    }
    if (records.length === 0) return Promise.resolve();
    // Copied: the caller may reuse or wipe its buffer before the group is written.
    const copies = records.map((record) => Uint8Array.from(record));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records: copies, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  async #write(): Promise<void> {
    // One turn later, so that appends made in the same turn share the first fsync too.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      let size = 0;
      let count = 0;
      while (count < this.#waiting.length && (count === 0 || size < GROUP_SIZE)) {
        for (const record of (this.#waiting[count] as Waiting).records) size += 4 + record.length;
        count++;
      }
      const group = this.#waiting.splice(0, count);
      try {
        const frame = makeFrame(
          this.#id,
          this.#sequence + 1,
          group.flatMap((waiting) => waiting.records),
        );
        await this.#file.appendFile(frame);
        await this.#file.datasync();
        this.#sequence++;
        this.#end += frame.length;
        for (const waiting of group) waiting.resolve();
      } catch (error) {
        this.#state = "failed";
        const failure = new DurableError("journal-failed", this.path, { cause: error });
        for (const waiting of [...group, ...this.#waiting.splice(0)]) waiting.reject(failure);
      }
    }
    this.#writing = null;
  }

  /** The records that are durable when the iteration begins, oldest first. */
  async *records(): AsyncGenerator<Uint8Array, void, void> {
    const end = this.#end;
    let at = HEADER_SIZE;
    while (at < end) {
      const frame = await readFrame(this.#file, this.#id, at, end);
      if (frame === null) throw new DurableError("journal-corrupt", this.path);
      at = frame.end;
      let offset = 0;
      while (offset < frame.body.length) {
        const length = frame.body.readUInt32BE(offset);
        yield new Uint8Array(frame.body.subarray(offset + 4, offset + 4 + length));
        offset += 4 + length;
      }
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    return this.records();
  }

  /** Waits for what was appended, then closes the file. */
  async close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    await this.#writing;
    await this.#file.close();
  }
}

function frameCrc(id: Buffer, sequenceAndBody: Uint8Array): number {
  return crc32(sequenceAndBody, crc32(id));
}

function makeFrame(id: Buffer, sequence: number, records: readonly Uint8Array[]): Buffer {
  const length = records.reduce((sum, record) => sum + 4 + record.length, 0);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_SIZE + length);
  frame.writeUInt32BE(length, 0);
  frame.writeUIntBE(sequence, 8, 6);
  let at = FRAME_HEADER_SIZE;
  for (const record of records) {
    frame.writeUInt32BE(record.length, at);
    frame.set(record, at + 4);
    at += 4 + record.length;
  }
  frame.writeUInt32BE(frameCrc(id, frame.subarray(8)), 4);
  return frame;
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let have = 0;
  while (have < length) {
    const { bytesRead } = await file.read(buffer, have, length - have, position + have);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    have += bytesRead;
  }
  return buffer;
}

type Frame = { readonly sequence: number; readonly body: Buffer; readonly end: number };

async function readFrame(file: FileHandle, id: Buffer, at: number, size: number): Promise<Frame | null> {
  if (size - at < FRAME_HEADER_SIZE) return null;
  const header = await readExactly(file, at, FRAME_HEADER_SIZE);
  const length = header.readUInt32BE(0);
  const end = at + FRAME_HEADER_SIZE + length;
  if (length === 0 || length > MAX_FRAME || end > size) return null;
  const body = await readExactly(file, at + FRAME_HEADER_SIZE, length);
  if (header.readUInt32BE(4) !== frameCrc(id, Buffer.concat([header.subarray(8), body]))) return null;
  return { sequence: header.readUIntBE(8, 6), body, end };
}

async function laterFrameExists(
  file: FileHandle,
  id: Buffer,
  from: number,
  size: number,
  badSequence: number,
): Promise<boolean> {
  const tail = await readExactly(file, from, size - from);
  for (let at = 1; at + FRAME_HEADER_SIZE <= tail.length; at++) {
    const sequence = tail.readUIntBE(at + 8, 6);
    const length = tail.readUInt32BE(at);
    const end = at + FRAME_HEADER_SIZE + length;
    // The cheap tests first: nearly every offset fails them.
    if (sequence <= badSequence || sequence > badSequence + 2 ** 24 || length === 0 || end > tail.length)
      continue;
    if (tail.readUInt32BE(at + 4) === frameCrc(id, tail.subarray(at + 8, end))) return true;
  }
  return false;
}
