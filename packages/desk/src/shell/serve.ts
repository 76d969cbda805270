import { join } from "node:path";
import { lockDirectory, makeDirectory, readPassphrase } from "@porchlight/durable";
import { builtScript, type Script } from "@porchlight/markup/script";
import { listen } from "@porchlight/runtime";
import type { Desk } from "./desk.ts";
import { DeskError } from "./error.ts";
import { DeskJournal } from "./journal.ts";
import { Links } from "./links.ts";
import { Passkeys, type Place } from "./passkeys.ts";
import { deskRoutes, type Failure } from "./routes.ts";
import type { Stopwatch } from "./sessions.ts";

export type ServeOptions = {
  /** Of the party; the desk keeps its passkeys and its journal in `desk` below. */
  readonly directory: string;
  /** One label of a host name: "court". The desk is then at http://LABEL.localhost:PORT. */
  readonly label: string;
  readonly port: number;
  readonly host?: string;
  /** "https://court.example" where something in front of it speaks TLS. */
  readonly origin?: string;
  readonly stopwatch?: Stopwatch;
  /** SHA-256 of a one-time link's secret, 64 hex digits, which counts while nobody has a passkey here (DESK-2). */
  readonly linkHash?: string;
  /** Base-2 logarithm of scrypt's N for the key of a new journal; demonstrations and tests take less than the default. */
  readonly workFactor?: number;
};

export type ServedDesk = {
  readonly port: number;
  readonly origin: string;
  /** Nobody has a passkey here. */
  readonly isNew: boolean;
  /** A one-time link with which somebody makes a passkey. */
  link(): string;
  close(): Promise<void>;
};

/**
 * Serves a desk. Throws RuntimeError "port-taken", DurableError "locked" and for passphrase and journal, DeskError
 * "config-invalid".
 */
export async function serveDesk(desk: Desk, options: ServeOptions, onFailure: Failure): Promise<ServedDesk> {
  const { label } = options;
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) {
    throw new DeskError("config-invalid", "a desk's label is letters, digits and hyphens, as in a host name");
  }
  const directory = join(options.directory, "desk");
  await makeDirectory(directory);
  const lock = lockDirectory(directory);
  const stopwatch = options.stopwatch ?? (() => performance.now() / 1000);
  try {
    const { workFactor } = options;
    const journal = await DeskJournal.open(directory, {
      passphrase: await readPassphrase(options.directory),
      ...(workFactor === undefined ? {} : { workFactor }),
    });
    const passkeys = await Passkeys.open(directory);
    const links = new Links(stopwatch);
    if (options.linkHash !== undefined && passkeys.people.length === 0) links.accept(options.linkHash);
    const scripts: Script[] = [
      await builtScript(new URL("./browser/desk.ts", import.meta.url)),
      ...(desk.scripts ?? []),
    ];
    let place: Place = { origin: options.origin ?? `http://${label}.localhost`, host: `${label}.localhost` };
    const app = deskRoutes({
      desk,
      label,
      place: () => place,
      passkeys,
      journal,
      links,
      scripts,
      stopwatch,
      onFailure,
    });
    const port = await listen(app, options.port, options.host);
    const origin = originOf(options.origin ?? `http://${label}.localhost:${port}`);
    place = { origin, host: new URL(origin).hostname };
    return {
      port,
      origin,
      isNew: passkeys.people.length === 0,
      link: () => `${origin}/enter#${links.make()}`,
      close: async () => {
        await app.close();
        await journal.close();
        await desk.close?.();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function originOf(text: string): string {
  try {
    const { origin } = new URL(text);
    if (origin === text) return origin;
  } catch (cause) {
    throw new DeskError("config-invalid", "the origin is no address", { cause });
  }
  throw new DeskError("config-invalid", "the origin is an address without a path: https://court.example");
}
