import type { CollectPhase, KeyholderAnswer } from "@porchlight/parties";
import { type Explained, explain } from "../shell/sentences.ts";

/** How a collection stands that this desk began. */
export type Collection =
  | { readonly kind: "running"; readonly phase: CollectPhase; readonly done: number; readonly total: number }
  | {
      readonly kind: "waiting";
      readonly have: number;
      readonly need: number;
      readonly keyholders: readonly KeyholderAnswer[];
    }
  | {
      readonly kind: "opened";
      readonly messages: number;
      readonly outstanding: number;
      readonly blamed: number;
    }
  | { readonly kind: "failed"; readonly why: Explained };

/** Collections by order, in this process' memory: what a collection leaves is the sealed package. */
export class Collections {
  readonly #all = new Map<string, Collection>();

  of(name: string): Collection | null {
    return this.#all.get(name) ?? null;
  }

  /** Begins one in the background; one that runs already goes on. */
  begin(
    name: string,
    run: (progress: (phase: CollectPhase, done: number, total: number) => void) => Promise<Collection>,
  ): void {
    if (this.#all.get(name)?.kind === "running") return;
    const say = (phase: CollectPhase, done: number, total: number): void =>
      void this.#all.set(name, { kind: "running", phase, done, total });
    say("bundles", 0, 0);
    run(say).then(
      (end) => void this.#all.set(name, end),
      (error: unknown) => void this.#all.set(name, { kind: "failed", why: explain(error) }),
    );
  }
}
