import { writeFile } from "node:fs/promises";
import { CharterBook, contestOrder, memoryStorage } from "@porchlight/client";
import {
  type Commitment,
  commitment,
  EncodingError,
  formatDay,
  formatInstant,
  fromUtf8,
  hex,
  unixSeconds,
} from "@porchlight/encoding";
import { type NoticeContent, NoticeError, parseNoticeCode, type Stopped } from "@porchlight/notice";
import { nodeSuite } from "@porchlight/tlog/node";
import { KeyholderClient, ServerClient, WireError } from "@porchlight/wire";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { logAt } from "../log-address.ts";
import { parsed, readInput } from "../options.ts";
import { action, formatRows, type Outcome, type Streams } from "../terminal.ts";

type Options = { readonly policy: string; readonly codeFile: string; readonly askKeyholders?: boolean };
type ContestOptions = Options & {
  readonly order: Commitment;
  readonly groundFile: string;
  readonly out: string;
};

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
      const { seed, book } = await readLog(url, options);
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
          ...found.map((one) => formatRows(rowsOf(one, book.notices.stopped(one)))),
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
  action(
    notice
      .command("contest")
      .argument("<url>", "the service")
      .description(
        "contest an order that you were told of first, before anything is opened: its issuer decides",
      )
      .requiredOption("--policy <file>", "the tlog-policy that the log's checkpoints must satisfy")
      .requiredOption("--code-file <file>", "a file that holds the notice code (PLN1-…)")
      .requiredOption(
        "--order <id>",
        'what the notice calls "In the log"',
        parsed(commitment, "64 hex digits"),
      )
      .requiredOption(
        "--ground-file <file>",
        "a file that says why; issuer, requester and keyholders read it",
      )
      .option("--out <file>", "where to keep the provider's signed word that it has it", "contest.json")
      .option("--ask-keyholders", "also ask the keyholders themselves for what the log does not show"),
    streams,
    async (options: ContestOptions, _context, url: string) => await contest(url, options),
  );
}

/** The notice key, and everything that the log shows of notices, verified. */
async function readLog(url: string, options: Options): Promise<{ seed: Uint8Array; book: CharterBook }> {
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
  return { seed, book };
}

/** CONT-3 to CONT-5, for a person with the printed code and no account. */
async function contest(url: string, options: ContestOptions): Promise<Outcome> {
  const ground = fromUtf8(await readInput(options.groundFile)).trim();
  const { seed, book } = await readLog(url, options);
  if (options.askKeyholders === true) await askKeyholders(book);
  const notice = book.notices.notices(seed).find(({ commitment: of }) => of === options.order);
  if (notice === undefined) {
    throw new CommandError(
      EXIT.refused,
      "notice-unknown",
      "no notice of yours is about this order: see porchlight notice read",
    );
  }
  const { charter } = await book.charter(notice.charter);
  const document = await contestOrder(new ServerClient({ url }), charter, {
    notice,
    noticeSeed: seed,
    ground,
  });
  await writeFile(options.out, `${JSON.stringify(document)}\n`, { mode: 0o600 });
  return {
    text: [
      `The provider signed that it has your contest, for ${notice.issuer}: ${options.out}. Keep it.`,
      `It stops nothing by itself. ${notice.issuer} decides; the order waits as long as it would have waited anyway.`,
    ].join("\n"),
    json: { document: options.out, issuer: notice.issuer, reference: notice.reference },
  };
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

const STOPPED: Readonly<Record<Stopped, string>> = {
  revoked: "it was taken back: nothing is opened under it any more",
  suspended: "it is suspended: nothing is opened unless who ordered it lets it go on",
};

function rowsOf(notice: NoticeContent, stopped: Stopped | null): { term: string; text: string }[] {
  const word = notice.kind === "warrant" ? "Warrant" : "Hold order of an organisation";
  return [
    { term: word, text: notice.reference },
    ...(stopped === null ? [] : [{ term: "Stopped", text: STOPPED[stopped] }]),
    { term: "Ordered by", text: notice.issuer },
    { term: "Basis", text: `${notice.legalBasis}; ${notice.offenceCategory}` },
    { term: "May read them", text: notice.requester },
    {
      term: "Days",
      text: `${formatDay(notice.firstDay)} to ${formatDay(notice.lastDay)}`,
    },
    {
      term: "Conversations",
      text:
        notice.conversations !== "all"
          ? notice.conversations.join("\n")
          : notice.role === "named"
            ? "all of yours"
            : "all in which you and that person were",
    },
    ...(notice.role === "other-side"
      ? [{ term: "Why you", text: "the order is about somebody else whom you wrote with" }]
      : []),
    { term: "In the log", text: notice.commitment },
    {
      term: "To complain",
      text: `write to ${notice.issuer} and name the reference${notice.disclosure === "notice-first" && !notice.emergency ? ", or: porchlight notice contest" : ""}`,
    },
  ];
}
