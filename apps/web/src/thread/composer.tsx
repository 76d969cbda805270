import type { ConversationView, EntryView, MentionView, NewAttachment } from "@porchlight/client/page";
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type ReactElement,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { FileTrigger } from "react-aria-components/FileTrigger";
import { newAttachment } from "../files/picture.ts";
import { errorText } from "../i18n/errors.ts";
import { fileSize, Say, say } from "../i18n/say.tsx";
import { useAsk, useMessenger, useNames, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { EmojiButton } from "../parts/emoji.tsx";
import { Icon } from "../parts/icon.tsx";
import { tell } from "../parts/toast.tsx";
import { usePeople } from "../people/use-people.ts";
import { shownName, shownText } from "../text/marks.ts";
import { mentionAt, mentionsIn, type Person } from "./mention.ts";

type Message = EntryView & { kind: "message" };
export type About = { readonly kind: "reply" | "edit"; readonly message: Message };

/** Sums to what the server takes in one message. */
const MAX_TEXT = 100_000;
const MAX_FILE = 1024 ** 3;
const MAX_FILES = 10;
const DRAFT_MILLISECONDS = 400;
const TYPING_MILLISECONDS = 4_000;

export function Composer({
  conversation,
  about,
  onDone,
}: {
  readonly conversation: ConversationView;
  readonly about: About | null;
  readonly onDone: () => void;
}): ReactElement {
  const { id } = conversation;
  const ask = useAsk();
  const messenger = useMessenger();
  const { settings } = useReady();
  const people = usePeople(conversation);
  const [text, setText] = useState(conversation.draft);
  const [files, setFiles] = useState<readonly NewAttachment[]>([]);
  const [mention, setMention] = useState<{
    readonly start: number;
    readonly found: readonly Person[];
    readonly chosen: number;
  } | null>(null);
  const [isDropping, setDropping] = useState(false);
  /** Chosen and not taken: told by name until the person has read it. */
  const [tooLarge, setTooLarge] = useState<readonly File[]>([]);
  const field = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  const isEdit = about?.kind === "edit";

  // Who opened it with a keyboard or a mouse means to write; on a phone it would bring the keyboard up over the messages.
  useEffect(() => {
    if (matchMedia("(hover: hover) and (pointer: fine)").matches)
      field.current?.focus({ preventScroll: true });
  }, []);

  // What is being edited takes the field; the draft comes back afterwards.
  const aside = useRef<string | null>(null);
  useEffect(() => {
    if (about?.kind === "edit" && about.message.body.kind === "text") {
      aside.current ??= field.current?.value ?? "";
      setText(about.message.body.text);
    } else if (aside.current !== null) {
      setText(aside.current);
      aside.current = null;
    }
    if (about !== null) field.current?.focus();
  }, [about]);

  useEffect(() => {
    if (isEdit || text === conversation.draft) return;
    const timer = setTimeout(() => void ask("draft", { conversation: id, text }), DRAFT_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [text, isEdit, conversation.draft, ask, id]);

  // Who turns to another conversation, or closes the window, may just have pressed the last key.
  const unsaved = useRef<string | null>(null);
  useEffect(() => {
    const draft = isEdit ? aside.current : text;
    unsaved.current = draft === conversation.draft ? null : draft;
  });
  useEffect(() => {
    const keep = (): void => {
      if (unsaved.current === null) return;
      messenger.perform("draft", { conversation: id, text: unsaved.current }).catch(() => {});
      unsaved.current = null;
    };
    addEventListener("pagehide", keep);
    return () => {
      removeEventListener("pagehide", keep);
      keep();
    };
  }, [messenger, id]);

  const lastTyping = useRef(0);
  const change = (value: string, caret: number): void => {
    setText(value);
    const at = mentionAt(value, caret, people);
    setMention(at === null ? null : { ...at, chosen: 0 });
    if (settings.typing && value !== "" && Date.now() - lastTyping.current > TYPING_MILLISECONDS) {
      lastTyping.current = Date.now();
      messenger.perform("typing", { conversation: id, isTyping: true }).catch(() => {});
    }
  };

  const choose = (person: Person): void => {
    if (mention === null || field.current === null) return;
    const caret = field.current.selectionStart;
    const written = `@${person.name} `;
    setText(`${text.slice(0, mention.start)}${written}${text.slice(caret)}`);
    setMention(null);
    const end = mention.start + written.length;
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(end, end);
    });
  };

  const insert = (words: string): void => {
    const caret = field.current?.selectionStart ?? text.length;
    setText(`${text.slice(0, caret)}${words}${text.slice(caret)}`);
    field.current?.focus();
  };

  const add = (list: Iterable<File>): void => {
    const chosen = [...list];
    // By its size alone: nothing of it was read.
    setTooLarge(chosen.filter((file) => file.size > MAX_FILE));
    const fitting = chosen.filter((file) => file.size <= MAX_FILE);
    if (files.length + fitting.length > MAX_FILES)
      tell({ tone: "danger", text: say("file.too-many", { count: MAX_FILES }) });
    void Promise.all(fitting.map(newAttachment)).then((made) =>
      setFiles((now) => [...now, ...made].slice(0, MAX_FILES)),
    );
  };

  const isEmpty = text.trim() === "" && (files.length === 0 || isEdit);
  const submit = async (): Promise<void> => {
    if (isEmpty) return;
    const written = text.trim();
    const mentions: readonly MentionView[] = mentionsIn(written, people);
    try {
      if (about?.kind === "edit") {
        await messenger.perform("edit", {
          conversation: id,
          message: about.message.id,
          text: written,
          mentions,
        });
      } else {
        setText("");
        setFiles([]);
        setMention(null);
        await messenger.perform("send", {
          conversation: id,
          text: written,
          mentions,
          attachments: files,
          ...(about === null ? {} : { replyTo: about.message.id }),
        });
        void ask("draft", { conversation: id, text: "" });
      }
      onDone();
    } catch (error) {
      // What a person wrote is never lost over a refusal.
      setText((now) => (now === "" ? written : now));
      if (about?.kind !== "edit") setFiles((now) => (now.length === 0 ? files : now));
      tell({ tone: "danger", text: errorText(error) });
    }
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (mention !== null) {
      const { found, chosen } = mention;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        setMention({ ...mention, chosen: (chosen + step + found.length) % found.length });
        return;
      }
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        choose(found[chosen] as Person);
        return;
      }
      if (event.key === "Escape") {
        setMention(null);
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === "Escape" && about !== null) {
      onDone();
    }
  };

  const onPaste = (event: ClipboardEvent): void => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    add(event.clipboardData.files);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setDropping(false);
    add(event.dataTransfer.files);
  };

  return (
    <div
      className={`composer${isDropping ? " composer-dropping" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={onDrop}
    >
      {about === null ? null : <AboutBar about={about} onDone={onDone} />}
      {mention === null ? null : (
        <ul className="mentions" id={listId} role="listbox" aria-label={say("composer.mention")}>
          {mention.found.map((person, i) => (
            <li
              key={person.account}
              id={`${listId}-${i}`}
              role="option"
              aria-selected={i === mention.chosen}
              className="menu-item"
              onMouseDown={(event) => {
                event.preventDefault();
                choose(person);
              }}
            >
              <bdi>{person.name}</bdi>
            </li>
          ))}
        </ul>
      )}
      {tooLarge.length === 0 ? null : (
        <Banner
          tone="danger"
          icon="file"
          isLoud
          title={say("file.too-large", { count: tooLarge.length })}
          actions={<Button onPress={() => setTooLarge([])}>{say("file.too-large.seen")}</Button>}
        >
          <ul>
            {tooLarge.map(({ name, size }, i) => (
              <li key={`${name}-${i}`}>
                <bdi>{shownName(name) || say("file.unnamed")}</bdi>{" "}
                <span className="soft">{fileSize(size)}</span>
              </li>
            ))}
          </ul>
          <p>{say("file.too-large.why")}</p>
        </Banner>
      )}
      {files.length === 0 && !isDropping ? null : (
        <p className="small soft composer-limit">
          <Say k="file.limit" v={{ count: MAX_FILES }} />
        </p>
      )}
      {files.length === 0 ? null : (
        <ul className="row-wrap composer-files">
          {files.map(({ file, name }, i) => (
            <li key={`${name}-${i}`} className="chip">
              <Icon name="file" />
              <bdi className="one-line">{shownName(name)}</bdi>
              <span className="soft">{fileSize(file.size)}</span>
              <IconButton
                icon="close"
                label={say("composer.remove-file", { name: shownName(name) })}
                onPress={() => setFiles(files.filter((_, at) => at !== i))}
              />
            </li>
          ))}
        </ul>
      )}
      <div className="composer-line">
        {isEdit ? null : (
          <FileTrigger allowsMultiple onSelect={(list) => (list === null ? undefined : add(list))}>
            <IconButton icon="attach" label={say("composer.attach")} />
          </FileTrigger>
        )}
        <textarea
          ref={field}
          className="composer-text"
          dir="auto"
          rows={1}
          maxLength={MAX_TEXT}
          value={text}
          aria-label={say("composer.label", { title: conversation.title })}
          aria-autocomplete="list"
          {...(mention === null
            ? {}
            : { "aria-controls": listId, "aria-activedescendant": `${listId}-${mention.chosen}` })}
          placeholder={say("composer.placeholder")}
          onChange={(event) => change(event.target.value, event.target.selectionStart)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => setMention(null)}
        />
        <EmojiButton label={say("composer.emoji")} onChoose={insert} />
        <IconButton
          icon="send"
          label={isEdit ? say("composer.save") : say("composer.send")}
          isDisabled={isEmpty}
          onPress={() => void submit()}
        />
      </div>
    </div>
  );
}

function AboutBar({ about, onDone }: { readonly about: About; readonly onDone: () => void }): ReactElement {
  const nameOf = useNames();
  const { message, kind } = about;
  return (
    <div className="composer-about">
      <Icon name={kind === "edit" ? "edit" : "reply"} />
      <span className="grow">
        <span className="reply-name one-line">
          {kind === "edit" ? (
            say("composer.editing")
          ) : (
            <Say k="composer.replying" v={{ name: nameOf(message.from) }} />
          )}
        </span>
        <span className="one-line soft">
          {message.body.kind === "text" ? shownText(message.body.text) : ""}
        </span>
      </span>
      <IconButton icon="close" label={say("cancel")} onPress={onDone} />
    </div>
  );
}
