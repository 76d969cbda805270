import {
  Agency,
  type LineNames,
  lineOf,
  type ProviderLine,
  readLineNames,
  type Service,
} from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "./exit-code.ts";
import { openService, type ServiceOptions, withService } from "./options.ts";

/** Options of whatever speaks with the provider over TS 103 120. */
export type Line = ServiceOptions & { readonly dir: string } & Partial<LineNames>;

export function withLine(command: Command): Command {
  return withNames(withService(command)).option("--dir <dir>", "the requester's directory", "agency");
}

/** Names on the line, for a command that is told them or finds them in the agency's directory. */
export function withNames(command: Command): Command {
  return command
    .option("--endpoint <name>", "this agency's UniqueIdentifier, as it is registered")
    .option("--provider <name>", "the provider's UniqueIdentifier")
    .option("--country <code>", "of both (default: XX)")
    .option("--owner <name>", "owner of the national profile (default: porchlight)")
    .option("--profile <version>", "its version (default: 1)");
}

export function namesOf(options: Partial<LineNames>, kept: LineNames | null): LineNames {
  const endpoint = options.endpoint ?? kept?.endpoint;
  const provider = options.provider ?? kept?.provider;
  if (endpoint === undefined || provider === undefined) {
    throw new CommandError(
      EXIT.usage,
      "option-missing",
      'who speaks with whom? give --endpoint and --provider, or say it once: "porchlight requester hi1 names"',
    );
  }
  return {
    country: options.country ?? kept?.country ?? "XX",
    endpoint,
    provider,
    owner: options.owner ?? kept?.owner ?? "porchlight",
    profile: options.profile ?? kept?.profile ?? "1",
  };
}

export async function openLine(
  options: Line,
): Promise<{ readonly agency: Agency; readonly line: ProviderLine; readonly service: Service }> {
  const agency = await Agency.open(options.dir);
  const { url, charter } = agency.party;
  const names = namesOf(options, await readLineNames(agency.directory));
  const service = await openService({ directory: agency.directory, url, charter }, options);
  return { agency, line: lineOf(names, await agency.endpointSeed()), service };
}
