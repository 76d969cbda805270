import type { PasskeyView, UnlockSecret, UnlockWay } from "@porchlight/client/page";
import { type ReactElement, useCallback, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAttempt, useMessenger } from "../messenger/use.ts";
import { proposedDeviceName } from "../onboarding/device-name.ts";
import { hasPasskeys, registerPasskey, usePasskey } from "../onboarding/passkey.ts";
import { PassphraseForm } from "../onboarding/passphrase-form.tsx";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { tell } from "../parts/toast.tsx";
import { shownName } from "../text/marks.ts";
import { RemoveWay } from "./remove-way.tsx";

type Known = {
  readonly id: string;
  readonly label: string;
  readonly since: number | null;
  /** Whether it opens this device, and whether the provider knows it: one of both at least. */
  readonly opens: boolean;
  readonly isRegistered: boolean;
};

const MAX_LABEL = 60;

/** What opens this device, and the further passkeys that the provider knows for this account. */
export function Passkeys(): ReactElement {
  const messenger = useMessenger();
  const [ways, setWays] = useState<readonly UnlockWay[]>([]);
  const [registered, setRegistered] = useState<readonly PasskeyView[]>([]);
  const [label, setLabel] = useState<string | null>(null);
  const [isChanging, setChanging] = useState(false);
  const [removing, setRemoving] = useState<Known | "passphrase" | null>(null);
  const [attempt, run] = useAttempt();
  const read = useCallback(async () => {
    setWays(await messenger.perform("unlockWays").catch(() => []));
    setRegistered(await messenger.perform("passkeys").catch(() => []));
  }, [messenger]);
  useEffect(() => void read(), [read]);
  const known = knownPasskeys(ways, registered);
  const hasPassphrase = ways.some(({ kind }) => kind === "passphrase");
  const name = label ?? freeName(known);
  const add = (): void =>
    run(async () => {
      const { options } = await messenger.perform("beginPasskey");
      const { response, secret } = await registerPasskey(options);
      await messenger.perform("finishPasskey", { response, label: name.trim() });
      if (secret !== null) await messenger.perform("addUnlockWay", { ...secret, label: name.trim() });
      tell({ text: secret === null ? say("passkeys.added-no-prf") : say("passkeys.added") });
      setLabel(null);
      await read();
    });
  const remove = async (proof: UnlockSecret | null): Promise<void> => {
    if (removing === null) return;
    try {
      if (removing !== "passphrase" && removing.isRegistered) {
        await messenger.perform("removePasskey", { passkey: removing.id, proof });
      } else if (proof !== null) {
        const credential = removing === "passphrase" ? null : removing.id;
        await messenger.perform("removeUnlockWay", { credential, proof });
      }
      setRemoving(null);
    } finally {
      // Where the provider refuses it is gone from this device all the same.
      await read();
    }
  };
  const going = known.find(({ id }) => removing !== "passphrase" && id === removing?.id) ?? removing;
  return (
    <div className="stack-tight">
      <h3>{say("passkeys.title")}</h3>
      <p className="soft">{say("passkeys.text")}</p>
      <ul className="stack-tight">
        {known.map((passkey) => (
          <li key={passkey.id} className="person row">
            <Icon name="key" />
            <span className="grow">
              <bdi className="block">{shownName(passkey.label) || say("passkeys.unnamed")}</bdi>
              <span className="small soft block">
                {passkey.since === null ? null : (
                  <>
                    <Say k="device.since" v={{ date: utcDate(Math.floor(passkey.since / 86_400)) }} />
                    {". "}
                  </>
                )}
                {say(passkey.opens ? "passkeys.opens" : "passkeys.opens-not")}
              </span>
            </span>
            <Button
              look="quiet"
              isDisabled={passkey.opens && ways.length === 1}
              onPress={() => setRemoving(passkey)}
            >
              {say("device.remove")}
            </Button>
          </li>
        ))}
        {hasPassphrase ? (
          <li className="person row">
            <Icon name="lock" />
            <span className="grow">
              <span className="block">{say("unlock.passphrase")}</span>
              <span className="small soft block">{say("passkeys.opens")}</span>
            </span>
            <Button look="quiet" onPress={() => setChanging(true)}>
              {say("passphrase.change")}
            </Button>
            <Button look="quiet" isDisabled={ways.length === 1} onPress={() => setRemoving("passphrase")}>
              {say("device.remove")}
            </Button>
          </li>
        ) : null}
      </ul>
      {ways.length === 1 ? <p className="small soft">{say("passkeys.last")}</p> : null}
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      {hasPasskeys() ? (
        <Field
          label={say("passkeys.name")}
          hint={say("passkeys.name-hint")}
          value={name}
          onChange={setLabel}
          maxLength={MAX_LABEL}
          action={
            <Button icon="key" isDisabled={name.trim() === ""} isBusy={attempt.kind === "busy"} onPress={add}>
              {say("passkeys.add")}
            </Button>
          }
        />
      ) : null}
      {hasPassphrase ? null : (
        <div className="row-wrap">
          <Button icon="lock" onPress={() => setChanging(true)}>
            {say("passphrase.add")}
          </Button>
        </div>
      )}
      {going === null ? null : (
        <RemoveWay
          name={
            going === "passphrase"
              ? say("unlock.passphrase")
              : shownName(going.label) || say("passkeys.unnamed")
          }
          rest={restWithout(going, ways)}
          onRemove={remove}
          onClose={() => setRemoving(null)}
        />
      )}
      {isChanging ? (
        <NewPassphrase
          before={hasPassphrase ? ways : null}
          onDone={() => {
            setChanging(false);
            tell({ text: say("passphrase.saved") });
            void read();
          }}
          onClose={() => setChanging(false)}
        />
      ) : null}
    </div>
  );
}

