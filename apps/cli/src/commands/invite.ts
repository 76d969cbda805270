import { createHash, randomBytes } from "node:crypto";
import { invitationLink } from "@porchlight/client";
import {
  type AccountId,
  accountId,
  asString,
  EncodingError,
  Fields,
  formatInstant,
  unixSeconds,
} from "@porchlight/encoding";
import { callAdmin } from "@porchlight/runtime";
import { ROLES, type Role } from "@porchlight/wire";
import { type Command, Option } from "commander";
import encodeQR from "qr";
import { parsed } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the directory of the running server"] as const;

function dayCount(text: string): number {
  if (!/^(?:[1-9]|[12][0-9]|30)$/.test(text)) throw new EncodingError("out-of-range", "days");
  return Number(text);
}

/** `porchlight invite` and `porchlight role`: who comes in, and who may do what, by the operator's hand. */
export function registerInvite(program: Command, streams: Streams): void {
  action(
    program
      .command("invite")
      .description("make a one-time link that lets one person register, and show it as text and as a QR code")
      .requiredOption(...DIRECTORY)
      .option("--url <url>", "where people open the app", "http://localhost:7400")
      .option("--days <days>", "for how long it is good, 1 to 30", parsed(dayCount, "1 to 30 days"), 7)
      .addOption(
        new Option("--role <role>", "what the person will be").choices([...ROLES]).default("member"),
      ),
    streams,
    async ({ dir, url, days: good, role }: Directory & { url: string; days: number; role: Role }) => {
      // The server gets the hash: not even its operator's tools keep the secret.
      const secret = randomBytes(32);
      const secretHash = createHash("sha256").update(secret).digest("hex");
      const answer = new Fields(
        await callAdmin(dir, { command: "invite", secretHash, days: good, role }),
        "invitation",
      );
      const until = formatInstant(unixSeconds(answer.integer("expires")));
      const link = invitationLink(url, secret);
      const text = `${encodeQR(link, "ascii").trimEnd()}\n\n${link}\n\nGood once, until ${until}, for one ${role}. Whoever has it can come in: hand it to the person alone.`;
      return { text, json: { link, expires: until, role } };
    },
  );

  const role = program.command("role").description("who may do what, as the provider's operator");
  action(
    role
      .command("set")
      .description("change what an account may do; the change is in the audit")
      .requiredOption("--account <id>", "the account", parsed(accountId, "an account id, 64 hex digits"))
      .addOption(new Option("--role <role>", "the new role").choices([...ROLES]).makeOptionMandatory())
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, account, role: changed }: Directory & { account: AccountId; role: Role }) => {
      await callAdmin(dir, { command: "set-role", account, role: changed });
      return { text: `now ${changed}`, json: { account, role: changed } };
    },
  );
  action(
    role
      .command("audit")
      .description("every change of a role and every deleted account, oldest first")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const answer = new Fields(await callAdmin(dir, { command: "audit" }), "audit");
      const lines = answer.array("lines", (value, where) => {
        const line = new Fields(value, where);
        return {
          at: formatInstant(unixSeconds(line.integer("at"))),
          act: line.string("act"),
          actor: line.json("actor") === null ? "operator" : asString(line.json("actor"), where, 64),
          subject: line.json("subject"),
          detail: line.string("detail"),
        };
      });
      const rows = lines.map(({ at, act, actor, subject, detail }) => ({
        term: at,
        text: `${act} ${String(subject)} ${detail} (${actor})`,
      }));
      return { text: rows.length === 0 ? "nothing yet" : formatRows(rows), json: { lines } };
    },
  );
}
