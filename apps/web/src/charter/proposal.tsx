import type { ConversationStatus, ConversationView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useNames, useReady } from "../messenger/use.ts";
import { Button } from "../parts/button.tsx";
import { CharterMark, charterKind } from "../parts/charter-mark.tsx";
import { Link } from "../parts/link.tsx";
import { CharterSummary } from "./summary.tsx";

/** A change of who can open the conversation: nothing goes on before this person's answer. */
export function CharterProposal({
  conversation,
  status,
}: {
  readonly conversation: ConversationView;
  readonly status: Extract<ConversationStatus, { kind: "charter-proposed" }>;
}): ReactElement {
  const ask = useAsk();
  const nameOf = useNames();
  const { charters } = useReady();
  const { id } = conversation;
  const next = status.charter === null ? null : charters[status.charter];
  const now = conversation.charter === null ? null : charters[conversation.charter];
  return (
    <section className="proposal" aria-label={say("proposal.title")}>
      <h2 className="proposal-title">
        <Say k="proposal.by" v={{ name: nameOf(status.by) }} />
      </h2>
      <div className="proposal-sides">
        <div className="proposal-side">
          <p className="small soft">{say("proposal.now")}</p>
          <CharterMark kind={charterKind(conversation.charter, charters)} withWords />
          {now === null ? (
            <p className="small">{say("charter.none.short")}</p>
          ) : now === undefined ? (
            <p className="small danger">{say("charter.unknown")}</p>
          ) : (
            <CharterSummary charter={now} />
          )}
        </div>
        <div className="proposal-side">
          <p className="small soft">{say("proposal.next")}</p>
          <CharterMark kind={charterKind(status.charter, charters)} withWords />
          {next === null ? (
            <p className="small">{say("charter.none.short")}</p>
          ) : next === undefined ? (
            <p className="small danger">{say("charter.unknown")}</p>
          ) : (
            <>
              <CharterSummary charter={next} />
              <Link to="/who/$charter" params={{ charter: next.id }} className="small">
                {say("proposal.read")}
              </Link>
            </>
          )}
        </div>
      </div>
      <p className="small">{say("proposal.past")}</p>
      <div className="row-wrap">
        <Button
          look="main"
          isDisabled={next === undefined}
          onPress={() => void ask("acceptCharter", { conversation: id, charter: status.charter })}
        >
          {say("proposal.accept")}
        </Button>
        <Button onPress={() => void ask("declineCharter", { conversation: id })}>
          {say("proposal.decline")}
        </Button>
      </div>
    </section>
  );
}
