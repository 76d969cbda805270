import type { Charter, Keyholder } from "@porchlight/charter";
import type { ConversationId } from "@porchlight/encoding";
import { fromUtf8 } from "@porchlight/encoding";
import type { Order } from "@porchlight/gate";
import { type Fetch, KeyholderClient, type OrderState, WireError } from "@porchlight/wire";
import { namesOf } from "./request-file.ts";

/** What one keyholder answered, or why nothing came back. */
export type KeyholderAnswer = {
  readonly keyholder: Keyholder;
  readonly answer: OrderState | { readonly state: "unreachable" | "unknown"; readonly reason: string };
};

/** Seconds that one keyholder may take to say how an order stands: one that hangs must not hold up what the others gave. */
const STATE_SECONDS = 8;

/** Whom a keyholder's answer comes from is no matter of trust here: bundles verify by themselves. */
export function keyholderClient(
  keyholder: Keyholder,
  fetch?: Fetch,
  timeoutSeconds?: number,
): KeyholderClient {
  return new KeyholderClient({
    url: keyholder.url,
    ...(fetch === undefined ? {} : { fetch }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  });
}

/** Hands an order to every keyholder of the charter at once. One that does not answer does not stop the others; again is harmless. */
export async function handToKeyholders(
  charter: Charter,
  order: Pick<Order, "warrant" | "opening" | "index">,
  options: { readonly conversations?: readonly ConversationId[]; readonly fetch?: Fetch } = {},
): Promise<KeyholderAnswer[]> {
  const { conversations, fetch } = options;
  const body = {
    warrant: fromUtf8(order.warrant),
    opening: order.opening,
    index: order.index,
    ...(conversations === undefined ? {} : { conversations: [...conversations] }),
  };
  return await askAll(
    charter,
    async (keyholder) => await keyholderClient(keyholder, fetch).submitOrder(body),
  );
}

/** What every keyholder says of an order. */
export async function keyholderStates(
  charter: Charter,
  order: Pick<Order, "warrant" | "opening">,
  options: { readonly fetch?: Fetch } = {},
): Promise<KeyholderAnswer[]> {
  const { orderId } = namesOf(order);
  return await askAll(
    charter,
    async (keyholder) => await keyholderClient(keyholder, options.fetch, STATE_SECONDS).order(orderId),
  );
}

async function askAll(
  { keyholders }: Charter,
  ask: (keyholder: Keyholder) => Promise<OrderState>,
): Promise<KeyholderAnswer[]> {
  return await Promise.all(
    keyholders.map(async (keyholder) => {
      try {
        return { keyholder, answer: await ask(keyholder) };
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        const state = error.refusal === "order-unknown" ? ("unknown" as const) : ("unreachable" as const);
        return { keyholder, answer: { state, reason: error.message } };
      }
    }),
  );
}
