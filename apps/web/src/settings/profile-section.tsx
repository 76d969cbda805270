import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
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
        className="row row-bottom"
        onSubmit={(event) => {
          event.preventDefault();
          void ask("setName", { name: name.trim() }).then(() => tell({ text: say("saved") }));
        }}
      >
        <div className="grow">
          <Field
            label={say("profile.name")}
            hint={say("profile.name-hint")}
            value={name}
            onChange={setName}
            maxLength={64}
          />
        </div>
        <Button type="submit" isDisabled={name.trim() === "" || name.trim() === me.name}>
          {say("save")}
        </Button>
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
      <div className="stack-tight">
        <h3>{say("profile.fingerprint")}</h3>
        <p className="soft">{say("profile.fingerprint-text")}</p>
        <p className="code-large">{me.fingerprint}</p>
      </div>
    </>
  );
}
