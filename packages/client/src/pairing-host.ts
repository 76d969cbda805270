import { makeCredential } from "@porchlight/envelope";
import type { OwnDevice } from "@porchlight/mls";
import { WireError } from "@porchlight/wire";
import type { Attendance } from "./account-record.ts";
import type { AccountContext } from "./context.ts";
import { ClientError } from "./error.ts";
import type { HistoryKey } from "./history.ts";
import { makeNoticeKey } from "./notice-key.ts";
import {
  altered,
  digitsOf,
  formatAnswer,
  isRevealed,
  type Offer,
  parseOffer,
  sealGrant,
  transcriptOf,
} from "./pairing-message.ts";
import { Patience } from "./patience.ts";

/** Seconds of one wait at the server, and of all of them together. */
const WAIT = 20;
const PATIENCE = 600;
/** Milliseconds between two looks whether the new device has left its key packages, and how many looks. */
const LOOK = 500;
const LOOKS = 60;

type HostParts = Pick<AccountContext, "server" | "suite" | "random"> & {
  readonly identitySeed: Uint8Array;
  readonly device: OwnDevice;
  readonly id: Uint8Array;
  readonly conversations: () => readonly unknown[];
  readonly backupKey: Uint8Array | null;
  readonly granted: (deviceKey: Uint8Array) => Promise<void>;
  /** No grant left after all. */
  readonly withheld: (deviceKey: Uint8Array) => Promise<void>;
  readonly spread: () => Promise<Attendance>;
  /** Whether there are conversations that the device is still to be added to. */
  readonly isDue: (deviceKey: Uint8Array) => boolean;
  readonly signal?: AbortSignal;
};

const NOTHING = new Uint8Array(0);

/** The side of a pairing that has the identity key (ACC-30): it waits for the person's yes, and then lets the other in. */
export class PairingHost {
  /** Six digits; the same have to stand on the new device's screen. */
  readonly digits: string;
  /** What the new device calls itself. */
  readonly deviceName: string;
  readonly #parts: HostParts;
  /** The mailbox's. */
  readonly id: Uint8Array;
  readonly #offer: Offer;
  readonly #transcript: Uint8Array;

  private constructor(parts: HostParts, offer: Offer, transcript: Uint8Array) {
    this.#parts = parts;
    this.id = parts.id;
    this.#offer = offer;
    this.#transcript = transcript;
    this.digits = digitsOf(transcript);
    this.deviceName = offer.name;
  }

