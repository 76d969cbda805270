import { once } from "node:events";
import { DESK_KINDS, labelOf, openDesk, serveDesk } from "@porchlight/desk";
import type { CharterId } from "@porchlight/encoding";
import { type Command, Option } from "commander";
import { portUpTo, withService } from "../options.ts";
import { action, type Streams } from "../terminal.ts";

type Options = {
  readonly dir: string;
  readonly port: number;
  readonly host: string;
  readonly label?: string;
  readonly origin?: string;
  readonly openLink?: boolean;
  readonly url?: string;
  readonly charter?: CharterId;
};

/** `porchlight desk KIND`: the pages of one party, until Ctrl-C. */
export function registerDesk(program: Command, streams: Streams): void {
  action(
    withService(
      program
        .command("desk")
        .argument("<kind>", `whose pages: ${DESK_KINDS.join(", ")}`)
        .description("serve one party's own pages, with its own keys and store, until Ctrl-C")
        .requiredOption("--dir <dir>", "the party's directory")
        .option("--port <port>", "where it is served; 0 lets the system choose", portUpTo(65_535), 0)
        .option("--host <address>", "address to listen on", "127.0.0.1")
        .option(
          "--label <label>",
          "first part of its host name, LABEL.localhost (default: the kind, or the directory of one of several)",
        )
        .option("--origin <origin>", "its address where a proxy in front of it speaks TLS")
        .addOption(
          new Option("--open-link", "print a one-time sign-in link even if somebody can sign in already"),
        ),
    ),
    streams,
    async (options: Options, context, kind: string) => {
      const { dir, port, host, origin, openLink = false } = options;
      const desk = await openDesk(kind, {
        directory: dir,
        url: options.url ?? null,
        charter: options.charter ?? null,
      });
      const label = options.label ?? labelOf(kind, dir);
      const served = await serveDesk(
        desk,
        { directory: dir, label, port, host, ...(origin === undefined ? {} : { origin }) },
        (event) => streams.error(`${event}\n`),
      );
      const link = served.isNew || openLink ? served.link() : null;
      streams.out(
        context.json
          ? `${JSON.stringify({ ready: true, url: served.origin, link })}\n`
          : link === null
            ? `${served.origin}\n`
            : `${served.origin}\nTo make a passkey for it, open this link; it works once, within an hour:\n  ${link}\n`,
      );
      try {
        await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
      } finally {
        await served.close();
      }
      return { text: "stopped", json: { stopped: true } };
    },
  );
}
