// Chromium here reaches no push service: what the browser would have is a stand-in.
import type { MessengerPage, ReadyState } from "@porchlight/client/page";
import { afterEach, expect, test, vi } from "vitest";
import { endSubscription } from "../src/pwa/push.ts";
import { toldOf } from "../src/pwa/told.ts";

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

test("told is of what the person chose, and of nothing that is muted", () => {
  const told = (notifications: ReadyState["settings"]["notifications"]): number =>
    toldOf({
      conversations: {
        a: { unread: 3, mentions: 1, muted: false },
        b: { unread: 5, mentions: 2, muted: true },
        c: { unread: 2, mentions: 0, muted: false },
      },
      settings: { notifications },
    } as unknown as ReadyState);
  expect([told("all"), told("mentions"), told("none")]).toEqual([5, 1, 0]);
});
