import { NOTICE_CARD_LENGTH } from "@porchlight/charter";
import { concat, utf8, Writer } from "@porchlight/encoding";
import * as z from "zod";
import {
  accountIdText,
  bytes,
  charterIdText,
  conversationIdText,
  dayNumberValue,
  epochValue,
  fixedBytes,
  hexBytes,
  seqValue,
  unixSecondsValue,
} from "./codec.ts";
import { REFUSAL_CODES } from "./error.ts";
import { LIMITS } from "./limits.ts";

/** Body of every answer that is no success (DEL-3). */
export const refusalBody = z.object({
  code: z.enum(REFUSAL_CODES),
  message: z.string(),
  reason: z.string().optional(),
  item: z.int().optional(),
  head: z.object({ seq: seqValue, epoch: epochValue }).optional(),
  /** Seconds after which the same may be asked again. */
  retryAfter: z.int().optional(),
  /** Finds the request in the server's log, which holds no other id of anyone. */
  request: z.string().optional(),
});

/** NOT-2: the account's notice key, signed by its identity key. */
export const noticeCardRequest = z.strictObject({ card: fixedBytes(NOTICE_CARD_LENGTH) });

/** `audience` is the server's log origin; a client signs for the one it expects, so that no other server can relay. */
export const challengeAnswer = z.object({ nonce: fixedBytes(32), audience: z.string().max(255) });

const SESSION_DOMAIN = utf8("porchlight-v1/session\0");

/** DEL-11: what a device signs with its MLS signature key to open a session. */
export function sessionStatement(audience: string, nonce: Uint8Array): Uint8Array {
  return concat(SESSION_DOMAIN, new Writer().opaque(utf8(audience), 2).fixed(nonce, 32, "nonce").finish());
}

export const sessionRequest = z.strictObject({
  /** The device's MLS signature public key. */
  deviceKey: fixedBytes(32),
  /** ENV-10: the account's identity key and its signature over the device key. */
  credential: bytes(LIMITS.credential),
  nonce: fixedBytes(32),
  /** Ed25519 by the device key over {@link sessionStatement}. */
  signature: fixedBytes(64),
});
export const sessionAnswer = z.object({
  token: z.string().min(1).max(100),
  account: accountIdText,
  expires: unixSecondsValue,
});

export const keyPackagesRequest = z.strictObject({
  keyPackages: z.array(bytes(LIMITS.keyPackage)).min(1).max(LIMITS.keyPackagesPerRequest),
});
export const keyPackagesAnswer = z.object({ stored: z.int() });
/** `devices`: only of these (hex); all of the account's where it is left out. */
export const claimRequest = z.strictObject({ devices: z.array(hexBytes(32)).min(1).max(100).optional() });
/** One for each of the account's devices that has any left, each handed out once. */
export const claimAnswer = z.object({
  keyPackages: z.array(z.object({ deviceKey: fixedBytes(32), keyPackage: bytes(LIMITS.keyPackage) })),
});

export const conversationRequest = z.strictObject({
  /** Id of the first MLS group, which is the conversation's id for ever. */
  conversation: conversationIdText,
  charter: charterIdText.nullable(),
  /** Day of epoch 0, as the group's creation extension states it. */
  day: dayNumberValue,
  /** Leaf 0 of epoch 0 is the calling device. */
});
export const conversationAnswer = z.object({
  conversation: conversationIdText,
  charter: charterIdText.nullable(),
  /** Id of the current MLS group; differs from the conversation's id after a ReInit. */
  groupId: bytes(255),
  epoch: epochValue,
  day: dayNumberValue,
  /** Seq of the newest item, 0 before the first. */
  head: seqValue,
});
export const conversationsAnswer = z.object({ conversations: z.array(conversationAnswer) });

const idempotencyKey = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/);

export const welcomeValue = z.strictObject({
  /** Accounts that the Welcome is for; each must have been added by the commit. */
  accounts: z.array(accountIdText).min(1).max(LIMITS.welcomeAccounts),
  bytes: bytes(LIMITS.welcome),
  /** The ratchet tree, where the GroupInfo does not carry it. */
  tree: bytes(LIMITS.tree).nullable(),
});

export const itemRequest = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("commit"),
    key: idempotencyKey,
    /** The epoch that the commit was made in; accepted, it opens the next one. */
    epoch: epochValue,
    bytes: bytes(LIMITS.commit),
    welcome: welcomeValue.nullable(),
  }),
  z.strictObject({
    kind: z.literal("envelope"),
    key: idempotencyKey,
    epoch: epochValue,
    bytes: bytes(LIMITS.envelope),
  }),
  z.strictObject({
    kind: z.literal("message"),
    key: idempotencyKey,
    epoch: epochValue,
    bytes: bytes(LIMITS.message),
  }),
]);
export type ItemKind = "commit" | "envelope" | "message";

export const submitRequest = z.strictObject({ items: z.array(itemRequest).min(1).max(LIMITS.batchItems) });
/** Seqs in the order of the request's items; a repeated item has the seq that it got the first time. */
export const submitAnswer = z.object({ seqs: z.array(seqValue) });

export const storedItem = z.object({
  seq: seqValue,
  kind: z.enum(["commit", "envelope", "message"]),
  epoch: epochValue,
  /** Account whose session handed it in: the server's stamp. */
  submitter: accountIdText,
  /** Server's clock when it took it. */
  at: unixSecondsValue,
  bytes: bytes(LIMITS.commit),
});
export const itemsAnswer = z.object({
  items: z.array(storedItem),
  /** Newest seq of the conversation that the caller may read. */
  head: seqValue,
});

export const pendingWelcome = z.object({
  /** To acknowledge it with. */
  id: z.string().max(40),
  conversation: conversationIdText,
  charter: charterIdText.nullable(),
  /** The commit that added the account: read on from here. */
  seq: seqValue,
  /** Epoch that the Welcome leads into. */
  epoch: epochValue,
  sender: accountIdText,
  bytes: bytes(LIMITS.welcome),
  tree: bytes(LIMITS.tree).nullable(),
});
export const welcomesAnswer = z.object({ welcomes: z.array(pendingWelcome) });
export const welcomeAcknowledgement = z.strictObject({ ids: z.array(z.string().max(40)).min(1).max(1000) });

export const nothing = z.object({});

/** VAPID public key, an uncompressed P-256 point: what a browser subscribes for. */
export const pushKeyAnswer = z.object({ publicKey: fixedBytes(65) });

/** A browser's PushSubscription: where its push service takes messages, and what they are encrypted to (RFC 8291). */
export const pushSubscription = z.strictObject({
  endpoint: z.string().min(1).max(2048),
  p256dh: fixedBytes(65),
  auth: fixedBytes(16),
});

export type Session = z.output<typeof sessionAnswer>;
export type ClaimedKeyPackage = z.output<typeof claimAnswer>["keyPackages"][number];
export type NewConversation = z.output<typeof conversationRequest>;
export type Conversation = z.output<typeof conversationAnswer>;
export type NewItem = z.output<typeof itemRequest>;
export type WelcomeParcel = z.output<typeof welcomeValue>;
export type StoredItem = z.output<typeof storedItem>;
export type ItemPage = z.output<typeof itemsAnswer>;
export type PendingWelcome = z.output<typeof pendingWelcome>;
export type PushSubscription = z.output<typeof pushSubscription>;
