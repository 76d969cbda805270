import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import {
  ACT_WORDS,
  clockWords,
  decisionFacts,
  extentFacts,
  type Listed,
  OfficerSocket,
  objectFacts,
  orderSaid,
  type Shown,
  statusWords,
  whatWords,
} from "@porchlight/desk/officer";
import { type Commitment, commitment, formatInstant, type Json, parseDecimal } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { type Command, Option } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { parsed, several } from "../options.ts";
import { action, formatRows, formatTable, printable, type Streams } from "../terminal.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the directory of the running server"] as const;
const ID = ["--id <id>", "of the object, from the inbox"] as const;

/** The response officer's inbox and decisions (HI1-33 to HI1-36), over the server's admin socket as the desk's pages. */
export function registerOfficer(provider: Command, streams: Streams): void {
  action(
    provider
      .command("inbox")
      .description("what authorities sent over TS 103 120: what is open and most urgent first")
      .option("--all", "also what is done")
      .option(
        "--from <count>",
        "leave out so many of the most urgent",
        parsed((text) => parseDecimal(text, "from"), "a number"),
        0,
      )
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, all, from }: Directory & { all?: true; from: number }) => {
      const socket = new OfficerSocket(dir);
      const { now } = await socket.status();
      const { lines, more } = await socket.inbox(from);
      const objects = lines.filter((one) => all === true || one.isOpen);
      const rows = objects.map((one) => [
        whatWords(one.what),
        printable(one.owner),
        printable(one.reference ?? "none"),
        stateOf(one),
        one.deadline === null ? "no clock" : clockWords(one.deadline, now),
        one.id,
      ]);
      const text =
        rows.length === 0
          ? "nothing waits"
          : formatTable(["what", "from", "reference", "state", "clock", "id"], rows);
      const next = from + lines.length;
      return {
        text: more === 0 ? text : `${text}\n${more} more, less urgent or done: --from ${next}`,
        json: { objects: objects.map((one) => ({ ...one })), more },
      };
    },
  );

  action(
    provider
      .command("show")
      .description("one object: what is asked, its checks, what would be delivered in numbers, who did what")
      .requiredOption(...ID)
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, id }: Directory & { id: string }) => {
      const socket = new OfficerSocket(dir);
      const shown = await socket.show(id);
      const order = await orderSaid(socket, shown);
      return {
        text: textOf([
          ...objectFacts(shown, order),
          ...extentFacts(shown),
          ...shown.checks.map(({ isMet, words }) => ({ term: isMet ? "met" : "NOT MET", text: words })),
          ...shown.preservations.map((one) => ({
            term: "order to preserve",
            text: `${one.commitment}\n${one.reference}, by ${one.issuer}, until ${one.until}`,
          })),
          ...shown.related.map((one) => ({
            term: "of the same file",
            text: `${one.id}\n${whatWords(one.what)}: ${statusWords(one.status)}`,
          })),
          ...shown.custody.map(({ at, by, act, words }) => ({
            term: formatInstant(at),
            text: [`${by}: ${act}`, words].filter((line) => line !== "").join("\n"),
          })),
          { term: "you can", text: shown.acts.length === 0 ? "nothing more" : shown.acts.join(", ") },
          { term: "seen", text: `--generation ${shown.generation}` },
        ]),
        json: { object: jsonOf(shown), order: order.map((one) => ({ ...one })) },
      };
    },
  );

  action(
    provider
      .command("document")
      .description("write a document's bytes as they came: the court's act, a signed order")
      .requiredOption(...ID)
      .requiredOption("--out <file>", "where to write it; nothing that is there is replaced")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir, id, out }: Directory & { id: string; out: string }) => {
      const bytes = await new OfficerSocket(dir).contents(id);
      await written(out, bytes);
      const checksum = createHash("sha256").update(bytes).digest("hex");
      return { text: `wrote ${out}, SHA-256 ${checksum}`, json: { document: out, checksum } };
    },
  );

  action(
    provider
      .command("decide")
      .description(
        "decide on an object that was shown: the same checks as on the page, and the custody record names you",
      )
      .requiredOption(...ID)
      .requiredOption(
        "--generation <number>",
        "that was shown: what has changed since is read first",
        parsed(generationIn, "a number"),
      )
      .addOption(
        new Option("--act <act>", "what you decide").choices(Object.keys(ACT_WORDS)).makeOptionMandatory(),
      )
      .requiredOption("--by <name>", "who decides")
      .option("--words <text>", "why; goes to who asked with a challenge or a refusal", "")
      .option(
        "--preservation <commitment...>",
        "the orders to preserve on which it rests",
        several(commitment, "commitments, 64 hex digits"),
      )
      .option("--yes", "do not ask once more after what is decided on was printed")
      .requiredOption(...DIRECTORY),
    streams,
    async (options: Deciding, { json }) => {
      const { id, generation, act, by, words, preservation: chosen = [] } = options;
      const socket = new OfficerSocket(options.dir);
      const shown = await socket.show(id);
      if (shown.generation !== generation) {
        throw new CommandError(
          EXIT.refused,
          "generation-stale",
          `it has changed since you looked (it is at ${shown.generation} now): run porchlight provider show again`,
        );
      }
      const preservations = shown.preservations.filter((one) =>
        chosen.includes(one.commitment as Commitment),
      );
      const facts = decisionFacts(shown, act, {
        words,
        order: await orderSaid(socket, shown),
        preservations,
      });
      // Before it is done, not after: what is decided on stands on the screen also where the server refuses.
      if (!json) streams.out(`${textOf(facts)}\n`);
      if (options.yes !== true && !(await streams.confirm("Decide this?"))) {
        throw new CommandError(EXIT.refused, "not-confirmed", "nothing was decided; --yes does not ask");
      }
      await socket.act("hi1-decide", {
        ...{ id, generation, act, by, words },
        persons: (shown.scope?.accounts ?? []).map((one) => ({ ...one })),
        ...(act === "preserve" ? { preservations: chosen } : {}),
      });
      return {
        text: "done, and noted in the custody record",
        json: { id, act, decided: facts.map((one) => ({ ...one })) },
      };
    },
  );
}

type Deciding = Directory & {
  readonly id: string;
  readonly generation: number;
  readonly act: string;
  readonly by: string;
  readonly words: string;
  readonly preservation?: readonly Commitment[];
  readonly yes?: true;
};

function stateOf({ status, isEmergency, wantsMore }: Listed): string {
  return [
    ...(isEmergency ? ["EMERGENCY"] : []),
    statusWords(status),
    ...(wantsMore ? ["asked to be kept longer"] : []),
  ].join(", ");
}

function textOf(facts: readonly Words[]): string {
  return formatRows(facts.map(({ term, text }) => ({ term, text: printable(text) })));
}

function jsonOf(shown: Shown): Json {
  return JSON.parse(JSON.stringify(shown)) as Json;
}

function generationIn(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(text)) {
    throw new CommandError(EXIT.usage, "usage", "--generation is the number that provider show printed");
  }
  return Number(text);
}

async function written(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new CommandError(EXIT.usage, "file-unwritable", `${path} cannot be written, or is there already`, {
      cause,
    });
  }
}
