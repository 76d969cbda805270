import type { Charter } from "@porchlight/charter";
import { formatInstant } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import {
  type Agency,
  isUnfinished,
  type LineObject,
  lineObjects,
  type OpenSending,
  type Part,
  type Sending,
  type SendingWish,
  type SentPart,
} from "@porchlight/parties";
import { whoSigns } from "../orders.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  box,
  button,
  check,
  choice,
  counted,
  field,
  fileField,
  linkButton,
  postForm,
  radios,
  table,
} from "../shell/look.ts";
import { objectFacts } from "./line-page.ts";
import { whatWords } from "./line-words.ts";
import type { SendingFields, SendingProblems } from "./sending-form.ts";

const HEADING = "Send to the provider";

/** An application or an order that something is sent for. */
export type SendingPlace = {
  readonly path: string;
  readonly back: string;
  readonly reference: string;
  readonly charter: Charter;
  /** Whether a signed order can go with it. */
  readonly isOrder: boolean;
  readonly isActHere: boolean;
};

export function sendingPage(
  visit: Visit,
  place: SendingPlace,
  about: {
    readonly provider: string | null;
    readonly last: Sending | "damaged" | null;
    readonly typed: SendingFields;
    readonly problems: SendingProblems;
    /** What is wrong with none of the fields. */
    readonly trouble: string | null;
  },
): View {
  const { provider, last, typed, problems, trouble } = about;
  const isWrong = trouble !== null || Object.keys(problems).length > 0;
  return {
    title: HEADING,
    ...(isWrong ? { status: 422 } : {}),
    body: html`<p class="back"><a href="${place.back}">${place.reference}</a></p><h1>${HEADING}</h1>
<p class="lead">What is sent is signed with this agency's key. It opens nothing: a person at the provider reads it and decides, and content opens by ${whoSigns(place.charter)} and the keyholders alone.</p>
${trouble === null ? NOTHING : html`<div class="box bad" role="alert"><p>${trouble}</p></div>`}
${Object.keys(problems).length === 0 ? NOTHING : html`<div class="box bad" role="alert"><p>Something is not right yet. It is marked below, and nothing was sent.</p></div>`}
${last === null ? NOTHING : last === "damaged" ? damagedBox(visit, place) : lastSent(visit, place, last)}
${
  provider === null
    ? html`${box("warn", html`<p>This desk does not know yet how you and the provider call each other, or has no key.</p>`)}<p>${linkButton("Sent to the provider", "/sent", "main")}</p>`
    : last === "damaged" || (last !== null && isUnfinished(last))
      ? NOTHING
      : sendingForm(visit, place, typed, problems)
}`,
  };
}

/** By an application's name. */
export function referencesIn(
  requests: Awaited<ReturnType<Agency["requests"]>>["requests"],
): ReadonlyMap<string, string> {
  return new Map(requests.map(({ name, request }) => [name, request.reference]));
}

/** On the lists of a desk: nobody learns otherwise that something never left. */
export function openSendingsBox(
  open: readonly OpenSending[],
  references: ReadonlyMap<string, string>,
): Markup {
  return join(
    open.map(({ name, isDamaged }) => {
      const words = references.get(name) ?? "an application that cannot be read";
      return box(
        isDamaged ? "bad" : "warn",
        html`<p><strong>${isDamaged ? "What was noted of a sending is damaged" : "Something is not sent to its end"}:</strong> <a href="/applications/${name}/send">${words}</a>. ${isDamaged ? "Part of it may never have been sent." : "The provider may not have all of it."}</p>`,
      );
    }),
  );
}

/** Beside the link to what is sent. */
export function sendingBadge(open: OpenSending | null): Markup {
  if (open === null) return NOTHING;
  return open.isDamaged ? badge("its record is damaged", "bad") : badge("not sent to its end", "wait");
}

