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
  EncodingError,
  equalBytes,
  fromUtf8,
  hex,
  idBytes,
  Reader,
  type UnixSeconds,
  unixSeconds,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { NoticeError } from "./error.ts";

/** Bytes of every notice before it is sealed, whatever it says (NOT-10). */
export const NOTICE_LENGTH = 2048;

/** What a person is told of one order (NOT-10). Names are as in the warrant. */
export type NoticeContent = {
  readonly charter: CharterId;
  readonly commitment: Commitment;
  /** The account whose messages the order opens: the reader's. */
  readonly account: AccountId;
  readonly kind: "warrant" | "hold-order";
  /** Named in the order, or the other side of somebody named. */
  readonly role: "named" | "other-side";
  readonly mode: "sent" | "both-sides";
  readonly emergency: boolean;
  readonly reference: string;
  readonly issuer: string;
  readonly legalBasis: string;
  readonly offenceCategory: string;
  readonly requester: string;
  /** SHA-256 of the original act, and of the signed order: what to ask the issuer for, and to compare with. */
  readonly actHash: Uint8Array;
  readonly orderHash: Uint8Array;
  readonly issued: UnixSeconds;
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  readonly disclosure: "notice-first" | "secret";
  /** The day on which secrecy was first to end; for notice first that of logging. */
  readonly until: DayNumber;
  readonly conversations: readonly ConversationId[] | "all";
};

const VERSION = 1;
const KINDS = ["warrant", "hold-order"] as const;
const ROLES = ["named", "other-side"] as const;
const MODES = ["sent", "both-sides"] as const;
const DISCLOSURES = ["notice-first", "secret"] as const;
const ALL = 0xffff;

/** NOT-10: {@link NOTICE_LENGTH} bytes. Throws NoticeError "content-too-long". */
export function formatNotice(content: NoticeContent): Uint8Array {
  const writer = new Writer()
    .uint(VERSION, 1)
    .fixed(idBytes(content.charter), 32)
    .fixed(idBytes(content.commitment), 32)
    .fixed(idBytes(content.account), 32)
    .uint(KINDS.indexOf(content.kind), 1)
    .uint(ROLES.indexOf(content.role), 1)
    .uint(MODES.indexOf(content.mode), 1)
    .uint(content.emergency ? 1 : 0, 1);
  for (const name of names(content)) writer.opaque(utf8(name), 2);
  writer
    .fixed(content.actHash, 32)
    .fixed(content.orderHash, 32)
    .u64(content.issued)
    .uint(content.firstDay, 4)
    .uint(content.lastDay, 4)
    .uint(DISCLOSURES.indexOf(content.disclosure), 1)
    .uint(content.until, 4);
  if (content.conversations === "all") writer.uint(ALL, 2);
  else {
    writer.uint(Math.min(content.conversations.length, ALL - 1), 2);
    for (const conversation of content.conversations) writer.fixed(idBytes(conversation), 32);
  }
  const bytes = writer.finish();
  if (bytes.length > NOTICE_LENGTH) {
    throw new NoticeError("content-too-long", "what the order says does not fit into a notice");
  }
  const padded = new Uint8Array(NOTICE_LENGTH);
  padded.set(bytes);
  return padded;
}

/** Strict inverse of {@link formatNotice}. Throws NoticeError "content-malformed". */
export function parseNotice(bytes: Uint8Array): NoticeContent {
  try {
    const content = read(new Reader(bytes));
    if (equalBytes(formatNotice(content), bytes)) return content;
  } catch (cause) {
    if (!(cause instanceof EncodingError || cause instanceof NoticeError)) throw cause;
    throw new NoticeError("content-malformed", "a notice is not of a form that this version knows", {
      cause,
    });
  }
  throw new NoticeError("content-malformed", "a notice is not of a form that this version knows");
}

function names({ reference, issuer, legalBasis, offenceCategory, requester }: NoticeContent): string[] {
  return [reference, issuer, legalBasis, offenceCategory, requester];
}

function read(reader: Reader): NoticeContent {
  if (reader.uint(1, "version") !== VERSION) throw new EncodingError("out-of-range", "notice.version");
  const one = <const T extends string>(of: readonly T[]): T => {
    const found = of[reader.uint(1)];
    if (found === undefined) throw new EncodingError("out-of-range", "notice");
    return found;
  };
  const name = (): string => fromUtf8(reader.opaque(2, NOTICE_LENGTH), "notice");
  return {
    charter: charterIdOf(reader.fixed(32)),
    commitment: commitment(hex(reader.fixed(32))),
    account: accountIdOf(reader.fixed(32)),
    kind: one(KINDS),
    role: one(ROLES),
    mode: one(MODES),
    emergency: reader.uint(1) === 1,
    reference: name(),
    issuer: name(),
    legalBasis: name(),
    offenceCategory: name(),
    requester: name(),
    actHash: reader.fixed(32),
    orderHash: reader.fixed(32),
    issued: unixSeconds(reader.u64()),
    firstDay: dayNumber(reader.uint(4)),
    lastDay: dayNumber(reader.uint(4)),
    disclosure: one(DISCLOSURES),
    until: dayNumber(reader.uint(4)),
    conversations: readConversations(reader),
  };
}

function readConversations(reader: Reader): NoticeContent["conversations"] {
  const count = reader.uint(2);
  if (count === ALL) return "all";
  return Array.from({ length: count }, () => conversationIdOf(reader.fixed(32)));
}
