import { Fields } from "@porchlight/encoding";
import { parsePolicy, parseVkey } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { LIMITS } from "@porchlight/wire";
import type { CosignerAddress } from "./log-publisher.ts";

/** The server's own members of CONFIG.json; the runtime reads `clock`, `name` and `beatSeconds` (DEL-4). */
export type ServerConfig = {
  readonly deployment: string;
  /** The log's: `log.DEPLOYMENT`. */
  readonly origin: string;
  /** "primary" keeps the log; others of the deployment are fronts, which hand what is the log's on to it (DEL-46). */
  readonly role: { readonly kind: "primary" } | { readonly kind: "front"; readonly primary: string };
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; the loopback interface where it is left out. */
  readonly host?: string;
  /** age's scrypt work factor for a new secret store; left out, the strong one. */
  readonly workFactor?: number;
  /** Until there is a policy, here or by the operator's command, the log takes entries and publishes nothing. */
  readonly network?: Network;
  readonly attachments: AttachmentConfig;
  /** Days for which conversations without a charter are kept; a charter says its own. */
  readonly retentionDays: number;
};

/** Where members' encrypted files are, and how much is taken (ATT-20). */
export type AttachmentConfig = {
  /** Shared by all processes of a deployment; `files` in the server's directory where it is left out. */
  readonly directory?: string;
  /** Bytes of one ciphertext. */
  readonly limit: number;
  /** Bytes that one account may keep here. */
  readonly quota: number;
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
  const deployment = fields.string("deployment", 200);
  return {
    deployment,
    origin: `log.${deployment}`,
    role: readRole(fields),
    port: fields.integer("port", 0, 65_535),
    ...(fields.optional("host") === undefined ? {} : { host: fields.string("host", 253) }),
    ...(fields.optional("workFactor") === undefined
      ? {}
      : { workFactor: fields.integer("workFactor", 1, 20) }),
    attachments: readAttachments(fields),
    retentionDays:
      fields.optional("retentionDays") === undefined
        ? DEFAULT_RETENTION_DAYS
        : fields.integer("retentionDays", 1, 36_500),
    ...(fields.optional("policy") === undefined ? {} : { network: readNetwork(fields) }),
  };
}

const DEFAULT_RETENTION_DAYS = 365;
const DEFAULT_QUOTA = 10 * 1024 ** 3;

function readAttachments(fields: Fields): AttachmentConfig {
  if (fields.optional("attachments") === undefined) {
    return { limit: LIMITS.attachment, quota: DEFAULT_QUOTA };
  }
  const given = fields.object("attachments");
  const number = (name: string, otherwise: number, maximum: number): number =>
    given.optional(name) === undefined ? otherwise : given.integer(name, 0, maximum);
  const read: AttachmentConfig = {
    ...(given.optional("directory") === undefined ? {} : { directory: given.string("directory", 1000) }),
    limit: number("limit", LIMITS.attachment, LIMITS.attachment),
    quota: number("quota", DEFAULT_QUOTA, Number.MAX_SAFE_INTEGER),
  };
  given.end();
  return read;
}

function readRole(fields: Fields): ServerConfig["role"] {
  const kind = fields.optional("role") === undefined ? "primary" : fields.literal("role", "primary", "front");
  return kind === "primary" ? { kind } : { kind, primary: httpUrl(fields.string("primary", 500), "primary") };
}

function httpUrl(text: string, where: string): string {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text)) throw new Error(`${where}: not an http URL`);
  return text.replace(/\/+$/, "");
}

/** The members `policy` and `cosigners`. */
export function readNetwork(fields: Fields): Network {
  const policy = fields.string("policy", 100_000);
  parsePolicy(policy, nodeSuite);
  const cosigners = fields.array(
    "cosigners",
    (value, where) => {
      const cosigner = new Fields(value, where);
      const vkey = cosigner.string("vkey");
      parseVkey(vkey, nodeSuite);
      const url = httpUrl(cosigner.string("url", 500), `${where}.url`);
      cosigner.end();
      return { vkey, url };
    },
    MAX_COSIGNERS,
  );
  return { policy, cosigners };
}
