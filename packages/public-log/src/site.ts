import { builtScript } from "@porchlight/markup/script";
import { listen } from "@porchlight/runtime";
import type { PublicLog } from "./public-log.ts";
import { type Failure, siteRoutes } from "./routes.ts";

export type Site = { readonly port: number; readonly close: () => Promise<void> };

/** Serves a log's pages. Throws RuntimeError "port-taken". */
export async function serveSite(
  log: PublicLog,
  { port, host }: { readonly port: number; readonly host?: string },
  onFailure: Failure,
): Promise<Site> {
  const app = siteRoutes(log, await builtScript(new URL("./browser/look-up.ts", import.meta.url)), onFailure);
  const open = await listen(app, port, host);
  return {
    port: open,
    close: async () => {
      await app.close();
      await log.close();
    },
  };
}