/**
 * `before`: the ways that there are, of which one is used first: whoever finds the device open does not lock its person out;
 * `null` where no passphrase is replaced.
 */
function NewPassphrase({
  before,
  onDone,
  onClose,
}: {
  readonly before: readonly UnlockWay[] | null;
  readonly onDone: () => void;
  readonly onClose: () => void;
}): ReactElement {
  const messenger = useMessenger();
  const [attempt, run] = useAttempt();
  const [old, setOld] = useState("");
  const [shown, setShown] = useState<{ readonly name: string; readonly secret: UnlockSecret } | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const isBusy = attempt.kind === "busy";
  const passkeys = (before ?? []).filter((way) => way.kind === "passkey");
  /** Its button goes with it: whoever pressed that goes on in the field. */
  const show = async (way: (typeof passkeys)[number], name: string): Promise<void> => {
    const secret = await usePasskey(way);
    flushSync(() => setShown({ name, secret }));
    field.current?.focus();
  };
  const proof = shown?.secret ?? { kind: "passphrase" as const, passphrase: old };
  return (
    <Panel title={say(before === null ? "passphrase.add" : "passphrase.change-title")} onClose={onClose}>
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <PassphraseForm
        label={say(before === null ? "unlock.passphrase" : "passphrase.new")}
        input={field}
        action={say("save")}
        isReady={before === null || shown !== null || old !== ""}
        isBusy={isBusy}
        onPassphrase={(passphrase) =>
          run(async () => {
            const secret = { kind: "passphrase" as const, passphrase };
            await messenger.perform("addUnlockWay", before === null ? secret : { ...secret, proof });
            onDone();
          })
        }
        above={
          before === null ? null : shown !== null ? (
            <p role="status">
              <Say k="passphrase.shown" v={{ name: shown.name }} />
            </p>
          ) : (
            <>
              <Field
                label={say("passphrase.old")}
                {...(passkeys.length === 0 ? {} : { hint: say("passphrase.old-hint") })}
                type="password"
                autoComplete="current-password"
                value={old}
                onChange={setOld}
              />
              {passkeys.map((way) => {
                const name = shownName(way.label) || say("passkeys.unnamed");
                return (
                  <Button
                    key={way.credential}
                    icon="key"
                    isBusy={isBusy}
                    onPress={() => run(() => show(way, name))}
                  >
                    <Say k="passphrase.show-with" v={{ name }} />
                  </Button>
                );
              })}
            </>
          )
        }
      />
    </Panel>
  );
}

/** What unlocks this device without it; `null` where it does not. */
function restWithout(one: Known | "passphrase", ways: readonly UnlockWay[]): readonly UnlockWay[] | null {
  if (one === "passphrase") return ways.filter(({ kind }) => kind !== "passphrase");
  if (!one.opens) return null;
  return ways.filter((way) => way.kind !== "passkey" || way.credential !== one.id);
}

function knownPasskeys(ways: readonly UnlockWay[], registered: readonly PasskeyView[]): readonly Known[] {
  const here = ways.flatMap((way): Known[] => {
    if (way.kind !== "passkey") return [];
    const there = registered.find(({ id }) => id === way.credential);
    const label = way.label || (there?.label ?? "");
    const since = way.made ?? there?.created ?? null;
    return [{ id: way.credential, label, since, opens: true, isRegistered: there !== undefined }];
  });
  const others = registered
    .filter(({ id }) => !here.some((one) => one.id === id))
    .map(({ id, label, created }) => ({ id, label, since: created, opens: false, isRegistered: true }));
  return [...here, ...others];
}

/** The browser and system where it is made, told apart from those that there are. */
function freeName(known: readonly Known[]): string {
  const name = proposedDeviceName();
  const isFree = (one: string): boolean => !known.some(({ label }) => label === one);
  if (isFree(name)) return name;
  for (let n = 2; ; n++) if (isFree(`${name} ${n}`)) return `${name} ${n}`;
}
