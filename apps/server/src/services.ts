import type { AccountRequests } from "./account-requests.ts";
import type { Accounts } from "./accounts.ts";
import type { Attachments } from "./attachments.ts";
import type { Contests } from "./contests.ts";
import type { Conversations } from "./conversations.ts";
import type { Delivery } from "./delivery.ts";
import type { Devices } from "./devices.ts";
import type { Hi1Endpoint } from "./hi1/endpoint.ts";
import type { Invitations } from "./invitations.ts";
import type { KeyPackages } from "./key-packages.ts";
import type { Log } from "./log.ts";
import type { LogEntries } from "./log-entries.ts";
import type { MaterialDesk } from "./material.ts";
import type { NoticeCards } from "./notice-cards.ts";
import type { Orders } from "./orders.ts";
import type { Pairings } from "./pairings.ts";
import type { Passkeys } from "./passkeys.ts";
import type { Preservations } from "./preservations.ts";
import type { PushSubscriptions } from "./push/subscriptions.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Roles } from "./roles.ts";
import type { Vault } from "./vault.ts";

/** What every process's routes are made of. */
export type Services = {
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly roles: Roles;
  readonly keyPackages: KeyPackages;
  readonly invitations: Invitations;
  readonly passkeys: Passkeys;
  readonly pairings: Pairings;
  readonly vault: Vault;
  readonly requests: AccountRequests;
  readonly noticeCards: NoticeCards;
  readonly conversations: Conversations;
  readonly delivery: Delivery;
  readonly attachments: Attachments;
  readonly limits: RateLimits;
  readonly push: PushSubscriptions;
};

/** What only the primary has. */
export type PrimaryServices = {
  readonly log: Log;
  /** Prefixes of copies of the log that others serve. */
  readonly mirrors: () => readonly string[];
  readonly entries: LogEntries;
  readonly orders: Orders;
  readonly contests: Contests;
  readonly preservations: Preservations;
  readonly material: MaterialDesk;
  readonly hi1: Hi1Endpoint;
};
