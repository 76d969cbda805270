import { StoredCharters } from "./charters.ts";
import type { Database } from "./database.ts";
import type { Answer, Exchange, Route } from "./http.ts";
import type { Keeping } from "./keeping.ts";
import { Refusal } from "./refusal.ts";
import { disclosureRoutes } from "./routes/disclosure.ts";
import { hi1Routes } from "./routes/hi1.ts";
import { logRoutes } from "./routes/log.ts";
import type { PrimaryServices } from "./services.ts";

/** Milliseconds that the primary may take; its longest wait is a minute. */
const LIMIT = 90_000;
const NOTHING: readonly string[] = [];

/**
 * A process in front of the primary: accounts and delivery are its own, over the same database. It holds no key and no
 * log; what belongs to the log it hands on, and answers "unavailable" while the primary is away.
 */
export function openFront(primary: string, database: Database): Keeping {
  // The table of routes says what is handed on; none of these services is ever asked.
  const absent = {} as PrimaryServices;
  const routes = [...logRoutes(absent), ...disclosureRoutes(absent), ...hi1Routes(absent)];
  return {
    charters: new StoredCharters(database),
    routes: routes.map((route): Route => ({ ...route, handle: (exchange) => handOn(primary, exchange) })),
    readable: () => NOTHING,
    health: () => ({ status: "ok" }),
    figures: () => null,
    onTime: () => {},
    closeCommands: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

async function handOn(primary: string, { method, url, address, body, signal }: Exchange): Promise<Answer> {
  try {
    const response = await fetch(`${primary}${url}`, {
      method,
      headers: { "x-forwarded-for": address, "content-type": "application/octet-stream" },
      ...(method === "GET" ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT)]),
      redirect: "error",
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.status === 204) return { status: 204 };
    return {
      status: response.status,
      bytes,
      type: response.headers.get("content-type") ?? "application/octet-stream",
      cache: response.headers.get("cache-control") ?? "no-store",
    };
  } catch (cause) {
    throw new Refusal("unavailable", "the log is away: try again in a moment", { cause });
  }
}
