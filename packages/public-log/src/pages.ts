import { type Charter, concentrations } from "@porchlight/charter";
import { formatDay, formatInstant } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING, page } from "@porchlight/markup";
import { type Finding, sentence } from "@porchlight/monitor";
import {
  type CharterReport,
  csvFiles,
  type Reported,
  replacedList,
  reportSections,
} from "@porchlight/report";
import { STYLE } from "./style.ts";

// The site's pages (PUB-3). What comes out of the log is somebody's text: the templates escape it.

const PLACES = [
  ["/", "Who can open this"],
  ["/openings", "How often"],
  ["/look-up", "Look something up"],
  ["/download", "Take it with you"],
] as const;

type Place = (typeof PLACES)[number][0];

function sitePage(at: Place | null, title: string, body: Markup, script?: string): string {
  const links = PLACES.map(([path, words]) =>
    path === at
      ? html`<li><a href="${path}" aria-current="page">${words}</a></li>`
      : html`<li><a href="${path}">${words}</a></li>`,
  );
  return page(
    title,
    STYLE,
    html`<a class="skip" href="#main">Skip to the page</a>
<header class="site"><p class="brand">Public log</p><nav aria-label="Pages"><ul>${join(links)}</ul></nav></header>
<main id="main">
${body}
</main>
<footer class="site"><p>Nothing opens in the dark. This site has no key and no account, keeps nothing about you, and can be run by anybody.</p></footer>`,
    script === undefined ? {} : { script },
  );
}

const TROUBLES: Readonly<Record<string, string>> = {
  unreachable:
    "The log cannot be reached at the moment. What stands here is from the last time that it could.",
  stale:
    "No independent witness has confirmed this log for more than a day. What came since may be kept back, and what is overdue since is not shown here.",
  fork: "The log showed two histories that contradict each other. That must never happen. Do not trust this service until it is explained; both signed histories are proof.",
  rollback:
    "The log showed an older history than before. That may be a fault on the way; if it stays, it is more.",
  "policy-unsatisfied":
    "The log's newest state lacks the confirmations that it must have. What stands here is from the last state that had them.",
};

function troubleBox(trouble: string | null): Markup {
  if (trouble === null) return NOTHING;
  const words =
    TROUBLES[trouble] ??
    "What the log gave at the last look does not hold together. What stands here is from before.";
  return html`<p class="box warn" role="alert"><strong>${words}</strong> <span class="soft">(${trouble})</span></p>`;
}

function asOf({ checkpoint }: Reported): Markup {
  return html`<p class="soft">As of entry ${checkpoint.size} of the log, confirmed by independent witnesses at ${formatInstant(checkpoint.time).replace("T", " ").replace("Z", " UTC")}. Every entry was checked.</p>`;
}

