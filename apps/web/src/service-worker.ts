// The app's files offline, and a notification that says nothing. It knows no key and sees no message.
import { outdated, releaseCache } from "./pwa/releases.ts";

/** Path → SHA-256 in base64 of every file of this release; put in by the build. */
declare const RELEASE_FILES: Readonly<Record<string, string>>;
declare const RELEASE_ID: string;
/** From the catalogue, of which this file needs no more. */
declare const NEW_MESSAGE: string;

type Extendable = Event & { readonly waitUntil: (promise: Promise<unknown>) => void };
type Fetching = Extendable & {
  readonly request: Request;
  readonly respondWith: (answer: Promise<Response>) => void;
};
type Clicked = Extendable & { readonly notification: Notification };
type WindowClient = { readonly focus: () => Promise<unknown>; readonly visibilityState: string };
type Worker = {
  readonly addEventListener: (type: string, listener: (event: never) => void) => void;
  readonly skipWaiting: () => Promise<void>;
  readonly registration: {
    readonly showNotification: (title: string, options: NotificationOptions) => Promise<void>;
  };
  readonly clients: {
    readonly claim: () => Promise<void>;
    readonly matchAll: (options: {
      type: "window";
      includeUncontrolled: boolean;
    }) => Promise<readonly WindowClient[]>;
    readonly openWindow: (address: string) => Promise<unknown>;
  };
};

const worker = self as unknown as Worker;

/** Where parts of files go, of a mebibyte each. */
const PARTS = "/v1/attachments/";
const PART_BYTES = 1024 * 1024;
/**
 * Chromium shows this worker each request with a copy of its body, and keeps that until it cleans up here, without counting
 * it: of a gigabyte that is sent, a gigabyte would stay. What it counts is as large, is never touched and so takes no room.
 */
const account = worker as { counted?: ArrayBuffer };
const release = releaseCache(RELEASE_ID);
const files = new Map(Object.entries(RELEASE_FILES).map(([path, digest]) => [`/${path}`, digest]));

/** Each file exactly as this release has it: another one under its name is refused by the browser. */
async function install(): Promise<void> {
  const cache = await caches.open(release);
  await Promise.all(
    [...files].map(async ([path, digest]) => {
      const answer = await fetch(path, { cache: "no-cache", integrity: `sha256-${digest}` });
      if (!answer.ok) throw new TypeError("a file of this release is missing");
      await cache.put(path, answer);
    }),
  );
  await worker.skipWaiting();
}

async function activate(): Promise<void> {
  await Promise.all(outdated(await caches.keys(), release).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

async function answer(path: string, request: Request): Promise<Response> {
  const here = await (await caches.open(release)).match(path);
  return here ?? (await caches.match(path)) ?? (await fetch(request));
}

worker.addEventListener("install", (event: Extendable) => event.waitUntil(install()));
worker.addEventListener("activate", (event: Extendable) => event.waitUntil(activate()));

worker.addEventListener("fetch", (event: Fetching) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.pathname.startsWith(PARTS)) account.counted = new ArrayBuffer(PART_BYTES);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(answer("/index.html", request));
  else if (files.has(url.pathname) || url.pathname.startsWith("/assets/"))
    event.respondWith(answer(url.pathname, request));
});

/** Whatever the push carried, the screen shows this and nothing of any conversation. */
async function announce(): Promise<void> {
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (windows.some(({ visibilityState }) => visibilityState === "visible")) return;
  await worker.registration.showNotification(NEW_MESSAGE, { tag: "new-message", icon: "/icon-192.png" });
}

worker.addEventListener("push", (event: Extendable) => event.waitUntil(announce()));

worker.addEventListener("notificationclick", (event: Clicked) => {
  event.notification.close();
  event.waitUntil(
    worker.clients
      .matchAll({ type: "window", includeUncontrolled: true })
      .then(async (windows) => await (windows[0]?.focus() ?? worker.clients.openWindow("/"))),
  );
});
