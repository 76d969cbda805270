import { AttachmentError, type AttachmentReference } from "@porchlight/attachment";
import type { ConversationId } from "@porchlight/encoding";
import { WireError } from "@porchlight/wire";
import { type AttachmentSource, Attachments, type AttachmentTarget } from "../attachments.ts";
import { ClientError } from "../error.ts";
import type { Storage } from "../storage.ts";
import { codeOf } from "./refusal.ts";
import type { PendingFile } from "./thread-record.ts";
import type { TransferView } from "./view.ts";

/** Files up to this size are kept here until they are sent, sealed: they survive a restart before they left. */
const SPOOLED = 32 * 1024 * 1024;
const SPOOL_PART = 1024 * 1024;

type Running = { readonly abort: AbortController; readonly done: Promise<void> };

/** Files on their way, in both directions. */
export class Transfers {
  readonly #attachments: Attachments;
  readonly #storage: Storage;
  readonly #running = new Map<string, Running>();
  /** What the page handed over and is too large to keep. */
  readonly #files = new Map<string, Blob>();
  /** Begun, and perhaps not in a saved message yet: no sweep may take them for forgotten. */
  readonly #fresh = new Set<string>();
  #views: { readonly [id: string]: TransferView } = {};
  /** Called after each change. */
  onChange: (views: { readonly [id: string]: TransferView }) => void = () => {};

  constructor(attachments: Attachments, storage: Storage) {
    this.#attachments = attachments;
    this.#storage = storage;
  }

  /**
   * Notes a file that is to be sent. Saved, and where it is small a copy of it too. Throws ClientError "file-unreadable":
   * nothing of it is kept then.
   */
  async begin(
    conversation: ConversationId,
    file: Blob,
    facts: { readonly name: string; readonly preview: PendingFile["preview"] },
  ): Promise<PendingFile> {
    const name = fileName(file, facts.name);
    const type = mediaType(file.type);
    const { id } = await this.#attachments.begin(conversation, { size: file.size, type, name });
    this.#fresh.add(id);
    try {
      if (file.size > SPOOLED) {
        await bytesOf(file, 0, 1);
        this.#files.set(id, file);
      }
      for (let part = 0; file.size <= SPOOLED && part * SPOOL_PART < file.size; part++) {
        const bytes = await bytesOf(file, part * SPOOL_PART, (part + 1) * SPOOL_PART);
        await this.#storage.save(spoolRecord(id, part), bytes);
      }
    } catch (error) {
      await this.forget(id, { atServer: false });
      throw error;
    }
    return { upload: id, name, type, size: file.size, preview: facts.preview, reference: null };
  }

