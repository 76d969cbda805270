import type {
  AppState,
  ClientError,
  DeploymentView,
  IntentResult,
  PairingGuestView,
} from "@porchlight/client/page";
import { type ReactElement, useEffect, useState } from "react";
import { codeText, errorText } from "../i18n/errors.ts";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Digits } from "../parts/digits.tsx";
import { Field } from "../parts/field.tsx";
import { Link } from "../parts/link.tsx";
import { Avatar } from "../parts/name.tsx";
import { Progress } from "../parts/progress.tsx";
import { Qr } from "../parts/qr.tsx";
import { shownName } from "../text/marks.ts";
import { proposedDeviceName } from "./device-name.ts";
import { Door } from "./door.tsx";
import { forgetInvitation, invitationIn, useArrivedInvitation } from "./invitation.ts";
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
  if (pairing !== null && pairing.kind !== "ended" && pairing.kind !== "abandoned") {
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

type Inviter = IntentResult<"lookInvitation">["inviter"];

/** What is known of an invitation before anything is made of it. */
type Look =
  | { readonly kind: "none" }
  | { readonly kind: "good"; readonly inviter: Inviter }
  | { readonly kind: "refused"; readonly code: ClientError["code"] | undefined; readonly text: string };

const NO_LOOK: Look = { kind: "none" };

function useLook(invitation: string): Look {
  const messenger = useMessenger();
  const [look, setLook] = useState(NO_LOOK);
  useEffect(() => {
    setLook(NO_LOOK);
    if (invitation === "") return;
    let isCurrent = true;
    messenger.perform("lookInvitation", { invitation }).then(
      ({ inviter }) => (isCurrent ? setLook({ kind: "good", inviter }) : undefined),
      (error: unknown) => {
        const { code } = error as Partial<ClientError>;
        if (isCurrent) setLook({ kind: "refused", code, text: errorText(error) });
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [messenger, invitation]);
  return look;
}

/** The link is no good: another one is needed, whatever else is right. */
function isNoGood(code: string | undefined): boolean {
  return code === "invitation-refused" || code === "invitation-malformed";
}

function SignUp({ deployment }: { readonly deployment: DeploymentView }): ReactElement {
  const messenger = useMessenger();
  const arrived = useArrivedInvitation();
  /** What the person put in the place of a link's; a newer link replaces it. */
  const [typed, setTyped] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [attempt, run, clear] = useAttempt();
  useEffect(() => {
    setTyped(null);
    clear();
  }, [arrived, clear]);
  const invitation = (typed ?? arrived ?? "").trim();
  const look = useLook(invitation);
  const isRefused =
    (look.kind === "refused" && isNoGood(look.code)) ||
    (attempt.kind === "refused" && isNoGood(attempt.code));
  const isAtLink = typed === null && arrived !== null;
  // Of what is being typed only the whole can be wrong.
  const isWhole = isAtLink || (look.kind === "refused" && look.code !== "invitation-malformed");
  // What was refused when it was asked for is said once, aloud.
  const isSaid = attempt.kind === "refused" && isNoGood(attempt.code);
  const error = look.kind === "refused" && isWhole && !isSaid ? look.text : null;
  return (
    <>
      <header className="stack-tight">
        <h1>{say("first.title")}</h1>
        <p className="soft">
          <Say k="first.text" v={{ deployment: deployment.origin.replace(/^log\./, "") }} />
        </p>
      </header>
      <div role="status">
        {look.kind === "good" && look.inviter !== null ? (
          <InvitedBy inviter={look.inviter} />
        ) : isAtLink && !isRefused ? (
          <Banner tone="good" title={say("first.invited")} />
        ) : null}
      </div>
      {isAtLink && !isRefused ? null : (
        <Field
          label={say("first.invitation")}
          hint={say("first.invitation-hint")}
          value={typed ?? ""}
          onChange={(value) => {
            setTyped(invitationIn(value));
            clear();
          }}
          error={error}
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
            const who = { invitation: invitation === "" ? null : invitation, name: name.trim() };
            // What will be refused is known before a passkey is made that opens nothing.
            await messenger.perform("lookInvitation", who);
            await messenger.perform("signUp", {
              ...who,
              deviceName: proposedDeviceName(),
              secret: await secret(),
            });
            forgetInvitation();
          })
        }
      />
    </>
  );
}

/** Their name is the link's word; the account is the server's. */
function InvitedBy({ inviter }: { readonly inviter: NonNullable<Inviter> }): ReactElement {
  const name = shownName(inviter.name) || say("name.unknown", { start: inviter.account.slice(0, 4) });
  return (
    <div className="row">
      <Avatar name={name} seed={inviter.account} />
      <p className="strong grow">
        <Say k="first.invited-by" v={{ name }} />
      </p>
    </div>
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
      <Banner tone="danger" title={say("restore.removes")}>
        <p>{say("restore.removes.text", { way: say("first.way.pair") })}</p>
      </Banner>
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
      {ended?.kind === "abandoned" && attempt.kind === "idle" ? (
        <Banner tone="danger" isLoud title={say("pair.abandoned")}>
          <p>
            {ended.code === "pairing-over" ? say("pair.ended.pairing-over") : codeText(ended.code)}{" "}
            {say("pair.abandoned.next")}
          </p>
        </Banner>
      ) : null}
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

const PAIRING_TEXT = {
  code: "pair.show",
  digits: "pair.compare",
  receiving: "pair.receiving",
  "came-short": "pair.came-short",
} as const;

/** Let in, and nothing has come: there is nothing to go on with. */
function GiveUp(): ReactElement {
  const messenger = useMessenger();
  const [attempt, run] = useAttempt();
  return (
    <>
      <p className="small soft">{say("pair.receiving.give-up-hint")}</p>
      <Button
        isBusy={attempt.kind === "busy"}
        onPress={() => run(async () => await messenger.perform("cancelPairing"))}
      >
        {attempt.kind === "busy" ? say("first.working") : say("pair.receiving.give-up")}
      </Button>
    </>
  );
}

/** Waiting for the person's other device: the code, then six digits to compare, then what that device has. */
function Pairing({
  pairing,
}: {
  readonly pairing: Exclude<PairingGuestView, { kind: "ended" | "abandoned" }>;
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
          <p className="soft">{say(PAIRING_TEXT[pairing.kind])}</p>
          {pairing.kind === "digits" ? <Digits digits={pairing.digits} /> : null}
        </div>
      </header>
      {pairing.kind === "code" ? (
        <>
          <Qr text={pairing.qr} label={say("pair.qr")} />
          <p className="code-large">{pairing.code}</p>
        </>
      ) : null}
      {pairing.kind === "came-short" ? (
        <>
          <p className="small soft">{say("pair.receiving.stop-hint")}</p>
          <Button look="main" onPress={() => void ask("cancelPairing")}>
            {say("pair.came-short.do")}
          </Button>
        </>
      ) : pairing.kind === "receiving" ? (
        <>
          <Progress label={say("pair.receiving.label")} done={pairing.done} total={pairing.total} />
          {pairing.done === 0 ? (
            <GiveUp />
          ) : (
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
