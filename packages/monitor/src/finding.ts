import type { Charter } from "@porchlight/charter";
import type { CharterId, Period, UnixSeconds } from "@porchlight/encoding";
import { formatInstant } from "@porchlight/encoding";
import type { LogErrorCode } from "@porchlight/wire";

/** Why an entry of a log with a charter says nothing that anyone has to believe (MON-6). */
export type UnknownReason =
  | "unreadable"
  | "charter-unknown"
  | "charter-refused"
  | "keys-refused"
  | "succession-refused"
  | "unsigned";

/** Why what a log says of an order at the end of its secrecy is not what was fixed when it was logged (MON-12). */
export type FalseDisclosure = "order-unknown" | "not-what-was-hidden" | "not-the-charters";

/** What a monitor has to tell (MON-2 to MON-12). Nothing in it names a person: a log holds nobody's name. */
export type Finding =
  | {
      readonly code: "fork";
      /** Files in the monitor's directory with the two signed checkpoints. */
      readonly seen: string;
      readonly offered: string;
    }
  | { readonly code: "rollback"; readonly seenSize: number; readonly offeredSize: number }
  | { readonly code: "log-refused"; readonly reason: LogErrorCode }
  | { readonly code: "policy-unsatisfied" }
  | { readonly code: "unreachable"; readonly reason: string }
  | { readonly code: "stale"; readonly witnessedAt: UnixSeconds }
  | {
      readonly code: "stale-witness";
      /** Its name in the policy. */
      readonly witness: string;
      /** Time of its newest cosignature that this monitor saw; `null` for none. */
      readonly last: UnixSeconds | null;
    }
  | {
      readonly code: "cap-exceeded";
      readonly charter: CharterId;
      /** Of the order. */
      readonly index: number;
      /** Which cap, as the charter names it. */
      readonly cap: keyof Charter["caps"];
      /** Of orders: those within thirty days, this one included; of accounts and days: what this order could open. */
      readonly count: number;
      readonly limit: number;
    }
  | {
      readonly code: "preservation-beyond-charter";
      readonly charter: CharterId;
      readonly index: number;
      readonly reason: "too-long" | "too-many";
    }
  | {
      readonly code: "disclosure-false";
      readonly charter: CharterId;
      /** Of the `disclosed` entry. */
      readonly index: number;
      readonly reason: FalseDisclosure;
    }
  | {
      readonly code: "overdue";
      readonly charter: CharterId;
      /** Of the order. */
      readonly index: number;
      readonly reason: "not-released" | "notices-missing";
      /** The month in which it should have been told. */
      readonly month: Period;
    }
  | {
      readonly code: "unknown-entries";
      readonly count: number;
      readonly first: readonly { readonly index: number; readonly reason: UnknownReason }[];
    };

const REASONS: Record<UnknownReason, string> = {
  unreadable: "is no entry of any known type",
  "charter-unknown": "belongs to no charter in this log",
  "charter-refused": "is a charter that is malformed or lacks signatures",
  "keys-refused": "is a keys document that is malformed or lacks signatures",
  "succession-refused": "is a succession that is malformed or that not all signed",
  unsigned: "is not signed by who has to sign it",
};

const FALSE: Record<FalseDisclosure, string> = {
  "order-unknown": "tells of an order that the log did not hold before it",
  "not-what-was-hidden": "tells something else of its order than what the order's own entry hid",
  "not-the-charters": "names an issuer, a legal basis or a category that the charter does not have",
};

function capSentence({ index, cap, count, limit }: Extract<Finding, { code: "cap-exceeded" }>): string {
  const allowed = `the charter allows ${limit}, and no honest keyholder releases anything for it`;
  switch (cap) {
    case "warrantsPer30Days":
      return `entry ${index} is order ${count} within thirty days; ${allowed}`;
    case "accountsPerWarrant":
      return `the order in entry ${index} could open ${count} accounts; ${allowed}`;
    case "daysPerWarrant":
      return `the order in entry ${index} could open ${count} days; ${allowed}`;
  }
}

/** One sentence for a person, who is told what to do where there is something to do. */
export function sentence(finding: Finding): string {
  switch (finding.code) {
    case "fork":
      return `the log showed two trees that are not one: both signed checkpoints are kept in ${finding.seen} and ${finding.offered}; publish them`;
    case "rollback":
      return `the log showed a tree of ${finding.offeredSize} entries after one of ${finding.seenSize}; a stale cache does that too`;
    case "log-refused":
      return `what the log served does not hold (${finding.reason})`;
    case "policy-unsatisfied":
      return "the log's newest checkpoint lacks signatures that the policy asks for";
    case "unreachable":
      return `the log cannot be reached (${finding.reason})`;
    case "stale":
      return `the newest checkpoint was witnessed at ${formatInstant(finding.witnessedAt)}: what is newer may be kept from you`;
    case "stale-witness":
      return finding.last === null
        ? `witness ${finding.witness} has cosigned no checkpoint that this monitor saw`
        : `witness ${finding.witness} last cosigned at ${formatInstant(finding.last)}`;
    case "cap-exceeded":
      return capSentence(finding);
    case "preservation-beyond-charter":
      return finding.reason === "too-long"
        ? `entry ${finding.index} preserves somebody's messages for longer than the charter allows`
        : `entry ${finding.index} is one order to preserve more than the charter allows within thirty days`;
    case "disclosure-false":
      return `entry ${finding.index} ${FALSE[finding.reason]}`;
    case "overdue":
      return finding.reason === "notices-missing"
        ? `the order in entry ${finding.index} stands without its notices: whom it is about could never be told, and no honest keyholder carries it out`
        : `whom the order in entry ${finding.index} is about should have been told by the end of ${finding.month}, and fewer keyholders than it takes have given their shares`;
    case "unknown-entries": {
      const [first] = finding.first;
      const example = first === undefined ? "" : `; entry ${first.index} ${REASONS[first.reason]}`;
      return `${finding.count} ${finding.count === 1 ? "entry means" : "entries mean"} nothing in this log${example}`;
    }
  }
}
