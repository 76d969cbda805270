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
import { DeviceKey } from "./device-key.tsx";

type Props = { readonly number: SafetyNumberView; readonly onClose: () => void };

/** What two people compare depends on what is new: the account, or a device of one that was compared already. */
export function SafetyNumber({ number, onClose }: Props): ReactElement {
  const { trust } = number.contact;
  return trust.kind === "changed" ? (
    <NewDevices number={number} devices={trust.newDevices} onClose={onClose} />
  ) : (
    <Digits number={number} onClose={onClose} />
  );
}

/** Each key is asked for by itself: the sixty digits are of the accounts, and the same with any device. */
function NewDevices({
  number,
  devices,
  onClose,
}: Props & { readonly devices: readonly string[] }): ReactElement {
  const ask = useAsk();
  const nameOf = useNames();
  const [place, setPlace] = useState(0);
  const [answer, setAnswer] = useState<"theirs" | "foreign" | null>(null);
  const { account } = number.contact;
  const name = nameOf(account);
  const count = devices.length;
  const device = devices[place] as string;
  const confirm = async (): Promise<void> => {
    if ((await ask("confirmDevices", { account, devices: [device] })) !== null) setAnswer("theirs");
  };
  return (
    <Panel title={say("safety.title")} onClose={onClose}>
      <Banner tone="danger" title={<Say k="safety.new" v={{ name, count }} />}>
        <p>
          <Say k="safety.new.text" v={{ name }} />
        </p>
      </Banner>
      <div key={device}>
        <p className="small soft">
          {say("safety.new.key")}
          {count === 1 ? null : (
            <>
              {" · "}
              <Say k="safety.new.place" v={{ place: place + 1, count }} />
            </>
          )}
        </p>
        <DeviceKey of={device} />
      </div>
      {answer === null ? (
        <div key={place} className="row-wrap">
          <Button look="main" icon="check" autoFocus={place > 0} onPress={() => void confirm()}>
            {say("safety.new.theirs")}
          </Button>
          <Button onPress={() => setAnswer("foreign")}>{say("safety.new.foreign")}</Button>
        </div>
      ) : (
        <>
          {answer === "theirs" ? (
            <Banner tone="good" title={<Say k="safety.new.confirmed" v={{ name }} />} isLoud />
          ) : (
            <Banner tone="danger" title={<Say k="safety.new.denied" v={{ name }} />} isLoud>
              <p>
                <Say k="safety.new.denied-text" v={{ name }} />
              </p>
            </Banner>
          )}
          <div className="row-wrap">
            {place + 1 < count ? (
              <Button
                look="main"
                autoFocus
                onPress={() => {
                  setPlace(place + 1);
                  setAnswer(null);
                }}
              >
                {say("safety.new.next")}
              </Button>
            ) : (
              <Button autoFocus onPress={onClose}>
                {say("close")}
              </Button>
            )}
          </div>
        </>
      )}
    </Panel>
  );
}

/** The same sixty digits on both sides, or somebody is in between. */
function Digits({ number, onClose }: Props): ReactElement {
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
