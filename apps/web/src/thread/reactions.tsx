import type { ReactElement } from "react";
import { Button } from "react-aria-components/Button";
import { say } from "../i18n/say.tsx";
import { useAsk, useNames } from "../messenger/use.ts";
import type { EntryProps } from "./entry-props.ts";

/** Pressing an emoji adds one's own, or takes it back. */
export function Reactions({
  entry,
  conversation,
}: Pick<EntryProps<"message">, "entry"> & {
  readonly conversation: EntryProps["conversation"]["id"];
}): ReactElement {
  const ask = useAsk();
  const nameOf = useNames();
  return (
    <div className="reactions">
      {entry.reactions.map(({ emoji, by, byMe }) => (
        <Button
          key={emoji}
          aria-pressed={byMe}
          className={`reaction${byMe ? " reaction-own" : ""}`}
          onPress={() => void ask("react", { conversation, message: entry.id, emoji: byMe ? "" : emoji })}
        >
          <span className="reaction-emoji">{[...emoji].slice(0, 8).join("")}</span>
          <span>{by.length}</span>
          <span className="visually-hidden">
            {say("reaction.from", { names: by.map(nameOf).join(", ") })}
          </span>
        </Button>
      ))}
    </div>
  );
}
