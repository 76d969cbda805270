import { writeFile } from "node:fs/promises";
import { type Charter, readSignedDocument } from "@porchlight/charter";
import {
  type AccountId,
  accountId,
  base64,
  type CharterId,
  type ConversationId,
  conversationId,
  type DayNumber,
  fromBase64,
  type Json,
  parseJson,
  unixSeconds,
} from "@porchlight/encoding";
import { orderInWords, orderWord } from "@porchlight/evidence";
import { otherAccounts, personsOf, verifyOrder, verifyRefusal, verifyWarrant } from "@porchlight/gate";
import {
  Court,
  formatOrderFile,
  type KeyholderAnswer,
  keepOrder,
  noAnswerRecord,
  type OrderFile,
  type OrderStatus,
  ordersLeft,
  readRequest,
  readStatementFile,
  type Service,
  withOthers,
} from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import {
  charter,
  day,
  openService,
  parsed,
  readInput,
  readOrder,
  type ServiceOptions,
  several,
  withService,
} from "../options.ts";
import { action, formatRows, formatTable, type Outcome, type Streams } from "../terminal.ts";
import { registerContests } from "./issuer-contests.ts";
import { registerDirections } from "./issuer-directions.ts";
import { registerPreservation } from "./issuer-preservation.ts";
import { registerRegistration } from "./issuer-registration.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the issuer's directory", "court"] as const;
const DAY_SECONDS = 86_400;

