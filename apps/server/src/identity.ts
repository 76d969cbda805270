import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  createPassphrase,
  readFileOrNull,
  readPassphrase,
  SecretStore,
  writeFileDurable,
} from "@porchlight/durable";
import { base64, Fields, fromHex, fromUtf8, parseJson, utf8 } from "@porchlight/encoding";
import { xwingKeygen } from "@porchlight/quorum";
import { formatVkey, makeSigner, type Signer } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { ServerError } from "./error.ts";

type SigningKey = { readonly seed: Uint8Array; readonly publicKey: Uint8Array };

/** The provider's keys (DEL-5), made at the first start and never replaced. */
export type Identity = {
  /** Signs charters and statements: Ed25519. */
  readonly provider: SigningKey;
  /** Opens envelopes' outer layers, and orders at rest: X-Wing. */
  readonly xwing: { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array };
  /** Signs orders' and revocations' entries for all issuers alike: Ed25519. */
  readonly intake: SigningKey;
  readonly log: Signer<"ed25519">;
};

/** What `public.json` says: all that charter, witnesses and keyholders need of the provider. */
export type PublicIdentity = {
  readonly key: string;
  readonly xwing: string;
  readonly intake: string;
  readonly log: { readonly origin: string; readonly vkey: string };
};

const SECRET_NAME = "keys";

/**
 * Loads the keys sealed in `secrets/keys.age`, or makes them where neither they nor `public.json` exist. Throws
 * ServerError or DurableError.
 */
export async function loadIdentity(
  directory: string,
  origin: string,
  workFactor: number | undefined,
): Promise<Identity> {
  const publicPath = join(directory, "public.json");
  const published = await readFileOrNull(publicPath);
  if (published === null) await createPassphrase(directory);
  const passphrase = await readPassphrase(directory);
  const secrets = await SecretStore.open(join(directory, "secrets"), {
    passphrase,
    ...(workFactor === undefined ? {} : { workFactor }),
  });
  let sealed = await secrets.read(SECRET_NAME);
  if (sealed === null) {
    // New keys under old names would be a log that every witness refuses and a provider that no charter knows.
    if (published !== null) {
      throw new ServerError(
        "key-mismatch",
        "public.json is here, but the sealed keys are gone: restore secrets/keys.age",
      );
    }
    const seed = (): string => randomBytes(32).toString("hex");
    const made = { version: 1, provider: seed(), xwing: seed(), intake: seed(), log: seed() };
    sealed = utf8(JSON.stringify(made));
    await secrets.write(SECRET_NAME, sealed);
  }
  const identity = readIdentity(sealed, origin);
  sealed.fill(0);
  const text = `${JSON.stringify(publicIdentity(identity), null, 2)}\n`;
  if (published === null) await writeFileDurable(publicPath, text, { mode: 0o644 });
  else if (fromUtf8(published, "public.json") !== text) {
    throw new ServerError(
      "key-mismatch",
      "public.json does not belong to the sealed keys or to the configured deployment: restore one of them",
    );
  }
  return identity;
}

export function publicIdentity({ provider, xwing, intake, log }: Identity): PublicIdentity {
  return {
    key: base64(provider.publicKey),
    xwing: base64(xwing.publicKey),
    intake: base64(intake.publicKey),
    log: { origin: log.key.name, vkey: formatVkey(log.key) },
  };
}

function readIdentity(bytes: Uint8Array, origin: string): Identity {
  const fields = new Fields(parseJson(bytes, "keys"), "keys");
  fields.literal("version", 1);
  const provider = signingKey(fields.string("provider"));
  const xwing = xwingKeygen(fromHex(fields.string("xwing"), 32));
  const intake = signingKey(fields.string("intake"));
  const log = makeSigner("ed25519", origin, fromHex(fields.string("log"), 32), nodeSuite);
  fields.end();
  return { provider, xwing, intake, log };
}

function signingKey(text: string): SigningKey {
  const seed = fromHex(text, 32);
  return { seed, publicKey: nodeSuite.publicKeyOf(seed) };
}
