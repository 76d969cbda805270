import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, systemClock } from "@porchlight/runtime";
import { startPostgres } from "../src/postgres.ts";
import { DebianPostgres, debianPostgres } from "./debian.ts";
import { storeContract } from "./store-contract.ts";

storeContract("the PostgreSQL that comes with the server", async () => {
  const directory = mkdtempSync(join(tmpdir(), "store-test-"));
  const postgres = await startPostgres(
    directory,
    createLogger("test", systemClock(), () => {}),
  );
  return {
    connection: postgres.connection,
    stop: async () => {
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});

const bin = debianPostgres();
if (bin === null) console.log("skipped: the store on Debian's PostgreSQL, since it is not installed");
else {
  storeContract("Debian's PostgreSQL by DATABASE_URL", async () => {
    const postgres = await DebianPostgres.start(bin);
    return { connection: { connectionString: postgres.url }, stop: () => postgres.stop() };
  });
}
