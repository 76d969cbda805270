// The rules of the gate, in the order in which they are asked. One that does not hold refuses. Rules about a thing that
// is absent (no entry, no intent) leave its absence to the rule that names it, so that each has one meaning.
import { verifyEntrySignature } from "@porchlight/charter";
import { dayNumber, dayOf, equalBytes } from "@porchlight/encoding";
import { directionOf } from "./direction.ts";
import type { Rule } from "./evaluate.ts";
import type {
  ApprovalFacts,
  DocumentFacts,
  LabelFacts,
  LogFacts,
  MemoryFacts,
  PlaceFacts,
  ReleaseFacts,
} from "./facts.ts";
import { formatIntent, generationsOf, slotOf } from "./intent.ts";
import { areCanonical, daysBetween, labelsHash, nameOfLabel, releasableFrom } from "./labels.ts";
import {
  directionEntries,
  hasSlot,
  isRevoked,
  isWellFormed,
  isWitnessedFor,
  ordersSince,
  timesLogged,
} from "./log-view.ts";
import { noticeFits } from "./notices.ts";
import { provenLabels } from "./other-side.ts";
import { publicCommitment, publicKeyOfOrder, publicPartOf } from "./public-part.ts";
import { lastContestDay, lastInspectionDay, secretUntilOf } from "./secrecy.ts";
import { otherAccounts } from "./verify-order.ts";

/** Seconds by which a checkpoint's witnessed time and the keyholder's clock may differ (GATE-2). */
export const CHECKPOINT_TOLERANCE = 600;
/** Days over which a charter's `warrantsPer30Days` counts (GATE-18). */
export const RATE_WINDOW_DAYS = 30;

// ---- The log

function carriesTheChartersPolicy({ warrant, view }: LogFacts): boolean {
  return isWitnessedFor(warrant.charter, view);
}

function isFresh({ at, now }: LogFacts): boolean {
  return Math.abs(now - at) <= CHECKPOINT_TOLERANCE;
}

function viewIsWellFormed({ view }: LogFacts): boolean {
  return isWellFormed(view);
}

function isLogged({ entry }: PlaceFacts): boolean {
  return entry !== null;
}

function entryOpensToTheseBytes({ entry, commitment }: PlaceFacts): boolean {
  return entry === null || entry.commitment === commitment;
}

function isLoggedOnce({ view, warrant, commitment }: LogFacts): boolean {
  return timesLogged(view, warrant.charter, commitment) <= 1;
}

function intakeSigned({ entry, warrant }: LogFacts): boolean {
  return entry === null || verifyEntrySignature(entry, warrant.charter);
}

function entryDayHasCome({ entry, today }: LogFacts): boolean {
  return entry === null || entry.day <= today;
}

function entryShowsTheOrderedSecrecy({ entry, warrant }: LogFacts): boolean {
  return entry === null || entry.secretUntil === secretUntilOf(warrant.document, entry.day);
}

function isNotRevoked({ view, warrant, commitment }: LogFacts): boolean {
  return !isRevoked(view, warrant.charter, commitment);
}

function entryHidesThePublicPart({ entry, warrant, opening, commitment }: LogFacts): boolean {
  if (entry === null || entry.commitment !== commitment) return true;
  return entry.public === publicCommitment(publicKeyOfOrder(opening), publicPartOf(warrant));
}

// In doubt an order is suspended: a suspension's signature is not asked for. To go on takes the issuer's own word.
function isNotSuspended({ view, warrant, commitment, opening, directions }: LogFacts): boolean {
  const { charter } = warrant;
  const last = directionEntries(view, charter, commitment)
    .filter(({ entry }) => {
      if (entry.type === "suspension") return true;
      return (
        entry.type === "resumption" &&
        verifyEntrySignature(entry, charter) &&
        directionOf(entry, opening, directions) !== null
      );
    })
    .at(-1);
  return last?.entry.type !== "suspension";
}

function rateCapHolds({ view, warrant, index, loggedDay, today }: LogFacts): boolean {
  const { charter } = warrant;
  const limit = charter.caps.warrantsPer30Days;
  const since = dayNumber(Math.max(0, loggedDay - RATE_WINDOW_DAYS + 1));
  return ordersSince(view, charter, { index, since, today, limit }) < limit;
}

function inspectorsCouldLook(facts: LogFacts): boolean {
  const last = lastInspectionDay(facts);
  return last === null || facts.today > last;
}

function personCouldContest(facts: LogFacts): boolean {
  const last = lastContestDay(facts);
  return last === null || facts.today > last;
}

// ---- The document

function hasBegun({ warrant, at }: DocumentFacts): boolean {
  return at >= warrant.document.issued;
}

function hasNotExpired({ warrant, at }: DocumentFacts): boolean {
  return at < warrant.document.expires;
}

function liesInTheChartersDates({ warrant: { document, charter } }: DocumentFacts): boolean {
  return document.firstDay >= charter.validFrom && document.lastDay <= charter.validUntil;
}

