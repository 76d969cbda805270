import {
  type AccountId,
  accountIdOf,
  type CharterId,
  type Commitment,
  type ConversationId,
  charterIdOf,
  commitment,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  equalBytes,
  hex,
  idBytes,
  Reader,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { EnvelopeError, parsing } from "./error.ts";

const ACCESS_DOMAIN = utf8("porchlight-v1/access\0");
const NOTICE_DOMAIN = utf8("porchlight-v1/notice\0");

/** Bytes of an access label (ENV-1). */
export const ACCESS_LABEL_LENGTH = 121;
/** Bytes of a notice label (ENV-2). */
export const NOTICE_LABEL_LENGTH = 57;

/** What one released key opens: one account's own messages in one conversation on one UTC day, under one charter. */
export type AccessLabel = {
  readonly charter: CharterId;
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly day: DayNumber;
};

/** The time lock of a notice: the order's commitment and the day on which its secrecy was first to end. */
export type NoticeLabel = {
  readonly commitment: Commitment;
  readonly day: DayNumber;
};

/** ENV-1: 121 bytes, the IBE identity of an envelope. */
export function accessLabel(label: AccessLabel): Uint8Array {
  return new Writer()
    .fixed(ACCESS_DOMAIN, 21)
    .fixed(idBytes(label.charter), 32)
    .fixed(idBytes(label.conversation), 32)
    .fixed(idBytes(label.account), 32)
    .uint(label.day, 4)
    .finish();
}

/** Strict inverse of {@link accessLabel}; another domain (a notice label) is "malformed". */
export function parseAccessLabel(bytes: Uint8Array): AccessLabel {
  return parsing("access label", () => {
    const reader = new Reader(bytes);
    domain(reader, ACCESS_DOMAIN, "access label");
    const label = {
      charter: charterIdOf(reader.fixed(32, "charter")),
      conversation: conversationIdOf(reader.fixed(32, "conversation")),
      account: accountIdOf(reader.fixed(32, "account")),
      day: dayNumber(reader.uint(4, "day")),
    };
    reader.end("access label");
    return label;
  });
}

/** ENV-2: 57 bytes. Its master key comes from a DKG of its own, so that nothing automatic ever touches access shares. */
export function noticeLabel(label: NoticeLabel): Uint8Array {
  return new Writer()
    .fixed(NOTICE_DOMAIN, 21)
    .fixed(idBytes(label.commitment), 32)
    .uint(label.day, 4)
    .finish();
}

/** Strict inverse of {@link noticeLabel}. */
export function parseNoticeLabel(bytes: Uint8Array): NoticeLabel {
  return parsing("notice label", () => {
    const reader = new Reader(bytes);
    domain(reader, NOTICE_DOMAIN, "notice label");
    const label = {
      commitment: commitment(hex(reader.fixed(32, "commitment"))),
      day: dayNumber(reader.uint(4, "day")),
    };
    reader.end("notice label");
    return label;
  });
}

function domain(reader: Reader, expected: Uint8Array, where: string): void {
  if (!equalBytes(reader.fixed(expected.length, "domain"), expected)) {
    throw new EnvelopeError("malformed", `${where} (domain)`);
  }
}