function findingsBox(findings: readonly Finding[], trouble: string | null): Markup {
  const told = findings.filter(({ code }) => code !== "unknown-entries");
  if (told.length === 0 && trouble !== null)
    return html`<p class="box">Nothing was overdue when the witnesses last confirmed the log. Whether anything is by now, this site cannot see.</p>`;
  if (told.length === 0)
    return html`<p class="box good"><strong>Nothing is overdue.</strong> Nobody had to be told by now who was not, and no order went beyond its limits.</p>`;
  return html`<section class="box warn"><h2>What should not be so</h2><ul>${join(told.map((finding) => html`<li>${capital(sentence(finding))}.</li>`))}</ul></section>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Before the first look at the log has succeeded. */
export function waitingPage(at: Place, trouble: string | null): string {
  return sitePage(
    at,
    "The log is being read",
    html`<h1>The log is being read</h1>
${trouble === null ? html`<p>Every entry is fetched and checked before anything is shown here. Load this page again in a moment.</p>` : html`${troubleBox(trouble)}<p>Nothing can be shown yet: nothing has been checked. Load this page again later.</p>`}`,
  );
}

export function notFoundPage(): string {
  return sitePage(
    null,
    "Not here",
    html`<h1>There is nothing at this address</h1><p>Choose one of the pages above.</p>`,
  );
}

/** "Who can open this": every charter of the log in plain words. */
export function homePage(reported: Reported, trouble: string | null): string {
  const { charters } = reported;
  return sitePage(
    "/",
    "Who can open this",
    html`<h1>Who can open this</h1>
<p class="lead">Messages of this service are encrypted, and only the people in a conversation can read them. There is one exception. It is written down here, so that everyone can see it beforehand.</p>
${troubleBox(trouble)}${asOf(reported)}
${charters.length === 0 ? html`<p class="box">This log has no rules of that kind. Nothing was ever kept so that it could be opened.</p>` : join(charters.map(charterWords))}`,
  );
}

const SHARED = { owner: "belong to", payer: "are paid by", jurisdiction: "are under the law of" } as const;

function charterWords(report: CharterReport): Markup {
  const { charter } = report;
  const { kind, keyholders, threshold, caps } = charter;
  const isCourt = kind === "court";
  const order = isCourt ? "warrant" : "hold order";
  const logged = report.orders.reduce((sum, one) => sum + one.logged, 0);
  const preserved = report.preservations.reduce((sum, one) => sum + one.logged, 0);
  const shared = concentrations(charter);
  return html`<section class="${kind}"><p class="kind">${isCourt ? "By order of a court" : "By order of the organisation itself, not of a court"}</p>
<h2>${charter.deployment}</h2>
<p class="lead">${threshold} of ${keyholders.length} keyholders must agree before anything opens, on a ${order} that is in this log before. Then they open what one person wrote in one conversation on one day, and nothing else.</p>
${charter.clock === "replay" ? html`<p class="box warn"><strong>A demonstration.</strong> Its clock is set by a program; its dates are not real.</p>` : NOTHING}
${join(shared.map(({ by, value, keyholders: count }) => html`<p class="box warn"><strong>${count} of the keyholders ${SHARED[by]} ${value}.</strong> Together they are one power, and as many as it takes.</p>`))}
<dl class="figures"><div><dt>${isCourt ? "Warrants so far" : "Hold orders so far"}</dt><dd>${logged}</dd></div><div><dt>Orders to preserve so far</dt><dd>${preserved}</dd></div><div><dt>Days that messages are kept</dt><dd>${charter.retentionDays}</dd></div></dl>
<h3>The keyholders</h3>
<p>Each has one part of the key. Fewer than ${threshold} of them can open nothing, and none of them has the messages.</p>
<div class="wide" role="region" tabindex="0" aria-label="Keyholders, charter ${charter.id.slice(0, 8)}"><table><thead><tr><th scope="col">Keyholder</th><th scope="col">Belongs to</th><th scope="col">Paid by</th><th scope="col">Under the law of</th></tr></thead><tbody>
${join(keyholders.map((one) => html`<tr><th scope="row">${one.name}</th><td>${one.owner}</td><td>${one.payer}</td><td>${one.jurisdiction}</td></tr>\n`))}</tbody></table></div>
${replacedList(report)}
<h3>Who may order it</h3>
${isCourt ? NOTHING : html`<p>Two of them must sign each order together.</p>`}
<ul>${join(charter.issuers.map(({ name, title }) => html`<li>${title} <span class="soft">(${name})</span></li>`))}</ul>
${inspectionPart(charter)}<h3>For what</h3>
<ul>${join(charter.offenceCategories.map((text) => html`<li>${text}</li>`))}</ul>
<p>On the basis of: ${charter.legalBases.join("; ")}.</p>
<h3>The limits</h3>
<ul>
<li>One ${order} opens at most ${caps.accountsPerWarrant} ${caps.accountsPerWarrant === 1 ? "person" : "people"} and ${caps.daysPerWarrant} ${caps.daysPerWarrant === 1 ? "day" : "days"}.</li>
<li>At most ${caps.warrantsPer30Days} ${order}s within thirty days.</li>
<li>The person is told before, and has ${charter.contestDays} days to object. Where ${isCourt ? "the court" : "the order"} keeps it secret, the person is told afterwards, after ${charter.longestSecrecyDays} days at the latest.</li>
<li>After ${charter.retentionDays} days the service deletes messages, or up to ${charter.longestPreservationDays} days later where an order asks to keep them. What is deleted cannot be opened.</li>
</ul>
<h3>What this cannot promise</h3>
<p>If ${threshold} keyholders and the service worked together against the rules, they could open messages without an entry here. Everything is made so that this takes ${threshold} bodies that do not belong together; it cannot be made impossible.</p>
<p class="id">These rules hold from ${formatDay(charter.validFrom)} to ${formatDay(charter.validUntil)}. Their number: <code>${charter.id}</code></p>
</section>`;
}

function inspectionPart({ inspection }: Charter): Markup {
  if (inspection === null || inspection.inspectors.length === 0) return NOTHING;
  const { inspectors, days } = inspection;
  const wait =
    days === 0 ? "until the day of its logging is over" : days === 1 ? "one whole day" : `${days} whole days`;
  return html`<h3>Who inspects, and can stop it</h3>
<p>Each order waits for them, ${wait}, secret or not. What they stop stays stopped.</p>
<ul>${join(inspectors.map(({ name, title }) => html`<li>${title} <span class="soft">(${name})</span></li>`))}</ul>
`;
}

/** Orders by month, basis, category and outcome; keyholders' participation; what is overdue. */
export function openingsPage(reported: Reported, trouble: string | null): string {
  return sitePage(
    "/openings",
    "How often",
    html`<h1>How often, and for what</h1>
<p class="lead">Counted from the log alone, by this site and by anyone who likes.</p>
${troubleBox(trouble)}${asOf(reported)}${findingsBox(reported.findings, trouble)}
${reportSections(reported)}`,
  );
}

/** Fetches an entry and verifies it in the browser (PUB-5). */
export function lookUpPage(script: string): string {
  return sitePage(
    "/look-up",
    "Look something up",
    html`<h1>Look something up</h1>
<p class="lead">Your browser fetches the entry and checks by itself that it stands in the log that the witnesses confirmed. It believes nothing that this site says. What the site can do is to find nothing: an entry, or that a keyholder was replaced.</p>
<noscript><p class="box warn">Your browser runs no scripts here, so it cannot check anything by itself. The files are under <a href="/download">Take it with you</a>.</p></noscript>
<form id="look-up"><label for="number">Number of an entry, or the long number from a letter</label>
<div class="row"><input id="number" name="number" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="200" required aria-describedby="number-help"><button type="submit">Look up and check</button></div>
<p id="number-help" class="soft">Entries are numbered from 0. The long number has 64 digits and letters; spaces do not matter.</p>
<details><summary>Whose confirmations count</summary><p>The public keys of the log and of its witnesses. This site has filled in the ones that it uses. Whoever wants to be sure replaces them by a copy from elsewhere.</p>
<label for="policy">Keys</label><textarea id="policy" rows="8" spellcheck="false" autocomplete="off"></textarea></details></form>
<p id="state" role="status"></p>
<div id="result"></div>`,
    script,
  );
}

/** Everything, to count again elsewhere. */
export function downloadPage(reported: Reported, trouble: string | null): string {
  return sitePage(
    "/download",
    "Take it with you",
    html`<h1>Take it with you</h1>
<p class="lead">Nobody has to believe this site. Here is all that it has, to be counted again.</p>
${troubleBox(trouble)}${asOf(reported)}
<h2>The report</h2>
<ul><li><a href="/report.html">The whole report as one page</a></li>
${join([...csvFiles(reported.charters).keys()].map((name) => html`<li><a href="/csv/${name}">${name}</a>, a table for a spreadsheet</li>`))}</ul>
<h2>The log itself</h2>
<p>This address is also a copy of the log in the usual form (C2SP tlog-tiles): <a href="/checkpoint">/checkpoint</a>, and the tiles below /tile/. The keys that it is checked with: <a href="/policy">/policy</a>. A program that follows it, with nothing but these two:</p>
<pre><code>porchlight monitor ADDRESS-OF-THIS-SITE --policy policy --state my-copy</code></pre>`,
  );
}
