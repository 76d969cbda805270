import { type AccountId, type ConversationId, equalBytes, fromHex, hex } from "@porchlight/encoding";
import {
  type AccountRequest,
  EnvelopeError,
  makeAccountRequest,
  verifyAccountRequest,
} from "@porchlight/envelope";
import { deviceKeyOf, MlsError } from "@porchlight/mls";
import {
  type DeviceInfo,
  type InvitationInfo,
  type PasskeyInfo,
  type Role,
  WireError,
} from "@porchlight/wire";
import {
  type AccountRecord,
  type Attendance,
  type Errand,
  loadAccount,
  loadIdentity,
  saveAccount,
  saveIdentity,
} from "./account-record.ts";
import { Backup, type BackupState, readBackups } from "./backup.ts";
import type { AccountContext } from "./context.ts";
import { ClientError } from "./error.ts";
import { invitationHash } from "./invitation.ts";
import { Member } from "./member.ts";
import { PairingHost } from "./pairing-host.ts";
import { pairingId, parseOffer } from "./pairing-message.ts";
import {
  formatRecoveryCode,
  openRecovery,
  parseRecoveryCode,
  recoverySeed,
  sealRecovery,
} from "./recovery-code.ts";
import { STREAM_START } from "./sealed-stream.ts";
import type { Seat } from "./seat.ts";

/** Key packages that a device keeps at the server. */
const KEY_PACKAGES = 20;
const MOST_KEY_PACKAGES = 200;
const INVITATION_DAYS = 7;
/** Seconds for which a request is good, and by which the asking device's clock may be ahead (ACC-61). */
const REQUEST_LIFETIME = 30 * 86_400;
const CLOCK_TOLERANCE = 600;

type AccountOptions = {
  /** The log's origin: from the charter or the configuration, never from the server. */
  readonly audience: string;
  readonly deviceName?: string;
};

/**
 * A person's account on this device: its devices, what lets it in and back in, and what its other devices and other
 * people's need of this one. Conversations are the {@link member}'s.
 */
export class Account {
  readonly member: Member;
  /** Who invited; `null` where the operator did, or nobody had to. */
  readonly inviter: AccountId | null;
  /** Whether this device has the identity key, and can approve others (ACC-35). */
  readonly holdsIdentity: boolean;
  /** Told before an account that asks for it is removed (ACC-62), whatever the occasion. */
  onLetGo: LetGo = async () => {};
  readonly #context: AccountContext;
  readonly #audience: string;
  #record: AccountRecord;
  #backup: Backup | null = null;
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(parts: {
    readonly context: AccountContext;
    readonly audience: string;
    readonly member: Member;
    readonly inviter: AccountId | null;
    readonly holdsIdentity: boolean;
    readonly record: AccountRecord;
  }) {
    this.#context = parts.context;
    this.#audience = parts.audience;
    this.member = parts.member;
    this.inviter = parts.inviter;
    this.holdsIdentity = parts.holdsIdentity;
    this.#record = parts.record;
    this.#openBackup();
  }

  /**
   * A new account with this as its first device. Where a crash came in between it goes on with what is there.
   * `invitation`: the secret of one, where the deployment asks for it.
   */
  static async create(
    context: AccountContext,
    options: AccountOptions & { readonly invitation?: Uint8Array },
  ): Promise<Account> {
    const { storage, random } = context;
    let seed = await loadIdentity(storage);
    if (seed === null) {
      seed = random(32);
      await saveIdentity(storage, seed);
    }
    const isThere = (await storage.load("device")) !== null;
    const member = isThere ? await Member.open(context) : await Member.create(context, seed);
    return await Account.#enter(context, member, options);
  }

  /** The account as it was saved here, logged in. Throws ClientError "not-created". */
  static async open(context: AccountContext, options: AccountOptions): Promise<Account> {
    return await Account.#enter(context, await Member.open(context), options);
  }

  /** The account of a device that is open already, once the server can be reached. Logs in. */
  static attach(context: AccountContext, member: Member, options: AccountOptions): Promise<Account> {
    return Account.#enter(context, member, options);
  }

  /** For {@link PairingGuest}: this device was let in by another, which has the identity key. */
  static async enter(
    context: AccountContext,
    member: Member,
    options: AccountOptions & { readonly backupKey: Uint8Array | null; readonly keyPackages: number },
  ): Promise<Account> {
    const { backupKey, keyPackages } = options;
    const backup: BackupState | null =
      backupKey === null ? null : { key: backupKey, generation: 0, place: STREAM_START };
    await saveAccount(context.storage, { ...(await loadAccount(context.storage)), backup });
    return await Account.#enter(context, member, options, keyPackages);
  }