function damagedBox(visit: Visit, { path }: SendingPlace): Markup {
  return box(
    "bad",
    html`<p><strong>What was noted of the last sending is damaged.</strong> Part of it may never have been sent. What the provider took stands in <a href="/sent">its list</a>: look there first. Then put the file back from a backup, or set it aside and send what is missing.</p>${postForm(visit, `${path}/set-aside`, button("Set it aside …", "plain"))}`,
  );
}

function lastSent(visit: Visit, place: SendingPlace, sending: Sending): Markup {
  const { parts, at } = sending;
  const words = lineObjects(parts.map(({ object, isWhole }) => ({ object, made: null, isWhole })));
  const refused = parts.filter(({ outcome }) => outcome.kind === "refused").length;
  const isOpen = isUnfinished(sending);
  return html`${
    refused === 0
      ? NOTHING
      : html`<div class="box bad" role="alert"><p><strong>The provider refused ${counted(refused, "part")}.</strong> Its reasons stand beside each. What was typed stands below: correct it, and send what is missing.</p></div>`
  }${
    isOpen
      ? box(
          "warn",
          html`<p><strong>This is not sent to its end.</strong> What has an answer is kept. Going on sends the rest, the very same that was confirmed.</p><div class="row">${postForm(visit, `${place.path}/on`, button("Go on …"))}${postForm(visit, `${place.path}/leave`, button("Leave the rest unsent …", "plain"))}</div>`,
        )
      : NOTHING
  }${table({
    caption: `Sent last from here, ${formatInstant(at).slice(0, 16).replace("T", " ")} UTC`,
    heads: ["What", "State", "What the provider says"],
    rows: parts.map((part, i) => outcomeRow(part, words[i] as LineObject)),
  })}`;
}

function outcomeRow({ object, outcome }: SentPart, words: LineObject): Markup[] {
  const what = html`${whatWords(words)}`;
  switch (outcome.kind) {
    case "taken":
      return [
        html`<a href="/sent/${object.ObjectIdentifier}">${what}</a>`,
        badge("the provider has it", "good"),
        NOTHING,
      ];
    case "refused":
      return [what, badge("not taken", "bad"), html`${outcome.words} (${outcome.number})`];
    case "unanswered":
      return [what, badge("no answer yet", "wait"), NOTHING];
    case "left":
      return [
        what,
        badge("has no answer", "wait"),
        html`The provider may have it: <a href="/sent">its list</a> says. It is not sent again.`,
      ];
    case "held-back":
      return [what, badge("not sent"), NOTHING];
  }
}

