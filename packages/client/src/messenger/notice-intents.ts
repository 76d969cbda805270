import { EncodingError, type UnixSeconds } from "@porchlight/encoding";
import { NoticeError, parseNoticeCode } from "@porchlight/notice";
import type { CharterBook } from "../charter-book.ts";
import { contestOrder } from "../contest.ts";
import { ClientError } from "../error.ts";
import { KeyholderDoors } from "../keyholder-doors.ts";
import { memoryStorage } from "../storage.ts";
import { allClearView, noticeViews } from "./notice-view.ts";
import { openBook } from "./open-book.ts";
import type { MessengerConfig, Platform } from "./platform.ts";
import type { Handlers } from "./session-intents.ts";

export type NoticeIntent = "readNotices" | "contestOrder";

/** Which notices a key reads: those of the unlocked device's own account, or of a code on paper. */
type Reader = {
  readonly seed: Uint8Array;
  readonly book: CharterBook;
  /** Saves what the provider signed of a contest. */
  readonly keep: (notice: string, document: string) => Promise<void>;
};

/**
 * What needs a notice key and the log, and no account: somebody who left reads with the printed code in any browser.
 * `own`: the unlocked device's; `null` where there is none. Nothing of a code is kept.
 */
export function noticeIntents(
  platform: Platform,
  config: MessengerConfig,
  own: () => Reader | null,
): Handlers<NoticeIntent> {
  const byCode = async (noticeCode: string): Promise<Reader & { readonly asOf: UnixSeconds }> => {
    const seed = seedOf(noticeCode);
    const book = await openBook(platform, config, memoryStorage());
    await book.refresh();
    await new KeyholderDoors(book, () => platform.clock.now()).askAll();
    const asOf = book.checkpointTime;
    if (asOf === undefined) throw new ClientError("log-not-fresh", "the log has no checkpoint yet");
    // Of a code nothing is kept.
    return { seed, book, asOf, keep: async () => {} };
  };

  return {
    readNotices: async ({ noticeCode }) => {
      const { seed, book, asOf } = await byCode(noticeCode);
      const clearance = book.notices.clearance(asOf);
      return {
        notices: noticeViews(book.notices, seed, book.known),
        allClear: clearance === null ? null : allClearView(clearance),
        place: book.place,
      };
    },

    contestOrder: async ({ noticeCode, notice: id, ground }) => {
      const reader = noticeCode === null ? own() : await byCode(noticeCode);
      if (reader === null) throw new ClientError("not-now", "unlock the device, or give the notice code");
      const { seed, book, keep } = reader;
      const notice = book.notices.notices(seed).find(({ commitment }) => commitment === id);
      if (notice === undefined) throw new ClientError("contest-not-yours", "no such notice of this account");
      const { charter } = await book.charter(notice.charter);
      const server = platform.connect(config.url, {});
      const signed = await contestOrder(server, charter, { notice, noticeSeed: seed, ground });
      const document = JSON.stringify(signed);
      await keep(id, document);
      return { document };
    },
  };
}

function seedOf(noticeCode: string): Uint8Array {
  try {
    return parseNoticeCode(noticeCode.trim().toUpperCase());
  } catch (cause) {
    if (!(cause instanceof NoticeError || cause instanceof EncodingError)) throw cause;
    throw new ClientError("code-malformed", "this is no notice code: copy all of it", { cause });
  }
}