function accountsCapHolds({ warrant, accounts }: DocumentFacts): boolean {
  return accounts <= warrant.charter.caps.accountsPerWarrant;
}

function daysCapHolds({ warrant: { document, charter } }: DocumentFacts): boolean {
  return daysBetween(document.firstDay, document.lastDay) <= charter.caps.daysPerWarrant;
}

function secrecyIsShortEnough({ warrant: { document, charter } }: DocumentFacts): boolean {
  const { disclosure, issued } = document;
  return disclosure.kind !== "secret" || disclosure.until <= dayOf(issued) + charter.longestSecrecyDays;
}

// ---- The labels

function labelsAreCanonical({ labels }: LabelFacts): boolean {
  return labels.length > 0 && areCanonical(labels);
}

function labelsLieInScope({ warrant: { document, charter, others }, labels }: LabelFacts): boolean {
  const { conversations, firstDay, lastDay } = document;
  const accounts = new Set([...document.accounts, ...otherAccounts(others)]);
  const named = conversations === "all" ? null : new Set(conversations);
  return labels.every(
    (label) =>
      label.charter === charter.id &&
      accounts.has(label.account) &&
      (named === null || named.has(label.conversation)) &&
      label.day >= firstDay &&
      label.day <= lastDay,
  );
}

function otherSidesAreProven({ warrant: { document, others }, labels, otherSides }: LabelFacts): boolean {
  const further = new Set(otherAccounts(others));
  if (further.size === 0) return true;
  const proven = provenLabels(document.accounts, otherSides);
  return labels.every((label) => !further.has(label.account) || proven.has(nameOfLabel(label)));
}

function daysHaveCome({ warrant: { document }, labels, today }: LabelFacts): boolean {
  return labels.every(({ day }) => releasableFrom(document, day) <= today);
}

// ---- What this keyholder remembers

function requesterPointIsFresh({ self, requesterPoint, commitment }: MemoryFacts): boolean {
  return (self.usedRequesterPoints.get(requesterPoint) ?? commitment) === commitment;
}

function referenceIsUnique({ self, warrant, commitment }: MemoryFacts): boolean {
  return (self.usedReferences.get(warrant.document.reference) ?? commitment) === commitment;
}

// ---- The release

function sharesAreHeld({ self, labels }: ReleaseFacts): boolean {
  return generationsOf(labels, self.generations) !== null;
}

function aPersonApproved({ self, warrant, commitment, now, approval }: ApprovalFacts): boolean {
  return (
    approval !== null &&
    approval.keyholder === self.keyholder &&
    approval.commitment === commitment &&
    approval.at >= warrant.document.issued &&
    approval.at <= now
  );
}

function intentIsLogged({ self, view, warrant }: ReleaseFacts): boolean {
  if (self.intent === null) return false;
  const slot = slotOf(self.intent.random, formatIntent(self.intent.document));
  return hasSlot(view, warrant.charter, self.keyholder, slot);
}

function intentNamesThisRelease({ self, warrant, commitment, labels }: ReleaseFacts): boolean {
  if (self.intent === null) return true;
  const { document: intent } = self.intent;
  const expected = {
    charter: warrant.charter.id,
    commitment,
    keyholder: self.keyholder,
    generations: generationsOf(labels, self.generations) ?? intent.generations,
    labels: labelsHash(labels),
    at: intent.at,
  };
  return equalBytes(formatIntent(intent), formatIntent(expected));
}

/** Whether the order stands where it says. */
export const placeRules: readonly Rule<PlaceFacts>[] = Object.freeze([
  {
    id: "GATE-4",
    code: "not-logged",
    reason: "At the place in the public log that was named there is no order under this charter.",
    waits: true,
    holds: isLogged,
  } as const,
  {
    id: "GATE-5",
    code: "commitment-mismatch",
    reason: "The entry in the public log is not of this order.",
    holds: entryOpensToTheseBytes,
  } as const,
]);

/** Of the log as such, whatever is asked of it. */
export const viewRules: readonly Rule<LogFacts>[] = Object.freeze([
  {
    id: "GATE-1",
    code: "not-witnessed",
    reason: "The state of the log does not carry the cosignatures that the charter demands.",
    waits: true,
    holds: carriesTheChartersPolicy,
  },
  {
    id: "GATE-2",
    code: "checkpoint-stale",
    reason: "The newest witnessed state of the log is too far from this keyholder's clock to decide on.",
    waits: true,
    holds: isFresh,
  },
  {
    id: "GATE-3",
    code: "view-broken",
    reason: "The log as it was read is out of order or goes beyond what the witnesses saw.",
    waits: true,
    holds: viewIsWellFormed,
  },
] as const);

