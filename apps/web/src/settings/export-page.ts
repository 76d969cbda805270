import type {
  AccountId,
  CharterView,
  ContactView,
  ConversationView,
  EntryView,
  EventView,
  MessageView,
  NoticeView,
  ReadyState,
} from "@porchlight/client/page";
import { codeText, refusalText } from "../i18n/errors.ts";
import { fileSize, locale, longDay, say, timeOfDay, utcDate, utcDateOf } from "../i18n/say.tsx";
import { shownName, shownText } from "../text/marks.ts";

/** A line of the export. */
type Line =
  | ({ readonly kind: "account"; readonly at: number } & Pick<ReadyState, "me" | "contacts" | "notices">)
  | { readonly kind: "charter"; readonly charter: CharterView }
  | {
      readonly kind: "conversation";
      readonly conversation: ConversationView;
      readonly members: readonly AccountId[];
    }
  | { readonly kind: "entry"; readonly entry: EntryView };

const STYLE = `
:root { color-scheme: light dark; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h2 { margin-top: 3rem; border-top: 1px solid; padding-top: 1rem; }
h3 { margin-top: 2rem; font-size: 1rem; }
.words { white-space: pre-wrap; margin: 0.1rem 0; }
.soft { opacity: 0.75; font-size: 0.85rem; margin: 0.1rem 0; }
article, .event { margin: 0.75rem 0; }
blockquote { margin: 0.2rem 0; padding-left: 0.75rem; border-left: 3px solid; opacity: 0.8; white-space: pre-wrap; }
img { max-width: 100%; max-height: 12rem; }
`;

/**
 * The lines of an export as one page that opens in any browser, for ever: no script runs in it, it asks nobody for anything,
 * and everything that somebody wrote is text in it.
 */
export async function readablePage(lines: Blob): Promise<Blob> {
  const parts: BlobPart[] = [];
  const book = new Book();
  for await (const line of linesOf(lines)) parts.push(book.add(JSON.parse(line) as Line));
  return new Blob([...parts, "</main></body></html>"], { type: "text/html" });
}

async function* linesOf(blob: Blob): AsyncGenerator<string> {
  const reader = blob.stream().pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const whole = (rest + value).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
}

/** What a page needs to remember of the lines before. */
class Book {
  #me: ReadyState["me"] | null = null;
  #contacts: ReadyState["contacts"] = {};
  readonly #charters = new Map<string, CharterView>();
  #day = "";

  add(line: Line): string {
    switch (line.kind) {
      case "account":
        return this.#account(line);
      case "charter":
        this.#charters.set(line.charter.id, line.charter);
        return "";
      case "conversation":
        return this.#conversation(line);
      case "entry":
        return this.#entry(line.entry);
    }
  }

  #account({ me, contacts, notices, at }: Extract<Line, { kind: "account" }>): string {
    this.#me = me;
    this.#contacts = contacts;
    const title = say("export.page.title", { name: shownName(me.name) });
    return [
      `<!doctype html><html lang="${locale}"><head><meta charset="utf-8">`,
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">`,
      `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${safe(title)}</title>`,
      `<style>${STYLE}</style></head><body><main><h1>${safe(title)}</h1>`,
      soft(
        say("export.page.made", {
          date: `${longDay(at)}, ${timeOfDay(at)}`,
          zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        }),
      ),
      soft(`${say("profile.fingerprint")}: ${me.fingerprint}`),
      Object.keys(contacts).length === 0 ? "" : `<h2>${say("export.page.people")}</h2><ul>`,
      ...Object.values(contacts).map((contact) => this.#contact(contact)),
      Object.keys(contacts).length === 0 ? "" : "</ul>",
      notices.length === 0 ? "" : `<h2>${say("notices.title")}</h2>`,
      ...notices.map(noticeHtml),
    ].join("");
  }

