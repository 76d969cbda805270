import { utf8 } from "@porchlight/encoding";
import { healthAnswer } from "@porchlight/wire";
import { json, type Route } from "../http.ts";
import type { Services } from "../services.ts";

/** For a person who opens the address in a browser. */
const WELCOME = `Porchlight: a provider's server.

There is no web page here yet. Members and parties use the command line: porchlight --help

  /log/checkpoint    the public log's newest state, signed and witnessed
  /v1/charters       who can open what here, and how: the charters, signed by all who bear them
  /healthz           whether this server is well
`;

/** For operators and passers-by. */
export function operationRoutes({ log, database }: Services): Route[] {
  return [
    {
      method: "GET",
      url: "/",
      access: "open",
      handle: () =>
        Promise.resolve({ bytes: utf8(WELCOME), type: "text/plain; charset=utf-8", cache: "max-age=60" }),
    },
    {
      method: "GET",
      url: "/healthz",
      access: "open",
      handle: async () => {
        await database.query({ text: "select 1" });
        const { size } = log.store;
        const published = log.published?.size ?? 0;
        const status = log.published !== null && published === size ? "ok" : "degraded";
        return json(healthAnswer, { status, log: { size, published: published as typeof size } });
      },
    },
  ];
}
