import { createHmac, randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DurableError, type SecretStore } from "@porchlight/durable";
import { base64, formatInstant } from "@porchlight/encoding";
import type { Clock } from "@porchlight/runtime";
import type { NotifyConfig } from "./config.ts";
import { KeyholderError } from "./error.ts";
import type { Channel } from "./notifier.ts";

const SECRET = "webhook";
const LIMIT_MILLISECONDS = 10_000;

export type ChannelContext = {
  readonly directory: string;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  /** The keyholder's own name, which its person knows. */
  readonly name: string;
};

/** The ways to reach the person that the configuration names. */
export async function channelsOf(config: NotifyConfig, context: ChannelContext): Promise<Channel[]> {
  const { webhook, mail } = config;
  return [
    ...(webhook === null ? [] : [webhookChannel(webhook, await webhookSecret(context.secrets), context)]),
    ...(mail === null ? [] : [await mailChannel(mail, context)]),
  ];
}

/** KEY-35: made at the first use, 32 bytes, sealed like every other secret. */
export async function webhookSecret(secrets: SecretStore): Promise<Uint8Array> {
  const known = await secrets.read(SECRET);
  if (known !== null) return known;
  const made = new Uint8Array(randomBytes(32));
  await secrets.write(SECRET, made);
  return made;
}

/** As Standard Webhooks 1.0 says: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,BASE64`. */
function webhookChannel(url: string, secret: Uint8Array, { clock }: ChannelContext): Channel {
  return {
    name: "webhook",
    tell: async (order, signal) => {
      const now = clock.now();
      const id = `msg_${order.slice(0, 32)}`;
      const body = JSON.stringify({ type: "order.waits", timestamp: formatInstant(now), data: { order } });
      const mac = createHmac("sha256", secret).update(`${id}.${now}.${body}`).digest();
      const answer = await fetch(url, {
        method: "POST",
        // Whoever can redirect could otherwise learn when orders come.
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MILLISECONDS)]),
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": String(now),
          "webhook-signature": `v1,${base64(new Uint8Array(mac))}`,
        },
        body,
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new KeyholderError("not-told", `the webhook answered ${answer.status}`);
    },
  };
}

/** Throws DurableError as a passphrase's file does. */
async function smtpPassword(path: string): Promise<string> {
  const mode = await stat(path).catch((cause: unknown) => {
    throw new DurableError("passphrase-missing", path, { cause });
  });
  if ((mode.mode & 0o077) !== 0) throw new DurableError("passphrase-exposed", path);
  return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
}

async function mailChannel(
  mail: NonNullable<NotifyConfig["mail"]>,
  { directory, name }: ChannelContext,
): Promise<Channel> {
  const { host, port, tls, user, from, to } = mail;
  const pass = user === null ? null : await smtpPassword(join(directory, "smtp-password"));
  // Most keyholders have no mail and never load it.
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host,
    port,
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    ...(user === null || pass === null ? {} : { auth: { user, pass } }),
    connectionTimeout: LIMIT_MILLISECONDS,
    greetingTimeout: LIMIT_MILLISECONDS,
    socketTimeout: LIMIT_MILLISECONDS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: "mail",
    tell: async (order) => {
      await transport.sendMail({
        from,
        to,
        subject: `${name}: an order waits for you`,
        text: [
          "An order waits for your decision.",
          "",
          "Sign in at the keyholder's desk to read it. Nothing happens by itself.",
          `So that you can tell it from others: ${order.slice(0, 8)}`,
          "",
          "This message says nothing else on purpose, and has no link: one that has is not from your keyholder.",
          "",
        ].join("\n"),
        messageId: `<${order}@${host}>`,
      });
    },
  };
}
