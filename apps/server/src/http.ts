import { randomBytes } from "node:crypto";
import { EncodingError, fromUtf8 } from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { TlogError } from "@porchlight/tlog";
import { LIMITS, type RefusalCode, type Role } from "@porchlight/wire";
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { z } from "zod";
import { Addresses } from "./addresses.ts";
import type { Device } from "./conversation-state.ts";
import { isDatabaseOutage } from "./database.ts";
import type { RateLimits } from "./rate-limits.ts";
import { Refusal, STATUS } from "./refusal.ts";
import type { TlsPair } from "./tls.ts";

/**
 * Who may use a route (DEL-10). "open": anybody, for what is public. "signed": anybody, but what the body brings is
 * taken only with the signature of whom it is from. "capability": whoever knows the order's id. "member": a logged-in
 * device; what it may see then depends on its account.
 */
type Access = "open" | "signed" | "capability" | "member";

/** A device with what names its session: the hex SHA-256 of its token. */
export type LoggedIn = Device & { readonly tokenHash: string };

export type Exchange = {
  /** Method, path and query as they came: for handing the request on, not for reading. */
  readonly method: string;
  readonly url: string;
  /** The client's, as far as the proxies in between are trusted. */
  readonly address: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: Uint8Array;
  /** The logged-in device; asking for it on a route of another access is a mistake in this program. */
  readonly device: () => LoggedIn;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
};

export type Answer =
  | { readonly status?: 200 | 201; readonly json: unknown }
  | { readonly status?: number; readonly bytes: Uint8Array; readonly type: string; readonly cache: string }
  | { readonly status: 204 };

/** What a route takes and gives: the schemas that both sides parse with, "bytes" for what is no JSON, `null` for 204. */
type Contract = {
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly request?: z.ZodType | "bytes";
  readonly answer: z.ZodType | "bytes" | null;
};

export type Route = {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly access: Access;
  /** Of an account that may use it; any, where it is left out. Only for "member" (ACC-80). */
  readonly roles?: readonly Role[];
  readonly contract: Contract;
  /** Bytes of the body, {@link LIMITS}.body where it is left out. */
  readonly limit?: number;
  readonly handle: (exchange: Exchange) => Promise<Answer>;
};

/** `value` in the contract's JSON form. */
export function json<T>(schema: z.ZodType<T>, value: T, status: 200 | 201 = 200): Answer {
  return { status, json: z.encode(schema, value) };
}

const DEFAULT_LIMIT = 64 * 1024;

export type HttpOptions = {
  /** Without it, plain HTTP: for the loopback interface, or behind a proxy that has the certificate. */
  readonly tls?: TlsPair;
  readonly addresses?: Addresses;
  readonly limits?: RateLimits;
  readonly refused?: (code: RefusalCode) => void;
};

