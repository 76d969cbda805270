// A program for the tests: serves its clock on HTTP, counts time notices, and does what its configuration says.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startProgram } from "../src/index.ts";

startProgram({
  name: "sample",
  configure: (fields) => ({ behaviour: fields.literal("behaviour", "serve", "throw", "hang") }),
  main: async (context) => {
    if (context.config.behaviour === "throw") throw new Error("the sample cannot start");
    if (context.config.behaviour === "hang") await new Promise(() => {});
    let notices = 0;
    context.onTime(() => notices++);
    const server = createServer((_, response) =>
      response.end(JSON.stringify({ now: context.clock.now(), notices })),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      port: (server.address() as AddressInfo).port,
      stop: async () => {
        context.log.event("stopped-gracefully");
        server.close();
        await Promise.resolve();
      },
    };
  },
});
