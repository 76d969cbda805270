import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  addSignature,
  type Charter,
  type CharterDocument,
  charterIdOfDocument,
  concentrations,
  parseCharter,
  parseSuccession,
  reviewSuccession,
  type SignedDocument,
} from "@porchlight/charter";
import { makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  base64,
  base64url,
  type CharterId,
  equalBytes,
  hex,
  type KeyholderIndex,
} from "@porchlight/encoding";
import type { ClockKind } from "@porchlight/runtime";
import { formatVkey, type VerifierKey } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { KeyholderError } from "./error.ts";
import { type Identity, publicIdentity } from "./identity.ts";

/** A charter document that this keyholder's operator signed. Whether all others did shows in the log. */
export type OwnCharter = {
  readonly id: CharterId;
  readonly bytes: Uint8Array;
  readonly document: CharterDocument;
  readonly self: KeyholderIndex;
  /** This keyholder's name in the charter, under which it signs. */
  readonly name: string;
  /** Where it came in by a succession (KEY-14): `document` has it in the lost keyholder's place. */
  readonly succession: Uint8Array | null;
};

export type Signature = SignedDocument["signatures"][number];

const SUCCESSION = "succession.json";

/** What the operator is shown before signing (KEY-11). */
export type CharterReview = OwnCharter & { readonly warnings: readonly string[] };

/** The charters that this keyholder is part of, in `charters/` of its directory. */
export class Charters {
  readonly #directory: string;
  readonly #identity: Identity;
  readonly #clock: ClockKind;
  readonly #log: VerifierKey;
  readonly #signed = new Map<CharterId, OwnCharter>();

  private constructor(directory: string, identity: Identity, clock: ClockKind, log: VerifierKey) {
    this.#directory = directory;
    this.#identity = identity;
    this.#clock = clock;
    this.#log = log;
  }

  static async open(
    directory: string,
    identity: Identity,
    clock: ClockKind,
    log: VerifierKey,
  ): Promise<Charters> {
    const charters = new Charters(join(directory, "charters"), identity, clock, log);
    await makeDirectory(charters.#directory);
    for (const name of (await readdir(charters.#directory)).sort()) {
      const bytes = await readFileOrNull(join(charters.#directory, name, "charter.json"));
      if (bytes === null) continue;
      const succession = await readFileOrNull(join(charters.#directory, name, SUCCESSION));
      const own = charters.review(bytes, succession);
      charters.#signed.set(own.id, own);
    }
    return charters;
  }

  all(): readonly OwnCharter[] {
    return [...this.#signed.values()];
  }

  /** Where everything under one charter is kept. */
  directory(id: CharterId): string {
    return join(this.#directory, id);
  }

  get(id: CharterId): OwnCharter | undefined {
    return this.#signed.get(id);
  }

  /**
   * KEY-10: reads a charter document and finds this keyholder in it. Throws EncodingError or CharterError for one that
   * is no charter, KeyholderError for one that names other keys, another log or another clock.
   */
  review(bytes: Uint8Array, succession: Uint8Array | null = null): CharterReview {
    const signed = parseCharter(bytes);
    const document = succession === null ? signed : succeeded(signed, charterIdOfDocument(bytes), succession);
    if (document.clock !== this.#clock) {
      throw new KeyholderError(
        "charter-wrong-clock",
        `the charter runs on a ${document.clock} clock, this keyholder on the other`,
      );
    }
    if (document.log.vkey !== formatVkey(this.#log)) {
      throw new KeyholderError(
        "charter-wrong-log",
        "the charter names another log than this keyholder cosigns",
      );
    }
    const own = publicIdentity(this.#identity);
    const self = document.keyholders.find(({ key }) => equalBytes(key, this.#identity.document.publicKey));
    if (self === undefined || self.vkey !== own.vkey || base64(self.xwing) !== own.xwing) {
      throw new KeyholderError(
        "charter-not-ours",
        "the charter does not name this keyholder with its own keys",
      );
    }
    const warnings = concentrations(document).map(
      ({ by, value, keyholders }) =>
        `${keyholders} of ${document.keyholders.length} keyholders share one ${by} (${value}); ${document.threshold} can open`,
    );
    const id = charterIdOfDocument(bytes);
    return { id, bytes, document, self: self.index, name: self.name, succession, warnings };
  }

  /**
   * KEY-12: signs by the operator's command. `id` is what the operator read in the review, so that nothing else is
   * signed than what was shown. Durable before the signature is returned.
   */
  async sign(bytes: Uint8Array, id: CharterId): Promise<Signature> {
    const own = this.review(bytes);
    if (own.id !== id) {
      throw new KeyholderError(
        "charter-wrong-id",
        "this is not the charter that was reviewed: its id differs",
      );
    }
    await makeDirectory(this.directory(own.id));
    await writeFileDurable(join(this.directory(own.id), "charter.json"), bytes);
    this.#signed.set(own.id, own);
    return await this.#signature("charter", bytes, own.name);
  }

  /**
   * KEY-14: the new keyholder accepts charter and succession, by the operator's command. Durable before the signature is
   * returned. Throws as {@link review}; KeyholderError "succession-differs".
   */
  async accept(bytes: Uint8Array, succession: Uint8Array, digest: string): Promise<Signature> {
    const own = this.review(bytes, succession);
    demandDigest(succession, digest);
    await makeDirectory(this.directory(own.id));
    await writeFileDurable(join(this.directory(own.id), SUCCESSION), succession);
    await writeFileDurable(join(this.directory(own.id), "charter.json"), bytes);
    this.#signed.set(own.id, own);
    return await this.#signature("succession", succession, own.name);
  }

  /**
   * KEY-14: agrees that another takes a lost keyholder's place under `charter`, as it reads now. Throws CharterError or
   * EncodingError for what no succession can be, KeyholderError "succession-differs".
   */
  async agree(charter: Charter, succession: Uint8Array, digest: string): Promise<Signature> {
    const { keyholder } = reviewSuccession(succession, charter);
    demandDigest(succession, digest);
    const own = this.#signed.get(charter.id);
    if (own === undefined || own.self === keyholder.index) {
      throw new KeyholderError("charter-not-ours", "this keyholder is not one that signs this succession");
    }
    return await this.#signature("succession", succession, own.name);
  }

  async #signature(kind: "charter" | "succession", bytes: Uint8Array, name: string): Promise<Signature> {
    const signer = { name, seed: this.#identity.document.seed };
    const signed = await addSignature({ payload: base64url(bytes), signatures: [] }, kind, signer);
    return signed.signatures[0] as Signature;
  }
}

/** What an operator reads and names when signing: SHA-256 of the document, hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return hex(nodeSuite.sha256(bytes));
}

function demandDigest(bytes: Uint8Array, digest: string): void {
  if (digestOf(bytes) === digest) return;
  throw new KeyholderError("succession-differs", "this is not the succession that was reviewed");
}

/** The charter as it reads with the new keyholder. Whether all signed that shows in the log. */
function succeeded(document: CharterDocument, id: CharterId, succession: Uint8Array): CharterDocument {
  const { charter, keyholder } = parseSuccession(succession);
  if (charter !== id) {
    throw new KeyholderError("charter-wrong-id", "the succession belongs to another charter");
  }
  const keyholders = document.keyholders.map((one) => (one.index === keyholder.index ? keyholder : one));
  return { ...document, keyholders };
}
