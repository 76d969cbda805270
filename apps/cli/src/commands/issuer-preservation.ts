import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { formatSignedDocument, parseSignedDocument, preservationCommitment } from "@porchlight/charter";
import {
  type AccountId,
  accountId,
  type ConversationId,
  conversationId,
  type DayNumber,
  formatDay,
} from "@porchlight/encoding";
import {
  Court,
  cosignPreservation,
  formatPreservationFile,
  lodgePreservation,
  type PreservationFile,
  preservationOf,
  readPreservationFile,
  type Service,
  signPreservation,
  signPreservationLift,
} from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import {
  day,
  openService,
  parsed,
  readInput,
  type ServiceOptions,
  several,
  withService,
} from "../options.ts";
import { action, type Outcome, type Streams } from "../terminal.ts";

type Options = ServiceOptions & {
  readonly dir: string;
  readonly out: string;
  readonly document?: string;
  readonly extend?: string;
  readonly reference?: string;
  readonly act?: string;
  readonly legalBasis?: string;
  readonly ground?: string;
  readonly account?: AccountId;
  readonly conversation?: readonly ConversationId[];
  readonly firstDay?: DayNumber;
  readonly lastDay?: DayNumber;
  readonly until?: DayNumber;
};

/** Orders to preserve (spec/preservation.md): signed, logged and carried out. They open nothing. */
export function registerPreservation(issuer: Command, streams: Streams): void {
  action(
    withService(
      issuer
        .command("preserve")
        .description("keep what an account wrote on some days from being deleted; nothing is opened")
        .option("--reference <text>", "the issuer's file reference")
        .option("--act <file>", "the original act, kept by its hash")
        .option("--legal-basis <text>", "one of the charter's legal bases")
        .option("--ground <text>", "why")
        .option("--account <id>", "whose messages", parsed(accountId, "an account id, 64 hex digits"))
        .option(
          "--conversation <id...>",
          "in which conversations; without it: all of the account's",
          several(conversationId, "conversation ids, 64 hex digits"),
        )
        .option("--first-day <day>", "of the messages; none is to come", day)
        .option("--last-day <day>", "of the messages, included", day)
        .option("--until <day>", "the last day on which they are kept: 60 days from now at most", day)
        .option("--extend <file>", "or an order that runs: keep the same for up to 30 days more")
        .option(
          "--document <file>",
          "or an order that was signed before: sign it second, or hand it in again",
        )
        .option("--out <file>", "where to write the order", "preservation.json")
        .option("--dir <dir>", "the issuer's directory", "court"),
    ),
    streams,
    preserve,
  );

  action(
    withService(
      issuer
        .command("lift-preservation")
        .description("end an order to preserve early: what it kept beyond its time is deleted")
        .requiredOption("--order <file>", "the order, as preserve wrote it")
        .option("--ground <text>", "why")
        .option("--document <file>", "or a lift that was signed before: sign it second, or hand it in again")
        .option("--out <file>", "where to write the lift", "lift.json")
        .option("--dir <dir>", "the issuer's directory", "court"),
    ),
    streams,
    lift,
  );
}

type LiftOptions = ServiceOptions & {
  readonly dir: string;
  readonly out: string;
  readonly order: string;
  readonly ground?: string;
  readonly document?: string;
};