  #contact({ account, trust }: ContactView): string {
    const compared =
      trust.kind === "verified"
        ? say("trust.verified", { date: utcDateOf(trust.at) })
        : trust.kind === "changed"
          ? say("trust.changed.short")
          : say("trust.unverified");
    return `<li>${safe(this.#name(account))} <span class="soft">${safe(compared)}</span></li>`;
  }

  #conversation({ conversation, members }: Extract<Line, { kind: "conversation" }>): string {
    this.#day = "";
    const title = shownName(conversation.title) || say("conversation.untitled");
    return [
      `<h2 dir="auto">${safe(title)}</h2>`,
      members.length === 0 ? "" : soft(members.map((account) => this.#name(account)).join(", ")),
      soft(this.#charterWords(conversation.charter)),
      conversation.draft === "" ? "" : soft(`${say("list.draft")} ${shownText(conversation.draft)}`),
    ].join("");
  }

  #entry(entry: EntryView): string {
    const day = longDay(entry.at);
    const heading = day === this.#day ? "" : `<h3>${safe(day)}</h3>`;
    this.#day = day;
    return `${heading}${this.#entryHtml(entry)}`;
  }

  #entryHtml(entry: EntryView): string {
    const time = `<time>${timeOfDay(entry.at)}</time>`;
    switch (entry.kind) {
      case "message":
        return `<article><p class="soft"><b>${safe(this.#name(entry.from))}</b> ${time}${this.#notes(entry)}</p>${this.#body(entry)}</article>`;
      case "event":
        return `<p class="event soft">${safe(this.#event(entry))} ${time}</p>`;
      case "refused":
        return `<p class="event soft">${safe(say(`refused.title.${entry.code === "missing" ? "missing" : entry.item}`))}. ${safe(refusalText(entry.code))} ${time}</p>`;
      case "not-understood":
        return `<p class="event soft">${safe(say("message.not-understood", { name: this.#name(entry.from) }))} ${time}</p>`;
    }
  }

  #notes({ editedAt, delivery }: MessageView): string {
    const notes = [
      editedAt === null ? null : say("message.edited"),
      delivery?.kind === "queued" ? say("delivery.queued") : null,
      delivery?.kind === "refused" ? `${say("delivery.refused")} ${codeText(delivery.code)}` : null,
    ].filter((note) => note !== null);
    return notes.map((note) => `, ${safe(note)}`).join("");
  }

  #body({ body, replyTo, reactions, from, fromMe }: MessageView): string {
    if (body.kind === "deleted") {
      const words = fromMe ? say("message.deleted-own") : say("message.deleted", { name: this.#name(from) });
      return `<p class="words soft">${safe(words)}</p>`;
    }
    const quoted =
      replyTo === null
        ? ""
        : replyTo.found === null
          ? say("message.reply-unknown")
          : `${this.#name(replyTo.found.from)}: ${replyTo.found.isDeleted ? say("message.reply-deleted") : shownText(replyTo.found.text)}`;
    return [
      quoted === "" ? "" : `<blockquote dir="auto">${safe(quoted)}</blockquote>`,
      body.text === "" ? "" : `<p class="words" dir="auto">${safe(shownText(body.text))}</p>`,
      ...body.attachments.map(attachmentHtml),
      reactions.length === 0
        ? ""
        : soft(
            reactions
              .map(({ emoji, by }) => `${emoji} ${by.map((account) => this.#name(account)).join(", ")}`)
              .join(" · "),
          ),
    ].join("");
  }

  #event({ event, by, byMe, isFirst }: EventView): string {
    const name = this.#name(by);
    const names = (accounts: readonly AccountId[]): string =>
      accounts.map((account) => this.#name(account)).join(", ");
    switch (event.kind) {
      case "created":
        return say("event.created", { name, charter: this.#charterWords(event.charter) });
      case "you-joined":
        return say(isFirst ? "event.you-joined" : "event.you-joined-again", {
          name,
          charter: this.#charterWords(event.charter),
        });
      case "joined":
        return say("event.joined", { name, names: names(event.accounts) });
      case "left":
        return event.accounts.length === 1 && event.accounts[0] === by
          ? say("event.left", { name })
          : say("event.removed", { name, names: names(event.accounts) });
      case "you-left":
        return byMe ? say("event.you-left") : say("event.you-removed", { name });
      case "device-added":
      case "device-removed":
        return event.account === this.#me?.account
          ? say(`event.${event.kind}-own`)
          : say(`event.${event.kind}`, { name: this.#name(event.account) });
      case "safety-number-changed":
        return say("event.safety-number-changed", { name: this.#name(event.account) });
      case "charter-proposed":
      case "charter-accepted":
        return say(`event.${event.kind}`, { name, charter: this.#charterWords(event.charter) });
      case "charter-changed":
        return say("event.charter-changed", { charter: this.#charterWords(event.charter) });
      case "keyholder-replaced": {
        const { lost, successor, at } = event.replacement;
        const charter = this.#charterWords(event.charter);
        return say("event.keyholder-replaced", { lost, successor, date: utcDateOf(at), charter });
      }
      case "titled":
        return say("event.titled", { name, title: event.title });
      case "named":
        return say("event.named", { before: event.before || name, name: event.name });
    }
  }

  #charterWords(id: string | null): string {
    if (id === null) return say("charter.words.none");
    const kind = this.#charters.get(id)?.kind;
    return kind === undefined
      ? say("charter.unknown")
      : `${say(`charter.words.${kind}`)} (${id.slice(0, 8)})`;
  }

  #name(account: AccountId): string {
    if (account === this.#me?.account) return shownName(this.#me.name);
    const name = shownName(this.#contacts[account]?.name ?? "");
    return name === "" ? say("name.unknown", { start: account.slice(0, 4) }) : name;
  }
}

function noticeHtml(notice: NoticeView): string {
  const facts = [
    `${utcDate(notice.firstDay)} – ${utcDate(notice.lastDay)}`,
    `${say("notice.basis")}: ${notice.legalBasis}`,
    `${say("notice.category")}: ${notice.offenceCategory}`,
    `${say("notice.requester")}: ${notice.requester}`,
    `${say("notice.reference")}: ${notice.reference}`,
    `${say("notice.proof")}: ${notice.id}`,
  ];
  const title = say(`notice.title.${notice.kind}`, { by: notice.orderedBy });
  return `<article><p><b>${safe(title)}</b></p>${facts.map(soft).join("")}</article>`;
}

type Attached = Extract<MessageView["body"], { kind: "text" }>["attachments"][number];

/** Bytes are base64 in a line. */
function attachmentHtml({ name, size, preview }: Attached): string {
  const words = `${say("preview.attachment", { name: shownName(name) || say("file.unnamed") })} (${fileSize(size)})`;
  const data = preview?.bytes as unknown as string | undefined;
  const isPicture =
    data !== undefined &&
    /^[A-Za-z0-9+/=]*$/.test(data) &&
    /^image\/(jpeg|png|webp)$/.test(preview?.type ?? "");
  const picture = isPicture ? `<img alt="" src="data:${preview?.type};base64,${data}">` : "";
  return `${soft(words)}${picture}`;
}

function soft(words: string): string {
  return `<p class="soft" dir="auto">${safe(words)}</p>`;
}

/** As text of an element or of an attribute in double quotes. */
function safe(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[letter] as string,
  );
}
