import type { ShareKind } from "@porchlight/charter";
import type { SecretStore } from "@porchlight/durable";
import {
  type CharterId,
  Fields,
  fromHex,
  hex,
  type KeyholderIndex,
  type Period,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { checkKeyShare, type KeyShare, type MasterKey } from "@porchlight/quorum";
import { KeyholderError } from "./error.ts";

/** Which share is meant. */
export type ShareName = {
  readonly charter: CharterId;
  readonly period: Period;
  readonly generation: number;
};

/** The key shares of this keyholder, sealed one by one: a period, a generation and a kind each (KEY-5). */
export class Shares {
  readonly #secrets: SecretStore;
  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  async write(name: ShareName, kind: ShareKind, share: KeyShare): Promise<void> {
    const contents = utf8(
      JSON.stringify({
        version: 1,
        charter: name.charter,
        keyholder: share.keyholder,
        secret: hex(share.secret),
      }),
    );
    // Replaced where a deal has been excluded since: what is written over is left behind on the disk.
    await this.#secrets.remove(shareName(name, kind));
    await this.#secrets.write(shareName(name, kind), contents);
    contents.fill(0);
  }

  /**
   * The share that belongs to `master`, the public key in the log. Throws KeyholderError "share-missing" where it was
   * erased or never made, QuorumError "shares-inconsistent" where it is not that key's.
   */
  async read(
    name: ShareName,
    kind: ShareKind,
    keyholder: KeyholderIndex,
    master: MasterKey,
  ): Promise<KeyShare> {
    const contents = await this.#secrets.read(shareName(name, kind));
    if (contents === null) {
      throw new KeyholderError("share-missing", `there is no ${kind} share of ${name.period}`);
    }
    const fields = new Fields(parseJson(contents, "share"), "share");
    contents.fill(0);
    fields.literal("version", 1);
    fields.literal("charter", name.charter);
    fields.literal("keyholder", keyholder);
    const share = { keyholder, secret: fromHex(fields.string("secret"), 32, "share.secret") };
    fields.end();
    checkKeyShare(share, master);
    return share;
  }

  async has(name: ShareName, kind: ShareKind): Promise<boolean> {
    return (await this.#secrets.names()).includes(shareName(name, kind));
  }

  async erase(name: ShareName, kind: ShareKind): Promise<void> {
    await this.#secrets.remove(shareName(name, kind));
  }

  /** Periods and generations of which a share of this kind is kept under a charter. */
  async held(charter: CharterId, kind: ShareKind): Promise<ShareName[]> {
    const pattern = /^share\.([0-9a-f]{32})\.([0-9]{4}-[0-9]{2})\.([0-9]+)\.(access|notice)$/;
    return (await this.#secrets.names()).flatMap((name) => {
      const [, prefix, period, generation, found] = pattern.exec(name) ?? [];
      return prefix === charter.slice(0, 32) && found === kind
        ? [{ charter, period: period as Period, generation: Number(generation) }]
        : [];
    });
  }
}

function shareName({ charter, period, generation }: ShareName, kind: ShareKind): string {
  return `share.${charter.slice(0, 32)}.${period}.${generation}.${kind}`;
}
