import type { ConversationView, EntryView, MessageView } from "@porchlight/client/page";
import { type ReactElement, type ReactNode, useEffect, useRef, useState } from "react";
import { codeText, refusalText } from "../i18n/errors.ts";
import { Say, say } from "../i18n/say.tsx";
import { useNames } from "../messenger/use.ts";
import { shownName, shownText } from "../text/marks.ts";
import { EventText } from "./event.tsx";
import { isSaidAlike } from "./said.ts";
import type { LoadedThread } from "./use-thread.ts";

/** Entries at the end in which something new can stand: own messages that wait stay behind what comes in. */
const END = 60;
/** Entries of one moment that are said one by one; of those before them only how many. */
const EACH = 3;
/** Words that stay in the page: what reads it aloud may still be at them. */
const KEPT = 12;
const LETTERS = 200;

type Spoken = {
  readonly key: number;
  readonly of: EntryView | { readonly kind: "more"; readonly count: number };
};

/**
 * What comes into the open thread, for people who hear the page: who said what, what was refused, who came and went. Each
 * is an element of its own, so that the same words twice are said twice. What was refused interrupts. A dialog over the
 * page does not silence it.
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
  const known = useRef<ReadonlyMap<string, Standing> | null>(null);
  const before = useRef(count);
  const seen = useRef<readonly EntryView[]>([]);
  const said = useRef(0);
  const wanted = useRef(-1);

  useEffect(() => {
    const from = Math.max(0, count - END);
    const end: EntryView[] = [];
    for (let i = from; i < count; i++) {
      const one = entry(i);
      if (one === undefined) {
        // Once for each length: it is drawn again when it is here.
        if (wanted.current !== count) need(from, count);
        wanted.current = count;
        return;
      }
      end.push(one);
    }
    const isSame = end.length === seen.current.length && end.every((one, i) => one === seen.current[i]);
    if (known.current !== null && isSame) return;
    const were = known.current;
    const passed = Math.max(0, from - before.current);
    known.current = new Map(end.map((one) => [one.key, standingOf(one)]));
    before.current = count;
    seen.current = end;
    if (were === null) return;
    for (const [words, set] of [
      [loud, setLoud],
      [calm, setCalm],
    ] as const) {
      if (words.some((one) => asItStands(one, end) !== one)) {
        set((now) => now.map((one) => asItStands(one, end)));
      }
    }
    const fresh = end.filter((one) => isNew(one, were));
    const isLoud = (one: EntryView): boolean => one.kind === "refused" || isOwn(one);
    const spoken = (of: Spoken["of"]): Spoken => ({ key: ++said.current, of });
    const of = (entries: readonly EntryView[], more: number): readonly Spoken[] => {
      const skipped = more + Math.max(0, entries.length - EACH);
      return [
        ...(skipped === 0 ? [] : [spoken({ kind: "more", count: skipped })]),
        ...entries.slice(-EACH).map(spoken),
      ];
    };
    const [alarms, others] = [fresh.filter(isLoud), fresh.filter((one) => !isLoud(one))];
    if (alarms.length > 0) setLoud((now) => [...now, ...of(alarms, 0)].slice(-KEPT));
    if (others.length > 0 || passed > 0) setCalm((now) => [...now, ...of(others, passed)].slice(-KEPT));
  });

  return (
    <>
      <div
        className="visually-hidden"
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        data-live-announcer="true"
      >
        {calm.map(({ key, of }) => (
          <p key={`${conversation}-${key}`}>
            <Words of={of} />
          </p>
        ))}
      </div>
      <div
        className="visually-hidden"
        aria-live="assertive"
        aria-relevant="additions"
        data-live-announcer="true"
      >
        {loud.map(({ key, of }) => (
          <p key={`${conversation}-${key}`}>
            <Words of={of} />
          </p>
        ))}
      </div>
    </>
  );
}

/** What may become news of an entry that is known: how often it came, and what went wrong with it. */
type Standing = { readonly times: number; readonly wrong: string };

function standingOf(entry: EntryView): Standing {
  if (entry.kind === "refused") return { times: entry.times, wrong: "" };
  if (entry.kind !== "message" || !entry.fromMe) return { times: 1, wrong: "" };
  const { delivery, changes } = entry;
  const refused = changes.flatMap((one) => (one.refused === null ? [] : [one.id]));
  const wrong = delivery?.kind === "refused" || delivery?.kind === "lost" ? [delivery.kind] : [];
  return { times: 1, wrong: [...wrong, ...refused].join() };
}

function isOwn(entry: EntryView): boolean {
  return entry.kind === "message" && entry.fromMe;
}

/**
 * Not what this person did, but what became of it that they have to know. Of a flood of refusals that grows in one place
 * each doubling is told.
 */
function isNew(entry: EntryView, were: ReadonlyMap<string, Standing>): boolean {
  const { times, wrong } = standingOf(entry);
  const before = were.get(entry.key);
  if (isOwn(entry)) return wrong !== "" && wrong !== (before?.wrong ?? "");
  if (before !== undefined) return Math.floor(Math.log2(times)) > Math.floor(Math.log2(before.times));
  if (entry.kind === "message") return entry.body.kind === "text";
  if (entry.kind !== "event" || !entry.byMe) return true;
  const { kind } = entry.event;
  return kind === "device-added" || kind === "device-removed" || kind === "keyholder-replaced";
}

/** What was edited or deleted since does not stay in the page as it was read out. Nobody is told a second time. */
function asItStands(spoken: Spoken, end: readonly EntryView[]): Spoken {
  const { of } = spoken;
  if (of.kind !== "message") return spoken;
  const now = end.find((one) => one.key === of.key);
  return now?.kind !== "message" || isSaidAlike(now, of)
    ? spoken
    : { ...spoken, of: { ...of, body: now.body } };
}

/** What went wrong with a message of one's own. */
function Wrong({ entry: { body, delivery, changes } }: { readonly entry: MessageView }): ReactNode {
  const nameOf = useNames();
  const text = body.kind === "text" ? shownText(body.text).slice(0, LETTERS) : "";
  return (
    <>
      {delivery?.kind === "refused" ? `${say("delivery.refused")} ${codeText(delivery.code)} ` : null}
      {delivery?.kind === "lost" ? (
        <Say k="message.lost" v={{ names: delivery.lost.map(nameOf).join(", ") }} />
      ) : null}
      {changes.map(({ id, kind, refused }) =>
        refused === null ? null : (
          <span key={id}>
            {say(`change.refused.${kind}`)} {codeText(refused)}{" "}
          </span>
        ),
      )}{" "}
      <bdi>{text}</bdi>
    </>
  );
}

function Words({ of: entry }: Pick<Spoken, "of">): ReactNode {
  const nameOf = useNames();
  switch (entry.kind) {
    case "more":
      return <>{say("heard.more", { count: entry.count })}</>;
    case "message": {
      if (entry.fromMe) return <Wrong entry={entry} />;
      if (entry.body.kind === "deleted") return null;
      const { text, attachments } = entry.body;
      const name = nameOf(entry.from);
      const files = attachments.map((one) => shownName(one.name) || say("file.unnamed")).join(", ");
      return (
        <>
          {text === "" ? "" : say("heard.message", { name, text: shownText(text).slice(0, LETTERS) })}{" "}
          {files === "" ? "" : say("heard.files", { name, files, count: attachments.length })}
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
