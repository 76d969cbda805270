// What the browser's tests call in their page. For tests only; bundled by esbuild.
import { browserStorage } from "../src/index.ts";
import { CONTRACT } from "./storage-contract.ts";

const key = new Uint8Array(32).fill(5);

async function contract(): Promise<string[]> {
  const failed: string[] = [];
  for (const [i, [name, run]] of CONTRACT.entries()) {
    await run(() => browserStorage({ database: `contract-${i}`, key })).catch((error: unknown) =>
      failed.push(`${name}: ${String(error)}`),
    );
  }
  return failed;
}

async function save(name: string, text: string): Promise<void> {
  await (await browserStorage({ database: "kept", key })).save(name, new TextEncoder().encode(text));
}

async function load(name: string, fill = 5): Promise<string> {
  const storage = await browserStorage({ database: "kept", key: new Uint8Array(32).fill(fill) });
  try {
    const record = await storage.load(name);
    return record === null ? "nothing" : new TextDecoder().decode(record);
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    storage.close();
  }
}

Object.assign(globalThis, { porchlight: { contract, save, load } });
