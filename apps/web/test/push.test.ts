// Chromium here reaches no push service: what the browser would have is a stand-in.
import type { MessengerPage } from "@porchlight/client/page";
import { afterEach, expect, test, vi } from "vitest";
import { endSubscription } from "../src/pwa/push.ts";

afterEach(() => vi.unstubAllGlobals());

test("PUSH-1: who wants no notifications is unsubscribed at the browser at once, also where the server cannot be told", async () => {
  let subscription: { readonly unsubscribe: () => Promise<void> } | null = {
    unsubscribe: async () => {
      subscription = null;
    },
  };
  const pushManager = { getSubscription: async () => subscription };
  vi.stubGlobal("PushManager", Object);
  vi.stubGlobal("navigator", { serviceWorker: { getRegistration: async () => ({ pushManager }) } });
  const asked: string[] = [];
  const messenger = {
    perform: async (intent: string) => {
      asked.push(intent);
      throw new Error("offline");
    },
  } as unknown as MessengerPage;
  expect(await endSubscription(messenger)).toBe("off");
  expect(subscription).toBeNull();
  expect(asked).toEqual(["unsubscribePush"]);
  expect(await endSubscription(messenger)).toBe("off");
  expect(asked).toHaveLength(1);
});
