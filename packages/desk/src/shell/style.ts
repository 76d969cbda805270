import { TOKENS } from "@porchlight/markup/look";

// No `url(…)`, no `@import`: a page needs and reaches nothing outside itself.
export const STYLE = `${TOKENS}
:root {
  --link: #2b4fa3; --control: #7b8290; --accent: var(--court); --edge: double; --main: #2f3a56; --main-ink: #ffffff;
  --good: #1d6b3a; --good-panel: #ecf7ef; --good-line: #9ccbaa; --bad: #8e1c1c; --bad-panel: #fdeeee; --bad-line: #dc9a9a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --link: #9db9ff; --control: #7d8696; --main: #d7deef; --main-ink: #15171c;
    --good: #8fd6a8; --good-panel: #17271d; --good-line: #2f5a3d; --bad: #f2aaaa; --bad-panel: #331b1b; --bad-line: #7a3a3a;
  }
}
@media (prefers-contrast: more) {
  :root { --soft: var(--ink); --line: var(--ink); --control: var(--ink); --warn-line: var(--warn); --good-line: var(--good); --bad-line: var(--bad); }
}
.house { --accent: var(--house); --edge: dashed; }
.inspects header.desk { border-top: 3px var(--edge) var(--accent); background: var(--paper); }
.inspects .brand strong { border: 2px var(--edge) var(--accent); border-radius: 999px; padding: 2px 12px; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: break-word; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 20px; top: 8px; background: var(--paper); padding: 8px; z-index: 1; }
header.desk { border-bottom: 3px var(--edge) var(--accent); background: var(--panel); }
.bar { max-width: 1080px; margin: 0 auto; padding: 0 24px; display: flex; flex-wrap: wrap; align-items: center; gap: 0 28px; }
.brand { margin: 0; padding: 14px 0; line-height: 1.3; }
.brand strong { color: var(--accent); }
.brand span { color: var(--soft); margin-left: 8px; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 4px; list-style: none; margin: 0; padding: 0; }
nav li { margin: 0; }
a { color: var(--link); }
nav a { display: inline-block; padding: 14px 10px; text-decoration: none; color: var(--soft); border-bottom: 2px solid transparent; }
nav a:hover { color: var(--ink); }
nav a[aria-current] { color: var(--ink); font-weight: 600; border-bottom-color: var(--accent); }
.who { margin-left: auto; display: flex; align-items: center; gap: 12px; color: var(--soft); font-size: 14px; }
main { max-width: 1080px; margin: 0 auto; padding: 8px 24px 64px; }
main.narrow { max-width: 560px; }
footer.desk { max-width: 1080px; margin: 0 auto; padding: 16px 24px 40px; color: var(--soft); font-size: 14px; border-top: 1px solid var(--line); }
.who { min-width: 0; }
.who span { min-width: 0; overflow-wrap: anywhere; overflow: clip; overflow-clip-margin: 4px; }
h1, h2, h3, th, td, p, caption { overflow: clip; overflow-clip-margin: 6px; }
.keep { white-space: nowrap; overflow-wrap: normal; }
h1 { margin: 28px 0 8px; font-size: 26px; line-height: 1.25; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 36px 0 10px; font-size: 18px; line-height: 1.3; overflow-wrap: anywhere; }
h3 { margin: 24px 0 8px; font-size: 16px; }
p { margin: 0 0 12px; max-width: 72ch; }
.lead { font-size: 17px; }
.soft, .help { color: var(--soft); }
.help { font-size: 14px; margin: 0 0 6px; font-weight: 400; display: block; }
.problem { color: var(--bad); font-weight: 600; margin: 6px 0 0; }
li { margin-bottom: 6px; }
.back { margin: 20px 0 -16px; font-size: 14px; }
.top > * { margin-top: 20px; }
.top { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 24px; }
.box { border: 1px solid var(--line); border-radius: 10px; background: var(--panel); padding: 14px 18px; margin: 16px 0; }
.box > :last-child { margin-bottom: 0; }
.box > :first-child { margin-top: 0; }
.box.good { background: var(--good-panel); border-color: var(--good-line); color: var(--good); }
.box.warn { background: var(--warn-panel); border-color: var(--warn-line); color: var(--warn); }
.box.bad { background: var(--bad-panel); border-color: var(--bad-line); color: var(--bad); }
.said { border-left: 3px solid var(--good); padding: 8px 14px; margin: 20px 0 0; background: var(--good-panel); color: var(--good); border-radius: 0 8px 8px 0; }
.reason { color: var(--soft); font-size: 14px; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; margin: 14px 0; }
.card h2, .card h3, .card .top > * { margin-top: 0; }
.card details:last-child { margin-bottom: 0; }
.columns > * { min-width: 0; }
.columns > .card { align-self: stretch; }
.columns { display: grid; align-items: end; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 28px; }
.sum { border: 1px solid var(--line); border-left: 4px var(--edge) var(--accent); border-radius: 10px; padding: 14px 18px; margin: 16px 0; font-size: 17px; }
.sum strong { display: block; font-size: 20px; margin-bottom: 4px; }
.empty { border: 1px dashed var(--control); border-radius: 10px; padding: 28px 20px; text-align: center; color: var(--soft); margin: 16px 0; }
.empty p { margin: 0 auto 12px; }
.empty p:last-child { margin-bottom: 0; }
.facts { display: grid; grid-template-columns: minmax(9rem, 15rem) minmax(0, 1fr); margin: 0 0 16px; }
.facts dt, .facts dd { padding: 9px 16px 9px 0; border-bottom: 1px solid var(--line); }
.facts dt { color: var(--soft); }
/* Clipped: stacked combining marks must not write over what stands around them. */
.facts dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; overflow: clip; overflow-clip-margin: 4px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; margin: 8px 0 20px; }
caption { text-align: left; color: var(--soft); font-size: 14px; padding: 0 0 4px; }
th, td { text-align: left; vertical-align: top; padding: 10px 16px 10px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { overflow-wrap: normal; color: var(--soft); font-weight: 600; font-size: 14px; }
tbody th { font-weight: 600; min-width: 9rem; }
tbody tr:hover { background: var(--panel); }
.badge { display: inline-block; border: 1px solid var(--line); border-radius: 999px; padding: 1px 10px; font-size: 14px; font-weight: 500; white-space: nowrap; color: var(--soft); background: var(--paper); }
.badge.good { color: var(--good); border-color: var(--good-line); background: var(--good-panel); }
.badge.wait { color: var(--warn); border-color: var(--warn-line); background: var(--warn-panel); }
.badge.bad { color: var(--bad); border-color: var(--bad-line); background: var(--bad-panel); }
.steps { list-style: none; padding: 0; margin: 16px 0; }
.steps li { display: flex; gap: 12px; padding: 6px 0 6px 14px; margin: 0; border-left: 3px solid var(--line); }
.steps li.done { border-left-color: var(--good); }
.steps li.now { border-left-color: var(--accent); font-weight: 600; }
.steps li.bad { border-left-color: var(--bad); }
.steps .state { color: var(--soft); font-weight: 400; font-size: 14px; }
form { margin: 0 0 16px; }
.field { margin: 0 0 18px; }
label { display: block; font-weight: 600; margin: 0 0 4px; }
fieldset { min-width: 0; border: 1px solid var(--line); border-radius: 10px; margin: 0 0 18px; padding: 8px 16px 12px; }
legend { font-weight: 600; padding: 0 6px; margin-left: -6px; }
.check { display: flex; gap: 10px; align-items: baseline; font-weight: 400; margin: 8px 0; }
.check span { min-width: 0; overflow-wrap: anywhere; }
.check input { flex: none; width: 18px; height: 18px; position: relative; top: 3px; accent-color: var(--main); }
input, select, textarea, button, .button { font: inherit; color: inherit; border-radius: 8px; border: 1px solid var(--control); background: var(--paper); padding: 9px 12px; }
input:not([type="checkbox"], [type="radio"]), select, textarea { width: 100%; max-width: 44rem; }
textarea { resize: vertical; }
[aria-invalid] { border-color: var(--bad); border-width: 2px; }
button, .button { display: inline-block; font-weight: 600; cursor: pointer; text-decoration: none; line-height: 1.4; }
button.main, .button.main { background: var(--main); border-color: var(--main); color: var(--main-ink); }
button.grave { background: var(--paper); border-color: var(--bad); color: var(--bad); }
button.quiet { border-color: transparent; background: none; padding: 6px 8px; font-weight: 500; color: var(--link); }
button:disabled { opacity: 0.55; cursor: default; }
.row { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin: 16px 0; }
.row form, .who form { margin: 0; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
details { margin: 14px 0; }
summary { cursor: pointer; padding: 6px 0; font-weight: 600; }
code, pre, .mono { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; background: var(--panel); border: 1px solid var(--line); padding: 12px; border-radius: 8px; }
ol.messages { list-style: none; margin: 0; padding: 0; }
ol.messages li { display: grid; grid-template-columns: 4rem 6rem minmax(0, 1fr); gap: 0 12px; padding: 8px 0; margin: 0; border-bottom: 1px solid var(--line); scroll-margin-top: 12px; }
ol.messages .number, ol.messages .at { color: var(--soft); font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
ol.messages .number { text-align: right; }
ol.messages .soft { font-size: 14px; }
/* Clipped: stacked combining marks must not write over what stands above and below. */
ol.messages .soft, .note { overflow: clip; overflow-clip-margin: 4px; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; overflow: clip; }
.note { color: var(--soft); font-size: 14px; overflow-wrap: anywhere; }
.picture { margin: 4px 0; }
.picture img { display: block; max-width: 100%; max-height: 70vh; min-height: 24px; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); }
.timeline { width: 100%; height: 70px; background: var(--panel); border-radius: 8px; }
.timeline rect { fill: var(--accent); }
.bars { columns: 10rem; padding-left: 20px; }
.pager { margin: 16px 0; display: flex; gap: 16px; }
.search .columns { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
meter { width: 100%; max-width: 24rem; }
.hidden-char { border: 1px dashed var(--soft); border-radius: 3px; padding: 0 3px; font: 12px/1.3 ui-monospace, Menlo, Consolas, monospace; }
@media (max-width: 44rem) {
  .bar, main, footer.desk { padding-left: 16px; padding-right: 16px; }
  .brand { padding: 10px 0 0; }
  .who { width: 100%; justify-content: space-between; padding-bottom: 8px; }
  nav { width: 100%; overflow-x: auto; }
  nav ul { flex-wrap: nowrap; }
  nav a { padding: 10px 8px; white-space: nowrap; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .facts { grid-template-columns: minmax(0, 1fr); }
  .facts dt { border-bottom: 0; padding-bottom: 0; font-size: 14px; }
  .facts dd { padding-top: 0; }
  ol.messages li { grid-template-columns: auto 1fr; }
  ol.messages .number { text-align: left; }
  ol.messages .said-by { grid-column: 1 / -1; }
  table, caption, tbody, tr, th, td { display: block; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
  th, td { border: 0; padding: 2px 0; }
  td:empty { display: none; }
  td[data-label]:not([data-label=""])::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media (prefers-reduced-motion: no-preference) { button, .button, nav a { transition: background-color 0.12s, color 0.12s; } }
@media print { header.desk nav, .who, .row, form { display: none; } body { background: #fff; color: #000; } }
`;
