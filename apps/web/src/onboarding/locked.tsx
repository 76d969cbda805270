import type { AppState } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import { useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Avatar } from "../parts/name.tsx";
import { shownName } from "../text/marks.ts";
import { Door } from "./door.tsx";
import { usePasskey } from "./passkey.ts";
import { StartOver } from "./start-over.tsx";

/** A device that is there and closed: everything on it is encrypted until its person comes. */
export function Locked({ state }: { readonly state: Extract<AppState, { kind: "locked" }> }): ReactElement {
  const messenger = useMessenger();
  const [passphrase, setPassphrase] = useState("");
  const [attempt, run] = useAttempt();
  const passkeys = state.ways.filter((way) => way.kind === "passkey");
  const hasPassphrase = state.ways.some(({ kind }) => kind === "passphrase");
  const isBusy = attempt.kind === "busy";
  return (
    <Door at="locked">
      <div className="row">
        <Avatar name={state.name} seed={state.account} large />
        <div className="grow">
          <h1>{say("locked.title")}</h1>
          <p className="soft">
            <Say k="locked.text" v={{ name: shownName(state.name) }} />
          </p>
        </div>
      </div>
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      {passkeys.map((way) => (
        <Button
          key={way.credential}
          look="main"
          icon="key"
          isBusy={isBusy}
          onPress={() => run(async () => await messenger.perform("unlock", await usePasskey(way)))}
        >
          {isBusy ? (
            say("first.working")
          ) : passkeys.length > 1 && shownName(way.label) !== "" ? (
            <Say k="locked.passkey-named" v={{ name: shownName(way.label) }} />
          ) : (
            say("locked.passkey")
          )}
        </Button>
      ))}
      {hasPassphrase ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (passphrase === "" || isBusy) return;
            run(async () => {
              await messenger.perform("unlock", { kind: "passphrase", passphrase });
            });
          }}
        >
          <Field
            label={say("unlock.passphrase")}
            type="password"
            autoComplete="current-password"
            value={passphrase}
            onChange={setPassphrase}
          />
          <Button
            look={passkeys.length === 0 ? "main" : "plain"}
            type="submit"
            isDisabled={passphrase === ""}
            isBusy={isBusy}
          >
            {isBusy ? say("first.working") : say("locked.unlock")}
          </Button>
        </form>
      ) : null}
      <StartOver words={say("locked.lost")} />
    </Door>
  );
}