export function registerIssuer(program: Command, streams: Streams): void {
  const issuer = program
    .command("issuer")
    .description("sign, hand in and revoke orders: for a court, its registry, or a house's named persons");

  action(
    issuer
      .command("init")
      .description("make the issuer's directory and signature key")
      .requiredOption("--name <name>", "the issuer's name, as charters will show it")
      .requiredOption("--title <title>", 'what it is, for instance "District Court, Chamber 4"')
      .option("--url <url>", "the service's address")
      .option("--charter <id>", "the charter's id", charter)
      .option(
        "--token-key <base64>",
        "public half of an Ed25519 key that stays in a token",
        parsed(tokenKey, "a key, base64"),
      )
      .option("--sign-command <program...>", "and the program that signs with it: bytes in, 64 bytes out")
      .option(...DIRECTORY),
    streams,
    async (options: Directory & MakeOptions) => {
      const { dir, name, title, url, charter, tokenKey: publicKey, signCommand } = options;
      if ((publicKey === undefined) !== (signCommand === undefined)) {
        throw new CommandError(
          EXIT.usage,
          "option-missing",
          "--token-key and --sign-command belong together",
        );
      }
      const court = await Court.create(dir, {
        name,
        title,
        ...(url === undefined ? {} : { url }),
        ...(charter === undefined ? {} : { charter }),
        ...(publicKey === undefined ? {} : { token: { publicKey, signCommand: signCommand as never } }),
      });
      if (publicKey !== undefined) return describe(court, `made ${dir}; the key stays in its token`);
      return describe(
        court,
        `made ${dir}; the key is sealed with the passphrase in ${dir}/passphrase: keep that elsewhere`,
      );
    },
  );

  action(
    issuer
      .command("show")
      .description("the issuer's name and public key, for the charter")
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => describe(await Court.open(dir)),
  );

  action(
    withService(
      issuer
        .command("issue")
        .description("sign an order for a request; nothing leaves this computer yet")
        .requiredOption("--request <file>", "the requester's request (porchlight requester request)")
        .requiredOption("--statement <file>", "the provider's signed statement of whose accounts these are")
        .requiredOption(
          "--account <id...>",
          "whose messages, one or several",
          several(accountId, "account ids, 64 hex digits"),
        )
        .option(
          "--conversation <id...>",
          "in which conversations; without it: all of the accounts'",
          several(conversationId, "conversation ids, 64 hex digits"),
        )
        .option("--both-sides", "what others wrote to these accounts too; the provider states who they are")
        .option("--day <day>", "one UTC day, YYYY-MM-DD", day)
        .option("--first-day <day>", "or from this UTC day", day)
        .option("--last-day <day>", "to this one, included; days to come are released one by one", day)
        .option("--live", "open a day once it has begun, not only when it is over")
        .requiredOption("--legal-basis <text>", "one of the charter's legal bases")
        .requiredOption("--offence <text>", "one of the charter's categories")
        .requiredOption("--necessity <text>", "why it is necessary")
        .requiredOption("--proportionality <text>", "why it is proportionate")
        .option(
          "--secret-until <day>",
          "keep the order secret until this UTC day; without it the person is told first",
          day,
        )
        .option("--ground <text>", "the ground of the secrecy")
        .option(
          "--privileged",
          "it touches communication with a lawyer, the press or another privileged person",
        )
        .option("--emergency", "skip the wait, never the approvals")
        .option("--valid-days <days>", "how long keyholders may act on it", Number, 30)
        .option("--out <file>", "where to write the order", "order.json")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: IssueOptions) => await issue(options),
  ).addHelpText("after", AFTER_ISSUE);

  action(
    withService(
      issuer
        .command("countersign")
        .description("add a second person's signature to a house's hold order")
        .requiredOption("--order <file>", "the order")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string }) => {
      const court = await Court.open(options.dir);
      const service = await openService(placeOf(court), options);
      const order = await court.countersign(service.charter, await readOrder(options.order));
      await writeFile(options.order, formatOrderFile(order), { mode: 0o600 });
      return { text: `countersigned ${options.order}`, json: { order: options.order } };
    },
  );

  action(
    withService(
      issuer
        .command("add-others")
        .description("put the provider's statement of everyone else into an order over both sides")
        .requiredOption("--order <file>", "the order, signed by all who have to sign it")
        .requiredOption("--others <file>", "the statement (porchlight provider others)")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string; others: string }) => {
      const court = await Court.open(options.dir);
      const service = await openService(placeOf(court), options);
      const statement = readStatementFile(await readInput(options.others), (value: Json) =>
        readSignedDocument(value, "statement"),
      );
      const draft = await readOrder(options.order);
      const order = await withOthers(draft, statement, service.charter, service.now());
      await writeFile(options.order, formatOrderFile(order), { mode: 0o600 });
      const words = await wordsOf(order, service);
      return {
        text: `${words}put into ${options.order}. Next: porchlight issuer submit --order ${options.order}`,
        json: { order: options.order },
      };
    },
  );

  action(
    withService(
      issuer
        .command("submit")
        .description("hand an order to the provider, which logs it, then to every keyholder")
        .requiredOption("--order <file>", "the order; its place in the log is written into it")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string }) => {
      const court = await Court.open(options.dir);
      const service = await openService(placeOf(court), options);
      const order = await court.submit(service, await readOrder(options.order));
      await keepOrder(court.directory, order);
      await writeFile(options.order, formatOrderFile(order), { mode: 0o600 });
      const { document } = await verifyWarrant(order.warrant, service.charter);
      if (document.conversations === "all") {
        return {
          text: `in the log at ${order.index}. It is over all conversations: give the order to the requester, which alone can read their list ("porchlight requester submit").`,
          json: { order: options.order, index: order.index, keyholders: [] },
        };
      }
      const answers = await court.handIn(service, order);
      return {
        text: `in the log at ${order.index}\n\n${answersTable(answers)}\n\nGive ${options.order} to the requester; keyholders approve with "porchlight keyholder approve".`,
        json: { order: options.order, index: order.index, keyholders: answers.map(answerJson) },
        exit: answers.every(({ answer }) => answer.state === "unreachable") ? EXIT.unavailable : EXIT.done,
      };
    },
  );

  action(
    withService(
      issuer
        .command("revoke")
        .description("revoke an order; keyholders that have not released will not")
        .requiredOption("--order <file>", "the order")
        .requiredOption("--ground <text>", "why")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string; ground: string }) => {
      const court = await Court.open(options.dir);
      const service = await openService(placeOf(court), options);
      const index = await court.revoke(
        service,
        await readOrder(options.order),
        options.ground,
        service.now(),
      );
      return { text: `revoked, in the log at ${index}`, json: { index } };
    },
  );

  registerDirections(issuer, streams);
  registerContests(issuer, streams);
  registerPreservation(issuer, streams);
  registerRegistration(issuer, streams);

  action(
    withService(
      issuer
        .command("status")
        .description("where an order stands: log, keyholders")
        .requiredOption("--order <file>", "the order")
        .option("--record <file>", "where to write the signed records of keyholders that refused it")
        .option("--silence <file>", "where to write down which keyholders did not answer")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string; record?: string; silence?: string }) => {
      const court = await Court.open(options.dir);
      const service = await openService(placeOf(court), options);
      const order = await readOrder(options.order);
      const status = await court.status(service, order);
      const outcome = statusOutcome(status);
      const { record, silence } = options;
      const notes = [
        ...(record === undefined ? [] : [await writeRecords(record, status.keyholders, service.charter)]),
        ...(silence === undefined ? [] : [await writeSilence(silence, service, order, status.keyholders)]),
      ];
      return { ...outcome, text: [outcome.text, ...notes].join("\n\n") };
    },
  );
}

