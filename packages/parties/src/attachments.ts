import {
  AttachmentError,
  type AttachmentReference,
  digestOf,
  keyFrom,
  layoutOf,
  openPart,
} from "@porchlight/attachment";
import { nodeSuite } from "@porchlight/attachment/node";
import { concat, fromBase64, hex } from "@porchlight/encoding";
import {
  type CollectedAttachment,
  type CustodyAction,
  type MissingAttachment,
  referenceName,
} from "@porchlight/evidence";
import { WireError } from "@porchlight/wire";
import type { Service } from "./service.ts";

/** Bytes of all files in one package: it is made in memory, several times over. */
const PACKAGE_LIMIT = 128 * 1024 * 1024;

/**
 * The files that opened messages name, fetched from the provider and opened here (EVI-29). One that cannot be had says
 * why and holds up nothing: what a sender wrote about a file must not keep the messages from being evidence. Throws
 * WireError where the provider gives nothing at all, as after a revocation.
 */
export async function fetchAttachments(
  references: readonly AttachmentReference[],
  context: {
    readonly service: Service;
    readonly orderId: string;
    readonly record: (action: CustodyAction, subject: string, bytes: Uint8Array | null) => void;
    readonly progress: (done: number) => void;
    readonly limit?: number;
  },
): Promise<CollectedAttachment[]> {
  const { record, progress, limit = PACKAGE_LIMIT } = context;
  const collected: CollectedAttachment[] = [];
  let room = limit;
  for (const reference of references) {
    progress(collected.length);
    const { id, digest, size } = reference;
    const ref = referenceName(reference);
    const got = size > room ? "too-large" : await fetchOne(reference, context);
    if (typeof got === "string") {
      record("attachment-missing", `file ${ref}: ${got}`, null);
      collected.push({ ref, id, digest, size, state: got });
    } else {
      room -= size;
      record("attachment-received", `file ${ref}`, got);
      collected.push({ ref, id, digest, size, state: "held", content: got });
    }
  }
  return collected.sort((a, b) => (a.ref < b.ref ? -1 : 1));
}

async function fetchOne(
  { id, key, size, digest }: AttachmentReference,
  { service, orderId }: { readonly service: Service; readonly orderId: string },
): Promise<Uint8Array | MissingAttachment> {
  const layout = layoutOf(size);
  const keys = keyFrom(fromBase64(key, 32));
  const digests: Uint8Array[] = [];
  const content: Uint8Array[] = [];
  for (let part = 0; part < layout.parts; part++) {
    try {
      const sealed = await service.server.orderAttachment(orderId, id, part);
      digests.push(await nodeSuite.sha256(sealed));
      content.push(await openPart(nodeSuite, keys, layout, part, sealed));
    } catch (error) {
      if (error instanceof AttachmentError) return "altered";
      if (!(error instanceof WireError)) throw error;
      if (error.refusal === "not-found") return part === 0 ? "gone" : "altered";
      // A day that is not over is one that the order does not open yet.
      if (error.refusal === "out-of-scope" || error.refusal === "day-not-over") return "out-of-scope";
      throw error;
    }
  }
  return hex(digestOf(digests)) === digest ? concat(...content) : "altered";
}