  /**
   * Sends a file, unless that is under way. `finished` is told how it ended; what may pass is told as a WireError that
   * is retryable, and tried when this is called again.
   */
  upload(
    at: { readonly conversation: ConversationId; readonly message: string; readonly attachment: number },
    file: PendingFile,
    finished: (
      ended: { readonly reference: AttachmentReference } | { readonly error: unknown },
    ) => Promise<void>,
  ): void {
    const { upload: id, name, size } = file;
    this.#fresh.delete(id);
    if (this.#running.has(id)) return;
    const view: TransferView = {
      id,
      direction: "up",
      ...at,
      name,
      size,
      done: 0,
      status: { kind: "running" },
    };
    if (size > SPOOLED && !this.#files.has(id)) {
      return this.#show({ ...view, status: { kind: "needs-file" } });
    }
    this.#run(view, async (signal, onProgress) => {
      const source = await this.#source(file);
      const reference = await this.#attachments.upload(id, source, { signal, onProgress });
      await finished({ reference });
    }).catch(async (error: unknown) => {
      const passes = error instanceof WireError && error.retryable;
      const status: TransferView["status"] = passes
        ? { kind: "waiting" }
        : { kind: "failed", code: codeOf(error) };
      if (!(error instanceof ClientError && error.code === "transfer-cancelled"))
        this.#show({ ...this.#shown(view), status });
      await finished({ error });
    });
  }

  /** Fetches a file and checks it as a whole. Throws ClientError, WireError. */
  async download(
    at: { readonly conversation: ConversationId; readonly message: string; readonly attachment: number },
    reference: AttachmentReference,
  ): Promise<Blob> {
    const id = `down-${at.message}-${at.attachment}`;
    // Blobs, not bytes: what a browser has in blobs it may keep on the disk, so that a gigabyte fits wherever it runs.
    const parts: Blob[] = [];
    const target: AttachmentTarget = {
      size: () => Promise.resolve(0),
      read: () => Promise.resolve(new Uint8Array(0)),
      write: (_, bytes) => {
        parts.push(new Blob([bytes as Uint8Array<ArrayBuffer>]));
        return Promise.resolve();
      },
    };
    const view: TransferView = {
      id,
      direction: "down",
      ...at,
      name: reference.name ?? "",
      size: reference.size,
      done: 0,
      status: { kind: "running" },
    };
    try {
      await this.#run(view, (signal, onProgress) =>
        this.#attachments.download(reference, target, { signal, onProgress }),
      );
    } catch (cause) {
      if (cause instanceof AttachmentError) {
        throw new ClientError("attachment-refused", "this is not the file that the message names", { cause });
      }
      throw cause;
    }
    // The sender's word for the type would let a browser run it: the page decides what to do with the bytes.
    return new Blob(parts, { type: "application/octet-stream" });
  }

  /** The file for an upload that lost it with a restart. */
  resume(id: string, file: Blob): void {
    this.#files.set(id, file);
  }

  /** Stops it here; what the server has is kept for another time. */
  async stop(id: string): Promise<void> {
    this.#fresh.delete(id);
    const running = this.#running.get(id);
    running?.abort.abort(cancelled());
    await running?.done;
    this.#hide(id);
  }

  /** A file before these in their message was taken out of it. */
  moved(message: string, behind: number): void {
    for (const view of Object.values(this.#views)) {
      if (view.message !== message || view.direction !== "up" || view.attachment <= behind) continue;
      this.#show({ ...view, attachment: view.attachment - 1 });
    }
  }

  /** Its message is in the order, or given up. */
  async forget(id: string, options: { readonly atServer: boolean }): Promise<void> {
    await this.stop(id);
    this.#files.delete(id);
    if (options.atServer) await this.#attachments.cancel(id);
    else await this.#attachments.forget(id);
    for (const name of await this.#storage.list()) {
      if (name.startsWith(spoolPrefix(id))) await this.#storage.remove(name);
    }
  }

  /** Uploads that no waiting message names: a crash came between, before or behind. */
  async sweep(wanted: ReadonlySet<string>): Promise<void> {
    for (const { id } of await this.#attachments.pending()) {
      if (!wanted.has(id) && !this.#fresh.has(id)) await this.forget(id, { atServer: true });
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.stop(id)));
  }

  async #run(
    view: TransferView,
    act: (signal: AbortSignal, onProgress: (done: number) => void) => Promise<void>,
  ): Promise<void> {
    const abort = new AbortController();
    let end = (): void => {};
    this.#running.set(view.id, { abort, done: new Promise((resolve) => (end = resolve)) });
    this.#show(view);
    try {
      await act(abort.signal, (done) => this.#show({ ...this.#shown(view), done }));
      this.#hide(view.id);
    } catch (error) {
      if (view.direction === "down" || abort.signal.aborted) this.#hide(view.id);
      throw abort.signal.aborted ? cancelled() : error;
    } finally {
      this.#running.delete(view.id);
      end();
    }
  }

  async #source({ upload, size }: PendingFile): Promise<AttachmentSource> {
    const file = this.#files.get(upload);
    if (file !== undefined) {
      return {
        size: file.size,
        read: async (start, length) => await bytesOf(file, start, start + length),
      };
    }
    return {
      size,
      read: async (start, length) => {
        const bytes = new Uint8Array(length);
        for (let at = start; at < start + length; ) {
          const part = Math.floor(at / SPOOL_PART);
          const kept = await this.#storage.load(spoolRecord(upload, part));
          if (kept === null) throw new ClientError("source-changed", "the file is gone: attach it again");
          const piece = kept.subarray(at - part * SPOOL_PART, start + length - part * SPOOL_PART);
          bytes.set(piece, at - start);
          at += piece.length;
        }
        return bytes;
      },
    };
  }

  /** As it stands now: its place in the message may have moved. */
  #shown(view: TransferView): TransferView {
    return this.#views[view.id] ?? view;
  }

  #show(view: TransferView): void {
    this.#views = { ...this.#views, [view.id]: view };
    this.onChange(this.#views);
  }

  #hide(id: string): void {
    const { [id]: gone, ...others } = this.#views;
    if (gone === undefined) return;
    this.#views = others;
    this.onChange(others);
  }
}

/** A file of a person's is changed, moved or taken out whenever they like; a folder is handed over as one too. */
async function bytesOf(file: Blob, start: number, end: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  } catch (cause) {
    throw new ClientError("file-unreadable", "the file cannot be read: attach it again", { cause });
  }
}

function cancelled(): ClientError {
  return new ClientError("transfer-cancelled", "it was stopped");
}

function spoolPrefix(id: string): string {
  return `spool-${id}-`;
}

function spoolRecord(id: string, part: number): string {
  return spoolPrefix(id) + String(part).padStart(3, "0");
}

/** ATT-1 wants lower case; what a browser does not know has no type. */
function mediaType(type: string): string {
  const [essence = ""] = type.toLowerCase().split(";");
  return essence.length <= 100 && /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(essence)
    ? essence
    : "application/octet-stream";
}

/** Without what would rewrite the screen of whoever reads it, and without folders. */
function fileName(file: Blob, given: string): string {
  const name = (given === "" && "name" in file ? String(file.name) : given)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .replace(/^.*[\\/]/, "");
  return name.length <= 255 ? name : [...name].slice(0, 120).join("");
}
