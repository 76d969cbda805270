import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const VECTORS = join(import.meta.dirname, "../vectors");
const MAX_SAMPLE = 20_000;

/**
 * Every string that stands anywhere in the published vectors, as the bytes that it may mean: its own, and what it says in
 * hexadecimal or base64. A parser finds its samples among them by itself.
 */
export function corpus(): readonly Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  const add = (bytes: Buffer): void => {
    if (bytes.length > 0 && bytes.length <= MAX_SAMPLE)
      found.set(bytes.toString("latin1"), new Uint8Array(bytes));
  };
  const fromJson = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  };
  const walk = (value: unknown): void => {
    if (typeof value === "string") {
      add(Buffer.from(value, "utf8"));
      if (value.startsWith("{")) walk(fromJson(value));
      if (/^(?:[0-9a-f]{2})+$/.test(value)) add(Buffer.from(value, "hex"));
      else if (/^[A-Za-z0-9+/_-]{8,}={0,2}$/.test(value)) {
        const bytes = Buffer.from(value, "base64");
        add(bytes);
        for (const line of bytes.toString("utf8").split("\n").slice(0, 20)) add(Buffer.from(line));
      }
    } else if (typeof value === "object" && value !== null) {
      Object.values(value).forEach(walk);
    }
  };
  for (const file of readdirSync(VECTORS).filter((name) => name.endsWith(".json"))) {
    walk(JSON.parse(readFileSync(join(VECTORS, file), "utf8")));
  }
  return [...found.values()];
}
