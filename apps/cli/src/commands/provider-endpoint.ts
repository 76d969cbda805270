import { writeFile } from "node:fs/promises";
import { parseRegistration, parseSignedDocument } from "@porchlight/charter";
import { type DayNumber, formatDay, fromBase64, type Json, utf8 } from "@porchlight/encoding";
import { callAdmin } from "@porchlight/runtime";
import type { Command } from "commander";
import { day, parsed, readInput } from "../options.ts";
import { action, formatTable, type Streams } from "../terminal.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the directory of the running server"] as const;

type Listed = {
  readonly id: string;
  readonly state: string;
  readonly country: string;
  readonly endpoint: string;
  readonly key: string;
};

/** Keys of requesters' endpoints (HI1-50 to HI1-54): asked for, called back about, signed by the registry, logged. */
export function registerEndpoints(provider: Command, streams: Streams): void {
  action(
    provider
      .command("register-endpoint")
      .description("note a key that an authority sent; it counts for nothing before a call back")
      .requiredOption("--country <code>", "two capital letters")
      .requiredOption("--endpoint <name>", "the authority's UniqueIdentifier")
      .requiredOption(
        "--key <base64>",
        "its Ed25519 key, 32 bytes",
        parsed((text) => (fromBase64(text, 32, "key"), text), "32 bytes in base64"),
      )
      .requiredOption(...DIRECTORY),
    streams,
    async ({
      dir,
      country,
      endpoint,
      key,
    }: Directory & { country: string; endpoint: string; key: string }) => {
      const { id } = (await callAdmin(dir, { command: "hi1-register", country, endpoint, key })) as {
        id: string;
      };
      return {
        text: `noted as ${id}. Now call a number that you found elsewhere than in the request, and record it: porchlight provider call-back --id ${id} …`,
        json: { id },
      };
    },
  );

  action(
    provider
      .command("call-back")
      .description("record the call back, and write what the registry has to sign")
      .requiredOption("--id <id>", "of the noted key")
      .requiredOption("--by <name>", "who called")
      .requiredOption("--number <number>", "the number that was called")
      .requiredOption("--found <text>", "where the number was found: not in the request")
      .requiredOption("--words <text>", "who answered, and what was said")
      .requiredOption("--until <day>", "the last day on which the key counts, a year from now at most", day)
      .option("--out <file>", "where to write it", "registration-draft.json")
      .requiredOption(...DIRECTORY),
    streams,
    async (
      options: Directory & {
        id: string;
        by: string;
        number: string;
        found: string;
        words: string;
        until: DayNumber;
        out: string;
      },
    ) => {
      const { dir, out, until, id, by, number, found, words } = options;
      const call = { id, by, number, found, words, until: formatDay(until) };
      const { draft } = (await callAdmin(dir, { command: "hi1-call-back", ...call })) as { draft: string };
      parseRegistration(utf8(draft));
      await writeFile(out, draft, { mode: 0o600 });
      return {
        text: `recorded; wrote ${out}. The registry runs: porchlight issuer sign-registration --draft ${out}`,
        json: { draft: out },
      };
    },
  );

  action(
    provider
      .command("complete-registration")
      .description("take the registry's signature and log it; the key counts once witnesses have seen that")
      .requiredOption("--id <id>", "of the noted key")
      .requiredOption("--document <file>", "what the registry signed")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, id, document }: Directory & { id: string; document: string }) => {
      const { payload, signatures } = parseSignedDocument(await readInput(document), "registration");
      const signed = { payload, signatures: signatures.map((made) => ({ ...made })) };
      const { commitment } = (await callAdmin(dir, { command: "hi1-complete", id, document: signed })) as {
        commitment: string;
      };
      return { text: `logged under ${commitment}`, json: { commitment } };
    },
  );

  action(
    provider
      .command("revoke-endpoint")
      .description("take a registered key back: it counts no more, at once")
      .requiredOption("--id <id>", "of the registration")
      .requiredOption("--by <name>", "who takes it back")
      .requiredOption("--words <text>", "why")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, id, by, words }: Directory & { id: string; by: string; words: string }) => {
      await callAdmin(dir, { command: "hi1-revoke", id, by, words });
      return { text: "taken back", json: { id } };
    },
  );

  action(
    provider
      .command("endpoints")
      .description("authorities' keys and how they stand")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const { registrations } = (await callAdmin(dir, { command: "hi1-registrations" })) as {
        registrations: (Listed & Json)[];
      };
      const rows = registrations.map(({ id, state, country, endpoint, key }) => [
        `${country} ${endpoint}`,
        state,
        key.slice(-9),
        id,
      ]);
      const text = rows.length === 0 ? "none" : formatTable(["endpoint", "state", "key ends", "id"], rows);
      return { text, json: { registrations } };
    },
  );
}
