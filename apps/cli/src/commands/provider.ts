import { writeFile } from "node:fs/promises";
import { parseStatement, readSignedDocument, unverifiedPayload } from "@porchlight/charter";
import {
  type AccountId,
  accountId,
  type CharterId,
  fromUtf8,
  type Json,
  parseJson,
} from "@porchlight/encoding";
import { callAdmin } from "@porchlight/runtime";
import type { Command } from "commander";
import { charter, parsed, readInput, readOrder, several } from "../options.ts";
import { action, formatRows, printable, type Streams } from "../terminal.ts";
import { registerEndpoints } from "./provider-endpoint.ts";
import { registerOfficer } from "./provider-officer.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the directory of the running server"] as const;

export function registerProvider(program: Command, streams: Streams): void {
  const provider = program
    .command("provider")
    .description(
      "state whose accounts these are, as the provider's operator: talks to the server that runs in --dir",
    );
  registerEndpoints(provider, streams);
  registerOfficer(provider, streams);

  action(
    provider
      .command("status")
      .description("log and charters")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const status = await callAdmin(dir, { command: "status" });
      return { text: JSON.stringify(status, null, 2), json: { status } };
    },
  );

  action(
    provider
      .command("retention")
      .description(
        "what was deleted when its time was over: the newest report, and with --json the last twenty, signed",
      )
      .option("--run", "delete what is due now instead of at the day's first minute")
      .option(
        "--rewrite",
        "and write the tables anew, so that freed space holds nothing: delivery waits meanwhile",
      )
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, run, rewrite }: Directory & { run?: true; rewrite?: true }) => {
      const act = rewrite === true ? "rewrite" : run === true ? "run" : "show";
      const { reports } = (await callAdmin(dir, { command: "retention", act })) as { reports: Json[] };
      const [newest] = reports;
      if (newest === undefined) return { text: "no report yet", json: { reports } };
      const payload = unverifiedPayload(readSignedDocument(newest, "report"));
      return { text: JSON.stringify(parseJson(payload, "report"), null, 2), json: { reports } };
    },
  );

  action(
    provider
      .command("log-app")
      .description(
        "log the release of the web app that is served, so that everybody can compare: before it is served",
      )
      .option("--release <file>", "its release.json", "apps/web/dist/release.json")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, release }: Directory & { release: string }) => {
      const request = { command: "log-app", release: fromUtf8(await readInput(release)) };
      const logged = (await callAdmin(dir, request)) as { index: number; version: string; manifest: string };
      const { index, version, manifest } = logged;
      return {
        text: `release ${version} is entry ${index}: ${manifest}`,
        json: { index, version, manifest },
      };
    },
  );

  action(
    provider
      .command("bind")
      .description("note which person an account is, from the provider's own records")
      .requiredOption("--account <id>", "the account", parsed(accountId, "an account id, 64 hex digits"))
      .requiredOption("--person <name>", "the person's name, as statements will say it")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, account, person }: Directory & { account: AccountId; person: string }) => {
      const { accounts } = (await callAdmin(dir, { command: "review-person", account, person })) as {
        accounts: { account: string; person: string }[];
      };
      await callAdmin(dir, { command: "bind-person", account, person });
      const alike = accounts.map((one) => ({ term: one.account, text: printable(one.person) }));
      const warning = `noted, but others here have this name or one that looks like it; name them by their accounts' numbers:\n${formatRows(alike)}`;
      return { text: alike.length === 0 ? "noted" : warning, json: { account, alike: accounts } };
    },
  );

  action(
    provider
      .command("others")
      .description(
        "state whom else an order over both sides would open, for its issuer: each must be bound to a person",
      )
      .requiredOption("--order <file>", "the signed order, not handed in yet")
      .option(
        "--account <id...>",
        "only these; without it: everyone who took part on the order's days",
        several(accountId, "account ids, 64 hex digits"),
      )
      .option("--out <file>", "where to write the statement", "others.json")
      .requiredOption(...DIRECTORY),
    streams,
    async (options: Directory & { order: string; account?: AccountId[]; out: string }) => {
      const { warrant } = await readOrder(options.order);
      const accounts = options.account === undefined ? {} : { accounts: options.account };
      const request = { command: "others", warrant: fromUtf8(warrant), ...accounts };
      const document = readSignedDocument(await callAdmin(options.dir, request), "statement");
      const stated = parseStatement(unverifiedPayload(document)).accounts;
      await writeFile(options.out, `${JSON.stringify(document)}\n`, { mode: 0o600 });
      return {
        text: `signed ${options.out}:\n${formatRows(stated.map(({ account, person }) => ({ term: person, text: account })))}`,
        json: {
          statement: options.out,
          accounts: stated.map(({ account, person }) => ({ account, person })),
        },
      };
    },
  );

  action(
    provider
      .command("statement")
      .description("sign a statement of whose accounts these are, for an issuer")
      .requiredOption("--charter <id>", "the charter that the order will be made under", charter)
      .requiredOption("--account <id...>", "the accounts", several(accountId, "account ids, 64 hex digits"))
      .option("--out <file>", "where to write it", "statement.json")
      .requiredOption(...DIRECTORY),
    streams,
    async (options: Directory & { charter: CharterId; account: AccountId[]; out: string }) => {
      const { dir, charter, account, out } = options;
      const answer = await callAdmin(dir, { command: "statement", charter, accounts: account });
      const document = readSignedDocument(answer, "statement");
      const { accounts } = parseStatement(unverifiedPayload(document));
      await writeFile(out, `${JSON.stringify(document)}\n`, { mode: 0o600 });
      return {
        text: `signed ${out}:\n${formatRows(accounts.map(({ account: id, person }) => ({ term: person, text: id })))}`,
        json: {
          statement: out,
          accounts: accounts.map(({ account: id, person }) => ({ account: id, person })),
        },
      };
    },
  );
}
