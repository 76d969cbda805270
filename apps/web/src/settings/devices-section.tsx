import type { DeviceView, PairingHostView } from "@porchlight/client/page";
import { type ReactElement, useRef, useState } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useAttempt, useMessenger, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Digits } from "../parts/digits.tsx";
import { Field, Toggle } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Progress } from "../parts/progress.tsx";
import { tell } from "../parts/toast.tsx";
import { DeviceKey } from "../people/device-key.tsx";
import { Scan } from "../scan/scan.tsx";
import { shownName } from "../text/marks.ts";
import { Passkeys } from "./passkeys.tsx";

export function DevicesSection(): ReactElement {
  const { me, pairing, connection } = useReady();
  const ask = useAsk();
  const [isNaming, setNaming] = useState(false);
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<DeviceView | null>(null);
  return (
    <>
      <p className="soft">{say("devices.text")}</p>
      {connection.kind === "online" ? null : (
        <p className="small soft" role="status">
          {me.devicesAt === null ? (
            say("devices.not-known")
          ) : (
            <Say k="devices.as-of" v={{ date: utcDate(Math.floor(me.devicesAt / 86_400)) }} />
          )}
        </p>
      )}
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
              <DeviceKey of={device.key} />
              <Sessions device={device} />
            </div>
            {device.isThis ? (
              <Button look="quiet" onPress={() => setNaming(true)}>
                {say("device.rename")}
              </Button>
            ) : (
              <Button look="quiet" onPress={() => setRemoving(device)}>
                {say("device.remove")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {me.holdsIdentity ? null : <p className="small soft">{say("device.no-identity")}</p>}
      <div className="row-wrap">
        <Button icon="add" isDisabled={!me.holdsIdentity} onPress={() => setAdding(true)}>
          {say("device.add")}
        </Button>
        <Button icon="lock" onPress={() => void ask("lock")}>
          {say("device.lock")}
        </Button>
      </div>
      <Passkeys />
      {isNaming ? (
        <NameDevice
          name={me.devices.find(({ isThis }) => isThis)?.name ?? ""}
          onClose={() => setNaming(false)}
        />
      ) : null}
      {isAdding || pairing !== null ? <AddDevice onClose={() => setAdding(false)} /> : null}
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

/** What the person's other devices call this one. */
function NameDevice({
  name,
  onClose,
}: {
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  const messenger = useMessenger();
  const [typed, setTyped] = useState(name);
  const [attempt, run] = useAttempt();
  const isGood = typed.trim() !== "" && typed.trim() !== name;
  return (
    <Panel title={say("device.rename.title")} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isGood || attempt.kind === "busy") return;
          run(async () => {
            await messenger.perform("nameDevice", { name: typed.trim() });
            tell({ text: say("saved") });
            onClose();
          });
        }}
      >
        <Field
          label={say("device.name")}
          hint={say("device.name-hint")}
          value={typed}
          onChange={setTyped}
          maxLength={60}
          autoFocus
        />
        {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
        <Button look="main" type="submit" isDisabled={!isGood} isBusy={attempt.kind === "busy"}>
          {attempt.kind === "busy" ? say("first.working") : say("save")}
        </Button>
      </form>
    </Panel>
  );
}

/** Where this device is logged in; another one than the present session can be ended alone. */
function Sessions({ device }: { readonly device: DeviceView }): ReactElement | null {
  const ask = useAsk();
  if (device.sessions.length < 2) return null;
  return (
    <details className="small">
      <summary>{say("sessions", { count: device.sessions.length })}</summary>
      <ul className="stack-tight">
        {device.sessions.map((session) => (
          <li key={session.id} className="row spread">
            <Say k="session.used" v={{ date: utcDate(Math.floor(session.lastUsed / 86_400)) }} />
            {session.isThis ? null : (
              <Button look="quiet" onPress={() => void ask("endSession", { session: session.id })}>
                {say("session.end")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** A new device waits at the other end, or is about to: the code, the digits, this person's yes, and what goes over. */
function AddDevice({ onClose }: { readonly onClose: () => void }): ReactElement {
  const messenger = useMessenger();
  const { pairing } = useReady();
  const [code, setCode] = useState("");
  const [withHistory, setHistory] = useState(true);
  const [isRefused, setRefused] = useState(false);
  /** It was let in, whatever became of the history. */
  const isIn = useRef(false);
  if (pairing?.kind === "sending") isIn.current = true;
  const [attempt, run] = useAttempt();
  const answer = (yes: boolean): void =>
    run(async () => {
      await messenger.perform("confirmDevice", { yes, history: yes && withHistory });
      if (!yes) return setRefused(true);
      tell({ text: say("device.added") });
      onClose();
    });
  const approve = (shown: string): void =>
    run(async () => await messenger.perform("approveDevice", { code: shown.trim() }));
  const refusal = attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null;
  const close = (
    <div className="row-wrap">
      <Button onPress={onClose}>{say("close")}</Button>
    </div>
  );
  if (isRefused) {
    return (
      <Panel title={say("device.add")} onClose={onClose}>
        <Banner tone="danger" isLoud title={say("device.refused")}>
          <p>{say("device.refused.next")}</p>
        </Banner>
        {close}
      </Panel>
    );
  }
  if (pairing === null && isIn.current && attempt.kind === "refused") {
    return (
      <Panel title={say("device.add")} onClose={onClose}>
        <Banner tone="danger" isLoud title={say("device.history-broken")}>
          <p>
            {attempt.text} {say("device.history-broken.next")}
          </p>
        </Banner>
        {close}
      </Panel>
    );
  }
  if (pairing?.kind === "letting-in" || pairing?.kind === "sending") {
    return <LettingIn pairing={pairing} />;
  }
  if (pairing !== null) {
    return (
      <Panel title={say("device.add")} isAlert onClose={() => answer(false)}>
        <p>
          <Say k="device.compare" v={{ name: shownName(pairing.deviceName) || say("device.unnamed") }} />
        </p>
        <Digits digits={pairing.digits} />
        <Toggle isSelected={withHistory} onChange={setHistory} hint={say("device.history-hint")}>
          {say("device.history")}
        </Toggle>
        {refusal}
        <div className="row-wrap">
          <Button look="main" isBusy={attempt.kind === "busy"} onPress={() => answer(true)}>
            {attempt.kind === "busy" ? say("first.working") : say("device.approve")}
          </Button>
          <Button onPress={() => answer(false)}>{say("device.refuse")}</Button>
        </div>
      </Panel>
    );
  }
  return (
    <Panel title={say("device.add")} onClose={onClose}>
      <ol className="steps">
        <li>
          <span>
            <Say k="device.add.step-1" v={{ address: <code className="break">{location.origin}</code> }} />
          </span>
        </li>
        <li>{say("device.add.step-2")}</li>
        <li>{say("device.add.step-3")}</li>
      </ol>
      <Field
        label={say("device.code")}
        value={code}
        onChange={setCode}
        autoComplete="off"
        autoFocus
        action={<Scan wanted="pairing" isBusy={attempt.kind === "busy"} onFound={approve} />}
      />
      {refusal}
      <Button
        look="main"
        isDisabled={code.trim() === ""}
        isBusy={attempt.kind === "busy"}
        onPress={() => approve(code)}
      >
        {attempt.kind === "busy" ? say("first.working") : say("device.next")}
      </Button>
    </Panel>
  );
}

/** It is decided: the device comes in, and then what this one has goes over. */
function LettingIn({
  pairing,
}: {
  readonly pairing: Exclude<PairingHostView, { kind: "compare" }>;
}): ReactElement {
  const ask = useAsk();
  const name = shownName(pairing.deviceName) || say("device.unnamed");
  const isSending = pairing.kind === "sending";
  const stop = (): void => void ask("stopHistory");
  return (
    <Panel
      title={isSending ? say("device.sending.title") : say("device.letting-in.title")}
      isAlert
      onClose={null}
    >
      <p role="status">
        {isSending ? <Say k="device.sending" v={{ name }} /> : <Say k="device.letting-in" v={{ name }} />}
      </p>
      <Progress
        label={isSending ? say("device.sending.title") : say("device.letting-in.title")}
        done={isSending ? pairing.done : 0}
        total={isSending ? pairing.total : null}
      />
      {isSending ? (
        <>
          <p className="small soft">{say("device.sending.stop-hint")}</p>
          <div className="row-wrap">
            <Button onPress={stop}>{say("device.sending.stop")}</Button>
          </div>
        </>
      ) : null}
    </Panel>
  );
}
