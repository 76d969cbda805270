import type { ConversationView } from "@porchlight/client/page";
import { useNavigate } from "@tanstack/react-router";
import { type ReactElement, useCallback, useState } from "react";
import { ChangeCharter } from "../charter/change.tsx";
import { CharterProposal } from "../charter/proposal.tsx";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useNames, useReady } from "../messenger/use.ts";
import { Banner, Empty } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { CharterMark, charterKind } from "../parts/charter-mark.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { type Action, Menu } from "../parts/menu.tsx";
import { Avatar } from "../parts/name.tsx";
import { Standing } from "../standing.tsx";
import { shownName } from "../text/marks.ts";
import { Composer } from "../thread/composer.tsx";
import { Thread } from "../thread/thread.tsx";
import { type About, useBegun, useUnsent } from "../thread/unsent.ts";
import { BeforeWriting } from "./before-writing.tsx";

/** One conversation: who is in it and who can open it above, what was said, and the place to say more. */
export function ConversationPage({
  conversation,
}: {
  readonly conversation: ConversationView;
}): ReactElement {
  const unsent = useUnsent(conversation);
  const about = useBegun(unsent, (begun) => begun.about);
  const { status, id } = conversation;
  const onAnsweredChange = useCallback(
    (message: About["message"]) =>
      unsent.change(({ about }) =>
        about?.message.id === message.id ? { about: { ...about, message } } : {},
      ),
    [unsent],
  );
  return (
    <main className="conversation" id="main">
      <Header conversation={conversation} />
      <Standing />
      <Trouble conversation={conversation} />
      <Thread
        key={id}
        conversation={conversation}
        onReply={(message) => unsent.begin({ kind: "reply", message })}
        onEdit={(message) => unsent.begin({ kind: "edit", message })}
        answered={about?.kind === "reply" ? about.message : null}
        onAnsweredChange={onAnsweredChange}
      />
      <Typing conversation={conversation} />
      {status.kind === "active" ? <BeforeWriting conversation={conversation} /> : null}
      {status.kind === "active" ? (
        <Composer key={`${id}-composer`} conversation={conversation} />
      ) : status.kind === "charter-proposed" ? (
        <CharterProposal conversation={conversation} status={status} />
      ) : (
        <div className="closed">
          <p>{say(`conversation.${status.kind}`)}</p>
        </div>
      )}
    </main>
  );
}

export function NoConversation(): ReactElement {
  return (
    <main className="conversation conversation-none" id="main">
      <Standing />
      <Empty icon="lamp" title={say("conversation.none.title")}>
        <p>{say("conversation.none.text")}</p>
      </Empty>
    </main>
  );
}

export function GoneConversation(): ReactElement {
  return (
    <main className="conversation conversation-none" id="main">
      <Standing />
      <Empty
        icon="archive"
        title={say("conversation.gone.title")}
        actions={
          <Link to="/" className="button button-plain">
            {say("conversation.gone.back")}
          </Link>
        }
      >
        <p>{say("conversation.gone.text")}</p>
      </Empty>
    </main>
  );
}

function Header({ conversation }: { readonly conversation: ConversationView }): ReactElement {
  const { charters } = useReady();
  const { id, charter, people, kind, peer, status, renameWaiting } = conversation;
  const title = shownName(conversation.title) || say("conversation.untitled");
  const openedBy = charterKind(charter, charters);
  return (
    <header className="conversation-head">
      <Link to="/" className="icon-button only-narrow" aria-label={say("conversation.back")}>
        <Icon name="back" />
      </Link>
      <Avatar name={title} seed={peer ?? id} />
      <div className="grow">
        <h1 className="one-line conversation-title">{title}</h1>
        <Link
          to="/c/$conversation/people"
          params={{ conversation: id }}
          className="small soft conversation-people"
        >
          {status.kind === "left"
            ? say("conversation.left-short")
            : renameWaiting
              ? say("rename.waiting")
              : kind === "direct"
                ? say("conversation.direct")
                : say("conversation.people", { count: people })}
        </Link>
      </div>
      <Link
        to="/who/$charter"
        params={{ charter: charter ?? "none" }}
        className={`who-button who-button-${openedBy}`}
        aria-label={say(`who.button.${openedBy}`)}
      >
        <CharterMark kind={openedBy} />
        <span className="only-wide">{say(`who.button.${openedBy}`)}</span>
      </Link>
      <Link
        to="/c/$conversation/people"
        params={{ conversation: id }}
        className="icon-button"
        aria-label={say("people.title")}
      >
        <Icon name="people" />
      </Link>
      <ConversationMenu conversation={conversation} />
    </header>
  );
}

