import { join } from "node:path";
import { asName } from "@porchlight/charter";
import { readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { Fields, parseJson, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { KeyholderError } from "./error.ts";

/** Who stopped everything, when and why. */
export type Paused = { readonly by: string; readonly at: UnixSeconds; readonly reason: string };

/** KEY-34: `paused.json`. While it is there no order is approved, no share used and no bundle handed out. */
export class Pause {
  readonly #path: string;
  #paused: Paused | null;

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

  /** Durable before it is told. Pausing what is paused keeps the first reason. Throws KeyholderError "reason-missing". */
  async pause(paused: Paused): Promise<Paused> {
    if (this.#paused !== null) return this.#paused;
    const kept = { by: named(paused.by, 200), at: paused.at, reason: named(paused.reason, 1000) };
    // In force even while the disk is slow, and where it fails until the process ends.
    this.#paused = kept;
    await writeFileDurable(this.#path, `${JSON.stringify(kept)}\n`);
    return kept;
  }

  async resume(): Promise<void> {
    await removeFileDurable(this.#path);
    this.#paused = null;
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
    by: fields.string("by"),
    at: unixSeconds(fields.integer("at")),
    reason: fields.string("reason", 1000),
  };
  fields.end();
  return paused;
}
