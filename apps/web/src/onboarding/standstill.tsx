import type { FailureCode } from "@porchlight/client/page";
import { type ReactElement, useEffect, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner, Empty, Waiting } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Door } from "./door.tsx";
import { StartOver } from "./start-over.tsx";

/** Milliseconds after which a person may want to do something about it. */
const LONG = 10_000;

export function Starting(): ReactElement {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Door at={null}>
      <h1 className="visually-hidden">Porchlight</h1>
      <Waiting label={say("starting")} />
      <p className="soft" role="status">
        {isLong ? say("starting.long") : null}
      </p>
      {isLong ? <Button onPress={() => location.reload()}>{say("failed.reload")}</Button> : null}
    </Door>
  );
}

/** Another tab has this device: it can be asked to let go. */
export function Elsewhere(): ReactElement {
  const messenger = useMessenger();
  const [attempt, run] = useAttempt();
  return (
    <Door at="elsewhere">
      <Empty
        icon="device"
        title={say("elsewhere.title")}
        actions={
          <Button
            look="main"
            isBusy={attempt.kind === "busy"}
            onPress={() => run(async () => await messenger.perform("takeOver"))}
          >
            {say(attempt.kind === "busy" ? "first.working" : "elsewhere.reload")}
          </Button>
        }
      >
        <p>{say("elsewhere.text")}</p>
        {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      </Empty>
    </Door>
  );
}

export function Failed({ code }: { readonly code: FailureCode }): ReactElement {
  return (
    <Door at="failed">
      <Empty
        icon="warning"
        title={say(`failed.${code}.title`)}
        actions={
          <>
            <Button look="main" onPress={() => location.reload()}>
              {say("failed.reload")}
            </Button>
            {code === "state-corrupt" ? <StartOver words={say("start-over.open")} /> : null}
          </>
        }
      >
        <p>{say(`failed.${code}`)}</p>
      </Empty>
    </Door>
  );
}
