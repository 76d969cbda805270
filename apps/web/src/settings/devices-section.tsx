import type { DeviceView, PairingHostView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { codeText } from "../i18n/errors.ts";
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

/** A new device waits at the other end, or is about to: the code, the digits, this person's yes, and what became of it. */
function AddDevice({ onClose }: { readonly onClose: () => void }): ReactElement {
  const messenger = useMessenger();
  const { pairing } = useReady();
  const ask = useAsk();
  const [code, setCode] = useState("");
  const [attempt, run] = useAttempt();
  const end = (intent: "stopPairing" | "closePairing"): void => {
    void ask(intent);
    onClose();
  };
  switch (pairing?.kind) {
    case "waiting":
      return <Awaited onStop={() => end("stopPairing")} />;
    case "compare":
      // Other digits, other buttons: none that is being pressed already means them.
      return <Compare key={pairing.digits} pairing={pairing} />;
    case "letting-in":
    case "sending":
      return <Coming pairing={pairing} />;
    case "refused":
    case "failed":
    case "unsure":
    case "in":
      return <Outcome pairing={pairing} onClose={() => end("closePairing")} />;
  }
  const approve = (shown: string): void =>
    run(async () => await messenger.perform("approveDevice", { code: shown.trim() }));
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
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
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

type Pairing<Kind extends PairingHostView["kind"]> = Extract<PairingHostView, { kind: Kind }>;

function nameOf({ deviceName }: { readonly deviceName: string }): string {
  return shownName(deviceName) || say("device.unnamed");
}

/** The code was taken up; its device has not answered. */
function Awaited({ onStop }: { readonly onStop: () => void }): ReactElement {
  return (
    <Panel title={say("device.add")} isAlert onClose={onStop}>
      <p role="status">{say("device.awaited")}</p>
      <Progress label={say("device.awaited")} done={0} total={null} />
      <div className="row-wrap">
        <Button onPress={onStop}>{say("cancel")}</Button>
      </div>
    </Panel>
  );
}

function Compare({ pairing }: { readonly pairing: Pairing<"compare"> }): ReactElement {
  const messenger = useMessenger();
  const [withHistory, setHistory] = useState(true);
  const [attempt, run] = useAttempt();
  const { digits } = pairing;
  const answer = (yes: boolean): void =>
    run(async () => await messenger.perform("confirmDevice", { digits, yes, history: yes && withHistory }));
  return (
    <Panel title={say("device.add")} isAlert onClose={() => answer(false)}>
      <p>
        <Say k="device.compare" v={{ name: nameOf(pairing) }} />
      </p>
      <Digits digits={digits} />
      <Toggle isSelected={withHistory} onChange={setHistory} hint={say("device.history-hint")}>
        {say("device.history")}
      </Toggle>
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <div className="row-wrap">
        <Button look="main" isBusy={attempt.kind === "busy"} onPress={() => answer(true)}>
          {attempt.kind === "busy" ? say("first.working") : say("device.approve")}
        </Button>
        <Button onPress={() => answer(false)}>{say("device.refuse")}</Button>
      </div>
    </Panel>
  );
}

/** It is decided: the device comes in, and then what this one has goes over. */
function Coming({ pairing }: { readonly pairing: Pairing<"letting-in" | "sending"> }): ReactElement {
  const ask = useAsk();
  const name = nameOf(pairing);
  const isIn = pairing.kind === "sending";
  const isHistory = isIn && pairing.withHistory;
  const title = say(isHistory ? "device.sending.title" : "device.letting-in.title");
  return (
    <Panel title={title} isAlert onClose={null}>
      <p role="status">
        {isHistory ? (
          <Say k="device.sending" v={{ name }} />
        ) : isIn ? (
          <Say k="device.sending-little" v={{ name }} />
        ) : (
          <Say k="device.letting-in" v={{ name }} />
        )}
      </p>
      <Progress label={title} done={isIn ? pairing.done : 0} total={isIn ? pairing.total : null} />
      <p className="small soft">
        {isHistory
          ? say("device.sending.stop-hint")
          : say(isIn ? "device.sending-little.stop-hint" : "device.letting-in.stop-hint")}
      </p>
      <div className="row-wrap">
        <Button onPress={() => void ask("stopPairing")}>
          {say(isIn ? "device.sending.stop" : "device.letting-in.stop")}
        </Button>
      </div>
    </Panel>
  );
}

function Outcome({
  pairing,
  onClose,
}: {
  readonly pairing: Pairing<"refused" | "failed" | "unsure" | "in">;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Panel title={say("device.add")} onClose={onClose}>
      <OutcomeBanner pairing={pairing} />
      <div className="row-wrap">
        <Button autoFocus onPress={onClose}>
          {say("close")}
        </Button>
      </div>
    </Panel>
  );
}

function OutcomeBanner({
  pairing,
}: {
  readonly pairing: Pairing<"refused" | "failed" | "unsure" | "in">;
}): ReactElement {
  const { me } = useReady();
  const name = nameOf(pairing);
  if (pairing.kind === "refused") {
    return (
      <Banner tone="danger" isLoud title={say("device.refused")}>
        <p>{say("device.refused.next")}</p>
      </Banner>
    );
  }
  if (pairing.kind === "failed") {
    return (
      <Banner tone="danger" isLoud title={say("device.refused")}>
        <p>{codeText(pairing.code)}</p>
      </Banner>
    );
  }
  if (pairing.kind === "unsure") {
    const isListed = me.devices.some(({ key }) => key === pairing.device);
    return (
      <Banner tone="danger" isLoud title={say(isListed ? "device.unsure-in" : "device.unsure")}>
        <p>
          <Say k={isListed ? "device.unsure-in.next" : "device.unsure.next"} v={{ name }} />
        </p>
      </Banner>
    );
  }
  const { sent, withHistory } = pairing;
  switch (sent.kind) {
    case "whole":
      return (
        <Banner tone="good" title={say("device.added")}>
          <p>
            <Say k={withHistory ? "device.added.whole" : "device.added.without"} v={{ name }} />
          </p>
        </Banner>
      );
    case "stopped":
      return (
        <Banner title={say("device.added")}>
          <p>{say(withHistory ? "device.added.stopped" : "device.added.stopped-little")}</p>
        </Banner>
      );
    case "broken":
      return (
        <Banner
          tone="danger"
          isLoud
          title={say(withHistory ? "device.history-broken" : "device.little-broken")}
        >
          <p>
            {codeText(sent.code)} {say("device.history-broken.next")}
          </p>
        </Banner>
      );
  }
}
