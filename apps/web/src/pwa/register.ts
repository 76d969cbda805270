import { codeAddress } from "../messenger/code-address.ts";

/** The shell is there without a network after the first visit. */
export function registerServiceWorker(): void {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  navigator.serviceWorker.register(codeAddress("/sw.js"), { updateViaCache: "none" }).catch(() => {
    // A browser that refuses it (a private window, for instance) shows the app online all the same.
  });
}
