import type { DayNumber, UnixSeconds } from "@porchlight/encoding";
import { formatDay } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { LineAct, LineNames, LineObject, LineRecord, UnreadObject } from "@porchlight/parties";
import type { View, Visit } from "../shell/desk.ts";
import {
  badge,
  box,
  button,
  clockBadge,
  empty,
  facts,
  field,
  instant,
  linkButton,
  postForm,
  table,
} from "../shell/look.ts";
import type { Explained } from "../shell/sentences.ts";
import { ACT_WORDS, actHelp, statusWords, whatWords } from "./line-words.ts";

/** What the provider said last, and why it said nothing new. */
export type Told = { readonly record: LineRecord; readonly why: Explained | null };

const HEADING = "Sent to the provider";
const FROM_WHERE = html`<p class="soft">What is sent begins on the page of an application or an <a href="/orders">order</a>: “Send to the provider”.</p>`;

export function linePage(visit: Visit, names: LineNames, told: Told, unsent: Markup): View {
  const { record } = told;
  const { objects } = record;
  const newest = [...objects].sort(byUrgency);
  const deliveries = newest.filter(({ type }) => type === "Delivery");
  const sent = newest.filter(({ type }) => type !== "Delivery");
  const rows = (all: readonly LineObject[]) => all.map((one) => row(one, visit.now));
  const heads = ["What", "Reference", "State", "Clock", "Changed"];
  const [open, over] = [sent.filter((one) => !one.isOver), sent.filter((one) => one.isOver)];
  return {
    title: HEADING,
    body: html`<h1>${HEADING}</h1><p class="lead">What ${names.endpoint} asked ${names.provider} for over its line, and how it stands there. A clock says by when the provider has to answer: ten days, in an emergency eight hours, where nothing else was agreed, of when the task and the paper that it needs are both there.</p>
${unsent}
${awayBox(told)}
${unreadBox(record.unread)}
${record.isCut ? box("warn", html`<p>The provider lists no more than this at once: there may be others.</p>`) : NOTHING}
${
  deliveries.length === 0
    ? NOTHING
    : table({
        caption: "What the provider delivered",
        heads: ["What", "Of the task", "State", "Changed"],
        rows: deliveries.map((one) => [
          html`<a href="/sent/${one.id}">${whatWords(one)}</a>`,
          html`${one.reference ?? "none"}`,
          stateBadge(one),
          changedAt(one),
        ]),
      })
}
${open.length === 0 ? (objects.length === 0 && told.why !== null && record.at === null ? NOTHING : empty(objects.length === 0 ? "Nothing was sent to the provider yet." : "Nothing waits for the provider.")) : table({ caption: "Open", heads, rows: rows(open) })}
${over.length === 0 ? NOTHING : table({ caption: "Done", heads, rows: rows(over) })}
${FROM_WHERE}<p class="soft"><a href="/sent/names">How you and the provider call each other</a></p>`,
  };
}

function unreadBox(unread: readonly UnreadObject[]): Markup {
  if (unread.length === 0) return NOTHING;
  return box(
    "bad",
    html`<p><strong>The provider has something of yours that this desk cannot read.</strong> It is not below, or not as it is now; each look asks for it again. Call the provider with its number.</p><ul>${join(
      unread.map(({ id, type, why }) => html`<li>${type} <code>${id}</code>: ${why}</li>`),
    )}</ul>`,
  );
}

/** What has a clock first, by its end; then what changed last. */
function byUrgency(a: LineObject, b: LineObject): number {
  const due = (one: LineObject): number => one.deadline ?? Number.MAX_SAFE_INTEGER;
  return due(a) - due(b) || (b.changed ?? 0) - (a.changed ?? 0) || (a.id < b.id ? -1 : 1);
}

