import type { ConversationId } from "@porchlight/encoding";
import { dataOf, type FromMessenger, type FromPage, type Port } from "./channel.ts";
import type { IntentName } from "./intents.ts";
import type { Messenger } from "./messenger.ts";
import { difference } from "./patch.ts";
import { failureOf, refusalOf } from "./refusal.ts";
import type { AppState } from "./view.ts";

/**
 * Serves one page over one port, until it says goodbye. Several may be served at once. What a page asks for before the
 * messenger has started waits; where it cannot start, the page is told.
 */
export function serve(started: Messenger | Promise<Messenger>, port: Port): void {
  const early: FromPage[] = [];
  let take = (message: FromPage): void => void early.push(message);
  port.addEventListener("message", (event) => take(dataOf(event) as FromPage));
  port.start?.();
  Promise.resolve(started).then(
    (messenger) => {
      take = pageOf(messenger, port);
      for (const message of early) take(message);
    },
    (error: unknown) => {
      take = refuser(port, error);
      for (const message of early) take(message);
    },
  );
}

function pageOf(messenger: Messenger, port: Port): (message: FromPage) => void {
  const threads = new Set<ConversationId>();
  let shown: AppState | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const post = (message: FromMessenger): void => port.postMessage(message);

  /** Many changes of one moment travel as one. */
  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const { state } = messenger;
    if (shown === null || state === shown) return;
    if (state.kind === shown.kind) {
      const patches = difference(shown, state);
      if (patches.length > 0) post({ kind: "patches", patches });
    } else post({ kind: "state", state });
    shown = state;
  };
  const changed = (): void => {
    if (shown !== null) timer ??= setTimeout(flush, 0);
  };

  const perform = async (name: IntentName, input: unknown): Promise<unknown> => {
    if (name === "openThread" || name === "closeThread") {
      const { conversation } = input as { readonly conversation: ConversationId };
      if (name === "closeThread") return void threads.delete(conversation);
      const view = messenger.threadView(conversation);
      threads.add(conversation);
      return view;
    }
    const act = messenger.perform.bind(messenger) as (name: IntentName, input: unknown) => Promise<unknown>;
    return await act(name, input);
  };

  const stops = [
    messenger.subscribe(changed),
    messenger.onThread((conversation, change) => {
      if (!threads.has(conversation)) return;
      flush();
      post({ kind: "thread", conversation, change });
    }),
  ];

  return (message) => {
    switch (message.kind) {
      case "hello":
        shown = messenger.state;
        return post({ kind: "state", state: shown });
      case "goodbye":
        for (const stop of stops) stop();
        if (timer !== null) clearTimeout(timer);
        shown = null;
        return port.close?.();
      case "perform": {
        const { request, name, input } = message;
        perform(name, input).then(
          (result) => {
            // What it changed is seen before it is answered.
            flush();
            post({ kind: "done", request, result });
          },
          (error: unknown) => {
            flush();
            post({ kind: "refused", request, ...refusalOf(error) });
          },
        );
        return;
      }
    }
  };
}

function refuser(port: Port, error: unknown): (message: FromPage) => void {
  const code = failureOf(error);
  return (message) => {
    const post = (answer: FromMessenger): void => port.postMessage(answer);
    if (message.kind === "hello") post({ kind: "state", state: { kind: "failed", code } });
    if (message.kind !== "perform") return;
    const refused = { code: "not-now", message: "the messenger could not start" } as const;
    post({ kind: "refused", request: message.request, ...refused });
  };
}
