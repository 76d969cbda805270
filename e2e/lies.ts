// What a provider does to the items that it delivers. For tests only.
import { randomBytes } from "node:crypto";
import {
  base64,
  type ConversationId,
  type DayNumber,
  fromBase64,
  fromHex,
  type UnixSeconds,
} from "@porchlight/encoding";
import { createConversation, createDevice, createKeyPackage, prepareCommit } from "@porchlight/mls";
import { nodeMlsSuite } from "@porchlight/mls/node";
import type { WireItem } from "./lying-proxy.ts";

export function changed(items: readonly WireItem[], which: WireItem, change: Partial<WireItem>): WireItem[] {
  return items.map((item) => (item === which ? { ...item, ...change } : item));
}

/** One bit of the middle. */
export function flipped(text: string): string {
  const bytes = fromBase64(text).slice();
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] as number) ^ 1;
  return base64(bytes);
}

/** A commit that adds a device of the provider's own, for another group; its group and epoch are written over. */
export async function forgedAdd(
  conversation: ConversationId,
  epoch: number,
  { day, now }: { readonly day: DayNumber; readonly now: UnixSeconds },
): Promise<string> {
  const suite = await nodeMlsSuite();
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const device = createDevice({ suite, identitySeed: random(32), random });
  const other = createDevice({ suite, identitySeed: random(32), random });
  const group = await createConversation({ device, charter: null, day, now, random });
  const prepared = await prepareCommit(group, {
    adds: [(await createKeyPackage(other, now)).public],
    day,
    update: true,
  });
  const bytes = Buffer.from(prepared.commit);
  const at = bytes.indexOf(Buffer.from(fromHex(group.id)));
  bytes.set(fromHex(conversation), at);
  bytes.writeBigUInt64BE(BigInt(epoch), at + 32);
  return base64(new Uint8Array(bytes));
}
