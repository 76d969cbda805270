import type { AddressInfo } from "node:net";
import { RuntimeError } from "./error.ts";

/** The part of a fastify instance that is needed to listen. */
export type Listening = {
  listen(options: { host: string; port: number }): Promise<string>;
  readonly server: { address(): AddressInfo | string | null };
};

/**
 * Listens on the loopback interface and returns the port, chosen by the system where `port` is 0. Throws RuntimeError
 * "port-taken", whose message names the port.
 */
export async function listen(app: Listening, port: number, host = "127.0.0.1"): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
      throw new RuntimeError("port-taken", `port ${port}`, {
        cause: error,
        detail: "another program already listens there",
      });
    }
    throw error;
  }
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new RuntimeError("port-taken", `port ${port}`);
  return address.port;
}
