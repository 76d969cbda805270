import type { DeviceView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useAttempt, useMessenger, useReady } from "../messenger/use.ts";
import { createPasskey, hasPasskeys } from "../onboarding/passkey.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field, Toggle } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { tell } from "../parts/toast.tsx";
import { shownName } from "../text/marks.ts";

export function DevicesSection(): ReactElement {
  const { me } = useReady();
  const ask = useAsk();
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<DeviceView | null>(null);
  return (
    <>
      <p className="soft">{say("devices.text")}</p>
      <ul className="stack-tight">
        {me.devices.map((device) => (
          <li key={device.key} className="person row">
            <Icon name="device" />
            <div className="grow">
              <p className="strong">
                <bdi>{shownName(device.name) || say("device.unnamed")}</bdi>{" "}
                {device.isThis ? <span className="badge badge-quiet">{say("device.this")}</span> : null}
              </p>
              <p className="small soft">
                <Say k="device.since" v={{ date: utcDate(Math.floor(device.since / 86_400)) }} />
              </p>
              <code className="small device-key">{device.key.slice(0, 16)}…</code>
            </div>
            {device.isThis ? null : (
              <Button look="quiet" onPress={() => setRemoving(device)}>
                {say("device.remove")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <div className="row-wrap">
        <Button icon="add" onPress={() => setAdding(true)}>
          {say("device.add")}
        </Button>
        <Button icon="lock" onPress={() => void ask("lock")}>
          {say("device.lock")}
        </Button>
      </div>
      <Passkeys />
      {isAdding ? <AddDevice onClose={() => setAdding(false)} /> : null}
      {removing === null ? null : (
        <Panel title={say("device.remove.title")} isAlert onClose={() => setRemoving(null)}>
          <p>
            <Say k="device.remove.text" v={{ name: shownName(removing.name) || say("device.unnamed") }} />
          </p>
          <div className="row-wrap">
            <Button
              look="danger"
              onPress={() => {
                setRemoving(null);
                void ask("removeDevice", { device: removing.key });
              }}
            >
              {say("device.remove")}
            </Button>
            <Button onPress={() => setRemoving(null)}>{say("cancel")}</Button>
          </div>
        </Panel>
      )}
    </>
  );
}

/** Further ways to unlock this device. */
function Passkeys(): ReactElement {
  const { me } = useReady();
  const messenger = useMessenger();
  const [attempt, run] = useAttempt();
  return (
    <div className="stack-tight">
      <h3>{say("passkeys.title")}</h3>
      <p className="soft">{say("passkeys.text")}</p>
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <div className="row-wrap">
        <Button
          icon="key"
          isDisabled={!hasPasskeys() || attempt.kind === "busy"}
          onPress={() =>
            run(async () => {
              await messenger.perform("addUnlockWay", await createPasskey(me.name));
              tell({ text: say("passkeys.added") });
            })
          }
        >
          {say("passkeys.add")}
        </Button>
      </div>
    </div>
  );
}

function AddDevice({ onClose }: { readonly onClose: () => void }): ReactElement {
  const messenger = useMessenger();
  const [code, setCode] = useState("");
  const [withHistory, setHistory] = useState(true);
  const [attempt, run] = useAttempt();
  return (
    <Panel title={say("device.add")} onClose={onClose}>
      <ol className="steps">
        <li>{say("device.add.step-1")}</li>
        <li>{say("device.add.step-2")}</li>
        <li>{say("device.add.step-3")}</li>
      </ol>
      <Field label={say("device.code")} value={code} onChange={setCode} autoComplete="off" autoFocus />
      <Toggle isSelected={withHistory} onChange={setHistory} hint={say("device.history-hint")}>
        {say("device.history")}
      </Toggle>
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <Button
        look="main"
        isDisabled={code.trim() === "" || attempt.kind === "busy"}
        onPress={() =>
          run(async () => {
            await messenger.perform("approveDevice", { code: code.trim() });
            tell({ text: say("device.added") });
            onClose();
          })
        }
      >
        {attempt.kind === "busy" ? say("first.working") : say("device.approve")}
      </Button>
    </Panel>
  );
}
