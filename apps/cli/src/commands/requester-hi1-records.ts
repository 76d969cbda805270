import { writeFileDurable } from "@porchlight/durable";
import { type DayNumber, formatDay, formatInstant, type JsonObject } from "@porchlight/encoding";
import { type LineObject, type LineRecord, LineRecords } from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { type Line, openLine, withLine } from "../line-options.ts";
import { day } from "../options.ts";
import { action, formatTable, type Outcome, printable, type Streams } from "../terminal.ts";

/** What this agency has at the provider, and what it may still ask about that (HI1-12, HI1-15, HI1-23, HI1-32). */
export function registerHi1Records(hi1: Command, streams: Streams): void {
  action(
    withLine(
      hi1
        .command("list")
        .description(
          "what this agency has at the provider: how it stands, why it was refused, what was asked back",
        ),
    ),
    streams,
    async (options: Line) => {
      const { records, service } = await openRecords(options);
      const { objects, unread, isCut } = await records.ask(service);
      const rows = objects.map((one) => [
        one.what,
        one.id,
        oneLine(one.reference ?? ""),
        one.status,
        one.deadline === null ? "" : formatInstant(one.deadline),
        one.reason === null ? "" : oneLine(one.reason),
        one.challenges.map(({ words }) => oneLine(words)).join(" / "),
      ]);
      const heads = ["what", "id", "reference", "status", "clock", "reason", "asked back"];
      const lines = [
        rows.length === 0 ? "none" : formatTable(heads, rows),
        ...unread.map(({ id, type, why }) => `cannot be read here: ${type} ${id}: ${oneLine(why)}`),
        ...(isCut ? ["the provider lists no more than this: there may be others"] : []),
      ];
      return {
        text: lines.join("\n"),
        json: { objects, unread, isCut } as unknown as JsonObject,
      };
    },
  );

  const one = (command: Command): Command =>
    withLine(command).requiredOption("--id <id>", "its ObjectIdentifier");

  action(
    one(
      hi1
        .command("cancel")
        .description(
          "ask for nothing of it any more; an order in the log goes on until its issuer revokes it",
        ),
    ),
    streams,
    async (options: Line & { id: string }) => await asksFor(options, "cancel"),
  );

  action(
    one(
      hi1
        .command("extend")
        .description("ask that something is preserved for longer")
        .requiredOption("--until <day>", "that day included; 30 days more than was granted at most", day),
    ),
    streams,
    async (options: Line & { id: string; until: DayNumber }) => {
      return await asksFor(options, "extend", formatDay(options.until));
    },
  );

  action(
    one(
      hi1
        .command("received")
        .description("fetch a delivery, check it, keep it encrypted as evidence is, and say that it is here")
        .option("--acknowledge", "then also say that it is whole and was read")
        .option("--out <file>", "what was delivered, in clear"),
    ),
    streams,
    async (options: Line & { id: string; acknowledge?: true; out?: string }) => {
      const { id, out, acknowledge } = options;
      const { records, service } = await openRecords(options);
      const find = async () => found(await records.ask(service), id);
      const before = await find();
      // What was received already is only written out, or acknowledged.
      if (before.acts.includes("receive") || !before.acts.includes("acknowledge"))
        await records.receive(service, before);
      if (acknowledge === true) await records.acknowledge(service, await find());
      const { status } = await find();
      if (out !== undefined) {
        const delivered = await records.delivered(id);
        if (delivered === null)
          throw new CommandError(
            EXIT.refused,
            "no-file",
            "no file was delivered with it, or it is not kept here",
          );
        await writeFileDurable(out, delivered, { mode: 0o600 });
      }
      return { text: `${id}: ${status}${out === undefined ? "" : `; in ${out}`}`, json: { id, status } };
    },
  );
}

async function openRecords(options: Line) {
  const { agency, line, service } = await openLine(options);
  return { records: new LineRecords(agency, line), service };
}

function found({ objects }: LineRecord, id: string): LineObject {
  const one = objects.find((each) => each.id === id);
  if (one !== undefined) return one;
  throw new CommandError(EXIT.refused, "hi1-refused", "the provider has no such object of this agency");
}

/** Looks how it stands, and asks for what was said of exactly that (HI1-12). */
async function asksFor(
  options: Line & { id: string },
  act: "cancel" | "extend",
  until = "",
): Promise<Outcome> {
  const { records, service } = await openRecords(options);
  const { id, generation } = found(await records.ask(service), options.id);
  if (act === "cancel") await records.cancel(service, { id, generation });
  else await records.extend(service, { id, generation, until });
  const { status, asked: wanted } = found(await records.known(), id);
  const json = { id, status, ...(act === "extend" ? { asked: wanted } : {}) };
  return { text: `${id}: ${status}${act === "extend" ? `, asked for until ${wanted}` : ""}`, json };
}

function oneLine(words: string): string {
  return printable(words).replaceAll(/\s+/g, " ");
}
