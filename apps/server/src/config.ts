import { isIP } from "node:net";
import { PRESERVATION_DAYS } from "@porchlight/charter";
import { asString, EncodingError, Fields, type Json } from "@porchlight/encoding";
import { EU_DEADLINES } from "@porchlight/hi1";
import { parsePolicy, parseVkey, TlogError } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { LIMITS } from "@porchlight/wire";
import { ServerError } from "./error.ts";
import type { InvitationRules } from "./invitations.ts";
import type { CosignerAddress } from "./log-publisher.ts";
import type { RelyingParty } from "./passkeys.ts";
import type { TlsConfig } from "./tls.ts";
import type { WebConfig } from "./web-files.ts";

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
  /** Prefixes of copies of the log that others serve, for whom this server is away (NOT-44). */
  readonly mirrors: readonly string[];
  readonly attachments: AttachmentConfig;
  /** "open": whoever comes is registered; otherwise by invitation (ACC-2). */
  readonly registration: "open" | "invitation";
  readonly invitations: InvitationRules;
  readonly passkeys: RelyingParty;
  /** Bytes that an account's backups, and what its devices send each other, may take. */
  readonly backupQuota: number;
  /** Days for which conversations without a charter are kept; a charter says its own. */
  readonly retentionDays: number;
  /** Prometheus' figures, on a listener of their own; none where it is left out. */
  readonly metrics?: { readonly port: number; readonly host?: string };
  readonly tls?: TlsConfig;
  readonly trustedProxies: readonly string[];
  readonly drainSeconds: number;
  /** The built web app; this process serves no pages where it is left out. */
  readonly web?: WebConfig;
  readonly streams: StreamConfig;
  readonly limits: LimitsConfig;
  /** Push messages to devices without a stream; none are sent where it is left out. Of the primary. */
  readonly push?: PushConfig;
  /** Authorities' orders; none are taken where it is left out. Of the primary. */
  readonly hi1?: Hi1Config;
};

