import { formatDay, formatInstant } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING, page } from "@porchlight/markup";
import { ALL_OTHERS } from "./csv.ts";
import type { Reported } from "./log-report.ts";
import type { CharterReport, MonthOrders, Participation } from "./reckoning.ts";
import { STYLE } from "./style.ts";

/** REP-9: the report as one page without script and without anything that loads; the same log gives the same bytes. */
export function reportPage(reported: Reported): string {
  const { checkpoint } = reported;
  const title = `Transparency report of ${checkpoint.origin}`;
  return page(
    title,
    STYLE,
    html`<header><p class="kind">Made from the public log alone</p><h1>${title}</h1>
<p class="lead">Everything here can be counted again by anyone: the log has ${checkpoint.size} entries, confirmed by its witnesses at ${formatInstant(checkpoint.time).replace("T", " ").replace("Z", " UTC")}.</p></header>
<main>
${reportSections(reported)}
</main>`,
  );
}

/** The tables of all charters, and what no report can say. */
export function reportSections({ unknown, charters }: Reported): Markup {
  return html`${unknown === 0 ? NOTHING : html`<p class="box warn"><strong>${unknown} ${unknown === 1 ? "entry means" : "entries mean"} nothing.</strong> They are in the log, but nobody who may sign such entries signed them. They are not counted.</p>`}
${charters.length === 0 ? html`<p class="box">This log has no charter. Nothing was ever escrowed here, so there is nothing to report.</p>` : NOTHING}
${join(charters.map(charterSection))}
<section><h2>What this cannot say</h2><ul>
<li>Whether an order was carried out. Keyholders publish a batch a day whether or not they released anything, and nobody can tell which.</li>
<li>Whom an order was about, or what was read. That is in no entry of the log, at no time.</li>
<li>What an order is for while it is secret. Its month is counted as soon as the order is logged.</li>
<li>Whether a keyholder was right to agree. Its refusals are documents for the court, not entries of the log.</li>
</ul></section>`;
}

function charterSection(report: CharterReport): Markup {
  const { charter } = report;
  const word = charter.kind === "court" ? "warrants" : "hold orders";
  const which = `charter ${charter.id.slice(0, 8)}`;
  return html`<section class="${charter.kind}"><h2>${charter.kind === "court" ? "Court charter" : "House charter"} of ${charter.deployment}</h2>
<p>${charter.threshold} of ${charter.keyholders.length} keyholders must agree before anything opens. ${charter.clock === "replay" ? html`<strong>This service runs on a replayed clock: its dates are those of the replay.</strong>` : NOTHING}</p>
<p class="id">Charter <code>${charter.id}</code></p>
<h3>${word === "warrants" ? "Warrants" : "Hold orders"} by month, and what became of them</h3>
<p>Numbers of entries. Each entry shows its kind and its day as soon as it is logged, so nothing is left out here, however small.</p>
${report.orders.length === 0 ? html`<p class="empty">None was ever logged.</p>` : html`${chart(report.orders, word)}${outcomeChart(report.orders, word)}${ordersTable(`${word} by month, ${which}`, report.orders)}`}
${report.orders.length === 0 ? NOTHING : html`<h3>How long until people were told</h3>${noticesTable(`notices, ${which}`, report)}`}
${
  report.preservations.length === 0
    ? NOTHING
    : html`<h3>Orders to preserve, by month</h3>
<p>Each keeps what one person wrote on some days from being deleted for a time. It opens nothing.</p>${table(
        `Orders to preserve, ${which}`,
        ["Month", "Logged", "Lifted early"],
        report.preservations.map(({ month, logged, lifted }) => [month, logged, lifted]),
      )}`
}
${
  report.providerAnswers.length === 0
    ? NOTHING
    : html`<h3>What the provider answered itself, by month</h3>
<p>Whose account it is, and when it wrote to which conversation, the provider knows without any key. It tells this on an authority's order without asking the keyholders. No message is in it.</p>${table(
        `what the provider answered itself, ${which}`,
        ["Month", "Whose account it is", "When it wrote"],
        report.providerAnswers.map(({ month, subscriber, traffic }) => [month, subscriber, traffic]),
      )}`
}
${
  report.registrations.length === 0
    ? NOTHING
    : html`<h3>Authorities' keys that were registered, by month</h3>
<p>An authority's request counts only under a key that was registered after a call back.</p>${table(
        `authorities' keys, ${which}`,
        ["Month", "Registered"],
        report.registrations.map(({ month, registered }) => [month, registered]),
      )}`
}
<h3>What they were for</h3>
${purposesPart(report, word, which)}
${statisticsPart(report, which)}
<h3>Keyholders</h3>
<p>Each has to publish once a day, also when it has nothing to say. A day without is a day on which it could not have acted.</p>
${report.participation.length === 0 ? html`<p class="empty">No keyholder has published yet.</p>` : participationTable(`keyholders, ${which}`, report.participation)}
${replacedList(report)}
<h3>Months that have keys</h3>
<p>${report.keyPeriods.length === 0 ? "None" : report.keyPeriods.join(", ")}</p>
</section>`;
}

