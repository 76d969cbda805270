export { type CountedEntry, EntryLedger } from "./entry-ledger.ts";
export { type Finding, sentence, type UnknownReason } from "./finding.ts";
export { type Look, Monitor, type MonitorOptions, stateLine } from "./monitor.ts";
export { type AppEncoding, appSentence, checkServedApp } from "./served-app.ts";
