import { formatDay, formatInstant, type UnixSeconds } from "@porchlight/encoding";
import { otherAccounts, personsOf } from "@porchlight/gate";
import { html, join, type Markup, NOTHING, page } from "@porchlight/markup";
import { type Attachments, attachmentPath, type CollectedAttachment, missingWords } from "./attachments.ts";
import type { Attached } from "./content.ts";
import { countWords, kindWords } from "./kind-words.ts";
import { limitsOf } from "./limits.ts";
import type { EvidenceMessage, Failure } from "./messages.ts";
import { orderInWords, orderWord } from "./order-words.ts";
import type { OpenedRelease } from "./release.ts";
import { type Later, type Reference, storyOf } from "./story.ts";
import { STYLE } from "./style.ts";

/** EVI-50: one page with everything that a judge needs, from verified facts only; the same release gives the same bytes. */
export function viewerPage(
  release: OpenedRelease,
  facts: { readonly certificate: string; readonly packagedAt: UnixSeconds },
): string {
  const { charter, warrant } = release;
  const word = orderWord(charter);
  const title = `Messages disclosed under ${word} ${warrant.document.reference}`;
  const body = html`<header class="${charter.kind}"><div>
<p class="kind">${charter.kind === "court" ? "Porchlight evidence package. Court charter" : "Porchlight evidence package. House charter: a hold order of an organisation, not a court's warrant"}</p>
<h1>${title}</h1>
<p class="lead">${lead(release)}</p>
</div></header>
<main>
<nav aria-label="Contents"><ul>
<li><a href="#messages">Messages</a></li>
${release.failures.length + release.gaps.length === 0 ? NOTHING : html`<li><a href="#not-opened">Not opened</a></li>`}
<li><a href="#order">The ${word}</a></li>
<li><a href="#opening">How it was opened</a></li>
<li><a href="#check">How to check it</a></li>
<li><a href="#limits">What it cannot show</a></li>
<li><a href="#certificate">Certificate</a></li>
</ul></nav>
${charter.clock === "replay" ? html`<div class="box warn"><strong>Replayed clock</strong><p>This service ran on a replayed clock. All times in this package, those of the log and its witnesses included, are those of the replay.</p></div>` : NOTHING}
${release.failures.length === 0 ? NOTHING : html`<div class="box bad"><strong>${count(release.failures.length, "stored item")} did not open or verify</strong><p>The list is under <a href="#not-opened">Not opened</a>. What is shown under Messages did open and verify, each by itself.</p></div>`}
${messagesSection(release)}
${notOpened(release)}
<section id="order"><h2>The ${word}</h2>
${rows(orderInWords(warrant.document, charter, { accounts: personsOf(warrant) }, otherAccounts(warrant.others)).map(({ term, text }) => [term, html`${text}`]))}
</section>
${openingSection(release, facts.packagedAt)}
<section id="check"><h2>How to check it</h2>
<p>On any computer, without a network: <code>porchlight evidence verify DIRECTORY --charter ${charter.id}</code></p>
<p>It opens every message again from the encrypted messages and the released keys, compares, checks signatures, log and files, and names what differs. The encrypted messages (data/wire), envelopes (data/envelopes), keys (data/label-keys.json), the ${word} (data/warrant.json) and the log's proofs (data/proofs, data/log) are all in this package, in public formats.</p>
</section>
<section id="limits"><h2>What this package cannot show</h2>
<ul class="plain">${join(
    limitsOf(charter).map(
      (text) => html`<li>${text}</li>
`,
    ),
  )}</ul>
</section>
<section id="certificate"><h2>Certificate</h2>
<p class="certificate box">${facts.certificate}</p>
</section>
<footer>Written by porchlight on ${formatInstant(facts.packagedAt)}. Evidence format 1.</footer>
</main>`;
  return page(title, STYLE, html`<div class="${charter.kind}">${body}</div>`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function lead({ messages, warrant, labels, charter, releases }: OpenedRelease): string {
  const names = new Map(personsOf(warrant).map(({ account, person }) => [account, person]));
  const people = [...new Set(labels.map(({ label }) => names.get(label.account) ?? ""))].join(", ");
  const days = [...new Set(labels.map(({ label }) => label.day))].sort((a, b) => a - b).map(formatDay);
  const when =
    days.length === 0 ? "" : days.length === 1 ? ` on ${days[0]}` : ` from ${days[0]} to ${days.at(-1)}`;
  return `${countWords(messages)}, sent by ${people}${when} (UTC), as opened for ${warrant.document.requester.name} by ${new Set(releases.map(({ keyholder }) => keyholder)).size} of ${charter.keyholders.length} keyholders. Nothing that anyone else wrote is in this package.`;
}

function messagesSection({ messages, failures, attachments }: OpenedRelease): Markup {
  if (messages.length === 0) {
    return html`<section id="messages"><h2>Messages</h2>
<p class="empty">${failures.length === 0 ? "The provider holds no message of these accounts in these conversations on these days." : "None of the stored messages opened."}</p>
</section>`;
  }
  const groups: EvidenceMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1)?.[0];
    if (last?.conversation === message.conversation && last.day === message.day) groups.at(-1)?.push(message);
    else groups.push([message]);
  }
  const { references, later } = storyOf(messages);
  let place = 0;
  const item = (message: EvidenceMessage): Markup => {
    const at = place++;
    return messageItem(message, at + 1, references[at] ?? null, later[at] as Later, attachments);
  };
  return html`<section id="messages"><h2>Messages</h2>
<p>In the order in which the provider delivered them. The time is the one that the sender's device wrote into the message.</p>
${join(
  groups.map(
    (
      group,
    ) => html`<h3>${formatDay((group[0] as EvidenceMessage).day)} in conversation <span class="hash">${(group[0] as EvidenceMessage).conversation}</span></h3>
<ol class="messages">
${join(group.map(item))}</ol>
`,
  ),
)}</section>`;
}