/** Each verified before it is written (KEY-26): what does not hold is no record. */
async function writeRecords(
  path: string,
  answers: readonly KeyholderAnswer[],
  charter: Charter,
): Promise<string> {
  const records: Json[] = [];
  let bad = 0;
  for (const { keyholder, answer } of answers) {
    if (!("record" in answer) || answer.record === undefined) continue;
    const held = await verifyRefusal(answer.record, charter).catch(() => null);
    if (held?.keyholder === keyholder.index) records.push(answer.record);
    else bad += 1;
  }
  const wrong = bad === 0 ? "" : `; ${bad} did not verify and ${bad === 1 ? "was" : "were"} left out`;
  if (records.length === 0) return `no keyholder's refusal has a signed record that holds${wrong}`;
  await writeFile(path, `${JSON.stringify(records, null, 2)}\n`, { mode: 0o600 });
  return `${records.length} signed ${records.length === 1 ? "record" : "records"} written to ${path}${wrong}`;
}

/** BUN-8 */
async function writeSilence(
  path: string,
  service: Service,
  order: OrderFile,
  answers: readonly KeyholderAnswer[],
): Promise<string> {
  const records: Json[] = [];
  for (const answer of answers) {
    const bytes = await noAnswerRecord(service, order, answer, service.now());
    if (bytes !== null) records.push(parseJson(bytes, "record"));
  }
  if (records.length === 0) return "every keyholder answered, or the order is not in the witnessed log yet";
  await writeFile(path, `${JSON.stringify(records, null, 2)}\n`, { mode: 0o600 });
  return `${records.length} ${records.length === 1 ? "keyholder" : "keyholders"} did not answer: written to ${path}`;
}

type MakeOptions = {
  readonly name: string;
  readonly title: string;
  readonly url?: string;
  readonly charter?: CharterId;
  readonly tokenKey?: Uint8Array;
  readonly signCommand?: readonly string[];
};

function tokenKey(text: string): Uint8Array {
  return fromBase64(text, 32);
}

const AFTER_ISSUE = `
Then: porchlight issuer submit --order order.json

The statement comes from the provider (porchlight provider statement), the request from the requester
(porchlight requester request). An order that every keyholder would refuse is refused here, with the rule.`;

type IssueOptions = Directory &
  ServiceOptions & {
    readonly request: string;
    readonly statement: string;
    readonly account: readonly AccountId[];
    readonly conversation?: readonly ConversationId[];
    readonly day?: DayNumber;
    readonly firstDay?: DayNumber;
    readonly lastDay?: DayNumber;
    readonly legalBasis: string;
    readonly offence: string;
    readonly necessity: string;
    readonly proportionality: string;
    readonly secretUntil?: DayNumber;
    readonly ground?: string;
    readonly bothSides?: boolean;
    readonly live?: boolean;
    readonly privileged?: boolean;
    readonly emergency?: boolean;
    readonly validDays: number;
    readonly out: string;
  };

async function issue(options: IssueOptions): Promise<Outcome> {
  const firstDay = options.firstDay ?? options.day;
  const lastDay = options.lastDay ?? options.day;
  if (firstDay === undefined || lastDay === undefined) {
    throw new CommandError(
      EXIT.usage,
      "days-missing",
      "which days? give --day, or --first-day and --last-day",
    );
  }
  if ((options.secretUntil === undefined) !== (options.ground === undefined)) {
    throw new CommandError(EXIT.usage, "ground-missing", "--secret-until and --ground belong together");
  }
  if (!Number.isInteger(options.validDays) || options.validDays < 1) {
    throw new CommandError(EXIT.usage, "days-invalid", "--valid-days is a whole number from 1");
  }
  const court = await Court.open(options.dir);
  const service = await openService(placeOf(court), options);
  const { legalBases, offenceCategories } = service.charter;
  oneOf("--legal-basis", options.legalBasis, legalBases);
  oneOf("--offence", options.offence, offenceCategories);
  const request = readRequest(await readInput(options.request));
  const statement = readStatementFile(await readInput(options.statement), (value: Json) =>
    readSignedDocument(value, "statement"),
  );
  const issued = service.now();
  const order = await court.issue(service.charter, {
    request,
    statement,
    accounts: options.account,
    conversations: options.conversation ?? "all",
    mode: options.bothSides === true ? "both-sides" : "sent",
    firstDay,
    lastDay,
    live: options.live ?? false,
    legalBasis: options.legalBasis,
    offenceCategory: options.offence,
    necessity: options.necessity,
    proportionality: options.proportionality,
    privileged: options.privileged ?? false,
    emergency: options.emergency ?? false,
    disclosure:
      options.secretUntil === undefined
        ? { kind: "notice-first" }
        : { kind: "secret", until: options.secretUntil, ground: options.ground as string },
    issued,
    expires: unixSeconds(issued + options.validDays * DAY_SECONDS),
  });
  await writeNew(options.out, order);
  await keepOrder(court.directory, order);
  const house = service.charter.kind === "house";
  const { left, cap } = ordersLeft(service);
  const limit = `${left} of ${cap} orders that the charter allows within 30 days are left, for everyone together${left > 0 ? "" : ": keyholders will refuse this one"}`;
  const words = house ? "" : await wordsOf(order, service);
  const next = house
    ? `a second named person: porchlight issuer countersign --order ${options.out}`
    : options.bothSides === true
      ? `the provider states who else it opens: porchlight provider others --order ${options.out}; then porchlight issuer add-others`
      : `porchlight issuer submit --order ${options.out}`;
  return {
    text: `${words}signed ${options.out}. ${limit}. Next: ${next}`,
    json: { order: options.out, kind: orderWord(service.charter), charter: service.charter.id, left, cap },
  };
}

