import type { AppState, DeploymentView, PairingGuestView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { codeText } from "../i18n/errors.ts";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Digits } from "../parts/digits.tsx";
import { Field } from "../parts/field.tsx";
import { Link } from "../parts/link.tsx";
import { Progress } from "../parts/progress.tsx";
import { Qr } from "../parts/qr.tsx";
import { proposedDeviceName } from "./device-name.ts";
import { Door } from "./door.tsx";
import { invitationIn, takeInvitation } from "./invitation.ts";
import { UnlockChoice } from "./unlock-choice.tsx";

type Way = "invitation" | "pair" | "restore";

/** No device here yet: three ways in, the invitation first. */
export function SignedOut({
  state,
}: {
  readonly state: Extract<AppState, { kind: "signed-out" }>;
}): ReactElement {
  const [way, setWay] = useState<Way>(state.pairing === null ? "invitation" : "pair");
  const { deployment, pairing } = state;
  if (pairing !== null && pairing.kind !== "ended") {
    return (
      <Door at="pairing">
        <Pairing pairing={pairing} />
      </Door>
    );
  }
  return (
    <Door at={way}>
      {way === "invitation" ? (
        <SignUp deployment={deployment} />
      ) : way === "pair" ? (
        <Pair ended={pairing} />
      ) : (
        <Restore />
      )}
      <nav className="door-ways" aria-label={say("first.other-ways")}>
        {(["invitation", "pair", "restore"] as const)
          .filter((one) => one !== way)
          .map((one) => (
            <Button key={one} look="quiet" onPress={() => setWay(one)}>
              {say(`first.way.${one}`)}
            </Button>
          ))}
        <Link to="/notices/code" className="button button-quiet">
          {say("first.way.notices")}
        </Link>
      </nav>
    </Door>
  );
}

function SignUp({ deployment }: { readonly deployment: DeploymentView }): ReactElement {
  const messenger = useMessenger();
  const [invitation, setInvitation] = useState(takeInvitation() ?? "");
  const [wasLink] = useState(invitation !== "");
  const [name, setName] = useState("");
  const [attempt, run] = useAttempt();
  return (
    <>
      <header className="stack-tight">
        <h1>{say("first.title")}</h1>
        <p className="soft">
          <Say k="first.text" v={{ deployment: deployment.origin.replace(/^log\./, "") }} />
        </p>
      </header>
      {wasLink ? (
        <Banner tone="good" title={say("first.invited")} />
      ) : (
        <Field
          label={say("first.invitation")}
          hint={say("first.invitation-hint")}
          value={invitation}
          onChange={(value) => setInvitation(invitationIn(value))}
        />
      )}
      <Field
        label={say("first.name")}
        hint={say("first.name-hint")}
        value={name}
        onChange={setName}
        autoComplete="name"
        maxLength={64}
      />
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <UnlockChoice
        name={name.trim()}
        action={say("first.go-on")}
        actionWithPasskey={say("first.sign-up")}
        attempt={attempt}
        isReady={name.trim() !== ""}
        onSecret={(secret) =>
          run(async () => {
            await messenger.perform("signUp", {
              invitation: invitation.trim() === "" ? null : invitation.trim(),
              name: name.trim(),
              deviceName: proposedDeviceName(),
              secret: await secret(),
            });
          })
        }
      />
    </>
  );
}

function Restore(): ReactElement {
  const messenger = useMessenger();
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const [attempt, run] = useAttempt();
  return (
    <>
      <header className="stack-tight">
        <h1>{say("restore.title")}</h1>
        <p className="soft">{say("restore.text")}</p>
      </header>
      <Field
        label={say("restore.code")}
        hint={say("restore.code-hint")}
        value={code}
        onChange={setCode}
        autoComplete="off"
      />
      <Field
        label={say("device.name")}
        hint={say("device.name-hint")}
        value={name}
        onChange={setName}
        maxLength={60}
      />
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <UnlockChoice
        name={name.trim()}
        action={say("restore.do")}
        attempt={attempt}
        isReady={name.trim() !== "" && code.trim() !== ""}
        onSecret={(secret) =>
          run(async () => {
            await messenger.perform("restore", {
              recoveryCode: code.trim(),
              name: name.trim(),
              secret: await secret(),
            });
          })
        }
      />
    </>
  );
}

function Pair({ ended }: { readonly ended: PairingGuestView | null }): ReactElement {
  const messenger = useMessenger();
  const [name, setName] = useState("");
  const [attempt, run] = useAttempt();
  return (
    <>
      <header className="stack-tight">
        <h1>{say("pair.title")}</h1>
        <p className="soft">{say("pair.text")}</p>
      </header>
      {ended?.kind === "ended" && attempt.kind === "idle" ? <Ended code={ended.code} /> : null}
      <Field
        label={say("device.name")}
        hint={say("device.name-hint")}
        value={name}
        onChange={setName}
        maxLength={60}
      />
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <UnlockChoice
        name={name.trim()}
        action={say("pair.do")}
        attempt={attempt}
        isReady={name.trim() !== ""}
        onSecret={(secret) =>
          run(async () => {
            await messenger.perform("beginPairing", { deviceName: name.trim(), secret: await secret() });
          })
        }
      />
    </>
  );
}

/** Why the last try came to nothing; that somebody was in between above all. */
function Ended({ code }: Pick<Extract<PairingGuestView, { kind: "ended" }>, "code">): ReactElement {
  switch (code) {
    case "pairing-altered":
    case "pairing-refused":
    case "pairing-over":
      return (
        <Banner tone="danger" isLoud title={say(`pair.ended.${code}`)}>
          <p>{say(`pair.ended.${code}.next`)}</p>
        </Banner>
      );
    default:
      return (
        <Banner tone="danger" isLoud title={say("pair.ended.other")}>
          <p>{codeText(code)}</p>
        </Banner>
      );
  }
}

/** Waiting for the person's other device: the code, then six digits to compare, then what that device has. */
function Pairing({
  pairing,
}: {
  readonly pairing: Exclude<PairingGuestView, { kind: "ended" }>;
}): ReactElement {
  const ask = useAsk();
  const cancel = (words: string): ReactElement => (
    <Button onPress={() => void ask("cancelPairing")}>{words}</Button>
  );
  return (
    <>
      <header className="stack-tight">
        <h1>{say("pair.title")}</h1>
        {/* In place before its words change: who hears the page hears each step. */}
        <div role="status" className="stack-tight">
          <p className="soft">
            {say(
              pairing.kind === "code"
                ? "pair.show"
                : pairing.kind === "digits"
                  ? "pair.compare"
                  : "pair.receiving",
            )}
          </p>
          {pairing.kind === "digits" ? <Digits digits={pairing.digits} /> : null}
        </div>
      </header>
      {pairing.kind === "code" ? (
        <>
          <Qr text={pairing.qr} label={say("pair.qr")} />
          <p className="code-large">{pairing.code}</p>
        </>
      ) : null}
      {pairing.kind === "receiving" ? (
        <>
          <Progress label={say("pair.receiving.label")} done={pairing.done} total={pairing.total} />
          {pairing.done === 0 ? null : (
            <>
              <p className="small soft">{say("pair.receiving.stop-hint")}</p>
              {cancel(say("pair.receiving.stop"))}
            </>
          )}
        </>
      ) : (
        <>
          <p className="small soft">{say("pair.waiting")}</p>
          {cancel(say("cancel"))}
        </>
      )}
    </>
  );
}
