import { accounts } from "./accounts.ts";
import { attachments } from "./attachments.ts";
import { contests } from "./contests.ts";
import { directions } from "./directions.ts";
import { foundation } from "./foundation.ts";
import { handedOut } from "./handed-out.ts";
import { held, heldFiles } from "./held.ts";
import { hi1 } from "./hi1.ts";
import { keyPackages } from "./key-packages.ts";
import { noBoard } from "./no-board.ts";
import { noticeCards } from "./notice-cards.ts";
import { preservationLifts } from "./preservation-lifts.ts";
import { preservations } from "./preservations.ts";
import { processes } from "./processes.ts";
import { push } from "./push.ts";
import { retention } from "./retention.ts";
import { welcomes } from "./welcomes.ts";

/** One step of the schema, applied once to each database and never changed afterwards. */
export type Migration = { readonly name: string; readonly sql: string };

/** In order of application; a new one goes to the end. */
export const MIGRATIONS: readonly Migration[] = [
  { name: "foundation", sql: foundation },
  { name: "processes", sql: processes },
  { name: "welcomes by device", sql: welcomes },
  { name: "key packages for a time", sql: keyPackages },
  { name: "attachments", sql: attachments },
  { name: "retention", sql: retention },
  { name: "accounts and devices", sql: accounts },
  { name: "push and room for heads", sql: push },
  { name: "directions of orders", sql: directions },
  { name: "no board", sql: noBoard },
  { name: "notice cards", sql: noticeCards },
  { name: "preservations", sql: preservations },
  { name: "contests", sql: contests },
  { name: "preservation lifts", sql: preservationLifts },
  { name: "orders between authorities", sql: hi1 },
  { name: "held apart", sql: held },
  { name: "what was handed out, with its order", sql: handedOut },
  { name: "held files by their beginning", sql: heldFiles },
];
