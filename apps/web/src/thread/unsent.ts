import type {
  ConversationView,
  EntryView,
  IntentInput,
  MentionView,
  NewAttachment,
} from "@porchlight/client/page";
import { useState, useSyncExternalStore } from "react";
import { isReadable, newAttachment } from "../files/picture.ts";
import { errorText } from "../i18n/errors.ts";
import { say } from "../i18n/say.tsx";
import { tell } from "../parts/toast.tsx";
import { type Chosen, movedChosen } from "./mention.ts";

export const MAX_FILES = 10;

export type About = {
  readonly kind: "reply" | "edit";
  readonly message: EntryView & { kind: "message" };
};

/** A message as it was when its writer sent it. */
type Written = {
  readonly text: string;
  readonly chosen: readonly Chosen[];
  readonly mentions: readonly MentionView[];
  readonly about: About | null;
  readonly send: (message: Omit<IntentInput<"send">, "conversation">) => Promise<unknown>;
};

type Begun = {
  readonly text: string;
  readonly files: readonly NewAttachment[];
  readonly chosen: readonly Chosen[];
  readonly about: About | null;
  /** The draft, while an edit has the field. */
  readonly aside: string | null;
  /** How often an answer or an edit was begun. */
  readonly turns: number;
  /** How often files were chosen whose previews are still being made. */
  readonly reading: number;
  /** Goes as soon as they are. */
  readonly due: Written | null;
  /** Files that were chosen and are not there any more, by name. */
  readonly unreadable: readonly string[];
  /** How many messages have gone. */
  readonly sent: number;
};

type Change = Partial<Begun> | ((now: Begun) => Partial<Begun>);

/**
 * What somebody has begun in a conversation, and what becomes of it though they turn away meanwhile. Its draft is saved
 * beside it; the rest is in this page alone.
 */
export class Unsent {
  #now: Begun;
  #isForgotten = false;
  readonly #listeners = new Set<() => void>();

  constructor(draft: string) {
    const nothing = {
      files: [],
      chosen: [],
      about: null,
      aside: null,
      turns: 0,
      reading: 0,
      due: null,
      unreadable: [],
    };
    this.#now = { text: draft, ...nothing, sent: 0 };
  }

  get now(): Begun {
    return this.#now;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly change = (change: Change): void => {
    if (this.#isForgotten) return;
    this.#now = { ...this.#now, ...(typeof change === "function" ? change(this.#now) : change) };
    for (const listener of this.#listeners) listener();
  };

  /** What stands in the field. What waits to go is not written any more. `picked`: chosen with it. */
  readonly write = (text: string, picked: readonly Chosen[] = []): void => {
    this.change((now) =>
      now.due === null ? { text, chosen: [...movedChosen(now.chosen, now.text, text), ...picked] } : {},
    );
  };

  /** What is to be edited takes the field until {@link end}, and the draft is laid aside. */
  readonly begin = (about: About): void => {
    const { kind, message } = about;
    this.change((now) => ({
      ...(kind === "edit" && message.body.kind === "text"
        ? { aside: now.aside ?? now.text, text: message.body.text, chosen: message.body.mentions }
        : withDraft(now)),
      about,
      turns: now.turns + 1,
    }));
  };

  /** Its draft comes back. `edit`: only if that is still it, as another may have been begun while it was saved. */
  readonly end = (edit?: About["message"]["id"]): void => {
    this.change((now) =>
      edit === undefined || (now.about?.kind === "edit" && now.about.message.id === edit)
        ? { ...withDraft(now), about: null }
        : {},
    );
  };

  /** Makes their previews. `folders`: chosen with them, and no files. */
  async attach(chosen: readonly File[], folders: readonly string[]): Promise<void> {
    this.change(({ reading, unreadable }) => ({
      reading: reading + 1,
      unreadable: reading === 0 ? [] : unreadable,
    }));
    const made = await Promise.all(
      chosen.map(async (file) => ((await isReadable(file)) ? await newAttachment(file) : null)),
    );
    const unreadable = [...folders, ...chosen.flatMap(({ name }, i) => (made[i] === null ? [name] : []))];
    const read = made.filter((one) => one !== null);
    this.change((now) => ({
      reading: now.reading - 1,
      unreadable: [...now.unreadable, ...unreadable],
      files: [...now.files, ...read].slice(0, MAX_FILES),
    }));
    const { due, reading, unreadable: missing } = this.#now;
    if (due === null || reading > 0 || this.#isForgotten) return;
    this.change({ due: null });
    if (missing.length === 0) return await this.send(due);
    // It does not go without them: its writer, who may be elsewhere by now, is told first.
    tell({ tone: "danger", text: say("composer.held", { count: missing.length }) });
  }

  /** At once, or as soon as the previews are made. */
  async send(written: Written): Promise<void> {
    const { reading, files, about } = this.#now;
    if (reading > 0) return this.change({ due: written });
    this.change((now) => ({ ...withText(now, "", []), files: [], unreadable: [] }));
    const { text, mentions, chosen } = written;
    const answered = about === null ? null : written.about;
    const replyTo = answered === null ? {} : { replyTo: answered.message.id };
    try {
      await written.send({ text, mentions, attachments: files, ...replyTo });
      this.change((now) => ({
        sent: now.sent + 1,
        about:
          now.about?.kind === "reply" && now.about.message.id === answered?.message.id ? null : now.about,
      }));
    } catch (error) {
      if (this.#isForgotten) return;
      // What a person wrote is never lost over a refusal, whatever they have written since.
      const readable = await Promise.all(files.map(({ file }) => isReadable(file)));
      this.change((now) => {
        const since = now.aside ?? now.text;
        const by = text.length + 1;
        return {
          ...withText(now, since === "" ? text : `${text}\n${since}`, [
            ...chosen,
            ...now.chosen.map((one) => ({ ...one, start: one.start + by })),
          ]),
          files: [...files.filter((_, i) => readable[i] === true), ...now.files],
          unreadable: files.flatMap(({ name }, i) => (readable[i] === true ? [] : [name])),
        };
      });
      tell({ tone: "danger", text: errorText(error) });
    }
  }

  /** Nothing of it goes on. */
  forget(): void {
    this.#isForgotten = true;
  }
}

/** In the field again. */
function withDraft({ aside }: Begun): Partial<Begun> {
  return aside === null ? {} : { text: aside, chosen: [], aside: null };
}

/** Of the message, whose place in the field an edit may have. */
function withText({ aside }: Begun, text: string, chosen: readonly Chosen[]): Partial<Begun> {
  return aside === null ? { text, chosen } : { aside: text };
}

const kept = new Map<ConversationView["id"], Unsent>();

/** As it was left, however often something else was on the screen since. */
export function useUnsent({ id, draft }: ConversationView): Unsent {
  const [unsent] = useState(() => {
    const known = kept.get(id) ?? new Unsent(draft);
    kept.set(id, known);
    return known;
  });
  return unsent;
}

/** Drawn anew when this part of it changes. */
export function useBegun<Part>(unsent: Unsent, part: (begun: Begun) => Part): Part {
  return useSyncExternalStore(unsent.subscribe, () => part(unsent.now));
}

/** Locked, nobody's words and files stay in the page. */
export function forgetUnsent(): void {
  for (const unsent of kept.values()) unsent.forget();
  kept.clear();
}
