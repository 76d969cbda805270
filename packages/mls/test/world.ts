// People, devices and a server that orders what they send: shared by this package's tests.
import { randomBytes } from "node:crypto";
import {
  type AccountId,
  charterId,
  type DayNumber,
  dayNumber,
  dayStart,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import {
  type ActiveConversation,
  acceptEnvelope,
  applyCommit,
  attachTerms,
  type CharterTerms,
  type Conversation,
  createConversation,
  createDevice,
  createKeyPackage,
  type Decryption,
  decryptMessage,
  type Encryption,
  encryptMessage,
  joinConversation,
  type MlsSuite,
  makeEnvelope,
  type OwnDevice,
  type PreparedCommit,
  prepareCommit,
} from "../src/index.ts";
import { nodeMlsSuite } from "../src/node-provider.ts";

export const suite: MlsSuite = await nodeMlsSuite();
export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
/** 2026-11-22. */
export const DAY = dayNumber(20_779);
export const TERMS: CharterTerms = {
  charter: charterId("c4".repeat(32)),
  validFrom: dayNumber(DAY - 30),
  validUntil: dayNumber(DAY + 30),
};

export function noon(day: DayNumber = DAY): UnixSeconds {
  return unixSeconds(dayStart(day) + 43_200);
}

export function person(identitySeed = random(32), on: MlsSuite = suite): OwnDevice {
  return createDevice({ suite: on, identitySeed, random });
}

export type Seat = { readonly device: OwnDevice; conversation: ActiveConversation };

/** Everything that was sent, in the server's order, and who is there. */
export class Room {
  readonly seats: Seat[];
  day: DayNumber;

  private constructor(first: Seat, day: DayNumber) {
    this.seats = [first];
    this.day = day;
  }

  static async of(size: number, terms: CharterTerms | null = null, day = DAY): Promise<Room> {
    const device = person();
    const created = await createConversation({
      device,
      charter: terms?.charter ?? null,
      day,
      now: noon(day),
      random,
    });
    const room = new Room({ device, conversation: withTerms(created, terms) }, day);
    if (size > 1)
      await room.add(
        room.seat(0),
        Array.from({ length: size - 1 }, () => person()),
        terms,
      );
    return room;
  }

  seat(index: number): Seat {
    const seat = this.seats[index];
    if (seat === undefined) throw new Error(`no seat ${index}`);
    return seat;
  }

  async add(by: Seat, devices: readonly OwnDevice[], terms: CharterTerms | null = null): Promise<Seat[]> {
    const keyPackages = await Promise.all(devices.map((device) => createKeyPackage(device, noon(this.day))));
    const made = await prepareCommit(by.conversation, {
      adds: keyPackages.map((one) => one.public),
      day: this.day,
    });
    await this.take(by, made);
    const joined = await Promise.all(
      devices.map(async (device, index): Promise<Seat> => {
        const keyPackage = keyPackages[index];
        if (keyPackage === undefined || made.welcome === undefined) throw new Error("no welcome");
        const conversation = await joinConversation({
          device,
          keyPackage,
          welcome: made.welcome,
          ratchetTree: made.ratchetTree,
          submitter: by.device.account,
          now: noon(this.day),
        });
        return { device, conversation: withTerms(conversation, terms) };
      }),
    );
    this.seats.push(...joined);
    return joined;
  }

  /** The server takes this commit: everybody applies it, the removed leave. */
  async take(by: Seat, made: PreparedCommit): Promise<void> {
    this.day = made.pending.day;
    for (const seat of this.seats.slice()) {
      if (seat === by) {
        seat.conversation = made.pending;
        made.spent.erase();
        continue;
      }
      const { conversation, spent } = await applyCommit(seat.conversation, made.commit, {
        submitter: by.device.account,
        now: noon(this.day),
        arrival: "live",
      });
      spent.erase();
      if (conversation.kind === "active") seat.conversation = conversation;
      else this.seats.splice(this.seats.indexOf(seat), 1);
    }
  }

  /** A seat commits: adds nobody, removes these accounts, on this day. */
  async commit(
    by: Seat,
    change: { removes?: readonly AccountId[]; day?: DayNumber } = {},
  ): Promise<PreparedCommit> {
    const made = await prepareCommit(by.conversation, {
      removes: change.removes ?? [],
      day: change.day ?? this.day,
    });
    await this.take(by, made);
    return made;
  }

  /** A seat posts its envelope and everybody accepts it. */
  escrow(by: Seat, keys: EscrowKeys): Uint8Array {
    const { conversation, envelope } = makeEnvelope(by.conversation, keys);
    for (const seat of this.seats) {
      seat.conversation =
        seat === by
          ? conversation
          : acceptEnvelope(seat.conversation, envelope, keys, { submitter: by.device.account });
    }
    return envelope;
  }

  async send(by: Seat, text: string): Promise<Uint8Array> {
    const made = sent(await encrypt(by.conversation, text));
    by.conversation = made.conversation;
    return made.wire;
  }

  receive(at: Seat, wire: Uint8Array, from: Seat): Promise<Decryption> {
    return receive(at.conversation, wire, from.device.account);
  }
}

function withTerms(conversation: ActiveConversation, terms: CharterTerms | null): ActiveConversation {
  return terms === null ? conversation : attachTerms(conversation, terms);
}

export function encrypt(
  conversation: ActiveConversation,
  text: string,
  now?: UnixSeconds,
): Promise<Encryption> {
  return encryptMessage(conversation, {
    content: new TextEncoder().encode(text),
    frankingKey: random(32),
    now: now ?? noon(conversation.day),
  });
}

export function receive(
  conversation: ActiveConversation,
  wire: Uint8Array,
  submitter: AccountId,
  now?: UnixSeconds,
  arrival: "live" | "stored" = "live",
): Promise<Decryption> {
  return decryptMessage(conversation, wire, { submitter, now: now ?? noon(conversation.day), arrival });
}

export function sent(made: Encryption): Extract<Encryption, { kind: "encrypted" }> {
  if (made.kind !== "encrypted") throw new Error(`not encrypted: ${made.kind}`);
  return made;
}

export function read(opened: Decryption): Extract<Decryption, { kind: "message" }> {
  if (opened.kind !== "message") throw new Error(`refused: ${opened.code}`);
  return opened;
}

export function text(opened: Decryption): string {
  return new TextDecoder().decode(read(opened).content);
}

export function active(conversation: Conversation): ActiveConversation {
  if (conversation.kind !== "active") throw new Error(`not active: ${conversation.kind}`);
  return conversation;
}

/** The code of the MlsError that a promise or a function ends with. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
  return "accepted";
}
