import { type DayNumber, formatDay, formatInstant, type UnixSeconds } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { Visit } from "./desk.ts";

// The pieces of which every desk's pages are made. Each escapes what it is given.

export type Tone = "good" | "wait" | "bad" | "plain";

/** A state in a word. */
export function badge(words: string, tone: Tone = "plain"): Markup {
  return html`<span class="badge ${tone}">${words}</span>`;
}

export function box(tone: "plain" | "good" | "warn" | "bad", body: Markup): Markup {
  return html`<div class="box ${tone}">${body}</div>`;
}

/** Terms and what they are. */
export function facts(rows: readonly Words[]): Markup {
  return html`<dl class="facts">${join(
    rows.map(
      ({ term, text }) => html`<dt>${term}</dt><dd>${text}</dd>
`,
    ),
  )}</dl>`;
}

/** On a phone each row becomes a card, and its cells say what they are. */
export function table(about: {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly Markup[])[];
}): Markup {
  const { caption, heads, rows } = about;
  const head = heads.map((words) => (words === "" ? html`<td></td>` : html`<th scope="col">${words}</th>`));
  const body = rows.map((cells) => {
    const [first = NOTHING, ...rest] = cells;
    return html`<tr><th scope="row">${first}</th>${join(rest.map((cell, i) => html`<td data-label="${heads[i + 1] ?? ""}">${cell}</td>`))}</tr>
`;
  });
  return html`<table><caption>${caption}</caption><thead><tr>${join(head)}</tr></thead><tbody>
${join(body)}</tbody></table>`;
}

/** What stands where there is nothing yet. */
export function empty(words: string, more: Markup = NOTHING): Markup {
  return html`<div class="empty"><p>${words}</p>${more}</div>`;
}

export function steps(
  all: readonly { readonly words: string; readonly state: "done" | "now" | "later" | "bad" }[],
): Markup {
  const says = { done: "done", now: "under way", later: "not yet", bad: "failed" } as const;
  return html`<ol class="steps">${join(
    all.map(
      ({
        words,
        state,
      }) => html`<li class="${state}"><span>${words}</span> <span class="state">${says[state]}</span></li>
`,
    ),
  )}</ol>`;
}

type FieldOptions = {
  readonly name: string;
  /** Where a page has the same field more than once: its label has to find it. */
  readonly id?: string;
  readonly label: string;
  readonly value?: string;
  readonly help?: string;
  /** What is wrong with what was typed. */
  readonly problem?: string | undefined;
  readonly required?: boolean;
};

function around({ name, id = name, label, help, problem }: FieldOptions, control: Markup): Markup {
  const hint = help === undefined ? NOTHING : html`<p class="help" id="${id}-help">${help}</p>`;
  const wrong = problem === undefined ? NOTHING : html`<p class="problem" id="${id}-problem">${problem}</p>`;
  return html`<div class="field"><label for="${id}">${label}</label>${hint}${control}${wrong}</div>`;
}

function described({ name, id = name, help, problem, required }: FieldOptions): Markup {
  const ids = [
    ...(help === undefined ? [] : [`${id}-help`]),
    ...(problem === undefined ? [] : [`${id}-problem`]),
  ].join(" ");
  const by = ids === "" ? NOTHING : html` aria-describedby="${ids}"`;
  return html`${by}${problem === undefined ? NOTHING : html` aria-invalid="true"`}${required === true ? html` required` : NOTHING}`;
}

export function field(
  options: FieldOptions & { readonly type?: "text" | "date" | "number" | "email" | "search" | "url" },
): Markup {
  const { name, id = name, value = "", type = "text" } = options;
  return around(
    options,
    html`<input id="${id}" name="${name}" type="${type}" value="${value}" autocomplete="off" maxlength="4000"${described(options)}>`,
  );
}

export function area(options: FieldOptions & { readonly rows?: number }): Markup {
  const { name, id = name, value = "", rows = 4 } = options;
  return around(
    options,
    // The line feed after the tag is the parser's: without it one at the beginning of the value would be lost.
    html`<textarea id="${id}" name="${name}" rows="${rows}" autocomplete="off"${described(options)}>
${value}</textarea>`,
  );
}

