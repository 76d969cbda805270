import { relative, resolve } from "node:path";
import type { CharterKind } from "@porchlight/charter";
import { type DeskAddress, type Standing, stand } from "@porchlight/deployment";
import { type Command, Option } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { portUpTo } from "../options.ts";
import { phases } from "../phases.ts";
import { action, type Streams } from "../terminal.ts";

type Options = {
  readonly port: number;
  readonly state?: string;
  readonly charter: CharterKind;
  readonly seed: boolean;
};

/** `porchlight start`: a whole deployment on one machine, until Ctrl-C. */
export function registerStart(program: Command, streams: Streams): void {
  action(
    program
      .command("start")
      .description("bring up a whole deployment on this computer and keep it up until Ctrl-C")
      .option(
        "--port <port>",
        "the server's port; keyholders and witnesses take the next seven, the public log one more, the desks up to ten after it",
        portUpTo(65_000),
        7400,
      )
      .option(
        "--state <dir>",
        'directory of the deployment; remove it to begin again (default "state", of a house "state-house")',
      )
      .addOption(
        new Option("--charter <kind>", "by whose order things open: a court's, or an organisation's own")
          .choices(["court", "house"])
          .default("court"),
      )
      .option("--no-seed", "no invented conversation and case, and this computer's own clock"),
    streams,
    async (options: Options, context) => {
      const state = resolve(options.state ?? (options.charter === "house" ? "state-house" : "state"));
      const ended = Promise.withResolvers<string>();
      const onSignal = (): void => ended.resolve("");
      process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
      const { progress, finish } = phases(context);
      const starting = stand({
        state,
        port: options.port,
        kind: options.charter,
        seeded: options.seed,
        progress,
        onUnexpectedExit: ({ name }) => {
          if (name === "server") ended.resolve(name);
          else streams.error(`${name} ended unexpectedly: see ${state}/${name}/${name}.log\n`);
        },
      });
      try {
        const standing = await Promise.race([starting, ended.promise]);
        finish();
        if (typeof standing === "string")
          throw new CommandError(EXIT.notYet, "stopped", "stopped while starting");
        streams.out(context.json ? `${JSON.stringify(facts(standing, state))}\n` : greeting(standing, state));
        const who = await ended.promise;
        await standing.close();
        if (who !== "") {
          throw new CommandError(
            EXIT.unavailable,
            "program-ended",
            `the server ended: see ${state}/server/server.log`,
          );
        }
        return { text: "stopped; start again to go on where it was", json: { stopped: true } };
      } finally {
        finish();
        process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
        // Cut short while starting: whatever came up goes down with this process' end of its channel.
        void starting.then(async ({ close }) => await close()).catch(() => {});
      }
    },
  );
}

function publicUrl({ deployment }: Standing): string {
  return `http://localhost:${deployment.supervisor.port("server")}`;
}

function facts(standing: Standing, state: string) {
  const { deployment, finishedCase } = standing;
  const { supervisor, charter } = deployment;
  return {
    ready: true,
    url: publicUrl(standing),
    invitations: standing.invitations,
    publicLog: standing.publicLog,
    desks: standing.desks,
    state,
    charter: charter.id,
    clock: charter.clock,
    programs: Object.fromEntries(
      supervisor.names.map((name) => [name, { port: supervisor.port(name), pid: supervisor.pid(name) }]),
    ),
    finishedCase,
  };
}

function greeting(standing: Standing, state: string): string {
  const { deployment, finishedCase } = standing;
  const { charter } = deployment;
  const url = publicUrl(standing);
  const dir = relative(process.cwd(), state) || ".";
  const [first = "", second = ""] = standing.invitations;
  const lines = [
    "Open this link in a browser; it works once:",
    `  ${first}`,
    "and this one in another browser or a private window, for a second person to talk with:",
    `  ${second}`,
    `Later just ${url}`,
    "",
    "Who can open what, how often that was, and every entry of the public log to check in your own browser:",
    `  ${standing.publicLog}`,
    "",
    ...deskLines(standing.desks, charter.kind),
    "",
    `Running: the provider's server with its log, ${charter.keyholders.length} keyholders of whom ${charter.threshold} must agree, 2 witnesses,`,
    charter.kind === "court"
      ? "a court and an agency. Each has a process or a directory, and keys, of its own:"
      : "two who sign hold orders together, a works council that can stop them, and the lawyers who read. Each has keys of its own:",
    `  ${dir}/`,
    "",
    "Five keyholders on one computer protect nobody. This shows how it works; it guards nothing.",
    ...(charter.clock === "replay"
      ? ["Its clock is set by this program, and its charter and evidence say so."]
      : []),
    "",
    "Try next, in another terminal:",
    "  npx --no porchlight member --help                        write and read, see who can open it",
    `  npx --no porchlight log verify --url ${url}   check the public log and its witnesses`,
    ...(finishedCase === null
      ? []
      : [
          `A finished case, ${finishedCase.messages} messages of one person on one day, is in ${dir}/agency/case-1:`,
          `  open ${dir}/agency/case-1/data/index.html in a browser`,
          `  npx --no porchlight evidence verify ${dir}/agency/case-1 --charter ${charter.id}`,
        ]),
    "  npx --no porchlight --help                               from an order to evidence, step by step",
    "  npx --no porchlight demo --help                          the same with your own chat files",
    "",
    "Ctrl-C stops everything; a second start goes on from here.",
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** What somebody does at a desk, in the words of its charter. */
const WORK: Readonly<Record<DeskAddress["kind"], Readonly<Record<CharterKind, string>>>> = {
  agency: { court: "the agency applies, opens and reads", house: "the house's lawyers apply, open and read" },
  court: { court: "the court signs, extends and revokes", house: "one of two who sign hold orders" },
  inspector: { court: "", house: "the works council reads each hold order and can stop it" },
  officer: { court: "the provider's response officer", house: "the provider's response officer" },
  keyholder: { court: "a keyholder approves or refuses", house: "a keyholder approves or refuses" },
};

/** A desk is a process more, of about 120 MB: it starts when somebody opens it. */
function deskLines(desks: readonly DeskAddress[], kind: CharterKind): string[] {
  return [
    "Those who work with orders have pages of their own. Each starts when you open it, with a process, keys and passkeys of its",
    "own. A link with # makes your passkey there, once; later open the address alone:",
    ...desks.flatMap(({ kind: desk, origin, link }) => [`  ${WORK[desk][kind]}`, `    ${link ?? origin}`]),
  ];
}
