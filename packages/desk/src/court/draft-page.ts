import type { Charter } from "@porchlight/charter";
import { hex } from "@porchlight/encoding";
import { orderWord } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import { scopeWords } from "../orders.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  box,
  button,
  check,
  choice,
  facts,
  field,
  fileField,
  postForm,
  radios,
  table,
} from "../shell/look.ts";
import { type Decided, type Draft, dayIn, type Problems } from "./draft.ts";

type Left = { readonly left: number; readonly cap: number };

/** Where an order begins: with the agency's application and the provider's statement of whose accounts these are. */
export function beginPage(visit: Visit, charter: Charter, problem?: string): View {
  return {
    title: "New order",
    ...(problem === undefined ? {} : { status: 422 }),
    body: html`<h1>New ${orderWord(charter)}</h1>
<p class="lead">It begins with two files. Nothing is signed yet.</p>
${problem === undefined ? NOTHING : box("bad", html`<p>${problem}</p>`)}
${postForm(
  visit,
  "/new",
  html`${fileField({
    name: "request",
    label: "The agency's application",
    help: "The file that the agency's desk made. It holds the reference, the original act's fingerprint and the agency's fresh key.",
    accept: ".json,application/json",
  })}
<details><summary>Or paste it</summary>${area({ name: "requestText", label: "Application, as text", rows: 6 })}</details>
${fileField({
  name: "statement",
  label: "The provider's statement",
  help: "The file in which the provider says, with its signature, whose accounts these are.",
  accept: ".json,application/json",
})}
<details><summary>Or paste it</summary>${area({ name: "statementText", label: "Statement, as text", rows: 6 })}</details>
${button("Begin the draft")}`,
  { uploads: true },
)}`,
  };
}

/** `problems` are shown once somebody has asked to sign, not while the form is new. */
export function draftPage(
  visit: Visit,
  draft: Draft,
  about: {
    readonly charter: Charter;
    readonly decided: Decided;
    readonly left: Left;
    readonly isAsked: boolean;
  },
): View {
  const { charter, decided, left, isAsked } = about;
  const { fields, request, statement } = draft;
  const problems: Problems = isAsked && decided.kind === "undecided" ? decided.problems : {};
  const chosen = new Set(fields.accounts);
  const people = statement.accounts.map(({ account, person }) =>
    check({
      name: "accounts",
      value: account,
      label: person,
      help: `Account ${account}`,
      checked: chosen.has(account),
    }),
  );
  const count = Object.keys(problems).length;
  return {
    title: `Draft ${request.reference}`,
    ...(count > 0 ? { status: 422 } : {}),
    body: html`<p class="back"><a href="/orders">Orders</a></p>
<h1>Draft: ${request.reference}</h1>
<p class="lead">From the application of ${request.requester.name}. Nothing is signed yet.</p>
${count === 0 ? NOTHING : html`<div class="box bad" role="alert"><p>${count === 1 ? "One thing is" : `${count} things are`} not right yet. ${count === 1 ? "It" : "Each"} is marked below.</p></div>`}
${sum(draft, charter, decided)}
${numbers(draft, charter, left)}
${postForm(
  visit,
  `/drafts/${draft.id}`,
  html`<h2>Whose messages, and which</h2>
<fieldset><legend>People whom the provider names</legend>${join(people)}${problems.accounts === undefined ? NOTHING : html`<p class="problem">${problems.accounts}</p>`}</fieldset>
${radios({
  name: "mode",
  legend: "Which messages",
  value: fields.mode,
  options: [
    { value: "sent", words: "Only what these people wrote themselves" },
    {
      value: "both-sides",
      words: "Also what others wrote to them",
      help: "The provider must first state, signed, who the others are. Each of them counts and is told too.",
    },
  ],
})}
${radios({
  name: "where",
  legend: "Conversations",
  value: fields.where,
  options: [
    { value: "named", words: "Only those that are named here" },
    { value: "all", words: "All of theirs", help: "Only the agency learns which these are." },
  ],
})}
${area({
  name: "conversations",
  label: "Numbers of the conversations",
  help: "One a line.",
  value: fields.conversations,
  problem: problems.conversations,
  rows: 3,
})}
<div class="columns">${field({ name: "firstDay", label: "First day (UTC)", type: "date", value: fields.firstDay, problem: problems.firstDay })}
${field({ name: "lastDay", label: "Last day, included", help: "Empty: the first day only.", type: "date", value: fields.lastDay, problem: problems.lastDay })}</div>
${check({ name: "isLive", label: "Open each day once it has begun", help: "Else a day is opened when it is over.", checked: fields.isLive })}
<h2>Why</h2>
<div class="columns">${choice({ name: "legalBasis", label: "Legal basis", value: fields.legalBasis, problem: problems.legalBasis, options: options(charter.legalBases) })}
${choice({ name: "offence", label: charter.kind === "court" ? "Category of offence" : "Category", value: fields.offence, problem: problems.offence, options: options(charter.offenceCategories) })}</div>
${area({ name: "necessity", label: "Why it is necessary", help: "Keyholders decide on it. The person is told a number of it, and can ask you for the text.", value: fields.necessity, problem: problems.necessity })}
${area({ name: "proportionality", label: "Why it is proportionate", help: "Why less would not do.", value: fields.proportionality, problem: problems.proportionality })}
${check({ name: "isPrivileged", label: "It touches communication with a lawyer, the press or another protected person", checked: fields.isPrivileged })}
<h2>Telling the person</h2>
${radios({
  name: "disclosure",
  legend: "When",
  value: fields.disclosure,
  options: [
    {
      value: "notice-first",
      words: `Before anything is opened, with ${charter.contestDays} days to object`,
    },
    {
      value: "secret",
      words: "When secrecy ends",
      help: `At most ${charter.longestSecrecyDays} days from now.`,
    },
  ],
})}
<div class="columns">${field({ name: "until", label: "Secret until (UTC)", type: "date", value: fields.until, problem: problems.until })}</div>
${area({ name: "ground", label: "The ground of the secrecy", value: fields.ground, problem: problems.ground, rows: 3 })}
<h2>How long it holds</h2>
${field({ name: "validDays", label: "Days within which keyholders may act on it", type: "number", value: fields.validDays, problem: problems.validDays })}
${check({ name: "isEmergency", label: "Emergency", help: "Skips the wait for the person's objection. Skips no keyholder's decision.", checked: fields.isEmergency })}
<div class="row"><button class="main" type="submit" formaction="/drafts/${draft.id}/sign">Show what will be signed</button>${button("Save and count again", "plain")}</div>`,
)}
<details><summary>The application, word for word</summary>${facts([
      { term: "Reference", text: request.reference },
      { term: "To be read by", text: request.requester.name },
      { term: "Original act (SHA-256)", text: hex(request.actHash) },
      { term: "The agency's key for this order", text: hex(request.requester.point) },
    ])}</details>
${postForm(visit, `/drafts/${draft.id}/remove`, button("Throw the draft away", "grave"))}`,
  };
}

