import { listen, type Program, serveAdmin } from "@porchlight/runtime";
import { handleAdmin } from "./admin.ts";
import { type KeyholderConfig, readConfig } from "./config.ts";
import type { Hooks } from "./hooks.ts";
import { createHttp } from "./http.ts";
import { Keyholder } from "./keyholder.ts";

/** The keyholder as a program; `hooks` are for tests. */
export function keyholderProgram(hooks: Hooks): Program<KeyholderConfig> {
  return {
    name: "keyholder",
    configure: readConfig,
    main: async (context) => {
      const { config, directory, clock, log } = context;
      const keyholder = await Keyholder.open(context, hooks);
      const admin = await serveAdmin(
        directory,
        (request) => handleAdmin(keyholder, clock, request),
        (error) => log.failure("admin-failed", error),
      );
      const http = createHttp(keyholder, log);
      const port = await listen(http, config.port, config.host);
      return {
        port,
        stop: async () => {
          await admin.close();
          await http.close();
          await keyholder.close();
        },
      };
    },
  };
}
