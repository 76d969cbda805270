export { csvFiles } from "./csv.ts";
export { reportPage } from "./page.ts";
export { type Reported, readLog } from "./read-log.ts";
export { type CharterReport, Reckoning } from "./reckoning.ts";
