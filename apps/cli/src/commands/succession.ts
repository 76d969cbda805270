import { writeFile } from "node:fs/promises";
import { type CharterEntry, formatEntry, parseEntry, unverifiedPayload } from "@porchlight/charter";
import {
  Fields,
  formatInstant,
  fromBase64,
  fromUtf8,
  keyholderIndex,
  parseDecimal,
  parseJson,
} from "@porchlight/encoding";
import {
  completeSuccession,
  draftSuccession,
  formatSuccessionFile,
  readSuccessionFile,
  type SuccessionFile,
  stateOfSuccession,
  withSignature,
} from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { openService, parsed, readInput, type ServiceOptions, withService } from "../options.ts";
import { action, formatRows, type Outcome, type Streams } from "../terminal.ts";

type Log = ServiceOptions & { readonly memory: string };
type Draft = Log & {
  readonly place: number;
  readonly public: string;
  readonly name: string;
  readonly owner: string;
  readonly payer: string;
  readonly jurisdiction: string;
  readonly address: string;
  readonly ground: string;
  readonly out: string;
};
type Sign = { readonly dir: string; readonly digest?: string | undefined };

const MEMORY = ["--memory <dir>", "what was seen of the log so far", ".succession"] as const;
const DIRECTORY = [
  "--dir <dir>",
  "the directory of the running keyholder, or of the provider's server",
] as const;
const DIGEST = ["--digest <hex>", "sign: the digest of what you have read"] as const;

/**
 * A lost keyholder is replaced (spec/charter.md, CHA-21) step by step: one file goes from party to party, and every step says
 * who has signed and who has not.
 */
export function registerSuccession(program: Command, streams: Streams): void {
  const succession = program
    .command("succession")
    .description("replace a keyholder that is lost, by everyone's signature: draft, sign, accept, log");

  action(
    withService(
      succession
        .command("draft")
        .description("write the document that all will sign")
        .requiredOption(
          "--place <n>",
          "the place of the lost keyholder",
          parsed((text) => parseDecimal(text, "place"), "a number"),
        )
        .requiredOption("--public <file>", "public.json of the new keyholder, compared with it on paper")
        .requiredOption("--name <name>", "its name, which no party of the charter has")
        .requiredOption("--owner <name>", "who owns it")
        .requiredOption("--payer <name>", "who pays it")
        .requiredOption("--jurisdiction <name>", "whose law it is under")
        .requiredOption("--address <url>", "where it is reached")
        .requiredOption("--ground <text>", "why, for everybody to read")
        .option("--out <file>", "where to write it", "succession.json")
        .option(...MEMORY),
    ),
    streams,
    draft,
  );

  action(
    succession
      .command("show")
      .argument("<file>")
      .description("what it says, its digest, who has signed and who has not"),
    streams,
    async (_options: object, _context, path: string) => {
      const file = readSuccessionFile(await readInput(path));
      return inWords(file, path);
    },
  );

  for (const { name, description, accepts } of [
    {
      name: "sign",
      description: "add this party's signature: a keyholder's or the provider's",
      accepts: false,
    },
    { name: "accept", description: "add the new keyholder's signature: it takes the place", accepts: true },
  ]) {
    action(
      succession
        .command(name)
        .argument("<file>")
        .description(description)
        .option(...DIGEST)
        .requiredOption(...DIRECTORY),
      streams,
      async ({ dir, digest }: Sign, _context, path: string) => await sign(path, { dir, digest, accepts }),
    );
  }

  action(
    withService(
      succession
        .command("log")
        .argument("<file>")
        .description("put it into the public log, once everyone has signed")
        .option(...MEMORY),
    ),
    streams,
    logIt,
  );
}

