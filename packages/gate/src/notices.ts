// The notices of an order (NOT): what the provider logs before it, and what a keyholder recomputes at the gate.
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type Charter,
  type NoticeEntry,
  type OrderEntry,
  type PeriodKeys,
  verifyEntrySignature,
  verifyNoticeCard,
} from "@porchlight/charter";
import { concat, type DayNumber, hex, periodOf } from "@porchlight/encoding";
import {
  blockHash,
  formatNotice,
  makeNoticeBlock,
  NoticeError,
  type NoticeRecipient,
  splitBlock,
} from "@porchlight/notice";
import type { Rule } from "./evaluate.ts";
import type { DocumentFacts, LogFacts } from "./facts.ts";
import type { LogView } from "./log-view.ts";
import { commitmentOf } from "./order.ts";
import { secrecyEnds } from "./secrecy.ts";
import { openedAccounts, personsOf, type VerifiedOrder } from "./verify-order.ts";
import type { VerifiedWarrant } from "./verify-warrant.ts";

export type OrderNotices = {
  /** What the order's entry says of them. */
  readonly hash: string;
  /** To be signed by the intake and logged before the order. */
  readonly entries: readonly Omit<NoticeEntry, "intake">[];
};

const made = new WeakMap<VerifiedOrder, Map<string, OrderNotices>>();

/**
 * NOT-15: the notices of an order that is logged on a day, one for each account that it opens, under the notice key of
 * that day's period. The same bytes each time; kept with the warrant, for a keyholder asks again and again. Throws
 * NoticeError "content-too-long".
 */
export function noticesOf(
  warrant: VerifiedOrder,
  opening: Uint8Array,
  loggedOn: DayNumber,
  keys: PeriodKeys,
): OrderNotices {
  const known = made.get(warrant) ?? new Map<string, OrderNotices>();
  made.set(warrant, known);
  const name = `${hex(sha256(concat(opening, keys.notice.mpk)))} ${loggedOn}`;
  const found = known.get(name) ?? makeNotices(warrant, opening, loggedOn, keys);
  known.set(name, found);
  return found;
}

function makeNotices(
  warrant: VerifiedOrder,
  opening: Uint8Array,
  loggedOn: DayNumber,
  keys: PeriodKeys,
): OrderNotices {
  const { charter } = warrant;
  const commitment = commitmentOf(opening, warrant.core);
  const until = secrecyEnds(warrant.document, loggedOn);
  const recipients = noticeRecipients(warrant, commitment, until);
  const block = makeNoticeBlock(
    { charter: charter.id, commitment, until, mpk: keys.notice.mpk },
    opening,
    // More accounts than the cap are refused by the cap's own rule.
    Math.max(charter.caps.accountsPerWarrant, recipients.length),
    recipients,
  );
  const parts = splitBlock(block);
  return {
    hash: blockHash(block),
    entries: parts.map((bytes, part) => ({
      type: "notice",
      charter: charter.id,
      commitment,
      part,
      parts: parts.length,
      block: bytes,
    })),
  };
}

/** NOT-15: whom an order's notices are for, and what each says. */
export function noticeRecipients(
  warrant: Pick<VerifiedOrder, "document" | "charter" | "bytes" | "statement" | "others">,
  commitment: OrderEntry["commitment"],
  until: DayNumber,
): NoticeRecipient[] {
  const { document, charter, bytes } = warrant;
  const cards = new Map(personsOf(warrant).map(({ account, notice }) => [account, notice]));
  const orderHash = sha256(bytes);
  return openedAccounts(warrant).map((account) => ({
    // WAR-11 and WAR-19: the statements name every account that the order opens.
    key: verifyNoticeCard(cards.get(account) as Uint8Array).xwing,
    content: {
      charter: charter.id,
      commitment,
      account,
      kind: charter.kind === "court" ? "warrant" : "hold-order",
      role: document.accounts.includes(account) ? "named" : "other-side",
      mode: document.mode,
      emergency: document.emergency,
      reference: document.reference,
      issuer: document.issuer,
      legalBasis: document.legalBasis,
      offenceCategory: document.offenceCategory,
      requester: document.requester.name,
      actHash: document.actHash,
      orderHash,
      issued: document.issued,
      firstDay: document.firstDay,
      lastDay: document.lastDay,
      disclosure: document.disclosure.kind,
      until,
      conversations: document.conversations,
    },
  }));
}

