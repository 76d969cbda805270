import type { Charter } from "@porchlight/charter";
import { formatDay, formatInstant, hex } from "@porchlight/encoding";
import type { WarrantDocument } from "@porchlight/gate";

/** The public word: "warrant" is a court's only. */
export function orderWord(charter: Pick<Charter, "kind">): "warrant" | "hold order" {
  return charter.kind === "court" ? "warrant" : "hold order";
}

/** One row of an order in plain words. */
export type Words = { readonly term: string; readonly text: string };

/**
 * `others` are the further accounts of an order over both sides. What an order says, for whoever has to decide on it or read what came of it. `persons` from the provider's signed
 * statement inside the order. Who has less than the whole charter at hand gets its parts in fewer words.
 */
export function orderInWords(
  document: WarrantDocument,
  charter: Pick<Charter, "kind"> & Partial<Pick<Charter, "issuers" | "contestDays">>,
  statement: { readonly accounts: readonly { readonly account: string; readonly person: string }[] },
  others: readonly string[] = [],
): Words[] {
  const issuer = charter.issuers?.find(({ name }) => name === document.issuer);
  const personOf = new Map(statement.accounts.map(({ account, person }) => [account, person]));
  const days =
    document.firstDay === document.lastDay
      ? `${formatDay(document.firstDay)} (UTC)`
      : `${formatDay(document.firstDay)} to ${formatDay(document.lastDay)} (UTC), both included`;
  const { disclosure } = document;
  return [
    { term: "Reference", text: document.reference },
    { term: "Issued by", text: issuer === undefined ? document.issuer : `${issuer.name}, ${issuer.title}` },
    {
      term: "Issued",
      text: `${formatInstant(document.issued)}, valid until ${formatInstant(document.expires)}`,
    },
    { term: "Legal basis", text: document.legalBasis },
    { term: charter.kind === "court" ? "Category of offence" : "Category", text: document.offenceCategory },
    { term: "To be read by", text: document.requester.name },
    {
      term: "Whose messages",
      text: document.accounts
        .map((account) => `${personOf.get(account) ?? "?"} (account ${account})`)
        .join("\n"),
    },
    {
      term: "Which messages",
      text:
        document.mode === "sent"
          ? "Those that these accounts sent"
          : "Those that these accounts sent, and those that others sent where they were",
    },
    ...(document.mode === "both-sides"
      ? [
          {
            term: "Whose messages too",
            text:
              others.length === 0
                ? "Not stated by the provider yet"
                : others.map((account) => `${personOf.get(account) ?? "?"} (account ${account})`).join("\n"),
          },
        ]
      : []),
    {
      term: "Conversations",
      text: document.conversations === "all" ? "All of these accounts'" : document.conversations.join("\n"),
    },
    { term: "Days", text: days },
    ...(document.live
      ? [{ term: "Interception", text: "Live: a day may be opened as soon as it has begun." }]
      : []),
    { term: "Why it is necessary", text: document.necessity },
    { term: "Why it is proportionate", text: document.proportionality },
    {
      term: "Privileged communication",
      text: document.privileged
        ? "The order says that it touches communication with a lawyer, the press or another privileged person."
        : "The order does not say that it touches any.",
    },
    {
      term: "Telling the person",
      text:
        disclosure.kind === "notice-first"
          ? `Told when the order is logged; may contest it for ${charter.contestDays === undefined ? "the charter's period" : `${charter.contestDays} days`} before anything is released.`
          : `Secret until ${formatDay(disclosure.until)}, on this ground: ${disclosure.ground}`,
    },
    ...(document.emergency
      ? [{ term: "Emergency", text: "Declared an emergency: the wait is skipped, no approval is." }]
      : []),
    { term: "Original act", text: `SHA-256 ${hex(document.actHash)}` },
  ];
}