async function draft(options: Draft): Promise<Outcome> {
  const service = await openService({ directory: options.memory, url: null, charter: null }, options);
  const entry = parseEntry(service.charterEntry().bytes) as CharterEntry;
  const published = new Fields(parseJson(await readInput(options.public), "public"), "public");
  const keyholder = {
    index: keyholderIndex(options.place),
    name: options.name,
    owner: options.owner,
    payer: options.payer,
    jurisdiction: options.jurisdiction,
    url: options.address,
    vkey: published.string("vkey"),
    key: fromBase64(published.string("key"), 32, "public.key"),
    xwing: fromBase64(published.string("xwing", 2000), 1216, "public.xwing"),
  };
  const about = { keyholder, ground: options.ground, at: service.now() };
  const file = draftSuccession(service.present, unverifiedPayload(entry.document), about);
  await writeFile(options.out, formatSuccessionFile(file), { mode: 0o600 });
  return inWords(file, options.out);
}

/** What is signed is what was read: the digest stands for it, as a charter's id does. */
async function sign(
  path: string,
  { dir, digest, accepts }: Sign & { readonly accepts: boolean },
): Promise<Outcome> {
  const file = readSuccessionFile(await readInput(path));
  const state = stateOfSuccession(file);
  if (digest === undefined) {
    throw new CommandError(
      EXIT.usage,
      "option-missing",
      `read it first: porchlight succession show ${path}. Then name its digest with --digest`,
    );
  }
  if (digest !== state.digest) {
    throw new CommandError(EXIT.refused, "succession-differs", "this is not the succession with that digest");
  }
  const succession = fromUtf8(file.succession);
  const answer = accepts
    ? await callAdmin(dir, {
        command: "accept-succession",
        charter: fromUtf8(file.charter),
        succession,
        digest,
      })
    : await callAdmin(dir, { command: "sign-succession", succession, digest });
  const signature = new Fields(answer, "answer").object("signature");
  const signed = withSignature(file, {
    protected: signature.string("protected", 1000),
    signature: signature.string("signature", 86),
  });
  await writeFile(path, formatSuccessionFile(signed), { mode: 0o600 });
  return inWords(signed, path);
}

async function logIt(options: Log, _context: unknown, path: string): Promise<Outcome> {
  const file = readSuccessionFile(await readInput(path));
  const { missing } = stateOfSuccession(file);
  if (missing.length > 0) {
    throw new CommandError(EXIT.notYet, "signer-missing", `not signed yet by ${missing.join(", ")}`);
  }
  const service = await openService({ directory: options.memory, url: null, charter: null }, options);
  const document = await completeSuccession(file, service.present);
  const index = await service.server.appendEntry(formatEntry({ type: "succession", document }));
  const witnessed = await service.covers(index + 1);
  return {
    text: [
      `in the log at ${index}${witnessed ? ", witnessed" : ", not witnessed yet"}`,
      "The new keyholder has no share yet. For every month that has keys, each operator gives the same command:",
      "  porchlight keyholder refresh YYYY-MM --dir DIRECTORY",
    ].join("\n"),
    json: { index, witnessed },
    exit: witnessed ? EXIT.done : EXIT.notYet,
  };
}

function inWords(file: SuccessionFile, path: string): Outcome {
  const { document, digest, signed, missing } = stateOfSuccession(file);
  const { keyholder, ground, at } = document;
  const rows = formatRows([
    { term: "Place", text: String(keyholder.index) },
    { term: "New keyholder", text: keyholder.name },
    { term: "Owned by", text: keyholder.owner },
    { term: "Paid by", text: keyholder.payer },
    { term: "Under the law of", text: keyholder.jurisdiction },
    { term: "Address", text: keyholder.url },
    { term: "Cosigner", text: keyholder.vkey },
    { term: "Why", text: ground },
    { term: "At", text: formatInstant(at) },
    { term: "Digest", text: digest },
    { term: "Signed by", text: signed.length === 0 ? "nobody yet" : signed.join("\n") },
    { term: "Not yet by", text: missing.length === 0 ? "–" : missing.join("\n") },
  ]);
  const next =
    missing.length === 0
      ? `Next: porchlight succession log ${path}`
      : `Next: each of them runs porchlight succession sign ${path} --digest ${digest} --dir DIRECTORY; ${keyholder.name} runs accept.`;
  return {
    text: `${rows}\n\n${next}`,
    json: { file: path, digest, signed: [...signed], missing: [...missing] },
  };
}
