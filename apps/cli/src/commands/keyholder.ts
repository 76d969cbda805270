import { createInterface } from "node:readline/promises";
import { charterIdOfDocument, parseCharter } from "@porchlight/charter";
import {
  asString,
  Fields,
  formatInstant,
  type Json,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { orderInWords } from "@porchlight/evidence";
import { parseWarrant } from "@porchlight/gate";
import { charterInWords } from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { readInput } from "../options.ts";
import {
  action,
  type Context,
  counted,
  formatRows,
  formatTable,
  type Outcome,
  type Streams,
} from "../terminal.ts";

import { registerCeremonies } from "./keyholder-ceremony.ts";
import { registerKeyholderSetup } from "./keyholder-setup.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the directory of the running keyholder"] as const;

export function registerKeyholder(program: Command, streams: Streams): void {
  const keyholder = program
    .command("keyholder")
    .description("decide on orders as a keyholder's operator: talks to the keyholder that runs in --dir");
  registerKeyholderSetup(keyholder, streams);

  action(
    keyholder
      .command("status")
      .description("charters, key periods, log and orders")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const status = await callAdmin(dir, { command: "status" });
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
      const orders = await list(dir);
      const rows = orders.map(({ order, reference, state, code, receivedAt }) => [
        order.slice(0, 12),
        reference,
        code === null ? state : `${state} (${code})`,
        formatInstant(receivedAt),
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
      const answer = await callAdmin(options.dir, { command: "refuse", order, by, reason });
      const state = new Fields(answer, "answer").string("state");
      return { text: state, json: { order, state } };
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
      const review = await callAdmin(dir, { command: "review-charter", charter });
      const fields = new Fields(review, "review");
      const warnings = fields.array("warnings", (item, where) => asString(item, where));
      const words = charterInWords({ ...parseCharter(bytes), id: charterIdOfDocument(bytes) });
      return {
        text: `${formatRows(words.rows)}\n\n${[...words.warnings, ...warnings].map((text) => `! ${text}`).join("\n")}\n\nSign it: porchlight keyholder sign-charter ${file} --id ${fields.string("id")} --dir ${dir}`,
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
      const answer = await callAdmin(dir, { command: "sign-charter", charter, id });
      const signature = new Fields(answer, "answer").json("signature");
      return { text: JSON.stringify(signature), json: { id, signature } };
    },
  );

  action(
    keyholder
      .command("pause")
      .description("stop everything that opens anything here, until resume: approvals, shares, bundles")
      .requiredOption("--by <name>", "who stops it")
      .requiredOption("--reason <text>", "one sentence")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, by, reason }: Directory & { by: string; reason: string }) => {
      const paused = await callAdmin(dir, { command: "pause", by, reason });
      const id = new Fields(paused, "paused").string("id");
      const text = `paused. Notices to persons, erasure and ceremonies go on\n\nLet it go on: porchlight keyholder resume --pause ${id} --dir ${dir}`;
      return { text, json: { paused } };
    },
  );

  action(
    keyholder
      .command("resume")
      .description("let a paused keyholder go on")
      .requiredOption(
        "--pause <id>",
        'which pause ends, as "porchlight keyholder status" shows it with its reasons',
      )
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, pause }: Directory & { pause: string }) => {
      await callAdmin(dir, { command: "resume", pause });
      return { text: "going on", json: { resumed: true } };
    },
  );

  action(
    keyholder
      .command("webhook-secret")
      .description(
        "the secret with which the messages to config.json's webhook are signed (Standard Webhooks)",
      )
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const answer = new Fields(await callAdmin(dir, { command: "webhook-secret" }), "answer");
      const secret = answer.string("secret");
      return { text: secret, json: { secret } };
    },
  );

  registerCeremonies(keyholder, streams);
}

type Listed = {
  readonly order: string;
  readonly reference: string;
  readonly state: string;
  readonly code: string | null;
  readonly receivedAt: UnixSeconds;
};

async function list(dir: string): Promise<Listed[]> {
  const answer = await callAdmin(dir, { command: "list" });
  return new Fields({ orders: answer }, "list").array("orders", readListed, 100_000);
}

function readListed(value: Json, where: string): Listed {
  const fields = new Fields(value, where);
  return {
    order: fields.string("order"),
    reference: fields.string("reference"),
    state: fields.string("state"),
    code: fields.optional("code") === undefined ? null : fields.string("code"),
    receivedAt: unixSeconds(fields.integer("receivedAt")),
  };
}

