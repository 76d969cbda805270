import type { ConversationView, EntryView, MessageView } from "@porchlight/client/page";
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
import { shownName } from "../text/marks.ts";
import { Entry } from "./entry.tsx";
import type { ThreadActions } from "./entry-props.ts";
import { Heard } from "./heard.tsx";
import { isSaidAlike } from "./said.ts";
import { useRows } from "./use-rows.ts";
import { type LoadedThread, useThread } from "./use-thread.ts";

/** Seconds within which messages of one person stand together. */
const TOGETHER = 300;

const dayKey = (at: number): string => new Date(at * 1000).toDateString();

type Props = { readonly conversation: ConversationView } & ThreadActions & {
    /** The message that is being answered: whoever answers is not shown words that were edited or deleted since. */
    readonly answered: MessageView | null;
    readonly onAnsweredChange: (message: MessageView) => void;
  };

/** The conversation itself: as long as it likes, drawn as far as it is seen. */
export function Thread(props: Props): ReactElement {
  const { count, failed, retry, ...loaded } = useThread(props.conversation.id);
  if (failed) {
    return (
      <Banner
        tone="danger"
        title={say("thread.failed")}
        isLoud
        actions={<Button onPress={retry}>{say("message.retry")}</Button>}
      />
    );
  }
  if (count === null)
    return (
      <div className="thread-waiting">
        <Waiting label={say("thread.loading")} />
      </div>
    );
  return <OpenThread {...props} {...loaded} count={count} />;
}

function OpenThread({
  conversation,
  onReply,
  onEdit,
  answered,
  onAnsweredChange,
  count,
  entry,
  find,
  need,
}: Props & Pick<LoadedThread, "entry" | "find" | "need"> & { readonly count: number }): ReactElement {
  const { id, title } = conversation;
  const ask = useAsk();
  const [active, setActive] = useState<number | null>(null);
  // Where unread begins is fixed while the thread is open: marking as read must not move the line.
  const [unreadFrom] = useState(conversation.firstUnread);
  const isHere = (index: number): boolean => entry(index) !== undefined;
  const { first, last, isAtEnd, toEnd, toRow, ...rows } = useRows(count, unreadFrom, isHere);

  useEffect(() => need(first - 1, last + 1), [need, first, last]);

  // Whoever writes wants to see it, wherever they had scrolled to.
  const newest = count === 0 ? undefined : entry(count - 1);
  const written = newest?.kind === "message" && newest.delivery?.kind === "queued" ? newest.key : null;
  const opened = useRef(written);
  useEffect(() => {
    if (written !== null && written !== opened.current) toEnd();
  }, [written, toEnd]);

  const answeredNow = answered === null ? undefined : find(answered.id);
  useEffect(() => {
    if (answered === null || answeredNow === undefined || isSaidAlike(answered, answeredNow)) return;
    onAnsweredChange(answeredNow);
  }, [answered, answeredNow, onAnsweredChange]);

  const { unread } = conversation;
  useEffect(() => {
    if (unread === 0 || count === 0) return;
    const seen = (): void => {
      if (document.visibilityState === "visible" && document.hasFocus() && isAtEnd) {
        void ask("markRead", { conversation: id, upTo: count - 1 });
      }
    };
    seen();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    return () => {
      removeEventListener("focus", seen);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [unread, count, isAtEnd, ask, id]);

  const goTo = useCallback(
    (index: number) => {
      setActive(index);
      toRow(index);
      toFocus.current = index;
    },
    [toRow],
  );
  const toFocus = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (toFocus.current === null) return;
    const entry = rows.drawn.current?.querySelector<HTMLElement>(
      `[data-index="${toFocus.current}"] [data-entry]`,
    );
    if (entry === null || entry === undefined) return;
    toFocus.current = null;
    entry.focus({ preventScroll: true });
  });
  const move = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    if (target.closest("[data-entry]") !== target && target !== rows.scroller.current) return;
    const from = active ?? count;
    const to = { ArrowUp: from - 1, ArrowDown: from + 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || to < 0 || to >= count) return;
    event.preventDefault();
    goTo(to);
  };

  return (
    <>
      <div className="thread">
        <div
          ref={rows.scroller}
          className="thread-scroll"
          onScroll={rows.onScroll}
          onKeyDown={move}
          tabIndex={active !== null && active >= first && active < last ? -1 : 0}
          role="list"
          aria-label={say("thread.label", { title: shownName(title) || say("conversation.untitled") })}
        >
          <div ref={rows.size} className="thread-size" role="presentation">
            <div ref={rows.drawn} className="thread-rows" role="presentation">
              {Array.from({ length: last - first }, (_, i) => {
                const index = first + i;
                const shown = entry(index);
                const previous = index === 0 ? undefined : entry(index - 1);
                const isNewDay =
                  shown !== undefined &&
                  (index === 0 || (previous !== undefined && dayKey(previous.at) !== dayKey(shown.at)));
                return (
                  <div
                    key={shown?.key ?? index}
                    data-index={index}
                    className="thread-row"
                    role="listitem"
                    aria-setsize={count}
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
        </div>
        {isAtEnd || count === 0 ? null : (
          <div className="thread-to-end">
            <Button icon="down" onPress={toEnd}>
              {unread === 0 ? say("thread.to-end") : <Say k="thread.to-new" v={{ count: unread }} />}
            </Button>
          </div>
        )}
        <span className="visually-hidden">{say("thread.length", { count: number(count) })}</span>
      </div>
      <Heard conversation={id} count={count} entry={entry} need={need} />
    </>
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
