import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fastify from "fastify";
import { WebFiles } from "../../apps/server/src/web-files.ts";

const BUILD = fileURLToPath(new URL("../../apps/web/build/main.ts", import.meta.url));

/** Builds the web app, or another thing that its build makes; the directory that it is in. */
export async function buildWeb(...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [BUILD, ...options]);
  return (JSON.parse(stdout.trim().split("\n").at(-1) as string) as { directory: string }).directory;
}

/** Serves built files as the server does, policy and all, and nothing else. */
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
