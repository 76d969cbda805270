import type { ConversationView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";
import { useNames } from "../messenger/use.ts";
import { Icon } from "../parts/icon.tsx";
import { shownName } from "../text/marks.ts";
import { heldFor } from "../thread/delivery.tsx";
import { NotSent } from "../thread/not-sent.tsx";

/** What somebody about to write has to know: a name that was refused, and who is not there to read. */
export function BeforeWriting({ conversation }: { readonly conversation: ConversationView }): ReactElement {
  const nameOf = useNames();
  const { renameRefused, waitingFor, people } = conversation;
  const names = waitingFor.map(nameOf).join(", ");
  return (
    <>
      {renameRefused === null ? null : (
        <NotSent
          isLoud
          conversation={conversation.id}
          id={renameRefused.id}
          title={`${say("rename.refused", { title: shownName(renameRefused.title) })}.`}
          discard={say("change.let-go")}
          code={renameRefused.code}
        />
      )}
      <div role="status">
        {names === "" && people !== 1 ? null : (
          <div className="connection">
            <Icon name="clock" />
            <span>
              {names === "" ? (
                say("waiting-for.alone")
              ) : (
                <>
                  <strong>{say("waiting-for.title", { names })}.</strong>{" "}
                  {say(heldFor(conversation).length > 0 ? "waiting-for.nobody" : "waiting-for.some")}
                </>
              )}
            </span>
          </div>
        )}
      </div>
    </>
  );
}
