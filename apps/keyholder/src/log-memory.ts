import { join } from "node:path";
import {
  type CeremonyEntry,
  type Charter,
  CharterError,
  type ErasureEntry,
  formatSignedDocument,
  type KeysDocument,
  type LogEntry,
  type PeriodKeys,
  parseEntry,
  parseKeys,
  parseSignedDocument,
  parseSuccession,
  type SignedDocument,
  succeedKeys,
  unverifiedPayload,
  verifyCharter,
  verifyEntrySignature,
  verifyKeys,
  verifySuccession,
} from "@porchlight/charter";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  EncodingError,
  equalBytes,
  type KeyholderIndex,
  type Period,
  unixSeconds,
} from "@porchlight/encoding";
import type { LogView } from "@porchlight/gate";
import type { Clock, Logger } from "@porchlight/runtime";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource, LogError, LogFollower, type ServerClient } from "@porchlight/wire";
import type { CeremonyName } from "./ceremony-name.ts";
import type { OwnCharter } from "./charters.ts";
import { fileStore } from "./file-store.ts";

/** How far a checkpoint may lie back before it is asked for again, in seconds; half of what the gate tolerates. */
const FRESH_SECONDS = 300;
const POLL_SECONDS = 15;
const FORK = "fork.json";
const LOGGED_CHARTER = "logged-charter.json";
const RETRY_MILLISECONDS = [200, 500, 1000, 2000, 5000];

/** A `keys` entry of a period that is valid and in its turn (CER-13), as the log has it. */
export type LoggedKeys = {
  readonly index: number;
  readonly keys: PeriodKeys;
  readonly document: SignedDocument;
};

/** A succession that counts, and the charter as it reads with it. */
export type LoggedSuccession = {
  readonly index: number;
  readonly keyholder: KeyholderIndex;
  readonly document: SignedDocument;
  readonly under: Charter;
};

type Indexed<Entry> = { readonly index: number; readonly entry: Entry };

