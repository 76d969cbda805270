import { createInterface } from "node:readline/promises";
import {
  EncodingError,
  Fields,
  formatInstant,
  type Json,
  type JsonObject,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { orderInWords } from "@porchlight/evidence";
import { parseWarrant } from "@porchlight/gate";
import { charterInWords } from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import { charterIdOfDocument, parseCharter } from "@porchlight/charter";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { readInput } from "../options.ts";
import { action, type Context, formatRows, formatTable, type Outcome, type Streams } from "../terminal.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the directory of the running keyholder"] as const;

export function registerKeyholder(program: Command, streams: Streams): void {
  const keyholder = program
    .command("keyholder")
    .description("decide on orders as a keyholder's operator: talks to the keyholder that runs in --dir");

  action(
    keyholder
      .command("status")
      .description("charters, key periods, log and orders")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const status = asObject(await callAdmin(dir, { command: "status" }));
      return { text: JSON.stringify(status, null, 2), json: { status } };
    },
  );

  action(
    keyholder
      .command("list")
      .description("orders handed in here, and how they stand")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const orders = (await list(dir)).map(asObject);
      const rows = orders.map((order) => [
        String(order["order"]).slice(0, 12),
        String(order["reference"]),
        `${String(order["state"])}${"code" in order ? ` (${String(order["code"])})` : ""}`,
        formatInstant(unixSeconds(Number(order["receivedAt"]))),
      ]);
      const text =
        rows.length === 0
          ? "no orders were handed in here"
          : `${formatTable(["order", "reference", "state", "received"], rows)}\n\nShow one: porchlight keyholder show ORDER --dir ${dir}`;
      return { text, json: { orders } };
    },
  );

  action(
    keyholder
      .command("show")
      .argument("<order>", "its id or the beginning of it, or its reference")
      .description("an order in plain words, with what has been checked")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory, _context, name: string) => {
      const shown = await show(dir, await idOf(dir, name));
      return { text: shown.text, json: { order: shown.order } };
    },
  );

  action(
    keyholder
      .command("approve")
      .argument("<order>", "its id or the beginning of it, or its reference")
      .description(
        "decide to carry an order out; the keyholder then logs its intent, asks its gate and releases",
      )
      .requiredOption("--by <name>", "who decides")
      .option("--commitment <hex>", 'the commitment that "show" printed: that you approve what you have read')
      .requiredOption(...DIRECTORY),
    streams,
    async (options: Directory & { by: string; commitment?: string }, context, name: string) =>
      await approve(options, context, name),
  ).addHelpText(
    "after",
    `
Nothing is ever approved by itself. At a terminal the order is shown and you are asked; in a script give the
commitment that "porchlight keyholder show" printed for the order that you read.`,
  );

  action(
    keyholder
      .command("refuse")
      .argument("<order>", "its id or the beginning of it, or its reference")
      .description("decide not to carry an order out; the reason becomes a signed record for the court")
      .requiredOption("--by <name>", "who decides")
      .requiredOption("--reason <text>", "one sentence that a judge can read")
      .requiredOption(...DIRECTORY),
    streams,
    async (options: Directory & { by: string; reason: string }, _context, name: string) => {
      const order = await idOf(options.dir, name);
      const { by, reason } = options;
      const { state } = asObject(await callAdmin(options.dir, { command: "refuse", order, by, reason }));
      return { text: `${String(state)}`, json: { order, state: state ?? null } };
    },
  );

  action(
    keyholder
      .command("review-charter")
      .argument("<file>", "the charter document (JSON) that is to be signed")
      .description("a charter in plain words, as this keyholder would sign it")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory, _context, file: string) => {
      const bytes = await readInput(file);
      const charter = Buffer.from(bytes).toString();
      const review = asObject(await callAdmin(dir, { command: "review-charter", charter }));
      const warnings = [review["warnings"] ?? []].flat().map(String);
      const words = charterInWords({ ...parseCharter(bytes), id: charterIdOfDocument(bytes) });
      return {
        text: `${formatRows(words.rows)}\n\n${[...words.warnings, ...warnings].map((text) => `! ${text}`).join("\n")}\n\nSign it: porchlight keyholder sign-charter ${file} --id ${String(review["id"])} --dir ${dir}`,
        json: { review },
      };
    },
  );

  action(
    keyholder
      .command("sign-charter")
      .argument("<file>", "the charter document")
      .description("sign a charter that was reviewed")
      .requiredOption("--id <id>", "the id that the review printed")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, id }: Directory & { id: string }, _context, file: string) => {
      const charter = Buffer.from(await readInput(file)).toString();
      const { signature } = asObject(await callAdmin(dir, { command: "sign-charter", charter, id }));
      return { text: JSON.stringify(signature), json: { id, signature: signature ?? null } };
    },
  );

  action(
    keyholder
      .command("ceremony")
      .argument("<period>", "a calendar month, YYYY-MM")
      .description("begin, or report on, the key ceremony of a period")
      .option("--charter <id>", "where this keyholder has several charters")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, charter }: Directory & { charter?: string }, _context, period: string) => {
      const request = { command: "ceremony", period, ...(charter === undefined ? {} : { charter }) };
      const ceremony = asObject(await callAdmin(dir, request));
      return { text: JSON.stringify(ceremony, null, 2), json: { ceremony } };
    },
  );
}

