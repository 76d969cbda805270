// Runs PostgreSQL in the directory named by its argument until it is killed. For postgres.test.ts.
import { createLogger, systemClock } from "@porchlight/runtime";
import { startPostgres } from "../src/postgres.ts";

const log = createLogger("holder", systemClock(), () => {});
await startPostgres(process.argv[2] as string, log);
process.stdout.write("up\n");
setInterval(() => {}, 2 ** 30);
