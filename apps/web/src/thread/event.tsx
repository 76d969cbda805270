import type { EventView, ReadyState } from "@porchlight/client/page";
import type { ReactElement, ReactNode } from "react";
import { Say, say, timeOfDay, utcDateOf } from "../i18n/say.tsx";
import { useNames, useReady } from "../messenger/use.ts";
import { Icon, type IconName } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import type { EntryProps } from "./entry-props.ts";

type CharterId = keyof ReadyState["charters"];

/** Who came, went or changed something: part of the conversation, for everybody to see. */
export function EventLine({ entry, conversation, isActive, onActivate }: EntryProps<"event">): ReactElement {
  const { event } = entry;
  const isLoud = event.kind === "safety-number-changed";
  const body = (
    <>
      <Icon name={ICONS[event.kind]} />
      <span className="grow">
        <EventText entry={entry} /> <time className="soft">{timeOfDay(entry.at)}</time>
        {isLoud ? (
          <span className="event-more">
            {say("event.safety-number-changed.more")}{" "}
            <Link to="/c/$conversation/people" params={{ conversation: conversation.id }}>
              {say("people.compare")}
            </Link>
          </span>
        ) : null}
      </span>
    </>
  );
  return (
    <div
      className={`event event-${TONES[event.kind] ?? "plain"}`}
      data-entry
      tabIndex={isActive ? 0 : -1}
      onFocus={onActivate}
    >
      {body}
    </div>
  );
}

const ICONS: Readonly<Record<EventView["event"]["kind"], IconName>> = {
  created: "lamp",
  "you-joined": "lamp",
  joined: "people",
  left: "people",
  "you-left": "people",
  "device-added": "device",
  "device-removed": "device",
  "safety-number-changed": "warning",
  "charter-proposed": "lamp",
  "charter-accepted": "lamp",
  "charter-changed": "lamp",
  "keyholder-replaced": "key",
  titled: "edit",
  named: "edit",
};

const TONES: { readonly [Kind in EventView["event"]["kind"]]?: string } = {
  created: "lamp",
  "you-joined": "lamp",
  "safety-number-changed": "loud",
  "charter-proposed": "lamp",
  "charter-accepted": "lamp",
  "charter-changed": "lamp",
  "keyholder-replaced": "lamp",
};

/** `isHeard`: to be read out, where nothing can be pressed. */
export function EventText({
  entry,
  isHeard = false,
}: {
  readonly entry: EventView;
  readonly isHeard?: boolean;
}): ReactElement {
  const nameOf = useNames();
  const { me } = useReady();
  const { event, by } = entry;
  const who = nameOf(by);
  const charterWords = (id: CharterId | null): ReactNode => <CharterWords id={id} isHeard={isHeard} />;
  const names = (accounts: readonly EventView["by"][]): string => accounts.map(nameOf).join(", ");
  switch (event.kind) {
    case "created":
      return <Say k="event.created" v={{ name: who, charter: charterWords(event.charter) }} />;
    case "you-joined":
      // With its history from another device, or from a backup, it is this device that came in.
      return (
        <Say
          k={entry.isFirst ? "event.you-joined" : "event.you-joined-again"}
          v={{ name: who, charter: charterWords(event.charter) }}
        />
      );
    case "joined":
      return <Say k="event.joined" v={{ name: who, names: names(event.accounts) }} />;
    case "left":
      return event.accounts.length === 1 && event.accounts[0] === by ? (
        <Say k="event.left" v={{ name: who }} />
      ) : (
        <Say k="event.removed" v={{ name: who, names: names(event.accounts) }} />
      );
    case "you-left":
      return entry.byMe ? <>{say("event.you-left")}</> : <Say k="event.you-removed" v={{ name: who }} />;
    case "device-added":
    case "device-removed":
      return event.account === me.account ? (
        <>{say(`event.${event.kind}-own`)}</>
      ) : (
        <Say k={`event.${event.kind}`} v={{ name: nameOf(event.account) }} />
      );
    case "safety-number-changed":
      return (
        <strong>
          <Say k="event.safety-number-changed" v={{ name: nameOf(event.account) }} />
        </strong>
      );
    case "charter-proposed":
    case "charter-accepted":
    case "charter-changed":
      return <Say k={`event.${event.kind}`} v={{ name: who, charter: charterWords(event.charter) }} />;
    case "keyholder-replaced": {
      const { lost, successor, at } = event.replacement;
      return (
        <Say
          k="event.keyholder-replaced"
          v={{
            lost,
            successor,
            date: utcDateOf(at),
            charter: charterWords(event.charter),
          }}
        />
      );
    }
    case "titled":
      return <Say k="event.titled" v={{ name: who, title: event.title }} />;
    case "named":
      return <Say k="event.named" v={{ before: event.before || who, name: event.name }} />;
  }
}

/** "Who can open this" as a link, or that nobody can. */
function CharterWords({
  id,
  isHeard,
}: {
  readonly id: CharterId | null;
  readonly isHeard: boolean;
}): ReactNode {
  const { charters } = useReady();
  if (id === null) return <span>{say("charter.words.none")}</span>;
  const kind = charters[id]?.kind;
  const words = kind === undefined ? say("charter.words.unknown") : say(`charter.words.${kind}`);
  if (isHeard) return words;
  return (
    <Link to="/who/$charter" params={{ charter: id }}>
      {words}
    </Link>
  );
}