function oneOf(option: string, given: string, allowed: readonly string[]): void {
  if (allowed.includes(given)) return;
  throw new CommandError(
    EXIT.usage,
    "not-in-charter",
    `${option} is one of the charter's: ${allowed.map((one) => `"${one}"`).join(", ")}`,
  );
}

async function wordsOf(order: OrderFile, service: Awaited<ReturnType<typeof openService>>): Promise<string> {
  if (order.others === null) {
    const { document, statement } = await verifyWarrant(order.warrant, service.charter);
    return `${formatRows(orderInWords(document, service.charter, statement))}\n\n`;
  }
  const whole = await verifyOrder(order, service.charter);
  const persons = { accounts: personsOf(whole) };
  const words = orderInWords(whole.document, service.charter, persons, otherAccounts(whole.others));
  return `${formatRows(words)}\n\n`;
}

async function writeNew(path: string, order: OrderFile): Promise<void> {
  try {
    await writeFile(path, formatOrderFile(order), { mode: 0o600, flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") {
      throw new CommandError(EXIT.usage, "file-exists", `${path} is there already: name another with --out`, {
        cause,
      });
    }
    throw cause;
  }
}

function describe(court: Court, note?: string): Outcome {
  const { name, title } = court;
  const key = base64(court.publicKey);
  const rows = formatRows([
    { term: "Name", text: name },
    { term: "Title", text: title },
    { term: "Public key", text: key },
    { term: "Service", text: court.party.url ?? "none yet" },
    { term: "Charter", text: court.party.charter ?? "none yet" },
  ]);
  return {
    text: note === undefined ? rows : `${note}\n\n${rows}`,
    json: { name, title, key, url: court.party.url, charter: court.party.charter },
  };
}

function placeOf(court: Court) {
  return { directory: court.directory, url: court.party.url, charter: court.party.charter };
}

/** One line a keyholder. */
export function answersTable(answers: readonly KeyholderAnswer[]): string {
  return formatTable(
    ["keyholder", "state", ""],
    answers.map(({ keyholder, answer }) => [
      keyholder.name,
      answer.state,
      "reason" in answer
        ? `${answer.reason}${"rule" in answer && answer.rule !== undefined ? ` (${answer.rule})` : ""}`
        : "",
    ]),
  );
}

export function answerJson({ keyholder, answer }: KeyholderAnswer) {
  return {
    keyholder: keyholder.index,
    name: keyholder.name,
    state: answer.state,
    ...("code" in answer ? { code: answer.code } : {}),
    ...("reason" in answer ? { reason: answer.reason } : {}),
  };
}

export function statusOutcome(status: OrderStatus): Outcome {
  const { index, witnessed, revokedAt, keyholders } = status;
  const log =
    index === null
      ? "not handed in"
      : witnessed
        ? `at ${index}, witnessed`
        : `at ${index}, not witnessed yet`;
  const revoked = revokedAt === null ? "" : `\nrevoked, at ${revokedAt}`;
  return {
    text: `log: ${log}${revoked}\n\n${answersTable(keyholders)}`,
    json: { index, witnessed, revokedAt, keyholders: keyholders.map(answerJson) },
  };
}
