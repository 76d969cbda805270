import type { ContactView } from "@porchlight/client/page";
import { useNavigate } from "@tanstack/react-router";
import { type ReactElement, useState } from "react";
import { Checkbox } from "react-aria-components/Checkbox";
import { CheckboxGroup } from "react-aria-components/CheckboxGroup";
import { Label } from "react-aria-components/Label";
import { CharterChoice, type CharterId, usableCharters } from "../charter/choice.tsx";
import { say } from "../i18n/say.tsx";
import { useAttempt, useMessenger, useNames, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Avatar, Name } from "../parts/name.tsx";
import { contactCodeOf } from "../people/contact-link.ts";
import { Scan } from "../scan/scan.tsx";

type Account = ContactView["account"];

/** Whom to talk to, and who can open it: chosen together, before the first word. */
export function NewConversation({
  withWhom = [],
  onClose,
}: {
  readonly withWhom?: readonly Account[];
  readonly onClose: () => void;
}): ReactElement {
  const messenger = useMessenger();
  const navigate = useNavigate();
  const [chosen, setChosen] = useState(withWhom);
  const [title, setTitle] = useState("");
  const usable = usableCharters(useReady());
  const [charter, setCharter] = useState<CharterId | null>(usable[0]?.id ?? null);
  const [attempt, run] = useAttempt();

  const create = (): void =>
    run(async () => {
      const { conversation } = await messenger.perform("createConversation", {
        charter,
        title: title.trim(),
        accounts: chosen,
      });
      onClose();
      await navigate({ to: "/c/$conversation", params: { conversation } });
    });

  return (
    <Panel title={say("new.title")} onClose={onClose}>
      <PeopleChoice chosen={chosen} onChange={setChosen} except={[]} />
      {chosen.length > 1 || title !== "" ? (
        <Field
          label={say("new.name")}
          hint={say("new.name-hint")}
          value={title}
          onChange={setTitle}
          maxLength={64}
        />
      ) : null}
      <CharterChoice
        label={say("new.charter")}
        charters={usable}
        hasNone
        value={charter}
        onChange={setCharter}
      />
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <Button look="main" isDisabled={chosen.length === 0} isBusy={attempt.kind === "busy"} onPress={create}>
        {attempt.kind === "busy" ? say("new.creating") : say("new.create")}
      </Button>
    </Panel>
  );
}

/** Known people to tick, and a code for those who are not known yet. */
export function PeopleChoice({
  chosen,
  onChange,
  except,
}: {
  readonly chosen: readonly Account[];
  readonly onChange: (chosen: readonly Account[]) => void;
  readonly except: readonly Account[];
}): ReactElement {
  const messenger = useMessenger();
  const { contacts } = useReady();
  const nameOf = useNames();
  const [code, setCode] = useState("");
  const [attempt, run, clear] = useAttempt();
  const known = Object.values(contacts)
    .filter(({ account }) => !except.includes(account))
    .sort((a, b) => nameOf(a.account).localeCompare(nameOf(b.account)));
  const add = (given: string): void =>
    run(async () => {
      const added = await messenger.perform("addContact", { code: contactCodeOf(given) });
      setCode("");
      onChange([...new Set([...chosen, added.account])]);
    });
  return (
    <div className="stack">
      {known.length === 0 ? null : (
        <CheckboxGroup
          className="stack-tight"
          value={[...chosen]}
          onChange={(value) => onChange(value as Account[])}
        >
          <Label className="field-label">{say("new.people")}</Label>
          <div className="pick">
            {known.map(({ account, isNameAmbiguous, trust }) => (
              <Checkbox key={account} value={account} className="pick-row">
                <span className="tick" aria-hidden="true" />
                <Avatar name={nameOf(account)} seed={account} />
                <span className="grow">
                  <Name name={nameOf(account)} />
                  {isNameAmbiguous ? (
                    <span className="small danger block">
                      {say("people.ambiguous", { start: account.slice(0, 8) })}
                    </span>
                  ) : null}
                  {trust.kind === "changed" ? (
                    <span className="small danger block">{say("people.changed-short")}</span>
                  ) : null}
                </span>
              </Checkbox>
            ))}
          </div>
        </CheckboxGroup>
      )}
      <Field
        label={say("new.code")}
        hint={say("new.code-hint")}
        value={code}
        onChange={(value) => {
          setCode(value);
          clear();
        }}
        error={attempt.kind === "refused" ? attempt.text : null}
        action={
          <>
            <Button
              isDisabled={code.trim() === ""}
              isBusy={attempt.kind === "busy"}
              onPress={() => add(code)}
            >
              {say("new.code-add")}
            </Button>
            <Scan wanted="contact" isBusy={attempt.kind === "busy"} onFound={add} />
          </>
        }
      />
    </div>
  );
}
