import { fromUtf8, parseJson, utf8 } from "@porchlight/encoding";
import * as z from "zod";
import { refusalBody } from "./delivery.ts";
import { WireError } from "./error.ts";

export type Fetch = typeof globalThis.fetch;

/** Browsers refuse their fetch as the method of anything but the window or worker. */
export const plainFetch: Fetch = (...request) => globalThis.fetch(...request);

export type ClientOptions = {
  /** Where requests go, "http://127.0.0.1:7400"; a path is kept. */
  readonly url: string;
  readonly fetch?: Fetch;
  /** Limit of one request without its long poll, 30 by default. */
  readonly timeoutSeconds?: number;
};

export type Call = {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly token?: string | undefined;
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  /** Seconds that the answer may take beyond the usual limit: a long poll. */
  readonly wait?: number;
  readonly signal?: AbortSignal | undefined;
};

/** What came back, success only: refusals throw. */
export type Answer = { readonly status: number; readonly bytes: Uint8Array };

/** One place that talks HTTP: time limits, typed refusals, strict JSON. */
export class HttpCaller {
  readonly #base: string;
  readonly #fetch: Fetch;
  readonly #timeout: number;

  constructor(options: ClientOptions) {
    this.#base = options.url.replace(/\/+$/, "");
    this.#fetch = options.fetch ?? plainFetch;
    this.#timeout = options.timeoutSeconds ?? 30;
  }

  async send(call: Call): Promise<Answer> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const target = `${this.#base}${call.path}${query.size === 0 ? "" : `?${query}`}`;
    const limit = AbortSignal.timeout(1000 * (this.#timeout + (call.wait ?? 0)));
    let status: number;
    let bytes: Uint8Array;
    try {
      const response = await this.#fetch(target, {
        method: call.method,
        headers: {
          ...(call.body === undefined ? {} : { "content-type": call.body.type }),
          ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
        },
        ...(call.body === undefined ? {} : { body: call.body.bytes as Uint8Array<ArrayBuffer> }),
        signal: call.signal === undefined ? limit : AbortSignal.any([limit, call.signal]),
        redirect: "error",
      });
      status = response.status;
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      call.signal?.throwIfAborted();
      if (limit.aborted) {
        throw new WireError("timed-out", "no answer in time: try again", { cause });
      }
      throw new WireError("unreachable", "no connection: check that the address is right and try again", {
        cause,
      });
    }
    if (status >= 200 && status < 300) return { status, bytes };
    throw refusal(status, bytes);
  }

  /** JSON both ways; `null` for an answer 204. */
  async json<Request, Output>(
    call: Omit<Call, "body">,
    answer: z.ZodType<Output>,
    request?: { readonly schema: z.ZodType<Request>; readonly value: Request },
  ): Promise<Output | null> {
    const body = request === undefined ? {} : { body: jsonBody(request) };
    const { status, bytes } = await this.send({ ...call, ...body });
    return status === 204 ? null : decodeAnswer(answer, bytes, status);
  }
}

/** A request of the contract. Throws WireError "request-malformed" for one that breaks it. */
export function jsonBody<Request>({
  schema,
  value,
}: {
  readonly schema: z.ZodType<Request>;
  readonly value: Request;
}): NonNullable<Call["body"]> {
  const encoded = z.safeEncode(schema, value);
  if (encoded.success) return { type: "application/json", bytes: utf8(JSON.stringify(encoded.data)) };
  const place = encoded.error.issues[0]?.path.join(".") ?? "";
  throw new WireError("request-malformed", `the request breaks the contract at "${place}"`);
}

function decodeAnswer<Output>(answer: z.ZodType<Output>, bytes: Uint8Array, status: number): Output {
  try {
    // JSON.parse: answers may be megabytes; the schema refuses what it does not know, and nothing here is signed.
    return answer.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw new WireError("answer-malformed", "the answer is not of this protocol: is this the right server?", {
      status,
      cause,
    });
  }
}

function refusal(status: number, bytes: Uint8Array): WireError {
  try {
    const body = refusalBody.parse(parseJson(bytes));
    return new WireError("refused", body.message, {
      status,
      refusal: body.code,
      reason: body.reason,
      item: body.item,
      head: body.head,
      retryAfter: body.retryAfter,
    });
  } catch (cause) {
    // In the words of a proxy, or of a server that is stopping: the request may have got through, or may not.
    if (status >= 502 && status <= 504) {
      return new WireError(
        "unreachable",
        `no answer from the server itself, which may be starting or stopping (${status})`,
        {
          status,
          cause,
        },
      );
    }
    return new WireError("answer-malformed", `the server answered ${status} and nothing that is understood`, {
      status,
      cause,
    });
  }
}
