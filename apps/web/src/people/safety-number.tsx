import type { SafetyNumberView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useNames } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Qr } from "../parts/qr.tsx";
import { Scan } from "../scan/scan.tsx";

/** The same sixty digits on both sides, or somebody is in between. */
export function SafetyNumber({
  number,
  onClose,
}: {
  readonly number: SafetyNumberView;
  readonly onClose: () => void;
}): ReactElement {
  const ask = useAsk();
  const nameOf = useNames();
  const [scanned, setScanned] = useState("");
  const [matches, setMatches] = useState<boolean | null>(null);
  const { contact } = number;
  const name = nameOf(contact.account);
  const verify = async (text: string | null): Promise<void> => {
    const answer = await ask("verifyContact", { account: contact.account, scanned: text });
    if (answer !== null) setMatches(answer.matches);
  };
  /** What was compared before does not hold any more, and the person is told what that means. */
  const deny = async (): Promise<void> => {
    if (contact.trust.kind !== "unverified") await ask("unverifyContact", { account: contact.account });
    setMatches(false);
  };
  return (
    <Panel title={say("safety.title")} onClose={onClose}>
      <p>
        <Say k="safety.text" v={{ name }} />
      </p>
      {contact.trust.kind === "changed" ? <Banner tone="danger" title={say("safety.changed")} /> : null}
      <div className="safety">
        <ol className="safety-digits" aria-label={say("safety.digits")}>
          {number.digits.split(/\s+/).map((group, i) => (
            <li key={i}>{group}</li>
          ))}
        </ol>
        <Qr text={number.qr} label={say("safety.qr")} />
      </div>
      {matches === null ? (
        <>
          <div className="row-wrap">
            <Button look="main" icon="check" onPress={() => void verify(null)}>
              {say("safety.same")}
            </Button>
            <Button onPress={() => void deny()}>{say("safety.different")}</Button>
            <Scan wanted="safety-number" onFound={(text) => void verify(text)} />
            {contact.trust.kind === "unverified" ? null : (
              <Button
                look="quiet"
                onPress={() => void ask("unverifyContact", { account: contact.account }).then(onClose)}
              >
                {say("safety.unverify")}
              </Button>
            )}
          </div>
          <details className="small">
            <summary>{say("safety.scanned")}</summary>
            <Field
              label={say("safety.scanned-label")}
              value={scanned}
              onChange={setScanned}
              action={
                <Button isDisabled={scanned.trim() === ""} onPress={() => void verify(scanned.trim())}>
                  {say("safety.check")}
                </Button>
              }
            />
          </details>
        </>
      ) : matches ? (
        <Banner tone="good" title={<Say k="safety.verified" v={{ name }} />} isLoud />
      ) : (
        <Banner tone="danger" title={<Say k="safety.mismatch" v={{ name }} />} isLoud>
          <p>{say("safety.mismatch-text")}</p>
        </Banner>
      )}
      {matches === null ? null : (
        <div className="row-wrap">
          <Button autoFocus onPress={onClose}>
            {say("close")}
          </Button>
        </div>
      )}
    </Panel>
  );
}
