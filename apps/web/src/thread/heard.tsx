import type { ConversationView, EntryView } from "@porchlight/client/page";
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from "react";
import { refusalText } from "../i18n/errors.ts";
import { Say, say } from "../i18n/say.tsx";
import { useNames } from "../messenger/use.ts";
import { shownName, shownText } from "../text/marks.ts";
import { EventText } from "./event.tsx";
import type { LoadedThread } from "./use-thread.ts";

/** Entries at the end in which something new can stand: own messages that wait stay behind what comes in. */
const END = 60;
/** Entries of one moment that are said one by one; of those before them only how many. */
const EACH = 3;
/** Words that stay in the page: what reads it aloud may still be at them. */
const KEPT = 12;
const LETTERS = 200;

type Spoken = { readonly key: number; readonly words: ReactNode };

/**
 * What comes into the open thread, for people who hear the page: who said what, what was refused, who came and went. Each
 * is an element of its own, so that the same words twice are said twice. What was refused interrupts.
 */
export function Heard({
  conversation,
  count,
  entry,
  need,
}: Pick<LoadedThread, "entry" | "need"> & {
  readonly conversation: ConversationView["id"];
  readonly count: number;
}): ReactElement {
  const [calm, setCalm] = useState<readonly Spoken[]>([]);
  const [loud, setLoud] = useState<readonly Spoken[]>([]);
  /** What stood at the end, and how often what was refused there had come. */
  const known = useRef<ReadonlyMap<string, number> | null>(null);
  const before = useRef(count);
  const last = useRef<EntryView>(undefined);
  const said = useRef(0);

  useEffect(() => {
    if (known.current !== null && count === before.current && entry(count - 1) === last.current) return;
    const from = Math.max(0, count - END);
    const end: EntryView[] = [];
    for (let i = from; i < count; i++) {
      const one = entry(i);
      if (one === undefined) return need(from, count);
      end.push(one);
    }
    const were = known.current;
    const passed = Math.max(0, from - before.current);
    known.current = new Map(end.map((one) => [one.key, timesOf(one)]));
    before.current = count;
    last.current = end.at(-1);
    if (were === null) return;
    const fresh = end.filter((one) => isNew(one, were));
    const isLoud = (one: EntryView): boolean => one.kind === "refused";
    const spoken = (words: ReactNode): Spoken => ({ key: ++said.current, words });
    const of = (entries: readonly EntryView[], more: number): readonly Spoken[] => {
      const skipped = more + Math.max(0, entries.length - EACH);
      return [
        ...(skipped === 0 ? [] : [spoken(say("heard.more", { count: skipped }))]),
        ...entries.slice(-EACH).map((one) => spoken(<Words entry={one} />)),
      ];
    };
    const [alarms, others] = [fresh.filter(isLoud), fresh.filter((one) => !isLoud(one))];
    if (alarms.length > 0) setLoud((now) => [...now, ...of(alarms, 0)].slice(-KEPT));
    if (others.length > 0 || passed > 0) setCalm((now) => [...now, ...of(others, passed)].slice(-KEPT));
  });

  return (
    <>
      <div className="visually-hidden" role="log" aria-live="polite" aria-relevant="additions">
        {calm.map(({ key, words }) => (
          <p key={`${conversation}-${key}`}>{words}</p>
        ))}
      </div>
      <div className="visually-hidden" aria-live="assertive" aria-relevant="additions">
        {loud.map(({ key, words }) => (
          <p key={`${conversation}-${key}`}>{words}</p>
        ))}
      </div>
    </>
  );
}

function timesOf(entry: EntryView): number {
  return entry.kind === "refused" ? entry.times : 1;
}

/** Not what this person did. Of a flood of refusals that grows in one place each doubling is told. */
function isNew(entry: EntryView, were: ReadonlyMap<string, number>): boolean {
  const times = were.get(entry.key);
  const now = timesOf(entry);
  if (times !== undefined) return Math.floor(Math.log2(now)) > Math.floor(Math.log2(times));
  if (entry.kind === "message") return !entry.fromMe && entry.body.kind === "text";
  if (entry.kind !== "event" || !entry.byMe) return true;
  const { kind } = entry.event;
  return kind === "device-added" || kind === "device-removed" || kind === "keyholder-replaced";
}

function Words({ entry }: { readonly entry: EntryView }): ReactNode {
  const nameOf = useNames();
  switch (entry.kind) {
    case "message": {
      if (entry.body.kind === "deleted") return null;
      const { text, attachments } = entry.body;
      const name = nameOf(entry.from);
      const files = attachments.map((one) => shownName(one.name) || say("file.unnamed")).join(", ");
      return (
        <>
          {text === "" ? null : (
            <Say k="heard.message" v={{ name, text: shownText(text).slice(0, LETTERS) }} />
          )}{" "}
          {files === "" ? null : <Say k="heard.files" v={{ name, files, count: attachments.length }} />}
        </>
      );
    }
    case "event":
      return <EventText entry={entry} isHeard />;
    case "refused": {
      const what = entry.code === "missing" ? "missing" : entry.item;
      return (
        <>
          {entry.times === 1 ? (
            say(`refused.title.${what}`)
          ) : (
            <Say k={`refused.times.${what}`} v={{ count: entry.times }} />
          )}
          . {refusalText(entry.code)}
        </>
      );
    }
    case "not-understood":
      return <Say k="message.not-understood" v={{ name: nameOf(entry.from) }} />;
  }
}
