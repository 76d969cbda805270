import { useSyncExternalStore } from "react";

/** An invitation as it stands in a link's fragment, or by itself. */
export function invitationIn(pasted: string): string {
  const text = pasted.trim();
  const at = text.indexOf("/join#");
  return at < 0 ? text : text.slice(at + "/join#".length);
}

let arrived: string | null = null;
const listeners = new Set<() => void>();

function arrive(invitation: string | null): void {
  arrived = invitation;
  for (const listener of listeners) listener();
}

function take(): void {
  const { pathname, hash } = location;
  if (pathname !== "/join" || hash.length < 2 || hash.startsWith("#contact=")) return;
  history.replaceState(history.state, "", "/join");
  arrive(hash.slice(1));
}

/**
 * What a link brings, other than contacts, leaves the address bar and the history. A further link that is opened in the
 * same tab changes the fragment only: no page is loaded, and the newer invitation counts.
 */
export function watchInvitations(): void {
  take();
  addEventListener("hashchange", take);
}

/** What the newest link brought. */
export function useArrivedInvitation(): string | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => arrived,
  );
}

/** It was used. */
export function forgetInvitation(): void {
  arrive(null);
}
