import { httpLogSource, type LogSource, WireError } from "@porchlight/wire";

/** The log below a service's address, or at the very prefix that was given. */
export async function logAt(url: string): Promise<LogSource> {
  const prefix = url.replace(/\/+$/, "");
  const own = httpLogSource({ url: prefix });
  const service = httpLogSource({ url: `${prefix}/log` });
  const found = await own.checkpoint().then(
    () => true,
    (error: unknown) => !(error instanceof WireError && error.status === 404),
  );
  return found ? own : service;
}
