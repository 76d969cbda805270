import type { AccountId } from "@porchlight/encoding";
import type { z } from "zod";
import {
  type AccountRequest,
  type AuditLine,
  accountDeletion,
  accountRequestPost,
  accountRequestsAnswer,
  auditAnswer,
  type BackupStream,
  backupPruning,
  backupsAnswer,
  type DeviceInfo,
  deviceNameRequest,
  deviceRequest,
  devicesAnswer,
  type InvitationInfo,
  type InvitationLook,
  invitationAnswer,
  invitationLook,
  invitationLookAnswer,
  invitationRequest,
  invitationRevocation,
  invitationsAnswer,
  type OwnAccount,
  ownAccountAnswer,
  type PairingGuestAnswer,
  type PairingOffer,
  type PasskeyAssertion,
  type PasskeyChallenge,
  type PasskeyCreation,
  type PasskeyInfo,
  type PasskeyRegistration,
  pairingAnswer,
  pairingClaim,
  pairingGuestAnswer,
  pairingGuestRequest,
  pairingHostAnswer,
  pairingHostMessage,
  pairingHostRead,
  pairingOfferAnswer,
  pairingOffersAnswer,
  pairingRequest,
  passkeyAnswer,
  passkeyAssertion,
  passkeyChallenge,
  passkeyCreation,
  passkeyRegistration,
  passkeyRemoval,
  passkeySignInAnswer,
  passkeysAnswer,
  type Role,
  recoveryAnswer,
  recoveryRecord,
  recoveryRequest,
  recoveryStatement,
  roleChange,
  sessionEndRequest,
} from "./account.ts";
import { challengeAnswer, nothing } from "./delivery.ts";
import { WireError } from "./error.ts";
import type { Answer, Call } from "./http.ts";

type Request<T> = { readonly schema: z.ZodType<T>; readonly value: T };

/** How calls are made, for who is logged in and for who is not. */
export type AccountCalls = {
  readonly open: <T, Output>(call: Call, answer: z.ZodType<Output>, request?: Request<T>) => Promise<Output>;
  readonly member: <T, Output>(
    call: Call,
    answer: z.ZodType<Output>,
    request?: Request<T>,
  ) => Promise<Output>;
  /** Bytes instead of JSON. */
  readonly memberBytes: (call: Call) => Promise<Answer>;
};

type Waiting = { readonly wait: number; readonly signal?: AbortSignal | undefined };

/** What the server does for an account beyond delivery; the rules are in spec/accounts.md. Throws WireError. */
export class AccountClient {
  readonly #calls: AccountCalls;

  constructor(calls: AccountCalls) {
    this.#calls = calls;
  }

