import { utf8 } from "@porchlight/encoding";
import { healthAnswer, readyAnswer } from "@porchlight/wire";
import type { Database } from "../database.ts";
import type { Hints } from "../hints.ts";
import { json, type Route } from "../http.ts";
import type { Keeping } from "../keeping.ts";
import { Refusal } from "../refusal.ts";

/** For a person who opens the address in a browser. */
const WELCOME = `Porchlight: a provider's server.

No web app is configured here. Members and parties use the command line: porchlight --help

  /log/checkpoint    the public log's newest state, signed and witnessed
  /v1/charters       who can open what here, and how: the charters, signed by all who bear them
  /healthz           whether this server is well
  /readyz            whether it takes requests
`;

/** For passers-by, where no web app is served. */
export function welcomeRoutes(): Route[] {
  return [
    {
      method: "GET",
      url: "/",
      access: "open",
      contract: { answer: "bytes" },
      handle: () =>
        Promise.resolve({ bytes: utf8(WELCOME), type: "text/plain; charset=utf-8", cache: "max-age=60" }),
    },
  ];
}

/** For operators. */
export function operationRoutes(
  database: Database,
  hints: Hints,
  keeping: Keeping,
  stopping: AbortSignal,
): Route[] {
  return [
    {
      method: "GET",
      url: "/healthz",
      access: "open",
      contract: { answer: healthAnswer },
      handle: async () => {
        await database.query({ text: "select 1" });
        return json(healthAnswer, keeping.health());
      },
    },
    {
      method: "GET",
      url: "/readyz",
      access: "open",
      contract: { answer: readyAnswer },
      handle: async () => {
        if (stopping.aborted) throw new Refusal("unavailable", "this process stops: ask another one");
        await database.query({ text: "select 1" });
        // Without hints everything still arrives, later: no reason to send people elsewhere.
        return json(readyAnswer, { ready: true, hints: hints.connected });
      },
    },
  ];
}
