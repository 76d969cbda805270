import { formatEntry } from "@porchlight/charter";
import { DurableError } from "@porchlight/durable";
import {
  commitment,
  dayNumber,
  EncodingError,
  fromUtf8,
  type Json,
  parseDecimal,
  parseJson,
} from "@porchlight/encoding";
import { GateError } from "@porchlight/gate";
import type { Logger } from "@porchlight/runtime";
import { MAX_REQUEST_LENGTH } from "@porchlight/tlog";
import {
  furtherRequest,
  keyholderDirection,
  keyholderOrder,
  LIMITS,
  type RefusalCode,
} from "@porchlight/wire";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { KeyholderError, type KeyholderErrorCode } from "./error.ts";
import type { Keyholder } from "./keyholder.ts";
import type { Answer } from "./order-answer.ts";

/** HTTP statuses of this program's refusals, all of them. */
const STATUS: Partial<Record<RefusalCode, number>> = {
  malformed: 400,
  "too-large": 413,
  "not-found": 404,
  "order-unknown": 404,
  "unknown-charter": 404,
  "not-released": 409,
  conflict: 409,
  "document-refused": 422,
  unavailable: 503,
  internal: 500,
};

const CODES: Partial<Record<KeyholderErrorCode, RefusalCode>> = {
  "order-unknown": "order-unknown",
  "charter-unknown": "unavailable",
  "commitment-differs": "conflict",
  "requester-unproven": "document-refused",
  "other-side-refused": "document-refused",
  "direction-refused": "document-refused",
  busy: "unavailable",
  paused: "unavailable",
};

function refuse(reply: FastifyReply, code: RefusalCode, message: string, reason?: string): FastifyReply {
  return reply
    .status(STATUS[code] ?? 500)
    .type("application/json")
    .send(JSON.stringify({ code, message, ...(reason === undefined ? {} : { reason }) }));
}

