import { join } from "node:path";
import {
  addSignature,
  CharterError,
  formatEntry,
  formatKeys,
  formatSignedDocument,
  type KeysDocument,
  type PublicKeys,
  parseSignedDocument,
  type SignedDocument,
  signCeremony,
  unverifiedPayload,
  verifyDocument,
} from "@porchlight/charter";
import { makeDirectory, readFileOrNull, type SecretStore, writeFileDurable } from "@porchlight/durable";
import {
  base64url,
  EncodingError,
  equalBytes,
  Fields,
  hex,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  parseJson,
} from "@porchlight/encoding";
import type { DkgDone, MasterKey } from "@porchlight/quorum";
import {
  type BoardContext,
  boardDocuments,
  DkgExchange,
  postMessage,
  type Round,
  readMessage,
  seedName,
} from "./dkg-exchange.ts";
import { type CeremonyName, sessionId } from "./dkg-message.ts";
import { KeyholderError } from "./error.ts";
import type { LogMemory } from "./log-memory.ts";
import { persist } from "./retry.ts";
import type { Shares } from "./shares.ts";

/** Why a ceremony ended without keys: the key generation's own reasons, and two that compare (CER-11, CER-12). */
type AbortReason =
  | Extract<DkgExchange["state"], { kind: "aborted" }>["reason"]
  | "log-differs"
  | "keys-differ";

export type CeremonyState =
  | { readonly kind: "running"; readonly phase: "exchanging" | "comparing" | "signing" | "logging" }
  | { readonly kind: "ready" }
  | { readonly kind: "aborted"; readonly reason: AbortReason; readonly blame: readonly KeyholderIndex[] };

type Aborted = Extract<CeremonyState, { kind: "aborted" }>;

/** Ends a phase early; caught where the ceremony is run. */
class Abort extends Error {
  readonly state: Aborted;
  constructor(reason: AbortReason, blame: readonly KeyholderIndex[]) {
    super(reason);
    this.state = { kind: "aborted", reason, blame };
  }
}

export type CeremonyContext = BoardContext & {
  readonly memory: LogMemory;
  readonly shares: Shares;
  readonly secrets: SecretStore;
  /** Of this ceremony alone. */
  readonly directory: string;
};

const KINDS = ["access", "notice"] as const;
const STATUS_FILE = "status.json";

/** The making of one period's keys, as one keyholder goes through it (spec/ceremony.md). */
export class Ceremony {
  readonly name: CeremonyName;
  readonly #context: CeremonyContext;
  #state: CeremonyState;
  #exchanges: Record<(typeof KINDS)[number], DkgExchange> | null = null;
  #stop = new AbortController();

  private constructor(context: CeremonyContext, name: CeremonyName, state: CeremonyState) {
    this.#context = context;
    this.name = name;
    this.#state = state;
  }

  /** Opens one that was begun, or begins it. */
  static async open(context: CeremonyContext, name: CeremonyName): Promise<Ceremony> {
    await makeDirectory(context.directory);
    const saved = await readFileOrNull(join(context.directory, STATUS_FILE));
    const ceremony = new Ceremony(
      context,
      name,
      saved === null ? { kind: "running", phase: "exchanging" } : readStatus(saved),
    );
    if (saved === null) await ceremony.#save(ceremony.#state);
    return ceremony;
  }

  get state(): CeremonyState {
    return this.#state;
  }

