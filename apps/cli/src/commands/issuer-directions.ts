import { writeFile } from "node:fs/promises";
import { readSignedDocument, type SignedDocument } from "@porchlight/charter";
import { type DayNumber, type Json, parseJson } from "@porchlight/encoding";
import { type DirectionKind, signersNeeded } from "@porchlight/gate";
import { Court, type DirectionAnswer } from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { day, openService, readInput, readOrder, type ServiceOptions, withService } from "../options.ts";
import { action, formatTable, type Outcome, type Streams } from "../terminal.ts";

type Kind = Exclude<DirectionKind, "revocation">;

type Options = ServiceOptions & {
  readonly dir: string;
  readonly order: string;
  readonly ground?: string;
  readonly until?: DayNumber;
  readonly document?: string;
  readonly out?: string;
};

const COMMANDS: readonly { name: string; kind: Kind; description: string }[] = [
  {
    name: "suspend",
    kind: "suspension",
    description: "let an order rest, for instance while a complaint is heard: nothing more is released",
  },
  { name: "resume", kind: "resumption", description: "let a suspended order go on" },
  {
    name: "extend",
    kind: "extension",
    description:
      "keep an order secret for longer: at the latest a day before its secrecy ends, within the charter's longest",
  },
  {
    name: "release-notice",
    kind: "notice-release",
    description: "have the persons told before the secrecy of an order ends",
  },
];

/** What an issuer says of its order later (spec/directions.md). */
export function registerDirections(issuer: Command, streams: Streams): void {
  for (const { name, kind, description } of COMMANDS) {
    const command = issuer
      .command(name)
      .description(description)
      .requiredOption("--order <file>", "the order")
      .option("--ground <text>", "why")
      .option(
        "--document <file>",
        "or a house's document that another person signed: add your signature to it",
      )
      .option("--out <file>", "write the signed document there and send nothing, for a house's second person")
      .option("--dir <dir>", "the issuer's directory", "court");
    if (kind === "extension") command.option("--until <day>", "the UTC day on which secrecy ends now", day);
    action(withService(command), streams, async (options: Options) => await direct(kind, options));
  }
}

async function direct(kind: Kind, options: Options): Promise<Outcome> {
  const court = await Court.open(options.dir);
  const place = { directory: court.directory, url: court.party.url, charter: court.party.charter };
  const service = await openService(place, options);
  const order = await readOrder(options.order);
  let document: SignedDocument;
  if (options.document !== undefined) {
    const value = parseJson(await readInput(options.document), kind);
    document = await court.cosign(kind, readSignedDocument(value, kind));
  } else {
    const { ground, until } = options;
    if (ground === undefined || (kind === "extension" && until === undefined)) {
      const missing = kind === "extension" ? "--ground and --until" : "--ground";
      throw new CommandError(EXIT.usage, "option-missing", `say it with ${missing}, or give --document`);
    }
    const said = { kind, ground, at: service.now(), ...(until === undefined ? {} : { until }) };
    document = await court.sayOf(service, order, said);
  }
  if (options.out !== undefined) {
    await writeFile(options.out, `${JSON.stringify(document)}\n`, { mode: 0o600 });
    return { text: `signed ${options.out}; nothing was sent`, json: { document: options.out } };
  }
  const needed = signersNeeded(kind, service.charter);
  if (document.signatures.length < needed) {
    throw new CommandError(
      EXIT.usage,
      "second-signature-missing",
      `this takes ${needed} persons: write it with --out, and let the second give it with --document`,
    );
  }
  const { index, keyholders } = await court.direct(service, order, kind, document);
  const counted = keyholders.filter(({ answer }) => answer.state === "counted").length;
  const all = counted === keyholders.length;
  return {
    text: `in the log at ${index}\n\n${formatTable(
      ["keyholder", "state", ""],
      keyholders.map(({ keyholder, answer }) => [keyholder.name, answer.state, answer.reason ?? ""]),
    )}${all ? "" : "\n\nRun it again until every keyholder has counted it."}`,
    json: { index, keyholders: keyholders.map(answerJson) },
    exit: all ? EXIT.done : EXIT.notYet,
  };
}

function answerJson({ keyholder, answer }: DirectionAnswer): { [name: string]: Json } {
  return {
    keyholder: keyholder.index,
    name: keyholder.name,
    state: answer.state,
    ...(answer.reason === undefined ? {} : { reason: answer.reason }),
    ...("rule" in answer && answer.rule !== undefined ? { rule: answer.rule } : {}),
    ...("record" in answer && answer.record !== undefined ? { record: answer.record } : {}),
  };
}
