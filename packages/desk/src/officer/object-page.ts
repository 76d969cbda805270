import type { UnixSeconds } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import { repeated } from "../repeated.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  badge,
  box,
  button,
  check,
  clockBadge,
  counted,
  facts,
  instant,
  postForm,
  table,
} from "../shell/look.ts";
import type { Shown } from "./client.ts";
import { statusBadge, statusWords, whatWords } from "./inbox-page.ts";

/** Acts in the officer's words. */
export const ACT_WORDS: Readonly<Record<string, string>> = {
  approve: "Approve",
  answer: "Answer from the provider's own records",
  preserve: "Rest it on these orders to preserve",
  challenge: "Challenge: ask back",
  refuse: "Refuse",
  suspend: "Suspend",
  resume: "Let it go on",
  unavailable: "Say that there is nothing",
};

/** Of what is kept only the longer time can be refused. */
export function actWords({ wantsMore }: Pick<Shown, "wantsMore">, act: string): string {
  return act === "refuse" && wantsMore ? "Refuse to keep it longer" : (ACT_WORDS[act] ?? act);
}

/**
 * Of a decision: what stands above the button, and what the passkey signs. `order` is what a signed order says; `preservations`
 * those that were chosen.
 */
export function decisionFacts(
  shown: Shown,
  act: string,
  about: {
    readonly words: string;
    readonly order: readonly Words[];
    readonly preservations: Shown["preservations"];
  },
): readonly Words[] {
  return [
    { term: "You decide", text: actWords(shown, act) },
    ...objectFacts(shown, about.order),
    ...(about.preservations.length === 0
      ? []
      : [{ term: "Orders to preserve", text: about.preservations.map(preservationWords).join("\n") }]),
    ...(about.words === "" ? [] : [{ term: "Your words", text: about.words }]),
  ];
}

/** What an object is and asks for. `order` as in {@link decisionFacts}. */
export function objectFacts(shown: Shown, order: readonly Words[]): readonly Words[] {
  return [
    { term: "What", text: whatWords(shown.what) },
    ...repeated([
      { term: "From", text: shown.owner },
      { term: "File reference", text: shown.reference ?? "none" },
    ]),
    { term: "State seen", text: `${statusWords(shown.status)} (generation ${shown.generation})` },
    ...(shown.isEmergency ? [{ term: "Urgent", text: "Its file is an emergency's." }] : []),
    ...repeated(askedFacts(shown)),
    ...scopeFacts(shown),
    ...repeated(documentFacts(shown)),
    ...repeated(order),
  ];
}

/** What would be delivered, in numbers; nothing of what delivers nothing. */
export function extentFacts({ extent }: Shown): readonly Words[] {
  if (extent === null) return [];
  return [
    { term: "People", text: String(extent.accounts) },
    { term: "Conversations", text: String(extent.conversations) },
    { term: "Keys: a person, a conversation, a day", text: String(extent.labels) },
    { term: "Messages", text: String(extent.messages) },
    { term: "Files", text: String(extent.attachments) },
  ];
}

/** What was asked, as it came; and what is not settled of it. */
function askedFacts({ asked, wantsMore }: Shown): readonly Words[] {
  return [
    ...asked,
    ...(wantsMore
      ? [{ term: "Not settled", text: "It was asked to be kept longer than it is. Until then it is kept." }]
      : []),
  ];
}

function scopeFacts({ scope }: Shown): readonly Words[] {
  if (scope === null) return [];
  return [
    { term: "Days", text: `${scope.firstDay} to ${scope.lastDay}` },
    ...scope.accounts.map(({ account, person }, i) => ({
      term: scope.accounts.length === 1 ? "Account" : `Account ${i + 1}`,
      text: `${account}\n${person === null ? "Whose it is was not noted." : person}`,
    })),
    {
      term: "Conversations",
      text: scope.conversations.length === 0 ? "all of theirs" : scope.conversations.join("\n"),
    },
  ];
}

function documentFacts({ document }: Shown): readonly Words[] {
  if (document === null) return [];
  return [
    { term: "Form", text: document.contentType ?? "not stated" },
    {
      term: "Where it is",
      text: document.isKeptHere
        ? "Kept here, as it came."
        : "With the court. Read it there before you decide: only its fingerprint came.",
    },
    { term: "Fingerprint (SHA-256)", text: document.checksum ?? "none" },
  ];
}

