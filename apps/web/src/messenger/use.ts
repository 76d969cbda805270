import type {
  AppState,
  ClientError,
  ContactView,
  IntentInput,
  IntentName,
  IntentResult,
  MessengerPage,
  ReadyState,
} from "@porchlight/client/page";
import { createContext, useCallback, useContext, useMemo, useState, useSyncExternalStore } from "react";
import { errorText } from "../i18n/errors.ts";
import { say } from "../i18n/say.tsx";
import { tell } from "../parts/toast.tsx";
import { shownName } from "../text/marks.ts";

export const MessengerContext = createContext<MessengerPage | null>(null);

export function useMessenger(): MessengerPage {
  const messenger = useContext(MessengerContext);
  if (messenger === null) throw new TypeError("outside of the messenger");
  return messenger;
}

export function useApp(): AppState {
  const messenger = useMessenger();
  return useSyncExternalStore(messenger.subscribe, () => messenger.state);
}

/** For what is rendered in state "ready" only. */
export function useReady(): ReadyState {
  const state = useApp();
  if (state.kind !== "ready") throw new TypeError("not ready");
  return state;
}

type Account = ContactView["account"];

/** Names by account, as this device knows them; oneself is "You". */
export function useNames(): (account: Account) => string {
  const { me, contacts } = useReady();
  return useCallback(
    (account) => {
      if (account === me.account) return say("you");
      const contact = contacts[account];
      return contact === undefined || shownName(contact.name) === ""
        ? say("name.unknown", { start: account.slice(0, 4) })
        : shownName(contact.name);
    },
    [me.account, contacts],
  );
}

/** Asks for something; a refusal is told at the edge of the screen and answered with `null`. */
export type Ask = <Name extends IntentName>(
  name: Name,
  ...input: IntentInput<Name> extends undefined ? [] : [IntentInput<Name>]
) => Promise<IntentResult<Name> | null>;

export function useAsk(): Ask {
  const messenger = useMessenger();
  return useCallback(
    async (name, ...input) => {
      try {
        return await messenger.perform(name, ...input);
      } catch (error) {
        tell({ tone: "danger", text: errorText(error) });
        return null;
      }
    },
    [messenger],
  );
}

export type Attempt =
  | { readonly kind: "idle" }
  | { readonly kind: "busy" }
  | { readonly kind: "refused"; readonly text: string; readonly code: ClientError["code"] | "unknown" };

/** One thing that a form does: its progress and refusal are shown in the form. */
export function useAttempt(): [Attempt, (run: () => Promise<void>) => void, () => void] {
  const [attempt, setAttempt] = useState<Attempt>({ kind: "idle" });
  const run = useCallback((action: () => Promise<void>) => {
    setAttempt({ kind: "busy" });
    action().then(
      () => setAttempt({ kind: "idle" }),
      (error: unknown) => {
        const code = (error as Partial<ClientError>).code ?? "unknown";
        setAttempt({ kind: "refused", text: errorText(error), code });
      },
    );
  }, []);
  // What is still being done is not done again before it ends.
  const clear = useCallback(() => setAttempt((now) => (now.kind === "busy" ? now : { kind: "idle" })), []);
  return useMemo(() => [attempt, run, clear], [attempt, run, clear]);
}
