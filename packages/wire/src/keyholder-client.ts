import { type Commitment, type Json, parseJson, utf8 } from "@porchlight/encoding";
import * as z from "zod";
import {
  type FurtherRequest,
  furtherRequest,
  type KeyholderDirection,
  type KeyholderDirectionAnswer,
  type KeyholderOrder,
  type KeyholderOrderAnswer,
  keyholderDirection,
  keyholderDirectionAnswer,
  keyholderOrder,
  keyholderOrderAnswer,
  type OrderState,
  orderState,
} from "./disclosure.ts";
import { WireError } from "./error.ts";
import { type ClientOptions, HttpCaller } from "./http.ts";

/** A keyholder as a requester sees it. Every method throws WireError. */
export class KeyholderClient {
  readonly #http: HttpCaller;
  constructor(options: ClientOptions) {
    this.#http = new HttpCaller(options);
  }

  /** Hands an order in; idempotent. */
  async submitOrder(order: KeyholderOrder): Promise<KeyholderOrderAnswer> {
    return await this.#call({ method: "POST", path: "/orders" }, keyholderOrderAnswer, {
      schema: keyholderOrder,
      value: order,
    });
  }

  /** Refusal "order-unknown" for an order that it was never handed. */
  async order(orderId: string): Promise<OrderState> {
    return await this.#call({ method: "GET", path: `/orders/${orderId}` }, orderState);
  }

  /** Adds to an order that was handed in (KEY-32); idempotent. */
  async further(orderId: string, further: FurtherRequest): Promise<OrderState> {
    return await this.#call({ method: "POST", path: `/orders/${orderId}/further` }, orderState, {
      schema: furtherRequest,
      value: further,
    });
  }

  /** Hands in what the issuer says of an order (KEY-33); idempotent. */
  async direct(orderId: string, direction: KeyholderDirection): Promise<KeyholderDirectionAnswer> {
    return await this.#call(
      { method: "POST", path: `/orders/${orderId}/directions` },
      keyholderDirectionAnswer,
      { schema: keyholderDirection, value: direction },
    );
  }

  /** One sealed bundle, numbered from 0; `null` while there is no such release (refusal "not-released"). */
  async bundle(orderId: string, release = 0): Promise<Uint8Array | null> {
    try {
      return (await this.#http.send({ method: "GET", path: `/orders/${orderId}/bundles/${release}` })).bytes;
    } catch (error) {
      if (error instanceof WireError && error.refusal === "not-released") return null;
      throw error;
    }
  }

  /** NOT-33: what this keyholder gave of an order's notices, as the bytes of log entries; nothing of them is verified. */
  async noticeShares(commitment: Commitment): Promise<Uint8Array[]> {
    const { bytes } = await this.#http.send({ method: "GET", path: `/notices/${commitment}` });
    const list = parseJson(bytes, "notices");
    if (!Array.isArray(list)) throw new WireError("answer-malformed", "the keyholder's answer is no list");
    return list.map((entry: Json) => utf8(JSON.stringify(entry)));
  }

  /** Hands on a ceremony's entry that the log has not taken (CER-17); the keyholder hands it in there. Idempotent. */
  async relayEntry(entry: Uint8Array): Promise<void> {
    await this.#http.send({
      method: "POST",
      path: "/entries",
      body: { type: "application/octet-stream", bytes: entry },
    });
  }

  async #call<Request, Output>(
    call: { method: "GET" | "POST"; path: string },
    answer: z.ZodType<Output>,
    request?: { schema: z.ZodType<Request>; value: Request },
  ): Promise<Output> {
    const found = await this.#http.json(call, answer, request);
    if (found === null)
      throw new WireError("answer-malformed", "the keyholder answered nothing", { status: 204 });
    return found;
  }
}