export type LogMemoryOptions = {
  readonly own: OwnCharter;
  /** The charter's directory: `log.state` and `logged-charter.json` are kept there. */
  readonly directory: string;
  readonly server: ServerClient;
  readonly logUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/**
 * The log as one charter's keyholder knows it: everything in it was verified by this process itself, under the policy
 * of a charter that its operator signed (KEY-20).
 */
export class LogMemory {
  readonly #options: LogMemoryOptions;
  readonly #follower: LogFollower;
  readonly #entries: { readonly index: number; readonly entry: LogEntry }[] = [];
  readonly #ceremonies = new Map<string, Indexed<CeremonyEntry>[]>();
  readonly #keys = new Map<Period, LoggedKeys[]>();
  readonly #successions: LoggedSuccession[] = [];
  readonly #erasures: Indexed<ErasureEntry>[] = [];
  /** Of this keyholder's own batches. */
  readonly #slots = new Set<string>();
  readonly #subscribers = new Set<() => void>();
  #charter: Charter | null;
  #forked = false;
  #following: Promise<void> | null = null;

  private constructor(options: LogMemoryOptions, follower: LogFollower, charter: Charter | null) {
    this.#options = options;
    this.#follower = follower;
    this.#charter = charter;
  }

  /** Throws LogError "state-corrupt" where the memory of earlier checkpoints is damaged. */
  static async open(options: LogMemoryOptions): Promise<LogMemory> {
    const follower = await LogFollower.open({
      source: httpLogSource({ url: options.logUrl }),
      policy: parsePolicy(options.own.document.log.policy, nodeSuite),
      store: fileStore(join(options.directory, "log.state")),
      clock: options.clock,
      maxAge: FRESH_SECONDS,
      from: "start",
      suite: nodeSuite,
    });
    // Once in the witnessed log, a charter stays in force here while the log cannot be reached.
    const logged = await readFileOrNull(join(options.directory, LOGGED_CHARTER));
    const charter = logged === null ? null : await verifyCharter(parseSignedDocument(logged));
    const memory = new LogMemory(options, follower, charter);
    memory.#forked = (await readFileOrNull(join(options.directory, FORK))) !== null;
    return memory;
  }

  get own(): OwnCharter {
    return this.#options.own;
  }

  /**
   * The charter with its successions, once the log holds it with everyone's signatures, and, where this keyholder came in by
   * a succession, that too (KEY-13, KEY-14).
   */
  get charter(): Charter | null {
    const present = this.#present;
    return present?.keyholders[this.own.self - 1]?.name === this.own.name ? present : null;
  }

  get #present(): Charter | null {
    return this.#successions.at(-1)?.under ?? this.#charter;
  }

  /** The charter as it read before an index of the log, and the successions that it had then. */
  charterBefore(index: number): {
    readonly charter: Charter | null;
    readonly successions: LoggedSuccession[];
  } {
    const successions = this.#successions.filter((one) => one.index < index);
    return { charter: successions.at(-1)?.under ?? this.#charter, successions };
  }

  /** In the log's order. */
  get successions(): readonly LoggedSuccession[] {
    return this.#successions;
  }

  /** Which keyholder has said of which share that it is erased (ENT-20). */
  get erasures(): readonly Indexed<ErasureEntry>[] {
    return this.#erasures;
  }

  /**
   * KEY-22: whether the log once showed two trees that are not one. `fork.json` has both signed checkpoints; until a
   * person has looked into it and removed the file, nothing is decided here.
   */
  get forked(): boolean {
    return this.#forked;
  }

  /** What the gate reads, `null` before the first witnessed checkpoint and after a fork. */
  get view(): LogView | null {
    if (this.#forked) return null;
    const checkpoint = this.#follower.checkpoint;
    // Right after a restart the checkpoint is known again before its entries are.
    if (checkpoint === null || this.#follower.handled < checkpoint.size) return null;
    return { checkpoint, entries: this.#entries };
  }

  /** Keys of a period: the newest ones, or those of a generation. */
  keys(period: Period, generation?: number): LoggedKeys | null {
    const all = this.#keys.get(period) ?? [];
    const found =
      generation === undefined ? all.at(-1) : all.find(({ keys }) => keys.generation === generation);
    return found ?? null;
  }

  /** The keys of every period that the log has. */
  get periodKeys(): ReadonlyMap<Period, PeriodKeys> {
    return new Map(
      [...this.#keys].flatMap(([period, [first]]) =>
        first === undefined ? [] : [[period, first.keys] as const],
      ),
    );
  }

  get periods(): readonly Period[] {
    return [...this.#keys.keys()].sort();
  }

  /** Entries of one ceremony, in the log's order, that their keyholder signed under this charter. */
  ceremony(name: CeremonyName): readonly Indexed<CeremonyEntry>[] {
    return this.#ceremonies.get(ceremonyKey(name)) ?? [];
  }

  /** Every ceremony of which the log has an entry. */
  get ceremonies(): CeremonyName[] {
    return [...this.#ceremonies.values()].flatMap(([first]) =>
      first === undefined ? [] : [nameOfEntry(first.entry)],
    );
  }

  /** Whether a batch of this keyholder in the witnessed log holds the slot. */
  holdsSlot(slot: string): boolean {
    return this.#slots.has(slot);
  }

  /** Reads up to the newest checkpoint. Throws LogError or WireError. */
  async refresh(): Promise<void> {
    try {
      const update = await this.#follower.update(async (entries) => {
        for (const { index, bytes } of entries) await this.#take(index, bytes);
      });
      if (update.entries > 0) this.#options.log.event("log-followed", { size: update.checkpoint.size });
    } catch (error) {
      if (error instanceof LogError && error.code === "fork" && error.evidence !== undefined) {
        await this.#keepEvidence(error.evidence);
      }
      throw error;
    }
    for (const listener of this.#subscribers) listener();
  }

  /** {@link refresh}, after waiting for a checkpoint that covers `size` entries and is cosigned recently. */
  async refreshTo(size: number, waitSeconds: number): Promise<void> {
    const { server, clock, signal } = this.#options;
    const since = unixSeconds(Math.max(0, clock.now() - FRESH_SECONDS));
    await server.waitForCheckpoint(size, { since, wait: waitSeconds, signal });
    await this.refresh();
  }

  /** Follows the log for as long as anyone has subscribed; `listener` is called after every look at it. */
  subscribe(listener: () => void): () => void {
    this.#subscribers.add(listener);
    this.#follow();
    return () => void this.#subscribers.delete(listener);
  }

  /**
   * Resolves with the first result of `look` that is not null; it is asked now and after every look at the log. Rejects
   * with what `look` throws, and when the program ends.
   */
  until<T>(look: () => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const { signal } = this.#options;
      if (signal.aborted) return reject(signal.reason as Error);
      const end = (finish: () => void): void => {
        unsubscribe();
        signal.removeEventListener("abort", aborted);
        finish();
      };
      const aborted = (): void => end(() => reject(signal.reason as Error));
      const again = (): void => {
        try {
          const found = look();
          if (found !== null) end(() => resolve(found));
        } catch (error) {
          end(() => reject(error as Error));
        }
      };
      const unsubscribe = this.subscribe(again);
      signal.addEventListener("abort", aborted);
      again();
    });
  }

  /** One loop for all who wait. */
  #follow(): void {
    const { signal, log } = this.#options;
    if (this.#following !== null) return;
    this.#following = (async () => {
      let failures = 0;
      while (this.#subscribers.size > 0 && !signal.aborted) {
        try {
          await this.refresh();
          if (this.#subscribers.size > 0) await this.#awaitNews();
          failures = 0;
        } catch (error) {
          if (signal.aborted) break;
          if (failures === 0) log.failure("log-unavailable", error);
          await pause(
            RETRY_MILLISECONDS[Math.min(failures++, RETRY_MILLISECONDS.length - 1)] ?? 5000,
            signal,
          );
        }
      }
    })().finally(() => {
      this.#following = null;
      if (this.#subscribers.size > 0 && !signal.aborted) this.#follow();
    });
  }

  /** More entries, or, where the newest checkpoint is old, fresh cosignatures on the same tree. */
  async #awaitNews(): Promise<void> {
    const { server, clock, signal } = this.#options;
    const { checkpoint, handled } = this.#follower;
    const oldest = unixSeconds(Math.max(0, clock.now() - FRESH_SECONDS));
    const wait = POLL_SECONDS;
    if (checkpoint !== null && checkpoint.time >= oldest) {
      await server.waitForCheckpoint(handled + 1, { wait, signal });
    } else await server.waitForCheckpoint(handled, { since: oldest, wait, signal });
  }

  async #keepEvidence(evidence: { readonly seen: string; readonly offered: string }): Promise<void> {
    // The first proof is the one to keep.
    if (this.#forked) return;
    this.#forked = true;
    await writeFileDurable(join(this.#options.directory, FORK), `${JSON.stringify(evidence, null, 2)}\n`);
    this.#options.log.event("log-forked");
  }

  async #take(index: number, bytes: Uint8Array): Promise<void> {
    const { own, log, directory } = this.#options;
    let entry: LogEntry;
    try {
      entry = parseEntry(bytes);
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      log.event("entry-not-understood", { index });
      return;
    }
    if (entry.type === "charter") {
      if (this.#charter === null && equalBytes(unverifiedPayload(entry.document), own.bytes)) {
        const charter = await valid(verifyCharter(entry.document));
        if (charter !== null) {
          await writeFileDurable(join(directory, LOGGED_CHARTER), formatSignedDocument(entry.document));
          this.#charter = charter;
          log.event("charter-in-force", { index });
        }
      }
    } else if (entry.type === "keys") await this.#takeKeys(index, entry.document);
    else if (entry.type === "succession") await this.#takeSuccession(index, entry.document);
    else if (entry.charter !== own.id) return;
    else if (entry.type === "ceremony") this.#takeCeremony(index, entry);
    else if (entry.type === "erasure") {
      if (this.#present !== null && verifyEntrySignature(entry, this.#present, nodeSuite)) {
        this.#erasures.push({ index, entry });
      }
    } else if (entry.type === "keyholder-batch" && entry.keyholder === own.self) {
      for (const slot of entry.slots) this.#slots.add(slot);
    }
    this.#entries.push({ index, entry });
  }

  #takeCeremony(index: number, entry: CeremonyEntry): void {
    const charter = this.#present;
    if (charter === null || !verifyEntrySignature(entry, charter, nodeSuite)) return;
    const key = ceremonyKey(nameOfEntry(entry));
    const all = this.#ceremonies.get(key) ?? [];
    all.push({ index, entry });
    this.#ceremonies.set(key, all);
  }

  /** CHA-21: counts from here on. One that the others did not all sign, or that was signed before another, is nothing. */
  async #takeSuccession(index: number, document: SignedDocument): Promise<void> {
    const charter = this.#present;
    if (charter === null) return;
    const under = await valid(verifySuccession(document, charter));
    if (under === null) return;
    const { keyholder } = parseSuccession(unverifiedPayload(document));
    this.#successions.push({ index, keyholder: keyholder.index, document, under });
    this.#options.log.event("keyholder-succeeded", { index, keyholder: keyholder.index });
  }

  /** CER-13: the first of a period; after that, only newer shares of the same two master keys. */
  async #takeKeys(index: number, document: SignedDocument): Promise<void> {
    if (this.#charter === null) return;
    let claimed: KeysDocument;
    try {
      claimed = parseKeys(unverifiedPayload(document));
    } catch (error) {
      if (error instanceof EncodingError) return;
      throw error;
    }
    if (claimed.charter !== this.#charter.id) return;
    const before = this.#keys.get(claimed.period) ?? [];
    const last = before.at(-1)?.keys;
    if (last !== undefined && !succeedKeys(claimed, last)) return;
    const keys = await valid(verifyKeys(document, this.#charter));
    if (keys !== null) this.#keys.set(keys.period, [...before, { index, keys, document }]);
  }
}

function nameOfEntry({ charter, period, generation, from }: CeremonyEntry): CeremonyName {
  return { charter, period, generation, from };
}

function ceremonyKey({ period, generation, from }: CeremonyName): string {
  return `${period}.${generation}.${from}`;
}

/** What a document in the log is worth: an invalid one is nothing, whoever logged it. */
async function valid<T>(verification: Promise<T>): Promise<T | null> {
  try {
    return await verification;
  } catch (error) {
    if (error instanceof CharterError || error instanceof EncodingError) return null;
    throw error;
  }
}

/** Waits, or returns early when the program ends. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
