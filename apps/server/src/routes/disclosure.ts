import {
  accountIdText,
  conversationIdText,
  dayNumberValue,
  decimalQuery,
  LIMITS,
  orderAnswer,
  orderIdText,
  orderRequest,
  revocationAnswer,
  revocationRequest,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import type { PrimaryServices } from "../services.ts";

const materialQuery = z.object({
  conversation: conversationIdText,
  account: accountIdText,
  day: decimalQuery(2 ** 32 - 1).pipe(dayNumberValue),
});
const orderParams = z.object({ orderId: orderIdText });

/** What answers to orders need; the gate and the capability decide. */
export function disclosureRoutes({ orders }: PrimaryServices): Route[] {
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
