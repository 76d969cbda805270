import { unixSeconds, utf8 } from "@porchlight/encoding";
import {
  chartersAnswer,
  decimalQuery,
  entryAnswer,
  LIMITS,
  loggedKeysAnswer,
  periodText,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readParameters } from "../http.ts";
import type { LoggedDocument } from "../log-catalogue.ts";
import { Refusal } from "../refusal.ts";
import type { PrimaryServices } from "../services.ts";

const wait = decimalQuery(LIMITS.wait).optional();
const logWaitQuery = z.object({
  size: decimalQuery(Number.MAX_SAFE_INTEGER),
  timeout: wait,
  since: decimalQuery(2 ** 40).optional(),
});
const periodParams = z.object({ period: periodText });

/** The public log, and what is in it of charters and keys. */
export function logRoutes({ log, mirrors, entries }: PrimaryServices): Route[] {
  return [
    {
      method: "GET",
      url: "/log/checkpoint",
      access: "open",
      contract: { answer: "bytes" },
      handle: async () => {
        const checkpoint = log.published;
        if (checkpoint === null) {
          throw new Refusal("not-found", "no checkpoint is witnessed yet: try again in a moment");
        }
        // C2SP tlog-tiles: seconds at most, or clients would miss entries.
        return { bytes: utf8(checkpoint.note), type: "text/plain; charset=utf-8", cache: "max-age=1" };
      },
    },
    {
      method: "GET",
      url: "/log/policy",
      access: "open",
      contract: { answer: "bytes" },
      handle: async () => {
        if (log.policy === null) throw new Refusal("not-found", "the log has no policy yet");
        return { bytes: utf8(log.policy), type: "text/plain; charset=utf-8", cache: "no-store" };
      },
    },
    {
      method: "GET",
      url: "/log/mirrors",
      access: "open",
      contract: { answer: "bytes" },
      handle: async () => {
        const bytes = utf8(
          mirrors()
            .map((url) => `${url}\n`)
            .join(""),
        );
        return { bytes, type: "text/plain; charset=utf-8", cache: "no-store" };
      },
    },
    {
      method: "GET",
      url: "/log/tile/*",
      access: "open",
      contract: { answer: "bytes" },
      handle: async ({ params }) => {
        const bytes = await log.store.read(`tile/${params["*"] ?? ""}`);
        if (bytes === null) throw new Refusal("not-found", "the log has no such tile yet");
        const cache = "public, max-age=31536000, immutable";
        return { bytes, type: "application/octet-stream", cache };
      },
    },
    {
      method: "GET",
      url: "/v1/log/wait",
      access: "open",
      contract: { query: logWaitQuery, answer: "bytes" },
      handle: async ({ query, signal }) => {
        const { size, timeout, since } = readParameters(logWaitQuery, query);
        const from = since === undefined ? undefined : unixSeconds(since);
        const checkpoint = await log.waitFor(size, from, timeout ?? 0, signal);
        if (checkpoint === null) return { status: 204 };
        return { bytes: utf8(checkpoint.note), type: "text/plain; charset=utf-8", cache: "no-store" };
      },
    },
    {
      method: "POST",
      url: "/v1/log/entries",
      access: "signed",
      contract: { request: "bytes", answer: entryAnswer },
      limit: LIMITS.logEntry,
      handle: async ({ body }) => json(entryAnswer, { index: await entries.append(body) }, 201),
    },
    {
      method: "GET",
      url: "/v1/charters",
      access: "open",
      contract: { answer: chartersAnswer },
      handle: async () => json(chartersAnswer, { charters: log.catalogue.charters.map(copyOf) }),
    },
    {
      method: "GET",
      url: "/v1/keys/:period",
      access: "open",
      contract: { params: periodParams, answer: loggedKeysAnswer },
      handle: async ({ params }) => {
        const { period } = readParameters(periodParams, params);
        return json(loggedKeysAnswer, { keys: log.catalogue.keys(period).map(copyOf) });
      },
    },
  ];
}

function copyOf({ index, document }: LoggedDocument) {
  const { payload, signatures } = document;
  return { index, document: { payload, signatures: signatures.map((made) => ({ ...made })) } };
}
