import {
  AttachmentError,
  type AttachmentKey,
  type AttachmentReference,
  type AttachmentSuite,
  attachmentId,
  digestOf,
  fileKeyOf,
  keyFrom,
  type Layout,
  layoutOf,
  openPart,
  sealPart,
} from "@porchlight/attachment";
import {
  base64,
  type ConversationId,
  conversationId,
  equalBytes,
  Fields,
  fromBase64,
  fromHex,
  hex,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { WireError } from "@porchlight/wire";
import { webAttachmentSuite } from "./attachment-suite.ts";
import type { AttachmentService } from "./context.ts";
import { ClientError } from "./error.ts";
import { inOrder } from "./lanes.ts";
import type { Storage } from "./storage.ts";

/** What is sent: a browser's File (by slices) or an open file. It must stay the same while it is being sent. */
export type AttachmentSource = {
  readonly size: number;
  /** Exactly these bytes; fewer only where the file has become shorter. */
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
};

/** Where it is written. What an earlier attempt wrote is read back, and the download goes on behind it. */
export type AttachmentTarget = {
  /** Bytes that are there already. */
  readonly size: () => Promise<number>;
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
  readonly write: (start: number, bytes: Uint8Array) => Promise<void>;
};

export type Transfer = {
  /** Stops between two parts and inside a request; what is done by then is kept. */
  readonly signal?: AbortSignal;
  /** Bytes of the content that are done, after each part. */
  readonly onProgress?: (done: number, size: number) => void;
};

/** An upload that has begun, as the storage keeps it. */
export type Upload = {
  readonly id: string;
  readonly conversation: ConversationId;
  readonly size: number;
  readonly type: string;
  readonly name?: string;
};

type UploadRecord = Upload & {
  readonly seed: Uint8Array;
  /** Known once the file was read for the first time. */
  readonly fileKey: Uint8Array | null;
};

export type AttachmentContext = {
  readonly server: AttachmentService;
  readonly storage: Storage;
  readonly random: (length: number) => Uint8Array;
  /** WebCrypto where it is left out; in Node the one of `@porchlight/attachment/node` is several times as fast. */
  readonly suite?: AttachmentSuite;
};

const PREFIX = "upload-";
/** Parts in memory at the same time: while one is on the line or on its way to the disk, the next are read and sealed. */
const AT_ONCE = 4;

/**
 * Sends and fetches attachments part by part, so that memory does not grow with them (ATT-10 to ATT-13). An upload
 * survives the end of the program: its record is saved before anything is sent, {@link pending} finds it, and
 * {@link upload} goes on where the server has no more.
 */
export class Attachments {
  readonly #context: AttachmentContext;
  readonly #suite: AttachmentSuite;

  constructor(context: AttachmentContext) {
    this.#context = context;
    this.#suite = context.suite ?? webAttachmentSuite;
  }

  /** Notes an upload; nothing is sent yet. Throws AttachmentError "size-refused". */
  async begin(
    conversation: ConversationId,
    file: { readonly size: number; readonly type: string; readonly name?: string },
  ): Promise<Upload> {
    layoutOf(file.size);
    const { random } = this.#context;
    const record: UploadRecord = {
      id: hex(random(32)),
      conversation,
      ...file,
      seed: random(32),
      fileKey: null,
    };
    await this.#save(record);
    return uploadOf(record);
  }

  /** Uploads that are not {@link forget}-ten. */
  async pending(): Promise<readonly Upload[]> {
    const names = (await this.#context.storage.list()).filter((name) => name.startsWith(PREFIX));
    return await Promise.all(
      names.map(async (name) => uploadOf(await this.#load(name.slice(PREFIX.length)))),
    );
  }

  /**
   * Sends what the server does not have yet, and gives what the message has to say. Repeat it after any error that may
   * pass, also after a restart; once complete it only gives the same answer again. Throws WireError, ClientError
   * "upload-unknown", AttachmentError "source-changed".
   */
  async upload(id: string, source: AttachmentSource, transfer: Transfer = {}): Promise<AttachmentReference> {
    const { server } = this.#context;
    let record = await this.#load(id);
    const layout = layoutOf(record.size);
    const digests = await this.#digestsOf(source, record.size, transfer);
    const fileKey = fileKeyOf(record.seed, { size: record.size, digest: digestOf(digests) });
    if (record.fileKey === null) {
      record = { ...record, fileKey };
      await this.#save(record);
    } else if (!equalBytes(record.fileKey, fileKey)) throw sourceChanged();
    // Whoever stops it is not kept waiting by a connection that hangs.
    const { signal } = transfer;
    const room = { id, size: layout.sealed };
    const { complete, received } = await server.createAttachment(record.conversation, room, signal);
    const there = new Set(received);
    const key = keyFrom(fileKey);
    const sealedDigests: Uint8Array[] = [];
    const send = async (part: number, signal: AbortSignal): Promise<Uint8Array> => {
      const content = await this.#contentOf(source, layout, part);
      // Changed under our hands between the two readings: under this key it is never sealed.
      if (!equalBytes(await this.#suite.sha256(content), digests[part] as Uint8Array)) throw sourceChanged();
      const sealed = await sealPart(this.#suite, key, layout, part, content);
      if (!complete && !there.has(part)) await server.putAttachmentPart(id, part, sealed, signal);
      return await this.#suite.sha256(sealed);
    };
    await inOrder({ from: 0, to: layout.parts, atOnce: AT_ONCE, signal }, send, (digest, part) => {
      sealedDigests.push(digest);
      report(transfer, layout, part);
    });
    const ciphertext = digestOf(sealedDigests);
    await server.completeAttachment(id, ciphertext, signal);
    const { size, type, name } = record;
    return {
      id,
      key: base64(fileKey),
      digest: hex(ciphertext),
      size,
      type,
      ...(name === undefined ? {} : { name }),
    };
  }

  /** The message that names it is in the outbox: the record is not needed any more. */
  async forget(id: string): Promise<void> {
    await this.#context.storage.remove(PREFIX + attachmentId(id));
  }

  /** Gives an unfinished upload up, here and at the server. */
  async cancel(id: string): Promise<void> {
    try {
      await this.#context.server.cancelAttachment(id);
    } catch (error) {
      // Complete already, or of a conversation that is over: retention deletes it.
      if (!(error instanceof WireError && error.code === "refused" && !error.retryable)) throw error;
    }
    await this.forget(id);
  }

  /**
   * Fetches into `target`, each part checked before it is written (ATT-6), and at the end the whole against the message's
   * digest. Repeat it after an error that may pass: it goes on behind what `target` has. Throws WireError,
   * AttachmentError.
   */
  async download(
    reference: AttachmentReference,
    target: AttachmentTarget,
    transfer: Transfer = {},
  ): Promise<void> {
    const layout = layoutOf(reference.size);
    const key = keyFrom(fromBase64(reference.key, 32));
    const { server } = this.#context;
    const digests = await this.#resealed(target, layout, key);
    const fetch = async (part: number, signal: AbortSignal) => {
      const sealed = await server.attachmentPart(reference.id, part, signal);
      const content = await openPart(this.#suite, key, layout, part, sealed);
      return { content, digest: await this.#suite.sha256(sealed) };
    };
    const { signal } = transfer;
    const range = { from: digests.length, to: layout.parts, atOnce: AT_ONCE, signal };
    await inOrder(range, fetch, async ({ content, digest }, part) => {
      if (content.length > 0) await target.write(layout.plaintext(part).start, content);
      digests.push(digest);
      report(transfer, layout, part);
    });
    if (!equalBytes(digestOf(digests), fromHex(reference.digest, 32))) {
      throw new AttachmentError("digest-mismatch", "this is not the file that the message names: discard it");
    }
  }

  /** The digests of the parts that are wholly in the target, sealed again as the sender did. */
  async #resealed(target: AttachmentTarget, layout: Layout, key: AttachmentKey): Promise<Uint8Array[]> {
    const there = await target.size();
    const digests: Uint8Array[] = [];
    // Of the last part nothing tells whether it was written wholly: it is fetched again.
    for (let part = 0; part < layout.parts - 1; part++) {
      const { start, length } = layout.plaintext(part);
      const end = Math.min(start + length, layout.size);
      if (end > there) break;
      const content = await target.read(start, end - start);
      const sealed = await sealPart(this.#suite, key, layout, part, content);
      digests.push(await this.#suite.sha256(sealed));
    }
    return digests;
  }

  /** Of the content, part by part. */
  async #digestsOf(source: AttachmentSource, size: number, { signal }: Transfer): Promise<Uint8Array[]> {
    if (source.size !== size) throw sourceChanged();
    const layout = layoutOf(size);
    const digests: Uint8Array[] = [];
    const read = async (part: number): Promise<Uint8Array> =>
      await this.#suite.sha256(await this.#contentOf(source, layout, part));
    await inOrder({ from: 0, to: layout.parts, atOnce: AT_ONCE, signal }, read, (digest) => {
      digests.push(digest);
    });
    return digests;
  }

  async #contentOf(source: AttachmentSource, layout: Layout, part: number): Promise<Uint8Array> {
    const { start, length } = layout.plaintext(part);
    const own = Math.max(0, Math.min(length, layout.size - start));
    return own === 0 ? new Uint8Array(0) : await source.read(start, own);
  }

  async #save(record: UploadRecord): Promise<void> {
    const { seed, fileKey, ...upload } = record;
    const json = { ...upload, seed: hex(seed), fileKey: fileKey === null ? null : hex(fileKey) };
    await this.#context.storage.save(PREFIX + record.id, utf8(JSON.stringify(json)));
  }

  async #load(id: string): Promise<UploadRecord> {
    const bytes = await this.#context.storage.load(PREFIX + attachmentId(id));
    if (bytes === null) throw new ClientError("upload-unknown", "no such upload has begun here");
    const fields = new Fields(parseJson(bytes, "upload"), "upload");
    const fileKey: Json = fields.json("fileKey");
    const name = fields.optional("name");
    return {
      id,
      conversation: conversationId(fields.string("conversation", 64)),
      size: fields.integer("size"),
      type: fields.string("type", 100),
      ...(name === undefined ? {} : { name: String(name) }),
      seed: fromHex(fields.string("seed", 64), 32),
      fileKey: fileKey === null ? null : fromHex(String(fileKey), 32),
    };
  }
}

function uploadOf({ id, conversation, size, type, name }: UploadRecord): Upload {
  return { id, conversation, size, type, ...(name === undefined ? {} : { name }) };
}

function report({ onProgress }: Transfer, layout: Layout, part: number): void {
  const { start, length } = layout.plaintext(part);
  onProgress?.(Math.min(layout.size, start + length), layout.size);
}

function sourceChanged(): AttachmentError {
  return new AttachmentError("source-changed", "the file changed since its upload began: begin again");
}
