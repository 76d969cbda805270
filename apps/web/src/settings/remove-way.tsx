import type { UnlockSecret, UnlockWay } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import { useAttempt } from "../messenger/use.ts";
import { usePasskey } from "../onboarding/passkey.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { shownName } from "../text/marks.ts";

/**
 * A way to unlock goes, and what stays is used for it: nobody is locked out by taking away the one that still opened.
 * `rest`: the ways that stay, of a passkey that opens this device or of the passphrase; `null`: it opens nothing here.
 */
export function RemoveWay({
  name,
  rest,
  onRemove,
  onClose,
}: {
  readonly name: string;
  readonly rest: readonly UnlockWay[] | null;
  readonly onRemove: (proof: UnlockSecret | null) => Promise<void>;
  readonly onClose: () => void;
}): ReactElement {
  const [passphrase, setPassphrase] = useState("");
  const [attempt, run] = useAttempt();
  const isBusy = attempt.kind === "busy";
  const passkeys = (rest ?? []).filter((way) => way.kind === "passkey");
  const hasPassphrase = rest?.some(({ kind }) => kind === "passphrase") === true;
  return (
    <Panel title={say("passkeys.remove.title")} isAlert onClose={onClose}>
      <p>
        <Say k={rest === null ? "passkeys.remove.opens-not" : "passkeys.remove.text"} v={{ name }} />
      </p>
      {rest === null ? null : <p>{say("passkeys.remove.show")}</p>}
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      {rest === null ? (
        <Button look="danger" isBusy={isBusy} onPress={() => run(() => onRemove(null))}>
          {isBusy ? say("first.working") : say("device.remove")}
        </Button>
      ) : null}
      {passkeys.map((way) => (
        <Button
          key={way.credential}
          look="danger"
          icon="key"
          isBusy={isBusy}
          onPress={() => run(async () => await onRemove(await usePasskey(way)))}
        >
          {isBusy ? (
            say("first.working")
          ) : (
            <Say
              k="passkeys.remove.with"
              v={{ name: shownName(way.label) === "" ? say("passkeys.unnamed") : shownName(way.label) }}
            />
          )}
        </Button>
      ))}
      {hasPassphrase ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (passphrase !== "" && !isBusy) run(() => onRemove({ kind: "passphrase", passphrase }));
          }}
        >
          <Field
            label={say("unlock.passphrase")}
            type="password"
            autoComplete="current-password"
            value={passphrase}
            onChange={setPassphrase}
          />
          <Button look="danger" type="submit" isDisabled={passphrase === ""} isBusy={isBusy}>
            {isBusy ? say("first.working") : say("passkeys.remove.with-passphrase")}
          </Button>
        </form>
      ) : null}
      <div className="row-wrap">
        <Button onPress={onClose}>{say("cancel")}</Button>
      </div>
    </Panel>
  );
}
