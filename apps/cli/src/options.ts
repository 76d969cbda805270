import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CharterId, charterId, type DayNumber, EncodingError, parseDay } from "@porchlight/encoding";
import { type OrderFile, readOrderFile, Service } from "@porchlight/parties";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { CommandError, EXIT } from "./exit-code.ts";

/** Turns a room's strict parser into an option's, so that a wrong value is a usage error that names the option. */
export function parsed<T>(parse: (text: string) => T, expected: string): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof EncodingError) throw new InvalidArgumentError(`Expected ${expected}.`);
      throw error;
    }
  };
}

/** The same for an option that can be given several times. */
export function several<T>(
  parse: (text: string) => T,
  expected: string,
): (text: string, before: T[] | undefined) => T[] {
  const one = parsed(parse, expected);
  return (text, before) => [...(before ?? []), one(text)];
}

/** A port up to `most`; 0 lets the system choose. */
export const portUpTo = (most: number): ((text: string) => number) => {
  return parsed((text) => {
    const value = Number(text);
    if (!/^[0-9]{1,5}$/.test(text) || value > most) {
      throw new CommandError(EXIT.usage, "usage", `a port up to ${most} is needed; 0 lets the system choose`);
    }
    return value;
  }, "a port number");
};

export const day: (text: string) => DayNumber = parsed((text) => parseDay(text), "a UTC day, YYYY-MM-DD");
export const charter: (text: string) => CharterId = parsed(charterId, "a charter id, 64 hex digits");

export type ServiceOptions = { readonly url?: string; readonly charter?: CharterId };

/** `--url` and `--charter`, for commands that talk to a service. */
export function withService(command: Command): Command {
  return command
    .option("--url <url>", "the service's address (default: the one given at init)")
    .option(
      "--charter <id>",
      "the charter to work under (default: the one given at init, or the only one in force)",
      charter,
    );
}

/** The service of a party's directory. What is known of its log is kept there, so that it cannot be rolled back unnoticed. */
export async function openService(
  party: { readonly directory: string; readonly url: string | null; readonly charter: CharterId | null },
  options: ServiceOptions,
): Promise<Service> {
  const url = options.url ?? party.url;
  if (url === null) {
    throw new CommandError(EXIT.usage, "url-missing", "which service? give --url, or give it once at init");
  }
  return await Service.open({
    url,
    directory: join(party.directory, "log"),
    charter: options.charter ?? party.charter,
  });
}

/** Reads a file named on the command line. */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new CommandError(EXIT.usage, "file-unreadable", `${path} cannot be read`, { cause });
  }
}

export async function readOrder(path: string): Promise<OrderFile> {
  return readOrderFile(await readInput(path));
}
