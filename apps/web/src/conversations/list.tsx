import {
  type ContactView,
  type ConversationView,
  findConversations,
  sortConversations,
} from "@porchlight/client/page";
import { type ReactElement, useMemo, useState } from "react";
import { Input } from "react-aria-components/Input";
import { SearchField } from "react-aria-components/SearchField";
import { Say, say, shortWhen } from "../i18n/say.tsx";
import { useNames, useReady } from "../messenger/use.ts";
import { Empty } from "../parts/banner.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { CharterMark, charterKind } from "../parts/charter-mark.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { Avatar } from "../parts/name.tsx";
import { Standing } from "../standing.tsx";
import { shownName, shownText } from "../text/marks.ts";
import { NewConversation } from "./new.tsx";

type Account = ContactView["account"];

/** People to whom a first message is offered. */
const MOST_OFFERED = 3;

/** Every conversation of this person: pinned first, newest first, found by name. */
export function ConversationList({
  open,
  isAlone,
}: {
  readonly open: ConversationView["id"] | null;
  /** On a phone the list is the page. */
  readonly isAlone: boolean;
}): ReactElement {
  const ready = useReady();
  const [typed, setTyped] = useState("");
  const [isArchive, setArchive] = useState(false);
  /** With whom a new one is being begun. */
  const [begun, setBegun] = useState<readonly Account[] | null>(null);
  const nameOf = useNames();
  const found = useMemo(
    () =>
      typed.trim() === ""
        ? sortConversations(ready, { archived: isArchive })
        : findConversations(ready, typed),
    [ready, typed, isArchive],
  );
  const archived = useMemo(
    () => Object.values(ready.conversations).filter((one) => one.archived).length,
    [ready],
  );
  const newNotices = ready.notices.filter(({ isRead }) => !isRead).length;
  const isEmpty = Object.keys(ready.conversations).length === 0;
  // Whoever came by an invitation knows who sent it.
  const known = Object.values(ready.contacts).slice(0, MOST_OFFERED);
  const Frame = isAlone ? "main" : "nav";
  const Brand = isAlone ? "h1" : "p";
  return (
    <Frame className="list" aria-label={say("list.label")} {...(isAlone ? { id: "main" } : {})}>
      <header className="list-head">
        <Brand className="brand">
          <Icon name="lamp" /> Porchlight
        </Brand>
        <Link
          to="/notices"
          className="icon-button"
          aria-label={newNotices === 0 ? say("notices.title") : say("notices.new", { count: newNotices })}
        >
          <Icon name="notice" />
          {newNotices === 0 ? null : <span className="dot" />}
        </Link>
        <Link to="/settings" className="icon-button" aria-label={say("settings.title")}>
          <Icon name="settings" />
        </Link>
        <IconButton icon="add" label={say("new.title")} onPress={() => setBegun([])} />
      </header>
      {isAlone ? <Standing /> : null}
      {isEmpty ? null : (
        <SearchField className="search" aria-label={say("list.search")} value={typed} onChange={setTyped}>
          <Icon name="search" />
          <Input className="search-input" placeholder={say("list.search")} />
        </SearchField>
      )}
      {isArchive ? (
        <div className="list-archive">
          <Button look="quiet" icon="back" autoFocus onPress={() => setArchive(false)}>
            {say("list.back-from-archive")}
          </Button>
        </div>
      ) : null}
      <p className="visually-hidden" role="status">
        {typed.trim() === "" ? "" : say("list.found", { count: found.length })}
      </p>
      <ul className="list-items">
        {found.map((conversation) => (
          <li key={conversation.id}>
            <Row conversation={conversation} isOpen={conversation.id === open} />
          </li>
        ))}
      </ul>
      {isEmpty ? (
        <Empty
          icon="people"
          level={2}
          title={say("list.empty.title")}
          actions={
            <>
              {known.map(({ account }) => (
                <Button key={account} look="main" onPress={() => setBegun([account])}>
                  <Say k="list.empty.write" v={{ name: nameOf(account) }} />
                </Button>
              ))}
              <Button look={known.length === 0 ? "main" : "quiet"} icon="add" onPress={() => setBegun([])}>
                {say("new.title")}
              </Button>
            </>
          }
        >
          <p>{say(known.length === 0 ? "list.empty.text" : "list.empty.known")}</p>
        </Empty>
      ) : found.length === 0 ? (
        <p className="list-none soft">
          {typed.trim() === "" ? say("list.archive-empty") : say("list.none-found")}
        </p>
      ) : null}
      {archived > 0 && !isArchive && typed.trim() === "" ? (
        <div className="list-archive">
          <Button look="quiet" icon="archive" onPress={() => setArchive(true)}>
            {say("list.archive", { count: archived })}
          </Button>
        </div>
      ) : null}
      {begun === null ? null : <NewConversation withWhom={begun} onClose={() => setBegun(null)} />}
    </Frame>
  );
}

