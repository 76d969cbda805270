import { fromUtf8, hex, type UnixSeconds, utf8 } from "@porchlight/encoding";
import {
  addCheckpoint,
  formatVkey,
  nobleSuite,
  parseWitnessedTree,
  type Signer,
  type TlogSuite,
  type VerifiedRequest,
  verifyAddCheckpoint,
  type WitnessedTree,
  type WitnessLogs,
} from "@porchlight/tlog";
import type { StateStore } from "./state-store.ts";

/** An HTTP answer, ready to be sent. */
export type CosignerAnswer = {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly contentType: string;
  readonly body: string;
};

export type CosignerOptions = {
  readonly signer: Signer<"cosignature">;
  /** Keys of the logs that it follows; a log's key name is its origin. */
  readonly logs: WitnessLogs;
  /** The durable place of one origin's state, by lower-case hex SHA-256 of the origin. */
  readonly storeFor: (originHash: string) => StateStore;
  readonly clock: { now(): UnixSeconds };
  readonly suite?: TlogSuite;
};

const TEXT = "text/plain; charset=utf-8";

/**
 * A C2SP tlog-witness: what a witness program and every keyholder answer to `add-checkpoint`. The state is compared,
 * written and durable before a cosignature leaves, one request per origin at a time (TLOG-19); one process at a time
 * may use a store.
 */
export class Cosigner {
  readonly #options: CosignerOptions;
  readonly #suite: TlogSuite;
  readonly #known = new Map<string, WitnessedTree | null>();
  readonly #lanes = new Map<string, Promise<unknown>>();

  constructor(options: CosignerOptions) {
    this.#options = options;
    this.#suite = options.suite ?? nobleSuite;
  }

  /** Its verifier key, as policies carry it. */
  get vkey(): string {
    return formatVkey(this.#options.signer.key);
  }

  /**
   * Answers the body of a POST to `add-checkpoint`. Rejects where the state cannot be read or written; nothing was
   * cosigned then, and the program answers 500.
   */
  async addCheckpoint(body: Uint8Array): Promise<CosignerAnswer> {
    const request = verifyAddCheckpoint(body, this.#options.logs, this.#suite);
    if (request.kind === "refused") return request;
    const id = this.#originHash(request.checkpoint.origin);
    return await this.#alone(id, () => this.#decide(id, request));
  }

  /** The latest cosigned checkpoint, for monitors (GET ORIGIN-HASH/checkpoint); `null` where there is none. */
  async checkpoint(originHash: string): Promise<string | null> {
    const { logs } = this.#options;
    if (!logs.some(({ name }) => this.#originHash(name) === originHash)) return null;
    return await this.#alone(originHash, async () => (await this.#load(originHash))?.note ?? null);
  }

  async #decide(id: string, request: VerifiedRequest): Promise<CosignerAnswer> {
    const { signer, clock, storeFor } = this.#options;
    const answer = addCheckpoint(await this.#load(id), request, signer, clock.now(), this.#suite);
    if (answer.kind === "refused") return answer;
    // Whatever the disk holds after a failed write is read again: the cache must not know better.
    this.#known.delete(id);
    await storeFor(id).save(utf8(answer.tree.note));
    this.#known.set(id, answer.tree);
    return { status: 200, contentType: TEXT, body: answer.cosignature };
  }

  async #load(id: string): Promise<WitnessedTree | null> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const saved = await this.#options.storeFor(id).load();
    const key = this.#options.signer.key;
    // Damage throws: to take it for "never cosigned" would let the log start over.
    const tree = saved === null ? null : parseWitnessedTree(fromUtf8(saved), key, this.#suite);
    this.#known.set(id, tree);
    return tree;
  }

  #alone<T>(id: string, run: () => Promise<T>): Promise<T> {
    const result = (this.#lanes.get(id) ?? Promise.resolve()).then(run);
    this.#lanes.set(
      id,
      result.catch(() => {}),
    );
    return result;
  }

  #originHash(origin: string): string {
    return hex(this.#suite.sha256(utf8(origin)));
  }
}
