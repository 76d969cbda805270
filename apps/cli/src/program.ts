import { readFileSync } from "node:fs";
import { Command } from "commander";
import { registerDemo } from "./commands/demo.ts";
import { registerDesk } from "./commands/desk.ts";
import { registerEvidence } from "./commands/evidence.ts";
import { registerInspector } from "./commands/inspector.ts";
import { registerInvite } from "./commands/invite.ts";
import { registerIssuer } from "./commands/issuer.ts";
import { registerKeyholder } from "./commands/keyholder.ts";
import { registerLog } from "./commands/log.ts";
import { registerMember } from "./commands/member.ts";
import { registerMonitor } from "./commands/monitor.ts";
import { registerNotice } from "./commands/notice.ts";
import { registerProvider } from "./commands/provider.ts";
import { registerPublicLog } from "./commands/public-log.ts";
import { registerReport } from "./commands/report.ts";
import { registerRequester } from "./commands/requester.ts";
import { registerServer } from "./commands/server.ts";
import { registerStart } from "./commands/start.ts";
import { registerSuccession } from "./commands/succession.ts";
import { registerVerifyApp } from "./commands/verify-app.ts";
import { EXIT, EXIT_HELP } from "./exit-code.ts";
import type { Streams } from "./terminal.ts";

/** One entry a group; each adds its own commands. */
const GROUPS: readonly ((program: Command, streams: Streams) => void)[] = [
  registerStart,
  registerDemo,
  registerMember,
  registerInvite,
  registerProvider,
  registerServer,
  registerRequester,
  registerIssuer,
  registerInspector,
  registerKeyholder,
  registerSuccession,
  registerEvidence,
  registerLog,
  registerNotice,
  registerMonitor,
  registerReport,
  registerPublicLog,
  registerDesk,
  registerVerifyApp,
];

const WALK = `
From an order to evidence, each party in its own directory:
  agency    porchlight requester init --dir agency --name NAME --url URL
  agency    porchlight requester request --dir agency --reference REF --act FILE
  provider  porchlight provider statement --dir server --charter ID --account ID --out statement.json
  court     porchlight issuer issue --dir court --request FILE --statement statement.json --account ID
              --conversation ID --day YYYY-MM-DD --legal-basis … --offence … --necessity … --proportionality …
  court     porchlight issuer submit --dir court --order order.json
  keyholder porchlight keyholder list --dir keyholder-1, show ORDER, approve ORDER --by NAME   (at t keyholders)
  agency    porchlight requester collect --dir agency --order order.json --unpack evidence
  anyone    porchlight evidence verify evidence --charter ID`;

/** The whole command line. Its exit status is in `process.exitCode` when the promise of `parseAsync` resolves. */
export function createProgram(streams: Streams, argv: readonly string[]): Command {
  const program = new Command("porchlight");
  program
    .version(version())
    .description(
      "End-to-end encrypted messages under accountable, threshold key escrow: every party's command line.",
    )
    .showHelpAfterError("(--help says more)")
    .addHelpText("after", `${WALK}\n${EXIT_HELP}`)
    // Usage errors end here too, with their own status and, where it was asked for, as JSON.
    .exitOverride()
    .configureOutput({
      writeOut: streams.out,
      writeErr: (text) => {
        if (!argv.includes("--json")) streams.error(text);
      },
    });
  for (const register of GROUPS) register(program, streams);
  inherit(program);
  return program;
}

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Every group and command ends and prints as the program does. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inherit(command);
  }
}

/** Runs one command line and returns its exit status. */
export async function run(argv: readonly string[], streams: Streams): Promise<number> {
  const program = createProgram(streams, argv);
  process.exitCode = EXIT.done;
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof Error && "exitCode" in error && "code" in error)) throw error;
    // --help and --version end by an exception as well, with status 0.
    if (error.exitCode === 0) return EXIT.done;
    if (argv.includes("--json")) {
      const message = error.message.replace(/^error: /, "");
      streams.out(`${JSON.stringify({ ok: false, code: "usage", message })}\n`);
    }
    return EXIT.usage;
  }
  return process.exitCode;
}