/** `2013-05-05T13:45:00Z` as `13:45:00`; whatever else a sender wrote, as written. */
function clockTime(at: string): string {
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(at) ? at.slice(11, 19) : at;
}

const REFERENCE_WORDS: Readonly<Record<Reference["kind"], string>> = {
  answers: "Answers",
  changes: "Changes",
  "takes-back": "Takes back",
  "reacts-to": "Reacts to",
};

function messageItem(
  message: EvidenceMessage,
  number: number,
  reference: Reference | null,
  later: Later,
  attachments: Attachments,
): Markup {
  const kind =
    message.kind === undefined ? NOTHING : html`<span class="tag">${kindWords(message.kind)}</span> `;
  const notes = join([
    ...(reference === null ? [] : [referenceNote(reference)]),
    ...(message.attachments ?? []).map((one) => attachmentNote(one, attachments?.get(one.ref))),
    ...laterNotes(later),
  ]);
  return html`<li id="m${number}"><span class="number">${number}</span><span class="at">${clockTime(message.at)}</span><div class="body"><div class="who"><bdi>${message.from}</bdi></div><div class="${message.kind === "action" ? "text action" : "text"}" dir="auto">${kind}${message.text}</div>${notes}</div></li>
`;
}

function numberLink(place: number): Markup {
  return html`<a href="#m${place + 1}">no. ${place + 1}</a>`;
}

function referenceNote({ kind, place }: Reference): Markup {
  const target = place === null ? html`a message that is not in this package` : numberLink(place);
  return html`<div class="note">${REFERENCE_WORDS[kind]} ${target}</div>`;
}

/** No link: a page of the package never leads into a file that a sender made. */
function attachmentNote(
  { name, type, size, digest }: Attached,
  collected: CollectedAttachment | undefined,
): Markup {
  const where =
    collected === undefined
      ? html`not in this package`
      : collected.state === "held"
        ? html`in this package as <span class="hash">${attachmentPath(collected.ref)}</span>`
        : html`not in this package: ${missingWords(collected.state)}`;
  return html`<div class="note">File <bdi>${name ?? "without a name"}</bdi> (${type}, ${size} bytes), ${where}. SHA-256 of the encrypted file: <span class="hash">${digest}</span></div>`;
}

