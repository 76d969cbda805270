import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { equalBytes, fromUtf8, type UnixSeconds } from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import {
  consistencyProof,
  fewestCosignatures,
  formatCheckpoint,
  formatVkey,
  type Policy,
  policySatisfied,
  type Signer,
  signNote,
  treeHash,
  treeSize,
  verifyWitnessed,
  type WitnessedCheckpoint,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { WitnessClient } from "@porchlight/wire";
import { ServerError } from "./error.ts";
import type { LogTree } from "./log-store.ts";
import type { Waiters } from "./waiters.ts";

/** Where a cosigner of the policy is reached. */
export type CosignerAddress = { readonly vkey: string; readonly url: string };

/** Seconds that one cosigner may take. */
const COSIGN_LIMIT = 10;
/** Milliseconds that a round waits for cosigners; doubles while rounds fall short, up to what one cosigner may take. */
const ROUND_FIRST = 1_000;
/** Milliseconds after a round that fell short; doubles up to the last. */
const RETRY_FIRST = 100;
const RETRY_LAST = 5_000;

type Round = {
  readonly note: string;
  readonly size: number;
  collected: string;
  readonly asked: Set<Cosigner>;
  /** Called when one more has answered, or failed to. */
  progress: () => void;
};

type Cosigner = {
  readonly name: string;
  readonly client: WitnessClient;
  /** The round that it is working on; one that hangs takes part again when it has let go. */
  busy: Round | null;
};

/**
 * Signs checkpoints of the log, collects cosignatures and publishes those that satisfy the policy (DEL-42). A cosigner
 * that is down or slow delays nobody beyond what the policy asks. What was published is durable before anyone sees it,
 * and never goes back.
 */
export class LogPublisher {
  readonly #path: string;
  readonly #store: LogTree;
  readonly #signer: Signer<"ed25519">;
  readonly #policy: Policy;
  readonly #cosigners: Cosigner[];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #waiters: Waiters;
  #published: WitnessedCheckpoint | null;
  /** A checkpoint at least this fresh is wanted. */
  #since: UnixSeconds;
  #current: Round | null = null;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();
  #publishing: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    options: PublisherOptions,
    path: string,
    policy: Policy,
    published: WitnessedCheckpoint | null,
  ) {
    this.#path = path;
    this.#store = options.store;
    this.#signer = options.signer;
    this.#policy = policy;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#waiters = options.waiters;
    this.#published = published;
    this.#since = options.clock.now();
    this.#cosigners = policy.witnesses.flatMap(({ name, key }) => {
      const url = options.cosigners.find(({ vkey }) => vkey === formatVkey(key))?.url;
      if (url === undefined) return [];
      const client = new WitnessClient(key, { url, timeoutSeconds: COSIGN_LIMIT, suite: nodeSuite });
      return [{ name, client, busy: null }];
    });
  }

  /**
   * `path` keeps the newest published checkpoint. Throws ServerError "log-behind" where that is of a larger or another
   * tree than the store's: to go on would show two logs. Of a restored log what was published then says nothing of what
   * was published since: it is published anew first.
   */
  static async open(
    path: string,
    policy: Policy,
    options: PublisherOptions,
    isRestored = false,
  ): Promise<LogPublisher> {
    const saved = await readFileOrNull(path);
    let published: WitnessedCheckpoint | null = null;
    if (saved !== null) {
      const note = fromUtf8(saved);
      const result = policySatisfied(policy, note, nodeSuite);
      await checkExtends(options.store, result.checkpoint.size, result.checkpoint.root);
      // Under another policy than when it was published it may be worth less: then it is published again.
      if (result.satisfied && !isRestored) published = verifyWitnessed(note, policy, nodeSuite);
    }
    const publisher = new LogPublisher(options, path, policy, published);
    publisher.#running = publisher.#run();
    return publisher;
  }

  get published(): WitnessedCheckpoint | null {
    return this.#published;
  }

  /**
   * DEL-49: a cosigner that has seen a larger tree than this log's, where there are so many of them that no checkpoint of
   * this log can be published any more. Then the log here is old, and must not grow: it would become another one.
   */
  get ahead(): { readonly cosigner: string; readonly size: number } | null {
    const isAhead = ({ client }: Cosigner): boolean => (client.size ?? 0) > this.#store.size;
    const ahead = this.#cosigners.filter(isAhead);
    const names = new Set(ahead.map(({ name }) => name));
    const [first] = ahead;
    // One liar among many stops nothing: the others' checkpoints are still published.
    if (first === undefined || fewestCosignatures(this.#policy, ({ name }) => names.has(name)) === 0)
      return null;
    return { cosigner: first.name, size: first.client.size ?? 0 };
  }

  /** The log has grown. */
  grown(): void {
    this.#wake();
  }

  /** Asks for cosignatures of the present time. */
  refresh(since: UnixSeconds = this.#clock.now()): void {
    if (since > this.#since) this.#since = since;
    this.#wake();
  }

  #isDue(): boolean {
    const { size, time } = this.#published ?? { size: -1, time: -1 };
    // Asked for by a clock that was ahead for a moment, or by anybody: no cosigner would give it for as long as it was ahead.
    const now = this.#clock.now();
    if (this.#since > now) this.#since = now;
    return this.#store.size > size || time < this.#since;
  }

  async #run(): Promise<void> {
    let limit = ROUND_FIRST;
    let retry = RETRY_FIRST;
    while (!this.#closed) {
      if (!this.#isDue()) {
        await this.#woken();
        continue;
      }
      const fresh = await this.#round(limit).catch((error: unknown) => {
        this.#log.failure("checkpoint-failed", error);
        return false;
      });
      if (fresh) {
        limit = ROUND_FIRST;
        retry = RETRY_FIRST;
      } else {
        await this.#woken(retry);
        limit = Math.min(2 * limit, COSIGN_LIMIT * 1000);
        retry = Math.min(2 * retry, RETRY_LAST);
      }
    }
  }

  /** Until there is something to do; with `milliseconds`, until then: growth must not make it knock faster. */
  #woken(milliseconds?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        if (milliseconds !== undefined && !this.#closed) return;
        clearTimeout(timer);
        resolve();
      };
      if (this.#closed) this.#wake();
    });
  }

  /** Whether what is published afterwards covers the log and is as fresh as is wanted. */
  async #round(milliseconds: number): Promise<boolean> {
    const { size, root } = this.#store;
    const text = formatCheckpoint({ origin: this.#signer.key.name, size, root });
    const note = signNote(text, [this.#signer]);
    const round: Round = { note, size, collected: note, asked: new Set(), progress: () => {} };
    this.#current = round;
    const end = performance.now() + milliseconds;
    for (const cosigner of this.#cosigners) void this.#ask(cosigner);
    while (!this.#closed) {
      if (this.#isSatisfied(round)) return await this.#publish(round);
      const open = this.#cosigners.some((one) => one.busy !== null || !round.asked.has(one));
      const left = end - performance.now();
      if (!open || left <= 0) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        round.progress = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const { ahead } = this;
    if (ahead === null) this.#log.event("checkpoint-unwitnessed", { size });
    else this.#log.event("log-behind", { size, cosigner: ahead.cosigner, seen: ahead.size });
    return false;
  }

  #isSatisfied({ collected }: Round): boolean {
    return policySatisfied(this.#policy, collected, nodeSuite).satisfied;
  }

  async #ask(cosigner: Cosigner): Promise<void> {
    if (cosigner.busy !== null) return;
    for (;;) {
      const round = this.#current;
      if (round === null || round.asked.has(cosigner) || this.#closed) return;
      round.asked.add(cosigner);
      cosigner.busy = round;
      try {
        const size = treeSize(round.size);
        const signed = await cosigner.client.cosign(round.note, size, (old) =>
          consistencyProof(this.#store.tiles, old, size, nodeSuite),
        );
        round.collected += signed.slice(round.note.length);
        // Also of a round that was given up: cosigners that are slower than a round must not starve the log.
        if (this.#isSatisfied(round)) await this.#publish(round);
      } catch (error) {
        this.#log.failure("cosigner-failed", error, { cosigner: cosigner.name, size: round.size });
      } finally {
        cosigner.busy = null;
      }
      round.progress();
      this.#current?.progress();
    }
  }

  /** Whether what is published now is as fresh as is wanted. One at a time: a note with fewer lines must not win. */
  async #publish(round: Round): Promise<boolean> {
    const result = this.#publishing.then(() => this.#replace(round));
    this.#publishing = result.catch(() => {});
    return await result;
  }

  async #replace(round: Round): Promise<boolean> {
    const checkpoint = verifyWitnessed(round.collected, this.#policy, nodeSuite);
    const newest = this.#published;
    if (newest !== null && (checkpoint.size < newest.size || checkpoint.time < newest.time)) {
      // A cosigner's clock went back: an older time must not replace a newer one.
      return checkpoint.time >= this.#since;
    }
    if (newest?.note !== checkpoint.note) {
      await writeFileDurable(this.#path, checkpoint.note, { mode: 0o644 });
      this.#published = checkpoint;
      this.#waiters.notify("log");
    }
    return checkpoint.time >= this.#since;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    this.#current?.progress();
    await this.#running;
    await this.#publishing;
  }
}

export type PublisherOptions = {
  readonly store: LogTree;
  readonly signer: Signer<"ed25519">;
  readonly cosigners: readonly CosignerAddress[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly waiters: Waiters;
};

export async function checkExtends(store: LogTree, size: number, root: Uint8Array): Promise<void> {
  const behind = store.size < size;
  if (behind || !equalBytes(await treeHash(store.tiles, treeSize(size), nodeSuite), root)) {
    throw new ServerError(
      "log-behind",
      "the log on this disk is older or other than what was published: restore the newest copy; a log that goes back is refused by every witness",
    );
  }
}