/** KEY-40: the door that anyone can knock at. The order id is the capability; nothing else is asked. */
export function createHttp(keyholder: Keyholder, log: Logger): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: LIMITS.keyholderRequest,
    forceCloseConnections: true,
    // An address that cannot be decoded, or with a part that is too long: refused as everything else, and not repeated.
    frameworkErrors: (_error, _request, reply) => {
      refuse(reply, "malformed", "the address is malformed");
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  app.setNotFoundHandler((_request, reply) => refuse(reply, "not-found", "there is nothing at this address"));
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error instanceof KeyholderError) {
      return refuse(reply, CODES[error.code] ?? "internal", error.message, error.code);
    }
    if (error instanceof GateError)
      return refuse(reply, "document-refused", error.refusal.reason, error.code);
    if (error instanceof EncodingError)
      return refuse(reply, "malformed", "the request is not of this protocol", error.code);
    if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE")
      return refuse(reply, "too-large", "the request is too large");
    if (error.statusCode !== undefined && error.statusCode < 500)
      return refuse(reply, "malformed", "the request is malformed");
    log.failure(error instanceof DurableError ? "disk-failed" : "request-failed", error);
    return refuse(reply, "internal", "something failed here; the operator's log has more");
  });

  app.get("/", (_request, reply) => reply.type("application/json").send(JSON.stringify(keyholder.public)));

  app.post("/add-checkpoint", { bodyLimit: MAX_REQUEST_LENGTH }, async (request, reply) => {
    const answer = await keyholder.cosigner.addCheckpoint(bodyOf(request.body));
    return reply.status(answer.status).header("content-type", answer.contentType).send(answer.body);
  });
  app.get<{ Params: { origin: string } }>("/:origin/checkpoint", async (request, reply) => {
    const note = await keyholder.cosigner.checkpoint(request.params.origin);
    return note === null
      ? refuse(reply, "not-found", "this log is not cosigned here")
      : reply.type("text/plain; charset=utf-8").send(note);
  });

  app.post("/entries", { bodyLimit: LIMITS.logEntry }, (request, reply) => {
    if (!keyholder.relay(bodyOf(request.body))) {
      return refuse(reply, "not-found", "no ceremony here waits for this entry");
    }
    return reply.status(202).type("application/json").send("{}");
  });

  app.post("/orders", async (request, reply) => {
    const parsed = keyholderOrder.safeParse(parseJson(bodyOf(request.body), "order"));
    if (!parsed.success) return refuse(reply, "malformed", "the order is not of this protocol");
    const { warrant, others, opening, index, conversations } = parsed.data;
    const answer = await keyholder.submit({
      warrant,
      others: others ?? null,
      opening,
      index,
      conversations: conversations ?? null,
    });
    return reply
      .status(201)
      .type("application/json")
      .send(JSON.stringify({ orderId: answer.id, ...publicState(answer) }));
  });
  // NOT-45: a page of whatever origin may read what anybody may ask; a refusal too, or it could not tell one from silence.
  app.addHook("onRequest", async (request, reply) => {
    if (request.url.startsWith("/notices/")) reply.header("access-control-allow-origin", "*");
  });
  app.get<{ Params: { commitment: string } }>("/notices/:commitment", (request, reply) => {
    const shares = keyholder.noticeShares(commitment(request.params.commitment));
    return reply
      .type("application/json")
      .send(`[${shares.map((one) => fromUtf8(formatEntry(one))).join(",")}]`);
  });
  app.get<{ Params: { commitment: string; day: string } }>(
    "/notices/:commitment/:day",
    async (request, reply) => {
      const until = dayNumber(parseDecimal(request.params.day, "day"));
      const found = await keyholder.noticeShare(commitment(request.params.commitment), until);
      if (found === null)
        return refuse(reply, "not-released", "nothing may be given for this order and day now");
      return reply.type("application/json").send(fromUtf8(formatEntry(found)));
    },
  );
  app.get<{ Params: { id: string } }>("/orders/:id", (request, reply) => {
    const { id } = request.params;
    const answer = keyholder.deskOf(id).answer(id);
    if (answer === null) return refuse(reply, "order-unknown", "no such order was handed in here");
    return reply.type("application/json").send(JSON.stringify(publicState(answer)));
  });
  app.post<{ Params: { id: string } }>("/orders/:id/further", async (request, reply) => {
    const parsed = furtherRequest.safeParse(parseJson(bodyOf(request.body), "further"));
    if (!parsed.success) return refuse(reply, "malformed", "the request is not of this protocol");
    const { id } = request.params;
    const { word, ...further } = parsed.data;
    const answer = await keyholder.deskOf(id).further(id, further, word);
    return reply.type("application/json").send(JSON.stringify(publicState(answer)));
  });
  app.post<{ Params: { id: string } }>("/orders/:id/directions", async (request, reply) => {
    const parsed = keyholderDirection.safeParse(parseJson(bodyOf(request.body), "direction"));
    if (!parsed.success) return refuse(reply, "malformed", "the request is not of this protocol");
    const { id } = request.params;
    const answer = await keyholder.deskOf(id).direct(id, parsed.data);
    return reply.type("application/json").send(JSON.stringify(answer));
  });
  app.get<{ Params: { id: string; release: string } }>("/orders/:id/bundles/:release", (request, reply) => {
    const { id, release } = request.params;
    if (keyholder.paused !== null) {
      return refuse(reply, "unavailable", "this keyholder has paused everything", "paused");
    }
    const found = /^(0|[1-9][0-9]{0,5})$/.test(release)
      ? keyholder.deskOf(id).answer(id)?.releases[Number(release)]
      : undefined;
    if (found === undefined) return refuse(reply, "not-released", "no such release was made for this order");
    return reply.type("application/octet-stream").send(Buffer.from(found.bundle));
  });
  return app;
}

function bodyOf(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? new Uint8Array(body) : new Uint8Array();
}

/** What a requester may see of a state (wire's `orderState`): of an approval only that there is one. */
function publicState({ stage, refused, releases }: Answer): { readonly [name: string]: Json } {
  if (refused !== null) {
    const { code, reason, rule, record } = refused;
    return { state: "refused", releases: releases.length, code, reason, rule, record: { ...record } };
  }
  return { state: stage === "sealed" ? "intent-logged" : stage, releases: releases.length };
}
