import type { Accounts } from "./accounts.ts";
import type { Attachments } from "./attachments.ts";
import type { Board } from "./board.ts";
import type { Conversations } from "./conversations.ts";
import type { Delivery } from "./delivery.ts";
import type { Log } from "./log.ts";
import type { LogEntries } from "./log-entries.ts";
import type { Orders } from "./orders.ts";

/** What every process's routes are made of. */
export type Services = {
  readonly accounts: Accounts;
  readonly conversations: Conversations;
  readonly delivery: Delivery;
  readonly attachments: Attachments;
};

/** What only the primary has. */
export type PrimaryServices = {
  readonly log: Log;
  readonly entries: LogEntries;
  readonly board: Board;
  readonly orders: Orders;
};
