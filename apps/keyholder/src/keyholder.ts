import { join } from "node:path";
import {
  type Charter,
  type NoticeShareEntry,
  parseEntry,
  parseSignedDocument,
  parseSuccession,
  reviewSuccession,
  type SignedDocument,
  type SuccessionDocument,
  unverifiedPayload,
  verifyEntrySignature,
} from "@porchlight/charter";
import { lockDirectory, makeDirectory, readPassphrase, SecretStore } from "@porchlight/durable";
import {
  type CharterId,
  type Commitment,
  charterId,
  type DayNumber,
  EncodingError,
  utf8,
} from "@porchlight/encoding";
import { parseWarrant } from "@porchlight/gate";
import type { ProgramContext } from "@porchlight/runtime";
import { nodeSuite } from "@porchlight/tlog/node";
import { Cosigner, ServerClient } from "@porchlight/wire";
import { channelsOf, webhookSecret } from "./channels.ts";
import { CharterService, type ServiceContext } from "./charter-service.ts";
import { type CharterReview, Charters, digestOf, type Signature } from "./charters.ts";
import type { KeyholderConfig } from "./config.ts";
import { KeyholderError } from "./error.ts";
import { fileStore } from "./file-store.ts";
import type { Hooks } from "./hooks.ts";
import { type Identity, loadIdentity, type PublicIdentity, publicIdentity } from "./identity.ts";
import { Notifier, orderHash } from "./notifier.ts";
import type { Answer } from "./order-answer.ts";
import type { ReceivedOrder } from "./order-book.ts";
import type { OrderDesk } from "./order-desk.ts";
import { Pause, type Paused } from "./pause.ts";

/** A keyholder's process without its doors: HTTP and the admin socket call into this. */
export class Keyholder {
  readonly cosigner: Cosigner;
  readonly #charters: Charters;
  readonly #identity: Identity;
  readonly #context: ServiceContext;
  readonly #notifier: Notifier;
  readonly #services = new Map<CharterId, CharterService>();
  readonly #release: () => void;