async function lift({ dir, out, order, ground, document, ...options }: LiftOptions): Promise<Outcome> {
  const court = await Court.open(dir);
  const { url, charter } = court.party;
  const opened = await openService({ directory: court.directory, url, charter }, options);
  const file = readPreservationFile(await readInput(order));
  const service = await underOwn(opened, file);
  const needed = service.charter.kind === "house" ? 2 : 1;
  let signed = document === undefined ? null : parseSignedDocument(await readInput(document), "lift");
  if (signed === null) {
    if (ground === undefined) throw missing("--ground");
    signed = await signPreservationLift(court, service.charter, file, { issued: service.now(), ground });
  } else if (signed.signatures.length < needed) {
    signed = await signPreservationLift(court, service.charter, file, { half: signed });
  }
  const path = document ?? out;
  await writeFile(path, formatSignedDocument(signed), { mode: 0o600 });
  if (signed.signatures.length < needed) {
    return {
      text: `signed ${path}; nothing was sent. The second person runs: porchlight issuer lift-preservation --order ${order} --document ${path}`,
      json: { lift: path, state: "signed" },
    };
  }
  const index = await service.server.liftPreservation(signed);
  return {
    text: `in the log at ${index}: the order holds nothing any more. What it alone kept is deleted when the provider next deletes.`,
    json: { lift: path, state: "lifted", index },
  };
}

async function preserve(options: Options): Promise<Outcome> {
  const court = await Court.open(options.dir);
  const { url, charter } = court.party;
  const opened = await openService({ directory: court.directory, url, charter }, options);
  const from = options.document ?? options.extend;
  const before = from === undefined ? null : readPreservationFile(await readInput(from));
  const service = before === null ? opened : await underOwn(opened, before);
  const file =
    before !== null && options.document !== undefined
      ? await completed(court, service, before)
      : await signed(court, service, options, before);
  // On the disk before it is sent: without its opening nobody could hand the same order in again.
  const path = options.document ?? options.out;
  await writeFile(path, formatPreservationFile(file), { mode: 0o600 });
  if (preservationOf(file).signatures < (service.charter.kind === "house" ? 2 : 1)) {
    return {
      text: `signed ${path}; nothing was sent. The second person runs: porchlight issuer preserve --document ${path}`,
      json: { order: path, state: "signed" },
    };
  }
  const { index, until } = await lodgePreservation(service, file);
  return {
    text: `in the log at ${index}, and witnessed: what is there now is kept until ${formatDay(until)}. Keep ${path}: an extension needs it.`,
    json: { order: path, state: "held", index, until: formatDay(until) },
  };
}

/** Another charter may have come into force since: an order's own counts, for its extension and its lift too. */
async function underOwn(service: Service, file: PreservationFile): Promise<Service> {
  return await service.under(preservationOf(file).document.charter);
}

/** `before`: the order that this extends. */
async function signed(
  court: Court,
  service: Service,
  options: Options,
  before: PreservationFile | null,
): Promise<PreservationFile> {
  const { until, ground } = options;
  const issued = service.now();
  if (until === undefined || ground === undefined) throw missing("--until and --ground");
  if (before !== null) {
    const document = preservationOf(before).document;
    const commitment = preservationCommitment(before.opening, before.preservation);
    return await signPreservation(court, service.charter, {
      ...document,
      issued,
      until,
      ground,
      extends: commitment,
    });
  }
  const { reference, act, legalBasis, account, conversation, firstDay, lastDay } = options;
  if (
    reference === undefined ||
    act === undefined ||
    legalBasis === undefined ||
    account === undefined ||
    firstDay === undefined ||
    lastDay === undefined
  ) {
    throw missing("--reference, --act, --legal-basis, --account, --first-day and --last-day, or --extend");
  }
  return await signPreservation(court, service.charter, {
    reference,
    actHash: new Uint8Array(
      createHash("sha256")
        .update(await readInput(act))
        .digest(),
    ),
    legalBasis,
    issued,
    account,
    conversations: conversation ?? "all",
    firstDay,
    lastDay,
    until,
    extends: null,
    ground,
  });
}

/** With the second person's signature where it lacks one. */
async function completed(court: Court, service: Service, file: PreservationFile): Promise<PreservationFile> {
  const { charter } = service;
  return charter.kind === "house" && preservationOf(file).signatures < 2
    ? await cosignPreservation(court, charter, file)
    : file;
}

function missing(options: string): CommandError {
  return new CommandError(EXIT.usage, "option-missing", `say it with ${options}`);
}
