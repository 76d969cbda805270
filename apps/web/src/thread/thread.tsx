import type { ConversationView, EntryView } from "@porchlight/client/page";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type ReactElement,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { longDay, number, Say, say } from "../i18n/say.tsx";
import { useAsk } from "../messenger/use.ts";
import { Banner, Waiting } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Entry } from "./entry.tsx";
import type { ThreadActions } from "./entry-props.ts";
import { useThread } from "./use-thread.ts";

const ESTIMATE = 64;
const OVERSCAN = 8;
/** Pixels from the end within which a person reads the newest. */
const AT_END = 80;
/** Seconds within which messages of one person stand together. */
const TOGETHER = 300;

const dayKey = (at: number): string => new Date(at * 1000).toDateString();

/** The conversation itself: as long as it likes, drawn as far as it is seen. */
export function Thread({
  conversation,
  onReply,
  onEdit,
}: { readonly conversation: ConversationView } & ThreadActions): ReactElement {
  const { id, title } = conversation;
  const ask = useAsk();
  const scroller = useRef<HTMLDivElement>(null);
  const { count, entry, need, failed } = useThread(id);
  const [active, setActive] = useState<number | null>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  // Where unread begins is fixed while the thread is open: marking as read must not move the line.
  const [unreadFrom] = useState(conversation.firstUnread);
  const total = count ?? 0;

  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATE,
    overscan: OVERSCAN,
  });
  const items = rows.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => need(first - 1, last + 1), [need, first, last]);

  // The end is where a thread opens, unless there is something unread before it.
  const hasOpened = useRef(false);
  useLayoutEffect(() => {
    if (count === null || count === 0 || hasOpened.current) return;
    hasOpened.current = true;
    const target = unreadFrom ?? count - 1;
    rows.scrollToIndex(target, { align: unreadFrom === null ? "end" : "start" });
  }, [count, rows, unreadFrom]);

  // Whoever reads the newest goes on reading the newest.
  const before = useRef(total);
  useLayoutEffect(() => {
    if (total > before.current && isAtEnd && hasOpened.current)
      rows.scrollToIndex(total - 1, { align: "end" });
    before.current = total;
  }, [total, isAtEnd, rows]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < AT_END);
  }, []);

  const { unread } = conversation;
  useEffect(() => {
    if (unread === 0 || total === 0) return;
    const seen = (): void => {
      if (document.visibilityState === "visible" && document.hasFocus() && isAtEnd) {
        void ask("markRead", { conversation: id, upTo: total - 1 });
      }
    };
    seen();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    return () => {
      removeEventListener("focus", seen);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [unread, total, isAtEnd, ask, id]);

  const goTo = useCallback(
    (index: number) => {
      setActive(index);
      rows.scrollToIndex(index, { align: "center" });
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"] [data-entry]`)?.focus(),
      );
    },
    [rows],
  );
  const move = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    if (target.closest("[data-entry]") !== target && target !== scroller.current) return;
    const from = active ?? total;
    const to = { ArrowUp: from - 1, ArrowDown: from + 1, Home: 0, End: total - 1 }[event.key];
    if (to === undefined || to < 0 || to >= total) return;
    event.preventDefault();
    goTo(to);
  };

  if (failed) return <Banner tone="danger" title={say("thread.failed")} isLoud />;
  if (count === null)
    return (
      <div className="thread-waiting">
        <Waiting label={say("thread.loading")} />
      </div>
    );
  return (
    <div className="thread">
      <div
        ref={scroller}
        className="thread-scroll"
        onScroll={onScroll}
        onKeyDown={move}
        tabIndex={active === null ? 0 : -1}
        role="list"
        aria-label={say("thread.label", { title })}
      >
        <div className="thread-size" style={{ height: rows.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const shown = entry(index);
            const previous = index === 0 ? undefined : entry(index - 1);
            const isNewDay =
              shown !== undefined &&
              (index === 0 || (previous !== undefined && dayKey(previous.at) !== dayKey(shown.at)));
            return (
              <div
                key={shown?.key ?? index}
                ref={rows.measureElement}
                data-index={index}
                className="thread-row"
                style={{ transform: `translateY(${start}px)` }}
                role="listitem"
                aria-setsize={total}
                aria-posinset={index + 1}
              >
                {isNewDay ? (
                  <div className="thread-day">
                    <span>{longDay(shown.at)}</span>
                  </div>
                ) : null}
                {unreadFrom === index ? (
                  <div className="thread-unread">
                    <span>{say("thread.unread-from-here")}</span>
                  </div>
                ) : null}
                {shown === undefined ? (
                  <div className="entry-missing" aria-hidden="true" />
                ) : (
                  <Entry
                    entry={shown}
                    conversation={conversation}
                    isTogether={!isNewDay && standsTogether(previous, shown)}
                    isActive={active === index}
                    onActivate={() => setActive(index)}
                    onGoTo={goTo}
                    onReply={onReply}
                    onEdit={onEdit}
                  />
                )}
              </div>
            );
          })}
        </div>
      </div>
      {isAtEnd || total === 0 ? null : (
        <div className="thread-to-end">
          <Button icon="down" onPress={() => rows.scrollToIndex(total - 1, { align: "end" })}>
            {unread === 0 ? say("thread.to-end") : <Say k="thread.to-new" v={{ count: unread }} />}
          </Button>
        </div>
      )}
      <NewMessages entry={count === 0 ? undefined : entry(count - 1)} count={count} />
      <span className="visually-hidden">{say("thread.length", { count: number(count) })}</span>
    </div>
  );
}

function standsTogether(previous: EntryView | undefined, shown: EntryView): boolean {
  return (
    previous?.kind === "message" &&
    shown.kind === "message" &&
    previous.from === shown.from &&
    shown.at - previous.at < TOGETHER
  );
}

/** What came in while the thread is open, for people who hear the page. */
function NewMessages({
  entry,
  count,
}: {
  readonly entry: EntryView | undefined;
  readonly count: number;
}): ReactElement {
  const [text, setText] = useState("");
  const heard = useRef(count);
  useEffect(() => {
    if (count <= heard.current || entry === undefined) return;
    heard.current = count;
    if (entry.kind === "message" && !entry.fromMe && entry.body.kind === "text") {
      setText(say("thread.heard", { text: entry.body.text.slice(0, 200) }));
    }
  }, [count, entry]);
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  );
}
