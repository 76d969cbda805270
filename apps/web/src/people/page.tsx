import type { ConversationView, MemberView, SafetyNumberView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { PeopleChoice } from "../conversations/new.tsx";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useNames, useReady } from "../messenger/use.ts";
import { Waiting } from "../parts/banner.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { Avatar, Name } from "../parts/name.tsx";
import { Standing } from "../standing.tsx";
import { shownName } from "../text/marks.ts";
import { DeviceKey } from "./device-key.tsx";
import { SafetyNumber } from "./safety-number.tsx";
import { useMembers } from "./use-people.ts";

/** Everybody who reads this conversation, with every device that does. */
export function PeoplePanel({
  conversation,
  isAlone,
}: {
  readonly conversation: ConversationView;
  /** On a phone the panel is the page. */
  readonly isAlone: boolean;
}): ReactElement {
  const members = useMembers(conversation);
  const ask = useAsk();
  const nameOf = useNames();
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<MemberView | null>(null);
  const [safety, setSafety] = useState<SafetyNumberView | null>(null);
  const { id, status } = conversation;
  const canChange = status.kind === "active";
  const Frame = isAlone ? "main" : "aside";
  const Title = isAlone ? "h1" : "h2";
  return (
    <Frame className="side" data-part aria-label={say("people.title")} {...(isAlone ? { id: "main" } : {})}>
      <header className="row spread side-head">
        <Title className="side-title">{say("people.title")}</Title>
        <Link
          to="/c/$conversation"
          params={{ conversation: id }}
          className="icon-button"
          aria-label={say("close")}
        >
          <Icon name="close" />
        </Link>
      </header>
      {isAlone ? <Standing /> : null}
      <p className="small soft">{say("people.text")}</p>
      {members === null ? (
        <Waiting label={say("people.loading")} />
      ) : (
        <ul className="stack-tight">
          {members.map((member) => (
            <Person
              key={member.account}
              member={member}
              onSafety={async () => setSafety(await ask("safetyNumber", { account: member.account }))}
              onRemove={canChange && !member.isMe ? () => setRemoving(member) : null}
            />
          ))}
        </ul>
      )}
      {conversation.waitingFor.length === 0 ? null : (
        <ul className="stack-tight">
          {conversation.waitingFor.map((account) => (
            <li key={account} className="person row">
              <Avatar name={nameOf(account)} seed={account} />
              <div className="grow">
                <p className="strong">
                  <Name name={nameOf(account)} />
                </p>
                <p className="small soft">{say("waiting-for.person")}</p>
              </div>
              <IconButton
                icon="trash"
                label={say("people.remove-name", { name: nameOf(account) })}
                onPress={() => void ask("removeMember", { conversation: id, account })}
              />
            </li>
          ))}
        </ul>
      )}
      {canChange ? (
        <Button icon="add" onPress={() => setAdding(true)}>
          {say("people.add")}
        </Button>
      ) : null}
      {isAdding ? (
        <AddPeople conversation={conversation} members={members ?? []} onClose={() => setAdding(false)} />
      ) : null}
      {removing === null ? null : (
        <Panel title={say("people.remove.title")} isAlert onClose={() => setRemoving(null)}>
          <p>
            <Say k="people.remove.text" v={{ name: shownName(removing.name) }} />
          </p>
          <div className="row-wrap">
            <Button
              look="danger"
              onPress={() => {
                setRemoving(null);
                void ask("removeMember", { conversation: id, account: removing.account });
              }}
            >
              {say("people.remove")}
            </Button>
            <Button onPress={() => setRemoving(null)}>{say("cancel")}</Button>
          </div>
        </Panel>
      )}
      {safety === null ? null : <SafetyNumber number={safety} onClose={() => setSafety(null)} />}
    </Frame>
  );
}

function Person({
  member,
  onSafety,
  onRemove,
}: {
  readonly member: MemberView;
  readonly onSafety: () => Promise<void>;
  readonly onRemove: (() => void) | null;
}): ReactElement {
  const { me, contacts } = useReady();
  const { devices, isMe, account } = member;
  // The contact's is the newest: comparing keys changes nothing about who is a member.
  const trust = contacts[account]?.trust ?? member.trust;
  const name = isMe ? say("people.me", { name: shownName(member.name) }) : shownName(member.name);
  return (
    <li className={`person${trust.kind === "changed" ? " person-changed" : ""}`}>
      <div className="row">
        <Avatar name={member.name} seed={account} />
        <div className="grow">
          <p className="strong">
            <Name name={name} />
          </p>
          {isMe ? null : (
            <p
              className={`small ${trust.kind === "changed" ? "danger" : trust.kind === "verified" ? "good" : "soft"}`}
            >
              {trust.kind === "verified"
                ? say("trust.verified", { date: utcDate(Math.floor(trust.at / 86_400)) })
                : trust.kind === "changed"
                  ? say("trust.changed.short")
                  : say("trust.unverified")}
            </p>
          )}
        </div>
        {onRemove === null ? null : (
          <IconButton
            icon="trash"
            label={say("people.remove-name", { name: shownName(member.name) })}
            onPress={onRemove}
          />
        )}
      </div>
      {isMe ? null : (
        <Button look="quiet" onPress={() => void onSafety()}>
          {say("people.compare")}
        </Button>
      )}
      <details className="small">
        <summary>{say("people.devices", { count: devices.length })}</summary>
        <ul className="stack-tight device-keys">
          {devices.map((key) => {
            const own = isMe ? me.devices.find((one) => one.key === key) : undefined;
            const isNew = trust.kind === "changed" && trust.newDevices.includes(key);
            return (
              <li key={key} className={isNew ? "danger" : ""}>
                <Icon name="device" />{" "}
                {own === undefined || own.name === "" ? null : <Name name={own.name} />}{" "}
                {own?.isThis === true ? say("device.this") : null}
                {isNew ? <strong> {say("device.new")}</strong> : null} <DeviceKey of={key} />
              </li>
            );
          })}
        </ul>
      </details>
    </li>
  );
}

function AddPeople({
  conversation,
  members,
  onClose,
}: {
  readonly conversation: ConversationView;
  readonly members: readonly MemberView[];
  readonly onClose: () => void;
}): ReactElement {
  const ask = useAsk();
  const [chosen, setChosen] = useState<readonly MemberView["account"][]>([]);
  const [isBusy, setBusy] = useState(false);
  return (
    <Panel title={say("people.add")} onClose={onClose}>
      <p className="soft">{say("people.add-text")}</p>
      <PeopleChoice chosen={chosen} onChange={setChosen} except={members.map(({ account }) => account)} />
      <Button
        look="main"
        isDisabled={chosen.length === 0 || isBusy}
        onPress={() => {
          setBusy(true);
          void ask("addMembers", { conversation: conversation.id, accounts: chosen }).then((done) => {
            setBusy(false);
            if (done !== null) onClose();
          });
        }}
      >
        {say("people.add")}
      </Button>
    </Panel>
  );
}