const fitting = new WeakMap<VerifiedWarrant | VerifiedOrder, boolean>();

/** Of a warrant alone the further accounts are not known yet; what they are told is not longer. */
function fits(order: VerifiedWarrant | VerifiedOrder): boolean {
  const verdict = fitting.get(order) ?? doesFit(order);
  fitting.set(order, verdict);
  return verdict;
}

function doesFit(order: VerifiedWarrant | VerifiedOrder): boolean {
  const warrant = "others" in order ? order : { ...order, others: null };
  const placeholder = "00".repeat(32) as OrderEntry["commitment"];
  try {
    for (const { content } of noticeRecipients(warrant, placeholder, 0 as DayNumber)) formatNotice(content);
    return true;
  } catch (error) {
    if (error instanceof NoticeError) return false;
    throw error;
  }
}

/** The whole block that the log holds for an order before its entry; `null` unless it has exactly one. */
function loggedBlock(view: LogView, charter: Charter, entry: OrderEntry, index: number): Uint8Array | null {
  const parts = view.entries
    .filter(
      (found): found is { index: number; entry: NoticeEntry } =>
        found.entry.type === "notice" &&
        found.entry.charter === charter.id &&
        found.entry.commitment === entry.commitment &&
        found.index < index,
    )
    .map((found) => found.entry)
    .filter((one) => verifyEntrySignature(one, charter));
  const whole = parts.every(({ part, parts: of }, i) => part === i && of === parts.length);
  return whole && parts.length > 0 ? concat(...parts.map(({ block }) => block)) : null;
}

function keysOf({ entry, noticeKeys, warrant }: LogFacts): PeriodKeys | null {
  if (entry === null) return null;
  const keys = noticeKeys.get(periodOf(entry.day));
  return keys !== undefined && keys.charter === warrant.charter.id && keys.period === periodOf(entry.day)
    ? keys
    : null;
}

/** Left to GATE-4 and GATE-5 where there is no entry, or another order's. */
function noticesAreLogged({ view, warrant, entry, index, commitment }: LogFacts): boolean {
  if (entry === null || entry.commitment !== commitment) return true;
  const block = loggedBlock(view, warrant.charter, entry, index);
  return block !== null && blockHash(block) === entry.notices;
}

function noticeKeysAreKnown(facts: LogFacts): boolean {
  return facts.entry === null || keysOf(facts) !== null;
}

function noticesFollowFromTheOrder(facts: LogFacts): boolean {
  const { entry, warrant, commitment, opening } = facts;
  const keys = keysOf(facts);
  if (entry === null || keys === null || entry.commitment !== commitment || !fits(warrant)) return true;
  return noticesOf(warrant, opening, entry.day, keys).hash === entry.notices;
}

/** Asked before a warrant is logged. */
export const noticeFits: Rule<DocumentFacts> = {
  id: "GATE-43",
  code: "notice-too-long",
  reason: "What the order says does not fit into the notice that the person has to get.",
  holds: ({ warrant }) => fits(warrant),
};

export const noticeRules: readonly Rule<LogFacts>[] = Object.freeze([
  {
    id: "GATE-40",
    code: "notice-missing",
    reason: "The notices of the persons concerned do not stand in the public log before the order.",
    holds: noticesAreLogged,
  },
  {
    id: "GATE-41",
    code: "notice-keys-unknown",
    reason: "There are no keys yet of the month in which the order was logged, under which notices are made.",
    waits: true,
    holds: noticeKeysAreKnown,
  },
  {
    id: "GATE-42",
    code: "notice-junk",
    reason:
      "The notices in the public log are not those that follow from the order: the persons could not be told.",
    holds: noticesFollowFromTheOrder,
  },
] as const);
