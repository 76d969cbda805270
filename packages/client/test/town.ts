// People, a public log and a server in memory: shared by this package's tests. The server keeps an order and epochs as
// the real one does; a test can make it lose answers, hold items back and lie.
import { randomBytes } from "node:crypto";
import { type Charter, formatEntry, type LogEntry, verifyNoticeCard } from "@porchlight/charter";
import {
  type AccountId,
  type ConversationId,
  type DayNumber,
  dayNumber,
  dayStart,
  hex,
  parseDay,
  periodOf,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { accountOf } from "@porchlight/envelope";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { appendLeaves, EMPTY_FRONTIER, encodeEntries, entriesPath, leafHash } from "@porchlight/tlog";
import { nodeSuite as tlogSuite } from "@porchlight/tlog/node";
import {
  type ClaimedKeyPackage,
  LIMITS,
  type LogSource,
  type NewItem,
  type PendingWelcome,
  type StoredItem,
  WireError,
} from "@porchlight/wire";
import {
  charterDocument,
  charterOf,
  checkpointOf,
  keysDocument,
  POLICY,
  signedCharter,
  signedKeys,
} from "../../../vectors/fixture/deployment.ts";
import {
  CharterBook,
  type Content,
  type ConversationEvent,
  type DeliveryService,
  Member,
  type MemberContext,
  memoryStorage,
  type Seat,
  type Storage,
} from "../src/index.ts";

const suite = await nodeMlsSuite();
export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
export const DAY = parseDay("2026-11-22");

export function noon(day: number = DAY): UnixSeconds {
  return unixSeconds(dayStart(dayNumber(day)) + 43_200);
}

type Thread = {
  readonly items: StoredItem[];
  readonly keys: Map<string, number>;
  epoch: number;
  day: DayNumber;
};

/** What the network does to the next submission. */
type Fault = "lose-request" | "lose-answer";

export class Town {
  now: UnixSeconds = noon();
  readonly clock = { now: (): UnixSeconds => this.now };
  readonly threads = new Map<ConversationId, Thread>();
  readonly keyPackages = new Map<AccountId, (ClaimedKeyPackage & { readonly leftAt: UnixSeconds })[]>();
  readonly welcomes: { readonly to: AccountId; readonly welcome: PendingWelcome }[] = [];
  readonly entries: LogEntry[] = [];
  /** Devices of each account that logged in, and which of them acknowledged a Welcome. */
  readonly #devices = new Map<AccountId, Set<string>>();
  readonly #acknowledged = new Map<string, Set<string>>();
  /** Submissions so far, in order. */
  submissions = 0;
  fault: Fault | null = null;
  /** Called before each submission is looked at: a place to force a race. */
  beforeSubmit: (() => Promise<void>) | null = null;
  /** Called before each read, with the seconds that the reader is ready to wait. */
  beforeItems: ((wait: number | undefined) => Promise<void>) | null = null;
  #logTime: UnixSeconds | null = null;

  /** A log with this charter and the keys of the period of its days. */
  async publish(charter: Charter, days: readonly number[] = [DAY]): Promise<void> {
    this.entries.push({ type: "charter", document: await signedCharter(charter) });
    for (const period of new Set(days.map((day) => periodOf(dayNumber(day))))) {
      this.entries.push({ type: "keys", document: await signedKeys(keysDocument(charter, period)) });
    }
  }

  /** Checkpoints are timed `now` unless the log was frozen. */
  freezeLog(at: UnixSeconds | null): void {
    this.#logTime = at;
  }

  get log(): LogSource {
    const tiles = () =>
      appendLeaves(
        EMPTY_FRONTIER,
        this.entries.map((entry) => leafHash(formatEntry(entry), tlogSuite)),
        tlogSuite,
      ).newTiles;
    return {
      checkpoint: async () => checkpointOf(this.entries, this.#logTime ?? this.now).note,
      file: async (path) => {
        if (path === entriesPath(0, this.entries.length)) return encodeEntries(this.entries.map(formatEntry));
        return tiles().find((tile) => tile.path === path)?.hashes ?? null;
      },
    };
  }

  book(storage: Storage = memoryStorage()): Promise<CharterBook> {
    return CharterBook.open({
      source: this.log,
      policy: POLICY,
      storage,
      clock: this.clock,
      suite: tlogSuite,
    });
  }

  thread(conversation: ConversationId): Thread {
    const thread = this.threads.get(conversation);
    if (thread === undefined)
      throw new WireError("refused", "no such conversation", { refusal: "forbidden" });
    return thread;
  }

  /** The server as one device sees it. */
  service(): DeliveryService {
    let account: AccountId | null = null;
    let deviceKey = new Uint8Array(0);
    const own = (): AccountId => {
      if (account === null) throw new WireError("refused", "log in first", { refusal: "unauthenticated" });
      return account;
    };
    return {
      register: async (login) => {
        deviceKey = Uint8Array.from(login.deviceKey);
        account = accountOf(login.credential.subarray(1, 33));
        this.#devices.set(account, (this.#devices.get(account) ?? new Set()).add(hex(deviceKey)));
        return { token: "token", account, expires: unixSeconds(this.now + 3600), inviter: null };
      },
      publishNoticeKey: async (card) => {
        if (verifyNoticeCard(card).account !== own()) {
          throw new WireError("refused", "not the account's", { refusal: "credential-refused" });
        }
      },
      publishKeyPackages: async (keyPackages) => {
        const kept = this.keyPackages.get(own()) ?? [];
        kept.push(...keyPackages.map((keyPackage) => ({ deviceKey, keyPackage, leftAt: this.now })));
        this.keyPackages.set(own(), kept);
      },
      claimKeyPackages: async (of, devices) => {
        const oldest = this.now - LIMITS.keyPackageDays * 86_400;
        const kept = (this.keyPackages.get(of) ?? []).filter(({ leftAt }) => leftAt >= oldest);
        const asked = devices?.map((key) => hex(key));
        const claimed = new Map(
          kept
            .filter((one) => asked?.includes(hex(one.deviceKey)) ?? true)
            .map((one) => [hex(one.deviceKey), one]),
        );
        if (claimed.size === 0) throw new WireError("refused", "none left", { refusal: "no-key-package" });
        this.keyPackages.set(
          of,
          kept.filter((one) => claimed.get(hex(one.deviceKey)) !== one),
        );
        return [...claimed.values()];
      },
      createConversation: async ({ conversation, charter, day }) => {
        this.threads.set(conversation, { items: [], keys: new Map(), epoch: 0, day });
        return { conversation, charter, groupId: new Uint8Array(32), epoch: 0, day, head: 0 };
      },
      submit: async (conversation, items) => {
        await this.beforeSubmit?.();
        this.submissions++;
        const { fault } = this;
        this.fault = null;
        if (fault === "lose-request") throw new WireError("unreachable", "no connection");
        const seqs = this.#take(conversation, own(), items);
        if (fault === "lose-answer") throw new WireError("unreachable", "no connection");
        return seqs;
      },
      items: async (conversation, after, options = {}) => {
        await this.beforeItems?.(options.wait);
        const { items } = this.thread(conversation);
        return {
          items: items.filter(({ seq }) => seq > after).slice(0, options.limit ?? 1000),
          head: items.length,
        };
      },
      welcomes: async () =>
        this.welcomes
          .filter(
            ({ to, welcome }) =>
              to === own() && this.#acknowledged.get(welcome.id)?.has(hex(deviceKey)) !== true,
          )
          .map(({ welcome }) => welcome),
      acknowledgeWelcomes: async (ids) => {
        for (const id of ids) {
          this.#acknowledged.set(id, (this.#acknowledged.get(id) ?? new Set()).add(hex(deviceKey)));
        }
        const left = this.welcomes.filter(
          ({ to, welcome }) =>
            to !== own() ||
            !ids.includes(welcome.id) ||
            (this.#acknowledged.get(welcome.id)?.size ?? 0) < (this.#devices.get(to)?.size ?? 1),
        );
        this.welcomes.splice(0, this.welcomes.length, ...left);
        for (const id of ids) {
          if (!left.some(({ welcome }) => welcome.id === id)) this.#acknowledged.delete(id);
        }
      },
    };
  }

  #take(conversation: ConversationId, submitter: AccountId, items: readonly NewItem[]): number[] {
    const thread = this.thread(conversation);
    const known = items.map(({ key }) => thread.keys.get(`${submitter} ${key}`));
    if (known.every((seq) => seq !== undefined)) return known;
    const head = { seq: thread.items.length, epoch: thread.epoch };
    return items.map((item) => {
      // A group that follows a ReInit begins again at epoch 0.
      const restarts = item.kind === "commit" && item.epoch === 0 && thread.epoch > 0;
      if (item.epoch !== thread.epoch && !restarts) {
        const refusal = item.kind === "commit" ? "conflict" : "stale-epoch";
        throw new WireError("refused", "the conversation has moved on", { refusal, head });
      }
      const seq = thread.items.length + 1;
      const { kind, epoch, bytes } = item;
      thread.items.push({ seq, kind, epoch, submitter, at: this.now, bytes: bytes.slice() });
      thread.keys.set(`${submitter} ${item.key}`, seq);
      if (item.kind === "commit") {
        thread.epoch = item.epoch + 1;
        const { welcome } = item;
        for (const to of welcome?.accounts ?? []) {
          this.welcomes.push({
            to,
            welcome: {
              id: hex(random(8)),
              conversation,
              charter: null,
              seq,
              epoch: thread.epoch,
              sender: submitter,
              bytes: welcome?.bytes ?? new Uint8Array(0),
              tree: welcome?.tree ?? null,
            },
          });
        }
      }
      return seq;
    });
  }

  async context(
    storage: Storage = memoryStorage(),
    charters: CharterBook | null = null,
  ): Promise<MemberContext> {
    return { server: this.service(), storage, clock: this.clock, random, suite, charters };
  }

  /** Somebody with a device, logged in, with key packages published. */
  async person(
    options: { identitySeed?: Uint8Array; storage?: Storage; charters?: CharterBook | null } = {},
  ): Promise<Member> {
    const context = await this.context(options.storage, options.charters ?? null);
    const member = await Member.create(context, options.identitySeed ?? random(32));
    await member.login("log");
    await member.publishKeyPackages(3);
    return member;
  }

  /** The same device after a crash: only what its storage held is left. */
  async reopen(storage: Storage, charters: CharterBook | null = null): Promise<Member> {
    const member = await Member.open(await this.context(storage, charters));
    await member.login("log");
    return member;
  }
}

export async function courtCharter(): Promise<Charter> {
  return charterOf("court");
}

export { charterDocument };

let count = 0;

export function says(text: string, at: UnixSeconds = noon()): Content {
  return { id: `m${++count}`, at, text };
}

/** The texts of all messages among events. */
export function texts(events: readonly ConversationEvent[]): string[] {
  return events.flatMap((event) => (event.kind === "message" ? [event.content.text] : []));
}

export function kinds(events: readonly ConversationEvent[]): string[] {
  return events.map((event) =>
    event.kind === "refused" ? `refused ${event.item}: ${event.code}` : event.kind,
  );
}

/** The first member's conversation with the others in it, everybody joined. */
export async function gather(
  members: readonly Member[],
  charter: Charter | null = null,
): Promise<readonly Seat[]> {
  const [first, ...others] = members;
  if (first === undefined) throw new Error("nobody");
  const seat = await first.createConversation({ charter: charter?.id ?? null });
  if (others.length > 0) await seat.changeMembers({ adds: others.map(({ account }) => account) });
  for (const other of others) await other.join();
  return members.map((member) => member.seat(seat.id));
}
