import type { SignedDocument } from "@porchlight/charter";
import {
  attachmentIdText,
  contestAnswer,
  contestChallengeAnswer,
  contestChallengeRequest,
  contestRequest,
  contestsAnswer,
  dayNumberValue,
  decimalQuery,
  directionAnswer,
  directionRequest,
  LIMITS,
  materialRequest,
  orderAnswer,
  orderIdText,
  orderRequest,
  preservationAnswer,
  preservationLiftAnswer,
  preservationLiftRequest,
  preservationRequest,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import type { PrimaryServices } from "../services.ts";

const dayQuery = z.object({ day: decimalQuery(2 ** 32 - 1).pipe(dayNumberValue) });
const partParams = z.object({ orderId: orderIdText, id: attachmentIdText, part: decimalQuery(10_000) });
const orderParams = z.object({ orderId: orderIdText });

/** What answers to orders need; the gate and the capability decide. */
export function disclosureRoutes({ orders, contests, preservations, material }: PrimaryServices): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/orders",
      access: "signed",
      contract: { request: orderRequest, answer: orderAnswer },
      limit: 2 * LIMITS.warrant,
      handle: async ({ body }) => {
        const { warrant, others, opening } = readBody(orderRequest, body);
        return json(orderAnswer, await orders.submit(warrant, others ?? null, opening), 201);
      },
    },
    {
      method: "POST",
      url: "/v1/orders/:orderId/directions",
      access: "signed",
      contract: { params: orderParams, request: directionRequest, answer: directionAnswer },
      handle: async ({ params, body }) => {
        const { orderId } = readParameters(orderParams, params);
        const { kind, document } = readBody(directionRequest, body);
        return json(directionAnswer, { index: await orders.direct(orderId, kind, document) }, 201);
      },
    },
    {
      method: "POST",
      url: "/v1/contests/challenge",
      access: "open",
      contract: { request: contestChallengeRequest, answer: contestChallengeAnswer },
      handle: async ({ body }) => {
        const { commitment, account } = readBody(contestChallengeRequest, body);
        return json(contestChallengeAnswer, { sealed: await contests.challenge(commitment, account) });
      },
    },
    {
      method: "POST",
      url: "/v1/contests",
      access: "signed",
      contract: { request: contestRequest, answer: contestAnswer },
      limit: 4 * LIMITS.prose,
      handle: async ({ body }) => {
        const contest = await contests.take(readBody(contestRequest, body));
        return json(contestAnswer, { contest: writable(contest) }, 201);
      },
    },
    {
      method: "GET",
      url: "/v1/orders/:orderId/contests",
      access: "capability",
      contract: { params: orderParams, answer: contestsAnswer },
      handle: async ({ params }) => {
        const { orderId } = readParameters(orderParams, params);
        return json(contestsAnswer, { contests: (await contests.of(orderId)).map(writable) });
      },
    },
    {
      method: "POST",
      url: "/v1/preservations",
      access: "signed",
      contract: { request: preservationRequest, answer: preservationAnswer },
      limit: 2 * LIMITS.warrant,
      handle: async ({ body }) => {
        const { preservation, opening, proof } = readBody(preservationRequest, body);
        return json(preservationAnswer, await preservations.take(preservation, opening, proof ?? null), 201);
      },
    },
    {
      method: "POST",
      url: "/v1/preservations/lift",
      access: "signed",
      contract: { request: preservationLiftRequest, answer: preservationLiftAnswer },
      handle: async ({ body }) => {
        const { lift } = readBody(preservationLiftRequest, body);
        return json(preservationLiftAnswer, { index: await preservations.lift(lift) }, 201);
      },
    },
    {
      method: "POST",
      url: "/v1/orders/:orderId/material",
      access: "capability",
      contract: { params: orderParams, request: materialRequest, answer: "bytes" },
      handle: async ({ params, body, signal }) => {
        const { orderId } = readParameters(orderParams, params);
        const bytes = await material.material(orderId, readBody(materialRequest, body), signal);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
    {
      method: "GET",
      url: "/v1/orders/:orderId/attachments/:id/:part",
      access: "capability",
      contract: { params: partParams, answer: "bytes" },
      handle: async ({ params, signal }) => {
        const { orderId, id, part } = readParameters(partParams, params);
        const bytes = await material.attachmentPart(orderId, id, part, signal);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
    {
      method: "GET",
      url: "/v1/orders/:orderId/other-sides",
      access: "capability",
      contract: { params: orderParams, query: dayQuery, answer: "bytes" },
      handle: async ({ params, query, signal }) => {
        const { orderId } = readParameters(orderParams, params);
        const { day } = readParameters(dayQuery, query);
        const bytes = await material.otherSides(orderId, day, signal);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
    {
      method: "GET",
      url: "/v1/orders/:orderId/conversations",
      access: "capability",
      contract: { params: orderParams, answer: "bytes" },
      handle: async ({ params, signal }) => {
        const { orderId } = readParameters(orderParams, params);
        const bytes = await material.conversations(orderId, signal);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
  ];
}

function writable({ payload, signatures }: SignedDocument): z.output<typeof contestAnswer>["contest"] {
  return { payload, signatures: signatures.map((made) => ({ ...made })) };
}
