import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type CeremonyEntry, formatEntry, type PeriodKeys, signCeremony } from "@porchlight/charter";
import { makeDirectory, readFileOrNull, type SecretStore, writeFileDurable } from "@porchlight/durable";
import {
  base64,
  equalBytes,
  Fields,
  fromBase64,
  hex,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  parseJson,
  type UnixSeconds,
} from "@porchlight/encoding";
import {
  type DkgOrigin,
  type DkgOutcome,
  type DkgSession,
  dkgStart,
  type KeyShare,
  QuorumError,
} from "@porchlight/quorum";
import type { Logger } from "@porchlight/runtime";
import { KeyholderClient, type ServerClient } from "@porchlight/wire";
import {
  type Course,
  type CourseTerms,
  courseDue,
  courseMissing,
  courseRound,
  courseStart,
  courseStep,
  type Due,
  type Named,
  signs,
} from "./ceremony-course.ts";
import { type CeremonyName, sessionId } from "./ceremony-name.ts";
import type { OwnCharter } from "./charters.ts";
import { KeyholderError } from "./error.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import type { LogMemory } from "./log-memory.ts";
import { persist } from "./retry.ts";
import type { Shares } from "./shares.ts";

export type CeremonyContext = {
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly server: ServerClient;
  readonly log: Logger;
  readonly hooks: Hooks;
  readonly memory: LogMemory;
  readonly shares: Shares;
  readonly secrets: SecretStore;
  /** CER-9: seconds of witnessed time for which a round is kept open for those who have not spoken. */
  readonly roundSeconds: number;
  /** Least seconds of this process's own time for the same: a replayed clock leaps. */
  readonly patienceSeconds: number;
  /** Of this ceremony alone. */
  readonly directory: string;
};

/** What was handed in at the log, and when it was last handed to anyone. */
type Posted = { readonly bytes: Uint8Array; last: number };

export type CeremonyState =
  | {
      readonly kind: "running";
      readonly phase: "joining" | "dealing" | "checking" | "answering" | "signing" | "logging";
      readonly round: number | null;
      /** Whom everybody waits for. */
      readonly missing: readonly KeyholderIndex[];
      readonly named: readonly Named[];
    }
  | { readonly kind: "ready"; readonly absent: readonly KeyholderIndex[]; readonly named: readonly Named[] }
  | { readonly kind: "aborted"; readonly reason: AbortReason; readonly named: readonly Named[] };

/** Why a ceremony ended without keys; the last two are this keyholder's own: it can take no further part. */
type AbortReason =
  | Extract<Course, { kind: "aborted" }>["reason"]
  /** The log has other keys of this generation than those that the ceremony made. */
  | "keys-differ"
  /** What it was to reshare is not in the log, or is not its newest generation. */
  | "nothing-to-reshare";

const PHASES = {
  joining: "joining",
  dealing: "dealing",
  checking: "checking",
  answering: "answering",
  agreed: "signing",
  aborted: "signing",
} as const;
const KINDS = ["access", "notice"] as const;
const STATUS_FILE = "status.json";

/** One ceremony as one keyholder goes through it (spec/ceremony.md): all that it knows of the others is in the log. */
export class Ceremony {
  readonly name: CeremonyName;
  readonly #context: CeremonyContext;
  /** How it ended, once it has. */
  #end: Exclude<CeremonyState, { kind: "running" }> | null;
  #terms: CourseTerms | null = null;
  #course: Course | null = null;
  #folded = 0;
  /** What it says in round 1, and the course of who only watches: for the case that the log has another join of it. */
  #join: Uint8Array | null = null;
  #watching: Course | null = null;
  /** When the open round was first seen open: by witnessed time, and by this process's own. */
  #opened: { readonly round: number; readonly at: UnixSeconds; readonly since: number } | null = null;
  readonly #posted = new Map<string, Posted>();
  readonly #appending = new Set<string>();
  /** Keyholders whose message of a round was handed on to this one, outside the log. */
  readonly #held = new Map<KeyholderIndex, number>();

  private constructor(
    context: CeremonyContext,
    name: CeremonyName,
    end: Exclude<CeremonyState, { kind: "running" }> | null,
  ) {
    this.#context = context;
    this.name = name;
    this.#end = end;
  }

