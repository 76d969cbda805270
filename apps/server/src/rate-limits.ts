import type { AccountId } from "@porchlight/encoding";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { isLoopback, networkOf } from "./addresses.ts";
import type { LimitsConfig } from "./config.ts";
import { Refusal } from "./refusal.ts";

/** Seconds that each limit is counted over. */
const WINDOW = 60;

/**
 * How much one account and one address may ask of this process in a minute (DEL-90). Counted in memory: several
 * processes allow as much each, and a restart forgets.
 */
export class RateLimits {
  readonly #addressRequests: RateLimiterMemory | null;
  readonly #addressEntries: RateLimiterMemory | null;
  readonly #accountRequests: RateLimiterMemory | null;
  readonly #accountItems: RateLimiterMemory | null;
  readonly #loopback: boolean;

  constructor({ addressRequests, addressEntries, accountRequests, accountItems, loopback }: LimitsConfig) {
    this.#addressRequests = limiter("address-requests", addressRequests);
    this.#addressEntries = limiter("address-entries", addressEntries);
    this.#accountRequests = limiter("account-requests", accountRequests);
    this.#accountItems = limiter("account-items", accountItems);
    this.#loopback = loopback;
  }

  /** Any request. Throws Refusal "too-many-requests". */
  async request(address: string): Promise<void> {
    if (this.#counts(address)) await consume(this.#addressRequests, networkOf(address), 1);
  }

  /** One that makes the server work for somebody whom it does not know: registering, logging in, handing in. */
  async entry(address: string): Promise<void> {
    if (this.#counts(address)) await consume(this.#addressEntries, networkOf(address), 1);
  }

  async ofAccount(account: AccountId): Promise<void> {
    await consume(this.#accountRequests, account, 1);
  }

  async items(account: AccountId, count: number): Promise<void> {
    await consume(this.#accountItems, account, count);
  }

  #counts(address: string): boolean {
    return this.#loopback || !isLoopback(address);
  }
}

function limiter(keyPrefix: string, points: number): RateLimiterMemory | null {
  return points === 0 ? null : new RateLimiterMemory({ keyPrefix, points, duration: WINDOW });
}

async function consume(limit: RateLimiterMemory | null, key: string, points: number): Promise<void> {
  if (limit === null) return;
  try {
    await limit.consume(key, points);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const retryAfter = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
    throw new Refusal("too-many-requests", `this is more than one may ask: wait ${retryAfter} seconds`, {
      retryAfter,
    });
  }
}
