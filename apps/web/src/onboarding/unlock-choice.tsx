import type { UnlockSecret } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import type { Attempt } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { createPasskey, hasPasskeys, PasskeyError } from "./passkey.ts";

/** Letters of a passphrase below which guessing it is cheap. */
const MIN_PASSPHRASE = 12;

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
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [noPrf, setNoPrf] = useState(false);
  const isBusy = attempt.kind === "busy";
  const isShort = passphrase.length < MIN_PASSPHRASE;

  const usePasskeyNow = (): void =>
    onSecret(async () => {
      try {
        return await createPasskey(name);
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
        <Button look="main" icon="key" isDisabled={!isReady || isBusy} onPress={usePasskeyNow}>
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
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady && !isBusy && !isShort && passphrase === again) {
          onSecret(() => Promise.resolve({ kind: "passphrase", passphrase }));
        }
      }}
    >
      {noPrf ? <Banner tone="info" title={say("passkey.error.no-prf")} /> : null}
      <Field
        label={say("unlock.passphrase")}
        hint={<Say k="unlock.passphrase-hint" v={{ count: MIN_PASSPHRASE }} />}
        type="password"
        autoComplete="new-password"
        value={passphrase}
        onChange={setPassphrase}
        error={
          passphrase !== "" && isShort ? say("unlock.passphrase-short", { count: MIN_PASSPHRASE }) : null
        }
      />
      <Field
        label={say("unlock.passphrase-again")}
        type="password"
        autoComplete="new-password"
        value={again}
        onChange={setAgain}
        error={again !== "" && again !== passphrase ? say("unlock.passphrase-differs") : null}
      />
      <Button look="main" type="submit" isDisabled={!isReady || isBusy || isShort || passphrase !== again}>
        {isBusy ? say("first.working") : action}
      </Button>
      {hasPasskeys() ? (
        <Button look="quiet" onPress={() => setWay("passkey")}>
          {say("unlock.use-passkey")}
        </Button>
      ) : null}
    </form>
  );
}
