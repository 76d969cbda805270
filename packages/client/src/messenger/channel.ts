// What travels between a page and its messenger: structured clones over a MessagePort, a Worker or a SharedWorker's port.
import type { ConversationId } from "@porchlight/encoding";
import type { ClientErrorCode } from "../error.ts";
import type { IntentName } from "./intents.ts";
import type { Patch } from "./patch.ts";
import type { AppState, ThreadChange } from "./view.ts";

/** The part of MessagePort and Worker that both ends use. */
export type Port = {
  readonly postMessage: (message: unknown) => void;
  readonly addEventListener: (type: "message", listener: (event: Event) => void) => void;
  readonly start?: () => void;
  readonly close?: () => void;
};

export type FromPage =
  | { readonly kind: "hello" }
  | {
      readonly kind: "perform";
      readonly request: number;
      readonly name: IntentName;
      readonly input: unknown;
    }
  /** The page goes: its threads are closed. */
  | { readonly kind: "goodbye" };

export type FromMessenger =
  | { readonly kind: "state"; readonly state: AppState }
  | { readonly kind: "patches"; readonly patches: readonly Patch[] }
  | { readonly kind: "thread"; readonly conversation: ConversationId; readonly change: ThreadChange }
  | { readonly kind: "done"; readonly request: number; readonly result: unknown }
  | {
      readonly kind: "refused";
      readonly request: number;
      readonly code: ClientErrorCode;
      readonly message: string;
    };

/** What a port's event carries. */
export function dataOf(event: Event): unknown {
  return (event as Event & { readonly data?: unknown }).data;
}