  /**
   * ACC-50 to ACC-52: a new device of the account behind a recovery code, in an empty storage, and the records of the
   * backup, device by device. `lost`: the devices that there were. {@link heal} is due, whatever comes in between. Throws
   * ClientError "code-malformed", "recovery-refused".
   */
  static async restore(
    context: AccountContext,
    code: string,
    options: AccountOptions,
  ): Promise<{
    readonly account: Account;
    readonly backups: AsyncIterable<AsyncIterable<Uint8Array>>;
    readonly lost: readonly DeviceInfo[];
  }> {
    const { server, suite, storage } = context;
    const secret = parseRecoveryCode(code);
    const seed = recoverySeed(secret);
    const sign = (message: Uint8Array): Uint8Array => suite.primitives.ed25519Sign(seed, message);
    let sealed: Uint8Array;
    try {
      sealed = await server.account.openRecovery(options.audience, deviceKeyOf(seed), sign);
    } catch (cause) {
      if (!(cause instanceof WireError) || cause.refusal !== "recovery-refused") throw cause;
      throw new ClientError(
        "recovery-refused",
        "this recovery code opens nothing here: look for typing errors",
        {
          cause,
        },
      );
    }
    const { identitySeed, backupKey } = await openRecovery(secret, sealed);
    await saveIdentity(storage, identitySeed);
    const isThere = (await storage.load("device")) !== null;
    const member = isThere ? await Member.open(context) : await Member.create(context, identitySeed);
    if (!equalBytes(member.device.identityKey, deviceKeyOf(identitySeed))) {
      throw new ClientError("state-corrupt", "this storage belongs to another account: take an empty one");
    }
    const account = await Account.enter(context, member, {
      ...options,
      backupKey,
      keyPackages: KEY_PACKAGES,
    });
    const lost = (await account.devices()).filter(({ current, revoked }) => !current && revoked === null);
    await account.#keep({ healing: lost.map(({ deviceKey }) => hex(deviceKey)) });
    return { account, backups: readBackups(server.account, backupKey), lost };
  }

