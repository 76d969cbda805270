import type { SignedDocument } from "@porchlight/charter";
import type { AccountId, ConversationId, DayNumber, Period, UnixSeconds } from "@porchlight/encoding";
import { fromUtf8 } from "@porchlight/encoding";
import type { LogIndex, TileReader } from "@porchlight/tlog";
import * as z from "zod";
import { type Registration, registrationAnswer, registrationRequest } from "./account.ts";
import { AccountClient } from "./account-client.ts";
import {
  type AttachmentState,
  attachmentCancellation,
  attachmentCompletion,
  attachmentRequest,
  attachmentState,
} from "./attachment.ts";
import {
  type ClaimedKeyPackage,
  type Conversation,
  challengeAnswer,
  claimAnswer,
  claimRequest,
  conversationAnswer,
  conversationRequest,
  conversationsAnswer,
  type ItemPage,
  itemsAnswer,
  keyPackagesAnswer,
  keyPackagesRequest,
  type NewConversation,
  type NewItem,
  nothing,
  noticeCardRequest,
  type PendingWelcome,
  type PushSubscription,
  pushKeyAnswer,
  pushSubscription,
  type Session,
  sessionAnswer,
  sessionRequest,
  sessionStatement,
  submitAnswer,
  submitRequest,
  welcomeAcknowledgement,
  welcomesAnswer,
} from "./delivery.ts";
import {
  type ContestChallengeRequest,
  type ContestRequest,
  contestAnswer,
  contestChallengeAnswer,
  contestChallengeRequest,
  contestRequest,
  contestsAnswer,
  type DirectionRequest,
  directionAnswer,
  directionRequest,
  type MaterialRequest,
  materialRequest,
  type OrderAnswer,
  type OrderRequest,
  orderAnswer,
  orderRequest,
  type PreservationAnswer,
  type PreservationRequest,
  preservationAnswer,
  preservationLiftAnswer,
  preservationLiftRequest,
  preservationRequest,
} from "./disclosure.ts";
import { WireError } from "./error.ts";
import { type Call, type ClientOptions, HttpCaller, jsonBody } from "./http.ts";
import {
  chartersAnswer,
  entryAnswer,
  type Health,
  healthAnswer,
  type LoggedDocument,
  loggedKeysAnswer,
} from "./published.ts";

