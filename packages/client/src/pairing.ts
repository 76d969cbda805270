import { CharterError } from "@porchlight/charter";
import { type AccountId, EncodingError } from "@porchlight/encoding";
import { EnvelopeError, parseCredential } from "@porchlight/envelope";
import { deviceKeyOf, MlsError, restoreDevice } from "@porchlight/mls";
import { xwingKeygen } from "@porchlight/quorum";
import { type PairingGuestAnswer, WireError } from "@porchlight/wire";
import { Account } from "./account.ts";
import type { AccountContext } from "./context.ts";
import { ClientError } from "./error.ts";
import type { HistoryKey } from "./history.ts";
import { Member } from "./member.ts";
import { isNoticeKeyOf, type NoticeKey } from "./notice-key.ts";
import {
  altered,
  commitmentTo,
  digitsOf,
  formatOffer,
  openGrant,
  pairingCode,
  pairingId,
  pairingQr,
  parseAnswer,
  transcriptOf,
} from "./pairing-message.ts";
import { Patience } from "./patience.ts";

const WAIT = 20;
const KEY_PACKAGES = 20;
const MOST_KEY_PACKAGES = 200;

/** 60 bits: what twelve characters hold. */
function codeOf(random: (length: number) => Uint8Array): string {
  const bits = random(8);
  bits[0] = (bits[0] ?? 0) & 0x0f;
  return pairingCode(bits);
}

/** A new device asks to be let in. `context.storage` is empty, and stays so until the other device has said yes. */
export async function startPairing(
  context: AccountContext,
  options: { readonly audience: string; readonly deviceName: string },
): Promise<PairingGuest> {
  const { random, server } = context;
  const code = codeOf(random);
  const keys = { deviceSeed: random(32), sealing: xwingKeygen(random(32)), nonce: random(32) };
  const offer = formatOffer({
    deviceKey: deviceKeyOf(keys.deviceSeed),
    sealingKey: keys.sealing.publicKey,
    commitment: commitmentTo(keys.nonce),
    name: options.deviceName,
  });
  const { token, expires } = await server.account.openPairing({ id: pairingId(code), offer });
  return new PairingGuest({ context, options, keys, offer, token, code, expires });
}

type GuestParts = {
  readonly context: AccountContext;
  readonly options: { readonly audience: string; readonly deviceName: string };
  readonly keys: {
    readonly deviceSeed: Uint8Array;
    readonly sealing: ReturnType<typeof xwingKeygen>;
    readonly nonce: Uint8Array;
  };
  readonly offer: Uint8Array;
  readonly token: string;
  readonly code: string;
  readonly expires: number;
};

type Compared = { readonly account: AccountId; readonly transcript: Uint8Array };

/** The side of a pairing that is new (ACC-30). */
export class PairingGuest {
  readonly #parts: GuestParts;
  #compared: Compared | null = null;

  constructor(parts: GuestParts) {
    this.#parts = parts;
  }

  /** To be typed on the account's first device. */
  get code(): string {
    return this.#parts.code;
  }

  /** The same for a QR code. */
  get qr(): string {
    return pairingQr(this.#parts.code);
  }

  /** Unix seconds of the server's clock. */
  get expires(): number {
    return this.#parts.expires;
  }

  /** For `finishPasskeySignIn`: the account's devices then see this pairing without its code. */
  get token(): string {
    return this.#parts.token;
  }

  /** Waits for the other device; six digits to compare with its screen. Throws "pairing-refused", "pairing-over". */
  async digits(options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    const { offer, keys } = this.#parts;
    const { answer } = await this.#wait("answer", options.signal);
    if (answer === null) throw over();
    const { account } = parseAnswer(answer);
    await this.#say(keys.nonce, options.signal);
    const transcript = transcriptOf(offer, answer, keys.nonce);
    this.#compared = { account, transcript };
    return digitsOf(transcript);
  }

  /**
   * Waits for the person's yes on the other device. From then on this is a device of the account, as `granted` is told;
   * the other one adds it to the conversations. `hurry`: from then on nobody is patient any more. After {@link digits}.
   * Throws ClientError "pairing-refused", "pairing-over", "pairing-altered".
   */
  async finish(
    options: {
      readonly signal?: AbortSignal;
      readonly granted?: () => void;
      readonly hurry?: AbortSignal;
    } = {},
  ): Promise<{ readonly account: Account; readonly history: HistoryKey }> {
    const { context, keys, options: own } = this.#parts;
    const compared = this.#compared;
    if (compared === null) throw new ClientError("pairing-over", "compare the digits first");
    const { grant } = await this.#wait("grant", options.signal);
    if (grant === null) throw over();
    const granted = openGrant(keys.sealing.secretKey, compared.transcript, grant);
    const { backupKey, noticeKey } = granted;
    const device = this.#device(granted.credential);
    if (device.account !== compared.account || !isOwn(noticeKey, device.account)) throw altered();
    options.granted?.();
    const member = await Member.adopt(context, device, noticeKey);
    const keyPackages = Math.min(MOST_KEY_PACKAGES, KEY_PACKAGES + granted.conversations);
    const account = await new Patience(options.hurry).through(() =>
      Account.enter(context, member, { ...own, backupKey, keyPackages }),
    );
    return { account, history: granted.historyKey };
  }

  #device(credential: Uint8Array) {
    const { context, keys } = this.#parts;
    try {
      const { identityKey } = parseCredential(credential);
      return restoreDevice({ suite: context.suite, identityKey, credential, deviceSeed: keys.deviceSeed });
    } catch (cause) {
      if (!(cause instanceof MlsError || cause instanceof EnvelopeError)) throw cause;
      throw altered(cause);
    }
  }

  async #wait(until: "answer" | "grant", signal: AbortSignal | undefined): Promise<PairingGuestAnswer> {
    const patience = new Patience(signal);
    while (!patience.isOver) {
      let found: PairingGuestAnswer;
      try {
        found = await this.#ask(null, until, WAIT, signal);
      } catch (error) {
        await patience.bear(error, WAIT);
        continue;
      }
      patience.waited(WAIT);
      if (found.refused) {
        throw new ClientError(
          "pairing-refused",
          "the other device said no: begin again if that was a mistake",
        );
      }
      if (found[until] !== null) return found;
    }
    throw over();
  }

  async #say(reveal: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    await new Patience(signal).through(() => this.#ask(reveal, "answer", 0, signal));
  }

  async #ask(
    reveal: Uint8Array | null,
    until: "answer" | "grant",
    wait: number,
    signal: AbortSignal | undefined,
  ): Promise<PairingGuestAnswer> {
    const { context, token } = this.#parts;
    try {
      return await context.server.account.pairingGuest({ token, reveal, until }, { wait, signal });
    } catch (error) {
      if (error instanceof WireError && error.refusal === "pairing-unknown") throw over(error);
      throw error;
    }
  }
}

function isOwn(noticeKey: NoticeKey, account: AccountId): boolean {
  try {
    return isNoticeKeyOf(noticeKey, account);
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw altered(cause);
  }
}

function over(cause?: unknown): ClientError {
  return new ClientError("pairing-over", "this pairing is over: begin again", { cause });
}
