import type { Charter } from "@porchlight/charter";
import {
  type DayNumber,
  dayNumber,
  EncodingError,
  formatDay,
  type Period,
  parseDay,
  periodOf,
} from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { DIRECTION_KINDS, type Direction, type DirectionKind, parseDirection } from "@porchlight/gate";
import { logView, type Service } from "@porchlight/parties";
import type { Shown } from "../orders.ts";
import type { Said } from "../said.ts";
import { DeskError } from "../shell/error.ts";
import { type Half, type HalfKind, signedByIssuers } from "./halves.ts";

// What an issuer can say of its order later (spec/directions.md): in words, from the log, and as far as one of two signed it.

export type Say = {
  readonly path: string;
  readonly kind: DirectionKind;
  readonly title: string;
  readonly button: string;
  readonly what: string;
  readonly done: string;
  readonly isGrave?: boolean;
};

export const SAYS: readonly Say[] = [
  {
    path: "revoke",
    kind: "revocation",
    title: "Revoke this order",
    button: "Revoke it",
    what: "Revokes the order for good: keyholders that have not released will not",
    done: "Revoked.",
    isGrave: true,
  },
  {
    path: "suspend",
    kind: "suspension",
    title: "Suspend this order",
    button: "Suspend it",
    what: "Nothing more is released until it is let go on",
    done: "Suspended.",
  },
  {
    path: "resume",
    kind: "resumption",
    title: "Let this order go on",
    button: "Let it go on",
    what: "Keyholders may release again",
    done: "It goes on.",
  },
  {
    path: "extend",
    kind: "extension",
    title: "Keep this order secret for longer",
    button: "Extend the secrecy",
    what: "The people whom it opens are told later",
    done: "Extended.",
  },
  {
    path: "release-notice",
    kind: "notice-release",
    title: "Tell the person now",
    button: "Tell the person",
    what: "The people whom it opens are told now, before the secrecy that was ordered ends",
    done: "The notice is released.",
    isGrave: true,
  },
];

export function sayOfKind(kind: HalfKind): Say {
  return SAYS.find((one) => one.kind === kind) as Say;
}

/** A decision's rows, for whoever signs second. */
export function wordsOf(said: Direction, signers: readonly string[]): Words[] {
  return [
    { term: "Reference", text: said.reference },
    ...(said.kind === "extension" ? [{ term: "Secret until", text: formatDay(said.until) }] : []),
    { term: "Why", text: said.ground },
    { term: "Signed so far by", text: signers.join(", ") },
  ];
}

/** Throws DeskError for what no issuer of the charter signed: it was, when it was kept. */
export async function readHalf(
  { kind, document }: Pick<Half, "kind" | "document">,
  charter: Charter,
): Promise<{ readonly said: Direction; readonly signers: ReadonlySet<string> }> {
  const found = await signedByIssuers(kind, document, charter);
  if (found === null) throw new DeskError("not-now", "no issuer of this charter signed this decision");
  return { said: parseDirection(kind as DirectionKind, found.payload), signers: found.signers };
}

/** What the log shows of later decisions about an order: everybody sees these, whoever made them. */
export type LaterEntry = {
  readonly kind: DirectionKind;
  readonly index: number;
  readonly day: DayNumber;
  /** Of an extension. */
  readonly secretUntil: Period | null;
};

export function laterEntries(service: Service, { commitment, document }: Shown): LaterEntry[] {
  return logView(service).entries.flatMap(({ index, entry }) =>
    (DIRECTION_KINDS as readonly string[]).includes(entry.type) &&
    "commitment" in entry &&
    "day" in entry &&
    entry.commitment === commitment &&
    entry.charter === document.charter
      ? [
          {
            kind: entry.type as DirectionKind,
            index,
            day: entry.day,
            secretUntil: entry.type === "extension" ? entry.secretUntil : null,
          },
        ]
      : [],
  );
}

