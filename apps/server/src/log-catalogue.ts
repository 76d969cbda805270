import {
  type BatchEntry,
  type CeremonyEntry,
  type Charter,
  type IntakeEntry,
  type PreservationEntry,
  parseEntry,
  parseKeys,
  parseSuccession,
  type SignedDocument,
  unverifiedPayload,
  verifyCharter,
  verifySuccession,
} from "@porchlight/charter";
import type { CharterId, Commitment, DayNumber, Period } from "@porchlight/encoding";
import { type LogIndex, logIndex } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";

/** A document of the log and where it stands. */
export type LoggedDocument = { readonly index: LogIndex; readonly document: SignedDocument };
/** An entry that the gate reads. */
export type DatedEntry = {
  readonly index: LogIndex;
  readonly entry: IntakeEntry | BatchEntry;
};

/**
 * What the server looks up in its own log, in memory: read from the log itself at every start, so that it cannot
 * differ from it. About 1.1 kB an entry, most of it the slots of keyholders' batches.
 */
export class LogCatalogue {
  readonly #byHash = new Map<string, LogIndex>();
  readonly #charters = new Map<CharterId, Charter>();
  /** Where a succession has changed the keyholders. */
  readonly #present = new Map<CharterId, Charter>();
  readonly #said = new Map<string, number>();
  readonly #charterDocuments: LoggedDocument[] = [];
  readonly #keys = new Map<Period, LoggedDocument[]>();
  readonly #dated = new Map<CharterId, DatedEntry[]>();
  readonly #orders = new Map<Commitment, LogIndex>();
  readonly #noticed = new Set<Commitment>();
  readonly #revocations = new Map<Commitment, LogIndex>();
  readonly #directions = new Map<string, LogIndex>();
  readonly #preservations = new Map<Commitment, { index: LogIndex; entry: PreservationEntry }>();
  readonly #lifts = new Map<Commitment, LogIndex>();
  readonly #registrations = new Map<Commitment, LogIndex>();
  readonly #providerAnswers = new Map<Commitment, LogIndex>();
  readonly #disclosed = new Set<Commitment>();
  readonly #statistics = new Set<string>();
  #appRelease: { readonly manifest: string; readonly index: LogIndex } | null = null;

