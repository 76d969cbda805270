import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  addSignature,
  type CharterDocument,
  charterIdOfDocument,
  concentrations,
  parseCharter,
  type SignedDocument,
} from "@porchlight/charter";
import { makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { base64, base64url, type CharterId, equalBytes, type KeyholderIndex } from "@porchlight/encoding";
import type { ClockKind } from "@porchlight/runtime";
import { formatVkey, type VerifierKey } from "@porchlight/tlog";
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
};

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
      const own = charters.review(bytes);
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
  review(bytes: Uint8Array): CharterReview {
    const document = parseCharter(bytes);
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
    return { id: charterIdOfDocument(bytes), bytes, document, self: self.index, name: self.name, warnings };
  }

  /**
   * KEY-12: signs by the operator's command. `id` is what the operator read in the review, so that nothing else is
   * signed than what was shown. Durable before the signature is returned.
   */
  async sign(bytes: Uint8Array, id: CharterId): Promise<SignedDocument["signatures"][number]> {
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
    const signed = await addSignature({ payload: base64url(bytes), signatures: [] }, "charter", {
      name: own.name,
      seed: this.#identity.document.seed,
    });
    return signed.signatures[0] as SignedDocument["signatures"][number];
  }
}
