import { type ReactElement, type ReactNode, type Ref, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";

/** Letters of a passphrase below which guessing it is cheap. */
const MIN_PASSPHRASE = 12;

/** A new passphrase, twice. */
export function PassphraseForm({
  label = say("unlock.passphrase"),
  input = null,
  action,
  isReady,
  isBusy,
  onPassphrase,
  above,
  below,
}: {
  readonly label?: string;
  /** Where it is written first. */
  readonly input?: Ref<HTMLInputElement>;
  /** What the button says that does it. */
  readonly action: string;
  readonly isReady: boolean;
  readonly isBusy: boolean;
  readonly onPassphrase: (passphrase: string) => void;
  readonly above?: ReactNode;
  readonly below?: ReactNode;
}): ReactElement {
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const isShort = passphrase.length < MIN_PASSPHRASE;
  const isGood = isReady && !isShort && passphrase === again;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (isGood && !isBusy) onPassphrase(passphrase);
      }}
    >
      {above}
      <Field
        label={label}
        input={input}
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
      <Button look="main" type="submit" isDisabled={!isGood} isBusy={isBusy}>
        {isBusy ? say("first.working") : action}
      </Button>
      {below}
    </form>
  );
}
