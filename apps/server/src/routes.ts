import type { Route } from "./http.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { admissionRoutes } from "./routes/admission.ts";
import { attachmentRoutes } from "./routes/attachments.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { pushRoutes } from "./routes/push.ts";
import { vaultRoutes } from "./routes/vault.ts";
import type { Services } from "./services.ts";

/** What every process answers itself, and to whom. */
export function routes(services: Services): Route[] {
  return [
    accountRoutes,
    admissionRoutes,
    vaultRoutes,
    conversationRoutes,
    attachmentRoutes,
    pushRoutes,
  ].flatMap((area) => area(services));
}
