// A supervisor in a process of its own, to be killed by a test.
import { Supervisor } from "../src/index.ts";

const supervisor = new Supervisor();
await supervisor.start({
  name: "sample",
  entry: process.argv[2] as string,
  directory: process.argv[3] as string,
});
process.send?.(supervisor.pid("sample"));
