import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveFile, readFileOrNull, type Sealing, writeArchive } from "@porchlight/durable";
import { type UnixSeconds, utf8 } from "@porchlight/encoding";
import type { Database, Queries } from "./database.ts";
import type { Log } from "./log.ts";

/** What a backup holds beside data: enough to know which version can read it. */
type Manifest = {
  readonly version: 1;
  readonly origin: string;
  readonly at: UnixSeconds;
  /** The schema that its rows have. */
  readonly migrations: readonly string[];
  /** Entries of the log in it, at least. */
  readonly log: number;
};

export type BackupSummary = { readonly log: number; readonly rows: number; readonly files: number };

export const MANIFEST = "manifest.json";
export const ROWS = "database";
export const FILES = "files";

/** Rows that are read at a time: each may be a commit of 2 MiB. */
const BATCH = 32;

/** Of this computer and this moment, or, the passphrase, exactly what the backup is sealed with. */
const LEFT_OUT =
  /^(?:postgres(?:\.(?:new|log|sockets))?|lock|pid|port|passphrase|admin\.sock|log|.*\.log|\..*)$/;
/** The log's truth; everything else in its directory follows from it or belongs to the computer. */
const LOG_ENTRIES = "log/entries";
const LOG_CHECKPOINT = "log/checkpoint";

export type BackupParts = {
  readonly database: Database;
  /** The server's. */
  readonly directory: string;
  readonly log: Log;
  readonly origin: string;
  readonly at: UnixSeconds;
};

/**
 * Writes all that was acknowledged before the call, sealed with a passphrase: one snapshot of the database, then the log
 * as far as it is acknowledged (which is at least as new as the snapshot, as after a crash), then the other files.
 * Delivery goes on meanwhile.
 */
export async function writeBackup(
  { database, directory, log, origin, at }: BackupParts,
  path: string,
  sealing: Sealing,
): Promise<BackupSummary> {
  const summary = { log: 0, rows: 0, files: 0 };
  await database.transaction(async (transaction) => {
    await transaction.query({ text: "set transaction isolation level repeatable read, read only" });
    const migrations = await transaction.query<{ name: string }>({ text: "select name from migrations" });
    // Before the entries: it must not speak of more than the copy holds.
    const checkpoint = await readFileOrNull(join(directory, LOG_CHECKPOINT));
    const { size } = log.tree;
    const end = log.sealedEnd;
    summary.log = size;
    const manifest: Manifest = {
      version: 1,
      origin,
      at,
      migrations: migrations.map(({ name }) => name),
      log: size,
    };
    async function* files(): AsyncGenerator<ArchiveFile> {
      yield fileOf(MANIFEST, utf8(JSON.stringify(manifest)));
      for await (const { file, rows } of rowsOf(transaction)) {
        summary.rows += rows;
        yield file;
      }
      if (checkpoint !== null) yield fileOf(`${FILES}/${LOG_CHECKPOINT}`, checkpoint);
      if (end > 0) yield cutFile(`${FILES}/${LOG_ENTRIES}`, join(directory, LOG_ENTRIES), end);
      for await (const file of filesOf(directory, "")) {
        summary.files++;
        yield file;
      }
    }
    await writeArchive(path, sealing, files());
  });
  return summary;
}

function fileOf(path: string, bytes: Uint8Array): ArchiveFile {
  return {
    path,
    size: bytes.length,
    contents: (async function* () {
      yield bytes;
    })(),
  };
}

/** The first `size` bytes of a file that may grow meanwhile. */
function cutFile(path: string, source: string, size: number): ArchiveFile {
  return { path, size, contents: size === 0 ? noBytes() : createReadStream(source, { end: size - 1 }) };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** Every table's rows, each as its own JSON, some at a time: whatever migrations add is in the backup by itself. */
async function* rowsOf(transaction: Queries): AsyncGenerator<{ file: ArchiveFile; rows: number }> {
  const tables = await transaction.query<{ name: string }>({
    text: `select tablename as name from pg_tables where schemaname = current_schema() and tablename <> 'migrations'
      order by tablename`,
  });
  for (const { name } of tables) {
    await transaction.query({
      text: `declare backup no scroll cursor for select row_to_json(t)::text as row from ${quoted(name)} t`,
    });
    for (let part = 0; ; part++) {
      const rows = await transaction.query<{ row: string }>({ text: `fetch ${BATCH} from backup` });
      if (rows.length === 0) break;
      const bytes = utf8(`[${rows.map(({ row }) => row).join(",\n")}]`);
      yield {
        file: fileOf(`${ROWS}/${name}/${String(part).padStart(9, "0")}.json`, bytes),
        rows: rows.length,
      };
    }
    await transaction.query({ text: "close backup" });
  }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Keys, configuration and whatever else is kept in files; not what another process keeps in a directory below. */
async function* filesOf(directory: string, below: string): AsyncGenerator<ArchiveFile> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  if (below !== "" && entries.some(({ name }) => name === "config.json")) return;
  for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
    if (LEFT_OUT.test(entry.name)) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* filesOf(directory, path);
    else if (entry.isFile()) {
      const found = await stat(join(directory, path)).catch(() => null);
      // Deleted since it was listed, as retention does.
      if (found !== null) yield cutFile(`${FILES}/${path}`, join(directory, path), found.size);
    }
  }
}
