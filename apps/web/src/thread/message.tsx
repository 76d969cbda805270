import type { AccountId } from "@porchlight/client/page";
import { type ReactElement, type ReactNode, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { Say, say, timeOfDay } from "../i18n/say.tsx";
import { useAsk, useNames } from "../messenger/use.ts";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { EmojiButton, EmojiChoice } from "../parts/emoji.tsx";
import { type Action, Menu } from "../parts/menu.tsx";
import { Avatar, Name } from "../parts/name.tsx";
import { tell } from "../parts/toast.tsx";
import { shownText } from "../text/marks.ts";
import { Attachments } from "./attachment.tsx";
import { Delivery } from "./delivery.tsx";
import type { EntryProps } from "./entry-props.ts";
import { MessageText } from "./message-text.tsx";
import { NotSent } from "./not-sent.tsx";
import { Reactions } from "./reactions.tsx";

export function Message(props: EntryProps<"message">): ReactElement {
  const { entry, isTogether, isActive, onActivate, conversation } = props;
  const { body, from, fromMe, delivery } = entry;
  const nameOf = useNames();
  const name = nameOf(from);
  const isWaiting = delivery?.kind === "queued" || delivery?.kind === "refused";
  return (
    <article
      className={`message${fromMe ? " message-own" : ""}${isTogether ? " message-together" : ""}`}
      data-entry
      tabIndex={isActive ? 0 : -1}
      onFocus={onActivate}
      aria-label={say("message.label", { name, time: timeOfDay(entry.at) })}
    >
      {fromMe ? null : isTogether ? <span className="avatar-space" /> : <Avatar name={name} seed={from} />}
      <div className="message-column">
        {fromMe || isTogether || conversation.kind === "direct" ? null : (
          <p className="message-name">
            <Name name={name} />
          </p>
        )}
        <div
          className={`bubble${body.kind === "deleted" ? " bubble-deleted" : ""}${isWaiting ? " bubble-waiting" : ""}`}
        >
          {entry.replyTo === null ? null : <Reply reply={entry.replyTo} onGoTo={props.onGoTo} />}
          {body.kind === "deleted" ? (
            <p className="soft">
              {fromMe ? say("message.deleted-own") : <Say k="message.deleted" v={{ name }} />}
            </p>
          ) : (
            <>
              <MessageText text={body.text} mentions={body.mentions} isAction={body.isAction} name={name} />
              {body.attachments.length === 0 ? null : (
                <Attachments entry={entry} attachments={body.attachments} conversation={conversation.id} />
              )}
            </>
          )}
          <p className="message-meta">
            {entry.editedAt === null ? null : <span>{say("message.edited")}</span>}
            {entry.writtenAt === null ? null : (
              <span>
                <Say k="message.written-at" v={{ time: timeOfDay(entry.writtenAt) }} />
              </span>
            )}
            <time dateTime={new Date(entry.at * 1000).toISOString()}>{timeOfDay(entry.at)}</time>
            {delivery === null ? null : <Delivery delivery={delivery} conversation={conversation} />}
          </p>
        </div>
        {delivery?.kind === "refused" ? (
          <NotSent
            conversation={conversation.id}
            id={entry.id}
            title={say("delivery.refused")}
            discard={say("message.discard")}
            code={delivery.code}
          />
        ) : null}
        {entry.changes.map(({ id, kind, refused }) =>
          refused === null ? (
            <p key={id} className="small soft">
              {say(`change.waiting.${kind}`)}
            </p>
          ) : (
            <NotSent
              key={id}
              conversation={conversation.id}
              id={id}
              title={say(`change.refused.${kind}`)}
              discard={say("change.let-go")}
              code={refused}
            />
          ),
        )}
        {delivery?.kind === "lost" && body.kind === "text" ? (
          <Lost entry={entry} accounts={delivery.lost} body={body} conversation={conversation} />
        ) : null}
        {entry.reactions.length === 0 ? null : <Reactions entry={entry} conversation={conversation.id} />}
      </div>
      <MessageActions {...props} />
    </article>
  );
}

function Reply({
  reply,
  onGoTo,
}: {
  readonly reply: NonNullable<EntryProps<"message">["entry"]["replyTo"]>;
  readonly onGoTo: (index: number) => void;
}): ReactElement {
  const nameOf = useNames();
  const { found } = reply;
  if (found === null) return <p className="reply reply-unknown">{say("message.reply-unknown")}</p>;
  return (
    <button type="button" className="reply" onClick={() => onGoTo(found.index)}>
      <span className="reply-name one-line">{nameOf(found.from)}</span>
      <span className="one-line">
        {found.isDeleted ? say("message.reply-deleted") : shownText(found.text)}
      </span>
    </button>
  );
}

/** Messages that were sent again: once is enough, however often they are drawn. */
const sentAgain = new Set<string>();

/** Somebody's device has said that this is not what it got. */
function Lost({
  entry,
  accounts,
  body,
  conversation,
}: Pick<EntryProps<"message">, "entry" | "conversation"> & {
  readonly accounts: readonly AccountId[];
  readonly body: Extract<EntryProps<"message">["entry"]["body"], { kind: "text" }>;
}): ReactElement {
  const ask = useAsk();
  const nameOf = useNames();
  const names = accounts.map(nameOf).join(", ");
  const { text, mentions, attachments } = body;
  const { id, replyTo } = entry;
  const [again, setAgain] = useState<"not" | "busy" | "sent">(sentAgain.has(id) ? "sent" : "not");
  const line = useRef<HTMLDivElement>(null);
  const status = useRef<HTMLParagraphElement>(null);
  const sendAgain = async (): Promise<void> => {
    sentAgain.add(id);
    setAgain("busy");
    const reply = replyTo === null ? {} : { replyTo: replyTo.id };
    const sent = await ask("send", { conversation: conversation.id, text, mentions, ...reply });
    if (sent === null) {
      sentAgain.delete(id);
      setAgain("not");
      return;
    }
    const isHere = line.current?.contains(document.activeElement) === true;
    flushSync(() => setAgain("sent"));
    if (isHere) status.current?.focus();
  };
  return (
    <div className="not-sent">
      <p>
        <strong>
          <Say k="message.lost" v={{ names }} />
        </strong>{" "}
        {say("message.lost.why")}
      </p>
      {attachments.length > 0 || conversation.status.kind !== "active" ? null : (
        <div className="row-wrap" ref={line}>
          {again === "sent" ? (
            <p role="status" ref={status} tabIndex={-1}>
              {say("message.lost.sent-again")}
            </p>
          ) : (
            <Button isBusy={again === "busy"} onPress={() => void sendAgain()}>
              {say("message.lost.again")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function MessageActions({
  entry,
  conversation,
  isActive,
  onReply,
  onEdit,
}: EntryProps<"message">): ReactNode {
  const ask = useAsk();
  const [dialog, setDialog] = useState<"delete" | "react" | null>(null);
  const { body, fromMe, delivery } = entry;
  if (body.kind === "deleted") return null;
  const about = { conversation: conversation.id, message: entry.id };
  const isSent = delivery === null || (delivery.kind !== "queued" && delivery.kind !== "refused");
  const canWrite = conversation.status.kind === "active";
  const actions = (): readonly Action[] => {
    const copy: Action = {
      id: "copy",
      label: say("message.copy"),
      icon: "copy",
      run: () => {
        void navigator.clipboard.writeText(body.text).then(() => tell({ text: say("copied") }));
      },
    };
    if (!isSent)
      return [
        copy,
        {
          id: "discard",
          label: say("message.discard"),
          icon: "trash",
          run: () => void ask("discard", about),
        },
      ];
    if (!canWrite) return [copy];
    const reply: Action = {
      id: "reply",
      label: say("message.reply"),
      icon: "reply",
      run: () => onReply(entry),
    };
    // Under a finger there is no room for two buttons beside each message.
    const react: Action = {
      id: "react",
      label: say("message.react"),
      icon: "emoji",
      run: () => setDialog("react"),
    };
    const anybodys = matchMedia("(hover: none)").matches ? [react, reply, copy] : [reply, copy];
    if (!fromMe) return anybodys;
    return [
      ...anybodys,
      { id: "edit", label: say("message.edit"), icon: "edit", run: () => onEdit(entry) },
      {
        id: "delete",
        label: say("message.delete"),
        icon: "trash",
        isDangerous: true,
        run: () => setDialog("delete"),
      },
    ];
  };
  return (
    <div className="message-actions">
      {canWrite && isSent ? (
        <EmojiButton
          label={say("message.react")}
          tabIndex={isActive ? 0 : -1}
          onChoose={(emoji) => void ask("react", { ...about, emoji })}
        />
      ) : null}
      <Menu label={say("message.actions")} actions={actions} tabIndex={isActive ? 0 : -1} />
      {dialog === "react" ? (
        <Panel title={say("message.react")} onClose={() => setDialog(null)}>
          <EmojiChoice
            onChoose={(emoji) => {
              setDialog(null);
              void ask("react", { ...about, emoji });
            }}
          />
        </Panel>
      ) : null}
      {dialog === "delete" ? (
        <Panel title={say("message.delete.title")} isAlert onClose={() => setDialog(null)}>
          <p>{say(conversation.charter === null ? "message.delete.honest-none" : "message.delete.honest")}</p>
          <div className="row-wrap">
            <Button
              look="danger"
              onPress={() => {
                setDialog(null);
                void ask("deleteMessage", about);
              }}
            >
              {say("message.delete")}
            </Button>
            <Button onPress={() => setDialog(null)}>{say("cancel")}</Button>
          </div>
        </Panel>
      ) : null}
    </div>
  );
}
