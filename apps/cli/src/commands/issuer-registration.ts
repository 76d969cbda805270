import { writeFile } from "node:fs/promises";
import { formatSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { readRegistrationFile, registrationWords, unsignable } from "@porchlight/desk/registry";
import { Court } from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { openService, readInput, type ServiceOptions, withService } from "../options.ts";
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
    withService(
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
    ),
    streams,
    async (options: Options & ServiceOptions) => {
      const { dir, draft, document, yes, out } = options;
      if ((draft === undefined) === (document === undefined)) {
        throw new CommandError(EXIT.usage, "option-missing", "say it with --draft or --document");
      }
      const court = await Court.open(dir);
      const service = await openService(
        { directory: court.directory, url: court.party.url, charter: court.party.charter },
        options,
      );
      // As at the desk: every signature on it holds, and nobody signs what can count for nothing (HI1-51).
      const read = await readRegistrationFile(
        await readInput((draft ?? document) as string),
        service.charter,
      );
      const own = { name: court.name, key: court.publicKey };
      const problem = unsignable(read, service.charter, own, service.now());
      const rows = formatRows([...registrationWords(read)]);
      if (yes !== true) {
        return {
          text: `${rows}\n\nNothing was signed. ${problem === null ? "If you believe this call, say --yes." : `It cannot be: ${problem}.`}`,
          json: { signed: false },
        };
      }
      if (problem !== null) throw new CommandError(EXIT.refused, "registration-unsignable", problem);
      const signed = await court.signRegistration(
        unverifiedPayload(read.document),
        read.signers.length === 0 ? null : read.document,
      );
      await writeFile(out, formatSignedDocument(signed), { mode: 0o600 });
      return { text: `${rows}\n\nsigned ${out}`, json: { signed: true, document: out } };
    },
  );
}