  /** Takes up an entry; they come in the log's order. The log holds only what was verified before. */
  async add(index: number, bytes: Uint8Array): Promise<void> {
    const at = logIndex(index);
    const entry = parseEntry(bytes);
    this.#byHash.set(entryHash(bytes), at);
    switch (entry.type) {
      case "charter": {
        const charter = await verifyCharter(entry.document);
        this.#charters.set(charter.id, charter);
        this.#charterDocuments.push({ index: at, document: entry.document });
        return;
      }
      case "keys": {
        const { period } = parseKeys(unverifiedPayload(entry.document));
        listOf(this.#keys, period).push({ index: at, document: entry.document });
        return;
      }
      case "succession": {
        const { charter } = parseSuccession(unverifiedPayload(entry.document));
        const before = this.presentCharter(charter);
        if (before !== undefined) this.#present.set(charter, await verifySuccession(entry.document, before));
        return;
      }
      case "ceremony": {
        const place = roundOf(entry);
        this.#said.set(place, (this.#said.get(place) ?? 0) + 1);
        return;
      }
      case "erasure":
      case "notice-share":
        return;
      default:
        this.#addDated(at, entry);
    }
  }

  #addDated(index: LogIndex, entry: DatedEntry["entry"]): void {
    listOf(this.#dated, entry.charter).push({ index, entry });
    const first = <K>(known: Map<K, LogIndex>, key: K): void => {
      if (!known.has(key)) known.set(key, index);
    };
    switch (entry.type) {
      case "warrant":
      case "hold-order":
        return first(this.#orders, entry.commitment);
      case "notice":
        this.#noticed.add(entry.commitment);
        return;
      case "revocation":
        return first(this.#revocations, entry.commitment);
      case "suspension":
      case "resumption":
      case "extension":
      case "notice-release":
        return first(this.#directions, entry.direction);
      case "preservation":
        if (!this.#preservations.has(entry.commitment)) {
          this.#preservations.set(entry.commitment, { index, entry });
        }
        return;
      case "preservation-lift":
        return first(this.#lifts, entry.commitment);
      case "registration":
        return first(this.#registrations, entry.commitment);
      case "provider-answer":
        return first(this.#providerAnswers, entry.commitment);
      case "disclosed":
        this.#disclosed.add(entry.commitment);
        return;
      case "statistics":
        this.#statistics.add(`${entry.charter} ${entry.month}`);
        return;
      case "app-release":
        this.#appRelease = { manifest: entry.manifest, index };
    }
  }

  /** Where these exact bytes already stand. */
  find(bytes: Uint8Array): LogIndex | undefined {
    return this.#byHash.get(entryHash(bytes));
  }

  charter(id: CharterId): Charter | undefined {
    return this.#charters.get(id);
  }

  /** The charter with its successions. */
  presentCharter(id: CharterId): Charter | undefined {
    return this.#present.get(id) ?? this.#charters.get(id);
  }

  /** Entries that a keyholder has made in a ceremony's round. */
  saidInRound(entry: CeremonyEntry): number {
    return this.#said.get(roundOf(entry)) ?? 0;
  }

  get charters(): readonly LoggedDocument[] {
    return this.#charterDocuments;
  }

  /** All charters, oldest first. */
  get verifiedCharters(): readonly Charter[] {
    return [...this.#charters.values()];
  }

  /** The newest charter whose dates hold on this day: what is new comes under it. */
  charterInForce(day: DayNumber): Charter | undefined {
    return this.verifiedCharters.findLast(
      ({ validFrom, validUntil }) => validFrom <= day && day <= validUntil,
    );
  }

  /** Whether notices of this order stand in the log, all of them or not. */
  hasNotices(order: Commitment): boolean {
    return this.#noticed.has(order);
  }

  /** All key documents of a period, of every charter and generation. */
  keys(period: Period): readonly LoggedDocument[] {
    return this.#keys.get(period) ?? [];
  }

  get periods(): readonly Period[] {
    return [...this.#keys.keys()];
  }

  order(commitment: Commitment): LogIndex | undefined {
    return this.#orders.get(commitment);
  }

  revocation(commitment: Commitment): LogIndex | undefined {
    return this.#revocations.get(commitment);
  }

  /** By what its entry shows of the document. */
  direction(hash: string): LogIndex | undefined {
    return this.#directions.get(hash);
  }

  preservation(
    commitment: Commitment,
  ): { readonly index: LogIndex; readonly entry: PreservationEntry } | undefined {
    return this.#preservations.get(commitment);
  }

  /** Where the order to preserve with this commitment was lifted. */
  lift(commitment: Commitment): LogIndex | undefined {
    return this.#lifts.get(commitment);
  }

  registration(commitment: Commitment): LogIndex | undefined {
    return this.#registrations.get(commitment);
  }

  providerAnswer(commitment: Commitment): LogIndex | undefined {
    return this.#providerAnswers.get(commitment);
  }

  isDisclosed(commitment: Commitment): boolean {
    return this.#disclosed.has(commitment);
  }

  /** The newest release of the web app. */
  get appRelease(): { readonly manifest: string; readonly index: LogIndex } | null {
    return this.#appRelease;
  }

  hasStatistics(charter: CharterId, month: Period): boolean {
    return this.#statistics.has(`${charter} ${month}`);
  }

  /** Orders, directions and batches of a charter below `size`, ascending. */
  dated(charter: CharterId, size: number): readonly DatedEntry[] {
    const all = this.#dated.get(charter) ?? [];
    // Ascending, and nearly always all of them: cut from the end.
    let end = all.length;
    while (end > 0 && (all[end - 1] as DatedEntry).index >= size) end--;
    return all.slice(0, end);
  }
}

/** Latin-1 text of the 32 bytes: half the memory of hexadecimal. */
function entryHash(bytes: Uint8Array): string {
  return Buffer.from(nodeSuite.sha256(bytes)).toString("latin1");
}

function roundOf({ charter, period, generation, from, round, keyholder }: CeremonyEntry): string {
  return `${charter} ${period} ${generation} ${from} ${round} ${keyholder}`;
}

function listOf<K, V>(map: Map<K, V[]>, key: K): V[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}
