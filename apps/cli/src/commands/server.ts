import { spawn } from "node:child_process";
import { copyFile, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PASSPHRASE_VARIABLE } from "@porchlight/durable";
import { Fields, parseJson, utf8 } from "@porchlight/encoding";
import { callAdmin } from "@porchlight/runtime";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { action, counted, type Streams } from "../terminal.ts";

const RESTORE = fileURLToPath(new URL("../../../server/src/restore.ts", import.meta.url));

/** `porchlight server`: what the person does who runs the provider's machine. */
export function registerServer(program: Command, streams: Streams): void {
  const server = program.command("server").description("back a provider's server up, and bring it back");

  action(
    server
      .command("backup")
      .description("write everything that the running server has acknowledged to one sealed file")
      .requiredOption("--dir <dir>", "the directory of the running server")
      .requiredOption(
        "--out <file>",
        "the backup; an age file with a tar in it, sealed with the server's passphrase",
      ),
    streams,
    async ({ dir, out }: { dir: string; out: string }) => {
      const path = resolve(out);
      const summary = new Fields(await callAdmin(dir, { command: "backup", path }), "summary");
      const log = summary.integer("log");
      const rows = summary.integer("rows");
      return {
        text: `${path}: ${counted(rows, "row")} and a log of ${log}.\nIt opens with the server's passphrase only: keep that, apart from it.`,
        json: { backup: path, log, rows },
      };
    },
  );

  action(
    server
      .command("restore")
      .description("make a server's directory and database out of a backup")
      .argument("<backup>", "what server backup wrote")
      .requiredOption("--dir <dir>", "a directory that does not exist yet, or is empty")
      .option(
        "--passphrase-file <file>",
        `the server's passphrase, copied beside the restored data (default: the file that ${PASSPHRASE_VARIABLE} names)`,
      ),
    streams,
    async ({ dir, passphraseFile }: { dir: string; passphraseFile?: string }, _context, backup: string) => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      if (passphraseFile !== undefined) await copyFile(passphraseFile, join(dir, "passphrase"));
      const { log, rows } = await restore(resolve(backup), resolve(dir));
      return {
        text: `${dir}: ${counted(rows, "row")} and a log of ${log}.\nStart the server. Its log takes nothing new until the witnesses have confirmed that they have seen no newer one;\nporchlight provider status --dir ${dir} says how that stands.`,
        json: { dir: resolve(dir), log, rows },
      };
    },
  ).addHelpText(
    "after",
    `
The database is made beside it, or is the empty one that DATABASE_URL names. Where a witness has seen more of the log
than the backup holds, the log stays closed: signing on would make a second log. Then restore a newer backup, or the
newest copy of the file log/entries.`,
  );
}

/** The server's own program does it: this one knows nothing of its tables. */
async function restore(backup: string, directory: string): Promise<{ log: number; rows: number }> {
  const child = spawn(process.execPath, [RESTORE, backup, directory], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, failure] = ["", ""].map(() => [] as Buffer[]) as [Buffer[], Buffer[]];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => failure.push(chunk));
  const status = await new Promise<number | null>((settle, reject) => {
    child.on("error", reject);
    child.on("close", settle);
  });
  const last = (chunks: Buffer[]): string => Buffer.concat(chunks).toString().trim().split("\n").at(-1) ?? "";
  if (status !== 0) {
    const refused = new Fields(parseJson(utf8(last(failure)), "restore"), "restore");
    throw new CommandError(EXIT.refused, refused.string("code", 100), refused.string("message", 2000));
  }
  const done = new Fields(parseJson(utf8(last(out)), "restore"), "restore");
  return { log: done.integer("log"), rows: done.integer("rows") };
}
