import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  CharterError,
  formatSignedDocument,
  parseSignedDocument,
  type SignedDocument,
  signDocument,
  verifyDocument,
} from "@porchlight/charter";
import { Journal, type SecretStore } from "@porchlight/durable";
import { EncodingError, equalBytes, hex, type KeyholderIndex } from "@porchlight/encoding";
import {
  type DkgEffect,
  type DkgRound,
  type DkgSession,
  type DkgState,
  dkgPublished,
  dkgStart,
  dkgStep,
  formatDkgState,
  parseDkgState,
} from "@porchlight/quorum";
import type { Logger } from "@porchlight/runtime";
import type { ServerClient } from "@porchlight/wire";
import type { OwnCharter } from "./charters.ts";
import {
  type CeremonyName,
  type DkgMessage,
  formatDkgMessage,
  parseDkgMessage,
  roundHash,
  sessionId,
} from "./dkg-message.ts";
import type { Hooks } from "./hooks.ts";
import type { Identity } from "./identity.ts";
import { persist } from "./retry.ts";

const POLL_SECONDS = 20;
const ROUNDS: readonly DkgRound[] = [1, 2, 3];

export type BoardContext = {
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly server: ServerClient;
  readonly log: Logger;
  readonly hooks: Hooks;
};

/** Signs and posts one message; the same message again is the same bytes, and the board keeps one of them. */
export async function postMessage(
  { own, identity, server, log }: BoardContext,
  message: DkgMessage,
  signal: AbortSignal,
): Promise<void> {
  const signer = { name: own.name, seed: identity.document.seed };
  const document = await signDocument("dkg", formatDkgMessage(message), [signer]);
  const { round, from } = message;
  const value = {
    round,
    from,
    document: { payload: document.payload, signatures: document.signatures.map((made) => ({ ...made })) },
  };
  await persist("board", () => server.postToBoard(hex(message.session), value), { log, signal });
}

