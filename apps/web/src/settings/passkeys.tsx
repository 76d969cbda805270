import type { PasskeyView } from "@porchlight/client/page";
import { type ReactElement, useCallback, useEffect, useState } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useAttempt, useMessenger, useReady } from "../messenger/use.ts";
import { hasPasskeys, registerPasskey } from "../onboarding/passkey.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { tell } from "../parts/toast.tsx";
import { shownName } from "../text/marks.ts";

/** Passkeys that the provider knows for this account; a new one unlocks this device too. */
export function Passkeys(): ReactElement {
  const { me } = useReady();
  const messenger = useMessenger();
  const ask = useAsk();
  const [passkeys, setPasskeys] = useState<readonly PasskeyView[]>([]);
  const [attempt, run] = useAttempt();
  const read = useCallback(async () => {
    setPasskeys(await messenger.perform("passkeys").catch(() => []));
  }, [messenger]);
  useEffect(() => void read(), [read]);
  const add = (): void =>
    run(async () => {
      const { options } = await messenger.perform("beginPasskey");
      const { response, secret } = await registerPasskey(options);
      await messenger.perform("finishPasskey", { response, label: me.name });
      if (secret !== null) await messenger.perform("addUnlockWay", secret);
      tell({ text: secret === null ? say("passkeys.added-no-prf") : say("passkeys.added") });
      await read();
    });
  return (
    <div className="stack-tight">
      <h3>{say("passkeys.title")}</h3>
      <p className="soft">{say("passkeys.text")}</p>
      <ul className="stack-tight">
        {passkeys.map((passkey) => (
          <li key={passkey.id} className="person row">
            <Icon name="key" />
            <span className="grow">
              <bdi className="block">{shownName(passkey.label)}</bdi>
              <span className="small soft">
                <Say k="device.since" v={{ date: utcDate(Math.floor(passkey.created / 86_400)) }} />
              </span>
            </span>
            <Button
              look="quiet"
              onPress={() => void ask("removePasskey", { passkey: passkey.id }).then(read)}
            >
              {say("device.remove")}
            </Button>
          </li>
        ))}
      </ul>
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <div className="row-wrap">
        <Button icon="key" isDisabled={!hasPasskeys() || attempt.kind === "busy"} onPress={add}>
          {say("passkeys.add")}
        </Button>
      </div>
    </div>
  );
}
