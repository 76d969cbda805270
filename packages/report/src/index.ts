export { csvFiles } from "./csv.ts";
export { LogReport, type Reported, readLog } from "./log-report.ts";
export { replacedList, reportPage, reportSections } from "./page.ts";
export { type CharterReport, Reckoning } from "./reckoning.ts";
export { STYLE as REPORT_STYLE } from "./style.ts";
