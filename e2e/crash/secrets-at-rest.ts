import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readPassphrase, SecretStore } from "@porchlight/durable";

/** Every key share that a keyholder's sealed files hold, 32 bytes each. */
export async function sharesOf(directory: string): Promise<Buffer[]> {
  const passphrase = await readPassphrase(directory);
  const secrets = await SecretStore.open(join(directory, "secrets"), { passphrase });
  const shares: Buffer[] = [];
  for (const name of await secrets.names()) {
    if (!name.startsWith("share.")) continue;
    const bytes = await secrets.read(name);
    const { secret } = JSON.parse(Buffer.from(bytes ?? []).toString()) as { secret: string };
    shares.push(Buffer.from(secret, "hex"));
  }
  return shares;
}

/** Files below a directory that hold any of the secrets: as bytes, in hexadecimal or in base64, at any alignment. */
export function filesWith(directory: string, secrets: readonly Buffer[]): string[] {
  const needles = secrets.flatMap((secret) => [
    secret,
    Buffer.from(secret.toString("hex")),
    // Base64 shifts with what stands before: whole groups of three bytes look the same at one of three offsets.
    ...[0, 1, 2].map((skip) => Buffer.from(secret.subarray(skip, skip + 27).toString("base64"))),
  ]);
  const byStart = new Map<number, Buffer[]>();
  for (const needle of needles) {
    const start = needle.readUInt32LE(0);
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
  }
  return filesBelow(directory).filter((file) => {
    const bytes = readFileSync(file);
    let window = 0;
    for (let at = 0; at < bytes.length; at++) {
      // The last four bytes, little-endian: `at` is where they end.
      window = ((window >>> 8) | ((bytes[at] as number) << 24)) >>> 0;
      const found = byStart.get(window);
      if (found === undefined || at < 3) continue;
      if (found.some((needle) => bytes.subarray(at - 3, at - 3 + needle.length).equals(needle))) return true;
    }
    return false;
  });
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
