import type { ClientError, ConversationView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { codeText } from "../i18n/errors.ts";
import { say } from "../i18n/say.tsx";
import { useAsk } from "../messenger/use.ts";
import { Button } from "../parts/button.tsx";

/** A message, or a change of one, that will not be sent as things are: why, and what its person can do about it. */
export function NotSent({
  conversation,
  id,
  title,
  discard,
  code,
  isLoud = false,
}: {
  readonly conversation: ConversationView["id"];
  /** Of the message or of the change. */
  readonly id: string;
  readonly title: string;
  readonly discard: string;
  readonly code: ClientError["code"];
  /** Read out when it appears; in a thread it also appears by scrolling, and what is new is said beside it. */
  readonly isLoud?: boolean;
}): ReactElement {
  const ask = useAsk();
  const about = { conversation, message: id };
  return (
    <div className="not-sent" {...(isLoud ? { role: "alert" } : {})}>
      <p>
        <strong>{title}</strong> {codeText(code)}
      </p>
      <div className="row-wrap">
        <Button onPress={() => void ask("retry", about)}>{say("message.retry")}</Button>
        <Button look="quiet" onPress={() => void ask("discard", about)}>
          {discard}
        </Button>
      </div>
    </div>
  );
}