/** Pixels of a month, so that few months are readable on a phone too. */
const STEP = 54;
const HEIGHT = 120;

/** Bars a month; the table below says the same. */
function chart(orders: readonly MonthOrders[], word: string): Markup {
  const most = Math.max(1, ...orders.map(({ logged }) => logged));
  const bars = orders.map(({ month, logged }, i) => {
    const height = Math.round((logged / most) * (HEIGHT - 30));
    const x = i * STEP + STEP * 0.15;
    return html`<g><rect x="${x.toFixed(1)}" y="${HEIGHT - 18 - height}" width="${(STEP * 0.7).toFixed(1)}" height="${height}"/><text x="${(x + STEP * 0.35).toFixed(1)}" y="${HEIGHT - 22 - height}">${logged}</text><text x="${(x + STEP * 0.35).toFixed(1)}" y="${HEIGHT - 4}">${month.slice(2)}</text></g>`;
  });
  return html`<svg width="${orders.length * STEP}" viewBox="0 0 ${orders.length * STEP} ${HEIGHT}" role="img" aria-label="${word} by month, as in the table below">${join(bars)}</svg>`;
}

/** What became of a month's orders, each once, in the order in which it is told; the table below says the same. */
const OUTCOMES: readonly (readonly [words: string, look: string, count: (of: MonthOrders) => number])[] = [
  ["public now", "whole", ({ disclosed }) => disclosed],
  ["still secret", "half", ({ stillSecret }) => stillSecret],
  ["overdue to be public", "alarm", ({ notDisclosed }) => notDisclosed],
  [
    "revoked, and not public yet",
    "faint",
    ({ logged, disclosed, stillSecret, notDisclosed }) => logged - disclosed - stillSecret - notDisclosed,
  ],
];

