import { unixSeconds, utf8 } from "@porchlight/encoding";
import {
  accountAnswer,
  accountIdText,
  accountRequest,
  boardAnswer,
  boardPage,
  boardPost,
  boardSessionText,
  challengeAnswer,
  chartersAnswer,
  claimAnswer,
  conversationAnswer,
  conversationIdText,
  conversationRequest,
  conversationsAnswer,
  dayNumberValue,
  decimalQuery,
  entryAnswer,
  healthAnswer,
  itemsAnswer,
  keyPackagesAnswer,
  keyPackagesRequest,
  LIMITS,
  loggedKeysAnswer,
  nothing,
  orderAnswer,
  orderIdText,
  orderRequest,
  periodText,
  revocationAnswer,
  revocationRequest,
  sessionAnswer,
  sessionRequest,
  submitAnswer,
  submitRequest,
  welcomeAcknowledgement,
  welcomesAnswer,
} from "@porchlight/wire";
import { z } from "zod";
import type { Accounts } from "./accounts.ts";
import type { Board } from "./board.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";
import type { Delivery } from "./delivery.ts";
import { type Answer, type Route, readBody, readParameters } from "./http.ts";
import type { Log } from "./log.ts";
import type { LoggedDocument } from "./log-catalogue.ts";
import type { LogEntries } from "./log-entries.ts";
import type { Orders } from "./orders.ts";
import { Refusal } from "./refusal.ts";

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

/** For a person who opens the address in a browser. */
const WELCOME = `Porchlight: a provider's server.

There is no web page here yet. Members and parties use the command line: porchlight --help

  /log/checkpoint    the public log's newest state, signed and witnessed
  /v1/charters       who can open what here, and how: the charters, signed by all who bear them
  /healthz           whether this server is well
`;

/** Base64 and JSON around `bytes`. */
const inJson = (bytes: number): number => Math.ceil((bytes * 4) / 3) + 4096;

const wait = decimalQuery(LIMITS.wait).optional();
const logWaitQuery = z.object({
  size: decimalQuery(Number.MAX_SAFE_INTEGER),
  timeout: wait,
  since: decimalQuery(2 ** 40).optional(),
});
const boardQuery = z.object({ after: decimalQuery(2 ** 31 - 1).optional(), wait });
const itemsQuery = z.object({
  after: decimalQuery(Number.MAX_SAFE_INTEGER).optional(),
  limit: decimalQuery(LIMITS.page).optional(),
  wait,
});
const welcomesQuery = z.object({ wait });
const materialQuery = z.object({
  conversation: conversationIdText,
  account: accountIdText,
  day: decimalQuery(2 ** 32 - 1).pipe(dayNumberValue),
});
const orderParams = z.object({ orderId: orderIdText });
const boardParams = z.object({ session: boardSessionText });
const periodParams = z.object({ period: periodText });
const accountParams = z.object({ account: accountIdText });
const conversationParams = z.object({ conversation: conversationIdText });

/** Everything that the server answers, and to whom. */
export function routes(services: Services): Route[] {
  return [...logRoutes(services), ...disclosureRoutes(services), ...memberRoutes(services)];
}

function json<T>(schema: z.ZodType<T>, value: T, status: 200 | 201 = 200): Answer {
  return { status, json: z.encode(schema, value) };
}

