import { CharterBook, memoryStorage } from "@porchlight/client";
import { EncodingError, formatDay, formatInstant, fromUtf8, hex, unixSeconds } from "@porchlight/encoding";
import { type NoticeContent, NoticeError, parseNoticeCode } from "@porchlight/notice";
import { nodeSuite } from "@porchlight/tlog/node";
import { KeyholderClient, WireError } from "@porchlight/wire";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { logAt } from "../log-address.ts";
import { readInput } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Options = { readonly policy: string; readonly codeFile: string; readonly askKeyholders?: boolean };

/** Seconds that a checkpoint may be old; a reader is told its time in any case. */
const MAX_AGE = 24 * 3600;

export function registerNotice(program: Command, streams: Streams): void {
  const notice = program.command("notice").description("learn whether messages of yours were opened");
  action(
    notice
      .command("read")
      .argument("<url>", "a service, or the prefix of its log or of a mirror of it")
      .description("read the notices about an account, with its printed notice code and the public log alone")
      .requiredOption("--policy <file>", "the tlog-policy that the log's checkpoints must satisfy")
      .requiredOption("--code-file <file>", "a file that holds the notice code (PLN1-…)")
      .option("--ask-keyholders", "also ask the keyholders themselves for what the log does not show"),
    streams,
    async (options: Options, _context, url: string) => {
      const seed = await readCode(options.codeFile);
      const book = await CharterBook.open({
        source: await logAt(url),
        policy: fromUtf8(await readInput(options.policy)),
        storage: memoryStorage(),
        clock: { now: () => unixSeconds(Math.floor(Date.now() / 1000)) },
        maxAge: MAX_AGE,
        suite: nodeSuite,
      });
      await book.refresh();
      const silent = options.askKeyholders === true ? await askKeyholders(book) : 0;
      const asOf = book.checkpointTime;
      if (asOf === undefined)
        throw new CommandError(EXIT.notYet, "log-empty", "the log has no checkpoint yet");
      const found = book.notices.notices(seed);
      const clearance = book.notices.clearance(asOf);
      const clear =
        clearance === null
          ? "The log has no charter: nothing was ever escrowed here."
          : [
              clearance.endedBy === null
                ? "No day can be ruled out yet."
                : `${found.length === 0 ? "No order" : "No other order"} about you whose secrecy ended by ${formatDay(clearance.endedBy)}.`,
              `None signed before ${formatDay(clearance.signedBefore)} can still be secret.`,
              ...(clearance.overdue === 0
                ? []
                : [
                    `${clearance.overdue} notices that should have come have not; they may be about anybody.`,
                  ]),
            ].join("\n");
      return {
        text: [
          ...found.map((one) => formatRows(rowsOf(one))),
          clear,
          `As of ${formatInstant(asOf)}, by the log's witnesses.`,
          ...(silent === 0 ? [] : [`${silent} keyholders did not answer.`]),
        ].join("\n\n"),
        json: {
          notices: found.map((one) => ({
            ...one,
            actHash: hex(one.actHash),
            orderHash: hex(one.orderHash),
            conversations: one.conversations === "all" ? "all" : [...one.conversations],
          })),
          clearance: clearance === null ? null : { ...clearance },
          silentKeyholders: silent,
        },
      };
    },
  );
}

/** From a file: what stands on a command line others can see. */
async function readCode(path: string): Promise<Uint8Array> {
  try {
    return parseNoticeCode(fromUtf8(await readInput(path)).trim());
  } catch (error) {
    if (!(error instanceof NoticeError || error instanceof EncodingError)) throw error;
    throw new CommandError(EXIT.usage, "notice-code-malformed", `${path} holds no notice code`, {
      cause: error,
    });
  }
}

/** NOT-33: so that who keeps the log cannot keep a notice back. Answers how many did not answer. */
async function askKeyholders(book: CharterBook): Promise<number> {
  const silent = new Set<string>();
  for (const { charter, commitment } of book.notices.pending) {
    for (const { url } of charter.keyholders) {
      if (silent.has(url)) continue;
      try {
        for (const share of await new KeyholderClient({ url }).noticeShares(commitment))
          book.notices.offer(share);
      } catch (error) {
        if (!(error instanceof WireError || error instanceof EncodingError)) throw error;
        silent.add(url);
      }
    }
  }
  return silent.size;
}

function rowsOf(notice: NoticeContent): { term: string; text: string }[] {
  const word = notice.kind === "warrant" ? "Warrant" : "Hold order of an organisation";
  return [
    { term: word, text: notice.reference },
    { term: "Ordered by", text: notice.issuer },
    { term: "Basis", text: `${notice.legalBasis}; ${notice.offenceCategory}` },
    { term: "May read them", text: notice.requester },
    {
      term: "Days",
      text: `${formatDay(notice.firstDay)} to ${formatDay(notice.lastDay)}`,
    },
    {
      term: "Conversations",
      text: notice.conversations === "all" ? "all of yours" : notice.conversations.join("\n"),
    },
    ...(notice.role === "other-side"
      ? [{ term: "Why you", text: "the order is about somebody else whom you wrote with" }]
      : []),
    { term: "In the log", text: notice.commitment },
    { term: "To complain", text: `write to ${notice.issuer} and name the reference` },
  ];
}
