// The viewer's style sheet. No `url(…)`, no `@import`: the page must not need or reach anything outside itself.
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1d22; --soft: #565b66; --line: #d9dce3; --panel: #f5f6f9;
  --band: #4b2f7f; --band-ink: #ffffff; --accent: #4b2f7f; --edge: double;
  --warn: #7a4a00; --warn-panel: #fff4dc; --warn-line: #e3b75c;
  --bad: #8e1c1c; --bad-panel: #fdeeee; --bad-line: #dc9a9a;
}
.house { --band: #0e6464; --accent: #0e6464; --edge: dashed; }
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171c; --ink: #e8eaef; --soft: #a5acb9; --line: #343943; --panel: #1e2128;
    --band: #2a2140; --accent: #c5aef5;
    --warn: #f0cd85; --warn-panel: #2e2616; --warn-line: #6c5621;
    --bad: #f2aaaa; --bad-panel: #331b1b; --bad-line: #7a3a3a;
  }
  .house { --band: #122e2d; --accent: #7fd4d0; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
header, main { padding: 0 20px; }
/* As everywhere: a court's is double, a house's dashed. */
header { background: var(--band); color: var(--band-ink); border-bottom: 6px var(--edge) var(--band-ink); padding-top: 28px; padding-bottom: 24px; }
header > div, main > * { max-width: 900px; margin-left: auto; margin-right: auto; }
.kind { margin: 0 0 6px; font-size: 14px; letter-spacing: .04em; opacity: .9; }
h1 { margin: 0; font-size: 28px; line-height: 1.25; overflow-wrap: anywhere; }
.lead { margin: 12px 0 0; font-size: 17px; overflow-wrap: anywhere; }
h2 { margin: 44px auto 12px; font-size: 21px; line-height: 1.3; }
h3 { margin: 26px 0 8px; font-size: 16px; overflow-wrap: anywhere; }
p { margin: 0 auto 12px; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 18px 0 0; padding: 0; }
a { color: var(--accent); }
.box { border: 1px solid var(--line); border-radius: 8px; background: var(--panel); padding: 14px 18px; margin: 20px auto; }
.box > :last-child { margin-bottom: 0; }
.box.warn { background: var(--warn-panel); border-color: var(--warn-line); color: var(--warn); }
.box.bad { background: var(--bad-panel); border-color: var(--bad-line); color: var(--bad); }
.box strong { display: block; }
dl { display: grid; grid-template-columns: 220px 1fr; margin: 0 auto; }
dt, dd { padding: 8px 20px 8px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
ol.messages { list-style: none; margin: 0; padding: 0; }
ol.messages li { display: grid; grid-template-columns: 52px 92px 1fr; gap: 0 14px; padding: 9px 0; border-bottom: 1px solid var(--line); }
ol.messages .number { color: var(--soft); font-variant-numeric: tabular-nums; text-align: right; }
ol.messages .at { color: var(--soft); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
ol.messages .who { color: var(--soft); font-size: 14px; }
/* Clipped: stacked combining marks must not write over the message above. */
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; overflow: clip; }
.text.action { font-style: italic; }
.tag { display: inline-block; border: 1px solid var(--line); border-radius: 4px; padding: 0 6px; margin-right: 6px; font-size: 13px; font-style: normal; color: var(--soft); }
.note { color: var(--soft); font-size: 14px; overflow-wrap: anywhere; }
.hidden-char { border: 1px dashed var(--soft); border-radius: 3px; padding: 0 3px; font: 12px/1.3 ui-monospace, Menlo, Consolas, monospace; color: var(--soft); }
.empty { color: var(--soft); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 8px 14px 8px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; }
td:not(:last-child) { white-space: nowrap; overflow-wrap: normal; }
code, .hash { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
ul.plain { margin: 0; padding-left: 20px; }
ul.plain li { margin-bottom: 8px; }
.certificate { white-space: pre-wrap; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: 14px; padding: 28px 0 40px; }
@media (max-width: 640px) {
  header, main { padding-left: 16px; padding-right: 16px; }
  h1 { font-size: 23px; }
  dl { grid-template-columns: 1fr; }
  dt { border-bottom: 0; padding-bottom: 0; font-size: 14px; }
  dd { padding-top: 0; }
  ol.messages li { grid-template-columns: auto 1fr; }
  ol.messages .number { text-align: left; }
  ol.messages .body { grid-column: 1 / -1; }
  table, thead, tbody, tr, td { display: block; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr { border-bottom: 1px solid var(--line); padding: 6px 0; }
  td, td:not(:last-child) { border: 0; padding: 2px 0; white-space: normal; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print {
  body { font-size: 11pt; background: #fff; color: #000; }
  header { background: none; color: #000; border-bottom-color: #000; }
  nav { display: none; }
  ol.messages li, tr, dt, dd { break-inside: avoid; }
}
`;