  /** Goes on until the keys are in the log or the ceremony is aborted. Rejects when the program ends. */
  async run(signal: AbortSignal): Promise<void> {
    // A crash may have come between the end and the cleaning up.
    if (this.#state.kind !== "running") return await this.#clean(this.#state);
    const { memory } = this.#context;
    try {
      // CER-2: no message before the log shows that everyone signed the same charter.
      await memory.until(() => memory.charter);
      const done = await this.#exchange(signal);
      await this.#compareWithLog();
      const document = await this.#agreeOnKeys(done, signal);
      await this.#awaitEntry(document, signal);
      await this.#end({ kind: "ready" });
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
      await this.#end(error.state);
    } finally {
      for (const kind of KINDS) await this.#exchanges?.[kind].close();
    }
  }

  /**
   * CER-10: stops waiting; who has not spoken is blamed. Throws KeyholderError "ceremony-over" once the own signature may
   * be out: the others may then log the keys, and this keyholder's shares belong to them.
   */
  giveUp(): void {
    const { state } = this;
    if (
      this.#exchanges === null ||
      state.kind !== "running" ||
      state.phase === "signing" ||
      state.phase === "logging"
    ) {
      throw new KeyholderError("ceremony-over", "this ceremony can no longer be given up");
    }
    for (const kind of KINDS) this.#exchanges[kind].giveUp();
    this.#stop.abort();
  }

  async #exchange(signal: AbortSignal): Promise<Record<(typeof KINDS)[number], DkgDone>> {
    const { directory, secrets, shares, hooks } = this.#context;
    const open = (kind: (typeof KINDS)[number]): Promise<DkgExchange> =>
      DkgExchange.open(this.#context, { name: this.name, kind, directory, secrets });
    const exchanges = { access: await open("access"), notice: await open("notice") };
    this.#exchanges = exchanges;
    const stop = AbortSignal.any([signal, this.#stop.signal]);
    // One that ends without a key ends the other: half a period's keys are of no use.
    const runs = KINDS.map(async (kind) => {
      await exchanges[kind].run(stop, (round) => this.#log(kind, round, signal));
      if (exchanges[kind].state.kind === "aborted") this.#stop.abort();
    });
    for (const result of await Promise.allSettled(runs)) {
      if (result.status === "rejected" && !this.#stop.signal.aborted) throw result.reason;
    }
    signal.throwIfAborted();
    const done = {} as Record<(typeof KINDS)[number], DkgDone>;
    for (const kind of KINDS) {
      const { state } = exchanges[kind];
      if (state.kind === "aborted") throw new Abort(state.reason, state.blame);
      if (state.kind === "done") done[kind] = state;
    }
    for (const kind of KINDS) {
      await shares.write(this.name, kind, done[kind].share);
      hooks.at(`share-${kind}-kept`);
    }
    return done;
  }

  /** CER-8: tells the log which messages this keyholder saw in a round. The log keeps the same bytes once. */
  async #log(kind: (typeof KINDS)[number], { round, hash }: Round, signal: AbortSignal): Promise<void> {
    const { own, identity, server, log } = this.#context;
    const entry = signCeremony(
      { type: "ceremony", ...this.name, kind, round, keyholder: own.self, hash: hex(hash) },
      identity.document.seed,
    );
    await persist("ceremony entry", () => server.appendEntry(formatEntry(entry)), { log, signal });
  }

  /** CER-11: goes on when the witnessed log shows that everyone saw what this keyholder saw in every round. */
  async #compareWithLog(): Promise<void> {
    this.#phase("comparing");
    const exchanges = this.#exchanges;
    if (exchanges === null) throw new Error("nothing was exchanged");
    const expected = new Map<string, string>(
      KINDS.flatMap((kind) =>
        exchanges[kind].rounds().map(({ round, hash }) => [`${kind} ${round}`, hex(hash)] as const),
      ),
    );
    const participants = this.#context.own.document.keyholders.map(({ index }) => index);
    await this.#context.memory.until(() => {
      const agreeing = new Set<string>();
      for (const { entry } of this.#context.memory.ceremonyEntries) {
        if (entry.period !== this.name.period || entry.generation !== this.name.generation) continue;
        const place = `${entry.kind} ${entry.round}`;
        if (expected.get(place) !== entry.hash) throw new Abort("log-differs", [entry.keyholder]);
        agreeing.add(`${place} ${entry.keyholder}`);
      }
      const silent = participants.filter((index) =>
        [...expected.keys()].some((place) => !agreeing.has(`${place} ${index}`)),
      );
      if (silent.length === 0) return true;
      if (this.#stop.signal.aborted) throw new Abort("missing", silent);
      return null;
    });
  }

  /** CER-12: signs the one possible `keys` document and collects everyone else's signature on the same bytes. */
  async #agreeOnKeys(
    done: Record<(typeof KINDS)[number], DkgDone>,
    signal: AbortSignal,
  ): Promise<SignedDocument> {
    this.#phase("signing");
    const { own, identity, hooks, log } = this.#context;
    const session = sessionId(this.name, "keys");
    const payload = formatKeys(this.#keysDocument(done));
    const signer = { name: own.name, seed: identity.document.seed };
    const signed = await addSignature({ payload: base64url(payload), signatures: [] }, "keys", signer);
    const body = formatSignedDocument(signed);
    hooks.at("keys-unsigned");
    await postMessage(this.#context, { session, round: 1, from: own.self, body }, signal);
    const signatures = new Map<KeyholderIndex, SignedDocument["signatures"][number]>();
    for await (const document of boardDocuments(this.#context, session, signal)) {
      const message = await readMessage(own, session, document);
      if (message === null || message.round !== 1) continue;
      const signature = await this.#signatureOf(message.from, message.body, payload);
      // Not an abort: this keyholder's own signature is out. Without the missing one no keys come to be.
      if (signature === null) log.event("keys-signature-refused", { keyholder: message.from });
      else signatures.set(message.from, signature);
      if (signatures.size === own.document.keyholders.length) break;
    }
    // In the order of the charter: whoever assembles it gets the same bytes, and the log has them once.
    const ordered = [...signatures].sort(([a], [b]) => a - b).map(([, signature]) => signature);
    return { payload: signed.payload, signatures: ordered };
  }

  /** The one signature in a `keys` document, `null` where it is not that keyholder's on `payload`. */
  async #signatureOf(
    from: KeyholderIndex,
    body: Uint8Array,
    payload: Uint8Array,
  ): Promise<SignedDocument["signatures"][number] | null> {
    const sender = this.#context.own.document.keyholders[from - 1];
    if (sender === undefined) return null;
    try {
      const document = parseSignedDocument(body, "keys");
      const verified = await verifyDocument("keys", document, new Map([[sender.name, sender.key]]));
      return equalBytes(verified.payload, payload) ? (document.signatures[0] ?? null) : null;
    } catch (error) {
      if (error instanceof CharterError || error instanceof EncodingError) return null;
      throw error;
    }
  }

  #keysDocument({ access, notice }: Record<(typeof KINDS)[number], DkgDone>): KeysDocument {
    return {
      ...this.name,
      access: publicKeys(access.master),
      notice: publicKeys(notice.master),
      transcripts: { access: access.transcript, notice: notice.transcript },
    };
  }

  /** CER-13: the keys count when the witnessed log has them, and only if they are the ones computed here. */
  async #awaitEntry(document: SignedDocument, signal: AbortSignal): Promise<void> {
    this.#phase("logging");
    const { server, log, memory, hooks } = this.#context;
    hooks.at("keys-unlogged");
    await persist("keys entry", () => server.appendEntry(formatEntry({ type: "keys", document })), {
      log,
      signal,
    });
    const logged = await memory.until(() => memory.keys(this.name.period));
    if (!equalBytes(unverifiedPayload(logged.document), unverifiedPayload(document))) {
      throw new Abort("keys-differ", []);
    }
  }

  #phase(phase: Extract<CeremonyState, { kind: "running" }>["phase"]): void {
    this.#state = { kind: "running", phase };
    this.#context.log.event("ceremony", { period: this.name.period, phase });
  }

