import { fromUtf8, utf8 } from "@porchlight/encoding";
import {
  formatAddCheckpoint,
  mergeSignatures,
  nobleSuite,
  parseTreeSizeBody,
  type TlogSuite,
  TREE_SIZE_CONTENT_TYPE,
  type TreeSize,
  type VerifierKey,
} from "@porchlight/tlog";
import { WireError } from "./error.ts";
import { type ClientOptions, type Fetch, plainFetch } from "./http.ts";

/** Longest answer that is read, in bytes: a few signature lines. */
const MAX_ANSWER_LENGTH = 100_000;

/**
 * A cosigner as a log sees it (C2SP tlog-witness): a witness, or a keyholder. Throws WireError "unreachable",
 * "timed-out", or "refused" with the HTTP status and the cosigner's own words.
 */
export class WitnessClient {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #timeoutSeconds: number;
  readonly #key: VerifierKey<"cosignature">;
  readonly #suite: TlogSuite;
  /** What the cosigner was last known to have; its answer corrects a wrong guess. */
  #size: TreeSize | null = null;

  constructor(key: VerifierKey<"cosignature">, options: ClientOptions & { readonly suite?: TlogSuite }) {
    this.#key = key;
    this.#url = `${options.url.replace(/\/+$/, "")}/add-checkpoint`;
    this.#fetch = options.fetch ?? plainFetch;
    this.#timeoutSeconds = options.timeoutSeconds ?? 10;
    this.#suite = options.suite ?? nobleSuite;
  }

  /** Size of the tree that the cosigner was last known to have; `null` before its first answer. */
  get size(): TreeSize | null {
    return this.#size;
  }

  /**
   * The log's signed `note` of a tree of `size` with the cosigner's signature added. `prove` gives the consistency
   * proof from an older size. A cosigner that already has a larger tree refuses with 409: it will cosign a newer one.
   */
  async cosign(
    note: string,
    size: TreeSize,
    prove: (oldSize: TreeSize) => Promise<readonly Uint8Array[]>,
  ): Promise<string> {
    const first = this.#size !== null && this.#size <= size ? this.#size : size;
    let answer = await this.#post(note, first, prove);
    if (answer.kind === "conflict" && answer.size <= size) {
      answer = await this.#post(note, answer.size, prove);
    }
    if (answer.kind === "conflict") {
      this.#size = answer.size;
      throw new WireError("refused", "the cosigner has another tree size", { status: 409 });
    }
    const merged = this.#merge(note, answer.lines);
    this.#size = size;
    return merged;
  }

  #merge(note: string, lines: string): string {
    try {
      return mergeSignatures(note, lines, [this.#key], this.#suite);
    } catch (cause) {
      throw new WireError("answer-malformed", "the cosigner's answer is not its signature", { cause });
    }
  }

  async #post(
    note: string,
    oldSize: TreeSize,
    prove: (oldSize: TreeSize) => Promise<readonly Uint8Array[]>,
  ): Promise<{ kind: "cosigned"; lines: string } | { kind: "conflict"; size: TreeSize }> {
    const body = utf8(formatAddCheckpoint({ oldSize, proof: await prove(oldSize), note }));
    const limit = AbortSignal.timeout(1000 * this.#timeoutSeconds);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "text/plain; charset=utf-8" },
        body: body as Uint8Array<ArrayBuffer>,
        signal: limit,
        redirect: "error",
      });
      text = fromUtf8(new Uint8Array(await response.arrayBuffer()));
    } catch (cause) {
      if (limit.aborted) throw new WireError("timed-out", "no answer in time: try again", { cause });
      throw new WireError("unreachable", "no connection to the cosigner", { cause });
    }
    const { status } = response;
    if (text.length > MAX_ANSWER_LENGTH) {
      throw new WireError("answer-malformed", "the cosigner's answer is too long", { status });
    }
    if (status === 200) return { kind: "cosigned", lines: text };
    const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim();
    if (status === 409 && mediaType === TREE_SIZE_CONTENT_TYPE) {
      try {
        return { kind: "conflict", size: parseTreeSizeBody(text) };
      } catch (cause) {
        throw new WireError("answer-malformed", "the cosigner's answer is no tree size", { status, cause });
      }
    }
    throw new WireError("refused", `the cosigner answered ${status}: ${text.slice(0, 200).trim()}`, {
      status,
    });
  }
}
