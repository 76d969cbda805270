import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "@porchlight/runtime";

/**
 * Word between the server processes of one deployment that something has happened. It may be lost, doubled or late at
 * any time: whoever hears it looks into the database, which alone is the truth, and looks there now and then even when
 * nothing was heard.
 */
export type Hints = {
  /** Whether there may be other processes: then nobody waits for hints alone. */
  readonly shared: boolean;
  /** Whether the others hear us at the moment. */
  readonly connected: boolean;
  /** `topic` is one lower-case word. */
  publish(topic: string, body: string): void;
  /** What other processes publish, never what this one does. */
  subscribe(topic: string, listener: (body: string) => void): void;
  /** Calls after a time in which hints were missed. */
  onGap(listener: () => void): void;
  close(): Promise<void>;
};

/** For a process that is alone with its database. */
export function noHints(): Hints {
  return {
    shared: false,
    connected: true,
    publish: () => {},
    subscribe: () => {},
    onGap: () => {},
    close: () => Promise.resolve(),
  };
}

/** NATS refuses messages of more than a megabyte where nothing else is configured. */
const MAX_BODY = 256 * 1024;
const RECONNECT_MILLISECONDS = 500;

/**
 * Hints over core NATS, which keeps nothing. A NATS that is away delays the others by the sweep's interval and stops
 * nobody: the connection is made, and made again, in the background.
 */
export class NatsHints implements Hints {
  readonly shared = true;
  readonly #prefix: string;
  readonly #log: Logger;
  readonly #listeners = new Map<string, (body: string) => void>();
  readonly #gaps: (() => void)[] = [];
  #nats: NatsConnection | null = null;
  #connected = false;
  #closed = false;

  /** `url`: `nats://` or `tls://`, with user and password or a token where the server asks for them. */
  constructor(url: string, deployment: string, log: Logger) {
    this.#prefix = `porchlight.${Buffer.from(deployment).toString("base64url")}`;
    this.#log = log;
    void this.#connect(url);
  }

  async #connect(url: string): Promise<void> {
    try {
      // Most servers are alone and never load it.
      const { connect } = await import("@nats-io/transport-node");
      const nats = await connect({
        ...serverOf(url),
        name: "porchlight",
        noEcho: true,
        waitOnFirstConnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_MILLISECONDS,
      });
      if (this.#closed) return await nats.close();
      this.#nats = nats;
      for (const topic of this.#listeners.keys()) this.#listen(nats, topic);
      this.#regained();
      for await (const { type } of nats.status()) {
        if (type === "disconnect") {
          this.#connected = false;
          this.#log.event("hints-lost");
        } else if (type === "reconnect") this.#regained();
      }
    } catch (error) {
      // A wrong password, for instance: the sweep goes on alone, and /readyz says so.
      this.#connected = false;
      if (!this.#closed) this.#log.failure("hints-failed", error);
    }
  }

  #regained(): void {
    this.#connected = true;
    this.#log.event("hints-connected");
    for (const listener of this.#gaps) listener();
  }

  #listen(nats: NatsConnection, topic: string): void {
    nats.subscribe(`${this.#prefix}.${topic}`, {
      callback: (error, message) => {
        if (error === null) this.#listeners.get(topic)?.(message.string());
      },
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  publish(topic: string, body: string): void {
    // Not kept for later: who reconnects looks by itself.
    if (this.#nats === null || !this.#connected || body.length > MAX_BODY) return;
    try {
      this.#nats.publish(`${this.#prefix}.${topic}`, body);
    } catch (error) {
      this.#log.failure("hint-failed", error);
    }
  }

  subscribe(topic: string, listener: (body: string) => void): void {
    this.#listeners.set(topic, listener);
    if (this.#nats !== null) this.#listen(this.#nats, topic);
  }

  onGap(listener: () => void): void {
    this.#gaps.push(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#nats?.close().catch(() => {});
  }
}

function serverOf(address: string): {
  servers: string;
  user?: string;
  pass?: string;
  token?: string;
  tls?: object;
} {
  const { protocol, host, username, password } = new URL(address);
  const user = decodeURIComponent(username);
  return {
    servers: host,
    ...(password !== "" ? { user, pass: decodeURIComponent(password) } : user === "" ? {} : { token: user }),
    ...(protocol === "tls:" ? { tls: {} } : {}),
  };
}
