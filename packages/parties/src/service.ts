import { join } from "node:path";
import {
  type Charter,
  charterIdOfDocument,
  type LogEntry,
  type PeriodKeys,
  parseEntry,
  parseKeys,
  parseSuccession,
  type SignedDocument,
  succeedKeys,
  unverifiedPayload,
  verifyCharter,
  verifyKeys,
  verifySuccession,
} from "@porchlight/charter";
import { makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  type CharterId,
  dayOf,
  formatInstant,
  type Period,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { logIndex, parsePolicy, parseProof, type WitnessedCheckpoint } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import {
  type Fetch,
  type FollowedEntry,
  httpLogSource,
  LogFollower,
  ServerClient,
  type StateStore,
} from "@porchlight/wire";
import { PartyError } from "./error.ts";

/** A witnessed checkpoint older than this is not relied on where the clock is real. */
const MAX_AGE = 24 * 3600;
const RENEWAL_SECONDS = 10;

/** A period's keys and where the log has them. */
export type LoggedKeys = { readonly index: number; readonly keys: PeriodKeys };

/** A keyholder that was lost, and who has its place. */
export type Replacement = {
  /** Of the succession's entry in the log. */
  readonly index: number;
  readonly lost: string;
  readonly successor: string;
  readonly ground: string;
  readonly at: UnixSeconds;
};

export type ServiceOptions = {
  readonly url: string;
  /** Where the last checkpoint seen is kept, so that the log can never be rolled back or forked unnoticed. */
  readonly directory: string;
  /** The charter to work under; without it there must be exactly one in force. */
  readonly charter?: CharterId | null;
  /** Left out: the system clock, or, under a charter on a replayed clock, the log's witnessed time. */
  readonly clock?: { now(): UnixSeconds };
  readonly fetch?: Fetch;
};

/** An entry of the log; `entry` is `null` where this version cannot read it: somebody's junk in a public log. */
type ReadEntry = FollowedEntry & { readonly entry: LogEntry | null };

/**
 * The service as a court or an agency sees it: charter, keys and log, all verified here and nothing taken on the
 * provider's word. Throws WireError where it cannot be reached, LogError for what its log did, CharterError and
 * PartyError for charters.
 */
export class Service {
  readonly charter: Charter;
  readonly server: ServerClient;
  readonly #follower: LogFollower;
  readonly #clock: { now(): UnixSeconds } | null;
  readonly #entries: ReadEntry[];
  /** The same log under its other charters, by id. */
  readonly #others = new Map<CharterId, Service>();
  readonly #root: Service | null;
  #present: Charter;
  readonly #replacements: Replacement[] = [];
  #following: Promise<void> = Promise.resolve();
  /** Entries before this place were looked at for successions. */
  #succeeded = 0;
  readonly #keys = new Map<Period, { readonly upTo: number; readonly all: readonly LoggedKeys[] }>();

  private constructor(
    charter: Charter,
    server: ServerClient,
    follower: LogFollower,
    clock: { now(): UnixSeconds } | null,
    root: Service | null = null,
  ) {
    this.charter = charter;
    this.#present = charter;
    this.server = server;
    this.#follower = follower;
    this.#clock = clock;
    this.#root = root;
    this.#entries = root === null ? [] : root.#entries;
  }

  /** Finds the charter, checks all its signatures, and reads the whole log once. */
  static async open(options: ServiceOptions): Promise<Service> {
    const { url, directory, fetch } = options;
    const client = { url, ...(fetch === undefined ? {} : { fetch }) };
    const server = new ServerClient(client);
    const system = { now: () => unixSeconds(Math.floor(Date.now() / 1000)) };
    const charter = await chooseCharter(server, options.charter ?? null, options.clock ?? system);
    const clock = options.clock ?? (charter.clock === "system" ? system : null);
    await makeDirectory(directory);
    const follower = await LogFollower.open({
      source: httpLogSource({ ...client, url: `${url.replace(/\/+$/, "")}/log` }),
      policy: parsePolicy(charter.log.policy, nodeSuite),
      store: fileStore(join(directory, `log-${charter.log.origin}.json`)),
      clock: clock ?? { now: () => unixSeconds(0) },
      maxAge: MAX_AGE,
      from: "start",
      suite: nodeSuite,
    });
    const service = new Service(charter, server, follower, clock);
    await service.update();
    service.charterEntry();
    return service;
  }

  /**
   * The same log under the charter of an order, which stays that order's own when another comes into force (WAR-4).
   * Throws PartyError "charter-unknown" where the witnessed log has no such charter that holds.
   */
  async under(id: CharterId): Promise<Service> {
    const root = this.#root ?? this;
    if (id === root.charter.id) return root;
    let other = root.#others.get(id);
    if (other === undefined) {
      const charter = await root.#loggedCharter(id);
      other = new Service(charter, root.server, root.#follower, root.#clock, root);
      root.#others.set(id, other);
    }
    await other.#followSuccessions();
    return other;
  }

  async #loggedCharter(id: CharterId): Promise<Charter> {
    for (const { entry } of this.#entries) {
      if (entry?.type !== "charter" || !isCharter(entry, id)) continue;
      const charter = await verifyCharter(entry.document).catch(() => null);
      if (charter !== null && charter.log.origin === this.charter.log.origin) return charter;
    }
    throw new PartyError(
      "charter-unknown",
      "it was made under another charter, and this log has none of that name that holds",
    );
  }

  /** Reads what is new in the log. Throws PartyError "log-stale" where its newest state is too old to rely on. */
  async update(): Promise<WitnessedCheckpoint> {
    if (this.#root !== null) {
      const checkpoint = await this.#root.update();
      await this.#followSuccessions();
      return checkpoint;
    }
    const take = (entries: readonly FollowedEntry[]): void => {
      for (const one of entries) this.#entries.push({ ...one, entry: readable(one.bytes) });
    };
    let { kind, checkpoint } = await this.#follower.update(take);
    if (kind === "stale" && this.charter.clock === "system") {
      // Nobody may have asked for long: then witnesses look at the same tree again.
      const since = unixSeconds((this.#clock?.now() ?? checkpoint.time) - MAX_AGE / 2);
      await this.server
        .waitForCheckpoint(checkpoint.size, { since, wait: RENEWAL_SECONDS })
        .catch(() => null);
      ({ kind, checkpoint } = await this.#follower.update(take));
      if (kind === "stale") {
        throw new PartyError(
          "log-stale",
          `the log was not renewed since ${formatInstant(checkpoint.time)}: newer entries, a revocation among them, may be kept back`,
        );
      }
    }
    await this.#followSuccessions();
    return checkpoint;
  }

  /** The charter with the keyholders of now: who is asked for anything. Its id, its terms and its policy stay (CHA-22). */
  get present(): Charter {
    return this.#present;
  }

  /** Keyholders that were lost and replaced, in the order of the log. */
  get replacements(): readonly Replacement[] {
    return this.#replacements;
  }

  /** CHA-21: in the order of the log; what does not verify is somebody's mistake in a public log. Two visits go one after the other. */
  async #followSuccessions(): Promise<void> {
    this.#following = this.#following.then(async () => await this.#follow());
    await this.#following;
  }

  async #follow(): Promise<void> {
    const fresh = this.#entries.slice(this.#succeeded);
    this.#succeeded = this.#entries.length;
    for (const { index, entry } of fresh) {
      if (entry?.type !== "succession") continue;
      const before = this.#present;
      const after = await verifySuccession(entry.document, before).catch(() => null);
      if (after === null) continue;
      const { keyholder, ground, at } = parseSuccession(unverifiedPayload(entry.document));
      const lost = before.keyholders[keyholder.index - 1]?.name ?? "";
      this.#present = after;
      this.#replacements.push({ index, lost, successor: keyholder.name, ground, at });
    }
  }

  /** Waits for a witnessed checkpoint of at least `size` entries; false where none came within `wait` seconds. */
  async covers(size: number, wait = 20): Promise<boolean> {
    const until = performance.now() + wait * 1000;
    for (;;) {
      const left = Math.max(0, Math.min(20, Math.ceil((until - performance.now()) / 1000)));
      const note = await this.server.waitForCheckpoint(size, { wait: left });
      if (note !== null && (await this.update()).size >= size) return true;
      if (performance.now() >= until) return false;
    }
  }

  /** Entries of the successions that hold and stand before `index`, in the order of the log. */
  successionsBefore(index: number): readonly FollowedEntry[] {
    const places = this.#replacements.filter((one) => one.index < index);
    return places.map((one) => this.#entries[one.index] as FollowedEntry);
  }

  /** The newest witnessed checkpoint. */
  get checkpoint(): WitnessedCheckpoint {
    return this.#follower.checkpoint as WitnessedCheckpoint;
  }

  now(): UnixSeconds {
    return this.#clock === null ? this.checkpoint.time : this.#clock.now();
  }

  /** All entries from an index on, in order; each was parsed when it came, once. */
  entriesFrom(index: number): readonly ReadEntry[] {
    return this.#entries.slice(index);
  }

  /** The first entry that fits; those that this version cannot read never do. */
  find(fits: (entry: LogEntry) => boolean): (FollowedEntry & { readonly entry: LogEntry }) | null {
    for (const followed of this.#entries) {
      const { entry } = followed;
      if (entry !== null && fits(entry)) return { ...followed, entry };
    }
    return null;
  }

  /** The charter's own entry. Throws PartyError "charter-unknown" where the log has none. */
  charterEntry(): FollowedEntry {
    const found = this.find((entry) => isCharter(entry, this.charter.id));
    if (found === null) {
      throw new PartyError(
        "charter-unknown",
        "the charter is not in the witnessed log: do not rely on this service",
      );
    }
    return found;
  }

  /**
   * The keys of a period under the charter, verified: the first, to which everything is sealed, or, by number, a later
   * generation of shares of the same master keys. Throws PartyError "charter-unknown" where the log has none.
   */
  async keys(period: Period, generation?: number): Promise<LoggedKeys> {
    const all = await this.#keysOf(period);
    const found = generation === undefined ? all[0] : all.find(({ keys }) => keys.generation === generation);
    if (found !== undefined) return found;
    throw new PartyError("charter-unknown", `the log has no such keys for ${period} under this charter`);
  }

  /** CER-13: the first keys that hold, and those of later generations with the same two master keys. */
  async #keysOf(period: Period): Promise<readonly LoggedKeys[]> {
    const known = this.#keys.get(period) ?? { upTo: 0, all: [] };
    const upTo = this.#entries.length;
    const all = [...known.all];
    for (const { index, entry } of this.#entries.slice(known.upTo)) {
      if (entry?.type !== "keys" || !isKeysOf(entry.document, this.charter.id, period)) continue;
      const keys = await verifyKeys(entry.document, this.charter).catch(() => null);
      const last = all.at(-1)?.keys;
      if (keys !== null && (last === undefined || succeedKeys(keys, last))) all.push({ index, keys });
    }
    this.#keys.set(period, { upTo, all });
    return all;
  }

  /** C2SP tlog-proof of an entry under {@link checkpoint}. */
  async proof(index: number): Promise<string> {
    return await this.#follower.prove(logIndex(index));
  }

  /** Bytes of an entry and its audit path under {@link checkpoint}. */
  async prove(index: number): Promise<{ readonly index: number; readonly hashes: readonly Uint8Array[] }> {
    const { hashes } = parseProof(await this.proof(index));
    return { index, hashes };
  }
}

function readable(bytes: Uint8Array): LogEntry | null {
  try {
    return parseEntry(bytes);
  } catch {
    return null;
  }
}

/** Looks before it verifies, which costs pairings. */
function isKeysOf(document: SignedDocument, charter: CharterId, period: Period): boolean {
  try {
    const claimed = parseKeys(unverifiedPayload(document));
    return claimed.charter === charter && claimed.period === period;
  } catch {
    return false;
  }
}

function isCharter(entry: LogEntry, id: CharterId): boolean {
  return entry.type === "charter" && charterIdOfDocument(unverifiedPayload(entry.document)) === id;
}

/** The fixed charter, or the only one in force. Who is not told one trusts the first service that it meets: so it is shown. */
/** The verified charter `fixed`, or the only one in force. Throws PartyError "charter-unknown" or "charter-ambiguous". */
export async function chooseCharter(
  server: ServerClient,
  fixed: CharterId | null,
  clock: { now(): UnixSeconds },
): Promise<Charter> {
  const found = new Map<CharterId, Charter>();
  for (const { document } of await server.charters()) {
    const charter = await verifyCharter(document).catch(() => null);
    if (charter !== null) found.set(charter.id, charter);
  }
  if (fixed !== null) {
    const charter = found.get(fixed);
    if (charter === undefined) throw new PartyError("charter-unknown", "the service has no such charter");
    return charter;
  }
  const today = dayOf(clock.now());
  // A replayed clock shows days of its own, which only the log tells.
  const inForce = [...found.values()].filter(
    ({ clock: kind, validFrom, validUntil }) =>
      kind === "replay" || (validFrom <= today && today <= validUntil),
  );
  const [only, ...others] = inForce;
  if (only === undefined) throw new PartyError("charter-unknown", "the service has no charter in force");
  if (others.length > 0) {
    throw new PartyError(
      "charter-ambiguous",
      `the service has ${inForce.length} charters in force: name one with --charter`,
    );
  }
  return only;
}

function fileStore(path: string): StateStore {
  return {
    load: async () => await readFileOrNull(path),
    save: async (state) => await writeFileDurable(path, state),
  };
}
