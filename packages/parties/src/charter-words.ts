import { type CharterDocument, concentrations, type Inspection } from "@porchlight/charter";
import { dayOf, formatDay } from "@porchlight/encoding";
import { type Words } from "@porchlight/evidence";
import type { Replacement } from "./service.ts";

/** "Who can open this" (P6): the charter in plain words, and what a member should be warned of. */
export function charterInWords(
  charter: CharterDocument & { readonly id: string },
  replacements: readonly Omit<Replacement, "index">[] = [],
): {
  readonly rows: readonly Words[];
  readonly warnings: readonly string[];
} {
  const court = charter.kind === "court";
  const order = court ? "warrant" : "hold order";
  const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const rows = [
    {
      term: "Who can open this",
      text: `Any ${charter.threshold} of these ${charter.keyholders.length} keyholders together with the provider, on a ${order} that is in the public log first:\n${charter.keyholders
        .map(
          ({ name, owner, payer, jurisdiction }) =>
            `${name}: owned by ${owner}, paid by ${payer}, under the law of ${jurisdiction}`,
        )
        .join("\n")}`,
    },
    ...(replacements.length === 0
      ? []
      : [
          {
            term: "Keyholders replaced",
            text: replacements
              .map(
                ({ lost, successor, ground, at }) =>
                  `${successor} has the place of ${lost}, which was lost (${formatDay(dayOf(at))}): ${ground}`,
              )
              .join("\n"),
          },
        ]),
    { term: "Provider", text: charter.provider.name },
    {
      term: court ? "Who can sign a warrant" : "Who can sign a hold order (two together)",
      text: charter.issuers.map(({ name, title }) => `${name}, ${title}`).join("\n"),
    },
    ...(charter.inspection === null ? [] : [inspectionInWords(charter.inspection)]),
    { term: "On what legal bases", text: charter.legalBases.join("\n") },
    { term: "For what", text: charter.offenceCategories.join("\n") },
    {
      term: "How much at once",
      text: `One key opens one person's own messages in one conversation on one UTC day. A ${order} covers at most ${charter.caps.accountsPerWarrant === 1 ? "one person's" : `${charter.caps.accountsPerWarrant} people's`} messages and ${plural(charter.caps.daysPerWarrant, "day")}; at most ${plural(charter.caps.warrantsPer30Days, order)} in 30 days.`,
    },
    {
      term: "When you are told",
      text: `When the ${order} is logged, with ${plural(charter.contestDays, "day")} to contest it before anything is opened; or, where secrecy is ordered, when it ends, after at most ${plural(charter.longestSecrecyDays, "day")}.`,
    },
    {
      term: "How long it is kept",
      text: `${plural(charter.retentionDays, "day")}; longer only where preservation is ordered, by at most ${plural(charter.longestPreservationDays, "day")}.`,
    },
    { term: "In force", text: `${formatDay(charter.validFrom)} to ${formatDay(charter.validUntil)}` },
    { term: "Charter", text: charter.id },
  ];
  const warnings = [
    `This is key escrow: ${charter.threshold} keyholders who pool their shares, and the provider's key, can read everything of a month unnoticed.`,
    ...concentrations(charter).map(({ by, value, keyholders }) => {
      const power = { owner: "belong to", payer: "are paid by", jurisdiction: "are under the law of" }[by];
      return `${keyholders} keyholders ${power} ${value}: enough to open everything alone.`;
    }),
    ...(charter.clock === "replay" ? ["This service runs on a replayed clock: its times are not real."] : []),
  ];
  return { rows, warnings };
}

function inspectionInWords({ inspectors, days }: Inspection): Words {
  const names = inspectors.map(({ name, title }) => `${name}, ${title}`).join("\n");
  const term = "Who inspects and can stop a hold order";
  if (names === "") return { term, text: "nobody" };
  const wait =
    days === 0 ? "until the day of its logging is over" : `${days} whole ${days === 1 ? "day" : "days"}`;
  return { term, text: `${names}\nEach hold order waits for them: ${wait}.` };
}
