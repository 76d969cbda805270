/** Why a member could not do what was asked. Refusals of single items are events, not errors. */
export type ClientErrorCode =
  // content
  | "content-malformed"
  | "content-too-long"
  // conversations
  | "unknown-conversation"
  | "not-in-conversation"
  | "charter-change-pending"
  | "nothing-proposed"
  // charters
  | "charter-unknown"
  | "charter-over"
  | "keys-missing"
  | "log-not-fresh"
  | "log-refused"
  // sending
  | "clock-wrong"
  | "gave-up"
  | "no-key-package"
  | "key-package-refused"
  | "protocol-refused"
  // attachments
  | "upload-unknown"
  | "source-changed"
  | "file-unreadable"
  | "attachment-refused"
  | "transfer-cancelled"
  // messages
  | "unknown-message"
  | "not-the-author"
  | "already-sent"
  // people
  | "unknown-contact"
  | "contact-code-malformed"
  | "name-refused"
  // signing up, unlocking, devices
  | "invitation-refused"
  | "invitation-required"
  | "unlock-refused"
  /** A device opens in at most 32 ways, and in one at least. */
  | "unlock-ways-full"
  | "unlock-way-last"
  | "pairing-refused"
  | "recovery-refused"
  /** Why an order cannot be contested, or not any more (CONT-4). */
  | "contest-unproven"
  | "contest-not-yours"
  | "contest-twice"
  | "contest-revoked"
  | "contest-no-wait"
  | "contest-too-late"
  | "device-unknown"
  /** This device was removed from its account by another of the person's devices. */
  | "device-revoked"
  // the server
  | "offline"
  | "refused-by-server"
  | "quota"
  | "too-many-requests"
  | "server-not-understood"
  // accounts and devices
  | "identity-not-here"
  | "code-malformed"
  | "pairing-over"
  | "pairing-altered"
  | "pairing-stopped"
  /** The digits that were compared are not those of the pairing that waits now. */
  | "pairing-changed"
  /** The new device may be in, or not: the list of devices shows it. */
  | "pairing-unsure"
  | "stream-corrupt"
  | "invitation-malformed"
  // state
  | "not-now"
  /** Another program has this device open. */
  | "held-elsewhere"
  /** Another program has this device open, and is letting another device in. */
  | "pairing-elsewhere"
  | "state-corrupt"
  | "not-created"
  | "internal";

/** The message says what to do next; it never holds content, keys or ids. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
