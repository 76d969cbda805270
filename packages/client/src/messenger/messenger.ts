import { type AccountId, type ConversationId, unixSeconds } from "@porchlight/encoding";
import { Account } from "../account.ts";
import { ClientError } from "../error.ts";
import { receiveHistory } from "../history.ts";
import { contactInInvitation, parseInvitation } from "../invitation.ts";
import { startPairing } from "../pairing.ts";
import type { Storage } from "../storage.ts";
import { newStorageKey, type UnlockSlot } from "../unlock.ts";
import { type AccountIntent, accountIntents } from "./account-intents.ts";
import { type Door, formatDoor, opened, parseDoor, slotFor, waysOf } from "./door.ts";
import type { IntentInput, IntentName, IntentResult, UnlockSecret } from "./intents.ts";
import { takeKeepsakes } from "./keepsake.ts";
import { isUnderWay } from "./letting-in.ts";
import { type NoticeIntent, noticeIntents } from "./notice-intents.ts";
import type { MessengerConfig, Platform } from "./platform.ts";
import { checkedName, Profile } from "./profile.ts";
import { codeOf, failureOf, mayPass } from "./refusal.ts";
import { takeBackups } from "./reunion.ts";
import { parseContactCode } from "./safety-number.ts";
import { type Enter, Session } from "./session.ts";
import { type Handlers, type TalkIntent, talkIntents } from "./session-intents.ts";
import type { AppState, PairingGuestView, ThreadChange } from "./view.ts";

/** Intents that are possible before a device is unlocked, and those that the ends of the channel carry out themselves. */
type EntryIntent =
  | "signUp"
  | "restore"
  | "lookInvitation"
  | "beginPairing"
  | "cancelPairing"
  | "unlock"
  | "lock"
  | "takeOver"
  | "unlockWays"
  | "addUnlockWay"
  | "removeUnlockWay"
  | "startOver"
  | "deleteAccount";
/** Intents that any state carries out, and that nothing waits for. */
const FREE: ReadonlySet<IntentName> = new Set<NoticeIntent>(["readNotices", "contestOrder"]);
export type ChannelIntent = "openThread" | "closeThread";

type Open = {
  readonly session: Session;
  readonly storage: Storage & { readonly close?: () => void };
  readonly key: Uint8Array;
  readonly handlers: Handlers<TalkIntent | AccountIntent>;
};

/**
 * A person's messenger on one device, from its first start to its last: what a user interface renders, and what it asks
 * for. One runs for a device's state; pages speak to it through `serve`, or a program calls it directly.
 */
