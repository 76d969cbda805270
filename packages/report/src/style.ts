import { TOKENS } from "@porchlight/markup/look";

// No `url(…)`, no `@import`: the page needs and reaches nothing outside itself.
export const STYLE = `${TOKENS}* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main { max-width: 960px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 32px; }
.kind { margin: 0; color: var(--soft); font-size: 14px; }
h1 { margin: 4px 0 12px; font-size: 28px; line-height: 1.25; overflow-wrap: anywhere; }
.lead { margin: 0 0 8px; font-size: 17px; }
section { border-top: 3px solid var(--line); margin-top: 36px; padding-top: 8px; }
section.court { border-top: 3px double var(--court); --accent: var(--court); }
section.house { border-top: 3px dashed var(--house); --accent: var(--house); }
section.court h2, section.house h2 { color: var(--accent); }
h2 { margin: 12px 0; font-size: 22px; line-height: 1.3; overflow-wrap: anywhere; }
h3 { margin: 28px 0 8px; font-size: 17px; }
p { margin: 0 0 12px; }
.id, .empty { color: var(--soft); overflow-wrap: anywhere; }
.box { border: 1px solid var(--line); border-radius: 8px; background: var(--panel); padding: 14px 18px; margin-top: 20px; }
.box.warn { background: var(--warn-panel); border-color: var(--warn-line); color: var(--warn); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 8px 16px 8px 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: 14px; }
tbody th { font-weight: 600; }
svg { max-width: 100%; height: auto; margin: 4px 0 12px; }
svg rect { fill: var(--accent, var(--soft)); }
svg rect.half { opacity: 0.55; }
svg rect.faint { opacity: 0.25; }
svg rect.alarm { fill: var(--warn); }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: 14px; }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 12px; }
.key svg { width: 12px; height: 12px; margin: 0; }
.bars { margin: 0 0 16px; max-width: 760px; }
.bars p { display: grid; grid-template-columns: minmax(0, 2fr) minmax(60px, 3fr) 3em; gap: 12px; align-items: center; margin: 0 0 6px; overflow-wrap: anywhere; }
.bars p > span > .kind { display: block; }
.bars svg { width: 100%; height: 12px; margin: 0; }
svg text { fill: var(--soft); font-size: 11px; text-anchor: middle; }
code { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; }
.hidden-char { border: 1px dashed var(--soft); border-radius: 3px; padding: 0 3px; font: 12px/1.3 ui-monospace, Menlo, Consolas, monospace; }
li { margin-bottom: 6px; }
@media print { body { background: #fff; color: #000; } tr { break-inside: avoid; } }
`;
