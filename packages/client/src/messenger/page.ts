// The page's end of the messenger: no cryptography, no storage, no network, a few kilobytes.
import type { ConversationId } from "@porchlight/encoding";
import { ClientError } from "../error.ts";
import { dataOf, type FromMessenger, type FromPage, type Port } from "./channel.ts";
import type { IntentInput, IntentName, IntentResult } from "./intents.ts";
import { patched } from "./patch.ts";
import type { AppState, EntryView, ThreadChange } from "./view.ts";

export { plain } from "@porchlight/charter/letters";
export type { AccountId, ConversationId } from "@porchlight/encoding";
export type { Port } from "./channel.ts";
export type {
  IntentInput,
  IntentName,
  IntentResult,
  Intents,
  NewAttachment,
  UnlockSecret,
} from "./intents.ts";
export { findConversations, sortConversations } from "./order.ts";
export type * from "./view.ts";
export { ClientError };

type Waiting = {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ClientError) => void;
};

/** A thread that this page follows: how long it is, and its entries by index. */
export class PageThread {
  readonly conversation: ConversationId;
  readonly #messenger: MessengerPage;
  readonly #listeners = new Set<(change: ThreadChange) => void>();
  #count: number;

  constructor(messenger: MessengerPage, conversation: ConversationId, count: number) {
    this.#messenger = messenger;
    this.conversation = conversation;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** Entries `from` to `to` (exclusive), as they are now. */
  entries(from: number, to: number): Promise<readonly EntryView[]> {
    return this.#messenger.perform("entries", { conversation: this.conversation, from, to });
  }

  /** Calls the listener with what is new or different; returns how to stop. */
  subscribe(listener: (change: ThreadChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(change: ThreadChange): void {
    this.#count = change.count;
    for (const listener of this.#listeners) listener(change);
  }
}

/**
 * A page's connection to a messenger in a Worker, a SharedWorker or the same process. `state` is immutable: parts that
 * did not change stay the same objects, so that `useSyncExternalStore(subscribe, () => state)` renders what changed.
 */
export class MessengerPage {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<() => void>();
  readonly #threads = new Map<ConversationId, PageThread>();
  #state: AppState = { kind: "starting" };
  #requests = 0;

  constructor(port: Port) {
    this.#port = port;
    port.addEventListener("message", (event) => this.#take(dataOf(event) as FromMessenger));
    port.start?.();
    this.#post({ kind: "hello" });
  }

  get state(): AppState {
    return this.#state;
  }

  /** Calls the listener after each change of `state`; returns how to stop. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Rejects with ClientError: its `code` says why, and nothing was changed. */
  perform<Name extends IntentName>(
    name: Name,
    ...input: IntentInput<Name> extends undefined ? [] : [IntentInput<Name>]
  ): Promise<IntentResult<Name>> {
    return new Promise((resolve, reject) => {
      const request = ++this.#requests;
      this.#waiting.set(request, { resolve: resolve as Waiting["resolve"], reject });
      this.#post({ kind: "perform", request, name, input: input[0] });
    });
  }

  /** Follows one thread; the same object for the same conversation until {@link closeThread}. */
  async thread(conversation: ConversationId): Promise<PageThread> {
    const known = this.#threads.get(conversation);
    if (known !== undefined) return known;
    const { count } = await this.perform("openThread", { conversation });
    const thread = this.#threads.get(conversation) ?? new PageThread(this, conversation, count);
    this.#threads.set(conversation, thread);
    return thread;
  }

  closeThread(conversation: ConversationId): void {
    if (!this.#threads.delete(conversation)) return;
    this.perform("closeThread", { conversation }).catch(() => {});
  }

  /** Resolves with the first state for which `test` holds. */
  async until<State extends AppState>(test: (state: AppState) => state is State): Promise<State>;
  async until(test: (state: AppState) => boolean): Promise<AppState>;
  async until(test: (state: AppState) => boolean): Promise<AppState> {
    if (test(this.#state)) return this.#state;
    return await new Promise((resolve) => {
      const stop = this.subscribe(() => {
        if (!test(this.#state)) return;
        stop();
        resolve(this.#state);
      });
    });
  }

  /** The other end cannot be loaded, or ended: nothing is answered any more. */
  broke(): void {
    this.#take({ kind: "state", state: { kind: "failed", code: "not-loaded" } });
    for (const request of this.#waiting.keys()) {
      this.#settle(request)?.reject(new ClientError("not-now", "the messenger is not there: start anew"));
    }
  }

  close(): void {
    this.#post({ kind: "goodbye" });
    this.#port.close?.();
  }

  #post(message: FromPage): void {
    this.#port.postMessage(message);
  }

  #take(message: FromMessenger): void {
    switch (message.kind) {
      case "state":
        this.#state = message.state;
        break;
      case "patches":
        this.#state = patched(this.#state, message.patches);
        break;
      case "thread":
        this.#threads.get(message.conversation)?.changed(message.change);
        return;
      case "done":
        this.#settle(message.request)?.resolve(message.result);
        return;
      case "refused":
        this.#settle(message.request)?.reject(new ClientError(message.code, message.message));
        return;
    }
    for (const listener of this.#listeners) listener();
  }

  #settle(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    return waiting;
  }
}