export class Messenger {
  readonly #platform: Platform;
  readonly #config: MessengerConfig;
  readonly #stateListeners = new Set<(state: AppState) => void>();
  readonly #threadListeners = new Set<(conversation: ConversationId, change: ThreadChange) => void>();
  #state: AppState = { kind: "starting" };
  #door: Door | null = null;
  #open: Open | null = null;
  #release: (() => void) | null = null;
  #pairing: {
    readonly begin: AbortController;
    readonly history: AbortController;
    /** Settled, not rejected, when it came to something or to nothing. */
    readonly ended: Promise<void>;
  } | null = null;
  /** Signing up, unlocking and locking wait for one another. */
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(platform: Platform, config: MessengerConfig) {
    this.#platform = platform;
    this.#config = config;
  }

  /** Reads what is there. What is wrong with it is a state, not an error. */
  static async start(platform: Platform, config: MessengerConfig): Promise<Messenger> {
    const messenger = new Messenger(platform, config);
    await messenger.#begin();
    return messenger;
  }

  get state(): AppState {
    return this.#state;
  }

  /** Calls the listener after each change of `state`; returns how to stop. */
  subscribe(listener: (state: AppState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Resolves with the first state for which `test` holds. */
  until(test: (state: AppState) => boolean): Promise<AppState> {
    return new Promise((resolve) => {
      if (test(this.#state)) return resolve(this.#state);
      const stop = this.subscribe((state) => {
        if (!test(state)) return;
        stop();
        resolve(state);
      });
    });
  }

  /** Calls the listener with what is new or different in any thread; returns how to stop. */
  onThread(listener: (conversation: ConversationId, change: ThreadChange) => void): () => void {
    this.#threadListeners.add(listener);
    return () => this.#threadListeners.delete(listener);
  }

  /** How long a thread is now. Throws ClientError "not-now", "unknown-conversation". */
  threadView(conversation: ConversationId): { readonly count: number; readonly firstUnread: number | null } {
    const { count, firstUnread } = this.#opened().session.thread(conversation);
    return { count, firstUnread };
  }

  /** Throws ClientError: its `code` says why, and nothing was changed. */
  async perform<Name extends Exclude<IntentName, ChannelIntent>>(
    name: Name,
    ...input: IntentInput<Name> extends undefined ? [] : [IntentInput<Name>]
  ): Promise<IntentResult<Name>> {
    const given = input[0] as IntentInput<Name>;
    const entry = this.#entry[name as EntryIntent] as
      | ((input: IntentInput<Name>) => Promise<IntentResult<Name>>)
      | undefined;
    if (entry !== undefined && Object.hasOwn(this.#entry, name)) {
      return await this.#alone(() => entry(given));
    }
    const handlers = FREE.has(name) ? this.#free : this.#opened().handlers;
    if (!Object.hasOwn(handlers, name)) throw notNow();
    const handler = (handlers as Readonly<Record<string, unknown>>)[name] as (
      input: IntentInput<Name>,
    ) => Promise<IntentResult<Name>> | IntentResult<Name>;
    const open = this.#open;
    try {
      return await handler(given);
    } catch (error) {
      if (codeOf(error) !== "internal") throw error;
      // Locked meanwhile, or open in another tab: what it began on is closed, and nothing is wrong with it.
      if (this.#open !== open) throw notNow();
      this.#fail(error);
      throw error;
    }
  }

  /** Tries to connect at once: for who knows that the network is back. */
  hurry(): void {
    this.#open?.session.hurry();
  }

  /** Ends; what was promised is saved. */
  async close(): Promise<void> {
    await this.#alone(async () => {
      await this.#shut();
      this.#release?.();
      this.#release = null;
    });
  }

  get #free(): Handlers<NoticeIntent> {
    return noticeIntents(this.#platform, this.#config, () => {
      const session = this.#open?.session;
      if (session === undefined) return null;
      const { member, book, profile } = session;
      return {
        seed: member.noticeKey.seed,
        book,
        keep: (notice, document) => profile.keepContest(notice, document),
      };
    });
  }

  readonly #entry: Handlers<EntryIntent> = {
    signUp: (input) => this.#signUp(input),
    unlock: (secret) => this.#unlock(secret),
    lock: async () => {
      if (this.#state.kind !== "ready") throw notNow();
      await this.#shut();
      this.#show(this.#atDoor());
    },
    unlockWays: async () => {
      this.#opened();
      return waysOf(this.#knownDoor());
    },
    takeOver: async () => {
      if (this.#state.kind !== "elsewhere") throw notNow();
      const taken = (await this.#platform.takeOver?.(this.#yield)) ?? null;
      if (taken === "pairing") {
        throw new ClientError("pairing-elsewhere", "a device is being added there: finish that first");
      }
      if (taken === null) {
        throw new ClientError("held-elsewhere", "the other one does not let go: close it, then try again");
      }
      await this.#beginWith(taken);
    },
    addUnlockWay: async ({ proof, ...secret }) => {
      const { key } = this.#opened();
      const door = this.#knownDoor();
      const isReplaced = (slot: UnlockSlot) => secret.kind === "passphrase" && slot.kind === "passphrase";
      const kept = door.slots.filter((slot) => !isReplaced(slot));
      if (kept.length < door.slots.length) await this.#prove(door, proof ?? null);
      await this.#saveDoor({ ...door, slots: [...kept, await slotFor(key, secret, this.#platform)] });
    },
    removeUnlockWay: ({ credential, proof }) => this.#removeUnlockWay(credential, proof),
    restore: ({ recoveryCode, name, secret }) => this.#restore(recoveryCode, name, secret),
    lookInvitation: async ({ invitation, name }) => {
      if (name !== undefined) checkedName(name);
      const secret = invitation === null ? null : parseInvitation(invitation);
      const server = this.#platform.connect(this.#config.url, {});
      const { inviter, expires } = await server.account.lookAtInvitation(secret);
      return {
        inviter: inviter === null ? null : { account: inviter, name: nameOfInviter(inviter, invitation) },
        expires: expires === null ? null : unixSeconds(expires),
      };
    },
    beginPairing: ({ deviceName, secret }) => this.#pair(deviceName, secret),
    cancelPairing: async () => {
      if (this.#state.kind !== "signed-out") return;
      const { pairing } = this.#state;
      // It is a device of the account already: it goes on with what has come.
      if (isLetIn(pairing)) {
        this.#pairing?.history.abort();
        // Who the person is comes first: before that there is nothing to go on with, and it ends.
        if (pairing.kind === "receiving" && pairing.done === 0) await this.#pairing?.ended;
        return;
      }
      this.#pairing?.begin.abort();
      this.#show({ ...this.#state, pairing: null });
    },
    startOver: async () => {
      const { kind } = this.#state;
      // Whoever has it open elsewhere keeps it: without the lock nothing is touched.
      if ((kind !== "locked" && kind !== "failed") || this.#release === null) throw notNow();
      await this.#platform.erase();
      this.#door = null;
      this.#show(this.#atDoor());
    },
    deleteAccount: async () => {
      const { session } = this.#opened();
      if (session.account === null)
        throw new ClientError("offline", "there is no connection: try again when there is");
      for (const thread of session.threads.values()) await session.sayLeaving(thread);
      await session.account.delete();
      await this.#shut();
      await this.#platform.erase();
      this.#door = null;
      this.#show(this.#atDoor());
    },
  };

  #alone<T>(run: () => Promise<T> | T): Promise<T> {
    const result = this.#busy.then(run);
    this.#busy = result.catch(() => {});
    return result;
  }

  async #begin(): Promise<void> {
    try {
      const release = await this.#platform.lock(this.#yield);
      if (release === null) return this.#show({ kind: "elsewhere" });
      await this.#beginWith(release);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #beginWith(release: () => void): Promise<void> {
    this.#release = release;
    try {
      const saved = await this.#platform.door.load();
      this.#door = saved === null ? null : parseDoor(saved);
      this.#show(this.#atDoor());
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * A device is being let in, this one or by this one: that writes until it is done or given up, and somebody waits for it
   * at the other end.
   */
  get #isPairing(): boolean {
    return this.#pairing !== null || isUnderWay(this.#open?.session.state.pairing ?? null);
  }

  /** The person wants to go on elsewhere: what was promised is saved, and nothing is touched from then on. */
  readonly #yield = (): "pairing" | null => {
    if (this.#isPairing) return "pairing";
    void this.#alone(async () => {
      if (this.#release === null || this.#isPairing) return;
      await this.#shut();
      this.#door = null;
      this.#show({ kind: "elsewhere" });
      this.#release?.();
      this.#release = null;
    });
    return null;
  };

  /**
   * A device that is none yet becomes one of an account, in whichever way `enter` is. `settle`: before it is saved that
   * there is one; `saved`: afterwards, before it is open.
   */
  async #beginDevice(
    name: string,
    secret: UnlockSecret,
    enter: Enter,
    {
      settle = async () => {},
      saved = async () => {},
    }: {
      readonly settle?: (session: Session) => Promise<void>;
      readonly saved?: () => Promise<void>;
    } = {},
  ): Promise<Session> {
    if (this.#state.kind !== "signed-out") throw notNow();
    const checked = name === "" ? "" : checkedName(name);
    const key = newStorageKey(this.#platform.random);
    const slot = await slotFor(key, secret, this.#platform);
    const storage = await this.#platform.storage(key);
    try {
      const session = await Session.open(this.#platform, this.#config, storage, { name: checked, enter });
      await settle(session);
      // The door comes last: without it, the next start finds an empty device and begins anew.
      // A device that was restored or let in has its person's name from there.
      await this.#saveDoor({ name: session.profile.name, account: session.me, slots: [slot] });
      await saved();
      this.#enter(session, storage, key);
      return session;
    } catch (error) {
      storage.close?.();
      await this.#platform.erase();
      throw error;
    }
  }

  async #signUp({ invitation, name, deviceName, secret }: IntentInput<"signUp">): Promise<void> {
    const options = {
      audience: this.#config.origin,
      ...(invitation === null ? {} : { invitation: parseInvitation(invitation) }),
      ...(deviceName === undefined ? {} : { deviceName }),
    };
    await this.#beginDevice(name, secret, (context) => Account.create(context, options), {
      settle: async ({ account, people }) => {
        const inviter = account?.inviter ?? null;
        if (inviter === null) return;
        people.meet(inviter);
        people.named(inviter, nameOfInviter(inviter, invitation));
        await people.save();
      },
    });
  }

  async #restore(code: string, name: string, secret: UnlockSecret): Promise<void> {
    const session = await this.#beginDevice(name, secret, async (context) => {
      const options = { audience: this.#config.origin, deviceName: name };
      const restored = await Account.restore(context, code, options);
      await takeBackups(context.storage, restored.backups);
      return restored.account;
    });
    try {
      await session.account?.heal();
      await session.refreshDevices();
    } catch (error) {
      // It is noted, and the first round with a connection goes on with it.
      if (!mayPass(error)) throw error;
    }
  }

  /** ACC-30: the answer is in the state, step by step, until the other device has let this one in. */
  async #pair(deviceName: string, secret: UnlockSecret): Promise<void> {
    if (this.#state.kind !== "signed-out" || isLetIn(this.#state.pairing)) throw notNow();
    const [begin, taking] = [new AbortController(), new AbortController()];
    this.#pairing?.begin.abort();
    // What it leaves is erased, and nothing that is new by then.
    await this.#pairing?.ended;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const pairing = { begin, history: taking, ended };
    this.#pairing = pairing;
    const { signal } = begin;
    const show = (view: PairingGuestView | null): void => {
      if (this.#state.kind === "signed-out" && !signal.aborted) this.#show({ ...this.#state, pairing: view });
    };
    let hasBegun = false;
    let isIn = false;
    let isShort = false;
    const begun = new Promise<void>((resolve, reject) => {
      const enter: Enter = async (context) => {
        const guest = await startPairing(context, { audience: this.#config.origin, deviceName });
        const { code, qr } = guest;
        show({ kind: "code", code, qr });
        hasBegun = true;
        resolve();
        show({ kind: "digits", digits: await guest.digits({ signal }) });
        const granted = (): void => {
          signal.throwIfAborted();
          isIn = true;
          show({ kind: "receiving", done: 0, total: null });
        };
        const { account, history } = await guest.finish({ signal, granted, hurry: taking.signal });
        const records = receiveHistory(context.server.account, history, { signal: taking.signal });
        let broken: unknown = null;
        const come = upTo(records, (error) => {
          broken = error;
        });
        await takeKeepsakes(context.storage, come, (progress) => show({ kind: "receiving", ...progress }));
        // ACC-46. Without who the person is there is nothing to go on with, and who was taken out again is out.
        const isNobody = !(await Profile.isIn(context.storage));
        if (broken !== null && (isRevoked(broken) || isNobody)) throw broken;
        if (isNobody && taking.signal.aborted) throw new ClientError("pairing-stopped", "begin again");
        isShort = broken !== null;
        return account;
      };
      const saved = async (): Promise<void> => {
        if (!isShort || taking.signal.aborted) return;
        const read = new Promise((resolve) => taking.signal.addEventListener("abort", resolve));
        show({ kind: "came-short" });
        await read;
      };
      this.#beginDevice("", secret, enter, { saved })
        .catch((error: unknown) => {
          // Nobody waits for it any more: that it ended, and why, stands in the state.
          const code = isIn && taking.signal.aborted ? "pairing-stopped" : codeOf(error);
          if (isIn && !isRevoked(error)) show({ kind: "abandoned", code });
          else show(hasBegun ? { kind: "ended", code } : null);
          reject(error);
        })
        .finally(() => {
          if (this.#pairing === pairing) this.#pairing = null;
          end();
        });
    });
    await begun;
  }

  async #unlock(secret: UnlockSecret): Promise<void> {
    const door = this.#door;
    if (this.#state.kind !== "locked" || door === null) throw notNow();
    const key = await opened(door, secret);
    const storage = await this.#platform.storage(key);
    try {
      this.#enter(
        await Session.open(this.#platform, this.#config, storage, { name: door.name }),
        storage,
        key,
      );
    } catch (error) {
      storage.close?.();
      this.#fail(error);
      throw error;
    }
  }

  /**
   * `credential`: `null` is the passphrase; a passkey that is none of this device's ways is no error. `proof`: a way that
   * stays, which has to open. Throws ClientError "unlock-way-last", "unlock-refused".
   */
  async #removeUnlockWay(credential: string | null, proof: UnlockSecret | null): Promise<void> {
    const door = this.#knownDoor();
    const slots = door.slots.filter(
      (slot) => (slot.kind === "prf" ? slot.credentialId : null) !== credential,
    );
    if (slots.length === door.slots.length) return;
    if (slots.length === 0) {
      throw new ClientError("unlock-way-last", "nothing else opens this device: add another way first");
    }
    await this.#prove({ ...door, slots }, proof);
    await this.#saveDoor({ ...door, slots });
  }

  /** No way to unlock goes before one of these has opened: whoever finds the device open locks nobody out. */
  async #prove(door: Door, proof: UnlockSecret | null): Promise<void> {
    if (proof === null) throw new ClientError("unlock-refused", "first show that a way opens this device");
    (await opened(door, proof)).fill(0);
  }

  #enter(session: Session, storage: Open["storage"], key: Uint8Array): void {
    session.onState = (state) => {
      if (this.#open?.session === session) this.#show(state);
    };
    session.onThread = (conversation, change) => {
      for (const listener of this.#threadListeners) listener(conversation, change);
    };
    const failed = (error: unknown): void => {
      if (this.#open?.session === session) this.#fail(error);
    };
    session.onName = (name) =>
      void this.#alone(async () => {
        if (this.#open?.session === session) await this.#saveDoor({ ...this.#knownDoor(), name });
      }).catch(failed);
    const forget = (credential: string, proof: UnlockSecret | null) =>
      this.#alone(() => this.#removeUnlockWay(credential, proof));
    const handlers = { ...talkIntents(session), ...accountIntents(session, forget) };
    this.#open = { session, storage, key, handlers };
    this.#show(session.state);
    session.start(failed);
  }

  async #shut(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    await open.session.stop();
    open.storage.close?.();
    open.key.fill(0);
  }

  #atDoor(): AppState {
    const deployment = { url: this.#config.url, origin: this.#config.origin };
    if (this.#door === null) return { kind: "signed-out", deployment, pairing: null };
    const { name, account } = this.#door;
    return { kind: "locked", deployment, name, account, ways: waysOf(this.#door) };
  }

  #knownDoor(): Door {
    if (this.#door === null) throw notNow();
    return this.#door;
  }

  async #saveDoor(door: Door): Promise<void> {
    await this.#platform.door.save(formatDoor(door));
    this.#door = door;
  }

  #opened(): Open {
    if (this.#open === null || this.#state.kind !== "ready") throw notNow();
    return this.#open;
  }

  #show(state: AppState): void {
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }

  /** Crash-only: what stands in memory may be ahead of what is saved, so nothing goes on with it. */
  #fail(error: unknown): void {
    if (this.#state.kind === "failed") return;
    const code = failureOf(error);
    const open = this.#open;
    this.#open = null;
    this.#show({ kind: "failed", code });
    void open?.session.stop().catch(() => {});
  }
}

/** A device of the account already, and not yet open. */
function isLetIn(
  pairing: PairingGuestView | null,
): pairing is Extract<PairingGuestView, { kind: "receiving" | "came-short" }> {
  return pairing?.kind === "receiving" || pairing?.kind === "came-short";
}

function isRevoked(error: unknown): boolean {
  return codeOf(error) === "device-revoked";
}

/** What came before it broke off. */
async function* upTo<T>(items: AsyncIterable<T>, broke: (error: unknown) => void): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    broke(error);
  }
}

/** A link that names somebody else than the server does names nobody. */
function nameOfInviter(inviter: AccountId, invitation: string | null): string {
  const code = invitation === null ? null : contactInInvitation(invitation);
  if (code === null) return "";
  try {
    const { account, name } = parseContactCode(code);
    return account === inviter ? name : "";
  } catch (error) {
    if (codeOf(error) === "contact-code-malformed") return "";
    throw error;
  }
}

function notNow(): ClientError {
  return new ClientError("not-now", "this cannot be done now");
}
