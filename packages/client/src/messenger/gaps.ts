// CON-13: where something did not arrive. Places are those of a conversation's history.
import type { AccountId } from "@porchlight/encoding";

/** Of each account: it is their word, and they may say it as often as they like. */
const MOST_LOST = 200;
/** Where receipts are a choice that was not made, they wait for ever. */
const MOST_OWED = 200;

/** Entries `from` to `to` (exclusive) did not all reach an account. */
export type Lost = { readonly from: number; readonly to: number };

/**
 * Something that this device did not get, or refused, lies behind the entries before `from` and before the first message of
 * another's at `to` or later; no own receipt has told of it yet. `by`: whose it is, where that is known.
 */
export type Owed = { readonly from: number; readonly to: number; readonly by?: AccountId };

/** With what was told now, in order. Of too many the oldest become one: more is said to be lost then than is, never less. */
export function withLost(before: readonly Lost[], told: readonly Lost[]): readonly Lost[] {
  const lost: { from: number; to: number }[] = [];
  for (const { from, to } of [...before, ...told].sort((a, b) => a.from - b.from)) {
    const last = lost.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else lost.push({ from, to });
  }
  const [first] = lost;
  const end = lost[lost.length - MOST_LOST];
  if (first === undefined || end === undefined || end === first) return lost;
  return [{ from: first.from, to: end.to }, ...lost.slice(lost.length - MOST_LOST + 1)];
}

/** With one more. Of too many the oldest two become one, which reaches further. */
export function withOwed(before: readonly Owed[], owed: Owed): readonly Owed[] {
  const all = [...before, owed];
  const [first, second, ...rest] = all;
  if (all.length <= MOST_OWED || first === undefined || second === undefined) return all;
  const { by } = first;
  const joined = { from: Math.min(first.from, second.from), to: Math.max(first.to, second.to) };
  return [by === undefined || by !== second.by ? joined : { ...joined, by }, ...rest];
}

/** With other places for theirs; what has none there is left out. */
export function movedLost(lost: readonly Lost[], place: (before: number) => number): readonly Lost[] {
  return lost.flatMap((one) => {
    const moved = { from: place(one.from), to: place(one.to) };
    return moved.to > moved.from ? [moved] : [];
  });
}

/** As {@link movedLost}. */
export function movedOwed(owed: readonly Owed[], place: (before: number) => number): readonly Owed[] {
  return owed.map((one) => ({ ...one, from: place(one.from), to: place(one.to) }));
}
