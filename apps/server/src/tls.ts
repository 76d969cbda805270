import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import type { Logger } from "@porchlight/runtime";
import { ServerError } from "./error.ts";

/** Certificate chain and private key as PEM files; relative names are below the server's directory. */
export type TlsConfig = { readonly certificate: string; readonly key: string };

export type TlsPair = { readonly cert: Buffer; readonly key: Buffer };

/** What a new certificate is given to. */
type Secured = { setSecureContext(pair: TlsPair): void };

/** A certificate that can be renewed while the server runs: on SIGHUP, and when its file has changed. */
export class Certificate {
  readonly #paths: TlsConfig;
  readonly #log: Logger;
  #pair: TlsPair;
  #seen: string;

  private constructor(paths: TlsConfig, pair: TlsPair, seen: string, log: Logger) {
    this.#paths = paths;
    this.#pair = pair;
    this.#seen = seen;
    this.#log = log;
  }

  /** Throws ServerError "config-invalid", which names the file. */
  static async open(config: TlsConfig, directory: string, log: Logger): Promise<Certificate> {
    const paths = {
      certificate: resolve(directory, config.certificate),
      key: resolve(directory, config.key),
    };
    try {
      return new Certificate(paths, await readPair(paths), await stateOf(paths), log);
    } catch (cause) {
      throw new ServerError(
        "config-invalid",
        `config.tls: ${paths.certificate} and ${paths.key} are not a readable certificate and its key, in PEM`,
        { cause },
      );
    }
  }

  get pair(): TlsPair {
    return this.#pair;
  }

  /** Takes a changed pair over; one that does not fit together leaves the old one in use. */
  async renew(server: Secured): Promise<void> {
    try {
      const seen = await stateOf(this.#paths);
      if (seen === this.#seen) return;
      const pair = await readPair(this.#paths);
      server.setSecureContext(pair);
      this.#pair = pair;
      this.#seen = seen;
      this.#log.event("certificate-renewed");
    } catch (error) {
      this.#log.failure("certificate-refused", error);
    }
  }
}

async function readPair({ certificate, key }: TlsConfig): Promise<TlsPair> {
  const pair = { cert: await readFile(certificate), key: await readFile(key) };
  // Throws where they are no PEM or do not belong together.
  createSecureContext(pair);
  return pair;
}

async function stateOf({ certificate, key }: TlsConfig): Promise<string> {
  const states = await Promise.all([certificate, key].map((path) => stat(path, { bigint: true })));
  return states.map(({ mtimeNs, ino, size }) => `${mtimeNs} ${ino} ${size}`).join(",");
}
