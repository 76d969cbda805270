import type { Clock } from "@porchlight/runtime";
import { AccountRequests } from "./account-requests.ts";
import { Accounts } from "./accounts.ts";
import { Challenges } from "./challenges.ts";
import type { ServerConfig } from "./config.ts";
import type { Database } from "./database.ts";
import { Devices } from "./devices.ts";
import { Invitations } from "./invitations.ts";
import { KeyPackages } from "./key-packages.ts";
import { Pairings } from "./pairings.ts";
import { Passkeys } from "./passkeys.ts";
import { Roles } from "./roles.ts";
import type { Services } from "./services.ts";
import { Vault } from "./vault.ts";
import type { Waiters } from "./waiters.ts";

type AccountServices = Pick<
  Services,
  | "accounts"
  | "devices"
  | "roles"
  | "keyPackages"
  | "invitations"
  | "passkeys"
  | "pairings"
  | "vault"
  | "requests"
>;

/** Everything about accounts and devices, over one database; each process has its own. */
export function openAccounts({
  config,
  database,
  clock,
  waiters,
}: {
  readonly config: ServerConfig;
  readonly database: Database;
  readonly clock: Clock;
  readonly waiters: Waiters;
}): AccountServices {
  const { origin, backupQuota: quota } = config;
  const challenges = new Challenges();
  const invitations = new Invitations(database, clock, config.invitations);
  const accounts = new Accounts(database, clock, origin, challenges, invitations, config.registration);
  const roles = new Roles(database, clock);
  return {
    accounts,
    roles,
    invitations,
    devices: new Devices({ database, clock, accounts, roles, quota }),
    keyPackages: new KeyPackages(database, clock),
    passkeys: new Passkeys(database, clock, challenges, config.passkeys),
    pairings: new Pairings(database, clock, waiters),
    vault: new Vault({ database, clock, waiters, challenges, audience: origin, quota }),
    requests: new AccountRequests(database, clock),
  };
}

/** What is over by the clock. */
export async function forgetOld({ accounts, invitations, vault }: AccountServices): Promise<void> {
  await accounts.forgetExpired();
  await invitations.forgetOld();
  await vault.forgetOld();
}