/** An HTTP server of these routes: one place for authentication, limits, errors and log lines. */
export function createHttp(
  routes: readonly Route[],
  authenticate: (header: string | undefined, roles: readonly Role[] | undefined) => Promise<LoggedIn>,
  log: Logger,
  { tls, addresses = new Addresses(), limits, refused = () => {} }: HttpOptions = {},
): FastifyInstance {
  const app = fastify({
    ...(tls === undefined ? {} : { https: tls }),
    logger: false,
    bodyLimit: DEFAULT_LIMIT,
    // What is under way is answered first; the program's own time limit ends it otherwise.
    forceCloseConnections: "idle",
    return503OnClosing: false,
    requestTimeout: 120_000,
    keepAliveTimeout: 72_000,
    genReqId: () => randomBytes(6).toString("hex"),
    // An address that cannot be decoded, or with a part that is too long: refused as everything else, and not repeated.
    frameworkErrors: (_error, request, reply) => {
      refuse(request, reply, new Refusal("malformed", "the address is malformed"));
    },
  });
  const devices = new WeakMap<FastifyRequest, LoggedIn>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  app.addHook("onResponse", async (request, reply) => {
    // The route's pattern, never the address: that holds ids.
    log.event("request", {
      method: request.method,
      route: (request.routeOptions.url ?? "none").replaceAll("*", ""),
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
      request: request.id,
    });
  });
  app.setNotFoundHandler((request, reply) => {
    return refuse(request, reply, new Refusal("not-found", "there is nothing at this address"));
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.code === "internal" || refusal.code === "unavailable") {
      log.failure("request-failed", error, { request: request.id });
    }
    refused(refusal.code);
    if (refusal.code === "too-large") readPast(request, reply);
    return refuse(request, reply, refusal);
  });

  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.url,
      bodyLimit: route.limit ?? DEFAULT_LIMIT,
      // Before the body is read: strangers do not get to send megabytes.
      onRequest: async (request: FastifyRequest) => {
        const address = addresses.of(request.raw);
        await limits?.request(address);
        if (route.access === "member") {
          const device = await authenticate(request.headers.authorization, route.roles);
          devices.set(request, device);
          await limits?.ofAccount(device.account);
        } else if (route.method === "POST" || route.access === "capability") await limits?.entry(address);
      },
      handler: async (request, reply) => {
        const gone = new AbortController();
        reply.raw.on("close", () => gone.abort());
        const answer = await route.handle({
          method: request.method,
          url: request.url,
          address: addresses.of(request.raw),
          params: request.params as Record<string, string>,
          query: request.query,
          body: request.body instanceof Uint8Array ? request.body : new Uint8Array(0),
          device: () => {
            const device = devices.get(request);
            if (device === undefined) throw new Error("the route asks for no session");
            return device;
          },
          signal: gone.signal,
        });
        return send(reply, answer);
      },
    });
  }
  return app;
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if ("json" in answer) {
    return reply
      .code(answer.status ?? 200)
      .header("cache-control", "no-store")
      .type("application/json")
      .send(JSON.stringify(answer.json));
  }
  if ("bytes" in answer) {
    const { status = 200, bytes, type, cache } = answer;
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return reply.code(status).header("cache-control", cache).type(type).send(body);
  }
  return reply.code(answer.status).send();
}

function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { code, message, reason, item, head, retryAfter } = refusal;
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  return reply
    .code(STATUS[code])
    .header("cache-control", "no-store")
    .type("application/json")
    .send(JSON.stringify({ code, message, reason, item, head, retryAfter, request: request.id }));
}

/** Bytes of a body that is too large which are read and dropped, so that its sender gets to see why. */
const READ_PAST = 2 * LIMITS.body;

/**
 * A connection that is closed with unread bytes is reset, and who is still sending never sees the answer. So the rest is
 * read past, up to a bound.
 */
function readPast(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader("connection");
  let dropped = 0;
  request.raw.on("data", (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > READ_PAST) request.raw.destroy();
  });
}

/** Every error as something that a client can be told; nothing that it sent comes back in it. */
export function refusalOf(error: FastifyError | Error): Refusal {
  if (error instanceof Refusal) return error;
  const refused = (code: RefusalCode, message: string): Refusal =>
    new Refusal(code, message, { cause: error });
  const { code, statusCode } = error as Partial<FastifyError>;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return refused("too-large", `the request is larger than this route takes (${LIMITS.body} bytes at most)`);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return refused("malformed", "the request is not well-formed HTTP");
  }
  if (error instanceof EncodingError || (error instanceof TlogError && error.code === "path-malformed")) {
    return refused("malformed", `the request is not of the agreed form (${error.message})`);
  }
  if (isDatabaseOutage(error)) return refused("unavailable", "the store is away: try again in a moment");
  return refused("internal", "something failed here: tell the operator the request's number");
}

/** A JSON body of this schema. Throws Refusal "malformed", which names the place and not what stands there. */
export function readBody<T>(schema: z.ZodType<T>, body: Uint8Array): T {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(body));
  } catch (cause) {
    throw new Refusal("malformed", "the body is not JSON in UTF-8", { cause });
  }
  return read(schema, json, "body");
}

/** Query or path parameters of this schema. Throws Refusal "malformed". */
export function readParameters<T>(schema: z.ZodType<T>, parameters: unknown): T {
  return read(schema, parameters, "address");
}

function read<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // Array indices and the contract's own names; a client's own member names are cut off with "unrecognized".
  const place = [where, ...(result.error.issues[0]?.path ?? [])].join(".");
  throw new Refusal("malformed", `the request is not of the agreed form at ${place.slice(0, 100)}`);
}
