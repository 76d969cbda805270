import type { FailureCode } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";
import { Empty, Waiting } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Door } from "./door.tsx";
import { StartOver } from "./start-over.tsx";

export function Starting(): ReactElement {
  return (
    <Door at={null}>
      <h1 className="visually-hidden">Porchlight</h1>
      <Waiting label={say("starting")} />
    </Door>
  );
}

export function Elsewhere(): ReactElement {
  return (
    <Door at="elsewhere">
      <Empty
        icon="device"
        title={say("elsewhere.title")}
        actions={
          <Button look="main" onPress={() => location.reload()}>
            {say("elsewhere.reload")}
          </Button>
        }
      >
        <p>{say("elsewhere.text")}</p>
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