  private constructor(
    identity: Identity,
    charters: Charters,
    cosigner: Cosigner,
    context: Omit<ServiceContext, "otherBooks" | "onWaiting">,
    notifier: Notifier,
    release: () => void,
  ) {
    this.#notifier = notifier;
    this.#identity = identity;
    this.#charters = charters;
    this.cosigner = cosigner;
    this.#release = release;
    this.#context = {
      ...context,
      onWaiting: () => this.#tellWaiting(),
      otherBooks: (than) =>
        [...this.#services.values()].flatMap((service) =>
          service === than || service.desk === null ? [] : [service.desk.book],
        ),
    };
  }

  /**
   * KEY-1: takes the directory, opens the secrets and resumes everything that was under way. Throws DurableError
   * "locked", "passphrase-missing" and the like; KeyholderError for keys that do not fit.
   */
  static async open(program: ProgramContext<KeyholderConfig>, hooks: Hooks): Promise<Keyholder> {
    const { config, directory, clock, clockKind, log, signal } = program;
    const lock = lockDirectory(directory);
    const secrets = await SecretStore.open(join(directory, "secrets"), {
      passphrase: await readPassphrase(directory),
      ...(config.workFactor === undefined ? {} : { workFactor: config.workFactor }),
    });
    const identity = await loadIdentity(directory, secrets, `${config.name}.${config.deployment}`);
    const charters = await Charters.open(directory, identity, clockKind, config.log);
    await makeDirectory(join(directory, "cosigned"));
    const cosigner = new Cosigner({
      signer: identity.cosigner,
      logs: [config.log],
      storeFor: (originHash) => fileStore(join(directory, "cosigned", originHash)),
      clock,
      suite: nodeSuite,
    });
    const server = new ServerClient({ url: config.server });
    const logUrl = `${config.server.replace(/\/+$/, "")}/log`;
    const { batches, patienceSeconds, roundSeconds } = config;
    const context = {
      identity,
      secrets,
      server,
      logUrl,
      clock,
      log,
      hooks,
      signal,
      batches,
      patienceSeconds,
      roundSeconds,
      pause: await Pause.open(directory),
    };
    const channels = await channelsOf(config.notify, { directory, secrets, clock, name: config.name });
    const notifier = await Notifier.open(join(directory, "told.json"), channels, { log, signal });
    const keyholder = new Keyholder(identity, charters, cosigner, context, notifier, lock.release);
    for (const own of charters.all()) await keyholder.#serve(own.id);
    program.onTime(() => {
      for (const service of keyholder.#services.values()) service.beat();
    });
    return keyholder;
  }

  get public(): PublicIdentity {
    return publicIdentity(this.#identity);
  }

  get services(): readonly CharterService[] {
    return [...this.#services.values()];
  }

  /** KEY-10: what a charter document says and what to mind about it; nothing is signed. */
  reviewCharter(text: string): CharterReview {
    return this.#charters.review(utf8(text));
  }

  /** KEY-12: signs the charter that was reviewed, and begins to serve under it. */
  async signCharter(text: string, id: string): Promise<SignedDocument["signatures"][number]> {
    const signature = await this.#charters.sign(utf8(text), charterId(id));
    await this.#serve(charterId(id));
    return signature;
  }

  /** KEY-14: what a succession says, where it can be one under a charter of ours as it reads now. */
  reviewSuccession(text: string): { readonly digest: string; readonly succession: SuccessionDocument } {
    const bytes = utf8(text);
    return { digest: digestOf(bytes), succession: reviewSuccession(bytes, this.#presentCharter(bytes)) };
  }

  /** KEY-14: agrees to the succession that was reviewed. */
  async signSuccession(text: string, digest: string): Promise<Signature> {
    const bytes = utf8(text);
    return await this.#charters.agree(this.#presentCharter(bytes), bytes, digest);
  }

  /** KEY-14: takes a lost keyholder's place, and begins to serve when the log holds the succession. */
  async acceptSuccession(charter: string, text: string, digest: string): Promise<Signature> {
    const bytes = utf8(text);
    const signature = await this.#charters.accept(utf8(charter), bytes, digest);
    await this.#serve(parseSuccession(bytes).charter);
    return signature;
  }

  #presentCharter(succession: Uint8Array): Charter {
    const charter = this.#services.get(parseSuccession(succession).charter)?.memory.charter;
    if (charter !== null && charter !== undefined) return charter;
    throw new KeyholderError("charter-unknown", "the succession's charter is not in force here");
  }

  /** A charter's service; the only one where `id` is left out. Throws KeyholderError "charter-unknown". */
  service(id?: string): CharterService {
    const { services } = this;
    const found = id === undefined ? services.at(-1) : services.find(({ own }) => own.id === id);
    if (found === undefined || (id === undefined && services.length > 1)) {
      throw new KeyholderError("charter-unknown", "name a charter that this keyholder has signed");
    }
    return found;
  }

  /** The desk that was handed the order. Throws KeyholderError "order-unknown". */
  deskOf(orderId: string): OrderDesk {
    const desk = this.#desks().find((candidate) => candidate.answer(orderId) !== null);
    if (desk === undefined) throw new KeyholderError("order-unknown", "no such order was handed in here");
    return desk;
  }

  /**
   * Hands an order to the charter that its warrant names; to the newest one, for a signed refusal, where that is none of
   * ours. Throws KeyholderError "charter-unknown" before any charter is in force.
   */
  async submit(order: ReceivedOrder): Promise<Answer> {
    const named = charterNamed(order.warrant);
    const own = named === null ? null : this.#services.get(named)?.desk;
    const desk = own ?? this.#desks().at(-1);
    if (desk === undefined) throw new KeyholderError("charter-unknown", "no charter is in force here yet");
    return await desk.submit(order);
  }

  /** CER-17. False for what is no keyholder's message in an open round of a ceremony here. Throws EncodingError. */
  relay(bytes: Uint8Array): boolean {
    const entry = parseEntry(bytes);
    if (entry.type !== "ceremony") return false;
    const service = this.#services.get(entry.charter);
    const charter = service?.memory.charter;
    if (service === undefined || charter === null || charter === undefined) return false;
    return verifyEntrySignature(entry, charter, nodeSuite) && service.ceremonies.take(entry, bytes);
  }

  /** NOT-33: what was given for an order's notices, under any charter. */
  noticeShares(commitment: Commitment): NoticeShareEntry[] {
    return this.#desks().flatMap((desk) => desk.notices.released(commitment));
  }

  async noticeShare(commitment: Commitment, until: DayNumber): Promise<NoticeShareEntry | null> {
    for (const desk of this.#desks()) {
      const found = await desk.notices.share({ commitment, until });
      if (found !== null) return found;
    }
    return null;
  }

  get paused(): Paused | null {
    return this.#context.pause.paused;
  }

  /** KEY-34. Throws KeyholderError "reason-missing". */
  async pause(by: string, reason: string): Promise<Paused> {
    const { pause, clock, log } = this.#context;
    const paused = await pause.pause({ by, at: clock.now(), reason });
    log.event("paused");
    return paused;
  }

  /** KEY-34. Throws KeyholderError "pause-differs". */
  async resume(pause: string): Promise<void> {
    await this.#context.pause.resume(pause);
    this.#context.log.event("resumed");
    for (const desk of this.#desks()) desk.beat();
  }

  /** KEY-35: how the person is told, and whether it works. */
  get channels(): Notifier["channels"] {
    return this.#notifier.channels;
  }

  async webhookSecret(): Promise<Uint8Array> {
    return await webhookSecret(this.#context.secrets);
  }

  #tellWaiting(): void {
    this.#notifier.waiting(
      this.#desks().flatMap(({ book }) =>
        [...book.orders.values()]
          .filter(({ state }) => state.kind === "awaiting-approval")
          .map(({ id }) => orderHash(id)),
      ),
    );
  }

  async close(): Promise<void> {
    for (const service of this.#services.values()) await service.close();
    await this.#notifier.close();
    this.#release();
  }

  async #serve(id: CharterId): Promise<void> {
    const own = this.#charters.get(id);
    if (own === undefined || this.#services.has(id)) return;
    const service = await CharterService.open(own, this.#context, this.#charters.directory(id));
    this.#services.set(id, service);
  }

  #desks(): OrderDesk[] {
    return this.services.flatMap(({ desk }) => (desk === null ? [] : [desk]));
  }
}

function charterNamed(warrant: string): CharterId | null {
  try {
    return parseWarrant(unverifiedPayload(parseSignedDocument(utf8(warrant)))).charter;
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}
