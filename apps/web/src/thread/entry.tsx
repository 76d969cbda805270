import { memo, type ReactElement } from "react";
import type { EntryProps } from "./entry-props.ts";
import { EventLine } from "./event.tsx";
import { Message } from "./message.tsx";
import { NotUnderstood, Refused } from "./refused.tsx";

/** One entry of a thread. Its props are compared so that scrolling draws only what came into view. */
export const Entry = memo(
  function Entry(props: EntryProps): ReactElement {
    const { entry } = props;
    switch (entry.kind) {
      case "message":
        return <Message {...props} entry={entry} />;
      case "event":
        return <EventLine {...props} entry={entry} />;
      case "refused":
        return <Refused {...props} entry={entry} />;
      case "not-understood":
        return <NotUnderstood {...props} entry={entry} />;
    }
  },
  (a, b) =>
    a.entry === b.entry &&
    a.isTogether === b.isTogether &&
    a.isActive === b.isActive &&
    a.conversation.id === b.conversation.id &&
    a.conversation.status === b.conversation.status &&
    a.conversation.membersVersion === b.conversation.membersVersion,
);