function ConversationMenu({ conversation }: { readonly conversation: ConversationView }): ReactElement {
  const ask = useAsk();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<"rename" | "charter" | "leave" | null>(null);
  const { id, pinned, muted, archived, status } = conversation;
  const actions = (): readonly Action[] => {
    const always: readonly Action[] = [
      {
        id: "pin",
        icon: "pin",
        label: pinned ? say("conversation.unpin") : say("conversation.pin"),
        run: () => void ask("pin", { conversation: id, pinned: !pinned }),
      },
      {
        id: "mute",
        icon: "mute",
        label: muted ? say("conversation.unmute") : say("conversation.mute"),
        run: () => void ask("mute", { conversation: id, muted: !muted }),
      },
      {
        id: "archive",
        icon: "archive",
        label: archived ? say("conversation.unarchive") : say("conversation.archive"),
        run: () => void ask("archive", { conversation: id, archived: !archived }),
      },
    ];
    if (status.kind !== "active") return always;
    return [
      ...always,
      { id: "rename", icon: "edit", label: say("conversation.rename"), run: () => setDialog("rename") },
      {
        id: "charter",
        icon: "lamp",
        label: say("change-charter.title"),
        run: () => setDialog("charter"),
      },
      {
        id: "leave",
        icon: "close",
        label: say("conversation.leave"),
        isDangerous: true,
        run: () => setDialog("leave"),
      },
    ];
  };
  return (
    <>
      <Menu label={say("conversation.menu")} actions={actions} />
      {dialog === "rename" ? <Rename conversation={conversation} onClose={() => setDialog(null)} /> : null}
      {dialog === "charter" ? (
        <ChangeCharter conversation={conversation} onClose={() => setDialog(null)} />
      ) : null}
      {dialog === "leave" ? (
        <Panel title={say("conversation.leave.title")} isAlert onClose={() => setDialog(null)}>
          <p>{say("conversation.leave.text")}</p>
          <div className="row-wrap">
            <Button
              look="danger"
              onPress={() => {
                setDialog(null);
                void ask("leave", { conversation: id }).then((done) =>
                  done === null ? undefined : navigate({ to: "/" }),
                );
              }}
            >
              {say("conversation.leave")}
            </Button>
            <Button onPress={() => setDialog(null)}>{say("cancel")}</Button>
          </div>
        </Panel>
      ) : null}
    </>
  );
}

function Rename({
  conversation,
  onClose,
}: {
  readonly conversation: ConversationView;
  readonly onClose: () => void;
}): ReactElement {
  const ask = useAsk();
  const [title, setTitle] = useState(shownName(conversation.kind === "direct" ? "" : conversation.title));
  return (
    <Panel title={say("conversation.rename")} onClose={onClose}>
      <Field
        label={say("new.name")}
        hint={say("conversation.rename-hint")}
        value={title}
        onChange={setTitle}
        maxLength={64}
        autoFocus
      />
      <Button
        look="main"
        isDisabled={title.trim() === ""}
        onPress={() => {
          onClose();
          void ask("rename", { conversation: conversation.id, title: title.trim() });
        }}
      >
        {say("save")}
      </Button>
    </Panel>
  );
}

/** What stands between this person and trusting this conversation, until it is dealt with. */
function Trouble({ conversation }: { readonly conversation: ConversationView }): ReactElement | null {
  const { contacts } = useReady();
  const nameOf = useNames();
  const { peer, changed } = conversation;
  if (changed.length > 0) {
    const names = changed.map(nameOf).join(", ");
    return (
      <Banner
        // Each further one is read out too.
        key={changed.join()}
        tone="danger"
        isLoud
        title={
          changed.length === 1 ? (
            <Say k="trust.changed.title" v={{ name: names }} />
          ) : (
            <Say k="trust.changed.several" v={{ names }} />
          )
        }
        actions={
          <Link
            to="/c/$conversation/people"
            params={{ conversation: conversation.id }}
            className="button button-plain"
          >
            {say("people.compare")}
          </Link>
        }
      >
        <p>{say("trust.changed.text")}</p>
      </Banner>
    );
  }
  const contact = peer === null ? undefined : contacts[peer];
  if (contact?.isNameAmbiguous === true) {
    return (
      <Banner tone="danger" title={<Say k="trust.ambiguous.title" v={{ name: nameOf(contact.account) }} />}>
        <p>
          <Say k="trust.ambiguous.text" v={{ start: <code>{contact.account.slice(0, 8)}</code> }} />
        </p>
      </Banner>
    );
  }
  return null;
}

function Typing({ conversation }: { readonly conversation: ConversationView }): ReactElement {
  const nameOf = useNames();
  const { typing } = conversation;
  return (
    <p className="typing small soft" aria-live="off">
      {typing.length === 0 ? (
        ""
      ) : typing.length === 1 ? (
        <Say k="typing.one" v={{ name: nameOf(typing[0] as (typeof typing)[number]) }} />
      ) : (
        say("typing.many")
      )}
    </p>
  );
}
