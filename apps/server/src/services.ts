import type { Accounts } from "./accounts.ts";
import type { Board } from "./board.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";
import type { Delivery } from "./delivery.ts";
import type { Log } from "./log.ts";
import type { LogEntries } from "./log-entries.ts";
import type { Orders } from "./orders.ts";

/** What the routes are made of. */
export type Services = {
  readonly database: Database;
  readonly log: Log;
  readonly entries: LogEntries;
  readonly board: Board;
  readonly orders: Orders;
  readonly accounts: Accounts;
  readonly conversations: Conversations;
  readonly delivery: Delivery;
};
