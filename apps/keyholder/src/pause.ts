import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { asName } from "@porchlight/charter";
import { readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { Fields, hex, type Json, parseJson, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { KeyholderError } from "./error.ts";

/** Who stopped everything, when and why. */
export type Stop = { readonly by: string; readonly at: UnixSeconds; readonly reason: string };

/** A pause with every reason for it, at least one, the oldest first. */
export type Paused = {
  /** 32 hex digits, others whenever a reason is added: who lets it go on has read them all. */
  readonly id: string;
  readonly reasons: readonly Stop[];
};

const MAX_REASONS = 100;

/** KEY-34: `paused.json`. While it is there no order is approved, no share used and no bundle handed out. */
export class Pause {
  readonly #path: string;
  #paused: Paused | null;
  /** What is on the disk changes one thing after the other. */
  #lane: Promise<unknown> = Promise.resolve();

  private constructor(path: string, paused: Paused | null) {
    this.#path = path;
    this.#paused = paused;
  }

  /** Throws EncodingError for a file that is damaged: in doubt the keyholder does not start. */
  static async open(directory: string): Promise<Pause> {
    const path = join(directory, "paused.json");
    const bytes = await readFileOrNull(path);
    return new Pause(path, bytes === null ? null : readPaused(bytes));
  }

  get paused(): Paused | null {
    return this.#paused;
  }

  /**
   * In force at once, durable before it is told. What is paused already is paused for this reason too. Throws
   * KeyholderError "reason-missing".
   */
  async pause({ by, at, reason }: Stop): Promise<Paused> {
    const stop = { by: named(by, 200), at, reason: named(reason, 1000) };
    const reasons = [...(this.#paused?.reasons ?? []), stop].slice(-MAX_REASONS);
    const paused = { id: hex(new Uint8Array(randomBytes(16))), reasons };
    // Before anything is awaited: in force while the disk is slow, and where it fails until the process ends.
    this.#paused = paused;
    await this.#inTurn(async () => {
      if (this.#paused !== null) await writeFileDurable(this.#path, `${JSON.stringify(this.#paused)}\n`);
    });
    return paused;
  }

  /** Ends the pause `id` and no other. Throws KeyholderError "pause-differs". */
  async resume(id: string): Promise<void> {
    await this.#inTurn(async () => {
      this.#mustBe(id);
      await removeFileDurable(this.#path);
      // Paused again while the file went: that pause writes its own next.
      this.#mustBe(id);
      this.#paused = null;
    });
  }

  #mustBe(id: string): void {
    if (this.#paused?.id === id) return;
    throw new KeyholderError(
      "pause-differs",
      this.#paused === null
        ? "nothing is paused"
        : "it was paused again meanwhile: read why, then name that pause",
    );
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#lane.then(act);
    this.#lane = turn.catch(() => {});
    await turn;
  }
}

function named(text: string, length: number): string {
  try {
    return asName(text, "pause", length);
  } catch (cause) {
    throw new KeyholderError("reason-missing", "say who pauses, and why, in one line", { cause });
  }
}

function readPaused(bytes: Uint8Array): Paused {
  const fields = new Fields(parseJson(bytes, "paused"), "paused");
  const paused = {
    id: fields.string("id", 32),
    reasons: fields.array("reasons", readStop, MAX_REASONS),
  };
  fields.end();
  return paused;
}

function readStop(value: Json, where: string): Stop {
  const fields = new Fields(value, where);
  const stop = {
    by: fields.string("by", 200),
    at: unixSeconds(fields.integer("at")),
    reason: fields.string("reason", 1000),
  };
  fields.end();
  return stop;
}
