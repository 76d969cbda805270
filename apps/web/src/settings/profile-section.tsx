import { type ReactElement, useState } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Qr } from "../parts/qr.tsx";
import { tell } from "../parts/toast.tsx";
import { contactLink } from "../people/contact-link.ts";

/** One's own name, and the code by which others find one. */
export function ProfileSection(): ReactElement {
  const { me } = useReady();
  const ask = useAsk();
  const [name, setName] = useState(me.name);
  const link = contactLink(me.contactCode);
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void ask("setName", { name: name.trim() }).then((done) => {
            if (done !== null) tell({ text: say("saved") });
          });
        }}
      >
        <Field
          label={say("profile.name")}
          hint={say("profile.name-hint")}
          value={name}
          onChange={setName}
          maxLength={64}
          action={
            <Button type="submit" isDisabled={name.trim() === "" || name.trim() === me.name}>
              {say("save")}
            </Button>
          }
        />
      </form>
      <div className="stack-tight">
        <h3>{say("profile.contact")}</h3>
        <p className="soft">{say("profile.contact-text")}</p>
        <Qr text={link} label={say("profile.contact-qr")} />
        <p>
          <code className="break contact-code">{link}</code>
        </p>
        <div className="row-wrap">
          <Button
            icon="copy"
            onPress={() => void navigator.clipboard.writeText(link).then(() => tell({ text: say("copied") }))}
          >
            {say("profile.copy")}
          </Button>
        </div>
      </div>
      <Invite />
      <div className="stack-tight">
        <h3>{say("profile.fingerprint")}</h3>
        <p className="soft">{say("profile.fingerprint-text")}</p>
        <p className="code-large">{me.fingerprint}</p>
      </div>
    </>
  );
}

/** A link for somebody who has no account here yet. */
function Invite(): ReactElement {
  const ask = useAsk();
  const [made, setMade] = useState<{ readonly link: string; readonly expires: number } | null>(null);
  return (
    <div className="stack-tight">
      <h3>{say("invite.title")}</h3>
      <p className="soft">{say("invite.text")}</p>
      {made === null ? null : (
        <>
          <p>
            <code className="break contact-code">{made.link}</code>
          </p>
          <p className="small soft">
            <Say k="invite.expires" v={{ date: utcDate(Math.floor(made.expires / 86_400)) }} />
          </p>
        </>
      )}
      <div className="row-wrap">
        <Button icon="add" onPress={() => void ask("invite").then(setMade)}>
          {say("invite.make")}
        </Button>
        {made === null ? null : (
          <Button
            icon="copy"
            onPress={() =>
              void navigator.clipboard.writeText(made.link).then(() => tell({ text: say("copied") }))
            }
          >
            {say("profile.copy")}
          </Button>
        )}
      </div>
    </div>
  );
}
