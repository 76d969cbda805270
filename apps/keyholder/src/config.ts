import type { Fields } from "@porchlight/encoding";
import { parseVkey, type VerifierKey } from "@porchlight/tlog";

export type KeyholderConfig = {
  /** Of the cosigner key: `NAME.DEPLOYMENT`. */
  readonly name: string;
  readonly deployment: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; the loopback interface where it is left out. */
  readonly host?: string;
  /** Base URL of the provider's server, which has the log. */
  readonly server: string;
  /** The log that it cosigns, known before there is a charter. */
  readonly log: VerifierKey<"ed25519">;
  /** age's scrypt work factor for a new secret store; left out, the strong one. */
  readonly workFactor?: number;
  /**
   * KEY-30: "daily" publishes intents and releases in one batch a day, empty or not, and so hides when the keyholder
   * acted; "prompt" adds a batch whenever one is waiting.
   */
  readonly batches: "daily" | "prompt";
  /** KEY-23: seconds by which an order may come before its entry is witnessed; 20 where it is left out. */
  readonly patienceSeconds: number;
  /** CER-9: how long a ceremony's round is kept open, in seconds of witnessed time; six hours where it is left out. */
  readonly roundSeconds: number;
  /** KEY-35: how the person is told that an order waits. */
  readonly notify: NotifyConfig;
};

export type NotifyConfig = {
  /** Where a signed POST goes. */
  readonly webhook: string | null;
  readonly mail: {
    readonly host: string;
    readonly port: number;
    /** "none" is for a mail server on the same machine, without a password. */
    readonly tls: "implicit" | "starttls" | "none";
    /** Its password is in the file `smtp-password`. */
    readonly user: string | null;
    readonly from: string;
    readonly to: string;
  } | null;
};

const ROUND_SECONDS = 6 * 3600;
const HERE = ["127.0.0.1", "::1", "localhost"];

/** KEY-2. Throws EncodingError or TlogError. */
export function readConfig(fields: Fields): KeyholderConfig {
  const log = parseVkey(fields.string("log"));
  if (log.type !== "ed25519") throw new Error("config.log: not a log's key (signature type 01)");
  return {
    name: fields.string("name", 100),
    deployment: fields.string("deployment", 253),
    port: fields.integer("port", 0, 65_535),
    ...(fields.optional("host") === undefined ? {} : { host: fields.string("host", 253) }),
    server: fields.string("server"),
    log: log as VerifierKey<"ed25519">,
    ...(fields.optional("workFactor") === undefined
      ? {}
      : { workFactor: fields.integer("workFactor", 1, 20) }),
    batches:
      fields.optional("batches") === undefined ? "daily" : fields.literal("batches", "daily", "prompt"),
    patienceSeconds:
      fields.optional("patienceSeconds") === undefined ? 20 : fields.integer("patienceSeconds", 1, 3600),
    roundSeconds:
      fields.optional("roundSeconds") === undefined
        ? ROUND_SECONDS
        : fields.integer("roundSeconds", 60, 7 * 24 * 3600),
    notify:
      fields.optional("notify") === undefined
        ? { webhook: null, mail: null }
        : readNotify(fields.object("notify")),
  };
}

function readNotify(fields: Fields): NotifyConfig {
  const notify = {
    webhook: fields.optional("webhook") === undefined ? null : readWebhook(fields.string("webhook", 2000)),
    mail: fields.optional("mail") === undefined ? null : readMail(fields.object("mail")),
  };
  fields.end();
  return notify;
}

function readWebhook(url: string): string {
  const parsed = URL.parse(url);
  const isHere = parsed !== null && HERE.includes(parsed.hostname.replace(/^\[|\]$/g, ""));
  if (parsed === null || !(parsed.protocol === "https:" || (parsed.protocol === "http:" && isHere))) {
    throw new Error("config.notify.webhook: an https address, or http on this machine");
  }
  return url;
}

function readMail(fields: Fields): NonNullable<NotifyConfig["mail"]> {
  const mail = {
    host: fields.string("host", 253),
    port: fields.integer("port", 1, 65_535),
    tls: fields.literal("tls", "implicit", "starttls", "none"),
    user: fields.optional("user") === undefined ? null : fields.string("user", 320),
    from: fields.string("from", 320),
    to: fields.string("to", 320),
  };
  fields.end();
  if (mail.tls === "none" && !(HERE.includes(mail.host) && mail.user === null)) {
    throw new Error('config.notify.mail: "none" is for a mail server on this machine, without user');
  }
  return mail;
}