/** Orders of TS 103 120: what the deployment fixes of the profile (spec/hi1.md). */
export type Hi1Config = {
  readonly country: string;
  /** This provider's UniqueIdentifier. */
  readonly endpoint: string;
  readonly owner: string;
  readonly version: string;
  readonly disclosureDays: number;
  readonly emergencyHours: number;
  readonly preservationDays: number;
  readonly preservationExtensionDays: number;
  /** Objects of one sender that may wait for a decision (HI1-27). */
  readonly waitingObjects: number;
  readonly takesTests: boolean;
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

/** What may be asked of one process in a minute; 0 is without limit. */
export type LimitsConfig = {
  /** Requests of one address. */
  readonly addressRequests: number;
  /** Of these: registering, logging in, opening streams, handing in without a session. */
  readonly addressEntries: number;
  readonly accountRequests: number;
  /** Messages, envelopes and commits, however many a request. */
  readonly accountItems: number;
  /** Whether addresses of the machine itself count too. */
  readonly loopback: boolean;
};

export type PushConfig = {
  /** "mailto:" or https: whom a push service asks about this server. */
  readonly contact: string;
  /** Origins of push services of the operator's own, which may be in a private network. */
  readonly allow: readonly string[];
};

export type StreamConfig = {
  /** Streams of one account, and of this process. */
  readonly perAccount: number;
  readonly total: number;
  /** Seconds within which a client has to say hello (DEL-82). */
  readonly helloSeconds: number;
  /** Seconds after which who leaves something waiting is cut off (DEL-86). */
  readonly slowSeconds: number;
  /** Seconds between two looks at whether sessions were ended elsewhere, below a minute (DEL-88). */
  readonly sessionSeconds: number;
};

/** What makes a checkpoint of the log worth publishing, and where the cosigners are. */
export type Network = {
  /** C2SP tlog-policy text. */
  readonly policy: string;
  readonly cosigners: readonly CosignerAddress[];
};

const MAX_COSIGNERS = 100;
const MAX_MIRRORS = 16;
const DEFAULT_PORT = 7400;

/** Every member, in a sentence for the person who wrote the file; docs/operations.md says more of each. */
const MEMBERS: Readonly<Record<string, string>> = {
  clock: '"system", or "replay" for a demonstration',
  name: "a word for the log lines",
  beatSeconds: "seconds between two looks at the clock, 1 to 3600",
  deployment: 'the deployment\'s name, for instance "chat.example.org"; the log is named after it',
  port: "a port, 0 to 65535; 0 lets the system choose",
  host: 'the address to listen on, for instance "0.0.0.0"',
  workFactor: "scrypt's work factor for a new secret store, 1 to 20",
  role: '"primary", or "front" for a process beside it',
  primary: "the primary's address as a front reaches it, http:// or https://",
  policy: "the witness policy in C2SP's text form",
  cosigners: "a list of {vkey, url}, one for each witness of the policy",
  mirrors: "a list of addresses at which others serve copies of the log, at most 16",
  metrics: "{port, host}: where the figures are served",
  tls: "{certificate, key}: two PEM files",
  trustedProxies: "a list of addresses or networks, for instance 10.0.0.0/8",
  attachments:
    "{directory, limit, quota}: where members' files are, and how many bytes a file and an account may have",
  registration: '"invitation", or "open" for a deployment that takes whoever comes',
  invitations: '{by, open}: "members" or "administrators", and how many unused ones an account may have',
  passkeys:
    "{rpId, rpName, origins}: the host name that passkeys belong to, and the addresses of pages that may use them",
  backupQuota: "bytes that an account's backups may take",
  retentionDays: "days for which conversations without a charter are kept, 1 to 36500",
  streams:
    "{perAccount, total, helloSeconds, slowSeconds, sessionSeconds}: how many streams there may be, and how patient they are",
  push: "{contact, allow}: whom push services may ask, and origins of one's own that may be told",
  hi1: "{country, endpoint, owner, version, disclosureDays, emergencyHours, preservationDays, preservationExtensionDays, waitingObjects, takesTests}: authorities' orders, as spec/hi1.md says",
  limits:
    "{addressRequests, addressEntries, accountRequests, accountItems, loopback}: how much may be asked in a minute",
  drainSeconds: "seconds, 0 to 5, between not being ready and closing",
  web: "{directory, connect}: the built web app, and further origins that it may speak to",
};

/** Throws ServerError "config-invalid", which names the member and says what belongs there. */
export function readConfig(fields: Fields): ServerConfig {
  try {
    const config = readMembers(fields);
    fields.end();
    return config;
  } catch (error) {
    // A policy or a key that does not parse.
    const place = error instanceof EncodingError ? error.field : "config.policy";
    if (!(error instanceof EncodingError || error instanceof TlogError)) throw error;
    const member = /^config\.([A-Za-z]+)/.exec(place)?.[1] ?? "";
    const meant = MEMBERS[member] ?? `there is no such member; there are ${Object.keys(MEMBERS).join(", ")}`;
    throw new ServerError("config-invalid", `${error.message}: ${meant} (docs/operations.md)`, {
      cause: error,
    });
  }
}

function readMembers(fields: Fields): ServerConfig {
  const has = (name: string): boolean => fields.optional(name) !== undefined;
  // Read by the runtime too.
  if (has("name")) fields.string("name", 100);
  const deployment = fields.string("deployment", 200);
  return {
    deployment,
    origin: `log.${deployment}`,
    role: readRole(fields),
    port: has("port") ? fields.integer("port", 0, 65_535) : DEFAULT_PORT,
    ...(has("host") ? { host: fields.string("host", 253) } : {}),
    ...(has("workFactor") ? { workFactor: fields.integer("workFactor", 1, 20) } : {}),
    ...(has("policy") ? { network: readNetwork(fields) } : {}),
    ...(has("metrics") ? { metrics: readMetrics(fields.object("metrics")) } : {}),
    ...(has("tls") ? { tls: readTls(fields.object("tls")) } : {}),
    mirrors: has("mirrors") ? readMirrors(fields) : [],
    attachments: readAttachments(fields),
    registration: has("registration") ? fields.literal("registration", "invitation", "open") : "invitation",
    invitations: has("invitations") ? readInvitations(fields.object("invitations")) : DEFAULT_INVITATIONS,
    passkeys: has("passkeys")
      ? readPasskeys(fields.object("passkeys"), deployment)
      : { id: "localhost", name: deployment, origins: null },
    backupQuota: has("backupQuota")
      ? fields.integer("backupQuota", 0, Number.MAX_SAFE_INTEGER)
      : DEFAULT_BACKUP_QUOTA,
    retentionDays: has("retentionDays") ? fields.integer("retentionDays", 1, 36_500) : DEFAULT_RETENTION_DAYS,
    trustedProxies: has("trustedProxies") ? fields.array("trustedProxies", readProxy, 100) : [],
    drainSeconds: has("drainSeconds") ? fields.integer("drainSeconds", 0, 5) : 0,
    ...(has("web") ? { web: readWeb(fields.object("web")) } : {}),
    ...(has("push") ? { push: readPush(fields.object("push")) } : {}),
    ...(has("hi1") ? { hi1: readHi1(fields.object("hi1")) } : {}),
    limits: readLimits(has("limits") ? fields.object("limits") : null),
    streams: readStreams(has("streams") ? fields.object("streams") : null),
  };
}

function readMetrics(fields: Fields): NonNullable<ServerConfig["metrics"]> {
  const metrics = {
    port: fields.integer("port", 0, 65_535),
    ...(fields.optional("host") === undefined ? {} : { host: fields.string("host", 253) }),
  };
  fields.end();
  return metrics;
}

/** Origins of the page's policy: nothing that could add a directive to it. */
function readWeb(fields: Fields): WebConfig {
  const web = {
    directory: fields.string("directory", 4096),
    connect:
      fields.optional("connect") === undefined
        ? []
        : fields.array("connect", (value, where) => origin(asString(value, where, 300), where), 100),
  };
  fields.end();
  return web;
}

function origin(text: string, where: string): string {
  if (!URL.canParse(text) || new URL(text).origin !== text) throw new EncodingError("not-canonical", where);
  return text;
}

function readTls(fields: Fields): TlsConfig {
  const tls = { certificate: fields.string("certificate", 4096), key: fields.string("key", 4096) };
  fields.end();
  return tls;
}

/** An IP address, or a network as ADDRESS/BITS. */
function readProxy(value: Json, where: string): string {
  const text = asString(value, where, 50);
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  const isNetwork =
    bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  if (family === 0 || rest.length > 0 || !isNetwork) throw new EncodingError("out-of-range", where);
  return text;
}

const DEFAULT_INVITATIONS: InvitationRules = { by: "members", open: 20 };
const DEFAULT_BACKUP_QUOTA = 1024 ** 3;

function readInvitations(fields: Fields): InvitationRules {
  const rules = {
    by:
      fields.optional("by") === undefined
        ? DEFAULT_INVITATIONS.by
        : fields.literal("by", "members", "administrators"),
    open:
      fields.optional("open") === undefined ? DEFAULT_INVITATIONS.open : fields.integer("open", 0, 10_000),
  };
  fields.end();
  return rules;
}

function readPasskeys(fields: Fields, deployment: string): RelyingParty {
  const id = fields.string("rpId", 253);
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(id)) throw new EncodingError("not-canonical", "config.passkeys");
  const origins = fields.array("origins", (value, where) => httpUrl(asString(value, where, 300), where), 20);
  const name = fields.optional("rpName") === undefined ? deployment : fields.string("rpName", 100);
  fields.end();
  return { id, name, origins };
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

function readPush(fields: Fields): PushConfig {
  const contact = fields.string("contact", 500);
  if (!/^(?:mailto:|https:\/\/)[\x21-\x7e]+$/.test(contact)) {
    throw new EncodingError("not-canonical", "config.push.contact");
  }
  const allow =
    fields.optional("allow") === undefined
      ? []
      : fields.array("allow", (value, where) => httpUrl(asString(value, where, 500), where), 20);
  fields.end();
  return { contact, allow };
}

/** More than an officer decides in the days that there are to answer. */
const WAITING_OBJECTS = 1000;

/** Regulation (EU) 2023/1543 where a number of days or hours is left out. */
function readHi1(given: Fields): Hi1Config {
  const number = (name: string, otherwise: number, maximum: number): number =>
    given.optional(name) === undefined ? otherwise : given.integer(name, 1, maximum);
  const country = given.string("country", 2);
  if (!/^[A-Z]{2}$/.test(country)) throw new EncodingError("not-canonical", "config.hi1");
  const endpoint = given.string("endpoint", 100);
  const read = {
    country,
    endpoint,
    owner: given.optional("owner") === undefined ? "porchlight" : given.string("owner", 100),
    version: given.optional("version") === undefined ? "1" : given.string("version", 100),
    disclosureDays: number("disclosureDays", EU_DEADLINES.disclosureDays, 365),
    emergencyHours: number("emergencyHours", EU_DEADLINES.emergencyHours, 240),
    preservationDays: number("preservationDays", PRESERVATION_DAYS.first, PRESERVATION_DAYS.first),
    preservationExtensionDays: number(
      "preservationExtensionDays",
      PRESERVATION_DAYS.extension,
      PRESERVATION_DAYS.extension,
    ),
    waitingObjects: number("waitingObjects", WAITING_OBJECTS, 100_000),
    takesTests: given.optional("takesTests") === undefined ? false : given.boolean("takesTests"),
  };
  given.end();
  return read;
}

const DEFAULT_LIMITS = {
  addressRequests: 12_000,
  addressEntries: 600,
  accountRequests: 2_400,
  accountItems: 6_000,
} as const;

function readLimits(given: Fields | null): LimitsConfig {
  const number = (name: keyof typeof DEFAULT_LIMITS): number =>
    given === null || given.optional(name) === undefined
      ? DEFAULT_LIMITS[name]
      : given.integer(name, 0, 1_000_000_000);
  const read = {
    addressRequests: number("addressRequests"),
    addressEntries: number("addressEntries"),
    accountRequests: number("accountRequests"),
    accountItems: number("accountItems"),
    loopback: given?.optional("loopback") === undefined ? false : given.boolean("loopback"),
  };
  given?.end();
  return read;
}

const DEFAULT_STREAMS: StreamConfig = {
  perAccount: 20,
  total: 50_000,
  helloSeconds: 10,
  slowSeconds: 30,
  sessionSeconds: 20,
};

function readStreams(given: Fields | null): StreamConfig {
  const number = (name: keyof StreamConfig, maximum: number): number =>
    given === null || given.optional(name) === undefined
      ? DEFAULT_STREAMS[name]
      : given.integer(name, 1, maximum);
  const read = {
    perAccount: number("perAccount", 10_000),
    total: number("total", 1_000_000),
    helloSeconds: number("helloSeconds", 60),
    slowSeconds: number("slowSeconds", 600),
    sessionSeconds: number("sessionSeconds", 60),
  };
  given?.end();
  return read;
}

function readRole(fields: Fields): ServerConfig["role"] {
  const kind = fields.optional("role") === undefined ? "primary" : fields.literal("role", "primary", "front");
  if (kind === "primary") return { kind };
  return { kind, primary: httpUrl(fields.string("primary", 500), "config.primary") };
}

function httpUrl(text: string, where: string): string {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text)) throw new EncodingError("not-canonical", where);
  return text.replace(/\/+$/, "");
}

/** The member `mirrors`. */
export function readMirrors(fields: Fields): readonly string[] {
  return fields.array(
    "mirrors",
    (value, where) => mirrorUrl(asString(value, where, 300), where),
    MAX_MIRRORS,
  );
}

function mirrorUrl(text: string, where: string): string {
  if (!URL.canParse(text)) throw new EncodingError("not-canonical", where);
  const { search, hash, username, password } = new URL(text);
  if (search + hash + username + password !== "") throw new EncodingError("not-canonical", where);
  return httpUrl(text, where);
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
