import { run } from "./program.ts";
import { PROCESS_STREAMS } from "./terminal.ts";

process.exitCode = await run(process.argv.slice(2), PROCESS_STREAMS);