function Row({
  conversation,
  isOpen,
}: {
  readonly conversation: ConversationView;
  readonly isOpen: boolean;
}): ReactElement {
  const { charters } = useReady();
  const { id, unread, mentions, draft, pinned, muted, charter, status, queued, peer } = conversation;
  const title = shownName(conversation.title) || say("conversation.untitled");
  const isCounted = unread > 0 && !muted;
  return (
    <Link
      to="/c/$conversation"
      params={{ conversation: id }}
      className={`list-row${isOpen ? " list-row-open" : ""}${unread > 0 ? " list-row-unread" : ""}`}
      {...(isOpen ? { "aria-current": "page" } : {})}
    >
      <Avatar name={title} seed={peer ?? id} />
      <span className="grow">
        <span className="row list-row-line">
          <bdi className="one-line grow list-row-title">{title}</bdi>
          {pinned ? <Sign name="pin" words={say("list.pinned")} /> : null}
          {muted ? <Sign name="mute" words={say("list.muted")} /> : null}
          <time className="small soft">{shortWhen(conversation.lastAt, Date.now() / 1000)}</time>
        </span>
        <span className="row list-row-line">
          <span className="one-line grow small soft">
            {conversation.changed.length > 0 ? (
              <span className="danger">{say("list.changed")}</span>
            ) : status.kind === "charter-proposed" ? (
              <span className="lamp">{say("list.charter-proposed")}</span>
            ) : draft !== "" ? (
              <>
                <span className="danger">{say("list.draft")}</span> {shownText(draft)}
              </>
            ) : (
              <Preview conversation={conversation} />
            )}
          </span>
          {queued > 0 ? <Sign name="clock" words={say("list.queued", { count: queued })} /> : null}
          {mentions > 0 ? (
            <span className="badge badge-mention">
              <span aria-hidden="true">@</span>
              <span className="visually-hidden">{say("list.mentions", { count: mentions })}</span>
            </span>
          ) : null}
          {unread > 0 ? (
            <span className={`badge${isCounted ? "" : " badge-quiet"}`}>
              {unread > 999 ? "999+" : unread}
              <span className="visually-hidden"> {say("list.unread")}</span>
            </span>
          ) : null}
          <CharterMark kind={charterKind(charter, charters)} />
        </span>
      </span>
    </Link>
  );
}

function Sign({
  name,
  words,
}: {
  readonly name: "pin" | "mute" | "clock";
  readonly words: string;
}): ReactElement {
  return (
    <span className="sign" title={words}>
      <Icon name={name} />
      <span className="visually-hidden">{words}</span>
    </span>
  );
}

function Preview({ conversation }: { readonly conversation: ConversationView }): ReactElement | null {
  const nameOf = useNames();
  const { last, kind } = conversation;
  if (last === null) return <>{say("preview.empty")}</>;
  const who = last.fromMe ? say("you") : nameOf(last.from);
  const text = shownText(last.text);
  const showsName = last.fromMe || kind === "group";
  switch (last.kind) {
    case "text":
      return (
        <>
          {showsName ? `${who}: ` : ""}
          {text}
        </>
      );
    case "attachment":
      return (
        <>
          {showsName ? `${who}: ` : ""}
          {say("preview.attachment", { name: shownName(last.text) })}
        </>
      );
    case "deleted":
    case "not-understood":
    case "refused":
      return <>{say(`preview.${last.kind}`)}</>;
    case "event":
      return <>{last.text === "" ? say("preview.event") : text}</>;
  }
}