/** Reads a session's board from its beginning, for ever: every document, verified or not, in the board's order. */
export async function* boardDocuments(
  { server, log }: BoardContext,
  session: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<SignedDocument, never, void> {
  let after = 0;
  for (;;) {
    const options = { wait: POLL_SECONDS, signal };
    const messages = await persist("board", () => server.board(hex(session), after, options), {
      log,
      signal,
    });
    for (const { position, document } of messages) {
      after = Math.max(after, position);
      yield document;
    }
  }
}

/**
 * CER-9: the message in a document of the board, `null` where it is none that counts: not this session's, or not signed
 * by the keyholder that it names and by nobody else. Junk blames no one: anybody could have put it there.
 */
export async function readMessage(
  own: OwnCharter,
  session: Uint8Array,
  document: SignedDocument,
): Promise<DkgMessage | null> {
  const keys = new Map(own.document.keyholders.map(({ name, key }) => [name, key]));
  try {
    const { payload, signers } = await verifyDocument("dkg", document, keys);
    const message = parseDkgMessage(payload);
    const sender = own.document.keyholders[message.from - 1];
    const bySenderAlone = sender !== undefined && signers.size === 1 && signers.has(sender.name);
    return bySenderAlone && equalBytes(message.session, session) ? message : null;
  } catch (error) {
    if (error instanceof CharterError || error instanceof EncodingError) return null;
    throw error;
  }
}

export type Round = { readonly round: DkgRound; readonly hash: Uint8Array };

/**
 * One key generation over the board (CER-6 to CER-9). What it knows is durable before anything that follows from it is
 * posted: its seed sealed, the messages that it accepted in a journal. So it says the same again after a restart.
 */
export class DkgExchange {
  readonly session: Uint8Array;
  readonly #context: BoardContext;
  readonly #journal: Journal;
  readonly #bodies: Record<DkgRound, Map<KeyholderIndex, Uint8Array>> = {
    1: new Map(),
    2: new Map(),
    3: new Map(),
  };
  #state: DkgState;

  private constructor(context: BoardContext, session: Uint8Array, journal: Journal, state: DkgState) {
    this.#context = context;
    this.session = session;
    this.#journal = journal;
    this.#state = state;
    this.#collectOwn(dkgPublished(state));
  }

  static async open(
    context: BoardContext,
    options: {
      readonly name: CeremonyName;
      readonly kind: "access" | "notice";
      readonly directory: string;
      readonly secrets: SecretStore;
    },
  ): Promise<DkgExchange> {
    const { own, identity, hooks } = context;
    const session = sessionId(options.name, options.kind);
    const dkg: DkgSession = {
      session,
      participants: own.document.keyholders.map(({ index }) => index),
      threshold: own.document.threshold,
      encryptionKeys: new Map(own.document.keyholders.map(({ index, xwing }) => [index, xwing])),
      self: own.self,
      decryptionKey: identity.xwing.secretKey,
    };
    const journal = await Journal.open(join(options.directory, `${options.kind}.journal`));
    const secretName = seedName(session);
    const sealed = await options.secrets.read(secretName);
    let state: DkgState;
    if (sealed === null) {
      state = dkgStart(dkg, (length) => new Uint8Array(randomBytes(length))).state;
      if (state.kind !== "committing") throw new Error("a key generation begins with a commitment");
      await options.secrets.write(secretName, formatDkgState(state));
      hooks.at(`dkg-${options.kind}-seeded`);
    } else state = parseDkgState(sealed, dkg);
    const exchange = new DkgExchange(context, session, journal, state);
    for await (const record of journal) {
      const message = await readMessage(own, session, parseSignedDocument(record));
      if (message !== null) exchange.#step(message);
    }
    return exchange;
  }

  get state(): DkgState {
    return this.#state;
  }

  /** Rounds of which every participant's message is known, with their hashes (CER-8). */
  rounds(): Round[] {
    const n = this.#context.own.document.keyholders.length;
    return ROUNDS.filter((round) => this.#bodies[round].size === n).map((round) => ({
      round,
      hash: roundHash(this.session, round, this.#bodies[round]),
    }));
  }

  /** CER-10: the operator's decision that nobody is waited for any longer. */
  giveUp(): void {
    this.#state = dkgStep(this.#state, { kind: "deadline" }).state;
  }

  /** Exchanges messages until a key is made or the run is aborted. `onRound` is told of rounds as they complete. */
  async run(signal: AbortSignal, onRound: (round: Round) => Promise<void>): Promise<void> {
    const told = new Set<DkgRound>();
    const tell = async (): Promise<void> => {
      for (const complete of this.rounds()) {
        if (told.has(complete.round)) continue;
        told.add(complete.round);
        await onRound(complete);
      }
    };
    await this.#publish(dkgPublished(this.#state), signal);
    await tell();
    if (this.#isOver()) return;
    for await (const document of boardDocuments(this.#context, this.session, signal)) {
      const message = await readMessage(this.#context.own, this.session, document);
      if (message === null) {
        this.#context.log.event("board-message-ignored");
        continue;
      }
      if (this.#isKnown(message)) continue;
      await this.#journal.append(formatSignedDocument(document));
      this.#context.hooks.at(`dkg-round-${message.round}-journalled`);
      const effects = this.#step(message);
      await this.#publish(effects, signal);
      await tell();
      if (this.#isOver()) return;
    }
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  #isOver(): boolean {
    return this.#state.kind === "done" || this.#state.kind === "aborted";
  }

  #isKnown({ round, from, body }: DkgMessage): boolean {
    const known = this.#bodies[round].get(from);
    return known !== undefined && equalBytes(known, body);
  }

  #step(message: DkgMessage): readonly DkgEffect[] {
    const { round, from, body } = message;
    const step = dkgStep(this.#state, { kind: "message", round, from, body });
    this.#state = step.state;
    if (!this.#bodies[round].has(from)) this.#bodies[round].set(from, body);
    this.#collectOwn(step.effects);
    return step.effects;
  }

  #collectOwn(effects: readonly DkgEffect[]): void {
    for (const { round, body } of effects) this.#bodies[round].set(this.#context.own.self, body);
  }

  async #publish(effects: readonly DkgEffect[], signal: AbortSignal): Promise<void> {
    for (const { round, body } of effects) {
      this.#context.hooks.at(`dkg-round-${round}-unposted`);
      const message = { session: this.session, round, from: this.#context.own.self, body };
      await postMessage(this.#context, message, signal);
      this.#context.hooks.at(`dkg-round-${round}-posted`);
    }
  }
}

/** Name of the sealed seed of a session, to be removed when the ceremony is over: from it follows the own polynomial. */
export function seedName(session: Uint8Array): string {
  return `dkg.${hex(session).slice(0, 32)}`;
}
