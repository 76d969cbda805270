import { z } from "zod";
import {
  type KeyholderOrder,
  type KeyholderOrderAnswer,
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

  /** The sealed bundle, `null` while the order is not released (refusal "not-released"). */
  async bundle(orderId: string): Promise<Uint8Array | null> {
    try {
      return (await this.#http.send({ method: "GET", path: `/orders/${orderId}/bundle` })).bytes;
    } catch (error) {
      if (error instanceof WireError && error.refusal === "not-released") return null;
      throw error;
    }
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
