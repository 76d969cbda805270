import type { Route } from "./http.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { disclosureRoutes } from "./routes/disclosure.ts";
import { logRoutes } from "./routes/log.ts";
import { operationRoutes } from "./routes/operations.ts";
import type { Services } from "./services.ts";

/** Everything that the server answers, and to whom. */
export function routes(services: Services): Route[] {
  return [logRoutes, disclosureRoutes, accountRoutes, conversationRoutes, operationRoutes].flatMap((area) =>
    area(services),
  );
}
