import { MessengerPage } from "@porchlight/client/page";
import { codeAddress } from "./code-address.ts";
// oxlint-disable-next-line import/default -- Vite gives the address as the default export
import workerAddress from "./worker.ts?worker&url";

export function connectMessenger(): MessengerPage {
  const worker = new Worker(codeAddress(workerAddress), { type: "module", name: "messenger" });
  return new MessengerPage(worker);
}
