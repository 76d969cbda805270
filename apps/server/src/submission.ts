import { hash, randomBytes } from "node:crypto";
import type { UnixSeconds } from "@porchlight/encoding";
import type { NewItem, StoredItem } from "@porchlight/wire";
import {
  type Accepted,
  accept,
  type CharterDates,
  type ConversationState,
  type Device,
} from "./conversation-state.ts";
import { asBuffer, idBuffer, itemKey, type KnownItem, type Writes } from "./conversation-store.ts";
import { Refusal } from "./refusal.ts";

export type Submission = {
  readonly sender: Device;
  readonly items: readonly NewItem[];
  readonly resolve: (seqs: number[]) => void;
  readonly reject: (error: unknown) => void;
};

/** Items that were stored under a key before, by `itemKey`. */
export type KnownItems = {
  readonly get: (key: string) => KnownItem | undefined;
  readonly set: (key: string, item: KnownItem) => void;
};

export type Made = {
  readonly state: ConversationState;
  readonly seqs: number[];
  readonly writes: Writes;
  readonly stored: StoredItem[];
};

/**
 * What a submission comes to, or throws Refusal. `known`: to find repeated items with; `null` where the database's own
 * uniqueness is to find them.
 */
export function takeSubmission(
  first: ConversationState,
  { sender, items }: Submission,
  now: UnixSeconds,
  dates: CharterDates,
  known: KnownItems | null,
): Made {
  const writes: Writes = { items: [], envelopes: [], welcomes: [], memberships: [] };
  const conversation = idBuffer(first.conversation);
  const submitter = idBuffer(sender.account);
  const stored: StoredItem[] = [];
  const fresh: [string, KnownItem][] = [];
  let state = first;
  const seqs = items.map((item, position) => {
    const digest = digestOf(item);
    const key = known === null ? "" : itemKey(first.conversation, sender.account, item.key);
    const before = known?.get(key) ?? fresh.find(([other]) => other === key)?.[1];
    if (known !== null && before !== undefined) {
      if (before.digest === digest.toString("hex")) return before.seq;
      throw new Refusal("idempotency-mismatch", "this key was used for something else: take a new one", {
        item: position,
      });
    }
    let accepted: Accepted;
    try {
      accepted = accept(state, sender, item, now, dates);
    } catch (error) {
      throw error instanceof Refusal ? error.ofItem(position) : error;
    }
    const { seq, generation, epoch, acceptance } = accepted;
    const { kind, bytes } = item;
    writes.items.push({
      conversation,
      seq,
      generation,
      epoch,
      kind,
      submitter,
      key: item.key,
      digest,
      bytes,
    });
    stored.push({ seq, kind, epoch, submitter: sender.account, at: now, bytes });
    if (acceptance.kind === "envelope") {
      const { label, deviceKey } = acceptance.header;
      const account = idBuffer(label.account);
      const charter = idBuffer(label.charter);
      writes.envelopes.push([
        conversation,
        generation,
        epoch,
        asBuffer(deviceKey),
        account,
        label.day,
        charter,
        seq,
      ]);
    }
    if (acceptance.kind === "commit") {
      for (const account of acceptance.after) {
        if (!acceptance.before.has(account))
          writes.memberships.push({ conversation, account, seq, joins: true });
      }
      for (const account of acceptance.before) {
        if (!acceptance.after.has(account))
          writes.memberships.push({ conversation, account, seq, joins: false });
      }
    }
    if (acceptance.kind === "commit" && item.kind === "commit" && item.welcome !== null) {
      const { welcome } = item;
      const charter = accepted.state.charter === null ? null : idBuffer(accepted.state.charter);
      const tree = welcome.tree === null ? null : asBuffer(welcome.tree);
      const id = randomBytes(16);
      const row = [
        id,
        conversation,
        charter,
        seq,
        accepted.state.epoch,
        submitter,
        asBuffer(welcome.bytes),
        tree,
      ];
      writes.welcomes.push({ row, devices: acceptance.added });
    }
    if (known !== null) fresh.push([key, { seq, digest: digest.toString("hex") }]);
    state = accepted.state;
    return seq;
  });
  // Only now: of a submission all is taken or nothing.
  for (const [key, item] of fresh) known?.set(key, item);
  return { state, seqs, writes, stored };
}

/** What a repeated item must equal. */
function digestOf(item: NewItem): Buffer {
  const prefix = Buffer.from(`${item.kind} ${item.epoch} ${item.bytes.length} `, "latin1");
  const welcome = item.kind === "commit" && item.welcome !== null ? [item.welcome.bytes] : [];
  // One call for the whole: four times as fast as a hash object.
  return hash("sha256", Buffer.concat([prefix, item.bytes, ...welcome]), "buffer");
}
