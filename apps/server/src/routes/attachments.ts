import {
  attachmentCancellation,
  attachmentCompletion,
  attachmentIdText,
  attachmentRequest,
  attachmentState,
  conversationIdText,
  decimalQuery,
  LIMITS,
  nothing,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import type { Services } from "../services.ts";

const conversationParams = z.object({ conversation: conversationIdText });
const attachmentParams = z.object({ id: attachmentIdText });
const partParams = z.object({ id: attachmentIdText, part: decimalQuery(10_000) });

/** Encrypted files, part by part: nothing larger than a part is ever in memory. */
export function attachmentRoutes({ attachments }: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/conversations/:conversation/attachments",
      access: "member",
      contract: { params: conversationParams, request: attachmentRequest, answer: attachmentState },
      handle: async ({ device, params, body }) => {
        const { conversation } = readParameters(conversationParams, params);
        const asked = readBody(attachmentRequest, body);
        return json(attachmentState, await attachments.create(conversation, device().account, asked), 201);
      },
    },
    {
      method: "GET",
      url: "/v1/attachments/:id",
      access: "member",
      contract: { params: attachmentParams, answer: attachmentState },
      handle: async ({ device, params }) => {
        const { id } = readParameters(attachmentParams, params);
        return json(attachmentState, await attachments.state(id, device().account));
      },
    },
    {
      method: "POST",
      url: "/v1/attachments/:id/parts/:part",
      access: "member",
      contract: { params: partParams, request: "bytes", answer: null },
      limit: LIMITS.attachmentPart,
      handle: async ({ device, params, body }) => {
        const { id, part } = readParameters(partParams, params);
        await attachments.put(id, device().account, part, body);
        return { status: 204 };
      },
    },
    {
      method: "GET",
      url: "/v1/attachments/:id/parts/:part",
      access: "member",
      contract: { params: partParams, answer: "bytes" },
      handle: async ({ device, params }) => {
        const { id, part } = readParameters(partParams, params);
        const bytes = await attachments.part(id, device().account, part);
        return { bytes, type: "application/octet-stream", cache: "no-store" };
      },
    },
    {
      method: "POST",
      url: "/v1/attachments/:id/complete",
      access: "member",
      contract: { params: attachmentParams, request: attachmentCompletion, answer: attachmentState },
      handle: async ({ device, params, body }) => {
        const { id } = readParameters(attachmentParams, params);
        const { digest } = readBody(attachmentCompletion, body);
        return json(attachmentState, await attachments.complete(id, device().account, digest));
      },
    },
    {
      method: "POST",
      url: "/v1/attachments/:id/cancel",
      access: "member",
      contract: { params: attachmentParams, request: attachmentCancellation, answer: nothing },
      handle: async ({ device, params, body }) => {
        const { id } = readParameters(attachmentParams, params);
        readBody(attachmentCancellation, body);
        await attachments.cancel(id, device().account);
        return json(nothing, {});
      },
    },
  ];
}
