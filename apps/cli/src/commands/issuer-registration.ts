import { writeFile } from "node:fs/promises";
import { formatSignedDocument, parseRegistration, parseSignedDocument } from "@porchlight/charter";
import { base64, formatDay, formatInstant } from "@porchlight/encoding";
import { Court } from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { readInput } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Options = {
  readonly dir: string;
  readonly draft?: string;
  readonly document?: string;
  readonly yes?: true;
  readonly out: string;
};

/** The registry's part of registering an authority's key (HI1-51). */
export function registerRegistration(issuer: Command, streams: Streams): void {
  action(
    issuer
      .command("sign-registration")
      .description(
        "sign, as the registry, that an authority was called back about its key; without --yes: show it",
      )
      .option("--draft <file>", "what the provider recorded of the call back")
      .option("--document <file>", "or what the first of a house's two persons signed")
      .option("--yes", "sign it")
      .option("--out <file>", "where to write it", "registration.json")
      .option("--dir <dir>", "the issuer's directory", "court"),
    streams,
    async ({ dir, draft, document, yes, out }: Options) => {
      if ((draft === undefined) === (document === undefined)) {
        throw new CommandError(EXIT.usage, "option-missing", "say it with --draft or --document");
      }
      const half =
        document === undefined ? null : parseSignedDocument(await readInput(document), "registration");
      const bytes =
        half === null
          ? await readInput(draft as string)
          : new Uint8Array(Buffer.from(half.payload, "base64url"));
      const { country, endpoint, key, asked, callBack, until } = parseRegistration(bytes);
      const rows = formatRows([
        { term: "Endpoint", text: `${country} ${endpoint}` },
        { term: "Key", text: base64(key) },
        { term: "Asked", text: formatInstant(asked) },
        { term: "Called back", text: `${formatInstant(callBack.at)} by ${callBack.by}` },
        { term: "Number", text: `${callBack.number}, found in: ${callBack.found}` },
        { term: "What was said", text: callBack.words },
        { term: "Counts until", text: formatDay(until) },
      ]);
      if (yes !== true) {
        return {
          text: `${rows}\n\nNothing was signed. If you believe this call, say --yes.`,
          json: { signed: false },
        };
      }
      const court = await Court.open(dir);
      const signed = await court.signRegistration(bytes, half);
      await writeFile(out, formatSignedDocument(signed), { mode: 0o600 });
      return { text: `${rows}\n\nsigned ${out}`, json: { signed: true, document: out } };
    },
  );
}