  async #end(state: CeremonyState): Promise<void> {
    // In this order: without its seed a ceremony that counts as running would contradict itself after a restart.
    await this.#save(state);
    await this.#clean(state);
    this.#state = state;
    this.#context.log.event("ceremony", {
      period: this.name.period,
      state: state.kind,
      ...(state.kind === "aborted" ? { reason: state.reason, blame: state.blame.join("/") } : {}),
    });
  }

  /** The own polynomial follows from the seed: nothing of it is needed once the ceremony is over. */
  async #clean(state: CeremonyState): Promise<void> {
    const { secrets, shares } = this.#context;
    for (const kind of KINDS) {
      await secrets.remove(seedName(sessionId(this.name, kind)));
      if (state.kind === "aborted" && state.reason !== "keys-differ") await shares.erase(this.name, kind);
    }
  }

  async #save(state: CeremonyState): Promise<void> {
    const text = JSON.stringify({
      version: 1,
      ...(state.kind === "running" ? { kind: "running" } : state),
    });
    await writeFileDurable(join(this.#context.directory, STATUS_FILE), text);
  }
}

function publicKeys(master: MasterKey): PublicKeys {
  const ordered = [...master.verifyingShares].sort(([a], [b]) => a - b);
  return { mpk: master.mpk, verifyingShares: ordered.map(([, share]) => share) };
}

function readStatus(bytes: Uint8Array): CeremonyState {
  const fields = new Fields(parseJson(bytes, "status"), "status");
  fields.literal("version", 1);
  const kind = fields.literal("kind", "running", "ready", "aborted");
  if (kind === "running") return { kind, phase: "exchanging" };
  if (kind === "ready") return { kind };
  const index = (value: Json): KeyholderIndex => keyholderIndex(value as number);
  return { kind, reason: fields.string("reason") as AbortReason, blame: fields.array("blame", index) };
}
