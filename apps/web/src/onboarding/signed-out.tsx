import type { AppState, DeploymentView, PairingGuestView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Link } from "../parts/link.tsx";
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
  const [way, setWay] = useState<Way>("invitation");
  const { deployment, pairing } = state;
  if (pairing !== null) {
    return (
      <Door>
        <Pairing pairing={pairing} />
      </Door>
    );
  }
  return (
    <Door>
      {way === "invitation" ? <SignUp deployment={deployment} /> : way === "pair" ? <Pair /> : <Restore />}
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

function Pair(): ReactElement {
  const messenger = useMessenger();
  const [name, setName] = useState("");
  const [attempt, run] = useAttempt();
  return (
    <>
      <header className="stack-tight">
        <h1>{say("pair.title")}</h1>
        <p className="soft">{say("pair.text")}</p>
      </header>
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

/** Waiting for the person's other device: first the code, then six digits to compare. */
function Pairing({ pairing }: { readonly pairing: PairingGuestView }): ReactElement {
  const ask = useAsk();
  return (
    <>
      <header className="stack-tight">
        <h1>{say("pair.title")}</h1>
        <p className="soft">{pairing.digits === null ? say("pair.show") : say("pair.compare")}</p>
      </header>
      {pairing.digits === null ? (
        <>
          <Qr text={pairing.qr} label={say("pair.qr")} />
          <p className="code-large">{pairing.code}</p>
        </>
      ) : (
        <p className="code-large digits">{pairing.digits}</p>
      )}
      <p className="small soft" role="status">
        {say("pair.waiting")}
      </p>
      <Button onPress={() => void ask("cancelPairing")}>{say("cancel")}</Button>
    </>
  );
}
