import { Fields, type Json } from "@porchlight/encoding";
import { callAdmin } from "@porchlight/runtime";
import type { Command } from "commander";
import { action, formatTable, type Streams } from "../terminal.ts";

type Options = {
  readonly dir: string;
  readonly charter?: string;
  readonly generation?: string;
};

const DIRECTORY = ["--dir <dir>", "the directory of the running keyholder"] as const;
const CHARTER = ["--charter <id>", "where this keyholder has several charters"] as const;
const GENERATION = ["--generation <n>", "the number of the shares, where it is not the next one"] as const;

/** Key ceremonies as guided steps: each command says what it did, who is waited for, and what comes next. */
export function registerCeremonies(keyholder: Command, streams: Streams): void {
  action(
    keyholder
      .command("ceremonies")
      .description("key ceremonies: who has spoken, who is waited for, who was named for what")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Options) => {
      const ceremonies = await ceremoniesOf(dir);
      return { text: ceremoniesInWords(ceremonies, dir), json: { ceremonies: ceremonies.map(copy) } };
    },
  );

  action(
    keyholder
      .command("periods")
      .description("months that have keys: who holds shares, until when, who has erased what")
      .requiredOption(...DIRECTORY),
    streams,
    async ({ dir }: Options) => {
      const periods = await periodsOf(dir);
      const rows = periods.map(({ period, generation, absent, until, erased }) => [
        period,
        String(generation),
        absent.length === 0 ? "–" : absent.join(", "),
        until.access,
        until.notice,
        erased,
      ]);
      const head = ["month", "generation", "absent", "access until", "notice until", "erasures logged"];
      const text = rows.length === 0 ? "no month has keys yet" : formatTable(head, rows);
      return { text, json: { periods: periods.map(copy) } };
    },
  );

  for (const { name, description, next } of COMMANDS) {
    action(
      keyholder
        .command(name)
        .argument("<period>", "a calendar month, YYYY-MM")
        .description(description)
        .option(...GENERATION)
        .option(...CHARTER)
        .requiredOption(...DIRECTORY),
      streams,
      async ({ dir, charter, generation }: Options, _context, period: string) => {
        const answer = await callAdmin(dir, {
          command: name,
          period,
          ...(charter === undefined ? {} : { charter }),
          ...(generation === undefined ? {} : { generation: Number(generation) }),
        });
        return {
          text: `${next}\n\nSee how it goes: porchlight keyholder ceremonies --dir ${dir}`,
          json: { period, ceremony: answer },
        };
      },
    );
  }
}

const COMMANDS = [
  {
    name: "ceremony",
    description: "take part in making a month's keys",
    next: "This keyholder takes part. Every other operator gives the same command; the rest goes by itself.",
  },
  {
    name: "refresh",
    description: "take part in sharing a month's keys anew: the same keys, other shares",
    next:
      "This keyholder takes part. Every other operator gives the same command. Then the old shares are erased, and the " +
      "log says so. Finish approved orders first: shares of two generations open nothing together.",
  },
  {
    name: "close-round",
    description: "wait no longer for keyholders that have not spoken in a ceremony's round",
    next: "Asked. The round closes when as many keyholders ask as are needed to open something; who has not spoken is named.",
  },
] as const;

type CeremonyFacts = {
  readonly period: string;
  readonly generation: number;
  readonly from: number;
  readonly state: string;
  readonly waits: readonly number[];
  readonly named: readonly string[];
};

async function ceremoniesOf(dir: string): Promise<CeremonyFacts[]> {
  const status = new Fields(await callAdmin(dir, { command: "status" }), "status");
  return status
    .array("charters", (value, where) => new Fields(value, where).array("ceremonies", readCeremony, 10_000))
    .flat();
}

function readCeremony(value: Json, where: string): CeremonyFacts {
  const fields = new Fields(value, where);
  const kind = fields.literal("kind", "running", "ready", "aborted", "not-begun");
  const state =
    kind === "running"
      ? `${fields.string("phase")}, round ${fields.optional("round") ?? "over"}`
      : kind === "aborted"
        ? `aborted: ${fields.string("reason")}`
        : kind === "not-begun"
          ? `begun by ${fields.array("joined", number).join(", ")}, not here`
          : kind;
  return {
    period: fields.string("period"),
    generation: fields.integer("generation"),
    from: fields.integer("from"),
    state,
    waits: kind === "running" ? fields.array("missing", number) : [],
    named:
      kind === "not-begun"
        ? []
        : fields.array("named", (item, place) => {
            const one = new Fields(item, place);
            return `${one.integer("keyholder")} ${one.string("fault")}`;
          }),
  };
}

function ceremoniesInWords(ceremonies: readonly CeremonyFacts[], dir: string): string {
  if (ceremonies.length === 0) return "no key ceremony was begun here";
  const rows = ceremonies.map(({ period, generation, from, state, waits, named }) => [
    period,
    from === 0 ? `${generation}, new keys` : `${generation}, reshared from ${from}`,
    state,
    waits.length === 0 ? "–" : waits.join(", "),
    named.length === 0 ? "–" : named.join("; "),
  ]);
  const table = formatTable(["month", "generation", "state", "waits for keyholder", "named"], rows);
  const waiting = ceremonies.find(({ waits }) => waits.length > 0);
  const pending = ceremonies.find(({ state }) => state.endsWith("not here"));
  const hints = [
    ...(waiting === undefined
      ? []
      : [
          `Wait no longer: porchlight keyholder close-round ${waiting.period} --generation ${waiting.generation} --dir ${dir}`,
        ]),
    ...(pending === undefined
      ? []
      : [
          `Take part: porchlight keyholder ${pending.from === 0 ? "ceremony" : "refresh"} ${pending.period} --dir ${dir}`,
        ]),
  ];
  return hints.length === 0 ? table : `${table}\n\n${hints.join("\n")}`;
}

type PeriodFacts = {
  readonly period: string;
  readonly generation: number;
  readonly absent: readonly number[];
  readonly until: { readonly access: string; readonly notice: string };
  readonly erased: string;
};

async function periodsOf(dir: string): Promise<PeriodFacts[]> {
  const status = new Fields(await callAdmin(dir, { command: "status" }), "status");
  return status
    .array("charters", (value, where) => new Fields(value, where).array("periods", readPeriod, 10_000))
    .flat();
}

function readPeriod(value: Json, where: string): PeriodFacts {
  const fields = new Fields(value, where);
  const after = fields.object("erasedAfter");
  const erased = fields.array(
    "erased",
    (item, place) => {
      const one = new Fields(item, place);
      return `${one.integer("keyholder")} ${one.string("kind")} ${one.integer("generation")}`;
    },
    10_000,
  );
  return {
    period: fields.string("period"),
    generation: fields.integer("generation"),
    absent: fields.array("absent", number),
    until: { access: after.string("access"), notice: after.string("notice") },
    erased: erased.length === 0 ? "–" : erased.join("; "),
  };
}

function number(value: Json): number {
  return value as number;
}

function copy(facts: object): { [name: string]: Json } {
  return { ...facts } as { [name: string]: Json };
}
