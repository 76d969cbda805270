/** Whether the browser may delete what this device keeps, the identity key with it, when it wants the room. */
export type StorageState = "kept" | "evictable" | "unknown";

/** Asks the browser to keep it; the same again asks nobody. */
export async function keepStorage(): Promise<StorageState> {
  const storage = (navigator as { readonly storage?: Partial<StorageManager> }).storage;
  if (storage?.persist === undefined || storage.persisted === undefined) return "unknown";
  return (await storage.persisted()) || (await storage.persist()) ? "kept" : "evictable";
}
