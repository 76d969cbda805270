import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { readFileOrNull, type SecretStore, writeFileDurable } from "@porchlight/durable";
import { base64, Fields, fromHex, fromUtf8, parseJson, utf8 } from "@porchlight/encoding";
import { xwingKeygen } from "@porchlight/quorum";
import { formatVkey, makeSigner, type Signer } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { KeyholderError } from "./error.ts";

/** A keyholder's three keys (KEY-3), made at its first start and never replaced. */
export type Identity = {
  readonly cosigner: Signer<"cosignature">;
  /** Signs documents and entries: 32-byte Ed25519 seed and public key. */
  readonly document: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  /** Receives shares during a ceremony: 32-byte X-Wing secret key, 1216-byte public key. */
  readonly xwing: { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array };
};

/** What `public.json` says: all that a charter needs of this keyholder. */
export type PublicIdentity = {
  readonly name: string;
  readonly vkey: string;
  readonly key: string;
  readonly xwing: string;
};

const SECRET_NAME = "keys";

/** Loads the keys, or makes them where neither they nor `public.json` exist. Throws KeyholderError or DurableError. */
export async function loadIdentity(
  directory: string,
  secrets: SecretStore,
  cosignerName: string,
): Promise<Identity> {
  const publicPath = join(directory, "public.json");
  const published = await readFileOrNull(publicPath);
  let sealed = await secrets.read(SECRET_NAME);
  if (sealed === null) {
    if (published !== null) {
      throw new KeyholderError(
        "keys-missing",
        "public.json is here, but the sealed keys are gone: restore secrets/keys.age",
      );
    }
    const seed = (): string => randomBytes(32).toString("hex");
    sealed = utf8(JSON.stringify({ version: 1, cosigner: seed(), document: seed(), xwing: seed() }));
    await secrets.write(SECRET_NAME, sealed);
  }
  const identity = readIdentity(sealed, cosignerName);
  sealed.fill(0);
  const text = `${JSON.stringify(publicIdentity(identity), null, 2)}\n`;
  if (published === null) await writeFileDurable(publicPath, text, { mode: 0o644 });
  else if (fromUtf8(published) !== text) {
    throw new KeyholderError(
      "keys-differ",
      "public.json does not belong to the sealed keys or to the configured name",
    );
  }
  return identity;
}

export function publicIdentity(identity: Identity): PublicIdentity {
  return {
    name: identity.cosigner.key.name,
    vkey: formatVkey(identity.cosigner.key),
    key: base64(identity.document.publicKey),
    xwing: base64(identity.xwing.publicKey),
  };
}

function readIdentity(bytes: Uint8Array, cosignerName: string): Identity {
  const fields = new Fields(parseJson(bytes, "keys"), "keys");
  fields.literal("version", 1);
  const cosigner = fromHex(fields.string("cosigner"), 32);
  const document = fromHex(fields.string("document"), 32);
  const xwing = fromHex(fields.string("xwing"), 32);
  fields.end();
  return {
    cosigner: makeSigner("cosignature", cosignerName, cosigner, nodeSuite),
    document: { seed: document, publicKey: nodeSuite.publicKeyOf(document) },
    xwing: xwingKeygen(xwing),
  };
}
