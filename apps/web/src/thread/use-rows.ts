import { type RefObject, useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { Rows } from "./rows.ts";

/** Pixels of a message of one line: a guess that is too low draws a few rows more, never too few. */
const GUESS = 56;
/** Rows that are drawn beyond each edge of the screen. */
const BEYOND = 4;
/** Pixels from the end within which a person reads the newest. */
const AT_END = 80;
/** Pixels of the screen until it was measured. */
const SCREEN = 800;

/** Which rows are drawn: `last` is not among them. */
type Range = { readonly first: number; readonly last: number };

/** What stays where it is when heights turn out to be others. */
type Place =
  | { readonly kind: "end" }
  | { readonly kind: "row"; readonly index: number; readonly align: "start" | "center" }
  /** Whatever the person scrolled to. */
  | { readonly kind: "free" };

export type DrawnRows = Range & {
  /** The element that scrolls, in it one as high as the whole list, in it the one whose children are the rows drawn. */
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly size: RefObject<HTMLDivElement | null>;
  readonly drawn: RefObject<HTMLDivElement | null>;
  readonly onScroll: () => void;
  readonly isAtEnd: boolean;
  readonly toEnd: () => void;
  readonly toRow: (index: number) => void;
};

/**
 * Draws of `count` rows those that are on the screen. Rows flow one after another as in any page; where the first of them
 * begins, how high everything is and what is scrolled to is written in one go after they were drawn, before the browser
 * paints. `begin`: the row to open at, `null` for the end. `isHere`: whether what a row shows has been fetched.
 */
export function useRows(count: number, begin: number | null, isHere: (index: number) => boolean): DrawnRows {
  const scroller = useRef<HTMLDivElement>(null);
  const size = useRef<HTMLDivElement>(null);
  const drawn = useRef<HTMLDivElement>(null);
  const [rows] = useState(() => new Rows(GUESS));
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [isAtEnd, setAtEnd] = useState(begin === null);
  const at = useRef({
    place: (begin === null ? { kind: "end" } : { kind: "row", index: begin, align: "start" }) as Place,
    /** Scrolled to, as the browser said or was told last. */
    offset: 0,
    screen: SCREEN,
    range: { first: 0, last: 0 } as Range,
  }).current;

  // Whoever reads the newest goes on reading the newest.
  if (count > rows.count && rows.count > 0 && isAtEnd) at.place = { kind: "end" };
  rows.resize(count);

  const goal = (): number => {
    const { place, screen, offset } = at;
    const end = Math.max(0, rows.total - screen);
    if (place.kind === "end") return end;
    const wanted =
      place.kind === "free"
        ? offset
        : rows.top(place.index) - (place.align === "start" ? 0 : (screen - rows.height(place.index)) / 2);
    return Math.max(0, Math.min(end, wanted));
  };
  /** The range in force where it still reaches far enough, else a new one. */
  const rangeAt = (offset: number): Range => {
    const first = rows.at(offset);
    const last = rows.count === 0 ? 0 : rows.at(offset + at.screen) + 1;
    const { range } = at;
    const reaches =
      range.first <= Math.max(0, first - BEYOND / 2) &&
      range.last >= Math.min(rows.count, last + BEYOND / 2) &&
      range.last <= rows.count &&
      range.last - range.first <= last - first + 4 * BEYOND;
    if (reaches) return range;
    return { first: Math.max(0, first - BEYOND), last: Math.min(rows.count, last + BEYOND) };
  };
  const range = rangeAt(goal());

  /** Tells whether the person has the newest before them: rows that are not here yet may be higher than they look. */
  const lookForEnd = (): void => {
    const { first, last } = at.range;
    const isWhole = Array.from({ length: last - first }, (_, i) => first + i).every(isHere);
    setAtEnd(at.place.kind === "end" || (isWhole && rows.total - at.offset - at.screen < AT_END));
  };

  /** Takes the heights of what is drawn and puts everything into its place; whether other rows must be drawn for it. */
  const settle = (): boolean => {
    const [outer, whole, inner] = [scroller.current, size.current, drawn.current];
    if (outer === null || whole === null || inner === null) return false;
    at.screen = outer.clientHeight;
    const { first } = at.range;
    const heights = Array.from(inner.children, (row) => row.getBoundingClientRect().height);
    // What the person looks at stays: the uppermost row on the screen whose place was known before.
    let anchor = rows.at(at.offset);
    for (let i = anchor; i < at.range.last && rows.top(i) < at.offset + at.screen; i++) {
      if (!rows.isKnown(i)) continue;
      anchor = i;
      break;
    }
    const before = rows.top(anchor);
    heights.forEach((height, i) => {
      if (height !== rows.height(first + i) || !rows.isKnown(first + i)) rows.measure(first + i, height);
    });
    if (at.place.kind === "free") at.offset += rows.top(anchor) - before;
    const offset = goal();
    whole.style.height = `${rows.total}px`;
    inner.style.transform = `translateY(${rows.top(first)}px)`;
    if (Math.abs(outer.scrollTop - offset) >= 1) outer.scrollTop = offset;
    at.offset = offset;
    lookForEnd();
    return rangeAt(offset) !== at.range;
  };

  useLayoutEffect(() => {
    at.range = range;
    if (settle()) redraw();
  });

  // A message is unfolded, a picture comes, the window changes: what React does not draw.
  const settled = useRef(settle);
  settled.current = settle;
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (settled.current()) flushSync(redraw);
    });
    for (const { current } of [scroller, drawn]) if (current !== null) observer.observe(current);
    return () => observer.disconnect();
  }, []);

  const looked = useRef(lookForEnd);
  looked.current = lookForEnd;
  const onScroll = useCallback(() => {
    const outer = scroller.current;
    if (outer === null) return;
    const offset = outer.scrollTop;
    // What was written here comes back as an event too.
    if (Math.abs(offset - at.offset) < 1) return;
    at.offset = offset;
    at.place = rows.total - offset - at.screen < 2 ? { kind: "end" } : { kind: "free" };
    looked.current();
    // Before this frame is painted: otherwise it would be painted without the rows that came into view.
    if (rangeAt(offset) !== at.range) flushSync(redraw);
  }, [at, rows]);

  const toEnd = useCallback(() => {
    at.place = { kind: "end" };
    setAtEnd(true);
    redraw();
  }, [at]);
  const toRow = useCallback(
    (index: number) => {
      at.place = { kind: "row", index, align: "center" };
      redraw();
    },
    [at],
  );

  return { ...range, scroller, size, drawn, onScroll, isAtEnd, toEnd, toRow };
}