function outcomeChart(orders: readonly MonthOrders[], word: string): Markup {
  const most = Math.max(1, ...orders.map(({ logged }) => logged));
  const bars = orders.map((row, i) => {
    const x = (i * STEP + STEP * 0.15).toFixed(1);
    let top = HEIGHT - 18;
    const parts = OUTCOMES.map(([, look, count]) => {
      const height = (count(row) / most) * (HEIGHT - 30);
      top -= height;
      return height === 0
        ? NOTHING
        : html`<rect class="${look}" x="${x}" y="${top.toFixed(1)}" width="${(STEP * 0.7).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
    return html`<g>${join(parts)}<text x="${(i * STEP + STEP * 0.5).toFixed(1)}" y="${HEIGHT - 4}">${row.month.slice(2)}</text></g>`;
  });
  const shown = OUTCOMES.filter(([, , count]) => orders.some((row) => count(row) > 0));
  return html`<figure><figcaption>What became of them: ${join(shown.map(([words, look]) => html`<span class="key"><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="${look}" width="12" height="12"/></svg>${words}</span> `))}</figcaption><svg width="${orders.length * STEP}" viewBox="0 0 ${orders.length * STEP} ${HEIGHT}" role="img" aria-label="What became of the ${word} of each month, as in the table below">${join(bars)}</svg></figure>`;
}

/** REP-4, and why single orders are not in it although anyone can count them. */
function purposesPart(report: CharterReport, word: string, which: string): Markup {
  const { purposes, untold } = report;
  const rest =
    untold === 0
      ? NOTHING
      : html`<p>${untold} ${untold === 1 ? `${word.slice(0, -1)} whose secrecy is over is` : `${word} whose secrecy is over are`} not counted here yet: of the same month something is still secret, the month is not over, or its numbers are too small.</p>`;
  return html`<p>Counted here are months that are over and of which nothing is secret any more. A number of fewer than five ${word} is not told, nor one from which such a number would follow; months of which no number could be told are put together until one can be.</p>
<p>This hides nothing. When its secrecy ends, every order gets an entry in the log that says on what legal basis it was, for which category, who signed it, and how many people and days it could open. There each can be seen and all can be counted, on purpose. These tables only do not point at single ones.</p>
${purposes.length === 0 ? html`<p class="empty">No such number can be told yet.</p>` : html`${purposeChart(purposes, word)}${purposesTable(`purposes, ${which}`, purposes)}`}
${rest}`;
}

/** Sums of what the table tells. */
function purposeChart(purposes: CharterReport["purposes"], word: string): Markup {
  const sums = (purposes[0]?.cells ?? [])
    .map(({ legalBasis, offenceCategory }, i) => ({
      legalBasis,
      offenceCategory,
      orders: purposes.reduce((sum, { cells }) => sum + (cells[i]?.told?.orders ?? 0), 0),
    }))
    .filter(({ orders }) => orders > 0);
  const most = Math.max(...sums.map(({ orders }) => orders));
  return html`<div class="bars" role="img" aria-label="What the ${word} were for, as far as the table below tells numbers">${join(
    sums.map(
      ({ legalBasis, offenceCategory, orders }) =>
        html`<p><span>${offenceCategory} <span class="kind">${legalBasis}</span></span><svg viewBox="0 0 100 6" preserveAspectRatio="none"><rect width="${Math.round((orders / most) * 100)}" height="6"/></svg><b>${orders}</b></p>
`,
    ),
  )}</div>`;
}

/** `label` says which table of the page it is, for who cannot see where it stands. */
function table(
  label: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Markup {
  return html`<div class="wide" role="region" tabindex="0" aria-label="${label}"><table><thead><tr>${join(head.map((text) => html`<th scope="col">${text}</th>`))}</tr></thead><tbody>
${join(
  rows.map(
    ([first = "", ...rest]) =>
      html`<tr><th scope="row">${first}</th>${join(rest.map((value) => html`<td>${value}</td>`))}</tr>
`,
  ),
)}</tbody></table></div>`;
}

function ordersTable(label: string, orders: readonly MonthOrders[]): Markup {
  return table(
    label,
    [
      "Month",
      "Logged",
      "Revoked",
      "Suspended for a time",
      "Secrecy extended",
      "Told early",
      "Secrecy over, purpose public",
      "Still secret",
      "Overdue to be public",
    ],
    orders.map((row) => [
      row.month,
      row.logged,
      row.revoked,
      row.suspended,
      row.extended,
      row.toldEarly,
      row.disclosed,
      row.stillSecret,
      row.notDisclosed,
    ]),
  );
}

function noticesTable(label: string, { notices }: CharterReport): Markup {
  const none = "nobody was told yet";
  return html`<p>Days from the order's entry in the log until the person could read the notice. Keyholders open a notice together, and the log shows it.</p>${table(
    label,
    ["Orders of", "People could read it, of so many orders", "Shortest", "Half of them within", "Longest"],
    notices.map(({ month, told, days }) => [
      month,
      told,
      days?.least ?? none,
      days?.median ?? none,
      days?.most ?? none,
    ]),
  )}`;
}

function purposesTable(label: string, purposes: CharterReport["purposes"]): Markup {
  return table(
    label,
    ["Orders of", "Legal basis", "Category", "Orders", "People they could open", "Days they could open"],
    purposes.flatMap(({ months, cells, others }) => {
      const row = (words: readonly [string, string], { orders, accounts, days }: typeof others) => [
        months.join(", "),
        ...words,
        ...[orders, accounts, days],
      ];
      return [
        ...cells.flatMap(({ legalBasis, offenceCategory, told }) =>
          told === null ? [] : [row([legalBasis, offenceCategory], told)],
        ),
        ...(others.orders === 0 ? [] : [row([ALL_OTHERS, ALL_OTHERS], others)]),
      ];
    }),
  );
}

/** What ENT-11 tells. */
function statisticsPart({ statistics }: CharterReport, which: string): Markup {
  if (statistics.length === 0) return NOTHING;
  const isTold = ({ cells }: (typeof statistics)[number]): boolean =>
    cells.some(({ orders }) => orders !== null);
  const [told, rest] = [statistics.filter(isTold), statistics.filter((one) => !isTold(one))];
  return html`<h3>The provider's own figures</h3>
<p>The provider counts a month, signs the figures and puts them into the log, once the month is over and nothing of it is secret any more. It leaves out small numbers by the same rule, before it signs.</p>
${
  told.length === 0
    ? NOTHING
    : table(
        `the provider's figures, ${which}`,
        ["Month", "Legal basis", "Category", "Orders"],
        told.flatMap(({ month, cells }) =>
          cells.flatMap(({ legalBasis, offenceCategory, orders }) =>
            orders === null ? [] : [[month, legalBasis, offenceCategory, orders]],
          ),
        ),
      )
}
${rest.length === 0 ? NOTHING : html`<p>Of ${rest.map(({ month }) => month).join(", ")} it tells no number.</p>`}`;
}

/** Who took whose place; empty where nobody did. */
export function replacedList({ replaced }: CharterReport): Markup {
  if (replaced.length === 0) return NOTHING;
  return html`<ul>${join(
    replaced.map(
      ({ day, lost, successor }) =>
        html`<li>${successor.name} (${successor.owner}) took the place of ${lost.name} (${lost.owner})${day === null ? NOTHING : html` on ${formatDay(day)} or soon after`}. Everybody who had to sign it has signed.</li>`,
    ),
  )}</ul>`;
}

function participationTable(label: string, rows: readonly Participation[]): Markup {
  return table(
    label,
    ["Keyholder", "Of", "Month", "Days published", "Days missed", "Batches beyond one a day"],
    rows.map((row) => [
      row.name,
      row.owner,
      row.month,
      `${row.present} of ${row.expected}`,
      row.expected - row.present,
      row.extra,
    ]),
  );
}