/** A device that can log in: how a session is opened, and opened again when it has expired. */
export type DeviceLogin = {
  /** The server's log origin, from the charter or the configuration: never from the server. */
  readonly audience: string;
  /** MLS signature public key, 32 bytes. */
  readonly deviceKey: Uint8Array;
  /** ENV-10, 97 bytes. */
  readonly credential: Uint8Array;
  /** Ed25519 with the device's MLS signature key. */
  readonly sign: (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;
};

/** Beyond the usual limit: a part takes its time on a slow line, and so does reading a gigabyte once more. */
const PART_SECONDS = 90;

/**
 * The provider's server over HTTP. Every method throws WireError; {@link WireError.retryable} says whether the same
 * call may succeed later. Methods of members need {@link login} first; an expired session is renewed once by itself.
 */
export class ServerClient {
  readonly #http: HttpCaller;
  #login: DeviceLogin | null = null;
  #session: Session | null = null;

  /** Devices, invitations, passkeys, pairing, recovery, backups, roles. */
  readonly account: AccountClient;

  constructor(options: ClientOptions) {
    this.#http = new HttpCaller(options);
    this.account = new AccountClient({
      open: (call, answer, request) => this.#call(call, answer, request),
      member: (call, answer, request) => this.#member(call, answer, request),
      memberBytes: (call) => this.#authenticated((token) => this.#http.send({ ...call, token })),
    });
  }

  // Log

  /** GET /log/PATH of C2SP tlog-tiles: "checkpoint", "tile/0/000", "tile/entries/000.p/17". */
  async logFile(path: string): Promise<Uint8Array> {
    return (await this.#http.send({ method: "GET", path: `/log/${path}` })).bytes;
  }

  /** The newest checkpoint that satisfies the server's witness policy, as a signed note. Not verified here. */
  async checkpoint(): Promise<string> {
    return fromUtf8(await this.logFile("checkpoint"));
  }

  /** For the proofs of @porchlight/tlog. */
  get readTile(): TileReader {
    return (path) => this.logFile(path);
  }

  /**
   * Waits until a published checkpoint covers `size` entries and, where `since` is given, was cosigned at or after
   * it. `null` when that did not happen within `wait` seconds (20 by default, at most 60).
   */
  async waitForCheckpoint(
    size: number,
    options: {
      readonly since?: UnixSeconds;
      readonly wait?: number;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<string | null> {
    const wait = options.wait ?? 20;
    const { status, bytes } = await this.#http.send({
      method: "GET",
      path: "/v1/log/wait",
      query: { size, timeout: wait, since: options.since },
      wait,
      signal: options.signal,
    });
    return status === 204 ? null : fromUtf8(bytes);
  }

  /** Appends an entry (types charter, ceremony, keys, succession, erasure, keyholder-batch). The same bytes again give the same index. */
  async appendEntry(entry: Uint8Array): Promise<LogIndex> {
    const { bytes, status } = await this.#http.send({
      method: "POST",
      path: "/v1/log/entries",
      body: { type: "application/json", bytes: entry },
    });
    return parseAnswer(entryAnswer, bytes, status).index;
  }

  async charters(): Promise<LoggedDocument[]> {
    return (await this.#call({ method: "GET", path: "/v1/charters" }, chartersAnswer)).charters;
  }

  /** All `keys` entries of a period, every charter and generation. */
  async keys(period: Period): Promise<LoggedDocument[]> {
    return (await this.#call({ method: "GET", path: `/v1/keys/${period}` }, loggedKeysAnswer)).keys;
  }

  async health(): Promise<Health> {
    return await this.#call({ method: "GET", path: "/healthz" }, healthAnswer);
  }

  // Orders

  /** Hands a signed warrant in. Idempotent. */
  async submitOrder(order: OrderRequest): Promise<OrderAnswer> {
    const call: Call = { method: "POST", path: "/v1/orders" };
    return await this.#call(call, orderAnswer, { schema: orderRequest, value: order });
  }

  /** What the issuer says of its order, a signed document of that kind; returns the entry's index. Idempotent. */
  async directOrder(
    orderId: string,
    kind: DirectionRequest["kind"],
    document: SignedDocument,
  ): Promise<LogIndex> {
    const call: Call = { method: "POST", path: `/v1/orders/${orderId}/directions` };
    const value = { kind, document: copyDocument(document) };
    return (await this.#call(call, directionAnswer, { schema: directionRequest, value })).index;
  }

  /** CONT-2: a nonce that only the account's notice key opens; nobody learns by it whether there is such an account. */
  async contestChallenge(request: ContestChallengeRequest): Promise<Uint8Array> {
    const call: Call = { method: "POST", path: "/v1/contests/challenge" };
    const schema = contestChallengeRequest;
    return (await this.#call(call, contestChallengeAnswer, { schema, value: request })).sealed;
  }

  /** CONT-3: hands a contest in; the provider's signed word that it has it. Idempotent. Refusal "contest-refused". */
  async contest(request: ContestRequest): Promise<SignedDocument> {
    const call: Call = { method: "POST", path: "/v1/contests" };
    return (await this.#call(call, contestAnswer, { schema: contestRequest, value: request })).contest;
  }

  /** CONT-6: what was said against an order, for who has its id; nothing is verified here. */
  async contests(orderId: string): Promise<SignedDocument[]> {
    const call: Call = { method: "GET", path: `/v1/orders/${orderId}/contests` };
    return (await this.#call(call, contestsAnswer)).contests;
  }

  /** Has an order to preserve logged and, with the proof that it is, carried out. Idempotent. */
  async preserve(order: PreservationRequest): Promise<PreservationAnswer> {
    const call: Call = { method: "POST", path: "/v1/preservations" };
    return await this.#call(call, preservationAnswer, { schema: preservationRequest, value: order });
  }

  /** Has a lift logged: what the order held beyond its time is deleted. Idempotent. Refusal "preservation-refused". */
  async liftPreservation(lift: SignedDocument): Promise<LogIndex> {
    const call: Call = { method: "POST", path: "/v1/preservations/lift" };
    const sent = {
      schema: preservationLiftRequest,
      value: { lift: { ...lift, signatures: [...lift.signatures] } },
    };
    return (await this.#call(call, preservationLiftAnswer, sent)).index;
  }

  /** Hands a message of TS 103 120 in; the provider's message, of which nothing is verified here (spec/hi1.md). */
  async hi1(message: Uint8Array): Promise<Uint8Array> {
    const body = { type: "application/json", bytes: message };
    return (await this.#http.send({ method: "POST", path: "/hi1", body, wait: 60 })).bytes;
  }

  /** Sealed to the requester's X-Wing key with info {@link MATERIAL_INFO}; inside is a {@link Material}. */
  async material(orderId: string, value: MaterialRequest): Promise<Uint8Array> {
    const call: Call = { method: "POST", path: `/v1/orders/${orderId}/material` };
    const body = jsonBody({ schema: materialRequest, value });
    return (await this.#http.send({ ...call, body, wait: 60 })).bytes;
  }

  /** One part of the ciphertext of an attachment that an opened message names (ATT-25). */
  async orderAttachment(orderId: string, id: string, part: number): Promise<Uint8Array> {
    const path = `/v1/orders/${orderId}/attachments/${id}/${part}`;
    return (await this.#http.send({ method: "GET", path, wait: 60 })).bytes;
  }

  /** Sealed to the requester's X-Wing key with info {@link OTHER_SIDES_INFO}; see {@link parseOtherSides}. */
  async otherSides(orderId: string, day: DayNumber): Promise<Uint8Array> {
    const call: Call = { method: "GET", path: `/v1/orders/${orderId}/other-sides`, query: { day } };
    return (await this.#http.send({ ...call, wait: 60 })).bytes;
  }

  /** Sealed to the requester's X-Wing key with info {@link ORDER_CONVERSATIONS_INFO}; inside are {@link OrderConversations}. */
  async orderConversations(orderId: string): Promise<Uint8Array> {
    return (await this.#http.send({ method: "GET", path: `/v1/orders/${orderId}/conversations`, wait: 60 }))
      .bytes;
  }

  // Members

  /**
   * ACC-1: logs a device in and registers its account where the server does not know it yet. `invitation`: the secret
   * of one, where the deployment asks for it. Refusals "invitation-required", "invitation-refused".
   */
  async register(
    login: DeviceLogin,
    options: { readonly invitation?: Uint8Array; readonly deviceName?: string } = {},
  ): Promise<Registration> {
    const value = {
      ...(await this.#signed(login)),
      invitation: options.invitation ?? null,
      deviceName: options.deviceName ?? "",
    };
    const call: Call = { method: "POST", path: "/v1/accounts" };
    const registration = await this.#call(call, registrationAnswer, { schema: registrationRequest, value });
    this.#session = registration;
    this.#login = login;
    return registration;
  }

  /** Publishes the account's notice key (NOT-2), once for life; idempotent. Refusal "exists" for another one. */
  async publishNoticeKey(card: Uint8Array): Promise<void> {
    const request = { schema: noticeCardRequest, value: { card } };
    await this.#member({ method: "POST", path: "/v1/notice-key" }, nothing, request);
  }

  /** Opens a session for one device of a registered account and keeps how to open it again. */
  async login(login: DeviceLogin): Promise<Session> {
    const request = { schema: sessionRequest, value: await this.#signed(login) };
    this.#session = await this.#call({ method: "POST", path: "/v1/sessions" }, sessionAnswer, request);
    this.#login = login;
    return this.#session;
  }

  async #signed(login: DeviceLogin): Promise<z.output<typeof sessionRequest>> {
    const call: Call = { method: "POST", path: "/v1/sessions/challenge" };
    const { nonce, audience } = await this.#call(call, challengeAnswer);
    if (audience !== login.audience) {
      // Signing for whatever name a server claims would let it log in elsewhere as this device.
      throw new WireError("answer-malformed", "this is another deployment's server: check the address");
    }
    return {
      deviceKey: login.deviceKey,
      credential: login.credential,
      nonce,
      signature: await login.sign(sessionStatement(login.audience, nonce)),
    };
  }

  async publishKeyPackages(keyPackages: readonly Uint8Array[]): Promise<void> {
    const request = { schema: keyPackagesRequest, value: { keyPackages: [...keyPackages] } };
    await this.#member({ method: "POST", path: "/v1/key-packages" }, keyPackagesAnswer, request);
  }

  /**
   * Takes one key package for each of the account's devices, or of those named; each is handed out once. Refusal
   * "no-key-package".
   */
  async claimKeyPackages(account: AccountId, devices?: readonly Uint8Array[]): Promise<ClaimedKeyPackage[]> {
    const call: Call = { method: "POST", path: `/v1/accounts/${account}/key-package` };
    const value = devices === undefined ? {} : { devices: [...devices] };
    return (await this.#member(call, claimAnswer, { schema: claimRequest, value })).keyPackages;
  }

  /** Idempotent for the same device and content; otherwise refusal "exists". */
  async createConversation(conversation: NewConversation): Promise<Conversation> {
    const request = { schema: conversationRequest, value: conversation };
    return await this.#member({ method: "POST", path: "/v1/conversations" }, conversationAnswer, request);
  }

  /** Those that the account is a member of now. */
  async conversations(): Promise<Conversation[]> {
    return (await this.#member({ method: "GET", path: "/v1/conversations" }, conversationsAnswer))
      .conversations;
  }

  async conversation(conversation: ConversationId): Promise<Conversation> {
    return await this.#member(
      { method: "GET", path: `/v1/conversations/${conversation}` },
      conversationAnswer,
    );
  }

  /**
   * Hands items in, all or none, in this order; resolves when they are durable. Repeat with the same keys when the
   * answer was lost. Refusals "conflict" (another commit opened the next epoch) and "stale-epoch" carry the head.
   */
  async submit(conversation: ConversationId, items: readonly NewItem[]): Promise<number[]> {
    const call: Call = { method: "POST", path: `/v1/conversations/${conversation}/items` };
    const request = { schema: submitRequest, value: { items: [...items] } };
    return (await this.#member(call, submitAnswer, request)).seqs;
  }

  /** Items after a seq, oldest first, as far as the account may read; waits up to `wait` seconds for the first. */
  async items(
    conversation: ConversationId,
    after: number,
    options: { readonly limit?: number; readonly wait?: number; readonly signal?: AbortSignal } = {},
  ): Promise<ItemPage> {
    const call: Call = {
      method: "GET",
      path: `/v1/conversations/${conversation}/items`,
      query: { after, limit: options.limit, wait: options.wait },
      wait: options.wait ?? 0,
      signal: options.signal,
    };
    return await this.#member(call, itemsAnswer);
  }

  /** Welcomes for this account that were not acknowledged; waits up to `wait` seconds for the first. */
  async welcomes(
    options: { readonly wait?: number; readonly signal?: AbortSignal } = {},
  ): Promise<PendingWelcome[]> {
    const { wait, signal } = options;
    const call: Call = {
      method: "GET",
      path: "/v1/welcomes",
      query: { wait },
      wait: wait ?? 0,
      signal,
    };
    return (await this.#member(call, welcomesAnswer)).welcomes;
  }

  /** After the new group state is saved: the server then forgets them. */
  async acknowledgeWelcomes(ids: readonly string[]): Promise<void> {
    const request = { schema: welcomeAcknowledgement, value: { ids: [...ids] } };
    await this.#member({ method: "POST", path: "/v1/welcomes/acknowledge" }, nothing, request);
  }

  // Push messages

  /** The key that a browser subscribes for (`applicationServerKey`). Refusal "not-found": none are sent here. */
  async pushKey(): Promise<Uint8Array> {
    return (await this.#member({ method: "GET", path: "/v1/push" }, pushKeyAnswer)).publicKey;
  }

  /** This device is told there when something waits for it; the message says nothing else. */
  async subscribePush(subscription: PushSubscription): Promise<void> {
    const request = { schema: pushSubscription, value: subscription };
    await this.#member({ method: "POST", path: "/v1/push" }, nothing, request);
  }

  async unsubscribePush(): Promise<void> {
    const request = { schema: nothing, value: {} };
    await this.#member({ method: "POST", path: "/v1/push/remove" }, nothing, request);
  }

  // Attachments

  /** Makes room for a ciphertext of `size` bytes in a conversation. Idempotent. Refusals "quota", "too-large". */
  async createAttachment(
    conversation: ConversationId,
    attachment: { readonly id: string; readonly size: number },
    signal?: AbortSignal,
  ): Promise<AttachmentState> {
    const call: Call = { method: "POST", path: `/v1/conversations/${conversation}/attachments`, signal };
    return await this.#member(call, attachmentState, { schema: attachmentRequest, value: attachment });
  }

  async attachment(id: string): Promise<AttachmentState> {
    return await this.#member({ method: "GET", path: `/v1/attachments/${id}` }, attachmentState);
  }

  /** Resolves when the part is durable. Idempotent; another content for the same part is "attachment-mismatch". */
  async putAttachmentPart(id: string, part: number, sealed: Uint8Array, signal?: AbortSignal): Promise<void> {
    const body = { type: "application/octet-stream", bytes: sealed };
    const wait = PART_SECONDS;
    await this.#authenticated((token) =>
      this.#http.send({
        method: "POST",
        path: `/v1/attachments/${id}/parts/${part}`,
        token,
        body,
        signal,
        wait,
      }),
    );
  }

  async attachmentPart(id: string, part: number, signal?: AbortSignal): Promise<Uint8Array> {
    const call: Call = {
      method: "GET",
      path: `/v1/attachments/${id}/parts/${part}`,
      signal,
      wait: PART_SECONDS,
    };
    return (await this.#authenticated((token) => this.#http.send({ ...call, token }))).bytes;
  }

  /** All parts are there and are together what `digest` (SHA-256) says. Idempotent. Refusal "attachment-incomplete". */
  async completeAttachment(id: string, digest: Uint8Array, signal?: AbortSignal): Promise<AttachmentState> {
    const call: Call = { method: "POST", path: `/v1/attachments/${id}/complete`, signal, wait: PART_SECONDS };
    return await this.#member(call, attachmentState, { schema: attachmentCompletion, value: { digest } });
  }

  /** Deletes an own attachment that is not complete. Idempotent. */
  async cancelAttachment(id: string): Promise<void> {
    const request = { schema: attachmentCancellation, value: {} };
    await this.#member({ method: "POST", path: `/v1/attachments/${id}/cancel` }, nothing, request);
  }

  async #call<Request, Output>(
    call: Call,
    answer: z.ZodType<Output>,
    request?: { schema: z.ZodType<Request>; value: Request },
  ): Promise<Output> {
    const found = await this.#http.json(call, answer, request);
    if (found === null)
      throw new WireError("answer-malformed", "the server answered nothing", { status: 204 });
    return found;
  }

  async #member<Request, Output>(
    call: Call,
    answer: z.ZodType<Output>,
    request?: { schema: z.ZodType<Request>; value: Request },
  ): Promise<Output> {
    return await this.#authenticated((token) => this.#call({ ...call, token }, answer, request));
  }

  /** The session's token; with `renew` after logging in again. Throws WireError "unauthenticated" before the first login. */
  protected async token(renew: boolean): Promise<string> {
    const login = this.#login;
    if (login === null || this.#session === null) {
      throw new WireError("refused", "log in first", { refusal: "unauthenticated" });
    }
    return renew ? (await this.login(login)).token : this.#session.token;
  }

  async #authenticated<T>(run: (token: string) => Promise<T>): Promise<T> {
    const login = this.#login;
    if (login === null || this.#session === null) {
      throw new WireError("refused", "log in first", { refusal: "unauthenticated" });
    }
    try {
      return await run(this.#session.token);
    } catch (error) {
      if (!(error instanceof WireError && error.refusal === "session-expired")) throw error;
      return await run((await this.login(login)).token);
    }
  }
}

function parseAnswer<Output>(schema: z.ZodType<Output>, bytes: Uint8Array, status: number): Output {
  try {
    return schema.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw new WireError("answer-malformed", "the answer is not of this protocol", { status, cause });
  }
}

function copyDocument(document: SignedDocument): {
  payload: string;
  signatures: { protected: string; signature: string }[];
} {
  return { payload: document.payload, signatures: document.signatures.map((made) => ({ ...made })) };
}
