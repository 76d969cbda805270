import type { ClientError, ConversationView } from "@porchlight/client/page";
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type ReactElement,
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { FileTrigger } from "react-aria-components/FileTrigger";
import { flushSync } from "react-dom";
import { errorText } from "../i18n/errors.ts";
import { fileSize, Say, say } from "../i18n/say.tsx";
import { useMessenger, useNames, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { EmojiButton } from "../parts/emoji.tsx";
import { Icon } from "../parts/icon.tsx";
import { tell } from "../parts/toast.tsx";
import { usePeople } from "../people/use-people.ts";
import { shownName, shownText } from "../text/marks.ts";
import { type Chosen, mentionAt, mentionsIn, type Person } from "./mention.ts";
import { type About, MAX_FILES, useBegun, useUnsent } from "./unsent.ts";

/** With its mentions and previews a text of this length is what one message takes (CON-1). */
const MAX_TEXT = 100_000;
const MAX_FILE = 1024 ** 3;
const DRAFT_MILLISECONDS = 400;
const TYPING_MILLISECONDS = 4_000;

export function Composer({ conversation }: { readonly conversation: ConversationView }): ReactElement {
  const { id } = conversation;
  const messenger = useMessenger();
  const { settings } = useReady();
  const people = usePeople(conversation);
  const unsent = useUnsent(conversation);
  const begun = useBegun(unsent, (begun) => begun);
  const { text, files, chosen, about, aside, turns, reading, due, unreadable, sent } = begun;
  const isDue = due !== null;
  /** Where somebody may be about to mention a person, and how far down the list they are. */
  const [typedAt, setTypedAt] = useState<{ readonly caret: number; readonly chosen: number } | null>(null);
  // Looked up whenever it is drawn: who is here may only be known after the @ was typed.
  const found = typedAt === null ? null : mentionAt(text, typedAt.caret, people);
  const mention = found === null ? null : { ...found, chosen: (typedAt?.chosen ?? 0) % found.found.length };
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

  // Whoever begins an answer or an edit goes on in the field. That its message changes meanwhile calls nobody there.
  const turnsBefore = useRef(turns);
  useEffect(() => {
    if (turns === turnsBefore.current) return;
    turnsBefore.current = turns;
    setTypedAt(null);
    field.current?.focus();
  }, [turns]);
  const end = (edit?: About["message"]["id"]): void => {
    setTypedAt(null);
    unsent.end(edit);
  };

  // Saved a moment after it was typed, however long somebody types without a pause, and at once when the page goes.
  const draft = aside ?? text;
  const saved = useRef(conversation.draft);
  const sentBefore = useRef(sent);
  const unsaved = useRef(draft);
  unsaved.current = draft;
  const saveDraft = useCallback(() => {
    const text = unsaved.current;
    if (text === saved.current) return;
    saved.current = text;
    messenger.perform("draft", { conversation: id, text }).catch((error: unknown) => {
      // Locked meanwhile, there is nowhere to save it.
      if ((error as Partial<ClientError>).code !== "not-now") {
        tell({ tone: "danger", text: errorText(error) });
      }
    });
  }, [messenger, id]);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => {
    // Saved with the message: what was typed meanwhile is another draft.
    if (sent !== sentBefore.current) saved.current = "";
    sentBefore.current = sent;
    if (draft === saved.current) return;
    timer.current ??= setTimeout(() => {
      timer.current = null;
      saveDraft();
    }, DRAFT_MILLISECONDS);
  }, [draft, sent, saveDraft]);
  useEffect(() => {
    const hidden = (): void => {
      if (document.visibilityState === "hidden") saveDraft();
    };
    addEventListener("pagehide", saveDraft);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      removeEventListener("pagehide", saveDraft);
      document.removeEventListener("visibilitychange", hidden);
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
      saveDraft();
    };
  }, [saveDraft]);

  const lastTyping = useRef(0);
  const change = (value: string, caret: number): void => {
    unsent.write(value);
    setTypedAt({ caret, chosen: 0 });
    if (settings.typing && value !== "" && Date.now() - lastTyping.current > TYPING_MILLISECONDS) {
      lastTyping.current = Date.now();
      messenger.perform("typing", { conversation: id, isTyping: true }).catch(() => {});
    }
  };

  /** Up to the caret, which stands behind it at once: whoever types on is not overtaken. */
  const insert = (words: string, start?: number, picked: readonly Chosen[] = []): void => {
    const caret = field.current?.selectionStart ?? text.length;
    const from = start ?? caret;
    flushSync(() => unsent.write(`${text.slice(0, from)}${words}${text.slice(caret)}`, picked));
    const end = from + words.length;
    field.current?.focus();
    field.current?.setSelectionRange(end, end);
  };

  const choose = (person: Person): void => {
    if (mention === null) return;
    const { start } = mention;
    const written = `@${person.name} `;
    setTypedAt(null);
    insert(written, start, [{ account: person.account, start, length: written.length - 1 }]);
  };

  const add = (list: Iterable<File>, folders: readonly string[] = []): void => {
    const chosen = [...list].filter(({ name }) => !folders.includes(name));
    // By its size alone: nothing of it was read.
    setTooLarge(chosen.filter((file) => file.size > MAX_FILE));
    const fitting = chosen.filter((file) => file.size <= MAX_FILE);
    if (files.length + fitting.length > MAX_FILES)
      tell({ tone: "danger", text: say("file.too-many", { count: MAX_FILES }) });
    void unsent.attach(fitting, folders);
  };

  const isEmpty = text.trim() === "" && ((files.length === 0 && reading === 0) || isEdit);
  const tooLong = Math.max(0, text.trim().length - MAX_TEXT);
  const submit = async (): Promise<void> => {
    if (isEmpty || tooLong > 0) return;
    // At once: by the time it is saved they may be elsewhere.
    field.current?.focus();
    const written = text.trim();
    const lead = text.length - text.trimStart().length;
    const picked = chosen.map((one) => ({ ...one, start: one.start - lead }));
    const mentions = mentionsIn(written, people, picked);
    if (about?.kind === "edit") {
      try {
        await messenger.perform("edit", {
          conversation: id,
          message: about.message.id,
          text: written,
          mentions,
        });
        end(about.message.id);
      } catch (error) {
        tell({ tone: "danger", text: errorText(error) });
      }
    } else {
      setTypedAt(null);
      await unsent.send({
        text: written,
        chosen: picked,
        mentions,
        about,
        send: (message) => messenger.perform("send", { conversation: id, ...message }),
      });
    }
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (mention !== null) {
      const { found, chosen } = mention;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        setTypedAt((at) =>
          at === null ? null : { ...at, chosen: (chosen + step + found.length) % found.length },
        );
        return;
      }
      if (event.key === "Enter" || event.key === "Tab") {
        event.preventDefault();
        choose(found[chosen] as Person);
        return;
      }
      if (event.key === "Escape") {
        setTypedAt(null);
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === "Escape" && about !== null) {
      end();
    }
  };

  /** The button that is pressed goes with what it closes. */
  const seen = (close: () => void): void => {
    close();
    field.current?.focus();
  };
  const onPaste = (event: ClipboardEvent): void => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    add(event.clipboardData.files);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setDropping(false);
    const folders = [...event.dataTransfer.items].flatMap((item) => {
      const entry = item.webkitGetAsEntry();
      return entry?.isDirectory === true ? [entry.name] : [];
    });
    add(event.dataTransfer.files, folders);
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
      {about === null ? null : <AboutBar about={about} onDone={() => seen(() => end())} />}
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
              {person.isAmbiguous ? <code className="soft"> {person.account.slice(0, 8)}</code> : null}
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
          actions={<Button onPress={() => seen(() => setTooLarge([]))}>{say("file.too-large.seen")}</Button>}
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
      {unreadable.length === 0 ? null : (
        <Banner
          tone="danger"
          icon="file"
          isLoud
          title={say("file.unreadable", { count: unreadable.length })}
          actions={
            <Button onPress={() => seen(() => unsent.change({ unreadable: [] }))}>
              {say("file.too-large.seen")}
            </Button>
          }
        >
          <ul>
            {unreadable.map((name, i) => (
              <li key={`${name}-${i}`}>
                <bdi>{shownName(name) || say("file.unnamed")}</bdi>
              </li>
            ))}
          </ul>
          <p>{say("file.unreadable.why")}</p>
        </Banner>
      )}
      {tooLong === 0 ? null : (
        <p className="small field-error" role="alert" id={`${listId}-error`}>
          <Say k="composer.too-long" v={{ count: tooLong }} />
        </p>
      )}
      <div role="status">
        {reading === 0 ? null : <p className="small soft">{say("composer.reading")}</p>}
        {mention === null ? null : (
          <p className="visually-hidden">
            <Say k="composer.mention.found" v={{ count: mention.found.length }} />
          </p>
        )}
      </div>
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
                onPress={() => {
                  unsent.change({ files: files.filter((_, at) => at !== i) });
                  field.current?.focus();
                }}
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
          readOnly={isDue}
          aria-invalid={tooLong > 0}
          {...(tooLong > 0 ? { "aria-describedby": `${listId}-error` } : {})}
          value={text}
          aria-label={say("composer.label", {
            title: shownName(conversation.title) || say("conversation.untitled"),
          })}
          aria-autocomplete="list"
          {...(mention === null
            ? {}
            : { "aria-controls": listId, "aria-activedescendant": `${listId}-${mention.chosen}` })}
          placeholder={say("composer.placeholder")}
          onChange={(event) => change(event.target.value, event.target.selectionStart)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => setTypedAt(null)}
        />
        <EmojiButton label={say("composer.emoji")} isDisabled={isDue} onChoose={(emoji) => insert(emoji)} />
        <IconButton
          icon="send"
          label={isEdit ? say("composer.save") : say("composer.send")}
          isDisabled={isEmpty || tooLong > 0 || isDue}
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
          {message.body.kind === "text" ? shownText(message.body.text) : say("message.reply-deleted")}
        </span>
      </span>
      <IconButton icon="close" label={say("cancel")} onPress={onDone} />
    </div>
  );
}
