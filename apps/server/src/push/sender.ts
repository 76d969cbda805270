import { createECDH, hkdfSync } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { type AccountId, accountId, type ConversationId, conversationId } from "@porchlight/encoding";
import type { Logger } from "@porchlight/runtime";
import { isDatabaseOutage } from "../database.ts";
import type { Waiters } from "../waiters.ts";
import { checkEndpoint, publicLookup } from "./endpoint.ts";
import type { PushSubscriptions, Told } from "./subscriptions.ts";

/** Milliseconds for which conversations are gathered before anybody is told. */
const GATHER = 500;
const LIMIT = 10_000;
/** Deliveries under way at a time. */
const SENDERS = 8;
/** Seconds for which a push service keeps a message for a device that is off. */
const KEPT = 86_400;
/** All that is said, whatever has happened: there may be something. Of one size, encrypted (RFC 8291). */
const PAYLOAD = Buffer.from('{"v":1}');

export type VapidKeys = { readonly publicKey: Buffer; readonly privateKey: Buffer };

/** P-256 from the provider's sealed seed, so that a restored server is the same to all push services (PUSH-2). */
export function vapidKeys(providerSeed: Uint8Array): VapidKeys {
  const ecdh = createECDH("prime256v1");
  for (let attempt = 0; ; attempt++) {
    const info = `porchlight-v1/vapid${attempt === 0 ? "" : attempt}`;
    const privateKey = Buffer.from(hkdfSync("sha256", providerSeed, new Uint8Array(0), info, 32));
    try {
      ecdh.setPrivateKey(privateKey);
    } catch {
      // Not below the group's order: one in 2^32.
      continue;
    }
    return { publicKey: ecdh.getPublicKey(), privateKey };
  }
}

/** Tells devices without a stream that something waits, and nothing of what. */
export class PushSender {
  readonly #subscriptions: PushSubscriptions;
  readonly #keys: VapidKeys;
  readonly #contact: string;
  readonly #allowed: readonly string[];
  readonly #log: Logger;
  #conversations = new Set<ConversationId>();
  #accounts = new Set<AccountId>();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: {
    readonly subscriptions: PushSubscriptions;
    readonly waiters: Waiters;
    readonly keys: VapidKeys;
    readonly contact: string;
    readonly allowed: readonly string[];
    readonly log: Logger;
  }) {
    this.#subscriptions = options.subscriptions;
    this.#keys = options.keys;
    this.#contact = options.contact;
    this.#allowed = options.allowed;
    this.#log = options.log;
    options.waiters.onAny((name) => this.#heard(name));
  }

  /** Of whatever happens, here or at another process. */
  #heard(name: string): void {
    const [kind, id = ""] = name.split(" ");
    if (kind === "conversation") this.#conversations.add(conversationId(id));
    else if (kind === "welcomes") this.#accounts.add(accountId(id));
    else return;
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#running = this.#running.then(() => this.#tell());
    }, GATHER);
  }

  async #tell(): Promise<void> {
    const [conversations, accounts] = [[...this.#conversations], [...this.#accounts]];
    this.#conversations = new Set();
    this.#accounts = new Set();
    try {
      const devices = await this.#subscriptions.claim(conversations, accounts);
      const next = devices.values();
      const send = async (): Promise<void> => {
        for (const device of next) await this.#send(device);
      };
      await Promise.all(Array.from({ length: SENDERS }, send));
    } catch (error) {
      // They are told with the next thing that happens.
      if (!isDatabaseOutage(error)) this.#log.failure("push-failed", error);
    }
  }

  async #send(device: Told): Promise<void> {
    let status: number;
    try {
      status = await this.#post(device);
    } catch {
      // The push service is away, or the address is none of its. No endpoint is ever in a log line.
      this.#log.event("push-undelivered", {});
      return;
    }
    if (status === 404 || status === 410) await this.#subscriptions.forget(device);
    else if (status >= 300) this.#log.event("push-refused", { status });
  }

  async #post({ endpoint, p256dh, auth }: Told): Promise<number> {
    const url = checkEndpoint(endpoint, this.#allowed);
    const keys = {
      p256dh: Buffer.from(p256dh).toString("base64url"),
      auth: Buffer.from(auth).toString("base64url"),
    };
    // Where nobody subscribes it is never loaded.
    const { default: webPush } = await import("web-push");
    const { headers, body } = webPush.generateRequestDetails({ endpoint, keys }, PAYLOAD, {
      TTL: KEPT,
      urgency: "normal",
      // A later one takes the place of one that waits at the push service.
      topic: "new",
      vapidDetails: {
        subject: this.#contact,
        publicKey: this.#keys.publicKey.toString("base64url"),
        privateKey: this.#keys.privateKey.toString("base64url"),
      },
    });
    const isAllowed = this.#allowed.includes(url.origin);
    const request = url.protocol === "http:" ? httpRequest : httpsRequest;
    return await new Promise((resolve, reject) => {
      const sent = request(
        url,
        {
          method: "POST",
          headers: headers as Record<string, string>,
          timeout: LIMIT,
          signal: AbortSignal.timeout(LIMIT),
          ...(isAllowed ? {} : { lookup: publicLookup }),
        },
        (response) => {
          // What it says is of no interest, and may be as long as it likes.
          response.destroy();
          resolve(response.statusCode ?? 0);
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }
}
