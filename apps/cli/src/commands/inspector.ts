import {
  inspectKept,
  isInspector,
  keepBrought,
  type Shown,
  serviceOf,
  shownOrders,
  unseen,
} from "@porchlight/desk/inspector";
import { base64, type CharterId, formatDay } from "@porchlight/encoding";
import { orderInWords } from "@porchlight/evidence";
import { personsOf, verifyOrder } from "@porchlight/gate";
import { Court, namesOf, type Service } from "@porchlight/parties";
import type { Command } from "commander";
import { charter, openService, readOrder, type ServiceOptions, withService } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the inspector's directory", "works-council"] as const;

/** Who inspects a house's hold orders and can stop each (CHA-24): a works council, for instance. */
export function registerInspector(program: Command, streams: Streams): void {
  const inspector = program
    .command("inspector")
    .description(
      "a works council or whoever else a house's charter lets inspect its hold orders and stop them",
    );

  action(
    inspector
      .command("create")
      .description("make the key with which hold orders are stopped, in a directory of its own")
      .requiredOption("--name <name>", "name in the charter, as documents show it")
      .requiredOption("--title <title>", 'what it is, for instance "Works council"')
      .option("--url <url>", "the service's address")
      .option("--charter <id>", "the charter's id", charter)
      .option(...DIRECTORY),
    streams,
    async (options: Directory & { name: string; title: string; url?: string; charter?: CharterId }) => {
      const { dir, name, title, url, charter } = options;
      const about = {
        name,
        title,
        ...(url === undefined ? {} : { url }),
        ...(charter === undefined ? {} : { charter }),
      };
      const made = await Court.create(dir, about);
      const key = base64(made.publicKey);
      return {
        text: `made ${dir}; the key is sealed with the passphrase in ${dir}/passphrase: keep that elsewhere\n\n${formatRows(
          [
            { term: "Name", text: name },
            { term: "Title", text: title },
            { term: "Public key", text: key },
          ],
        )}`,
        json: { name, title, key },
      };
    },
  );

  action(
    withService(
      inspector
        .command("read")
        .description(
          "a hold order in plain words, with whether it is in the log and stopped; kept for the list",
        )
        .requiredOption("--order <file>", "the order, from those who signed it")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string }) => {
      const own = await Court.open(options.dir);
      const order = await readOrder(options.order);
      const service = await serviceOf(await openService(placeOf(own), options), order);
      const whole = await verifyOrder(order, service.charter);
      await keepBrought(options.dir, service, order);
      const words = orderInWords(whole.document, service.charter, { accounts: personsOf(whole) });
      const { index, revokedAt } = await own.status(service, order, { fetch: briefFetch });
      const { commitment } = namesOf(order);
      return {
        text: formatRows([
          ...words,
          { term: "Signed by", text: [...whole.signers].join("\n") },
          { term: "In the log at", text: index === null ? "not handed in yet" : String(index) },
          { term: "Commitment", text: commitment },
          { term: "Stopped", text: revokedAt === null ? "no" : `yes, in the log at ${revokedAt}` },
        ]),
        json: { commitment, index, revokedAt },
      };
    },
  );

  action(
    withService(
      inspector
        .command("list")
        .description("hold orders to inspect, until when keyholders wait, and those that nobody showed")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions) => {
      const own = await Court.open(options.dir);
      const service = await openService(placeOf(own), options);
      const { orders: all, damaged } = await shownOrders(options.dir, service);
      const kept = await Promise.all(all.map(async (shown) => await rowOf(service, shown, all)));
      const unshown = (await unseen(service, own, { orders: all, damaged })).filter(
        ({ isStopped }) => !isStopped,
      );
      const isNamed = isInspector(own, service.charter);
      return {
        text: [
          ...(isNamed
            ? []
            : ["The charter does not name this key: nothing that it signs stops anything.", ""]),
          ...unread(
            "Nobody showed you the file of these; ask those who sign for it:",
            unshown.filter(({ isDamaged }) => !isDamaged),
          ),
          ...unread(
            "These can be read once the damaged file is mended:",
            unshown.filter(({ isDamaged }) => isDamaged),
          ),
          ...(damaged.length === 0
            ? []
            : [
                `Damaged, put it back from a backup or from whoever gave it to you: ${damaged.join(", ")}`,
                "",
              ]),
          kept.length === 0
            ? "No hold order was read here yet."
            : formatRows(
                kept.map(({ commitment, reference, state, waitsUntil, failing }) => ({
                  term: commitment.slice(0, 16),
                  text: [
                    `${reference}: ${state}`,
                    ...(waitsUntil === null
                      ? []
                      : [`keyholders wait for you until the end of ${formatDay(waitsUntil)}`]),
                    ...failing.map((rule) => `does not hold: ${rule}`),
                  ].join("\n"),
                })),
              ),
        ].join("\n"),
        json: { isNamed, unshown, orders: kept, damaged },
      };
    },
  );

  action(
    withService(
      inspector
        .command("veto")
        .description("stop a hold order for good; keyholders that have not released will not")
        .requiredOption("--order <file>", "the order")
        .requiredOption("--ground <text>", "why")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: Directory & ServiceOptions & { order: string; ground: string }) => {
      const own = await Court.open(options.dir);
      const order = await readOrder(options.order);
      const service = await serviceOf(await openService(placeOf(own), options), order);
      const index = await own.revoke(service, order, options.ground, service.now());
      return { text: `stopped, in the log at ${index}`, json: { index } };
    },
  );
}

function unread(words: string, some: Awaited<ReturnType<typeof unseen>>): string[] {
  if (some.length === 0) return [];
  const rows = some.map(({ index, day, waitsUntil }) => ({
    term: `Entry ${index}`,
    text: `logged ${formatDay(day)}, keyholders wait for you until the end of ${formatDay(waitsUntil)}`,
  }));
  return [words, formatRows(rows), ""];
}

async function rowOf(service: Service, shown: Shown, all: readonly Shown[]) {
  const { commitment, document, standing } = shown;
  const inspected = await inspectKept(service, shown, all);
  // A rule that waits, for this very inspector for instance, may hold yet.
  const failing = (inspected?.examined?.rules ?? []).flatMap((one) =>
    one.holds || one.waits ? [] : [`${one.rule} (${one.reason})`],
  );
  const state = inspected === null ? "cannot be read" : standing.state;
  const waitsUntil = inspected?.wait?.lastDay ?? null;
  return { commitment, reference: document.reference, state, waitsUntil, failing };
}

function placeOf(own: Court) {
  return { directory: own.directory, url: own.party.url, charter: own.party.charter };
}

const briefFetch: typeof fetch = (input, init) =>
  fetch(input, { ...init, signal: init?.signal ?? AbortSignal.timeout(5000) });
