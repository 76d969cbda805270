import type { CollectPhase, KeyholderAnswer, Lacking } from "@porchlight/parties";
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
      readonly lacking: Lacking | null;
    }
  | { readonly kind: "failed"; readonly why: Explained };

/** Collections by order, in this process' memory: what a collection leaves is the sealed package. */
export class Collections {
  readonly #all = new Map<string, Collection>();
  readonly #running = new Map<string, Promise<Collection>>();

  of(name: string): Collection | null {
    return this.#all.get(name) ?? null;
  }

  /** Begins one in the background; one that runs already goes on. Resolves with how it ended. */
  begin(
    name: string,
    run: (progress: (phase: CollectPhase, done: number, total: number) => void) => Promise<Collection>,
  ): Promise<Collection> {
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const say = (phase: CollectPhase, done: number, total: number): void =>
      void this.#all.set(name, { kind: "running", phase, done, total });
    say("bundles", 0, 0);
    const end = run(say)
      .catch((error: unknown): Collection => ({ kind: "failed", why: explain(error) }))
      .then((collection) => {
        this.#all.set(name, collection);
        this.#running.delete(name);
        return collection;
      });
    this.#running.set(name, end);
    return end;
  }
}
