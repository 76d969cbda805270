import { createHash, randomBytes } from "node:crypto";
import { makeNoticeCard, noticeSeedOf } from "@porchlight/charter";
import {
  type AccountId,
  type ConversationId,
  type DayNumber,
  hex,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import {
  type ActiveConversation,
  applyCommit,
  attachTerms,
  type CharterTerms,
  createDevice,
  createKeyPackage,
  encryptMessage,
  epochOf,
  joinConversation,
  type MlsSuite,
  makeEnvelope,
  type OwnDevice,
  type OwnKeyPackage,
} from "@porchlight/mls";
import { xwingKeygen } from "@porchlight/quorum";
import type { ServerClient, StoredItem } from "@porchlight/wire";
import type { ChatLine } from "./chat.ts";
import { DeploymentError } from "./error.ts";

/** Random bytes for the keys of people: from the system, or, for a replay that names a seed, derived from it. */
export function keyMaterial(
  seed: string | null,
  ...names: readonly string[]
): (length: number) => Uint8Array {
  if (seed === null) return (length) => new Uint8Array(randomBytes(length));
  let count = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const hash = createHash("sha256").update(JSON.stringify([seed, names, count++]));
      bytes.set(hash.digest().subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  };
}

function idempotencyKey(): string {
  return hex(randomBytes(16));
}

/** How a line of a chat travels: the content that the sender's device encrypts. */
function contentOf(line: ChatLine): Uint8Array {
  const { at, text, kind } = line;
  return utf8(
    JSON.stringify({ id: hex(randomBytes(16)), at, text, ...(kind === undefined ? {} : { kind }) }),
  );
}

/**
 * One person of a replayed chat: an account, one device, and that device's own state of the conversation. It sends and
 * follows commits; reading what others wrote is the reader's work, or a replay of n people would decrypt n² times.
 */
export class Speaker {
  readonly name: string;
  readonly device: OwnDevice;
  readonly client: ServerClient;
  /** Reads the account's notices. */
  readonly noticeSeed: Uint8Array;
  readonly #noticeCard: Uint8Array;
  conversation: ActiveConversation | null = null;
  #waiting: OwnKeyPackage | null = null;

  constructor(input: {
    readonly name: string;
    readonly suite: MlsSuite;
    readonly client: ServerClient;
    readonly random: (length: number) => Uint8Array;
  }) {
    this.name = input.name;
    this.client = input.client;
    const { suite, random } = input;
    const identitySeed = random(32);
    this.device = createDevice({ suite, identitySeed, random });
    this.noticeSeed = noticeSeedOf(identitySeed);
    this.#noticeCard = makeNoticeCard({
      identityKey: this.device.identityKey,
      xwing: xwingKeygen(this.noticeSeed).publicKey,
      sign: (message) => suite.primitives.ed25519Sign(identitySeed, message),
    });
  }

  get account(): AccountId {
    return this.device.account;
  }

  get active(): ActiveConversation {
    if (this.conversation === null)
      throw new DeploymentError("state-mismatch", "a person is not in the conversation");
    return this.conversation;
  }

  async register(audience: string): Promise<void> {
    const { device } = this;
    await this.client.register({
      audience,
      deviceKey: device.deviceKey,
      credential: device.credential,
      sign: (message) => device.suite.primitives.ed25519Sign(device.deviceSeed, message),
    });
    await this.client.publishNoticeKey(this.#noticeCard);
  }

  /** Publishes one key package, which the next commit that adds this person uses up. */
  async offer(now: UnixSeconds): Promise<void> {
    this.#waiting = await createKeyPackage(this.device, now);
    await this.client.publishKeyPackages([this.#waiting.public]);
  }

  async join(conversation: ConversationId, terms: CharterTerms, now: UnixSeconds): Promise<void> {
    const keyPackage = this.#waiting;
    const welcome = (await this.client.welcomes()).find((pending) => pending.conversation === conversation);
    if (keyPackage === null || welcome?.tree == null) {
      throw new DeploymentError("state-mismatch", "the server has no welcome for a person that was added");
    }
    const joined = await joinConversation({
      device: this.device,
      keyPackage,
      welcome: welcome.bytes,
      ratchetTree: welcome.tree,
      submitter: welcome.sender,
      now,
    });
    this.conversation = attachTerms(joined, terms);
    this.#waiting = null;
    await this.client.acknowledgeWelcomes([welcome.id]);
  }

  async follow(commit: StoredItem, now: UnixSeconds): Promise<void> {
    const applied = await applyCommit(this.active, commit.bytes, {
      submitter: commit.submitter,
      now,
      arrival: "live",
    });
    applied.spent.erase();
    this.conversation = applied.conversation.kind === "active" ? applied.conversation : null;
  }

  /** Posts the epoch's envelope, without which nothing of this device would be taken; its length in bytes. */
  async announce(keys: EscrowKeys): Promise<number> {
    const { conversation, envelope } = makeEnvelope(this.active, keys);
    const epoch = epochOf(this.active);
    await this.client.submit(conversation.id, [
      { kind: "envelope", key: idempotencyKey(), epoch, bytes: envelope },
    ]);
    this.conversation = conversation;
    return envelope.length;
  }

  /** Sends lines in order. */
  async say(lines: readonly ChatLine[], now: UnixSeconds): Promise<void> {
    const items: Parameters<ServerClient["submit"]>[1][number][] = [];
    const epoch = epochOf(this.active);
    for (const line of lines) {
      const message = { content: contentOf(line), frankingKey: new Uint8Array(randomBytes(32)), now };
      const sent = await encryptMessage(this.active, message);
      if (sent.kind !== "encrypted") {
        throw new DeploymentError("state-mismatch", `a message could not be encrypted: ${sent.kind}`);
      }
      this.conversation = sent.conversation;
      items.push({ kind: "message", key: idempotencyKey(), epoch, bytes: sent.wire });
      sent.spent.erase();
    }
    await this.client.submit(this.active.id, items);
  }
}

/** Terms of a charter as a device needs them. */
export function termsOf(charter: {
  readonly id: CharterTerms["charter"];
  readonly validFrom: DayNumber;
  readonly validUntil: DayNumber;
}): CharterTerms {
  return { charter: charter.id, validFrom: charter.validFrom, validUntil: charter.validUntil };
}