export const logRules: readonly Rule<LogFacts>[] = Object.freeze([
  ...viewRules,
  ...placeRules,
  {
    id: "GATE-6",
    code: "logged-twice",
    reason: "The public log holds this order more than once.",
    holds: isLoggedOnce,
  },
  {
    id: "GATE-7",
    code: "intake-invalid",
    reason: "The entry in the public log was not admitted by the charter's intake.",
    holds: intakeSigned,
  },
  {
    id: "GATE-8",
    code: "day-in-future",
    reason: "The entry in the public log carries a day that has not come.",
    waits: true,
    holds: entryDayHasCome,
  },
  {
    id: "GATE-9",
    code: "secrecy-mismatch",
    reason: "The entry in the public log shows another end of secrecy than the order sets.",
    holds: entryShowsTheOrderedSecrecy,
  },
  {
    id: "GATE-10",
    code: "revoked",
    reason: "The order was revoked.",
    holds: isNotRevoked,
  },
  {
    id: "GATE-31",
    code: "suspended",
    reason: "The issuer has suspended the order, and has not said that it may go on.",
    waits: true,
    holds: isNotSuspended,
  },
  {
    id: "GATE-32",
    code: "public-mismatch",
    reason: "What the entry in the public log hides is not what may be public of this order.",
    holds: entryHidesThePublicPart,
  },
  {
    id: "GATE-18",
    code: "cap-rate",
    reason:
      "More orders were logged within thirty days than the charter allows, and this is one of those too many.",
    holds: rateCapHolds,
  },
  {
    id: "GATE-20",
    code: "notice-period",
    reason: "The person is to be told first, and the time in which the order may be contested is not over.",
    waits: true,
    holds: personCouldContest,
  },
  {
    id: "GATE-33",
    code: "inspection",
    reason: "Those who inspect the orders of this house still have time to look at it and stop it.",
    waits: true,
    holds: inspectorsCouldLook,
  },
] as const);

export const documentRules: readonly Rule<DocumentFacts>[] = Object.freeze([
  {
    id: "GATE-11",
    code: "not-yet-valid",
    reason: "The order is dated later than the witnessed time.",
    waits: true,
    holds: hasBegun,
  },
  {
    id: "GATE-12",
    code: "expired",
    reason: "The order has expired.",
    holds: hasNotExpired,
  },
  {
    id: "GATE-13",
    code: "outside-charter-dates",
    reason: "The order names days on which this charter was not in force.",
    holds: liesInTheChartersDates,
  },
  {
    id: "GATE-15",
    code: "cap-accounts",
    reason: "The order opens more accounts than the charter allows for one order.",
    holds: accountsCapHolds,
  },
  {
    id: "GATE-16",
    code: "cap-days",
    reason: "The order names more days than the charter allows for one order.",
    holds: daysCapHolds,
  },
  {
    id: "GATE-17",
    code: "secrecy-too-long",
    reason: "The order sets a longer secrecy than the charter allows.",
    holds: secrecyIsShortEnough,
  },
  noticeFits,
] as const);

export const labelRules: readonly Rule<LabelFacts>[] = Object.freeze([
  {
    id: "GATE-21",
    code: "labels-not-canonical",
    reason: "What is to be released is not listed once each and in order.",
    holds: labelsAreCanonical,
  },
  {
    id: "GATE-22",
    code: "label-out-of-scope",
    reason: "Something is to be released that the order does not name.",
    holds: labelsLieInScope,
  },
  {
    id: "GATE-14",
    code: "other-side-unproven",
    reason:
      "Nothing that the other account itself signed shows that it was in the conversation with a person whom the order names.",
    holds: otherSidesAreProven,
  },
  {
    id: "GATE-19",
    code: "day-not-over",
    reason: "A day is to be opened that is not over, or, of a live order, has not begun.",
    waits: true,
    holds: daysHaveCome,
  },
] as const);

export const memoryRules: readonly Rule<MemoryFacts>[] = Object.freeze([
  {
    id: "GATE-23",
    code: "requester-reused",
    reason: "The requester's key was presented with another order before.",
    holds: requesterPointIsFresh,
  },
  {
    id: "GATE-24",
    code: "reference-reused",
    reason: "The order's reference was presented with another order before.",
    holds: referenceIsUnique,
  },
] as const);

export const approvalRules: readonly Rule<ApprovalFacts>[] = Object.freeze([
  {
    id: "GATE-26",
    code: "not-approved",
    reason: "No person at this keyholder has approved this order.",
    waits: true,
    holds: aPersonApproved,
  },
] as const);

export const releaseRules: readonly Rule<ReleaseFacts>[] = Object.freeze([
  ...approvalRules,
  {
    id: "GATE-25",
    code: "share-missing",
    reason: "This keyholder holds no key share for one of the months that the order names.",
    holds: sharesAreHeld,
  },
  {
    id: "GATE-27",
    code: "intent-not-logged",
    reason: "This keyholder's own intent to release is not in the public log yet.",
    waits: true,
    holds: intentIsLogged,
  },
  {
    id: "GATE-28",
    code: "intent-mismatch",
    reason: "The intent in the public log was for another release.",
    holds: intentNamesThisRelease,
  },
] as const);
