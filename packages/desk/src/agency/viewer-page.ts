import { countWords, isMessage, kindWords } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import { DEFENCE_ROLE_WORDS, DEFENCE_ROLES, type DefenceCopy } from "@porchlight/parties";
import type { Shown } from "../orders.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  box,
  button,
  check,
  choice,
  counted,
  empty,
  field,
  instant,
  linkButton,
  postForm,
} from "../shell/look.ts";
import type { Checked, Evidence, Line } from "./evidence.ts";
import { isSaidPicture } from "./picture.ts";
import { type Bar, find, queryOf, type Search, searchOf, timeline } from "./search.ts";

/** Messages on one page: as many as anybody reads before turning it. */
const PAGE = 200;
const MAX_BARS = 400;

const REFERENCES = {
  answers: "Answers",
  changes: "Changes",
  "takes-back": "Takes back",
  "reacts-to": "Reacts to",
} as const;

/** What was opened, to be read: search, timeline, pages. No script: the desk finds, the browser shows. */
export function viewerPage(
  visit: Visit,
  shown: Shown,
  evidence: Evidence,
  about: {
    /** The address of this page. */
    readonly at: string;
    readonly checked: Checked | null;
    /** Whether an authority is configured. */
    readonly canStamp: boolean;
    /** Numbers of all packages of the order, oldest first. */
    readonly packages: readonly number[];
    /** For the defence, oldest first; `null` where their record was altered. */
    readonly copies: readonly DefenceCopy[] | null;
    /** What the order says of itself. */
    readonly isPrivileged: boolean;
  },
): View {
  const { at, checked, canStamp, packages, copies, isPrivileged } = about;
  const search = searchOf(visit.query);
  const isSearch = queryOf(search) !== "";
  const found = isSearch ? find(evidence.lines, search) : evidence.lines;
  const written = evidence.lines.filter(isMessage);
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  const page = pageOf(visit.query.get("page"), pages);
  const here = found.slice((page - 1) * PAGE, page * PAGE);
  const days = [...new Set(evidence.lines.map(({ day }) => day))].sort();
  const isLong = evidence.lines.length > PAGE || isSearch;
  return {
    title: `Evidence ${shown.document.reference}`,
    ...(checked?.kind === "checking" ? { isLive: true } : {}),
    pictures: true,
    body: html`<p class="back"><a href="/orders/${shown.name}">${shown.document.reference}</a></p>
<div class="top"><h1>Messages opened under ${shown.document.reference}</h1></div>
<p class="lead">${countWords(evidence.lines)}${days.length === 0 ? "" : days.length === 1 ? ` of ${days[0]}` : ` from ${days[0]} to ${days.at(-1)}`} (UTC). ${shown.document.mode === "both-sides" ? "Nothing is here of anyone whom the order does not open." : "Nothing that anyone else wrote is here."}</p>
${packagesBox(shown.name, evidence.number, packages)}
${checkBox(visit, at, checked)}
${evidence.failures.length === 0 ? NOTHING : box("bad", html`<p><strong>${counted(evidence.failures.length, "stored item")} did not open or verify.</strong></p><ul>${join(evidence.failures.slice(0, 20).map((text) => html`<li>${text}</li>`))}</ul>`)}
${evidence.gaps === 0 ? NOTHING : box("warn", html`<p>Numbers are missing in the key chains of some devices: each is a message that was never delivered, was not handed over, or did not open. The package's own page lists them.</p>`)}
${isLong || evidence.lines.length > 0 ? searchForm(at, evidence, search) : NOTHING}
${chart(at, found, search)}
${
  evidence.lines.length === 0
    ? empty("The provider holds no message of these people in these conversations on these days.")
    : found.length === 0
      ? empty("No message fits.", linkButton("Show all", at))
      : html`<h2>Messages</h2><p role="status">${isSearch ? fitting(found.filter(isMessage).length, written.length) : ""}${pages === 1 ? "" : `Page ${page} of ${pages}.`}</p>
${pager(at, search, page, pages, "above")}
${groups(at, here, evidence)}
${pager(at, search, page, pages, "below")}`
}
<h2>Take it with you</h2>
<ul>
<li><a href="${at}/package">The whole package, sealed</a> (evidence.age): what to store and to hand on. <code>age -d</code> and <code>porchlight evidence</code> open it.</li>
<li><a href="${at}/rsmf">Messages for review programs</a> (RSMF 2.0)</li>
<li><a href="${at}/messages">Messages as lines of text</a> (JSON lines)</li>
<li><a href="${at}/page">The package's own page</a>, for whoever has only a browser</li>
<li><a href="${at}/certificate">The certificate</a>, to be completed and signed by a qualified person</li>
<li><a href="${at}/custody">The record of custody</a></li>
</ul>
<p class="soft">What leaves this desk in clear can be read by whoever gets it.</p>
${copiesPart(visit, { at, name: shown.name, isChecked: checked?.kind === "verified", isPrivileged, copies })}
${stampBox(visit, at, evidence.stamp, canStamp)}`,
  };
}

/** What was collected earlier may have what the provider no longer gave. */
function packagesBox(name: string, here: number, packages: readonly number[]): Markup {
  if (packages.length < 2) return NOTHING;
  const newest = packages.at(-1);
  const links = packages.map((number) =>
    number === here
      ? html`<li><strong>${number}</strong> this one</li>`
      : html`<li><a href="/orders/${name}/packages/${number}">Package ${number}</a></li>`,
  );
  return box(
    here === newest ? "plain" : "warn",
    html`<p><strong>${here === newest ? "This is the newest package." : "This is not the newest package."}</strong> The order was collected ${packages.length} times, and each package is kept. An earlier one can have what the provider gave then and gives no more.</p><ul>${join(links)}</ul>`,
  );
}

/** EVI-44: the same package for the other side of the case. */
function copiesPart(
  visit: Visit,
  about: {
    readonly at: string;
    readonly name: string;
    readonly isChecked: boolean;
    readonly isPrivileged: boolean;
    readonly copies: readonly DefenceCopy[] | null;
  },
): Markup {
  const { at, name, isChecked, isPrivileged, copies } = about;
  const made =
    copies === null
      ? box(
          "bad",
          html`<p><strong>The record of the copies was altered.</strong> What was handed to the defence cannot be said from it. No copy is made before that is explained.</p>`,
        )
      : copies.length === 0
        ? html`<p>None was made yet.</p>`
        : html`<ul>${join(
            copies.map(
              ({ number, step }) =>
                html`<li><a href="/orders/${name}/copies/${number}">Copy ${number}</a>, ${instant(step.at)}: ${step.subject}. SHA-256 of the sealed copy: <code>${step.digest ?? ""}</code></li>`,
            ),
          )}</ul>`;
  const form = postForm(
    visit,
    `${at}/copy`,
    html`${choice({
      name: "role",
      label: "For whom",
      options: DEFENCE_ROLES.map((value) => ({ value, words: DEFENCE_ROLE_WORDS[value] })),
    })}
${field({ name: "recipient", label: "Their public age key", help: "It begins with age1. Only who has the key that belongs to it opens the copy.", required: true })}
${isPrivileged ? check({ name: "privilegeCleared", label: "The order touches privileged communication, and whoever decides about that has allowed this copy" }) : NOTHING}
${button("Make a copy for the defence", "plain")}`,
  );
  return html`<h2>Copies for the defence</h2>
<p>This package once more, whole and with all that proves it, sealed to the defence. Each is recorded: when, for what part in the case, and its fingerprint.</p>
${made}
${copies === null ? NOTHING : isChecked ? form : html`<p class="soft">A copy is made of a package that was checked: have it checked above.</p>`}`;
}

function stampBox(visit: Visit, at: string, stamp: string | null, canStamp: boolean): Markup {
  if (stamp !== null) {
    return html`<h2>Time stamp</h2><p>The package existed at this time, by the word of an outside authority (RFC 3161): ${stamp}.</p>`;
  }
  return html`<h2>Time stamp</h2><p>No outside authority has stamped this package.${canStamp ? "" : " None is configured for this desk: porchlight requester time-stamps."}</p>${canStamp ? postForm(visit, `${at}/stamp`, button("Have it stamped", "plain")) : NOTHING}`;
}

function fitting(found: number, all: number): string {
  return `${counted(found, "message")} of ${all} ${found === 1 ? "fits" : "fit"}. `;
}

function pageOf(text: string | null, pages: number): number {
  const page = text !== null && /^[1-9][0-9]{0,6}$/.test(text) ? Number(text) : 1;
  return Math.min(page, pages);
}

function checkBox(visit: Visit, at: string, checked: Checked | null): Markup {
  if (checked === null) {
    return box(
      "plain",
      html`<p>Everything was verified when it was collected. A check opens every message again from the released keys, compares, and asks log, witnesses and signatures anew.</p>${postForm(visit, `${at}/check`, button("Check it again", "plain"))}`,
    );
  }
  switch (checked.kind) {
    case "checking":
      return box("plain", html`<p><strong>It is being checked.</strong> You can read on meanwhile.</p>`);
    case "verified":
      return box(
        "good",
        html`<p><strong>Checked: every message opens and compares, and log, witnesses and signatures hold.</strong></p><p>Fingerprint of the package: <code>${checked.digest}</code></p>`,
      );
    case "refused":
      return box(
        "bad",
        html`<p><strong>The check failed. Do not rely on this package.</strong></p><ul>${join(checked.findings.slice(0, 20).map((text) => html`<li>${text}</li>`))}</ul>`,
      );
    case "failed":
      return box(
        "bad",
        html`<p><strong>The check could not be made.</strong> Nothing was found for this package or against it: do not rely on it before a check was made.</p><p>${checked.why} <span class="reason">Reason: <code>${checked.code}</code></span></p>${postForm(visit, `${at}/check`, button("Check it again", "plain"))}`,
      );
  }
}

function searchForm(at: string, { lines }: Evidence, search: Search): Markup {
  const people = [...new Set(lines.map(({ from }) => from))].sort();
  const conversations = [...new Set(lines.map(({ conversation }) => conversation))].sort();
  const every = (words: string) => [{ value: "", words }];
  return html`<form method="get" action="${at}" role="search" aria-label="Search in these messages" class="search">
${field({ name: "words", label: "Words", type: "search", value: search.words })}
<div class="columns">${choice({ name: "from", label: "Written by", value: search.from, options: [...every("Anyone"), ...people.map((value) => ({ value, words: value }))] })}
${conversations.length < 2 ? NOTHING : choice({ name: "conversation", label: "Conversation", value: search.conversation, options: [...every("All"), ...conversations.map((value) => ({ value, words: value.slice(0, 16) }))] })}
${field({ name: "day", label: "Day (UTC)", type: "date", value: search.day })}</div>
${check({ name: "files", label: "Only messages with files", checked: search.onlyFiles })}
<div class="row">${button("Search")}${queryOf(search) === "" ? NOTHING : linkButton("Show all", at)}</div></form>`;
}

/** How many when: a picture for who looks, and links that narrow the search for everyone. */
function chart(at: string, found: readonly Line[], search: Search): Markup {
  const { by, bars } = timeline(found.filter(isMessage));
  if (bars.length < 2 || bars.length > MAX_BARS) return NOTHING;
  const most = Math.max(...bars.map(({ count }) => count));
  const link = ({ key }: Bar): string =>
    `${at}${queryOf(by === "day" ? { ...search, day: key } : { ...search, hour: key })}`;
  const width = 100 / bars.length;
  const picture = bars.map(({ count }, i) => {
    const height = (70 * count) / most;
    return html`<rect x="${(i * width + width * 0.1).toFixed(2)}" y="${(70 - height).toFixed(2)}" width="${(width * 0.8).toFixed(2)}" height="${height.toFixed(2)}"></rect>`;
  });
  const list = bars.map(
    (bar) =>
      html`<li><a href="${link(bar)}">${by === "day" ? bar.key : bar.key === "?" ? "no time" : `${bar.key} h`}</a> <span class="soft">${bar.count}</span></li>`,
  );
  return html`<section aria-label="Timeline"><h2>When</h2>
<svg class="timeline" viewBox="0 0 100 70" preserveAspectRatio="none" role="img" aria-label="Messages a ${by}: at most ${most}">${join(picture)}</svg>
<details><summary>${by === "day" ? "Days" : "Hours"} with their numbers</summary><ul class="bars">${join(list)}</ul></details></section>`;
}

function groups(at: string, lines: readonly Line[], evidence: Evidence): Markup {
  const all: Line[][] = [];
  for (const line of lines) {
    const last = all.at(-1)?.[0];
    if (last?.conversation === line.conversation && last.day === line.day) all.at(-1)?.push(line);
    else all.push([line]);
  }
  return join(
    all.map((group) => {
      const [first] = group as [Line];
      return html`<h3>${first.day} in conversation <code>${first.conversation.slice(0, 16)}</code></h3>
<ol class="messages">
${join(group.map((line) => message(at, line, evidence)))}</ol>
`;
    }),
  );
}

function message(at: string, line: Line, { story }: Evidence): Markup {
  const { number, at: written, from, text, kind } = line;
  const reference = story.references[number - 1] ?? null;
  const later = story.later[number - 1];
  const time = /^[0-9-]{10}T([0-9]{2}:[0-9]{2}:[0-9]{2})Z$/.exec(written)?.[1] ?? written;
  const notes = [
    ...(reference === null
      ? []
      : [
          html`<div class="note">${REFERENCES[reference.kind]} ${reference.place === null ? "a message that is not in this package" : `no. ${reference.place + 1}`}</div>`,
        ]),
    ...line.attachments.map((one) => fileNote(at, number, one)),
    ...(later === undefined || later.changedBy.length === 0
      ? []
      : [
          html`<div class="note">Changed later: no. ${later.changedBy.map((place) => place + 1).join(", ")}</div>`,
        ]),
    ...(later === undefined || later.takenBackBy === null
      ? []
      : [html`<div class="note">Taken back later: no. ${later.takenBackBy + 1}</div>`]),
    ...(later === undefined || later.reactedBy.length === 0
      ? []
      : [
          html`<div class="note">Reactions: no. ${later.reactedBy.map((place) => place + 1).join(", ")}</div>`,
        ]),
  ];
  return html`<li id="m${number}"><span class="number">${number}</span><span class="at">${time}</span><div class="said-by"><div class="soft"><bdi>${from}</bdi></div><div class="text" dir="auto">${kind === undefined ? NOTHING : html`<span class="badge plain">${kindWords(kind)}</span> `}${text}</div>${join(notes)}</div></li>
`;
}

/** A sender made the file: it leaves this desk as a download. Only a picture is shown here, once somebody asks for it. */
function fileNote(
  at: string,
  number: number,
  { name, type, size, digest, file, missing }: Line["attachments"][number],
): Markup {
  const where =
    file === null
      ? html`${missing === null ? "Its bytes are not in this package" : `Not in this package: ${missing}`}`
      : html`<a href="${at}/files/${file}" download>Download</a>. Open it with the care that a stranger's file needs`;
  // Within what is closed a lazy image is not loaded.
  const look =
    file === null || !isSaidPicture({ type, size })
      ? NOTHING
      : html`<details class="picture"><summary>Look at the picture</summary><img src="${at}/pictures/${file}" alt="The picture ${name} of message no. ${number}. It cannot be shown where its bytes are no picture" loading="lazy" decoding="async"></details>`;
  return html`<div class="note">File <bdi>${name}</bdi> (${type}, ${size} bytes). ${where}. SHA-256 of the encrypted file: <code>${digest}</code>${look}</div>`;
}

function pager(at: string, search: Search, page: number, pages: number, where: string): Markup {
  if (pages === 1) return NOTHING;
  const to = (target: number, words: string): Markup =>
    target < 1 || target > pages || target === page
      ? html`<span class="soft">${words}</span>`
      : html`<a href="${at}${queryOf(search, target)}">${words}</a>`;
  return html`<nav class="pager" aria-label="Pages of messages, ${where}">${to(1, "First")} ${to(page - 1, "Earlier")} ${to(page + 1, "Later")} ${to(pages, "Last")}</nav>`;
}
