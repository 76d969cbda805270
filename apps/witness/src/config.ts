import { EncodingError, type Fields } from "@porchlight/encoding";
import { parseVkey, type VerifierKey } from "@porchlight/tlog";

/** The witness' own members of CONFIG.json; the runtime reads `clock`, `name` and `beatSeconds` (WIT-1). */
export type WitnessConfig = {
  /** Its key is called `NAME.DEPLOYMENT`. */
  readonly name: string;
  readonly deployment: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; the loopback interface where it is left out. */
  readonly host?: string;
  /** vkeys (type 01) of the logs that it follows. */
  readonly logs: readonly VerifierKey<"ed25519">[];
  /** age's scrypt work factor for a new key file; left out, the strong one. */
  readonly workFactor?: number;
};

const MAX_LOGS = 100;

/** Throws EncodingError or TlogError, which name the member. */
export function readConfig(fields: Fields): WitnessConfig {
  const logs = fields.array("logs", (value) => logKey(value), MAX_LOGS);
  if (logs.length === 0) throw new EncodingError("missing-field", "config.logs");
  return {
    name: fields.string("name", 100),
    deployment: fields.string("deployment", 253),
    port: fields.integer("port", 0, 65_535),
    ...(fields.optional("host") === undefined ? {} : { host: fields.string("host", 253) }),
    logs,
    ...(fields.optional("workFactor") === undefined
      ? {}
      : { workFactor: fields.integer("workFactor", 1, 20) }),
  };
}

function logKey(value: unknown): VerifierKey<"ed25519"> {
  const key = parseVkey(typeof value === "string" ? value : "");
  if (key.type !== "ed25519") throw new Error("config.logs: not a log's key (signature type 01)");
  return key as VerifierKey<"ed25519">;
}
