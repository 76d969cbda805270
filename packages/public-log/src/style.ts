import { REPORT_STYLE } from "@porchlight/report";

// The report's own look, and what a site needs beside it.
export const STYLE = `${REPORT_STYLE}
.skip { position: absolute; left: -999px; }
.skip:focus { left: 20px; top: 8px; background: var(--paper); padding: 8px; }
header.site { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 28px; padding-top: 20px; padding-bottom: 12px; border-bottom: 1px solid var(--line); }
.brand { margin: 0; font-weight: 700; }
header.site ul { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; margin: 0; padding: 0; }
header.site li { margin: 0; }
a { color: var(--link, #2b4fa3); }
header.site a { display: inline-block; padding: 6px 0; text-decoration: none; }
header.site a:hover { text-decoration: underline; }
header.site a[aria-current] { color: var(--ink); font-weight: 600; border-bottom: 2px solid currentColor; }
main h1 { margin-top: 28px; }
footer.site { max-width: 960px; margin: 48px auto 32px; padding: 12px 20px; color: var(--soft); border-top: 1px solid var(--line); font-size: 14px; }
.soft { color: var(--soft); }
.box.good { border-color: var(--good-line); background: var(--good-panel); }
.box h2 { margin-top: 0; font-size: 18px; }
main > section.box { padding-top: 14px; border-top-width: 1px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px 40px; margin: 20px 0; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dd { margin: 0; font-size: 28px; font-weight: 700; font-variant-numeric: tabular-nums; }
.figures dt { color: var(--soft); font-size: 14px; }
label { display: block; font-weight: 600; margin: 16px 0 6px; }
.row { display: flex; flex-wrap: wrap; gap: 10px; }
input, textarea, button { font: inherit; color: inherit; border-radius: 8px; border: 1px solid var(--control); background: var(--paper); padding: 10px 12px; }
input { flex: 1 1 20rem; min-width: 0; font-family: ui-monospace, Menlo, Consolas, monospace; }
textarea { width: 100%; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; }
button { background: var(--ink); color: var(--paper); border-color: var(--ink); font-weight: 600; cursor: pointer; }
button:disabled { opacity: 0.6; cursor: default; }
:focus-visible { outline: 3px solid var(--link, #2b4fa3); outline-offset: 2px; }
details { margin: 16px 0; }
summary { cursor: pointer; padding: 6px 0; }
.checks { list-style: none; padding: 0; }
.checks li::before { content: "\\2713\\00a0\\00a0"; font-weight: 700; color: var(--good); }
.facts { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: 6px 20px; margin: 0 0 16px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); padding: 12px; border-radius: 8px; }
:root { --link: #2b4fa3; --control: #7b8290; --good: #1d6b3a; --good-panel: #ecf7ef; --good-line: #9ccbaa; }
@media (prefers-color-scheme: dark) {
  :root { --link: #9db9ff; --control: #7d8696; --good: #8fd6a8; --good-panel: #17271d; --good-line: #2f5a3d; }
}
@media (max-width: 34rem) { .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 10px; } }
`;