function row(one: LineObject, now: UnixSeconds): Markup[] {
  return [
    html`<a href="/sent/${one.id}">${whatWords(one)}</a>`,
    html`${one.reference ?? "none"}`,
    html`${stateBadge(one)}${one.isEmergency ? html` ${badge("emergency", "bad")}` : NOTHING}${one.challenges.length === 0 ? NOTHING : html` ${badge("asked back", "wait")}`}`,
    clock(one, now),
    changedAt(one),
  ];
}

function stateBadge(one: LineObject): Markup {
  return badge(...statusWords(one));
}

function clock(one: LineObject, now: UnixSeconds): Markup {
  const isTask = one.type === "LDTask" || one.type === "LPTask";
  if (one.deadline === null) return isTask && !one.isOver ? badge("no clock") : NOTHING;
  // When a preservation ends, nobody is late.
  return one.type === "LPTask"
    ? html`until ${one.granted ?? formatDay(Math.floor(one.deadline / 86_400) as DayNumber)}`
    : clockBadge(one.deadline, now);
}

function changedAt({ changed }: LineObject): Markup {
  return changed === null ? NOTHING : instant(changed);
}

function awayBox({ record, why }: Told): Markup {
  if (why === null) return NOTHING;
  const then =
    record.at === null
      ? html`<p>It was never asked before: there is nothing to show.</p>`
      : html`<p>What stands here is what it said last, at ${instant(record.at)}.</p>`;
  return box(
    why.code === "unreachable" ? "warn" : "bad",
    html`<p><strong>${why.title}.</strong> ${why.detail ?? ""}</p><p>${why.next} <span class="reason">Reason: <code>${why.code}</code></span></p>${then}`,
  );
}

/** Of an object: what stands on its page, and on what the passkey signs. */
export function objectFacts(one: LineObject): readonly Words[] {
  const { days, targets, asked, granted, contentType, checksum, isWhole, type, legalBasis, offence } = one;
  return [
    { term: "What", text: whatWords(one) },
    { term: type === "Delivery" ? "Of the task" : "Reference", text: one.reference ?? "none" },
    ...(legalBasis === null ? [] : [{ term: "Legal basis", text: legalBasis }]),
    ...(offence === null ? [] : [{ term: "Category", text: offence }]),
    ...(days === null ? [] : [{ term: "Days", text: `${days.first} to ${days.last}` }]),
    ...(targets.length === 0
      ? []
      : [{ term: "About", text: targets.map(({ format, value }) => `${format}: ${value}`).join("\n") }]),
    ...(asked === null ? [] : [{ term: "Asked to be kept until", text: asked }]),
    ...(granted === null ? [] : [{ term: "Kept until", text: granted }]),
    ...(contentType === null ? [] : [{ term: "Form", text: contentType }]),
    ...(checksum === null ? [] : [{ term: "Fingerprint (SHA-256)", text: checksum }]),
    ...(isWhole === null
      ? []
      : [{ term: "Contents", text: isWhole ? "in the message" : "its fingerprint only" }]),
    { term: "Its number at the provider", text: one.id },
  ];
}

