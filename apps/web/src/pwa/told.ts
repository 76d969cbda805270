import type { ReadyState } from "@porchlight/client/page";
import { useEffect, useRef } from "react";
import { say } from "../i18n/say.tsx";

/** How much there is that the person wants to be told of: nothing muted, and mentions alone where they chose so. */
export function toldOf({ conversations, settings }: Pick<ReadyState, "conversations" | "settings">): number {
  if (settings.notifications === "none") return 0;
  const isOfMentions = settings.notifications === "mentions";
  return Object.values(conversations)
    .filter(({ muted }) => !muted)
    .reduce((sum, { mentions, unread }) => sum + (isOfMentions ? mentions : unread), 0);
}

/** Tells of new messages while the app is open and nobody looks at it; a push comes only while it is closed (PUSH-1). */
export function useTold(ready: ReadyState): void {
  const count = toldOf(ready);
  const before = useRef(count);
  useEffect(() => {
    const isMore = count > before.current;
    before.current = count;
    if (isMore && document.visibilityState === "hidden") tell().catch(() => {});
  }, [count]);
}

/** With the tag of the service worker's own: one notification, however much has come. */
async function tell(): Promise<void> {
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.showNotification(say("notifications.new"), {
    tag: "new-message",
    icon: "/icon-192.png",
  });
}
