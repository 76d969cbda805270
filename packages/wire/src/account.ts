import { type AccountId, type ConversationId, concat, utf8, Writer } from "@porchlight/encoding";
import * as z from "zod";
import { accountIdText, bytes, conversationIdText, fixedBytes, hexBytes, unixSecondsValue } from "./codec.ts";
import { sessionRequest } from "./delivery.ts";
import { LIMITS } from "./limits.ts";

// Accounts, devices and what belongs to them (spec/accounts.md).

/** What a person calls a device or a passkey. The server shows it to the account's own devices and to nobody else. */
export const labelText = z
  .string()
  .max(60)
  // No control characters and no direction overrides: it stands in lists beside others.
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);

export const ROLES = ["member", "moderator", "response-officer", "administrator"] as const;
/** What an account may do beyond talking. Ordered by nothing: each route names the roles that it takes (ACC-80). */
export type Role = (typeof ROLES)[number];
export const roleValue = z.enum(ROLES);

// Registration and sessions

/** ACC-1: a device logs in and, where its account is not known here, registers it. */
export const registrationRequest = z.strictObject({
  ...sessionRequest.shape,
  /** The invitation's secret; `null` where the account is known or the deployment is open. */
  invitation: fixedBytes(32).nullable(),
  deviceName: labelText,
});
export const registrationAnswer = z.object({
  token: z.string().min(1).max(100),
  account: accountIdText,
  expires: unixSecondsValue,
  /** Who invited; `null` where the operator did, or nobody had to. */
  inviter: accountIdText.nullable(),
});

/** First 16 bytes of the token's SHA-256, in hex: names a session, and opens nothing. */
const sessionIdText = z.string().regex(/^[0-9a-f]{32}$/);

const sessionInfo = z.object({
  id: sessionIdText,
  created: unixSecondsValue,
  /** The UTC day, as its first second: no closer than that (ACC-5). */
  lastUsed: unixSecondsValue,
  current: z.boolean(),
});
const deviceInfo = z.object({
  deviceKey: hexBytes(32),
  name: z.string(),
  created: unixSecondsValue,
  lastUsed: unixSecondsValue,
  current: z.boolean(),
  revoked: unixSecondsValue.nullable(),
  sessions: z.array(sessionInfo),
});
export const devicesAnswer = z.object({ devices: z.array(deviceInfo) });
export const deviceNameRequest = z.strictObject({ name: labelText });
export const deviceRequest = z.strictObject({ deviceKey: hexBytes(32) });
export const sessionEndRequest = z.strictObject({ id: sessionIdText });

export const ownAccountAnswer = z.object({
  account: accountIdText,
  created: unixSecondsValue,
  role: roleValue,
  inviter: accountIdText.nullable(),
  /** Bytes of backups and of what is on its way between devices, and how many there may be. */
  stored: z.int(),
  quota: z.int(),
  recovery: unixSecondsValue.nullable(),
});
/** ACC-90: the account's own id, so that no request deletes an account by mistake. */
export const accountDeletion = z.strictObject({ account: accountIdText });

// Invitations

export const invitationRequest = z.strictObject({
  /** SHA-256 of the secret, which the server never sees before it is used. */
  secretHash: hexBytes(32),
  days: z.int().min(1).max(30),
  role: roleValue,
});
const invitationInfo = z.object({
  secretHash: hexBytes(32),
  created: unixSecondsValue,
  expires: unixSecondsValue,
  role: roleValue,
  /** Who came with it. */
  usedBy: accountIdText.nullable(),
  usedAt: unixSecondsValue.nullable(),
});
export const invitationAnswer = invitationInfo;
export const invitationsAnswer = z.object({ invitations: z.array(invitationInfo) });
export const invitationLook = z.strictObject({ secret: fixedBytes(32).nullable() });
export const invitationLookAnswer = z.object({
  inviter: accountIdText.nullable(),
  expires: unixSecondsValue.nullable(),
});
export const invitationRevocation = z.strictObject({ secretHash: hexBytes(32) });

// Passkeys (WebAuthn). JSON as the browser's own toJSON() spells it; base64url without padding.

const base64urlText = (maximum: number) =>
  z
    .string()
    .max(maximum)
    .regex(/^[A-Za-z0-9_-]+$/);
const credentialIdText = base64urlText(1400);
const transports = z.array(z.string().max(20)).max(8);

/** What a page completes and hands to `navigator.credentials.create` (ACC-20). */
export const passkeyCreation = z.object({
  challenge: base64urlText(100),
  rp: z.object({ id: z.string(), name: z.string() }),
  /** A hash of the account: authenticators keep it, and must not learn more. */
  userId: base64urlText(100),
  exclude: z.array(z.object({ id: credentialIdText, transports })),
});
/** No extension results: those of PRF are a secret of the client's (ACC-23). */
export const passkeyRegistration = z.strictObject({
  id: credentialIdText,
  clientDataJSON: base64urlText(8000),
  attestationObject: base64urlText(16_000),
  transports,
  label: labelText,
});
const passkeyInfo = z.object({
  id: credentialIdText,
  label: z.string(),
  created: unixSecondsValue,
  lastUsed: unixSecondsValue.nullable(),
  transports,
  backedUp: z.boolean(),
});
export const passkeyAnswer = passkeyInfo;
export const passkeysAnswer = z.object({ passkeys: z.array(passkeyInfo) });
export const passkeyRemoval = z.strictObject({ id: credentialIdText });
export const passkeyChallenge = z.object({ challenge: base64urlText(100), rpId: z.string() });
export const passkeyAssertion = z.strictObject({
  id: credentialIdText,
  clientDataJSON: base64urlText(8000),
  authenticatorData: base64urlText(4000),
  signature: base64urlText(2000),
  /** A pairing that this device began: the account's devices are then told of it (ACC-25). */
  pairing: z.string().max(100).nullable(),
});
export const passkeySignInAnswer = z.object({ account: accountIdText });

