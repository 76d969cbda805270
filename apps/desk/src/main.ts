import { labelOf, openDesk, serveDesk } from "@porchlight/desk";
import { removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { startProgram } from "@porchlight/runtime";
import { type DeskConfig, readConfig } from "./config.ts";

startProgram<DeskConfig>({
  name: "desk",
  configure: readConfig,
  main: async ({ config, log }) => {
    const { kind, party, linkFile, url, charter } = config;
    const desk = await openDesk(kind, { directory: party, url, charter });
    const served = await serveDesk(
      desk,
      { ...config, directory: party, label: config.label ?? labelOf(kind, party) },
      (event, error) => log.failure(event, error),
    );
    // Only who may read this party's files learns the link.
    if (linkFile !== undefined) {
      if (served.isNew) await writeFileDurable(linkFile, `${served.link()}\n`);
      else await removeFileDurable(linkFile);
    }
    return { port: served.port, stop: served.close };
  },
});
