import type { Charter, Keyholder } from "@porchlight/charter";
import type { ConversationId } from "@porchlight/encoding";
import { fromUtf8 } from "@porchlight/encoding";
import type { Order } from "@porchlight/gate";
import {
  type Fetch,
  type FurtherRequest,
  KeyholderClient,
  type KeyholderDirection,
  type KeyholderDirectionAnswer,
  LIMITS,
  type OrderState,
  WireError,
} from "@porchlight/wire";
import { namesOf, type OrderFile } from "./request-file.ts";

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

/**
 * Hands an order to every keyholder of the charter at once, with as many of its conversations as one request takes. One that does not answer does not stop the others; again is harmless.
 */
export async function handToKeyholders(
  charter: Charter,
  order: Pick<OrderFile, "warrant" | "others" | "opening"> & Pick<Order, "index">,
  options: { readonly conversations?: readonly ConversationId[]; readonly fetch?: Fetch } = {},
): Promise<KeyholderAnswer[]> {
  const { conversations, fetch } = options;
  const body = {
    warrant: fromUtf8(order.warrant),
    ...(order.others === null ? {} : { others: fromUtf8(order.others) }),
    opening: order.opening,
    index: order.index,
    ...(conversations === undefined ? {} : { conversations: conversations.slice(0, LIMITS.furtherItems) }),
  };
  return await askAll(
    charter,
    async (keyholder) => await keyholderClient(keyholder, fetch).submitOrder(body),
  );
}

/** What every keyholder says of an order. */
export async function keyholderStates(
  charter: Charter,
  order: Pick<OrderFile, "warrant" | "others" | "opening">,
  options: { readonly fetch?: Fetch } = {},
): Promise<KeyholderAnswer[]> {
  const { orderId } = namesOf(order);
  return await askAll(
    charter,
    async (keyholder) => await keyholderClient(keyholder, options.fetch, STATE_SECONDS).order(orderId),
  );
}

/**
 * Hands what an issuer said of its order to every keyholder. Each counts it for itself, once its view of the log shows it:
 * one that answers "waiting" is to be asked again.
 */
export async function directKeyholders(
  { keyholders }: Charter,
  orderId: string,
  direction: KeyholderDirection,
  options: { readonly fetch?: Fetch } = {},
): Promise<DirectionAnswer[]> {
  return await Promise.all(
    keyholders.map(async (keyholder) => {
      try {
        return {
          keyholder,
          answer: await keyholderClient(keyholder, options.fetch).direct(orderId, direction),
        };
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        return { keyholder, answer: silenceOf(error) };
      }
    }),
  );
}

/** Whoever asks knows the address from the charter: that it is wrong is not what an unanswered call says. */
function silenceOf({ code, refusal, message }: WireError): {
  readonly state: "unreachable" | "unknown";
  readonly reason: string;
} {
  if (refusal === "order-unknown") return { state: "unknown", reason: message };
  if (code === "unreachable") return { state: "unreachable", reason: "it does not answer" };
  if (code === "timed-out") return { state: "unreachable", reason: "it did not answer in time" };
  return { state: "unreachable", reason: message };
}

/** What one keyholder said to a direction. */
export type DirectionAnswer = {
  readonly keyholder: Keyholder;
  readonly answer:
    | KeyholderDirectionAnswer
    | { readonly state: "unreachable" | "unknown"; readonly reason: string };
};

/**
 * Adds to an order at every keyholder that has it, one request after the other; one that does not take a request gets no
 * further one, and does not stop the others. What each answered last.
 */
export async function addAtKeyholders(
  charter: Charter,
  orderId: string,
  [first, ...others]: readonly [FurtherRequest, ...FurtherRequest[]],
  options: { readonly fetch?: Fetch } = {},
): Promise<KeyholderAnswer[]> {
  return await askAll(charter, async (keyholder) => {
    const client = keyholderClient(keyholder, options.fetch);
    let answer = await client.further(orderId, first);
    for (const further of others) answer = await client.further(orderId, further);
    return answer;
  });
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
        return { keyholder, answer: silenceOf(error) };
      }
    }),
  );
}
