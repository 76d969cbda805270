import { join } from "node:path";
import { asName } from "@porchlight/charter";
import {
  createPassphrase,
  makeDirectory,
  readFileOrNull,
  readPassphrase,
  SecretStore,
  writeFileDurable,
} from "@porchlight/durable";
import { asString, type CharterId, charterId, EncodingError, Fields, parseJson } from "@porchlight/encoding";
import { PartyError } from "./error.ts";

export type PartyKind = "court" | "agency";

/** `party.json`: what a party's directory says of itself. No secrets. */
export type Party = {
  readonly kind: PartyKind;
  /** As charters and warrants name it. */
  readonly name: string;
  /** The service's address, where one was given. */
  readonly url: string | null;
  /** The charter that this party works under, where it was fixed. */
  readonly charter: CharterId | null;
  /** What else the kind needs: a court's `title`, `key` and, where a token signs, `signCommand`, an agency's `recipients`. */
  readonly more: Readonly<Record<string, string | readonly string[]>>;
};

export type Sealing = {
  /** Base-2 logarithm of scrypt's N for a new directory; demonstrations and tests take less than the default. */
  readonly workFactor?: number;
};

const FILE = "party.json";

/** Makes a party's directory; throws PartyError "exists" where there is one. The passphrase is made where none is. */
export async function createParty(
  directory: string,
  party: Party,
  sealing: Sealing = {},
): Promise<SecretStore> {
  asName(party.name, "name");
  await makeDirectory(directory);
  if ((await readFileOrNull(join(directory, FILE))) !== null) {
    throw new PartyError("exists", `${directory} is a party's directory already`);
  }
  await createPassphrase(directory);
  return await openSecrets(directory, sealing);
}

/** The last step of making a directory: with `party.json` it counts as made. */
export async function writeParty(directory: string, party: Party): Promise<void> {
  const { kind, name, url, charter, more } = party;
  const text = `${JSON.stringify({ version: 1, kind, name, url, charter, ...more }, null, 2)}\n`;
  await writeFileDurable(join(directory, FILE), text, { mode: 0o644 });
}

/** Reads `party.json`. Throws PartyError "not-this-party" for another kind's directory and where there is none. */
export async function readParty(directory: string, kind: PartyKind): Promise<Party> {
  const bytes = await readFileOrNull(join(directory, FILE));
  const command = kind === "court" ? "issuer" : "requester";
  if (bytes === null) {
    throw new PartyError(
      "not-this-party",
      `${directory} is no ${kind}'s directory: make one with "porchlight ${command} init"`,
    );
  }
  try {
    const fields = new Fields(parseJson(bytes, FILE), FILE);
    fields.literal("version", 1);
    if (fields.string("kind") !== kind)
      throw new PartyError("not-this-party", `${directory} is no ${kind}'s directory`);
    const url = fields.json("url");
    const charter = fields.json("charter");
    const party = {
      kind,
      name: asName(fields.json("name"), `${FILE}.name`),
      url: url === null ? null : asString(url, `${FILE}.url`),
      charter: charter === null ? null : charterId(asString(charter, `${FILE}.charter`)),
    };
    const more =
      kind === "court"
        ? { title: fields.string("title"), key: fields.string("key"), ...signCommandOf(fields) }
        : { recipients: fields.array("recipients", (item, where) => asString(item, where, 5000)) };
    fields.end();
    return { ...party, more };
  } catch (cause) {
    if (cause instanceof EncodingError) {
      throw new PartyError("not-this-party", `${join(directory, FILE)} is damaged (${cause.message})`, {
        cause,
      });
    }
    throw cause;
  }
}

/** The words with which a token's program is started, one each. */
function signCommandOf(fields: Fields): { readonly signCommand?: readonly string[] } {
  if (fields.optional("signCommand") === undefined) return {};
  const signCommand = fields.array("signCommand", (item, where) => asString(item, where, 4000), 100);
  if (signCommand.length === 0) throw new EncodingError("missing-field", "signCommand");
  return { signCommand };
}

export async function openSecrets(directory: string, sealing: Sealing = {}): Promise<SecretStore> {
  return await SecretStore.open(join(directory, "secrets"), {
    passphrase: await readPassphrase(directory),
    ...sealing,
  });
}
