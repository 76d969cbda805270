import type { ConversationId, UnixSeconds } from "@porchlight/encoding";
import type { Content } from "../content.ts";
import type { Seat } from "../seat.ts";
import type { Profile } from "./profile.ts";
import { codeOf, mayPass } from "./refusal.ts";
import type { Thread } from "./thread.ts";
import type { ThreadRecord } from "./thread-record.ts";
import type { Transfers } from "./transfers.ts";

/** Nobody tells or is told what was read where more people listen (CON-4). */
const RECEIPT_PEOPLE = 20;

type Context = {
  readonly profile: Profile;
  readonly transfers: Transfers;
  now(): UnixSeconds;
  newId(): string;
  /** Takes what happened at the seat into the thread. */
  absorb(thread: Thread, seat: Seat): Promise<void>;
  /** There is something more to send in this conversation. */
  kick(conversation: ConversationId): void;
  failed(error: unknown): void;
};

/** What waits in a thread goes out: whoever could not be added yet, files, words, one's own name, what was read. */
export class Outbox {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** True where something went out: what became of it is to be looked at. */
  async send(thread: Thread, seat: Seat): Promise<boolean> {
    await this.#addWaiting(thread, seat);
    await seat.flush();
    await this.#context.absorb(thread, seat);
    // Who comes later can never read what was sent before (MLS-4): it waits until somebody is there.
    if (thread.others().size === 0 && thread.record.waitingFor.length > 0) return false;
    this.#startUploads(thread);
    const underway = seat.underway;
    const contents: Content[] = thread.ready.filter(({ id }) => !underway.has(id));
    const named = this.#ownName(thread, contents.length > 0);
    const receipt = await this.#receipt(thread);
    const all = [...named, ...contents, ...receipt.contents];
    if (all.length === 0) return false;
    try {
      await seat.send(all);
    } catch (error) {
      if (mayPass(error)) throw error;
      const ids = new Set(all.map(({ id }) => id));
      await seat.withdraw(ids);
      await thread.refuse(new Set(contents.map(({ id }) => id)), codeOf(error));
      await this.#context.absorb(thread, seat);
      return false;
    }
    await thread.change({
      ...(named.length > 0 ? { nameDue: false } : {}),
      ...receipt.told,
    });
    return true;
  }

  /** This device is not in the conversation any more: nothing that waits is sent, and none of it is shown as done. */
  async refuseAll(thread: Thread): Promise<void> {
    const waiting = thread.record.pending.filter(({ refused }) => refused === null);
    if (waiting.length === 0) return;
    await thread.refuse(new Set(waiting.map(({ content }) => content.id)), "not-in-conversation");
  }

  /** People who could not be added before: none of their devices had been online. */
  async #addWaiting(thread: Thread, seat: Seat): Promise<void> {
    for (const account of thread.record.waitingFor) {
      try {
        await seat.changeMembers({ adds: [account] });
      } catch (error) {
        const code = codeOf(error);
        if (code === "no-key-package") continue;
        if (code !== "key-package-refused") throw error;
        // The server tried to put somebody else in: told, and not tried again by itself.
        await thread.note({
          kind: "refused",
          at: this.#context.now(),
          item: "key-package",
          code,
          from: account,
        });
        await thread.change({ waitingFor: thread.record.waitingFor.filter((other) => other !== account) });
        continue;
      }
      const waitingFor = thread.record.waitingFor.filter((other) => other !== account);
      await thread.change({ waitingFor, nameDue: true });
      await this.#context.absorb(thread, seat);
    }
  }

  /** CON-7: in small conversations at once, in large ones with the next word. */
  #ownName(thread: Thread, isSpeaking: boolean): readonly Content[] {
    const others = thread.others().size;
    if (!thread.record.nameDue || others === 0 || (others >= RECEIPT_PEOPLE && !isSpeaking)) return [];
    return [
      {
        id: this.#context.newId(),
        at: this.#context.now(),
        text: this.#context.profile.name,
        kind: "profile",
      },
    ];
  }

  async #receipt(thread: Thread): Promise<{
    readonly contents: readonly Content[];
    readonly told: Pick<ThreadRecord, "told" | "owed"> | null;
  }> {
    const others = thread.others().size;
    if (!this.#context.profile.settings.receipts || others === 0 || others >= RECEIPT_PEOPLE) {
      return { contents: [], told: null };
    }
    const due = await thread.receipt();
    if (due === null) return { contents: [], told: null };
    const content: Content = {
      id: this.#context.newId(),
      at: this.#context.now(),
      text: "",
      kind: "receipt",
      ...due.content,
    };
    return { contents: [content], told: due.told };
  }

  #startUploads(thread: Thread): void {
    for (const { content, files, refused } of thread.record.pending) {
      if (refused !== null) continue;
      for (const [attachment, file] of files.entries()) {
        if (file.reference !== null) continue;
        const at = { conversation: thread.id, message: content.id, attachment };
        this.#context.transfers.upload(at, file, async (ended) => {
          try {
            if ("reference" in ended) await thread.uploaded(file.upload, ended.reference);
            else if (!mayPass(ended.error) && codeOf(ended.error) !== "transfer-cancelled") {
              await thread.refuse(new Set([content.id]), codeOf(ended.error));
            }
          } catch (error) {
            this.#context.failed(error);
          }
          if ("reference" in ended) this.#context.kick(thread.id);
        });
      }
    }
  }
}
