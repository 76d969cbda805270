import type { ReactElement } from "react";
import { refusalText } from "../i18n/errors.ts";
import { Say, say, timeOfDay } from "../i18n/say.tsx";
import { useNames } from "../messenger/use.ts";
import { Icon } from "../parts/icon.tsx";
import type { EntryProps } from "./entry-props.ts";

/** Something arrived that must not be shown. Loud, and with the reason that the check gave. */
export function Refused({ entry, isActive, onActivate }: EntryProps<"refused">): ReactElement {
  const nameOf = useNames();
  const what = entry.code === "missing" ? "missing" : entry.item;
  const facts = {
    name: nameOf(entry.from),
    time: timeOfDay(entry.at),
    code: <code>{entry.code}</code>,
  };
  return (
    <div className="refused" data-entry tabIndex={isActive ? 0 : -1} onFocus={onActivate}>
      <Icon name="stop" />
      <div className="grow stack-tight">
        <p className="strong">
          {entry.times === 1 ? (
            say(`refused.title.${what}`)
          ) : (
            <Say k={`refused.times.${what}`} v={{ count: entry.times }} />
          )}
        </p>
        <p>{refusalText(entry.code)}</p>
        <details className="small">
          <summary>{say("refused.more")}</summary>
          <p>
            {entry.times === 1 ? (
              <Say k="refused.details" v={facts} />
            ) : (
              <Say k="refused.details.many" v={{ ...facts, last: timeOfDay(entry.lastAt) }} />
            )}
          </p>
          <p>{say("refused.advice")}</p>
        </details>
      </div>
    </div>
  );
}

export function NotUnderstood({ entry, isActive, onActivate }: EntryProps<"not-understood">): ReactElement {
  const nameOf = useNames();
  return (
    <div className="event" data-entry tabIndex={isActive ? 0 : -1} onFocus={onActivate}>
      <Icon name="info" />
      <span className="grow">
        <Say k="message.not-understood" v={{ name: nameOf(entry.from) }} />
      </span>
    </div>
  );
}
