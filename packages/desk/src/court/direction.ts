import { type Charter } from "@porchlight/charter";
import { type DayNumber, formatDay } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { DIRECTION_KINDS, type Direction, type DirectionKind, parseDirection } from "@porchlight/gate";
import type { Service } from "@porchlight/parties";
import { logView, type Shown } from "../orders.ts";
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
    what: "Nothing more is released until the court lets it go on",
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
export type LaterEntry = { readonly kind: DirectionKind; readonly index: number; readonly day: DayNumber };

export function laterEntries(service: Service, { commitment }: Shown): LaterEntry[] {
  return logView(service).entries.flatMap(({ index, entry }) =>
    (DIRECTION_KINDS as readonly string[]).includes(entry.type) &&
    "commitment" in entry &&
    "day" in entry &&
    entry.commitment === commitment
      ? [{ kind: entry.type as DirectionKind, index, day: entry.day }]
      : [],
  );
}

/** A half-signed decision as an order's page shows it. */
export type ShownHalf = {
  readonly id: string;
  readonly title: string;
  readonly words: readonly Words[];
  readonly isMine: boolean;
};

/** Those that no later entry of the log shows to be done. */
export async function shownHalves(
  halves: readonly Half[],
  later: readonly LaterEntry[],
  charter: Charter,
  own: string,
): Promise<ShownHalf[]> {
  const open = halves.filter(
    ({ kind, size }) => !later.some((entry) => entry.kind === kind && entry.index >= size),
  );
  return await Promise.all(
    open.map(async (half) => {
      const { said, signers } = await readHalf(half, charter);
      return {
        id: half.id,
        title: sayOfKind(half.kind).title,
        words: wordsOf(said, [...signers]),
        isMine: signers.has(own),
      };
    }),
  );
}