/** The one order that a name means: its id, the beginning of its id, or its reference. */
async function idOf(dir: string, name: string): Promise<string> {
  const found = (await list(dir)).filter(
    ({ order, reference }) => reference === name || (name.length >= 4 && order.startsWith(name)),
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
  return only.order;
}

type Shown = { readonly text: string; readonly order: Json; readonly commitment: string };

/** What the keyholder knows of an order, in words. The warrant is parsed again here, so that the words are the document's. */
async function show(dir: string, id: string): Promise<Shown> {
  const order = await callAdmin(dir, { command: "show", order: id });
  const fields = new Fields(order, "order");
  const document = parseWarrant(utf8(JSON.stringify(fields.json("warrant"))));
  const accounts = fields.array("persons", (value, where) => {
    const person = new Fields(value, where);
    return { account: person.string("account"), person: person.string("person") };
  });
  const others = fields.array("others", (item, where) => asString(item, where));
  const kind = await kindOf(dir, document.charter);
  const commitment = fields.string("commitment");
  const words = formatRows([
    { term: kind === "court" ? "Warrant" : "Hold order", text: document.reference },
    ...orderInWords(document, { kind }, { accounts }, others).filter(({ term }) => term !== "Reference"),
    { term: "Signed by", text: fields.array("signedBy", (item, where) => asString(item, where)).join("\n") },
    {
      term: "Would open",
      text: `${counted(fields.object("opens").integer("keys"), "key")}, each for one person, one conversation and one day`,
    },
    { term: "In the log at", text: String(fields.integer("index")) },
    { term: "Commitment", text: commitment },
    { term: "State", text: stateInWords(fields) },
    ...(fields.json("examined") === null ? [] : examinedInWords(fields.object("examined"))),
  ]);
  return { text: words, order, commitment };
}

/** GATE-34: every rule's answer, what of the caps is used, and the days that are waited for. */
function examinedInWords(examined: Fields): { term: string; text: string }[] {
  const rules = examined.array("rules", (item, where) => {
    const one = new Fields(item, where);
    const rule = one.string("rule");
    if (one.boolean("holds")) return { holds: true, text: rule };
    return {
      holds: false,
      text: `${rule} ${one.boolean("waits") ? "not yet" : "does not hold"}: ${one.string("reason", 1000)}`,
    };
  });
  const failing = rules.filter(({ holds }) => !holds).map(({ text }) => text);
  const caps = examined.object("caps");
  const use = (name: string, words: string): string => {
    const one = caps.object(name);
    return `${words}: ${one.integer("used")} of ${one.integer("limit")}`;
  };
  const wait = (name: string, term: string): { term: string; text: string }[] => {
    if (examined.json(name) === null) return [];
    const one = examined.object(name);
    return [
      { term, text: `${one.boolean("isOver") ? "over since" : "until"} the end of ${one.string("lastDay")}` },
    ];
  };
  return [
    {
      term: "The gate's rules",
      text: failing.length === 0 ? `all ${rules.length} hold` : failing.join("\n"),
    },
    {
      term: "Used of the charter's limits",
      text: [use("accounts", "people"), use("days", "days"), use("orders", "orders in 30 days")].join("\n"),
    },
    ...wait("contest", "The person may object"),
    ...wait("inspection", "Inspectors may look at it"),
    ...(examined.json("due") === null ? [] : [{ term: "The person is told", text: examined.string("due") }]),
  ];
}

/** The kind of one of the keyholder's charters; its words differ. */
async function kindOf(dir: string, id: string): Promise<"court" | "house"> {
  const status = new Fields(await callAdmin(dir, { command: "status" }), "status");
  const charters = status.array("charters", (value, where) => {
    const charter = new Fields(value, where);
    return { id: charter.string("id"), kind: charter.literal("kind", "court", "house") };
  });
  return charters.find((charter) => charter.id === id)?.kind ?? "court";
}

function stateInWords(order: Fields): string {
  const state = order.string("state");
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
      return `refused: ${order.string("reason", 2000)} (${order.string("rule")})`;
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
    if (json || !streams.interactive || !process.stdin.isTTY) {
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
  const answer = await callAdmin(dir, { command: "approve", order: id, commitment: agreed, by });
  const state = new Fields(answer, "answer").string("state");
  return {
    text:
      state === "refused"
        ? "refused: see porchlight keyholder show"
        : `${state}: the release follows when the intent is in the witnessed log`,
    json: { order: id, state },
    exit: state === "refused" ? EXIT.refused : EXIT.done,
  };
}