function sendingForm(
  visit: Visit,
  place: SendingPlace,
  typed: SendingFields,
  problems: SendingProblems,
): Markup {
  const { charter, isOrder, isActHere, path } = place;
  const common = (name: keyof SendingFields) => ({ name, value: typed[name], problem: problems[name] });
  const options = (all: readonly string[]) => [
    { value: "", words: "Choose" },
    ...all.map((text) => ({ value: text, words: text })),
  ];
  const chosen = (name: keyof SendingFields, label: string, help: string): Markup =>
    check({ name, label, help, checked: typed[name] !== "" });
  return postForm(
    visit,
    path,
    html`<h2>What is asked for</h2>
<fieldset><legend>From what the provider has</legend>
${chosen("subscriber", "Whose account it is", "Name, when it was registered, its devices. The provider answers it, and the answer is counted in public.")}
${chosen("traffic", "When it wrote", "Time, conversation and size of each message. The provider answers it, and it is counted too.")}
${chosen("content", "What it wrote", `The keyholders open it under a signed order. ${isOrder ? "" : "That goes from the order's own page once it is signed."}`)}
${isOrder ? chosen("order", "The signed order goes with it", "As it was given to this desk.") : NOTHING}
${problems.subscriber === undefined ? NOTHING : html`<p class="problem">${problems.subscriber}</p>`}</fieldset>
<h2>About whom</h2>
${area({ ...common("names"), label: "People, as the provider knows them", help: "One a line, letter by letter.", rows: 2 })}
${area({ ...common("accounts"), label: "Accounts", help: "64 digits and letters each, one a line.", rows: 2 })}
${area({ ...common("conversations"), label: "Only in these conversations", help: "Numbers, one a line. Empty: all of theirs.", rows: 2 })}
<div class="columns">${field({ ...common("firstDay"), label: "First day (UTC)", type: "date" })}
${field({ ...common("lastDay"), label: "Last day, included", help: "Empty: the first day only.", type: "date" })}</div>
<h2>On what ground</h2>
<div class="columns">${choice({ ...common("legalBasis"), label: "Legal basis", options: options(charter.legalBases) })}
${choice({ ...common("offence"), label: charter.kind === "court" ? "Category of offence" : "Category", options: options(charter.offenceCategories) })}</div>
${chosen("isEmergency", "Emergency", "The provider has less time: eight hours instead of ten days, where nothing else was agreed. It skips no approval.")}
${radios({
  name: "act",
  legend: "The original act",
  value: typed.act === "whole" ? "whole" : "hash",
  options: [
    { value: "whole", words: isActHere ? "The act itself, as it is kept here" : "The act itself" },
    {
      value: "hash",
      words: "Its fingerprint only",
      help: `The act stays with ${whoSigns(charter)}, and the provider may ask for it.`,
    },
  ],
})}
${isActHere ? NOTHING : fileField({ name: "file", label: "The act's file", help: "PDF, scan or form. Its fingerprint has to be the application's.", problem: problems.file })}
${isActHere && problems.file !== undefined ? html`<p class="problem">${problems.file}</p>` : NOTHING}
<h2>Keeping it from deletion</h2>
${chosen("preserve", "Keep what there is of these people and days", "It rests on an issuer's order to preserve, and needs no authorisation: it opens nothing.")}
<div class="columns">${field({ ...common("preserveReference"), label: "File reference of the order to preserve" })}
${field({ ...common("until"), label: "Keep it until (UTC)", help: "That day included.", type: "date" })}</div>
${button("Show what will be sent")}`,
    { uploads: true },
  );
}

const WHAT = {
  SubscriberData: "whose account it is",
  TrafficData: "when it wrote",
  StoredContentData: "what it wrote, by the keyholders",
} as const;

/** What is asked, in a sentence. */
export function sendingSentence(
  { tasks, order, preserve, targets, days, isEmergency }: SendingWish,
  provider: string,
): string {
  const asked = [
    ...tasks.map((type) => WHAT[type]),
    ...(preserve === null ? [] : [`to keep it from deletion until ${preserve.until}`]),
  ];
  const [named, accounts] = [targets.names.length, targets.accounts.length];
  // Somebody may be named by name and by account.
  const people = [
    ...(named === 0 ? [] : [counted(named, "person", "people")]),
    ...(accounts === 0 ? [] : [counted(accounts, "account")]),
  ].join(" and ");
  const where =
    targets.conversations.length === 0 ? "" : `, in ${counted(targets.conversations.length, "conversation")}`;
  const when = days.first === days.last ? `on ${days.first}` : `from ${days.first} to ${days.last}`;
  const urgent = isEmergency ? "In an emergency, asks" : "Asks";
  return asked.length === 0
    ? `Gives ${provider} the signed order.`
    : `${urgent} ${provider}, of ${people}${where}, ${when}: ${asked.join("; ")}.${order === null ? "" : " The signed order goes with it."}`;
}

/** Each message, read from the very object that will be in it. */
export function partsShown(parts: readonly Part[]): Words[] {
  const objects = lineObjects(parts.map(({ object, isWhole }) => ({ object, made: null, isWhole })));
  return objects.map((one, i) => {
    const rows = [
      ...objectFacts(one).slice(1),
      ...(one.belongsTo.length === 0 ? [] : [{ term: "Belongs to", text: one.belongsTo.join(", ") }]),
    ].filter(({ text }) => text !== "none");
    return {
      term: `Message ${i + 1}: ${whatWords(one)}`,
      text: [
        ...rows.map(({ term, text }) => `${term}: ${text.replaceAll("\n", ", ")}`),
        ...(one.isEmergency ? ["Emergency"] : []),
      ].join("\n"),
    };
  });
}
