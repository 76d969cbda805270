import { formatInstant } from "@porchlight/encoding";
import { personsOf, verifyOrder } from "@porchlight/gate";
import { Court } from "@porchlight/parties";
import type { Command } from "commander";
import { openService, readOrder, type ServiceOptions, withService } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Options = ServiceOptions & { readonly dir: string; readonly order: string };

/** What persons say against an order about them (spec/contest.md): read here, answered with suspend, revoke or nothing. */
export function registerContests(issuer: Command, streams: Streams): void {
  action(
    withService(
      issuer
        .command("contests")
        .description("read what persons whom an order is about say against it; nothing stops by it")
        .requiredOption("--order <file>", "the order")
        .option("--dir <dir>", "the issuer's directory", "court"),
    ),
    streams,
    async (options: Options) => {
      const court = await Court.open(options.dir);
      const place = { directory: court.directory, url: court.party.url, charter: court.party.charter };
      const service = await openService(place, options);
      const order = await readOrder(options.order);
      const contests = await court.contests(service, order);
      const persons = new Map(
        personsOf(await verifyOrder(order, service.charter)).map(({ account, person }) => [account, person]),
      );
      const said = contests.map(({ account, at, ground }) => ({
        account,
        person: persons.get(account) ?? "",
        at,
        ground,
      }));
      return {
        text:
          said.length === 0
            ? "nobody has contested the order here"
            : [
                ...said.map(({ person, at, ground }) =>
                  formatRows([
                    { term: "From", text: person },
                    { term: "At", text: formatInstant(at) },
                    { term: "Says", text: ground },
                  ]),
                ),
                "The order goes on unless you stop it: porchlight issuer suspend, or revoke.",
              ].join("\n\n"),
        json: { contests: said },
      };
    },
  );
}
