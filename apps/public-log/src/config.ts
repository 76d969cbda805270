import type { Fields } from "@porchlight/encoding";
import { type Policy, parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";

/** The site's own members of CONFIG.json; the runtime reads `clock`, `name` and `beatSeconds`. */
export type PublicLogConfig = {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; the loopback interface where it is left out. */
  readonly host?: string;
  /** Prefix of the log, "https://messages.example/log". */
  readonly log: string;
  /** The tlog-policy that a checkpoint must satisfy. */
  readonly policy: Policy;
};

/** Throws EncodingError or TlogError, which name the member. */
export function readConfig(fields: Fields): PublicLogConfig {
  return {
    port: fields.integer("port", 0, 65_535),
    ...(fields.optional("host") === undefined ? {} : { host: fields.string("host", 253) }),
    log: fields.string("log", 2000),
    policy: parsePolicy(fields.string("policy", 1_000_000), nodeSuite),
  };
}
