import { createHash } from "node:crypto";
import { base64, type DayNumber, formatDay, type Json } from "@porchlight/encoding";
import {
  Agency,
  askProvider,
  authorisationOf,
  createAtProvider,
  documentOf,
  orderContents,
  type ProviderLine,
  preservationTaskOf,
  readLineNames,
  type Service,
  type TaskType,
  taskOf,
  writeLineNames,
} from "@porchlight/parties";
import { type Command, Option } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { type Line, namesOf, openLine, withLine, withNames } from "../line-options.ts";
import { day, readInput, readOrder } from "../options.ts";
import { action, type Outcome, type Streams } from "../terminal.ts";
import { registerHi1Records } from "./requester-hi1-records.ts";

type Days = { readonly firstDay: DayNumber; readonly lastDay: DayNumber };
/** What an earlier try printed before it had an answer. */
type Again = { readonly id?: string };
type Targets = { readonly account?: string[]; readonly person?: string[]; readonly conversation?: string[] };

/** Orders over ETSI TS 103 120 (spec/hi1.md): signed messages to the provider, and its signed answers. */
export function registerHi1(requester: Command, streams: Streams): void {
  const hi1 = requester
    .command("hi1")
    .description(
      "authorisations, tasks and documents over ETSI TS 103 120, as the provider's endpoint takes them",
    );
  const days = (command: Command): Command =>
    command
      .requiredOption("--first-day <day>", "UTC", day)
      .requiredOption("--last-day <day>", "UTC, included", day);
  const sending = (command: Command): Command =>
    command.option(
      "--id <id>",
      "as an earlier try printed it that has no answer: the very same is there once",
    );
  /** Its number is printed before it leaves: whoever gets no answer sends the very same again. */
  const send = async (
    service: Service,
    line: ProviderLine,
    made: Parameters<typeof createAtProvider>[2],
    { id = made.ObjectIdentifier }: Again,
  ): Promise<Outcome> => {
    streams.error(`sending ${id}; if no answer comes, send the same again with --id ${id}\n`);
    const created = await createAtProvider(service, line, { ...made, ObjectIdentifier: id });
    if (created.kind === "refused") throw refused(created.words, created.number);
    return { text: `sent; it is ${id}`, json: { id } };
  };
  const targets = (command: Command): Command =>
    command
      .option("--account <id...>", "accounts")
      .option("--person <name...>", "people, as the provider knows them")
      .option("--conversation <id...>", "only in these conversations");

  action(
    hi1
      .command("key")
      .description("this agency's key for the provider: have it registered; you will be called back")
      .option("--dir <dir>", "the requester's directory", "agency"),
    streams,
    async ({ dir }: { dir: string }) => {
      const key = base64(await (await Agency.open(dir)).endpointKey());
      return { text: key, json: { key } };
    },
  );

  action(
    withNames(
      hi1
        .command("names")
        .description(
          "say once how this agency and the provider call each other: for these commands and the desk",
        )
        .option("--dir <dir>", "the requester's directory", "agency"),
    ),
    streams,
    async (options: Line) => {
      const { directory } = await Agency.open(options.dir);
      const names = namesOf(options, await readLineNames(directory));
      await writeLineNames(directory, names);
      return { text: `${names.endpoint} to ${names.provider}, ${names.country}`, json: { ...names } };
    },
  );

  action(
    days(
      sending(
        withLine(
          hi1
            .command("authorise")
            .description("send an authorisation")
            .requiredOption("--reference <text>", "the court's file reference")
            .requiredOption("--legal-basis <text>", "one of the charter's")
            .requiredOption("--offence <text>", "one of the charter's categories")
            .option("--emergency", "shortens deadlines; skips no approval"),
        ),
      ),
    ),
    streams,
    async (
      options: Line &
        Again &
        Days & { reference: string; legalBasis: string; offence: string; emergency?: true },
    ) => {
      const { line: to, service } = await openLine(options);
      const { reference, legalBasis, offence: offenceCategory, emergency } = options;
      const about = {
        reference,
        legalBasis,
        offenceCategory,
        days: span(options),
        isEmergency: emergency === true,
      };
      return await send(service, to, authorisationOf(to, about), options);
    },
  );

  action(
    targets(
      days(
        sending(
          withLine(
            hi1
              .command("task")
              .description("send a task under an authorisation")
              .requiredOption("--authorisation <id>", "its ObjectIdentifier")
              .requiredOption("--reference <ldid>", "the task's LDID, for instance XX-AGENCY-17")
              .addOption(
                new Option("--type <type>", "what is asked for")
                  .choices(["StoredContentData", "SubscriberData", "TrafficData"])
                  .makeOptionMandatory(),
              )
              .option("--emergency", "as the authorisation says"),
          ),
        ),
      ),
    ),
    streams,
    async (
      options: Line &
        Again &
        Days &
        Targets & {
          authorisation: string;
          reference: string;
          type: TaskType;
          emergency?: true;
        },
    ) => {
      const { line: to, service } = await openLine(options);
      const { authorisation, reference, type, emergency } = options;
      const isEmergency = emergency === true;
      const about = { reference, type, days: span(options), targets: targetsOf(options), isEmergency };
      return await send(service, to, taskOf(to, authorisation, about), options);
    },
  );

  action(
    targets(
      days(
        sending(
          withLine(
            hi1
              .command("preserve")
              .description("ask that something is kept until an issuer's order to preserve runs out")
              .requiredOption("--reference <text>", "of the issuer's order")
              .requiredOption("--until <day>", "that day included; 60 days from now at most", day),
          ),
        ),
      ),
    ),
    streams,
    async (options: Line & Again & Days & Targets & { reference: string; until: DayNumber }) => {
      const { line: to, service } = await openLine(options);
      const { reference, until } = options;
      const about = { reference, days: span(options), targets: targetsOf(options), until: formatDay(until) };
      return await send(service, to, preservationTaskOf(to, about), options);
    },
  );

  action(
    sending(
      withLine(
        hi1
          .command("document")
          .description("send the court's original act, or a signed order")
          .requiredOption("--authorisation <id>", "its ObjectIdentifier")
          .option("--act <file>", "the original act (PDF, scan, form)")
          .option("--hash-only", "of the act, which stays with the court")
          .option("--type <mime>", "the act's content type", "application/pdf")
          .option("--order <file>", "or the order, as the issuer gave it"),
      ),
    ),
    streams,
    async (
      options: Line &
        Again & { authorisation: string; act?: string; order?: string; hashOnly?: true; type: string },
    ) => {
      const { act, order, hashOnly, authorisation, type } = options;
      if ((act === undefined) === (order === undefined)) {
        throw new CommandError(EXIT.usage, "option-missing", "say it with --act or --order");
      }
      const contents =
        act === undefined ? orderContents(await readOrder(order as string)) : await readInput(act);
      const { line: to, service } = await openLine(options);
      const checksum = createHash("sha256").update(contents).digest("hex");
      const document = documentOf(to, authorisation, {
        type: act === undefined ? "Warrant" : "OriginalAct",
        contentType: act === undefined ? "application/json" : type,
        checksum,
        contents: hashOnly === true && act !== undefined ? null : contents,
      });
      return await send(service, to, document, options);
    },
  );

  registerHi1Records(hi1, streams);

  action(
    withLine(
      hi1
        .command("get")
        .description("an object as it stands: a task's status, a delivery")
        .requiredOption("--id <id>", "its ObjectIdentifier"),
    ),
    streams,
    async (options: Line & { id: string }) => {
      const { line: to, service } = await openLine(options);
      const answer = await asked(service, to, { GET: { Identifier: options.id } });
      const { HI1Object: object } = (answer as { GETResponse: { HI1Object: Json } }).GETResponse;
      return { text: JSON.stringify(object, null, 2), json: { object } };
    },
  );
}

function span({ firstDay, lastDay }: Days) {
  return { first: formatDay(firstDay), last: formatDay(lastDay) };
}

function targetsOf({ account = [], person = [], conversation = [] }: Targets) {
  return { accounts: account, names: person, conversations: conversation };
}

async function asked(service: Service, line: ProviderLine, what: object): Promise<object> {
  const [answer] = await askProvider(service, line, [what]);
  if (answer !== undefined && !("ErrorInformation" in answer)) return answer;
  const { ErrorCode, ErrorDescription } = answer?.ErrorInformation ?? {
    ErrorCode: 0,
    ErrorDescription: "no answer",
  };
  throw refused(ErrorDescription, ErrorCode);
}

function refused(words: string, number: number): CommandError {
  return new CommandError(EXIT.refused, "hi1-refused", `${words} (${number})`);
}