function asObject(value: Json): JsonObject {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new CommandError(
      EXIT.unavailable,
      "answer-malformed",
      "the keyholder answers in another form: is it of this version?",
    );
  }
  return value as JsonObject;
}

async function list(dir: string): Promise<readonly Json[]> {
  const orders = await callAdmin(dir, { command: "list" });
  return Array.isArray(orders) ? orders : [];
}

/** The one order that a name means: its id, the beginning of its id, or its reference. */
async function idOf(dir: string, name: string): Promise<string> {
  const found = (await list(dir))
    .map(asObject)
    .filter(
      ({ order, reference }) => reference === name || (name.length >= 4 && String(order).startsWith(name)),
    );
  const [only, ...others] = found;
  if (only === undefined)
    throw new CommandError(EXIT.usage, "order-unknown", "no such order was handed in here");
  if (others.length > 0) {
    throw new CommandError(
      EXIT.usage,
      "order-ambiguous",
      `${found.length} orders are meant by that: give more of the id`,
    );
  }
  return String(only["order"]);
}

type Shown = {
  readonly text: string;
  readonly order: JsonObject;
  readonly commitment: string;
  readonly state: string;
};

/** What the keyholder knows of an order, in words. The warrant is parsed again here, so that the words are the document's. */
async function show(dir: string, id: string): Promise<Shown> {
  const order = asObject(await callAdmin(dir, { command: "show", order: id }));
  const document = parseWarrant(utf8(JSON.stringify(order["warrant"])));
  const persons = [order["persons"] ?? []].flat().map((value) => {
    const fields = new Fields(value as Json, "persons");
    return { account: fields.string("account"), person: fields.string("person") };
  });
  const status = asObject(await callAdmin(dir, { command: "status" }));
  const charter = [status["charters"] ?? []]
    .flat()
    .map((value) => asObject(value as Json))
    .find(({ id: own }) => own === document.charter);
  const kind = charter?.["kind"] === "house" ? "house" : "court";
  const commitment = String(order["commitment"]);
  const state = String(order["state"]);
  const words = formatRows([
    { term: kind === "court" ? "Warrant" : "Hold order", text: document.reference },
    ...orderInWords(document, { kind }, { accounts: persons }).filter(({ term }) => term !== "Reference"),
    { term: "Signed by", text: [order["signedBy"] ?? []].flat().map(String).join("\n") },
    { term: "Would open", text: opens(order["opens"]) },
    { term: "In the log at", text: String(order["index"]) },
    { term: "Commitment", text: commitment },
    { term: "State", text: stateInWords(state, order) },
  ]);
  return { text: words, order, commitment, state };
}

function opens(value: Json | undefined): string {
  try {
    const fields = new Fields(value, "opens");
    return `${fields.integer("keys")} keys, each for one person, one conversation and one day`;
  } catch (error) {
    if (error instanceof EncodingError) return "unknown";
    throw error;
  }
}

function stateInWords(state: string, order: JsonObject): string {
  switch (state) {
    case "checking":
      return "being checked against the log";
    case "awaiting-approval":
      return "every rule that does not need your approval holds: signature, statement, charter, log, caps, dates, notice period, requester's key. It waits for your decision";
    case "approved":
      return "approved; the intent is on its way into the log";
    case "sealed":
      return "the gate let it pass; the release is on its way into the log";
    case "released":
      return "released to the requester";
    case "refused":
      return `refused: ${String(order["reason"] ?? "")} (${String(order["rule"] ?? "")})`;
    default:
      return state;
  }
}

async function approve(
  { dir, by, commitment }: Directory & { readonly by: string; readonly commitment?: string },
  { json, streams }: Context,
  name: string,
): Promise<Outcome> {
  const id = await idOf(dir, name);
  const shown = await show(dir, id);
  let agreed = commitment;
  if (agreed === undefined) {
    if (json || !streams.interactive || process.stdin.isTTY !== true) {
      throw new CommandError(
        EXIT.usage,
        "commitment-missing",
        'give --commitment with what "porchlight keyholder show" printed for the order that you read',
      );
    }
    streams.error(`${shown.text}\n\n`);
    const prompt = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await prompt.question('Type "approve" to carry this order out: ');
    prompt.close();
    if (answer.trim() !== "approve")
      throw new CommandError(EXIT.refused, "not-approved", "nothing was approved");
    agreed = shown.commitment;
  }
  const result = asObject(await callAdmin(dir, { command: "approve", order: id, commitment: agreed, by }));
  const state = String(result["state"]);
  return {
    text:
      state === "refused"
        ? "refused: see porchlight keyholder show"
        : `${state}: the release follows when the intent is in the witnessed log`,
    json: { order: id, state },
    exit: state === "refused" ? EXIT.refused : EXIT.done,
  };
}
