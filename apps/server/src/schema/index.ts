import { foundation } from "./foundation.ts";
import { processes } from "./processes.ts";

/** One step of the schema, applied once to each database and never changed afterwards. */
export type Migration = { readonly name: string; readonly sql: string };

/** In order of application; a new one goes to the end. */
export const MIGRATIONS: readonly Migration[] = [
  { name: "foundation", sql: foundation },
  { name: "processes", sql: processes },
];
