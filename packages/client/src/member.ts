import {
  type AccountId,
  type CharterId,
  type ConversationId,
  conversationId,
  fromUtf8,
  hex,
  utf8,
} from "@porchlight/encoding";
import {
  type ActiveConversation,
  attachTerms,
  createConversation,
  createDevice,
  createKeyPackage,
  deviceDay,
  joinContinued,
  joinConversation,
  lastDayOf,
  MlsError,
  membersOf,
  type OwnDevice,
  type OwnKeyPackage,
  recipientOf,
} from "@porchlight/mls";
import { LIMITS, type PendingWelcome } from "@porchlight/wire";
import type { DeviceContext, MemberContext } from "./context.ts";
import { type DeviceRecord, formatDeviceRecord, parseDeviceRecord } from "./device-record.ts";
import { ClientError } from "./error.ts";
import type { ConversationEvent } from "./events.ts";
import { bookOf, knownDevice } from "./intake.ts";
import { formatNoticeKey, makeNoticeKey, type NoticeKey, parseNoticeKey } from "./notice-key.ts";
import { recordName, Seat } from "./seat.ts";

const DEVICE_RECORD = "device";
const NOTICE_RECORD = "notice-key";
/** Ids of Welcomes that were told of and still wait. */
const TOLD_RECORD = "told-welcomes";
const TOLD_WELCOMES = 1000;
/** A key package that is valid for fewer days than this is replaced: the server stops handing it out soon (DEL-13). */
const REPLENISH_DAYS = 30;

/**
 * A person's device as a client of the server: its account, its key packages and its conversations. Everything that a
 * restart must not lose is in the storage before it has an effect elsewhere.
 */
export class Member {
  readonly #context: DeviceContext;
  readonly #seats = new Map<ConversationId, Seat>();
  #keyPackages: readonly OwnKeyPackage[];
  /** The account's notice key: each of its devices has it. */
  readonly noticeKey: NoticeKey;

  private constructor(context: DeviceContext, keyPackages: readonly OwnKeyPackage[], noticeKey: NoticeKey) {
    this.#context = context;
    this.#keyPackages = keyPackages;
    this.noticeKey = noticeKey;
  }

  /**
   * A new device of the account behind `identitySeed` (Ed25519 seed, 32 bytes). The seed is used here only: whoever
   * wants to add further devices keeps it. Throws where the storage has a device already.
   */
  static async create(context: MemberContext, identitySeed: Uint8Array): Promise<Member> {
    const { storage, suite, random } = context;
    if ((await storage.load(DEVICE_RECORD)) !== null) {
      throw new ClientError(
        "state-corrupt",
        "this storage belongs to another device: open it, or take an empty one",
      );
    }
    const device = createDevice({ suite, identitySeed, random });
    const noticeKey = makeNoticeKey(identitySeed, device.identityKey, suite);
    await storage.save(NOTICE_RECORD, formatNoticeKey(noticeKey));
    await storage.save(DEVICE_RECORD, formatDeviceRecord({ device, keyPackages: [] }));
    return new Member({ ...context, device }, [], noticeKey);
  }

  /**
   * A device whose credential was made elsewhere: where the identity key is. The notice key comes from there too, and is
   * the caller's to check. Throws where the storage has another device already.
   */
  static async adopt(context: MemberContext, device: OwnDevice, noticeKey: NoticeKey): Promise<Member> {
    const { storage } = context;
    if ((await storage.load(DEVICE_RECORD)) !== null) {
      throw new ClientError("state-corrupt", "this storage belongs to another device: take an empty one");
    }
    await storage.save(NOTICE_RECORD, formatNoticeKey(noticeKey));
    await storage.save(DEVICE_RECORD, formatDeviceRecord({ device, keyPackages: [] }));
    return new Member({ ...context, device }, [], noticeKey);
  }

