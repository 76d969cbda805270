import type { ConversationView, EntryView, MessageView, PageThread } from "@porchlight/client/page";
import { useCallback, useEffect, useRef, useState } from "react";
import { useMessenger } from "../messenger/use.ts";

/** Entries that are fetched at once: a screen and a half. */
const PAGE = 60;
/** Pages that are kept: scrolling through a long thread does not fill the memory. */
const MAX_PAGES = 40;

export type LoadedThread = {
  /** `null` until the thread is open. */
  readonly count: number | null;
  /** The entry at this index, once it is here. */
  readonly entry: (index: number) => EntryView | undefined;
  /** A message that was here once, as it stands now. */
  readonly find: (id: string) => MessageView | undefined;
  /** Fetches what is missing between these indices. */
  readonly need: (from: number, to: number) => void;
  readonly failed: boolean;
  /** Asks again for what failed. */
  readonly retry: () => void;
};

type Page = { readonly entries: readonly EntryView[]; readonly stale: boolean };

/** A thread as a window on the messenger's: only what is near the screen is in the page. */
export function useThread(conversation: ConversationView["id"]): LoadedThread {
  const messenger = useMessenger();
  const thread = useRef<PageThread | null>(null);
  const pages = useRef(new Map<number, Page>());
  const asked = useRef(new Set<number>());
  /** Asked for before something in them changed: the answer may be of before. */
  const changed = useRef(new Set<number>());
  const [count, setCount] = useState<number | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const [, redraw] = useState(0);

  const fetchPage = useCallback(async (page: number) => {
    const open = thread.current;
    if (open === null || asked.current.has(page)) return;
    asked.current.add(page);
    try {
      const entries = await open.entries(page * PAGE, (page + 1) * PAGE);
      if (thread.current !== open) return;
      pages.current.delete(page);
      pages.current.set(page, { entries, stale: false });
      for (const oldest of pages.current.keys()) {
        if (pages.current.size <= MAX_PAGES) break;
        pages.current.delete(oldest);
      }
      redraw((n) => n + 1);
    } catch {
      // Of a thread that was closed meanwhile nothing is shown any more.
      if (thread.current === open) setFailed(true);
    } finally {
      asked.current.delete(page);
      if (changed.current.delete(page)) void fetchPage(page);
    }
  }, []);

  useEffect(() => {
    let stop = (): void => {};
    let isGone = false;
    pages.current.clear();
    asked.current.clear();
    changed.current.clear();
    setCount(null);
    setFailed(false);
    messenger.thread(conversation).then(
      async (opened) => {
        if (isGone) return;
        thread.current = opened;
        stop = opened.subscribe((change) => {
          for (const { from, to } of change.ranges) {
            for (let page = Math.floor(from / PAGE); page * PAGE < to; page++) {
              const known = pages.current.get(page);
              if (asked.current.has(page)) changed.current.add(page);
              else if (known !== undefined) {
                pages.current.set(page, { ...known, stale: true });
                void fetchPage(page);
              }
            }
          }
          setCount(change.count);
        });
        // The end first, so that the first picture of a thread is whole.
        const newest = Math.max(0, opened.count - 1);
        await Promise.all([
          fetchPage(Math.floor(newest / PAGE)),
          ...(newest % PAGE < 20 && newest >= PAGE ? [fetchPage(Math.floor(newest / PAGE) - 1)] : []),
        ]);
        if (!isGone) setCount(opened.count);
      },
      () => (isGone ? undefined : setFailed(true)),
    );
    return () => {
      isGone = true;
      stop();
      thread.current = null;
      messenger.closeThread(conversation);
    };
    // A further attempt opens it anew.
  }, [messenger, conversation, fetchPage, attempt]);

  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  const entry = useCallback(
    (index: number) => pages.current.get(Math.floor(index / PAGE))?.entries[index % PAGE],
    [],
  );
  const find = useCallback((id: string) => {
    for (const { entries } of pages.current.values()) {
      for (const one of entries) if (one.kind === "message" && one.id === id) return one;
    }
    return undefined;
  }, []);
  const need = useCallback(
    (from: number, to: number) => {
      for (let page = Math.floor(Math.max(0, from) / PAGE); page * PAGE < to; page++) {
        const known = pages.current.get(page);
        // A page at the end is short until more came.
        const isShort =
          known !== undefined && known.entries.length < Math.min(PAGE, (count ?? 0) - page * PAGE);
        if (known === undefined || known.stale || isShort) void fetchPage(page);
      }
    },
    [count, fetchPage],
  );
  return { count, entry, find, need, failed, retry };
}
