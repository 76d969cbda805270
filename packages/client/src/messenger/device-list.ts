import { fromUtf8, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { ClientError } from "../error.ts";
import type { Storage } from "../storage.ts";
import type { DeviceView } from "./view.ts";

const RECORD = "devices";
const VERSION = 1;

/** The account's devices as the server listed them at `at`; `null`: it never did. */
export type DeviceList = { readonly at: UnixSeconds | null; readonly devices: readonly DeviceView[] };

/** Kept, so that a person without a connection sees them too. Throws ClientError "state-corrupt". */
export async function loadDevices(storage: Storage): Promise<DeviceList> {
  const saved = await storage.load(RECORD);
  if (saved === null) return { at: null, devices: [] };
  try {
    // JSON.parse: this program wrote it, and storage authenticates it.
    const { version, ...list } = JSON.parse(fromUtf8(saved)) as DeviceList & { version: number };
    if (version !== VERSION) throw new SyntaxError("version");
    return list;
  } catch (cause) {
    throw new ClientError("state-corrupt", "the saved devices are not what was saved", { cause });
  }
}

export async function saveDevices(storage: Storage, list: DeviceList): Promise<void> {
  await storage.save(RECORD, utf8(JSON.stringify({ version: VERSION, ...list })));
}
