import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";

/** For whoever cannot get in any more: what is here goes, and the account comes back from elsewhere. */
export function StartOver({ words }: { readonly words: string }): ReactElement {
  const messenger = useMessenger();
  const [isAsking, setAsking] = useState(false);
  const [attempt, run] = useAttempt();
  return (
    <>
      <Button look="quiet" onPress={() => setAsking(true)}>
        {words}
      </Button>
      {isAsking ? (
        <Panel title={say("start-over.title")} isAlert onClose={() => setAsking(false)}>
          <p>{say("start-over.text")}</p>
          {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
          <div className="row-wrap">
            <Button
              look="danger"
              isBusy={attempt.kind === "busy"}
              onPress={() => run(async () => await messenger.perform("startOver"))}
            >
              {say("start-over.do")}
            </Button>
            <Button onPress={() => setAsking(false)}>{say("cancel")}</Button>
          </div>
        </Panel>
      ) : null}
    </>
  );
}
