import type { ConversationView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useAttempt, useMessenger, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { CharterChoice, type CharterId, usableCharters } from "./choice.tsx";

/** Proposes to everybody in a conversation who can open it from here on. */
export function ChangeCharter({
  conversation,
  onClose,
}: {
  readonly conversation: ConversationView;
  readonly onClose: () => void;
}): ReactElement {
  const messenger = useMessenger();
  const ready = useReady();
  const now = conversation.charter;
  const others = usableCharters(ready).filter(({ id }) => id !== now);
  const [chosen, setChosen] = useState<CharterId | null | undefined>(undefined);
  const [attempt, run] = useAttempt();
  const propose = (charter: CharterId | null): void =>
    run(async () => {
      await messenger.perform("proposeCharter", { conversation: conversation.id, charter });
      onClose();
    });
  return (
    <Panel title={say("change-charter.title")} onClose={onClose}>
      <p>{say("change-charter.text")}</p>
      {others.length === 0 && now === null ? (
        <Banner tone="info" title={say("change-charter.no-other")} />
      ) : (
        <CharterChoice
          label={say("change-charter.label")}
          charters={others}
          hasNone={now !== null}
          value={chosen}
          onChange={setChosen}
        />
      )}
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <div className="row-wrap">
        <Button
          look="main"
          isDisabled={chosen === undefined}
          isBusy={attempt.kind === "busy"}
          onPress={() => (chosen === undefined ? undefined : propose(chosen))}
        >
          {say("change-charter.propose")}
        </Button>
        <Button onPress={onClose}>{say("cancel")}</Button>
      </div>
    </Panel>
  );
}