/** What came later is said here too, so that nobody reads a line without knowing that it was changed. */
function laterNotes({ changedBy, takenBackBy, reactedBy }: Later): Markup[] {
  const list = (places: readonly number[]): Markup =>
    join(places.map((place, i) => html`${i === 0 ? "" : ", "}${numberLink(place)}`));
  return [
    ...(changedBy.length === 0
      ? []
      : [html`<div class="note">Changed by its sender later: ${list(changedBy)}</div>`]),
    ...(takenBackBy === null
      ? []
      : [html`<div class="note">Taken back by its sender later: ${numberLink(takenBackBy)}</div>`]),
    ...(reactedBy.length === 0 ? [] : [html`<div class="note">Reactions: ${list(reactedBy)}</div>`]),
  ];
}

function notOpened({ failures, gaps }: OpenedRelease): Markup {
  if (failures.length + gaps.length === 0) return NOTHING;
  const table = html`<table><thead><tr><th scope="col">What</th><th scope="col">Number in the conversation</th><th scope="col">Day</th><th scope="col">Finding</th></tr></thead><tbody>
${join(failures.map(failureRow))}</tbody></table>`;
  const missing = html`<h3>Numbers missing in a device's key chain</h3>
<ul class="plain">
${join(
  gaps.map(
    (
      gap,
    ) => html`<li>${formatDay(gap.day)}, device <span class="hash">${gap.device}</span>, state ${gap.epoch} of the conversation: ${gap.generations.join(", ")}</li>
`,
  ),
)}</ul>
<p>Each is a message that the device encrypted and that did not open here, was never delivered, or was not handed over.</p>`;
  return html`<section id="not-opened"><h2>Not opened</h2>
${failures.length === 0 ? NOTHING : table}
${gaps.length === 0 ? NOTHING : missing}</section>`;
}

function failureRow({ kind, seq, day, reason }: Failure): Markup {
  return html`<tr><td>${kind === "message" ? "Message" : "Envelope"}</td><td data-label="Number in the conversation">${seq}</td><td data-label="Day">${formatDay(day)}</td><td>${reason}</td></tr>
`;
}

function rows(pairs: readonly (readonly [string, Markup])[]): Markup {
  return html`<dl>
${join(
  pairs.map(
    ([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>
`,
  ),
)}</dl>`;
}

function openingSection(release: OpenedRelease, packagedAt: UnixSeconds): Markup {
  const { charter, log, releases, commitment, labels } = release;
  const hash = (text: string): Markup => html`<span class="hash">${text}</span>`;
  const keyholders = releases.map(
    ({ holder, logIndex }) =>
      `${holder.name} (${holder.owner}, ${holder.jurisdiction}): release in the log, entry ${logIndex}`,
  );
  const replaced = log.replacements.map(
    ({ logIndex, lost, successor, ground, at }) =>
      `${successor.name} took the place of ${lost.name}, agreed on ${formatInstant(at)}, in the log as entry ${logIndex}. ${ground}`,
  );
  return html`<section id="opening"><h2>How it was opened</h2>
${rows([
  ["Service", html`${charter.deployment}`],
  ["Charter", hash(charter.id)],
  ["Order in the log", html`Entry ${log.orderIndex}, logged on ${formatDay(log.orderDay)}`],
  ["Commitment", hash(commitment)],
  ["Keyholders whose releases are here", html`${keyholders.join("\n")}`],
  ...(replaced.length === 0 ? [] : [["Keyholders replaced", html`${replaced.join("\n")}`] as const]),
  ["Keys", html`${count(labels.length, "key")}, each for one person, one conversation and one day`],
  [
    "Log confirmed by its witnesses",
    html`${formatInstant(log.checkpoint.time)}, up to entry ${log.checkpoint.size - 1}`,
  ],
  ["Not revoked", html`No revocation is in the log up to entry ${log.checkpoint.size - 1}`],
  ["Package written", html`${formatInstant(packagedAt)}`],
])}
</section>`;
}