export function lineObjectPage(
  visit: Visit,
  one: LineObject,
  about: {
    readonly told: Told;
    readonly isKept: boolean;
    readonly problem?: { readonly until: string; readonly words: string };
  },
): View {
  const { told, isKept, problem } = about;
  const others = told.record.objects.filter(
    ({ id, belongsTo }) =>
      id !== one.id &&
      (belongsTo.includes(one.id) ||
        one.belongsTo.includes(id) ||
        (one.type !== "Delivery" && belongsTo.some((above) => one.belongsTo.includes(above)))),
  );
  return {
    title: whatWords(one),
    ...(problem === undefined ? {} : { status: 422 }),
    body: html`<p class="back"><a href="/sent">${HEADING}</a></p><h1>${whatWords(one)}</h1><p>${stateBadge(one)} ${clock(one, visit.now)} ${one.isEmergency ? badge("emergency", "bad") : NOTHING}</p>
${awayBox(told)}
${one.reason === null ? NOTHING : box("bad", html`<p><strong>What the provider says</strong></p><p class="text">${one.reason}</p>`)}
${
  one.challenges.length === 0
    ? NOTHING
    : box(
        "warn",
        html`<p><strong>The provider asked back.</strong> Nothing is refused by it. Answer at the number that you know, or send the document that is missing.</p>${join(one.challenges.map(({ at, words }) => html`<p class="text">${words}</p>${at === null ? NOTHING : html`<p class="soft">${instant(at)}</p>`}`))}`,
      )
}
${facts(objectFacts(one))}
${isKept ? html`<h2>What was delivered</h2><p>It is kept here, encrypted to this agency, with the message that the provider signed.</p><div class="row">${linkButton("Download what was delivered", `/sent/${one.id}/file`, "main")}${linkButton("Download it encrypted, with the proof", `/sent/${one.id}/package`)}</div>` : NOTHING}
${one.acts.length === 0 ? NOTHING : html`<h2>What you can do</h2>${join(one.acts.map((act) => actCard(visit, one, act, problem)))}`}
${
  others.length === 0
    ? NOTHING
    : table({
        caption: "What belongs to it",
        heads: ["What", "Reference", "State"],
        rows: others.map((other) => [
          html`<a href="/sent/${other.id}">${whatWords(other)}</a>`,
          html`${other.reference ?? "none"}`,
          stateBadge(other),
        ]),
      })
}`,
  };
}

function actCard(
  visit: Visit,
  one: LineObject,
  act: LineAct,
  problem: { readonly until: string; readonly words: string } | undefined,
): Markup {
  const seen = html`<input type="hidden" name="generation" value="${String(one.generation)}">`;
  const until =
    act === "extend"
      ? field({
          name: "until",
          label: "Keep it until",
          help: "That day included.",
          type: "date",
          value: problem?.until ?? "",
          problem: problem?.words,
          required: true,
        })
      : NOTHING;
  return html`<div class="card"><p>${actHelp(act, one)}</p>${postForm(visit, `/sent/${one.id}/${act}`, html`${seen}${until}${button(ACT_WORDS[act], act === "cancel" ? "grave" : "main")}`)}</div>`;
}

/** Before anything can be asked: which names, and the key. */
export function namesPage(
  visit: Visit,
  about: { readonly names: LineNames | null; readonly typed?: LineNames; readonly problem?: string },
): View {
  const { names, problem } = about;
  const typed = about.typed ?? names;
  return {
    title: HEADING,
    ...(problem === undefined ? {} : { status: 422 }),
    body: html`${names === null ? NOTHING : html`<p class="back"><a href="/sent">${HEADING}</a></p>`}<h1>${names === null ? HEADING : "Names on the line"}</h1>
<p class="lead">${names === null ? "This desk does not know yet how you and the provider call each other. " : ""}Both names are those under which your key was registered after the call back. The provider tells you them.</p>
${problem === undefined ? NOTHING : box("bad", html`<p>${problem}</p>`)}
${postForm(
  visit,
  "/sent/names",
  html`${field({ name: "endpoint", label: "Your UniqueIdentifier", value: typed?.endpoint ?? "", required: true })}
${field({ name: "provider", label: "The provider's UniqueIdentifier", value: typed?.provider ?? "", required: true })}
${field({ name: "country", label: "Country, two letters", value: typed?.country ?? "", required: true })}
${field({ name: "owner", label: "Owner of the national profile", value: typed?.owner ?? "porchlight", required: true })}
${field({ name: "profile", label: "Its version", value: typed?.profile ?? "1", required: true })}
${button("Keep these names")}`,
)}`,
  };
}

/** Nothing is asked without a key of this agency's own. */
export function keylessPage(): View {
  return {
    title: HEADING,
    body: html`<h1>${HEADING}</h1>${empty("No key was made here yet. Without one the provider takes nothing from you, and tells you nothing.", linkButton("Our key", "/key", "main"))}`,
  };
}
