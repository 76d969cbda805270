// `node restore.ts BACKUP DIRECTORY`: makes a server's directory and database out of a backup.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type ArchiveFile,
  lockDirectory,
  makeDirectory,
  readArchive,
  readPassphrase,
  syncDirectory,
  writeFileDurable,
} from "@porchlight/durable";
import { asString, Fields, parseJson } from "@porchlight/encoding";
import { createLogger, systemClock } from "@porchlight/runtime";
import { FILES, MANIFEST, quoted, ROWS } from "./backup.ts";
import { Database, type Queries } from "./database.ts";
import { ServerError } from "./error.ts";
import { RESTORED_FILE } from "./log.ts";
import { startPostgres } from "./postgres.ts";

/**
 * Into an empty directory and an empty database (its own, or `DATABASE_URL`). The passphrase is the server's own. The
 * log stays on hold until its cosigners have confirmed that they have seen no newer one (DEL-49). Throws ServerError
 * or DurableError; then the directory is not usable and is to be removed.
 */
async function restore(backup: string, directory: string): Promise<{ log: number; rows: number }> {
  if (existsSync(directory) && readdirSync(directory).some((name) => name !== "passphrase")) {
    throw new ServerError("backup-unusable", `${directory} is not empty: restore into a new directory`);
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const passphrase = await readPassphrase(directory);
  const lock = lockDirectory(directory);
  const files = readArchive(backup, passphrase);
  // The passphrase is tried before a database is made.
  const { migrations, log } = await readManifest(files);
  const logger = createLogger("restore", systemClock(), () => {});
  const postgres = await startPostgres(directory, logger, process.env["DATABASE_URL"]);
  try {
    const database = await Database.openEmpty(postgres.connection, migrations);
    try {
      const rows = await database.transaction((transaction) => take(files, directory, transaction));
      return { log, rows };
    } finally {
      await database.close();
    }
  } finally {
    await postgres.stop();
    lock.release();
  }
}

async function readManifest(
  files: AsyncGenerator<ArchiveFile>,
): Promise<{ migrations: string[]; log: number }> {
  const first = await files.next();
  if (first.done === true || first.value.path !== MANIFEST) {
    throw new ServerError("backup-unusable", "this is no backup of a server");
  }
  const fields = new Fields(parseJson(await bytesOf(first.value), MANIFEST), MANIFEST);
  fields.literal("version", 1);
  return {
    migrations: fields.array("migrations", (value, where) => asString(value, where)),
    log: fields.integer("log"),
  };
}

/** All or nothing in the database: the transaction commits only when the archive was whole. */
async function take(
  files: AsyncGenerator<ArchiveFile>,
  directory: string,
  transaction: Queries,
): Promise<number> {
  let rows = 0;
  for await (const file of files) {
    const [kind, ...rest] = file.path.split("/");
    if (kind === FILES) await writeOut(file, join(directory, ...rest));
    else if (kind === ROWS && rest[0] !== undefined) {
      const table = quoted(rest[0]);
      const inserted = await transaction.query<{ n: number }>({
        text: `with added as (insert into ${table} overriding system value
          select * from json_populate_recordset(null::${table}, $1::json) returning 1)
          select count(*)::int as n from added`,
        values: [Buffer.from(await bytesOf(file)).toString("utf8")],
      });
      rows += inserted[0]?.n ?? 0;
    } else
      throw new ServerError("backup-unusable", "the backup holds something that this version does not know");
  }
  await continueIdentities(transaction);
  // Nobody else holds the log of a database that has just been made.
  await transaction.query({ text: "update log_heads set holder = null" });
  await makeDirectory(join(directory, "log"));
  await writeFileDurable(join(directory, "log", RESTORED_FILE), "");
  return rows;
}

/** Numbers that the database gives go on after the restored ones. */
async function continueIdentities(transaction: Queries): Promise<void> {
  const columns = await transaction.query<{ table: string; column: string }>({
    text: `select table_name as table, column_name as column from information_schema.columns
      where table_schema = current_schema() and is_identity = 'YES'`,
  });
  for (const { table, column } of columns) {
    await transaction.query({
      text: `select setval(pg_get_serial_sequence($1, $2),
        (select coalesce(max(${quoted(column)}), 0) + 1 from ${quoted(table)}), false)`,
      values: [quoted(table), column],
    });
  }
}

async function bytesOf({ contents }: ArchiveFile): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of contents) parts.push(part);
  return Buffer.concat(parts);
}

async function writeOut(file: ArchiveFile, path: string): Promise<void> {
  await makeDirectory(dirname(path));
  const handle = await open(path, "wx", 0o600);
  try {
    for await (const part of file.contents) await handle.write(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(dirname(path));
}

const [backup, directory] = process.argv.slice(2);
if (backup === undefined || directory === undefined) {
  process.stderr.write("usage: node restore.ts BACKUP DIRECTORY\n");
  process.exit(64);
}
const target = resolve(directory);
const wasThere = existsSync(join(target, "config.json"));
try {
  process.stdout.write(`${JSON.stringify(await restore(resolve(backup), target))}\n`);
} catch (error) {
  const { code, message } = error as { code?: unknown; message: string };
  // A directory that looks like a server's and is not whole would be started one day.
  if (!wasThere) rmSync(join(target, "config.json"), { force: true });
  process.stderr.write(
    `${JSON.stringify({ code: typeof code === "string" ? code : "internal", message })}\n`,
  );
  process.exitCode = 1;
}