  #get<Output>(path: string, answer: z.ZodType<Output>): Promise<Output> {
    return this.#calls.member({ method: "GET", path }, answer);
  }

  #post<T, Output>(
    path: string,
    answer: z.ZodType<Output>,
    request: Request<T>,
    waiting?: Waiting,
  ): Promise<Output> {
    return this.#calls.member({ method: "POST", path, ...waiting }, answer, request);
  }

  // The account, its devices and sessions

  own(): Promise<OwnAccount> {
    return this.#get("/v1/account", ownAccountAnswer);
  }

  /** Everything that the server keeps of the account goes; its conversations do not (ACC-90). */
  async delete(account: AccountId): Promise<void> {
    await this.#post("/v1/account/delete", nothing, { schema: accountDeletion, value: { account } });
  }

  async devices(): Promise<DeviceInfo[]> {
    return (await this.#get("/v1/devices", devicesAnswer)).devices;
  }

  /** Names the calling device. */
  async nameDevice(name: string): Promise<void> {
    await this.#post("/v1/devices/name", nothing, { schema: deviceNameRequest, value: { name } });
  }

  /** Ends a device's sessions, forgets its key packages, and never lets it log in again. Idempotent. */
  async revokeDevice(deviceKey: Uint8Array): Promise<void> {
    await this.#post("/v1/devices/revoke", nothing, { schema: deviceRequest, value: { deviceKey } });
  }

  /** Ends one session; its device may log in again. Idempotent. */
  async endSession(id: string): Promise<void> {
    await this.#post("/v1/sessions/end", nothing, { schema: sessionEndRequest, value: { id } });
  }

  // Invitations

  async invite(invitation: {
    readonly secretHash: Uint8Array;
    readonly days: number;
    readonly role: Role;
  }): Promise<InvitationInfo> {
    const request = { schema: invitationRequest, value: invitation };
    return await this.#post("/v1/invitations", invitationAnswer, request);
  }

  /** Own ones, newest first: who came with them. */
  async invitations(): Promise<InvitationInfo[]> {
    return (await this.#get("/v1/invitations", invitationsAnswer)).invitations;
  }

  async revokeInvitation(secretHash: Uint8Array): Promise<void> {
    const request = { schema: invitationRevocation, value: { secretHash } };
    await this.#post("/v1/invitations/revoke", nothing, request);
  }

  /**
   * For who holds the secret, before there is an account; `null`: for who has none. Refusals "invitation-refused",
   * "invitation-required".
   */
  async lookAtInvitation(secret: Uint8Array | null): Promise<InvitationLook> {
    const call: Call = { method: "POST", path: "/v1/invitations/look" };
    return await this.#calls.open(call, invitationLookAnswer, { schema: invitationLook, value: { secret } });
  }

  // Passkeys

  async beginPasskey(): Promise<PasskeyCreation> {
    return await this.#post("/v1/passkeys/begin", passkeyCreation, { schema: nothing, value: {} });
  }

  /** Refusal "passkey-refused" with a reason. */
  async registerPasskey(registration: PasskeyRegistration): Promise<PasskeyInfo> {
    const request = { schema: passkeyRegistration, value: registration };
    return await this.#post("/v1/passkeys", passkeyAnswer, request);
  }

  async passkeys(): Promise<PasskeyInfo[]> {
    return (await this.#get("/v1/passkeys", passkeysAnswer)).passkeys;
  }

  async removePasskey(id: string): Promise<void> {
    await this.#post("/v1/passkeys/remove", nothing, { schema: passkeyRemoval, value: { id } });
  }

  async beginPasskeySignIn(): Promise<PasskeyChallenge> {
    const call: Call = { method: "POST", path: "/v1/passkeys/sign-in/begin" };
    return await this.#calls.open(call, passkeyChallenge, { schema: nothing, value: {} });
  }

  /** Whose passkey it is; opens no session. Refusal "passkey-refused", whatever the reason. */
  async signInWithPasskey(assertion: PasskeyAssertion): Promise<AccountId> {
    const call: Call = { method: "POST", path: "/v1/passkeys/sign-in" };
    const request = { schema: passkeyAssertion, value: assertion };
    return (await this.#calls.open(call, passkeySignInAnswer, request)).account;
  }

  // Pairing

  /** The new device's mailbox for one pairing. */
  async openPairing(pairing: {
    readonly id: Uint8Array;
    readonly offer: Uint8Array;
  }): Promise<{ readonly token: string; readonly expires: number }> {
    const call: Call = { method: "POST", path: "/v1/pairings" };
    return await this.#calls.open(call, pairingAnswer, { schema: pairingRequest, value: pairing });
  }

  /** The new device hands in and waits. Refusal "pairing-unknown" once it is over. */
  async pairingGuest(
    message: {
      readonly token: string;
      readonly reveal: Uint8Array | null;
      readonly until: "answer" | "grant";
    },
    waiting: Waiting,
  ): Promise<PairingGuestAnswer> {
    const call: Call = { method: "POST", path: "/v1/pairings/guest", ...waiting };
    const value = { ...message, wait: waiting.wait };
    return await this.#calls.open(call, pairingGuestAnswer, { schema: pairingGuestRequest, value });
  }

  /** The device inside takes the pairing on; no other can then. Refusal "pairing-unknown". */
  async claimPairing(id: Uint8Array): Promise<PairingOffer> {
    return await this.#post("/v1/pairings/claim", pairingOfferAnswer, {
      schema: pairingClaim,
      value: { id },
    });
  }

  /** New devices whose person signed in with a passkey of this account (ACC-25). */
  async waitingPairings(): Promise<PairingOffer[]> {
    return (await this.#get("/v1/pairings", pairingOffersAnswer)).pairings;
  }

  async pairingHost(message: {
    readonly id: Uint8Array;
    readonly slot: "answer" | "grant" | "refusal";
    readonly bytes: Uint8Array;
  }): Promise<void> {
    await this.#post("/v1/pairings/host", nothing, { schema: pairingHostMessage, value: message });
  }

  /** What the new device revealed, once it did. */
  async pairingReveal(id: Uint8Array, waiting: Waiting): Promise<Uint8Array | null> {
    const request = { schema: pairingHostRead, value: { id, wait: waiting.wait } };
    return (await this.#post("/v1/pairings/read", pairingHostAnswer, request, waiting)).reveal;
  }

  // Recovery and backups

  /** Replaces the account's recovery record: the code of before opens nothing any more. */
  async setRecovery(record: {
    readonly recoveryKey: Uint8Array;
    readonly sealed: Uint8Array;
  }): Promise<void> {
    await this.#post("/v1/recovery", nothing, { schema: recoveryRecord, value: record });
  }

  /** For who holds the recovery code. `sign`: with the key that is derived from it. Refusal "recovery-refused". */
  async openRecovery(
    audience: string,
    recoveryKey: Uint8Array,
    sign: (message: Uint8Array) => Uint8Array,
  ): Promise<Uint8Array> {
    const challenge: Call = { method: "POST", path: "/v1/sessions/challenge" };
    const { nonce, audience: claimed } = await this.#calls.open(challenge, challengeAnswer);
    if (claimed !== audience) {
      throw new WireError("answer-malformed", "this is another deployment's server: check the address");
    }
    const value = { recoveryKey, nonce, signature: sign(recoveryStatement(audience, nonce)) };
    const call: Call = { method: "POST", path: "/v1/recovery/open" };
    return (await this.#calls.open(call, recoveryAnswer, { schema: recoveryRequest, value })).sealed;
  }

  async backups(): Promise<BackupStream[]> {
    return (await this.#get("/v1/backups", backupsAnswer)).streams;
  }

  /** The next chunk of the calling device's stream. Idempotent; another content is "exists". Refusal "quota". */
  async putBackup(generation: number, number: number, chunk: Uint8Array): Promise<void> {
    await this.#putBytes(`/v1/backups/${generation}/${number}`, chunk);
  }

  async backup(deviceKey: string, generation: number, number: number): Promise<Uint8Array> {
    const path = `/v1/backups/${deviceKey}/${generation}/${number}`;
    return (await this.#calls.memberBytes({ method: "GET", path })).bytes;
  }

  async pruneBackups(deviceKey: Uint8Array, before: number): Promise<void> {
    await this.#post("/v1/backups/prune", nothing, { schema: backupPruning, value: { deviceKey, before } });
  }

  // Relay between the account's devices

  async putRelay(transfer: string, number: number, chunk: Uint8Array): Promise<void> {
    await this.#putBytes(`/v1/relay/${transfer}/${number}`, chunk);
  }

  /** The chunk once it is there; `null` after `wait` seconds without. */
  async relay(transfer: string, number: number, { wait, signal }: Waiting): Promise<Uint8Array | null> {
    const path = `/v1/relay/${transfer}/${number}`;
    const answer = await this.#calls.memberBytes({ method: "GET", path, query: { wait }, wait, signal });
    return answer.status === 204 ? null : answer.bytes;
  }

  async dropRelay(transfer: string): Promise<void> {
    await this.#post(`/v1/relay/${transfer}/drop`, nothing, { schema: nothing, value: {} });
  }

  // Requests to the members of the account's conversations

  async postRequest(request: AccountRequest): Promise<void> {
    await this.#post("/v1/requests", nothing, { schema: accountRequestPost, value: request });
  }

  /** Requests in the caller's conversations that nobody else is dealing with at the moment. */
  async takeRequests(): Promise<AccountRequest[]> {
    const request = { schema: nothing, value: {} };
    return (await this.#post("/v1/requests/take", accountRequestsAnswer, request)).requests;
  }

  // Administrators

  async setRole(account: AccountId, role: Role): Promise<void> {
    await this.#post("/v1/roles", nothing, { schema: roleChange, value: { account, role } });
  }

  async audit(after = 0): Promise<AuditLine[]> {
    const call: Call = { method: "GET", path: "/v1/audit", query: { after } };
    return (await this.#calls.member(call, auditAnswer)).lines;
  }

  async #putBytes(path: string, bytes: Uint8Array): Promise<void> {
    const body = { type: "application/octet-stream", bytes };
    await this.#calls.memberBytes({ method: "POST", path, body });
  }
}