export function fileField(options: FieldOptions & { readonly accept?: string }): Markup {
  const { name, id = name, accept } = options;
  return around(
    options,
    html`<input id="${id}" name="${name}" type="file"${accept === undefined ? NOTHING : html` accept="${accept}"`}${described(options)}>`,
  );
}

export type Option = { readonly value: string; readonly words: string };

export function choice(options: FieldOptions & { readonly options: readonly Option[] }): Markup {
  const { name, value } = options;
  const list = options.options.map(
    (one) =>
      html`<option value="${one.value}"${one.value === value ? html` selected` : NOTHING}>${one.words}</option>`,
  );
  return around(
    options,
    html`<select id="${name}" name="${name}"${described(options)}>${join(list)}</select>`,
  );
}

export function check(options: {
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly checked?: boolean;
  readonly help?: string;
}): Markup {
  const { name, label, value = "yes", checked = false, help } = options;
  return html`<label class="check"><input type="checkbox" name="${name}" value="${value}"${checked ? html` checked` : NOTHING}><span>${label}${help === undefined ? NOTHING : html`<span class="help">${help}</span>`}</span></label>`;
}

/** One of several, each with its own line of help. */
export function radios(options: {
  readonly name: string;
  readonly legend: string;
  readonly value: string;
  readonly options: readonly (Option & { readonly help?: string })[];
}): Markup {
  const { name, legend, value } = options;
  const list = options.options.map(
    (one) =>
      html`<label class="check"><input type="radio" name="${name}" value="${one.value}"${one.value === value ? html` checked` : NOTHING}><span>${one.words}${one.help === undefined ? NOTHING : html`<span class="help">${one.help}</span>`}</span></label>`,
  );
  return html`<fieldset><legend>${legend}</legend>${join(list)}</fieldset>`;
}

export function button(words: string, weight: "main" | "plain" | "grave" = "main"): Markup {
  return html`<button class="${weight}" type="submit">${words}</button>`;
}

export function linkButton(words: string, to: string, weight: "main" | "plain" = "plain"): Markup {
  return html`<a class="button ${weight}" href="${to}">${words}</a>`;
}

/** A form to this desk, with its token. `uploads`: files travel in it. */
export function postForm(
  { csrf }: Pick<Visit, "csrf">,
  action: string,
  body: Markup,
  options: { readonly uploads?: boolean } = {},
): Markup {
  const kind = options.uploads === true ? html` enctype="multipart/form-data"` : NOTHING;
  return html`<form method="post" action="${action}"${kind}>${csrf}${body}</form>`;
}

/** `3 May 2026`, as everywhere in UTC. */
export function day(at: DayNumber): Markup {
  const text = formatDay(at);
  return html`<time datetime="${text}">${text}</time>`;
}

export function instant(at: UnixSeconds): Markup {
  const text = formatInstant(at);
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 16)} UTC</time>`;
}

/** `1 person`, `2 people`. */
export function counted(number: number, one: string, many: string = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** `3 days 4 hours left`, in the last two hours `95 minutes left`, or by how much it is late. */
export function clockWords(deadline: UnixSeconds, now: UnixSeconds): string {
  const minutes = Math.floor(Math.abs(deadline - now) / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const long =
    hours < 2
      ? counted(minutes, "minute")
      : days === 0
        ? counted(hours, "hour")
        : `${counted(days, "day")} ${counted(hours % 24, "hour")}`;
  return deadline < now ? `${long} late` : `${long} left`;
}

/** How long is left; it stands out in the last two days. */
export function clockBadge(deadline: UnixSeconds | null, now: UnixSeconds): Markup {
  if (deadline === null) return badge("no clock");
  const isClose = deadline - now < 2 * 86_400;
  return badge(clockWords(deadline, now), deadline < now ? "bad" : isClose ? "wait" : "plain");
}
