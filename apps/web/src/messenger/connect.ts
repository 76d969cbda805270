import { MessengerPage } from "@porchlight/client/page";
import { codeAddress } from "./code-address.ts";
// oxlint-disable-next-line import/default -- Vite gives the address as the default export
import workerAddress from "./worker.ts?worker&url";

export function connectMessenger(): MessengerPage {
  const worker = new Worker(codeAddress(workerAddress), { type: "module", name: "messenger" });
  const page = new MessengerPage(worker);
  // Of a script that did not come the browser says no more than this. Later errors are the messenger's own to tell.
  worker.addEventListener("error", () => {
    if (page.state.kind === "starting") page.broke();
  });
  return page;
}