function options(texts: readonly string[]) {
  return [{ value: "", words: "Choose" }, ...texts.map((text) => ({ value: text, words: text }))];
}

function sum({ fields }: Draft, { kind }: Charter, decided: Decided): Markup {
  if (decided.kind === "undecided") {
    return html`<div class="sum"><strong>Not counted yet</strong>What this ${kind === "court" ? "warrant" : "hold order"} opens stands here once people, conversations and days are chosen.</div>`;
  }
  const { accounts, conversations, firstDay, lastDay } = decided.decision;
  const { sentence, keys } = scopeWords({
    people: accounts.length,
    conversations: conversations === "all" ? null : conversations.length,
    days: lastDay - firstDay + 1,
    isBothSides: fields.mode === "both-sides",
  });
  return html`<div class="sum"><strong>${keys}</strong>${sentence}</div>`;
}

function numbers({ fields }: Draft, { caps, longestSecrecyDays }: Charter, { left, cap }: Left): Markup {
  const [first, last] = [
    dayIn(fields.firstDay),
    dayIn(fields.lastDay === "" ? fields.firstDay : fields.lastDay),
  ];
  const days = first === null || last === null ? "" : String(Math.max(0, last - first + 1));
  const row = (what: string, here: string, most: string): Markup[] => [
    html`${what}`,
    html`${here}`,
    html`${most}`,
  ];
  return table({
    caption: "What the charter allows",
    heads: ["", "In this draft", "At most"],
    rows: [
      row("People", String(fields.accounts.length), String(caps.accountsPerWarrant)),
      row("Days", days, String(caps.daysPerWarrant)),
      row("Orders in 30 days, by everyone together", `${left} left`, String(cap)),
      row(
        "Days of secrecy",
        fields.disclosure === "secret" ? (fields.until === "" ? "" : `until ${fields.until}`) : "none",
        String(longestSecrecyDays),
      ),
    ],
  });
}