/** When the people whom an order opens are told, as the log and this desk know it (DIR-9). */
export type Telling =
  | { readonly kind: "first" }
  | {
      readonly kind: "secret";
      /** A month where another desk moved the day: the log shows no more of it. */
      readonly until: DayNumber | Period;
      readonly isExtended: boolean;
      readonly isOver: boolean;
    }
  | { readonly kind: "early"; readonly day: DayNumber };

export function tellingOf(
  { document: { disclosure } }: Pick<Shown, "document">,
  later: readonly LaterEntry[],
  said: readonly Said[],
  today: DayNumber,
): Telling {
  if (disclosure.kind !== "secret") return { kind: "first" };
  let until: DayNumber | Period = disclosure.until;
  for (const { kind, index, day, secretUntil } of later) {
    if (kind === "notice-release") {
      return { kind: "early", day: typeof until === "number" ? dayNumber(Math.min(day, until)) : day };
    }
    if (kind !== "extension" || secretUntil === null) continue;
    const own = said.find((one) => one.index === index)?.until ?? null;
    until = own === null ? secretUntil : parseDay(own);
  }
  return {
    kind: "secret",
    until,
    isExtended: until !== disclosure.until,
    isOver: typeof until === "number" ? today >= until : periodOf(today) > until,
  };
}

/** As long as an order can still be acted on. */
export function isOpen({ standing: { state } }: Pick<Shown, "standing">): boolean {
  return state === "handed-in" || state === "logged" || state === "suspended";
}

/**
 * Why a direction has no effect any more, or none yet; `null` where it has. Secrecy outlives the order: it is extended and cut short after
 * an order lapsed or was revoked as well (DIR-1).
 */
export function impossibleNow(
  shown: Pick<Shown, "standing">,
  telling: Telling,
  kind: DirectionKind,
): string | null {
  const { state } = shown.standing;
  if (state === "signed") return "it is not handed in yet: hand it in first, then decide about it";
  if (kind !== "extension" && kind !== "notice-release") {
    if (isOpen(shown)) return null;
    return `the order ${state === "revoked" ? "is revoked" : "has lapsed"}: nothing is released under it any more`;
  }
  switch (telling.kind) {
    case "first":
      return "it is not secret: the people were told first";
    case "early":
      return "the people are told already: their notice was released early";
    case "secret":
      return telling.isOver ? "its secrecy is over: the people are told" : null;
  }
}

/** In a few words. */
export function tellingWords(telling: Telling): string {
  switch (telling.kind) {
    case "first":
      return "first";
    case "early":
      return `early: on ${formatDay(telling.day)}`;
    case "secret": {
      const { until, isExtended } = telling;
      const day = typeof until === "number" ? `on ${formatDay(until)}` : `on a day in ${until}`;
      return isExtended ? `${day} (extended)` : day;
    }
  }
}

/** A half-signed decision as an order's page shows it. */
export type ShownHalf = {
  readonly id: string;
  readonly title: string;
  readonly words: readonly Words[];
  readonly isMine: boolean;
};

/** Those that no later entry of the log shows to be done; `damaged`: files of those whose signature does not hold any more. */
export async function shownHalves(
  halves: readonly Half[],
  later: readonly LaterEntry[],
  charter: Charter,
  own: string,
): Promise<{ readonly shown: readonly ShownHalf[]; readonly damaged: readonly string[] }> {
  const shown: ShownHalf[] = [];
  const damaged: string[] = [];
  for (const half of halves) {
    const { id, kind, size } = half;
    if (later.some((entry) => entry.kind === kind && entry.index >= size)) continue;
    const read = await readHalf(half, charter).catch((error: unknown) => {
      if (error instanceof DeskError || error instanceof EncodingError) return null;
      throw error;
    });
    if (read === null) damaged.push(`halves/${id}.json`);
    else {
      const { said, signers } = read;
      const { title } = sayOfKind(kind);
      shown.push({ id, title, words: wordsOf(said, [...signers]), isMine: signers.has(own) });
    }
  }
  return { shown, damaged };
}
