import fastify from "fastify";
import { WebFiles } from "../src/web-files.ts";

/** Serves built files as the server does, policy and all, and nothing else. For tests only. */
export async function serveFiles(
  directory: string,
): Promise<{ readonly origin: string; readonly stop: () => Promise<void> }> {
  const app = fastify();
  (await WebFiles.open({ directory, connect: [] })).register(app);
  await app.listen({ port: 0, host: "127.0.0.1" });
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { origin: `http://localhost:${port}`, stop: async () => await app.close() };
}