  static async #enter(
    context: AccountContext,
    member: Member,
    options: AccountOptions & { readonly invitation?: Uint8Array },
    keyPackages: number = KEY_PACKAGES,
  ): Promise<Account> {
    const { storage } = context;
    const { audience, invitation, deviceName } = options;
    const inviter = await member.login(audience, {
      ...(invitation === undefined ? {} : { invitation }),
      ...(deviceName === undefined ? {} : { deviceName }),
    });
    await member.replenishKeyPackages(keyPackages);
    const record = await loadAccount(storage);
    const holdsIdentity = (await loadIdentity(storage)) !== null;
    return new Account({ context, audience, member, inviter, holdsIdentity, record });
  }

  get id(): AccountId {
    return this.member.account;
  }

  get #server() {
    return this.#context.server.account;
  }

  // Devices and sessions

  devices(): Promise<DeviceInfo[]> {
    return this.#server.devices();
  }

  async renameDevice(name: string): Promise<void> {
    await this.#server.nameDevice(name);
  }

  async endSession(id: string): Promise<void> {
    await this.#server.endSession(id);
  }

  /**
   * Takes a device out: at the server first, so that it reads and sends nothing more, then by a commit in each
   * conversation. What could not be done now {@link attend} does later.
   */
  async removeDevice(deviceKey: Uint8Array): Promise<Attendance> {
    if (equalBytes(deviceKey, this.member.device.deviceKey)) {
      throw new ClientError("not-in-conversation", "a device cannot remove itself: use another one");
    }
    await this.#addErrands([
      { act: "remove", deviceKey: hex(deviceKey), conversations: this.#activeSeats() },
    ]);
    await this.#server.revokeDevice(deviceKey);
    return await this.attend();
  }

  /** What the server knows of the account, for an export of everything. Plain JSON but for bytes. */
  async ownData(): Promise<{
    readonly account: Awaited<ReturnType<AccountContext["server"]["account"]["own"]>>;
    readonly devices: readonly DeviceInfo[];
    readonly passkeys: readonly PasskeyInfo[];
    readonly invitations: readonly InvitationInfo[];
  }> {
    const server = this.#server;
    return {
      account: await server.own(),
      devices: await server.devices(),
      passkeys: await server.passkeys(),
      invitations: await server.invitations(),
    };
  }

  // Invitations

  /** The secret for {@link invitationLink}; it is nowhere else. */
  async invite(
    options: { readonly days?: number; readonly role?: Role } = {},
  ): Promise<{ readonly secret: Uint8Array; readonly invitation: InvitationInfo }> {
    const secret = this.#context.random(32);
    const { days = INVITATION_DAYS, role = "member" } = options;
    const invitation = await this.#server.invite({ secretHash: invitationHash(secret), days, role });
    return { secret, invitation };
  }

  invitations(): Promise<InvitationInfo[]> {
    return this.#server.invitations();
  }

  async revokeInvitation(invitation: InvitationInfo): Promise<void> {
    await this.#server.revokeInvitation(invitation.secretHash);
  }

  // Pairing

  /** New devices whose person signed in with a passkey of this account, and that wait to be let in (ACC-25). */
  async waitingDevices(): Promise<readonly { readonly id: Uint8Array; readonly deviceName: string }[]> {
    const waiting = await this.#server.waitingPairings();
    return waiting.map(({ id, offer }) => ({ id, deviceName: parseOffer(offer).name }));
  }

  /**
   * Takes up the pairing of a code, of what a QR code holds, or of an id among {@link waitingDevices}, and waits for the
   * new device; aborted by the signal, it refuses it. Throws ClientError "identity-not-here", "code-malformed",
   * "pairing-altered", "pairing-over", "pairing-stopped".
   */
  async pair(
    code: string | Uint8Array,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<PairingHost> {
    const identitySeed = await this.#identity();
    const isErrand = (errand: Errand, deviceKey: Uint8Array): boolean =>
      errand.act === "add" && errand.deviceKey === hex(deviceKey);
    return await PairingHost.begin({
      ...this.#context,
      identitySeed,
      device: this.member.device,
      id: typeof code === "string" ? pairingId(code) : code,
      conversations: () => this.#activeSeats(),
      backupKey: this.#record.backup?.key ?? null,
      // Noted before the grant leaves: a crash in between forgets nobody.
      granted: (deviceKey) =>
        this.#addErrands([{ act: "add", deviceKey: hex(deviceKey), conversations: this.#activeSeats() }]),
      withheld: (deviceKey) =>
        this.#keep({ errands: this.#record.errands.filter((errand) => !isErrand(errand, deviceKey)) }),
      spread: () => this.attend(),
      isDue: (deviceKey) => this.#record.errands.some((errand) => isErrand(errand, deviceKey)),
      ...options,
    });
  }

  async #identity(): Promise<Uint8Array> {
    const seed = await loadIdentity(this.#context.storage);
    if (seed !== null) return seed;
    throw new ClientError(
      "identity-not-here",
      "this device cannot do that: use the account's first one, or the recovery code",
    );
  }

  // Recovery

  /**
   * A new recovery code, to be shown once and written down, and a new, empty backup. The code of before opens nothing any
   * more. After an error nobody knows whether that is so already: called again, it goes on with the same code. Throws
   * ClientError "identity-not-here".
   */
  async enableRecovery(): Promise<string> {
    const { random } = this.#context;
    const identitySeed = await this.#identity();
    const streams = await this.#server.backups();
    const recovery = this.#record.recovery ?? { secret: random(16), key: random(32) };
    await this.#keep({ recovery });
    const { secret, key } = recovery;
    const sealed = await sealRecovery(secret, { identitySeed, backupKey: key }, random(32));
    await this.#server.setRecovery({ recoveryKey: deviceKeyOf(recoverySeed(secret)), sealed });
    await this.#backup?.end();
    const own = hex(this.member.device.deviceKey);
    const generations = streams.flatMap(({ deviceKey, generation }) =>
      hex(deviceKey) === own ? [generation] : [],
    );
    const generation = Math.max(this.#record.backup?.generation ?? -1, -1, ...generations) + 1;
    // Under keys that no code opens any more. Deleted later: the person has the new code first.
    const outdated = streams.map((stream) => ({
      deviceKey: hex(stream.deviceKey),
      before: stream.generation + 1,
    }));
    await this.#keep({ recovery: null, backup: { key, generation, place: STREAM_START }, outdated });
    this.#openBackup();
    return formatRecoveryCode(secret);
  }

  /** Whether a recovery code was asked for, and nobody knows whether the server has it: {@link enableRecovery} again. */
  get isRecoveryUnfinished(): boolean {
    return this.#record.recovery !== null;
  }

  /** Deletes backups at the server that no code opens any more. Cheap where there are none. */
  async dropOutdated(): Promise<void> {
    const { outdated } = this.#record;
    if (outdated.length === 0) return;
    for (const { deviceKey, before } of outdated) {
      await this.#server.pruneBackups(fromHex(deviceKey, 32), before);
    }
    await this.#keep({ outdated: this.#record.outdated.filter((one) => !outdated.includes(one)) });
  }

  /** `null` where no recovery code was made, or a newer backup was begun on another device. */
  get backup(): Backup | null {
    return this.#backup;
  }

  /** Whether {@link heal} has something to do. */
  get isHealing(): boolean {
    return this.#record.healing !== null;
  }

  /**
   * ACC-60: after {@link restore}: the lost devices are revoked at the server, and each conversation is asked to let this
   * device in and them out. Members do it when they come online. What an error or the program's end keeps from being done
   * {@link attend} does later; done twice it is as good as once.
   */
  heal(): Promise<readonly ConversationId[]> {
    const result = this.#busy.then(() => this.#heal());
    this.#busy = result.catch(() => {});
    return result;
  }

  async #heal(): Promise<readonly ConversationId[]> {
    const { healing } = this.#record;
    if (healing === null) return [];
    const seed = await this.#identity();
    const { server, suite } = this.#context;
    const keys = healing.map((key) => fromHex(key, 32));
    for (const deviceKey of keys) await this.#server.revokeDevice(deviceKey);
    const conversations = (await server.conversations()).map(({ conversation }) => conversation);
    // Each conversation takes one.
    await this.member.replenishKeyPackages(Math.min(MOST_KEY_PACKAGES, KEY_PACKAGES + conversations.length));
    for (const conversation of conversations) {
      try {
        await this.#ask("rejoin", conversation, keys, (message) =>
          suite.primitives.ed25519Sign(seed, message),
        );
      } catch (error) {
        // The others have let the account go meanwhile: that keeps it out of no other conversation.
        if (!(error instanceof WireError) || error.refusal !== "forbidden") throw error;
      }
    }
    await this.#keep({ healing: null });
    return conversations;
  }

  /** Asks the others to remove all of the account's devices: nobody can remove itself. */
  async leave(conversation: ConversationId): Promise<void> {
    const { suite } = this.#context;
    const { deviceSeed } = this.member.device;
    await this.#ask("leave", conversation, [], (message) =>
      suite.primitives.ed25519Sign(deviceSeed, message),
    );
  }

  async #ask(
    kind: AccountRequest["kind"],
    conversation: ConversationId,
    lost: readonly Uint8Array[],
    sign: (message: Uint8Array) => Uint8Array,
  ): Promise<void> {
    const { deviceKey, credential } = this.member.device;
    const at = this.#context.clock.now();
    const request = { kind, deviceKey, credential, conversation, at, lost };
    await this.#server.postRequest({
      conversation,
      document: makeAccountRequest(request, this.#audience, sign),
    });
  }

  /** Leaves everywhere and deletes the account at the server. What is on this device is for the caller to delete. */
  async delete(): Promise<void> {
    for (const seat of this.member.seats) {
      if (seat.kind !== "removed") await this.leave(seat.id);
    }
    await this.#server.delete(this.id);
  }

  // What others need of this device

  /**
   * Does what waits: a return that is not asked for everywhere, own devices that are to be added or removed, and requests of other accounts in shared conversations
   * (ACC-61). To be called after each sync; cheap where nothing waits.
   */
  attend(): Promise<Attendance> {
    const result = this.#busy.then(async () => {
      await this.#heal();
      const outcomes = [...(await this.#runErrands()), ...(await this.#answerRequests())];
      const those = (wanted: Outcome) =>
        outcomes.flatMap(({ conversation, account, outcome }) =>
          outcome === wanted ? [{ conversation, account }] : [],
        );
      return { done: those("done"), refused: those("refused"), left: this.#record.errands.length };
    });
    this.#busy = result.catch(() => {});
    return result;
  }

  async #runErrands(): Promise<readonly Attended[]> {
    const attended: Attended[] = [];
    for (const errand of this.#record.errands) {
      const left: string[] = [];
      for (const conversation of errand.conversations) {
        const seat = this.#seat(conversation);
        if (seat === null) continue;
        const outcome = await this.#run(seat, errand);
        if (outcome === "later") left.push(conversation);
        else attended.push({ conversation: seat.id, account: this.id, outcome });
      }
      const others = this.#record.errands.filter((one) => one !== errand);
      await this.#keep({
        errands: left.length === 0 ? others : [...others, { ...errand, conversations: left }],
      });
    }
    return attended;
  }

  async #run(seat: Seat, { act, deviceKey }: Errand): Promise<Outcome | "later"> {
    const key = fromHex(deviceKey, 32);
    return await tried(() =>
      seat.changeMembers(
        act === "add" ? { addDevices: [{ account: this.id, deviceKey: key }] } : { removeDevices: [key] },
      ),
    );
  }

  async #answerRequests(): Promise<readonly Attended[]> {
    const attended: Attended[] = [];
    for (const { conversation, document } of await this.#server.takeRequests()) {
      const seat = this.#seat(conversation);
      if (seat === null) continue;
      await seat.sync();
      const request = this.#acceptable(seat, document);
      if (request === null) continue;
      const { account, deviceKey } = request;
      if (request.kind === "leave") await this.onLetGo(seat.id, account);
      const outcome = await tried(() =>
        seat.changeMembers(
          request.kind === "leave"
            ? { removes: [account] }
            : { addDevices: [{ account, deviceKey }], removeDevices: this.#lostIn(seat, request) },
        ),
      );
      if (outcome === "later") continue;
      await this.#keep({
        requests: { ...this.#record.requests, [`${conversation} ${account}`]: request.at },
      });
      attended.push({ conversation, account, outcome });
    }
    return attended;
  }

  /** ACC-61: verified, of a member, of these days, and newer than the last of this account here. */
  #acceptable(seat: Seat, document: Uint8Array): AccountRequest | null {
    let request: AccountRequest;
    try {
      request = verifyAccountRequest(document, this.#audience, this.#context.suite.primitives);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      return null;
    }
    const now = this.#context.clock.now();
    const newest = this.#record.requests[`${seat.id} ${request.account}`] ?? 0;
    const isTimely =
      request.at > newest && request.at > now - REQUEST_LIFETIME && request.at <= now + CLOCK_TOLERANCE;
    const isMember = seat.members.some(({ account }) => account === request.account);
    const isOther = request.kind === "rejoin" || request.account !== this.id;
    return request.conversation === seat.id && isTimely && isMember && isOther ? request : null;
  }

  /** Only devices of the account that asks: nobody has another's devices removed. */
  #lostIn(seat: Seat, { account, lost }: AccountRequest): readonly Uint8Array[] {
    const own = new Set(
      seat.members.filter((member) => member.account === account).map(({ deviceKey }) => hex(deviceKey)),
    );
    const here = this.member.device.deviceKey;
    return lost.filter((key) => own.has(hex(key)) && !equalBytes(key, here));
  }

  #seat(conversation: string): Seat | null {
    return this.member.seats.find(({ id, kind }) => id === conversation && kind === "active") ?? null;
  }

  #activeSeats(): ConversationId[] {
    return this.member.seats.filter(({ kind }) => kind === "active").map(({ id }) => id);
  }

  async #addErrands(errands: readonly Errand[]): Promise<void> {
    await this.#keep({ errands: [...this.#record.errands, ...errands] });
  }

  async #keep(change: Partial<AccountRecord>): Promise<void> {
    const record = { ...this.#record, ...change };
    await saveAccount(this.#context.storage, record);
    this.#record = record;
  }

  #openBackup(): void {
    const { backup } = this.#record;
    const { storage, random } = this.#context;
    const { deviceKey } = this.member.device;
    if (backup === null) {
      this.#backup = null;
      return;
    }
    const parts = { server: this.#server, storage, random, deviceKey };
    const opened = new Backup(parts, backup, async (state) => {
      if (this.#backup !== opened) return;
      await this.#keep({ backup: state });
      if (state === null) this.#backup = null;
    });
    this.#backup = opened;
  }
}

type LetGo = (conversation: ConversationId, account: AccountId) => Promise<void>;

/** "refused": the server tried to put somebody else in. */
type Outcome = "done" | "refused";

type Attended = {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly outcome: Outcome;
};

/** "later": somebody was offline, the day's clock is off, others committed first. */
async function tried(act: () => Promise<void>): Promise<Outcome | "later"> {
  try {
    await act();
    return "done";
  } catch (error) {
    if (error instanceof ClientError && error.code === "key-package-refused") return "refused";
    const isExpected =
      error instanceof ClientError ||
      error instanceof MlsError ||
      (error instanceof WireError && (error.retryable || error.refusal === "no-key-package"));
    if (!isExpected) throw error;
    return "later";
  }
}
