import {
  conversationAnswer,
  conversationIdText,
  conversationRequest,
  conversationsAnswer,
  decimalQuery,
  itemsAnswer,
  LIMITS,
  nothing,
  submitAnswer,
  submitRequest,
  welcomeAcknowledgement,
  welcomesAnswer,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import type { Services } from "../services.ts";

const wait = decimalQuery(LIMITS.wait).optional();
const itemsQuery = z.object({
  after: decimalQuery(Number.MAX_SAFE_INTEGER).optional(),
  limit: decimalQuery(LIMITS.page).optional(),
  wait,
});
const welcomesQuery = z.object({ wait });
const conversationParams = z.object({ conversation: conversationIdText });

/** Conversations, their items and Welcomes. */
export function conversationRoutes({ conversations, delivery, limits }: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/conversations",
      access: "member",
      contract: { request: conversationRequest, answer: conversationAnswer },
      handle: async ({ device, body }) => {
        const asked = readBody(conversationRequest, body);
        return json(conversationAnswer, await conversations.create(device(), asked), 201);
      },
    },
    {
      method: "GET",
      url: "/v1/conversations",
      access: "member",
      contract: { answer: conversationsAnswer },
      handle: async ({ device }) =>
        json(conversationsAnswer, { conversations: await conversations.list(device().account) }),
    },
    {
      method: "GET",
      url: "/v1/conversations/:conversation",
      access: "member",
      contract: { params: conversationParams, answer: conversationAnswer },
      handle: async ({ device, params }) => {
        const { conversation } = readParameters(conversationParams, params);
        return json(conversationAnswer, await conversations.get(conversation, device().account));
      },
    },
    {
      method: "POST",
      url: "/v1/conversations/:conversation/items",
      access: "member",
      contract: { params: conversationParams, request: submitRequest, answer: submitAnswer },
      limit: LIMITS.body,
      handle: async ({ device, params, body }) => {
        const { conversation } = readParameters(conversationParams, params);
        const { items } = readBody(submitRequest, body);
        await limits.items(device().account, items.length);
        return json(submitAnswer, { seqs: await delivery.submit(conversation, device(), items) });
      },
    },
    {
      method: "GET",
      url: "/v1/conversations/:conversation/items",
      access: "member",
      contract: { params: conversationParams, query: itemsQuery, answer: itemsAnswer },
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
      contract: { query: welcomesQuery, answer: welcomesAnswer },
      handle: async ({ device, query, signal }) => {
        const asked = readParameters(welcomesQuery, query);
        const welcomes = await conversations.welcomes(device(), asked.wait ?? 0, signal);
        return json(welcomesAnswer, { welcomes });
      },
    },
    {
      method: "POST",
      url: "/v1/welcomes/acknowledge",
      access: "member",
      contract: { request: welcomeAcknowledgement, answer: nothing },
      handle: async ({ device, body }) => {
        const { ids } = readBody(welcomeAcknowledgement, body);
        await conversations.acknowledge(device(), ids);
        return json(nothing, {});
      },
    },
  ];
}
