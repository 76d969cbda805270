import { join } from "node:path";
import type { SecretStore } from "@porchlight/durable";
import { type DayNumber, dayOf, type Period } from "@porchlight/encoding";
import type { Clock, Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
import { Ceremonies } from "./ceremonies.ts";
import type { OwnCharter } from "./charters.ts";
import { Erasures } from "./erasures.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import { LogMemory } from "./log-memory.ts";
import type { OrderBook } from "./order-book.ts";
import { OrderDesk } from "./order-desk.ts";
import type { Pause } from "./pause.ts";
import { Shares } from "./shares.ts";

/** Between two looks at the log that only the clock asked for, unless a day begins. */
const BEAT_MILLISECONDS = 1000;

export type ServiceContext = {
  readonly identity: Identity;
  readonly secrets: SecretStore;
  readonly server: ServerClient;
  readonly logUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hooks: Hooks;
  readonly signal: AbortSignal;
  readonly batches: "daily" | "prompt";
  readonly patienceSeconds: number;
  readonly roundSeconds: number;
  readonly otherBooks: (than: CharterService) => Iterable<OrderBook>;
  readonly pause: Pause;
  readonly onWaiting: () => void;
};

/** Everything that a keyholder does under one charter that it signed. */
export class CharterService {
  readonly own: OwnCharter;
  readonly memory: LogMemory;
  readonly ceremonies: Ceremonies;
  readonly #context: ServiceContext;
  readonly #shares: Shares;
  readonly #erasures: Erasures;
  readonly #directory: string;
  #desk: OrderDesk | null = null;
  #beating: Promise<void> | null = null;
  #beatAgain = false;
  #lastBeat = 0;
  #due = false;
  #lastDay: DayNumber | null = null;

  private constructor(
    own: OwnCharter,
    context: ServiceContext,
    directory: string,
    memory: LogMemory,
    shares: Shares,
    ceremonies: Ceremonies,
    erasures: Erasures,
  ) {
    this.own = own;
    this.#context = context;
    this.#directory = directory;
    this.memory = memory;
    this.#shares = shares;
    this.ceremonies = ceremonies;
    this.#erasures = erasures;
  }

  /** Resumes ceremonies at once, and takes orders as soon as the log shows the charter in force. */
  static async open(own: OwnCharter, context: ServiceContext, directory: string): Promise<CharterService> {
    const { server, logUrl, clock, log, signal, identity, hooks, secrets } = context;
    const memory = await LogMemory.open({ own, directory, server, logUrl, clock, log, signal });
    const shares = new Shares(secrets);
    // A ceremony that was over already tells so before there is a service.
    const opened: { service: CharterService | null } = { service: null };
    const ceremonies = await Ceremonies.open(
      {
        own,
        identity,
        server,
        log,
        hooks,
        memory,
        shares,
        secrets,
        roundSeconds: context.roundSeconds,
        patienceSeconds: context.patienceSeconds,
      },
      join(directory, "ceremonies"),
      signal,
      () => {
        opened.service?.desk?.wake();
        opened.service?.beatNow();
      },
    );
    const erasing = { own, identity, server, log, hooks, memory, shares };
    const erasures = await Erasures.open(erasing, directory);
    const service = new CharterService(own, context, directory, memory, shares, ceremonies, erasures);
    opened.service = service;
    if (memory.charter !== null) await service.#openDesk();
    memory
      .until(() => (memory.charter === null ? null : memory.view))
      .then(async () => {
        await service.#openDesk();
        service.beat();
      })
      .catch((error: unknown) => {
        if (!signal.aborted) log.failure("charter-service-failed", error);
      });
    return service;
  }

  /** Where orders are taken, `null` until the charter is in force. */
  get desk(): OrderDesk | null {
    return this.#desk;
  }

  /** The clock has moved: looks at the log and does what has become due. Beats never overlap. */
  beat(): void {
    this.#beatAgain = true;
    if (this.#beating !== null || this.#context.signal.aborted) return;
    this.#beatAgain = false;
    this.#beating = this.#beat()
      .catch((error: unknown) => {
        if (!this.#context.signal.aborted) this.#context.log.failure("beat-failed", error);
      })
      .finally(() => {
        this.#beating = null;
        if (this.#beatAgain) this.beat();
      });
  }

  /** Something other than the clock has made something due. */
  beatNow(): void {
    this.#due = true;
    this.beat();
  }

  async close(): Promise<void> {
    await this.#beating;
    await this.#desk?.close();
  }

  async #beat(): Promise<void> {
    const { clock } = this.#context;
    const today = dayOf(clock.now());
    // A replayed clock may tick a thousand times a minute.
    if (!this.#due && today === this.#lastDay && performance.now() - this.#lastBeat < BEAT_MILLISECONDS)
      return;
    this.#due = false;
    this.#lastDay = today;
    this.#lastBeat = performance.now();
    await this.memory.refreshTo(0, 5);
    await this.ceremonies.prepare(clock.now());
    await this.#erasures.run(clock.now(), (period, generation) => this.#keeps(period, generation));
    this.#desk?.beat();
  }

  /** A ceremony that makes these shares is under way, or an intent in the log names them (KEY-9). */
  #keeps(period: Period, generation: number): boolean {
    return this.ceremonies.isRunning(period, generation) || this.#isIntended(period, generation);
  }

  #isIntended(period: Period, generation: number): boolean {
    return [...(this.#desk?.book.orders.values() ?? [])].some(
      ({ state, releases }) =>
        state.kind === "approved" &&
        releases.some(
          ({ kind, intent }) =>
            kind === "intended" &&
            intent.document.generations.some((one) => one.period === period && one.generation === generation),
        ),
    );
  }

  async #openDesk(): Promise<void> {
    const { charter } = this.memory;
    if (this.#desk !== null || charter === null) return;
    this.#desk = await OrderDesk.open(
      {
        ...this.#context,
        charter,
        own: this.own,
        memory: this.memory,
        shares: this.#shares,
        generations: () =>
          this.ceremonies.generations((period, generation) => this.#isIntended(period, generation)),
        otherBooks: () => this.#context.otherBooks(this),
      },
      this.#directory,
    );
  }
}
