import { Fields } from "@porchlight/encoding";
import { parsePolicy, parseVkey } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { CosignerAddress } from "./log-publisher.ts";

/** The server's own members of CONFIG.json; the runtime reads `clock`, `name` and `beatSeconds` (DEL-4). */
export type ServerConfig = {
  /** The log's origin is `log.DEPLOYMENT`. */
  readonly deployment: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; the loopback interface where it is left out. */
  readonly host?: string;
  /** age's scrypt work factor for a new secret store; left out, the strong one. */
  readonly workFactor?: number;
  /** Until there is a policy, here or by the operator's command, the log takes entries and publishes nothing. */
  readonly network?: Network;
};

/** What makes a checkpoint of the log worth publishing, and where the cosigners are. */
export type Network = {
  /** C2SP tlog-policy text. */
  readonly policy: string;
  readonly cosigners: readonly CosignerAddress[];
};

const MAX_COSIGNERS = 100;

/** Throws EncodingError or TlogError, which name the member. */
export function readConfig(fields: Fields): ServerConfig {
  // Read by the runtime too.
  if (fields.optional("name") !== undefined) fields.string("name", 100);
  return {
    deployment: fields.string("deployment", 200),
    port: fields.integer("port", 0, 65_535),
    ...(fields.optional("host") === undefined ? {} : { host: fields.string("host", 253) }),
    ...(fields.optional("workFactor") === undefined
      ? {}
      : { workFactor: fields.integer("workFactor", 1, 20) }),
    ...(fields.optional("policy") === undefined ? {} : { network: readNetwork(fields) }),
  };
}

/** The members `policy` and `cosigners`. */
export function readNetwork(fields: Fields): Network {
  const policy = fields.string("policy", 100_000);
  parsePolicy(policy, nodeSuite);
  const cosigners = fields.array(
    "cosigners",
    (value, where) => {
      const cosigner = new Fields(value, where);
      const address = { vkey: cosigner.string("vkey"), url: cosigner.string("url", 500) };
      cosigner.end();
      parseVkey(address.vkey, nodeSuite);
      if (!/^https?:\/\/[\x21-\x7e]+$/.test(address.url)) throw new Error(`${where}.url: not an http URL`);
      return address;
    },
    MAX_COSIGNERS,
  );
  return { policy, cosigners };
}