  static async begin(parts: HostParts): Promise<PairingHost> {
    const { server, random, device, id, signal } = parts;
    // Best effort: who is in between may keep it from the new device.
    const refuse = (): Promise<void> =>
      server.account.pairingHost({ id, slot: "refusal", bytes: NOTHING }).catch(() => {});
    return await known(async () => {
      const { offer: bytes } = await server.account.claimPairing(id);
      const offer = parseOffer(bytes);
      const { deviceKey, credential } = device;
      const answer = formatAnswer({ deviceKey, credential, nonce: random(32) });
      try {
        await server.account.pairingHost({ id, slot: "answer", bytes: answer });
        for (let waited = 0; waited < PATIENCE; waited += WAIT) {
          const nonce = await server.account.pairingReveal(id, { wait: WAIT, signal });
          if (signal?.aborted === true) break;
          if (nonce === null) continue;
          // ACC-33: another nonce than the one committed to would let somebody in between choose the digits.
          if (!isRevealed(offer, nonce)) {
            await refuse();
            throw altered();
          }
          return new PairingHost(parts, offer, transcriptOf(bytes, answer, nonce));
        }
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
      if (signal?.aborted !== true) throw over();
      await refuse();
      throw new ClientError("pairing-stopped", "this pairing was stopped: begin again on the new device");
    });
  }

  /** The new device's. */
  get deviceKey(): Uint8Array {
    return this.#offer.deviceKey;
  }

  /** {@link grant}, and then {@link spread}. */
  async confirm(): Promise<{ readonly history: HistoryKey; readonly attendance: Attendance }> {
    const history = await this.grant();
    return { history, attendance: await this.spread() };
  }

  /**
   * The person saw the same digits on both screens and wants the device in: once this resolves, it is. The signal ends the
   * patience with a server that does not answer. Throws ClientError "pairing-unsure" where nobody knows whether it is in
   * (ACC-38); after any other error it is not.
   */
  async grant(signal: AbortSignal | undefined = this.#parts.signal): Promise<HistoryKey> {
    const { server, suite, random, identitySeed, device, conversations, backupKey } = this.#parts;
    const { deviceKey } = this.#offer;
    const credential = makeCredential({
      identityKey: device.identityKey,
      deviceKey,
      sign: (message) => suite.primitives.ed25519Sign(identitySeed, message),
    });
    const history = random(32);
    const grant = {
      credential,
      historyKey: history,
      conversations: conversations().length,
      backupKey,
      noticeKey: makeNoticeKey(identitySeed, device.identityKey, suite),
    };
    await this.#parts.granted(deviceKey);
    const bytes = sealGrant(this.#offer, this.#transcript, grant, random(64));
    // It may have left although no answer came: the same again is no error, and without it nothing would follow.
    const patience = new Patience(signal);
    let mayHaveArrived = false;
    try {
      await patience.through(async () => {
        try {
          await server.account.pairingHost({ id: this.id, slot: "grant", bytes });
        } catch (error) {
          mayHaveArrived ||= !isPlainRefusal(error);
          throw error;
        }
      });
    } catch (cause) {
      if (mayHaveArrived) {
        const text = "nobody knows whether the device is in: look at the list of devices";
        throw new ClientError("pairing-unsure", text, { cause });
      }
      await this.#parts.withheld(deviceKey);
      throw isUnknown(cause) ? over(cause) : cause;
    }
    return history;
  }

  /**
   * Adds the device, which is in, to every conversation as far as that is possible within half a minute, or before the
   * signal; the rest `account.attend()` does later.
   */
  async spread(signal: AbortSignal | undefined = this.#parts.signal): Promise<Attendance> {
    const { conversations, isDue } = this.#parts;
    // What else this device has to do may wait for others.
    const isLeft = (): boolean => isDue(this.#offer.deviceKey) && signal?.aborted !== true;
    let attendance = (await this.#spread()) ?? { done: [], refused: [], left: conversations().length };
    for (let look = 0; look < LOOKS && isLeft(); look++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK));
      const more = await this.#spread();
      if (more === null) break;
      attendance = {
        done: [...attendance.done, ...more.done],
        refused: [...attendance.refused, ...more.refused],
        left: more.left,
      };
    }
    return attendance;
  }

  /** `null`: the server is out of reach. The new device is in, and waits for its history all the same. */
  async #spread(): Promise<Attendance | null> {
    try {
      return await this.#parts.spread();
    } catch (error) {
      if (error instanceof WireError && error.retryable) return null;
      throw error;
    }
  }

  /** The digits differ, or the person does not want it. Whatever becomes of this: without a grant it is not in. */
  async refuse(): Promise<void> {
    const { server } = this.#parts;
    await known(() => server.account.pairingHost({ id: this.id, slot: "refusal", bytes: NOTHING }));
  }
}

/** The server said no, and that is its last word. */
function isPlainRefusal(error: unknown): boolean {
  return error instanceof WireError && error.code === "refused" && !error.retryable;
}

function isUnknown(error: unknown): boolean {
  return error instanceof WireError && error.refusal === "pairing-unknown";
}

async function known<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw isUnknown(error) ? over(error) : error;
  }
}

function over(cause?: unknown): ClientError {
  return new ClientError("pairing-over", "this pairing is over: begin again on the new device", { cause });
}
