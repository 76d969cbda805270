import type { MessengerPage } from "@porchlight/client/page";

/** Whether this device is told of new messages while the app is closed. */
export type PushState =
  /** This browser has no push messages, or not here (a private window, no service worker). */
  | "unsupported"
  /** The person has not allowed notifications, or wants none. */
  | "off"
  /** This server sends no push messages. */
  | "not-here"
  /** The browser did not reach its push service. */
  | "unreached"
  | "on";

async function manager(): Promise<PushManager | null> {
  if (!("PushManager" in globalThis && "serviceWorker" in navigator)) return null;
  const registration = await navigator.serviceWorker.getRegistration();
  return registration?.pushManager ?? null;
}

/** Subscribes at the browser's push service and tells the server, where the person allowed it; the same again changes nothing. */
export async function keepSubscribed(messenger: MessengerPage): Promise<PushState> {
  const push = await manager();
  if (push === null || !("Notification" in globalThis)) return "unsupported";
  if (Notification.permission !== "granted") return "off";
  const { key } = await messenger.perform("pushKey");
  if (key === null) return "not-here";
  let subscription: PushSubscription;
  try {
    const before = await push.getSubscription();
    // Of a server with another key the browser would refuse the new one.
    if (before !== null && !isFor(before, key)) await before.unsubscribe();
    const applicationServerKey = key as Uint8Array<ArrayBuffer>;
    subscription = await push.subscribe({ userVisibleOnly: true, applicationServerKey });
  } catch {
    return "unreached";
  }
  const [p256dh, auth] = [subscription.getKey("p256dh"), subscription.getKey("auth")];
  if (p256dh === null || auth === null) return "unsupported";
  await messenger.perform("subscribePush", {
    endpoint: subscription.endpoint,
    p256dh: new Uint8Array(p256dh),
    auth: new Uint8Array(auth),
  });
  return "on";
}

/** Nothing is sent to this browser any more. Cheap where nothing was. */
export async function endSubscription(messenger: MessengerPage): Promise<PushState> {
  const subscription = await (await manager())?.getSubscription();
  if (subscription === null || subscription === undefined) return "off";
  // At the browser first: that needs no connection, and is what the person asked for. The server learns it now, or from the
  // push service once it has something to send.
  await subscription.unsubscribe();
  await messenger.perform("unsubscribePush").catch(() => {});
  return "off";
}

function isFor({ options }: PushSubscription, key: Uint8Array): boolean {
  const before = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  return before.length === key.length && before.every((byte, at) => byte === key[at]);
}
