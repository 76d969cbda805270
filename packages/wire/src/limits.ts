/** Sizes that the server refuses to exceed (DEL-2). Bytes where nothing else is said; all are before base64. */
export const LIMITS = {
  /** A whole JSON request body, base64 included. */
  body: 16 * 1024 * 1024,
  /** Items of one delivery batch. */
  batchItems: 256,
  message: 256 * 1024,
  commit: 2 * 1024 * 1024,
  envelope: 16 * 1024,
  welcome: 4 * 1024 * 1024,
  tree: 4 * 1024 * 1024,
  /** Accounts that one Welcome may be for. */
  welcomeAccounts: 1000,
  keyPackage: 8 * 1024,
  keyPackagesPerRequest: 100,
  /** Unclaimed key packages that the server keeps for one device. */
  keyPackagesPerDevice: 200,
  /** Days for which the server hands a key package out: fewer than it is valid, so that who claims it can use it. */
  keyPackageDays: 80,
  credential: 512,
  idempotencyKey: 64,
  /** Items in one page of a read; a page also ends after `pageBytes`. */
  page: 1000,
  pageBytes: 4 * 1024 * 1024,
  /** Labels of one request for material, and bytes of wire messages and envelopes after which its answer ends (DEL-73). */
  materialLabels: 100,
  materialBytes: 1024 * 1024,
  /** Seconds that a long poll may wait. */
  wait: 60,
  /** Conversations that one frame subscribes to; more take further frames. */
  cursors: 1000,
  /** Conversations that one stream is subscribed to. */
  subscriptions: 20_000,
  /** One `submit` frame, and so the largest WebSocket message that the server takes: two of them. */
  streamSubmit: 1024 * 1024,
  streamMessage: 2 * 1024 * 1024,
  /** What is typed, seen or present: told to who is there, never stored. */
  ephemeral: 1024,
  /** The JSON of a refusal. */
  refusal: 4096,
  /** Receive windows that a client may ask for, in bytes of frames. */
  windowMinimum: 64 * 1024,
  windowMaximum: 16 * 1024 * 1024,
  /** Bytes of every part of an attachment's ciphertext but the last. */
  attachmentPart: 1024 * 1024,
  /** An attachment's ciphertext: 1 GiB of content, a tag for each part and the key commitment (ATT-2). */
  attachment: 1024 * 1024 * 1024 + 1025 * 16 + 32,
  /** One message of a pairing, one recovery record, one request of an account to its conversations. */
  pairingMessage: 8 * 1024,
  recoveryRecord: 4 * 1024,
  accountRequest: 16 * 1024,
  /** One chunk of a backup or of what goes from device to device. */
  streamChunk: 1024 * 1024 + 256,
  logEntry: 65_535,
  /** A nonce sealed to a notice key. */
  contestChallenge: 2 * 1024,
  /** UTF-16 units of free text (CHA-6). */
  prose: 20_000,
  /** A signed warrant with its signed statement. */
  warrant: 256 * 1024,
  /** A request to a keyholder, JSON (KEY-40). */
  keyholderRequest: 1024 * 1024,
  /** Conversations, and other sides, that one addition to an order has (KEY-32). */
  furtherItems: 1000,
} as const;
