import type { OrderState } from "@porchlight/wire";
import { KeyholderClient, WireError } from "@porchlight/wire";
import type { CharterState } from "./client.ts";

/** What nobody has to wait longer for: one keyholder that is down or slow holds up no page. */
const LIMIT_SECONDS = 2;
/** An answer after this many milliseconds is shown as slow. */
const SLOW_MILLISECONDS = 1000;

export type Peer = CharterState["keyholders"][number];

export type PeerAnswer = {
  readonly peer: Peer;
  readonly answer:
    | OrderState
    /** It answers, and was not handed the order. */
    | { readonly state: "unknown" }
    | { readonly state: "silent" };
};

/** What the other keyholders say of an order, asked all at once. Its id is what lets one ask (KEY-40). */
export async function askOfOrder(peers: readonly Peer[], order: string): Promise<PeerAnswer[]> {
  return await Promise.all(
    peers.map(async (peer): Promise<PeerAnswer> => {
      const client = new KeyholderClient({ url: peer.url, timeoutSeconds: LIMIT_SECONDS });
      try {
        return { peer, answer: await client.order(order) };
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        return { peer, answer: { state: error.refusal === "order-unknown" ? "unknown" : "silent" } };
      }
    }),
  );
}

export type Presence = "answers" | "slow" | "silent";

/** Whether each answers at its door at all. */
export async function askWhetherThere(peers: readonly Peer[]): Promise<ReadonlyMap<number, Presence>> {
  const found = await Promise.all(
    peers.map(async ({ index, url }): Promise<[number, Presence]> => {
      const began = performance.now();
      try {
        const answer = await fetch(url, {
          redirect: "error",
          signal: AbortSignal.timeout(1000 * LIMIT_SECONDS),
        });
        await answer.body?.cancel();
        if (!answer.ok) return [index, "silent"];
        return [index, performance.now() - began > SLOW_MILLISECONDS ? "slow" : "answers"];
      } catch {
        // Down, refusing, too slow or elsewhere: the same to whoever waits for it.
        return [index, "silent"];
      }
    }),
  );
  return new Map(found);
}
