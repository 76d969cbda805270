import type { UnlockSecret } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
import type { Attempt } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { proposedDeviceName } from "./device-name.ts";
import { createOrReusePasskey, hasPasskeys, PasskeyError } from "./passkey.ts";
import { PassphraseForm } from "./passphrase-form.tsx";

/** How this device will be unlocked: a passkey where there are any, else a passphrase. */
export function UnlockChoice({
  name,
  action,
  actionWithPasskey = action,
  attempt,
  isReady,
  onSecret,
}: {
  readonly name: string;
  /** What the button says that does it. */
  readonly action: string;
  /** The same where it is a passkey. */
  readonly actionWithPasskey?: string;
  readonly attempt: Attempt;
  readonly isReady: boolean;
  readonly onSecret: (secret: () => Promise<UnlockSecret>) => void;
}): ReactElement {
  const [way, setWay] = useState<"passkey" | "passphrase">(hasPasskeys() ? "passkey" : "passphrase");
  const [noPrf, setNoPrf] = useState(false);
  const isBusy = attempt.kind === "busy";

  const usePasskeyNow = (): void =>
    onSecret(async () => {
      try {
        return { ...(await createOrReusePasskey(name)), label: proposedDeviceName() };
      } catch (error) {
        if (error instanceof PasskeyError && error.code === "no-prf") {
          setNoPrf(true);
          setWay("passphrase");
        }
        throw error;
      }
    });

  if (way === "passkey") {
    return (
      <div className="stack-tight">
        <Button look="main" icon="key" isDisabled={!isReady} isBusy={isBusy} onPress={usePasskeyNow}>
          {isBusy ? say("first.working") : actionWithPasskey}
        </Button>
        <p className="small soft">{say("unlock.passkey-text")}</p>
        <Button look="quiet" onPress={() => setWay("passphrase")}>
          {say("unlock.use-passphrase")}
        </Button>
      </div>
    );
  }
  return (
    <PassphraseForm
      action={action}
      isReady={isReady}
      isBusy={isBusy}
      onPassphrase={(passphrase) => onSecret(() => Promise.resolve({ kind: "passphrase", passphrase }))}
      above={noPrf ? <Banner tone="info" title={say("passkey.error.no-prf")} /> : null}
      below={
        hasPasskeys() ? (
          <Button look="quiet" onPress={() => setWay("passkey")}>
            {say("unlock.use-passkey")}
          </Button>
        ) : null
      }
    />
  );
}
