import type { KeptOrder, Refused, Release, Stage } from "./order-book.ts";
import { stageOf } from "./order-book.ts";

/** How an order stands; `releases` are those whose bundle can be fetched. */
export type Answer = {
  readonly id: string;
  readonly stage: Stage;
  readonly refused: ({ readonly by: string | null } & Refused) | null;
  readonly releases: readonly Extract<Release, { kind: "released" }>[];
};

export function refusedOrder(id: string, refused: Refused): Answer {
  return { id, stage: "refused", refused: { by: null, ...refused }, releases: [] };
}

export function answerOf({ id, state, releases }: KeptOrder): Answer {
  return {
    id,
    stage: stageOf({ state, releases }),
    refused: state.kind === "refused" ? state : null,
    releases: releases.filter((release) => release.kind === "released"),
  };
}