function preservationWords(one: Shown["preservations"][number]): string {
  return `${one.reference}, by ${one.issuer}, until ${one.until}`;
}

/** `order`: what a signed order says, where it is in the agreed form. */
export function objectPage(shown: Shown, order: readonly Words[], visit: Visit): View {
  const { extent, checks, custody, related, document } = shown;
  const failing = checks.filter(({ isMet }) => !isMet);
  return {
    title: whatWords(shown.what),
    body: html`<h1>${whatWords(shown.what)}</h1><p>${statusBadge(shown.status)} ${clockBadge(shown.deadline, visit.now as UnixSeconds)} ${shown.isEmergency ? badge("emergency", "bad") : NOTHING} ${shown.wantsMore ? badge("asked to be kept longer", "wait") : NOTHING}</p>
${facts([
  { term: "From", text: shown.owner },
  { term: "File reference", text: shown.reference ?? "none" },
  ...(shown.index === null ? [] : [{ term: "In the public log at", text: String(shown.index) }]),
  ...askedFacts(shown),
  ...scopeFacts(shown),
  ...documentFacts(shown),
])}
${document?.isKeptHere === true ? html`<p><a class="button" href="/objects/${shown.id}/contents" download>Read it: download the document</a></p>` : NOTHING}
${order.length === 0 ? NOTHING : html`<h2>What the order says</h2>${facts([...order])}`}
${
  extent === null
    ? NOTHING
    : html`<h2>What would be delivered</h2><p>Numbers only. What was written cannot be seen here.</p>${facts(extentFacts(shown))}`
}
${checks.length === 0 ? NOTHING : html`<h2>Checks</h2>${failing.length === 0 ? box("good", html`<p>All are met.</p>`) : box("bad", html`<p>${counted(failing.length, "check is", "checks are")} not met: this cannot be approved.</p>`)}<ul>${join(checks.map(({ isMet, words }) => html`<li>${isMet ? badge("met", "good") : badge("not met", "bad")} ${words}</li>`))}</ul>`}
${shown.acts.length === 0 ? NOTHING : html`<h2>Decide</h2>${join(shown.acts.map((act) => decision(shown, act, visit)))}`}
${
  related.length === 0
    ? NOTHING
    : table({
        caption: "Of the same authorisation",
        heads: ["What", "State"],
        rows: related.map((one) => [
          html`<a href="/objects/${one.id}">${whatWords(one.what)}</a>`,
          statusBadge(one.status),
        ]),
      })
}
${table({
  caption: "Custody record",
  heads: ["When", "Who", "What", "Words", "Digest"],
  rows: custody.map((one) => [
    instant(one.at),
    html`${one.by}`,
    html`${one.act}`,
    html`${one.words}`,
    html`<code>${one.digest.slice(0, 16)}</code>`,
  ]),
})}`,
  };
}

function decision(shown: Shown, act: string, visit: Visit): Markup {
  const words = actWords(shown, act);
  const isWritten = ["challenge", "refuse", "unavailable"].includes(act);
  const body = html`${
    act === "preserve"
      ? shown.preservations.length === 0
        ? html`<p>No issuer's order to preserve holds anything of these people. Without one nothing can be kept.</p>`
        : join(
            shown.preservations.map((one) =>
              check({
                name: "preservation",
                value: one.commitment,
                label: preservationWords(one),
              }),
            ),
          )
      : NOTHING
  }${isWritten ? wordsField(act) : NOTHING}${button(words, act === "refuse" || act === "suspend" ? "grave" : act === "challenge" ? "plain" : "main")}`;
  const seen = html`<input type="hidden" name="generation" value="${String(shown.generation)}">`;
  return html`<div class="card">${postForm(visit, `/objects/${shown.id}/${act}`, html`${seen}${body}`)}</div>`;
}

const WORDS_LABEL: Readonly<Record<string, string>> = {
  challenge: "What do you ask back?",
  refuse: "Why do you refuse it?",
  unavailable: "Why is there nothing?",
};

/** One of several on the page: each has an id of its own, so that its label names it. */
function wordsField(act: string): Markup {
  return html`<div class="field"><label for="words-${act}">${WORDS_LABEL[act] ?? "Why?"}</label><p class="help" id="words-${act}-help">These words go to who asked.</p><textarea id="words-${act}" name="words" rows="3" autocomplete="off" aria-describedby="words-${act}-help"></textarea></div>`;
}