  /** The device and its conversations as they were saved. Throws ClientError "not-created" or "state-corrupt". */
  static async open(context: MemberContext): Promise<Member> {
    const { storage, suite } = context;
    const saved = await storage.load(DEVICE_RECORD);
    if (saved === null) throw new ClientError("not-created", "there is no device here yet: create one");
    const { device, keyPackages } = parseDeviceRecord(suite, saved);
    const noticeKey = await storage.load(NOTICE_RECORD);
    if (noticeKey === null)
      throw new ClientError("state-corrupt", "the account's notice key is missing here");
    const member = new Member({ ...context, device }, keyPackages, parseNoticeKey(noticeKey));
    const prefix = recordName("");
    for (const name of await storage.list()) {
      if (!name.startsWith(prefix)) continue;
      const record = await storage.load(name);
      if (record === null) continue;
      const seat = Seat.restore(member.#context, record);
      member.#seats.set(conversationId(name.slice(prefix.length)), seat);
    }
    return member;
  }

  get account(): AccountId {
    return this.#context.device.account;
  }

  get device(): OwnDevice {
    return this.#context.device;
  }

  get seats(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  /** Throws ClientError "unknown-conversation". */
  seat(conversation: ConversationId): Seat {
    const seat = this.#seats.get(conversation);
    if (seat === undefined)
      throw new ClientError("unknown-conversation", "this device is in no such conversation");
    return seat;
  }

  /**
   * Logs this device in, and registers the account where the server does not know it: there with an invitation's secret,
   * where the deployment asks for one. `audience`: the log's origin. Who invited, where the server says.
   */
  async login(
    audience: string,
    options: { readonly invitation?: Uint8Array; readonly deviceName?: string } = {},
  ): Promise<AccountId | null> {
    const { server, device, suite } = this.#context;
    const login = {
      audience,
      deviceKey: device.deviceKey,
      credential: device.credential,
      sign: (message: Uint8Array) => suite.primitives.ed25519Sign(device.deviceSeed, message),
    };
    const { inviter } = await server.register(login, options);
    // Without it the server takes no envelope: nobody is openable who could not be told.
    await server.publishNoticeKey(this.noticeKey.card);
    return inviter;
  }

  /** Publishes fresh key packages; each lets somebody add this device once. Their private halves are saved first. */
  async publishKeyPackages(count: number): Promise<void> {
    const { server, clock, device } = this.#context;
    for (let left = count; left > 0; left -= LIMITS.keyPackagesPerRequest) {
      const fresh: OwnKeyPackage[] = [];
      for (let i = 0; i < Math.min(left, LIMITS.keyPackagesPerRequest); i++) {
        fresh.push(await createKeyPackage(device, clock.now()));
      }
      await this.#saveKeyPackages([...this.#keyPackages, ...fresh]);
      await server.publishKeyPackages(fresh.map((one) => one.public));
    }
  }

  /**
   * Publishes as many as it takes for `count` to be there that others can use for some weeks: those that get old are
   * not handed out any more. To be called now and then, for a device that others can always add.
   */
  async replenishKeyPackages(count: number): Promise<void> {
    const until = deviceDay(this.#context.clock.now()) + REPLENISH_DAYS;
    const usable = this.#keyPackages.filter((own) => lastDayOf(own) >= until).length;
    if (usable < count) await this.publishKeyPackages(count - usable);
  }

  /** Key packages that were published and not used yet. */
  get keyPackagesLeft(): number {
    return this.#keyPackages.length;
  }

  /**
   * A new conversation, alone at first. With a charter it is verified before: that it is in the log, and signed by
   * everybody who could open the conversation. Throws ClientError "charter-unknown", "charter-over", "log-not-fresh".
   */
  async createConversation(options: { readonly charter: CharterId | null }): Promise<Seat> {
    const { server, clock, random, device, charters } = this.#context;
    const { charter } = options;
    if (charter !== null) await bookOf(this.#context).demandFresh();
    const now = clock.now();
    const day = deviceDay(now, charters?.checkpointTime);
    const created = await createConversation({ device, charter, day, now, random });
    const conversation = await this.#withTerms(created);
    const { terms } = conversation;
    if (terms !== null && (day < terms.validFrom || day > terms.validUntil)) {
      throw new ClientError("charter-over", "this charter is not in force today");
    }
    await server.createConversation({ conversation: conversation.id, charter, day });
    const seat = await Seat.begin(this.#context, conversation);
    this.#seats.set(conversation.id, seat);
    return seat;
  }

  /** Joins every conversation that this device was welcomed to; waits up to `wait` seconds for a first Welcome. */
  async join(
    options: { readonly wait?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly ConversationEvent[]> {
    const { server } = this.#context;
    const events: ConversationEvent[] = [];
    const welcomes = await server.welcomes(options);
    for (const welcome of welcomes) events.push(...(await this.#take(welcome)));
    if (welcomes.length === 0) await this.#eraseOldKeyPackages();
    return events;
  }

  /**
   * Joins, then reads everything new in every conversation. Where one of them cannot be read now, the others are all
   * the same, and the first error is thrown at the end: {@link Seat.events} has what happened.
   */
  async sync(): Promise<readonly ConversationEvent[]> {
    const events = [...(await this.join())];
    const errors: unknown[] = [];
    for (const seat of this.#seats.values()) {
      try {
        events.push(...(await seat.sync()));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return events;
  }

  async #take(welcome: PendingWelcome): Promise<readonly ConversationEvent[]> {
    const { suite, server } = this.#context;
    const refused = (code: Extract<ConversationEvent, { kind: "refused" }>["code"]): ConversationEvent => ({
      kind: "refused",
      conversation: welcome.conversation,
      seq: welcome.seq,
      received: this.#context.clock.now(),
      item: "welcome",
      code,
      submitter: welcome.sender,
    });
    let keyPackage: OwnKeyPackage | undefined;
    try {
      keyPackage = await recipientOf(suite, welcome.bytes, this.#keyPackages);
    } catch (error) {
      if (!(error instanceof MlsError)) throw error;
      await server.acknowledgeWelcomes([welcome.id]);
      return [refused(error.code)];
    }
    const known = this.#seats.get(welcome.conversation);
    const digest = hex(suite.primitives.hash(welcome.bytes));
    if (known?.welcome === digest) {
      // Joined already, and the acknowledgement was lost, or the machine died before it.
      await this.#joined(welcome, keyPackage);
      return [];
    }
    // For another device of this account, or made with a key package that this one has used up.
    if (keyPackage === undefined || welcome.tree === null) return [];
    // What happened before decides whether a second group of this id may begin (MLS-27).
    const before = known === undefined ? [] : await known.sync();
    // The Welcome waits until the person has answered.
    if (known !== undefined && known.proposed !== null) return before;
    if (known?.kind === "active") {
      await server.acknowledgeWelcomes([welcome.id]);
      return [...before, refused("second-group")];
    }
    let joined: ActiveConversation;
    try {
      joined = await this.#join(welcome, welcome.tree, keyPackage, known);
    } catch (error) {
      if (error instanceof ClientError && error.code === "charter-unknown") {
        return (await this.#isFirstTold(welcome)) ? [...before, refused(error.code)] : before;
      }
      if (!(error instanceof MlsError)) throw error;
      if (error.code === "day-ahead") {
        throw new ClientError(
          "clock-wrong",
          "this device's clock is behind the conversation's: set it right",
          {
            cause: error,
          },
        );
      }
      await server.acknowledgeWelcomes([welcome.id]);
      return [...before, refused(error.code)];
    }
    const event: ConversationEvent = {
      kind: "joined",
      conversation: joined.id,
      seq: welcome.seq,
      received: this.#context.clock.now(),
      inviter: welcome.sender,
      charter: joined.charter,
      members: membersOf(joined).map(knownDevice),
    };
    const joining = { cursor: welcome.seq, events: [event], welcome: digest };
    if (known !== undefined) await known.rejoin(joined, joining);
    else this.#seats.set(joined.id, await Seat.begin(this.#context, joined, joining));
    await this.#joined(welcome, keyPackage);
    return [...before, event];
  }

  /** MLS-16: the key package is erased before the server hears that its Welcome is done with. */
  async #joined(welcome: PendingWelcome, keyPackage: OwnKeyPackage | undefined): Promise<void> {
    if (keyPackage !== undefined) {
      await this.#saveKeyPackages(this.#keyPackages.filter((one) => one !== keyPackage));
    }
    await this.#context.server.acknowledgeWelcomes([welcome.id]);
  }

  /** A Welcome that waits for the log to show its charter is told of once, also over a restart. */
  async #isFirstTold({ id }: PendingWelcome): Promise<boolean> {
    const { storage } = this.#context;
    const saved = await storage.load(TOLD_RECORD);
    const told = saved === null ? [] : fromUtf8(saved).split(" ");
    if (told.includes(id)) return false;
    await storage.save(TOLD_RECORD, utf8([...told, id].slice(-TOLD_WELCOMES).join(" ")));
    return true;
  }

  async #join(
    welcome: PendingWelcome,
    ratchetTree: Uint8Array,
    keyPackage: OwnKeyPackage,
    known: Seat | undefined,
  ): Promise<ActiveConversation> {
    const { device, clock } = this.#context;
    const input = {
      device,
      keyPackage,
      welcome: welcome.bytes,
      ratchetTree,
      submitter: welcome.sender,
      now: clock.now(),
    };
    const current = known?.conversation;
    const joined =
      current?.kind === "suspended" ? await joinContinued(current, input) : await joinConversation(input);
    if (joined.id !== welcome.conversation) throw new MlsError("welcome-refused", "conversation id");
    return this.#withTerms(joined);
  }

  async #withTerms(conversation: ActiveConversation): Promise<ActiveConversation> {
    const { charter } = conversation;
    if (charter === null) return conversation;
    const { charters } = this.#context;
    if (charters === null)
      throw new ClientError("charter-unknown", "this client follows no log: it cannot verify a charter");
    return attachTerms(conversation, (await charters.charter(charter)).terms);
  }

  /** Nobody can add this device with them any more, and no Welcome made with them is waiting (MLS-12). */
  async #eraseOldKeyPackages(): Promise<void> {
    const today = deviceDay(this.#context.clock.now());
    const kept = this.#keyPackages.filter((own) => lastDayOf(own) + 1 >= today);
    if (kept.length < this.#keyPackages.length) await this.#saveKeyPackages(kept);
  }

  async #saveKeyPackages(keyPackages: readonly OwnKeyPackage[]): Promise<void> {
    const { storage, device } = this.#context;
    const record: DeviceRecord = { device, keyPackages };
    await storage.save(DEVICE_RECORD, formatDeviceRecord(record));
    this.#keyPackages = keyPackages;
  }
}