// Pairing (ACC-30 …)

export const pairingRequest = z.strictObject({
  /** Hash of the code (ACC-31). */
  id: hexBytes(32),
  offer: bytes(LIMITS.pairingMessage),
});
export const pairingAnswer = z.object({ token: z.string().max(100), expires: unixSecondsValue });
export const pairingClaim = z.strictObject({ id: hexBytes(32) });
const pairingOffer = z.object({
  id: hexBytes(32),
  offer: bytes(LIMITS.pairingMessage),
  expires: unixSecondsValue,
});
export const pairingOfferAnswer = pairingOffer;
export const pairingOffersAnswer = z.object({ pairings: z.array(pairingOffer) });
/** What the device inside says: an answer, then a grant or a refusal. Each once. */
export const pairingHostMessage = z.strictObject({
  id: hexBytes(32),
  slot: z.enum(["answer", "grant", "refusal"]),
  bytes: bytes(LIMITS.pairingMessage),
});
export const pairingHostRead = z.strictObject({ id: hexBytes(32), wait: z.int().min(0).max(LIMITS.wait) });
export const pairingHostAnswer = z.object({ reveal: bytes(LIMITS.pairingMessage).nullable() });
/** What the new device says and asks; it has no session yet. */
export const pairingGuestRequest = z.strictObject({
  token: z.string().max(100),
  reveal: bytes(LIMITS.pairingMessage).nullable(),
  /** For which of the two messages to wait. */
  until: z.enum(["answer", "grant"]),
  wait: z.int().min(0).max(LIMITS.wait),
});
export const pairingGuestAnswer = z.object({
  answer: bytes(LIMITS.pairingMessage).nullable(),
  grant: bytes(LIMITS.pairingMessage).nullable(),
  refused: z.boolean(),
});

// Recovery, backups, relay

/** ACC-50: what the recovery code opens, under the public key that is derived from it. */
export const recoveryRecord = z.strictObject({
  recoveryKey: fixedBytes(32),
  sealed: bytes(LIMITS.recoveryRecord),
});
const RECOVERY_DOMAIN = utf8("porchlight-v1/recovery\0");
/** ACC-52: what the key behind a recovery code signs to fetch its record. */
export function recoveryStatement(audience: string, nonce: Uint8Array): Uint8Array {
  return concat(RECOVERY_DOMAIN, new Writer().opaque(utf8(audience), 2).fixed(nonce, 32, "nonce").finish());
}
export const recoveryRequest = z.strictObject({
  recoveryKey: fixedBytes(32),
  nonce: fixedBytes(32),
  signature: fixedBytes(64),
});
export const recoveryAnswer = z.object({ sealed: bytes(LIMITS.recoveryRecord) });

export const backupsAnswer = z.object({
  /** One stream for each device that wrote one, and generation; `chunks` from 0 without gaps. */
  streams: z.array(
    z.object({
      deviceKey: hexBytes(32),
      generation: z.int(),
      chunks: z.int(),
      bytes: z.int(),
    }),
  ),
});
export const backupPruning = z.strictObject({
  deviceKey: hexBytes(32),
  /** Generations before this one are deleted. */
  before: z
    .int()
    .min(0)
    .max(2 ** 31),
});
export const transferIdText = z.string().regex(/^[0-9a-f]{32}$/);

// Requests of an account to the members of its conversations

export const accountRequestPost = z.strictObject({
  conversation: conversationIdText,
  /** ACC-60: signed by the account; the server cannot make one. */
  document: bytes(LIMITS.accountRequest),
});
export const accountRequestsAnswer = z.object({
  requests: z.array(z.object({ conversation: conversationIdText, document: bytes(LIMITS.accountRequest) })),
});

// Roles

export const roleChange = z.strictObject({ account: accountIdText, role: roleValue });
const auditLine = z.object({
  number: z.int(),
  at: unixSecondsValue,
  /** `null`: the operator, at the server itself. */
  actor: accountIdText.nullable(),
  act: z.string(),
  subject: accountIdText.nullable(),
  detail: z.string(),
});
export const auditAnswer = z.object({ lines: z.array(auditLine) });

export type Registration = z.output<typeof registrationAnswer>;
export type DeviceInfo = z.output<typeof deviceInfo>;
export type SessionInfo = z.output<typeof sessionInfo>;
export type OwnAccount = z.output<typeof ownAccountAnswer>;
export type InvitationInfo = z.output<typeof invitationInfo>;
export type PasskeyCreation = z.output<typeof passkeyCreation>;
export type PasskeyRegistration = z.output<typeof passkeyRegistration>;
export type PasskeyAssertion = z.output<typeof passkeyAssertion>;
export type PasskeyInfo = z.output<typeof passkeyInfo>;
export type PasskeyChallenge = z.output<typeof passkeyChallenge>;
export type PairingOffer = z.output<typeof pairingOffer>;
export type PairingGuestAnswer = z.output<typeof pairingGuestAnswer>;
export type BackupStream = z.output<typeof backupsAnswer>["streams"][number];
export type AccountRequest = { readonly conversation: ConversationId; readonly document: Uint8Array };
export type AuditLine = z.output<typeof auditLine>;
export type InvitationLook = { readonly inviter: AccountId | null; readonly expires: number | null };
