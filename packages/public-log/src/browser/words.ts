import { type LogEntry, parseSuccession, type SignedDocument, unverifiedPayload } from "@porchlight/charter";
import { formatDay, formatInstant } from "@porchlight/encoding";

export type Words = {
  readonly title: string;
  readonly facts: readonly (readonly [term: string, text: string])[];
};

/** An entry in plain words. What it hides it hides from everyone. */
export function words(entry: LogEntry | null): Words {
  if (entry === null) {
    return {
      title: "nothing that anyone has to believe",
      facts: [["What it is", "Bytes that are no entry of a known kind. Anybody's junk may look like that."]],
    };
  }
  switch (entry.type) {
    case "charter":
      return {
        title: "rules of who can open what",
        facts: [["What it is", "A charter: “Who can open this”, with all signatures."]],
      };
    case "keys":
      return {
        title: "public keys for a month",
        facts: [["What it is", "The keyholders have made a month's keys together. Nobody has a whole one."]],
      };
    case "succession":
      return {
        title: "a keyholder was replaced",
        facts: [
          ["What it is", "A lost keyholder's place is taken by another, signed by all the others."],
          ...succession(entry.document),
        ],
      };
    case "ceremony":
      return {
        title: "a step in making keys",
        facts: [
          ["For the month", entry.period],
          ["Step", String(entry.round)],
          ["By keyholder", String(entry.keyholder)],
        ],
      };
    case "warrant":
    case "hold-order":
      return {
        title: entry.type === "warrant" ? "a warrant" : "a hold order",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["Its number", entry.commitment],
          [
            "Secret until",
            `the end of ${entry.secretUntil} at the latest, unless a later entry says otherwise`,
          ],
          [
            "Whom it is about",
            "Nobody can see that here. The person's notice stands in the log too, and only that person can read it.",
          ],
        ],
      };
    case "revocation":
      return {
        title: "an order was revoked",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
        ],
      };
    case "suspension":
      return {
        title: "an order was stopped for now",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
        ],
      };
    case "resumption":
      return {
        title: "a stopped order goes on",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
        ],
      };
    case "notice-release":
      return {
        title: "the person is told early",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
        ],
      };
    case "extension":
      return {
        title: "an order stays secret for longer",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
          ["Secret until", `the end of ${entry.secretUntil}`],
        ],
      };
    case "preservation":
      return {
        title: "an order to keep, not to open",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["Its number", entry.commitment],
          ["Until", `the end of ${entry.until} at the latest`],
          ["What it does", "Somebody's encrypted messages are not deleted for a time. It opens nothing."],
        ],
      };
    case "preservation-lift":
      return {
        title: "an order to keep ended early",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
          ["What it does", "Its issuer lifted it. What it kept beyond its time is deleted."],
        ],
      };
    case "registration":
      return {
        title: "an authority's key was registered",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["Its number", entry.commitment],
          ["What it does", "An authority may hand in orders under this key. It was called back before."],
        ],
      };
    case "provider-answer":
      return {
        title: "the provider answered an authority itself",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["Its number", entry.commitment],
          [
            "What it told",
            entry.data === "subscriber"
              ? "Whose account it is."
              : "When an account wrote to which conversation.",
          ],
          ["What it did not tell", "Any message. No key was used."],
        ],
      };
    case "disclosed":
      return {
        title: "what an order was for",
        facts: [
          ["Logged on", formatDay(entry.day)],
          ["The order's number", entry.commitment],
          ["Ordered by", entry.part.issuer],
          ["Legal basis", entry.part.legalBasis],
          ["For", entry.part.offenceCategory],
          [
            "It could open",
            `${entry.part.accounts} ${entry.part.accounts === 1 ? "person" : "people"}, ${entry.part.days} ${entry.part.days === 1 ? "day" : "days"}`,
          ],
        ],
      };
    case "statistics":
      return {
        title: "the provider's figures of a month",
        facts: [
          ["Month", entry.month],
          ["Where to read them", "On the page “How often”."],
        ],
      };
    case "app-release":
      return {
        title: "a release of the web app",
        facts: [
          ["Version", entry.version],
          ["Logged on", formatDay(entry.day)],
          ["SHA-256 of its list of files", entry.manifest],
          [
            "What it means",
            "Anybody can compare what a server serves with it: porchlight verify-app. A script that is not in it was never released.",
          ],
        ],
      };
    case "keyholder-batch":
      return {
        title: "a keyholder's day",
        facts: [
          ["Keyholder", String(entry.keyholder)],
          ["Day", formatDay(entry.day)],
          [
            "What it is",
            "Each keyholder publishes one a day, whether or not it did anything. Nobody can tell which.",
          ],
        ],
      };
    case "erasure":
      return {
        title: "a key was erased",
        facts: [
          ["Keyholder", String(entry.keyholder)],
          ["Of the month", entry.period],
          ["Erased on", formatDay(entry.day)],
          [
            "What it means",
            "With enough keyholders' erasures nothing of that month can be opened any more, by anyone.",
          ],
        ],
      };
    case "notice":
      return {
        title: "notices to the people an order is about",
        facts: [
          ["The order's number", entry.commitment],
          ["Part", `${entry.part + 1} of ${entry.parts}`],
          ["Who can read it", "Only the person it is about, once its day has come."],
        ],
      };
    case "notice-share":
      return {
        title: "a keyholder's part of a notice's key",
        facts: [
          ["Keyholder", String(entry.keyholder)],
          ["The order's number", entry.commitment],
          ["What it means", "With enough of these the person it is about can read the notice."],
        ],
      };
  }
}

/** Nothing of one that cannot be read: whether it means anything is said beside it. */
function succession(document: SignedDocument): Words["facts"] {
  try {
    const { charter, keyholder, ground, at } = parseSuccession(unverifiedPayload(document));
    return [
      ["Of the rules", charter],
      ["The new one", `${keyholder.name}, as keyholder ${keyholder.index}`],
      ["It belongs to", `${keyholder.owner}, ${keyholder.jurisdiction}; paid by ${keyholder.payer}`],
      ["Why", ground],
      ["Agreed", formatInstant(at).replace("T", " ").replace("Z", " UTC")],
    ];
  } catch {
    return [];
  }
}