  /** Opens one that was begun, or begins it. */
  static async open(context: CeremonyContext, name: CeremonyName): Promise<Ceremony> {
    await makeDirectory(context.directory);
    const path = join(context.directory, STATUS_FILE);
    const saved = await readFileOrNull(path);
    if (saved === null) await writeFileDurable(path, formatStatus(null));
    return new Ceremony(context, name, saved === null ? null : readStatus(saved));
  }

  get state(): CeremonyState {
    if (this.#end !== null) return this.#end;
    const course = this.#course;
    const named = course === null ? [] : course.kind === "exchanging" ? namedIn(course) : course.named;
    const phase =
      course === null
        ? "joining"
        : course.kind === "exchanging"
          ? PHASES[course.dkg.kind]
          : course.kind === "signed"
            ? "logging"
            : "signing";
    const round = course === null ? 1 : courseRound(course);
    const missing = course === null || this.#terms === null ? [] : courseMissing(course, this.#terms);
    return { kind: "running", phase, round, missing, named };
  }

  /** Goes on until the keys are in the log or the ceremony is aborted. Rejects when the program ends. */
  async run(signal: AbortSignal): Promise<void> {
    // A crash may have come between the end and the cleaning up.
    if (this.#end !== null) return await this.#clean(this.#end.kind === "aborted");
    const { memory } = this.#context;
    // CER-2: no message before the log shows that everyone signed the same charter.
    await memory.until(() => (memory.charter === null ? null : memory.view));
    if (!(await this.#begin())) return;
    for (;;) {
      const next = await memory.until(() => this.#next());
      switch (next.kind) {
        case "say":
          await this.#say(next.due, signal);
          break;
        case "relay":
          await this.#relay(next.posted, signal);
          break;
        case "close":
          this.#post(next.round, new Uint8Array(), signal);
          break;
        case "log":
          await this.#logKeys(next.course, signal);
          return;
        case "aborted":
          return await this.#finish({ kind: "aborted", reason: next.reason, named: next.named });
      }
    }
  }

  /**
   * CER-9: the operator waits no longer for those who have not spoken in the open round. It is closed when t keyholders ask
   * for it. Throws KeyholderError "ceremony-over", "message-held".
   */
  closeRound(signal: AbortSignal): void {
    const round = this.#course === null ? null : courseRound(this.#course);
    if (round === null) throw new KeyholderError("ceremony-over", "no round of this ceremony is open");
    if (this.#holdsMessage(round)) {
      throw new KeyholderError(
        "message-held",
        "who is waited for has spoken, and the log does not show it: ask the provider why",
      );
    }
    this.#post(round, new Uint8Array(), signal);
  }

  /** Everything that the ceremony starts from. False where it cannot start. */
  async #begin(): Promise<boolean> {
    const { memory, own, secrets, hooks } = this.#context;
    const first = memory.ceremony(this.name)[0]?.index ?? Number.POSITIVE_INFINITY;
    const { charter, successions } = memory.charterBefore(first);
    if (charter === null) throw new Error("a ceremony under no charter");
    const session = this.#session(first);
    if (session === null) {
      await this.#finish({ kind: "aborted", reason: "nothing-to-reshare", named: [] });
      return false;
    }
    this.#terms = { name: this.name, charter, successions: successions.map(({ document }) => document) };
    const secret = seedName(session.session);
    let seed = await secrets.read(secret);
    if (seed === null) {
      seed = new Uint8Array(randomBytes(32));
      await secrets.write(secret, seed);
      hooks.at("ceremony-seeded");
    }
    const shares = await this.#heldShares(session);
    const own_ = { self: own.self, seed, shares: shares?.map((share) => share.secret) ?? null };
    this.#course = courseStart(dkgStart(session, own_));
    const due = this.#due();
    for (const share of shares ?? []) share.secret.fill(0);
    this.#watching = courseStart(dkgStart(session, null));
    this.#join = due?.body ?? null;
    return true;
  }

  /** DKG-1 of this ceremony; `null` where there is nothing to reshare. */
  #session(first: number): DkgSession | null {
    const { memory } = this.#context;
    const { period, from, generation } = this.name;
    const { charter } = memory.charterBefore(first);
    if (charter === null) return null;
    const receivers = charter.keyholders.map(({ index }) => index);
    const session = sessionId(this.name);
    const { threshold } = charter;
    if (from === 0) {
      return {
        session,
        dealers: receivers,
        receivers,
        threshold,
        origin: { kind: "new", keys: KINDS.length },
      };
    }
    const logged = memory.keys(period, from);
    if (logged === null || from >= generation) return null;
    const { keys } = logged;
    const origin: DkgOrigin = { kind: "reshare", masters: KINDS.map((kind) => keys[kind]) };
    // Who was absent then, or has come since in another's place, holds none of these shares.
    const dealers = receivers.filter((index) => {
      const [then, now] = [keys.under.keyholders[index - 1], charter.keyholders[index - 1]];
      return !keys.absent.includes(index) && then?.name === now?.name;
    });
    return dealers.length < threshold ? null : { session, dealers, receivers, threshold, origin };
  }

  /** The shares that it deals out, one a key; `null` for new keys, and where it does not hold them. */
  async #heldShares(session: DkgSession): Promise<KeyShare[] | null> {
    const { shares, own, memory } = this.#context;
    const { from, period } = this.name;
    const logged = memory.keys(period, from);
    if (session.origin.kind === "new" || logged === null || !session.dealers.includes(own.self)) return null;
    const held: KeyShare[] = [];
    for (const kind of KINDS) {
      const name = { ...this.name, generation: from };
      if (!(await shares.has(name, kind))) return null;
      held.push(await shares.read(name, kind, own.self, logged.keys[kind]));
    }
    return held;
  }

  /** Reads on in the log, and says what there is to do; `null` where there is nothing but waiting. */
  #next():
    | { readonly kind: "say"; readonly due: Due }
    | { readonly kind: "relay"; readonly posted: Posted }
    | { readonly kind: "close"; readonly round: number }
    | { readonly kind: "log"; readonly course: Extract<Course, { kind: "signed" }> }
    | Extract<Course, { kind: "aborted" }>
    | null {
    const { memory, log } = this.#context;
    const terms = this.#terms as CourseTerms;
    if (memory.view === null) return null;
    const before = courseRound(this.#course as Course);
    const entries = memory.ceremony(this.name);
    if (this.#isImpersonated()) {
      // By a copy of this keyholder, or by who has its key: its boxes are for somebody else.
      log.event("ceremony-not-ours", { period: this.name.period });
      this.#course = this.#watching;
      this.#join = null;
      this.#folded = 0;
    }
    for (const { entry } of entries.slice(this.#folded)) {
      this.#course = courseStep(this.#course as Course, eventOf(entry), terms);
    }
    this.#folded = entries.length;
    const course = this.#course as Course;
    const round = courseRound(course);
    if (round !== before) log.event("ceremony", { period: this.name.period, round: round ?? "over" });
    if (course.kind === "signed") return { kind: "log", course };
    if (course.kind === "aborted") return course;
    const due = this.#due();
    if (due !== null) {
      const posted = this.#posted.get(placeOf(due.round, due.body));
      if (posted === undefined) return { kind: "say", due };
      const waited = performance.now() - posted.last;
      if (waited >= 1000 * this.#context.patienceSeconds) return { kind: "relay", posted };
    }
    return this.#isOverdue(round as number) ? { kind: "close", round: round as number } : null;
  }

  /** CER-14: the first join under this keyholder's name is not its own. */
  #isImpersonated(): boolean {
    const { memory, own } = this.#context;
    if (this.#join === null) return false;
    const first = memory
      .ceremony(this.name)
      .find(({ entry }) => entry.keyholder === own.self && entry.round === 1 && entry.body !== "");
    return first !== undefined && !equalBytes(fromBase64(first.entry.body), this.#join);
  }

  #due(): Due | null {
    const { own, identity } = this.#context;
    return courseDue(this.#course as Course, this.#terms as CourseTerms, own.self, identity.document.seed);
  }

  /**
   * CER-9: the open round has been open for long enough, by witnessed time and by this process's own. Only those who have
   * had their own say ask: who is late itself has no claim that others are.
   */
  #isOverdue(round: number): boolean {
    const { memory, roundSeconds, patienceSeconds, own } = this.#context;
    const now = memory.view?.checkpoint.time;
    if (now === undefined || this.#posted.has(placeOf(round, new Uint8Array()))) return false;
    if (this.#opened?.round !== round) this.#opened = { round, at: now, since: performance.now() };
    if (courseMissing(this.#course as Course, this.#terms as CourseTerms).includes(own.self)) return false;
    if (this.#holdsMessage(round)) return false;
    const { at, since } = this.#opened;
    return now - at >= roundSeconds && performance.now() - since >= 1000 * patienceSeconds;
  }

  async #say(due: Due, signal: AbortSignal): Promise<void> {
    // CER-12: what is signed, this keyholder can carry out from here on.
    if (due.outcome !== null) await this.#keepShares(due.outcome);
    this.#post(due.round, due.body, signal);
  }

  #post(round: number, body: Uint8Array, signal: AbortSignal): void {
    const { identity, own, hooks } = this.#context;
    const entry = signCeremony(
      { type: "ceremony", ...this.name, round, keyholder: own.self, body: base64(body) },
      identity.document.seed,
    );
    hooks.at(`ceremony-${round}-unposted`);
    const bytes = formatEntry(entry);
    this.#posted.set(placeOf(round, body), { bytes, last: performance.now() });
    // Not awaited: a log that does not answer must not keep this keyholder from telling the others (CER-17).
    void this.#append(bytes, signal).then((took) => {
      if (took) hooks.at(`ceremony-${round}-posted`);
    });
  }

  /** One at a time for the same entry: each goes on until the log answers. */
  async #append(bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { server, log } = this.#context;
    const key = hex(bytes.subarray(-64));
    if (this.#appending.has(key)) return false;
    this.#appending.add(key);
    try {
      await persist("ceremony entry", () => server.appendEntry(bytes), { log, signal });
      return true;
    } catch (error) {
      if (!signal.aborted) log.failure("ceremony-entry-refused", error, { period: this.name.period });
      return false;
    } finally {
      this.#appending.delete(key);
    }
  }

  /** CER-17: what the log does not show goes there again, and to the other keyholders too. */
  async #relay(posted: Posted, signal: AbortSignal): Promise<void> {
    const { own, log } = this.#context;
    posted.last = performance.now();
    void this.#append(posted.bytes, signal);
    const others = (this.#terms as CourseTerms).charter.keyholders.filter(({ index }) => index !== own.self);
    const results = await Promise.allSettled(
      others.map(({ url }) => new KeyholderClient({ url }).relayEntry(posted.bytes)),
    );
    log.event("ceremony-entry-relayed", {
      period: this.name.period,
      took: results.filter(({ status }) => status === "fulfilled").length,
    });
  }

  /**
   * CER-17: a message of somebody who is waited for, handed on because the log does not show it. Remembered, and handed in
   * there. False where it belongs to no open round of this ceremony.
   */
  take(entry: CeremonyEntry, bytes: Uint8Array, signal: AbortSignal): boolean {
    if (this.#course === null || this.#terms === null || entry.body === "") return false;
    if (courseRound(this.#course) !== entry.round) return false;
    if (!courseMissing(this.#course, this.#terms).includes(entry.keyholder)) return false;
    if (this.#held.get(entry.keyholder) === entry.round) {
      void this.#append(bytes, signal);
      return true;
    }
    this.#held.set(entry.keyholder, entry.round);
    this.#context.log.event("ceremony-entry-held", { period: this.name.period, keyholder: entry.keyholder });
    void this.#append(bytes, signal);
    return true;
  }

  /** Whether somebody who is waited for has spoken, and only the log does not show it. */
  #holdsMessage(round: number): boolean {
    const missing = courseMissing(this.#course as Course, this.#terms as CourseTerms);
    return missing.some((index) => this.#held.get(index) === round);
  }

  async #keepShares({ shares }: DkgOutcome): Promise<void> {
    for (const [i, kind] of KINDS.entries()) {
      const share = shares?.[i];
      if (share === undefined) continue;
      await this.#context.shares.write(this.name, kind, share);
      this.#context.hooks.at(`share-${kind}-kept`);
    }
  }

  /** CER-13: the keys count when the witnessed log has them, and only if they are the ones that the ceremony made. */
  async #logKeys(course: Extract<Course, { kind: "signed" }>, signal: AbortSignal): Promise<void> {
    const { server, log, memory, hooks } = this.#context;
    const { document, outcome, absent, named } = course;
    hooks.at("keys-unlogged");
    await persist("keys entry", () => server.appendEntry(formatEntry({ type: "keys", document })), {
      log,
      signal,
    });
    const { period, generation } = this.name;
    const { keys } = await memory.until(
      () => memory.keys(period, generation) ?? overtaken(memory, this.name),
    );
    if (keys.generation !== generation || !equalBytes(keys.transcript, outcome.transcript)) {
      return await this.#finish({ kind: "aborted", reason: "keys-differ", named });
    }
    if (!(await this.#holdsShares(keys))) await this.#keepShares(outcome);
    await this.#finish({ kind: "ready", absent, named });
  }

  /** Not so where a deal was excluded after the own signature, and this keyholder has not signed again. */
  async #holdsShares(keys: PeriodKeys): Promise<boolean> {
    const { shares, own } = this.#context;
    try {
      for (const kind of KINDS) (await shares.read(this.name, kind, own.self, keys[kind])).secret.fill(0);
      return true;
    } catch (error) {
      if (error instanceof KeyholderError || error instanceof QuorumError) return false;
      throw error;
    }
  }

  async #finish(end: Exclude<CeremonyState, { kind: "running" }>): Promise<void> {
    // In this order: without its seed a ceremony that counts as running would contradict itself after a restart.
    await writeFileDurable(join(this.#context.directory, STATUS_FILE), formatStatus(end));
    await this.#clean(end.kind === "aborted");
    this.#end = end;
    this.#course = null;
    this.#context.log.event("ceremony", {
      period: this.name.period,
      state: end.kind,
      ...(end.kind === "aborted" ? { reason: end.reason } : {}),
      named: end.named.map(({ keyholder, fault }) => `${keyholder} ${fault}`).join("/"),
    });
  }

  /** The own polynomials and receiving key follow from the seed: nothing of it is needed once the ceremony is over. */
  async #clean(aborted: boolean): Promise<void> {
    const { secrets, shares, memory, own } = this.#context;
    await secrets.remove(seedName(sessionId(this.name)));
    // CER-15: after its own signature is out, the others may still log these keys.
    const signed = memory
      .ceremony(this.name)
      .some(({ entry }) => entry.keyholder === own.self && signs(eventOf(entry)));
    if (!aborted || signed) return;
    for (const kind of KINDS) await shares.erase(this.name, kind);
  }
}

/** A round has one message of this keyholder, and its wish to close it. */
function placeOf(round: number, body: Uint8Array): string {
  return `${round} ${hex(body.subarray(0, 32))}`;
}

/** Keys of a later generation stand, so that this one's can no longer come. */
function overtaken(memory: LogMemory, { period, generation }: CeremonyName) {
  const newest = memory.keys(period);
  return newest !== null && newest.keys.generation > generation ? newest : null;
}

function namedIn(course: Extract<Course, { kind: "exchanging" }>): readonly Named[] {
  return course.dkg.named;
}

function eventOf({ round, keyholder, body }: CeremonyEntry) {
  return { round, from: keyholder, body: fromBase64(body) };
}

/** Name of the sealed seed of a session, to be removed when the ceremony is over. */
function seedName(session: Uint8Array): string {
  return `dkg.${hex(session).slice(0, 32)}`;
}

function formatStatus(end: Exclude<CeremonyState, { kind: "running" }> | null): string {
  return JSON.stringify({ version: 2, ...(end ?? { kind: "running" }) });
}

function readStatus(bytes: Uint8Array): Exclude<CeremonyState, { kind: "running" }> | null {
  const fields = new Fields(parseJson(bytes, "status"), "status");
  fields.literal("version", 2);
  const kind = fields.literal("kind", "running", "ready", "aborted");
  if (kind === "running") return null;
  const named = fields.array("named", (value, where) => {
    const one = new Fields(value, where);
    return {
      keyholder: keyholderIndex(one.integer("keyholder")),
      fault: one.string("fault"),
      round: one.integer("round"),
    } as Named;
  });
  const index = (value: Json): KeyholderIndex => keyholderIndex(value as number);
  if (kind === "ready") return { kind, absent: fields.array("absent", index), named };
  return { kind, reason: fields.string("reason") as AbortReason, named };
}