function logRoutes({ log, entries, board, database }: Services): Route[] {
  return [
    {
      method: "GET",
      url: "/log/checkpoint",
      access: "open",
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
      url: "/log/tile/*",
      access: "open",
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
      limit: LIMITS.logEntry,
      handle: async ({ body }) => json(entryAnswer, { index: await entries.append(body) }, 201),
    },
    {
      method: "GET",
      url: "/v1/charters",
      access: "open",
      handle: async () => json(chartersAnswer, { charters: log.catalogue.charters.map(copyOf) }),
    },
    {
      method: "GET",
      url: "/v1/keys/:period",
      access: "open",
      handle: async ({ params }) => {
        const { period } = readParameters(periodParams, params);
        return json(loggedKeysAnswer, { keys: log.catalogue.keys(period).map(copyOf) });
      },
    },
    {
      method: "POST",
      url: "/v1/board/:session",
      access: "signed",
      limit: 2 * LIMITS.boardMessage,
      handle: async ({ params, body }) => {
        const { session } = readParameters(boardParams, params);
        return json(boardAnswer, { position: await board.post(session, readBody(boardPost, body)) }, 201);
      },
    },
    {
      method: "GET",
      url: "/v1/board/:session",
      access: "open",
      handle: async ({ params, query, signal }) => {
        const { session } = readParameters(boardParams, params);
        const asked = readParameters(boardQuery, query);
        const messages = await board.read(session, asked.after ?? 0, asked.wait ?? 0, signal);
        return json(boardPage, { messages });
      },
    },
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

function disclosureRoutes({ orders }: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/orders",
      access: "signed",
      limit: 2 * LIMITS.warrant,
      handle: async ({ body }) => {
        const { warrant, opening } = readBody(orderRequest, body);
        return json(orderAnswer, await orders.submit(warrant, opening), 201);
      },
    },
    {
      method: "POST",
      url: "/v1/orders/:orderId/revocation",
      access: "signed",
      handle: async ({ params, body }) => {
        const { orderId } = readParameters(orderParams, params);
        const { document } = readBody(revocationRequest, body);
        return json(revocationAnswer, { index: await orders.revoke(orderId, document) }, 201);
      },
    },
    {
      method: "GET",
      url: "/v1/orders/:orderId/material",
      access: "capability",
      handle: async ({ params, query, signal }) => {
        const { orderId } = readParameters(orderParams, params);
        const bytes = await orders.material(orderId, readParameters(materialQuery, query), signal);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
    {
      method: "GET",
      url: "/v1/orders/:orderId/conversations",
      access: "capability",
      handle: async ({ params, signal }) => {
        const { orderId } = readParameters(orderParams, params);
        const bytes = await orders.conversations(orderId, signal);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
  ];
}

function memberRoutes({ accounts, conversations, delivery }: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/accounts",
      access: "open",
      handle: async ({ body }) => {
        const { identityKey } = readBody(accountRequest, body);
        return json(accountAnswer, { account: await accounts.register(identityKey) }, 201);
      },
    },
    {
      method: "POST",
      url: "/v1/sessions/challenge",
      access: "open",
      handle: async () => json(challengeAnswer, accounts.challenge(), 201),
    },
    {
      method: "POST",
      url: "/v1/sessions",
      access: "signed",
      handle: async ({ body }) =>
        json(sessionAnswer, await accounts.openSession(readBody(sessionRequest, body)), 201),
    },
    {
      method: "POST",
      url: "/v1/key-packages",
      access: "member",
      limit: inJson(LIMITS.keyPackage * LIMITS.keyPackagesPerRequest),
      handle: async ({ device, body }) => {
        const { keyPackages } = readBody(keyPackagesRequest, body);
        return json(
          keyPackagesAnswer,
          { stored: await accounts.storeKeyPackages(device(), keyPackages) },
          201,
        );
      },
    },
    {
      method: "POST",
      url: "/v1/accounts/:account/key-package",
      access: "member",
      handle: async ({ params }) => {
        const { account } = readParameters(accountParams, params);
        return json(claimAnswer, { keyPackages: await accounts.claimKeyPackages(account) });
      },
    },
    {
      method: "POST",
      url: "/v1/conversations",
      access: "member",
      handle: async ({ device, body }) => {
        const asked = readBody(conversationRequest, body);
        return json(conversationAnswer, await conversations.create(device(), asked), 201);
      },
    },
    {
      method: "GET",
      url: "/v1/conversations",
      access: "member",
      handle: async ({ device }) =>
        json(conversationsAnswer, { conversations: await conversations.list(device().account) }),
    },
    {
      method: "GET",
      url: "/v1/conversations/:conversation",
      access: "member",
      handle: async ({ device, params }) => {
        const { conversation } = readParameters(conversationParams, params);
        return json(conversationAnswer, await conversations.get(conversation, device().account));
      },
    },
    {
      method: "POST",
      url: "/v1/conversations/:conversation/items",
      access: "member",
      limit: LIMITS.body,
      handle: async ({ device, params, body }) => {
        const { conversation } = readParameters(conversationParams, params);
        const { items } = readBody(submitRequest, body);
        return json(submitAnswer, { seqs: await delivery.submit(conversation, device(), items) });
      },
    },
    {
      method: "GET",
      url: "/v1/conversations/:conversation/items",
      access: "member",
      handle: async ({ device, params, query, signal }) => {
        const { conversation } = readParameters(conversationParams, params);
        const asked = readParameters(itemsQuery, query);
        const page = await conversations.items(
          conversation,
          device().account,
          { after: asked.after ?? 0, limit: asked.limit ?? LIMITS.page, wait: asked.wait ?? 0 },
          signal,
        );
        return json(itemsAnswer, page);
      },
    },
    {
      method: "GET",
      url: "/v1/welcomes",
      access: "member",
      handle: async ({ device, query, signal }) => {
        const asked = readParameters(welcomesQuery, query);
        const welcomes = await conversations.welcomes(device().account, asked.wait ?? 0, signal);
        return json(welcomesAnswer, { welcomes });
      },
    },
    {
      method: "POST",
      url: "/v1/welcomes/acknowledge",
      access: "member",
      handle: async ({ device, body }) => {
        const { ids } = readBody(welcomeAcknowledgement, body);
        await conversations.acknowledge(device().account, ids);
        return json(nothing, {});
      },
    },
  ];
}

function copyOf({ index, document }: LoggedDocument) {
  const { payload, signatures } = document;
  return { index, document: { payload, signatures: signatures.map((made) => ({ ...made })) } };
}
