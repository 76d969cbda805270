import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  createPassphrase,
  readFileOrNull,
  readPassphrase,
  SecretFile,
  writeFileDurable,
} from "@porchlight/durable";
import { fromUtf8, utf8 } from "@porchlight/encoding";
import { formatSignerKey, formatVkey, parseSignerKey, type Signer } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";

/** Why a witness does not start with the keys that it finds. The message says what to do. */
class WitnessError extends Error {
  override readonly name = "WitnessError";
  readonly code: "keys-missing" | "keys-differ";
  constructor(code: "keys-missing" | "keys-differ", message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The witness' key (WIT-2): made at the first start, sealed in `witness-key.age`, and never replaced. `public.json`
 * shows its name and vkey, for whoever writes the policy. Throws WitnessError or DurableError.
 */
export async function loadSigner(
  directory: string,
  keyName: string,
  workFactor: number | undefined,
): Promise<Signer<"cosignature">> {
  const publicPath = join(directory, "public.json");
  const published = await readFileOrNull(publicPath);
  if (published === null) await createPassphrase(directory);
  const passphrase = await readPassphrase(directory);
  const file = new SecretFile(join(directory, "witness-key.age"), {
    passphrase,
    ...(workFactor === undefined ? {} : { workFactor }),
  });
  let sealed = await file.read();
  if (sealed === null) {
    // A new key under an old name would be a witness that nobody's policy knows.
    if (published !== null) {
      throw new WitnessError(
        "keys-missing",
        "public.json is here, but its key is gone: restore witness-key.age",
      );
    }
    sealed = utf8(formatSignerKey("cosignature", keyName, randomBytes(32), nodeSuite));
    await file.write(sealed);
  }
  const signer = parseSignerKey(fromUtf8(sealed, "witness key"), nodeSuite);
  sealed.fill(0);
  if (signer.key.type !== "cosignature" || signer.key.name !== keyName) {
    throw new WitnessError(
      "keys-differ",
      `the sealed key is not called ${keyName}: correct the configuration`,
    );
  }
  const text = `${JSON.stringify({ name: keyName, vkey: formatVkey(signer.key) }, null, 2)}\n`;
  if (published === null) await writeFileDurable(publicPath, text, { mode: 0o644 });
  else if (fromUtf8(published, "public.json") !== text) {
    throw new WitnessError(
      "keys-differ",
      "public.json does not belong to the sealed key: restore one of them",
    );
  }
  return signer as Signer<"cosignature">;
}
