import { join } from "node:path";
import { asName } from "@porchlight/charter";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { EncodingError, Fields, parseJson } from "@porchlight/encoding";
import { PartyError } from "./error.ts";
import type { ProviderLine } from "./provider-line.ts";

/** How an agency and its provider call each other (HI1-4), and the profile between them. No secrets. */
export type LineNames = {
  /** ISO 3166-1, of both. */
  readonly country: string;
  /** This agency's UniqueIdentifier, as its key is registered. */
  readonly endpoint: string;
  readonly provider: string;
  readonly owner: string;
  readonly profile: string;
};

const FILE = "provider-line.json";

/** `null` where nobody said them. Throws PartyError "file-malformed". */
export async function readLineNames(directory: string): Promise<LineNames | null> {
  const bytes = await readFileOrNull(join(directory, FILE));
  if (bytes === null) return null;
  try {
    const fields = new Fields(parseJson(bytes, FILE), FILE);
    fields.literal("version", 1);
    const names = namesIn((name) => fields.string(name, 100));
    fields.end();
    return names;
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new PartyError("file-malformed", `${join(directory, FILE)} is damaged (${cause.message})`, {
      cause,
    });
  }
}

/** Throws EncodingError for a name that no registration could bear (HI1-50). */
export async function writeLineNames(directory: string, given: LineNames): Promise<void> {
  const names = namesIn((name) => given[name]);
  await writeFileDurable(join(directory, FILE), `${JSON.stringify({ version: 1, ...names }, null, 2)}\n`);
}

/** Throws EncodingError. */
export function namesIn(read: (name: keyof LineNames) => string): LineNames {
  const name = (which: keyof LineNames): string => asName(read(which), which);
  const country = read("country");
  if (!/^[A-Z]{2}$/.test(country)) throw new EncodingError("not-canonical", "country");
  return {
    country,
    endpoint: name("endpoint"),
    provider: name("provider"),
    owner: name("owner"),
    profile: name("profile"),
  };
}

/** The line of these names, with the agency's key. */
export function lineOf(names: LineNames, seed: Uint8Array): ProviderLine {
  const { country: CountryCode, endpoint, provider, owner, profile: version } = names;
  return {
    own: { CountryCode, UniqueIdentifier: endpoint },
    provider: { CountryCode, UniqueIdentifier: provider },
    ...{ owner, version, seed },
  };
}
