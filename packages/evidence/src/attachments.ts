// EVI-29: the files that opened messages name, as far as they could be had.
import { type AttachmentReference, digestOf, keyFrom, layoutOf, sealPart } from "@porchlight/attachment";
import { nodeSuite } from "@porchlight/attachment/node";
import { Fields, fromBase64, fromHex, hex, type Json, parseJson, utf8 } from "@porchlight/encoding";
import { EvidenceError } from "./error.ts";
import { type Files, sha256 } from "./files.ts";
import { reading, take } from "./material.ts";

/** Why a file is not in the package. */
const MISSING = ["gone", "out-of-scope", "altered", "too-large"] as const;
export type MissingAttachment = (typeof MISSING)[number];

/** What became of one file that messages name. */
export type CollectedAttachment = Pick<AttachmentReference, "id" | "digest" | "size"> & {
  /** {@link referenceName}. */
  readonly ref: string;
} & ({ readonly state: "held"; readonly content: Uint8Array } | { readonly state: MissingAttachment });

/** By {@link CollectedAttachment.ref}; `null` for a package in which nobody asked for files. */
export type Attachments = ReadonlyMap<string, CollectedAttachment> | null;

const LIST = "data/attachments.json";

/** Where a file of this reference is in a package. */
export function attachmentPath(ref: string): string {
  return `data/attachments/${ref}`;
}

/** The reference's own name, 64 hex digits: whoever names another key, size or ciphertext names another file. */
export function referenceName({ id, digest, size, key }: AttachmentReference): string {
  return sha256(utf8(`${id} ${digest} ${size} ${key}`));
}

/** EVI-29: the list and the files. Nothing where no message names any, or nobody asked. */
export function attachmentFiles(attachments: readonly CollectedAttachment[]): Files {
  if (attachments.length === 0) return new Map();
  const list = attachments.map(({ ref, id, digest, size, state }) => ({ ref, id, digest, size, state }));
  return new Map([
    [LIST, utf8(`${JSON.stringify(list, null, 1)}\n`)],
    ...attachments.flatMap((one) =>
      one.state === "held" ? [[attachmentPath(one.ref), one.content] as const] : [],
    ),
  ]);
}

/** Strict inverse of {@link attachmentFiles}; whether they are the files that messages name is not looked at. */
export function readAttachments(files: Files, left: Set<string>): CollectedAttachment[] {
  if (!files.has(LIST)) return [];
  const bytes = take(files, LIST, left);
  const list = reading(LIST, () =>
    new Fields({ list: parseJson(bytes, LIST) }, LIST).array("list", readOne, 100_000),
  );
  return list.map((one) =>
    one.state === "held" ? { ...one, content: take(files, attachmentPath(one.ref), left) } : one,
  );
}

type Listed =
  | Omit<Extract<CollectedAttachment, { readonly state: "held" }>, "content">
  | Extract<CollectedAttachment, { readonly state: MissingAttachment }>;

function readOne(value: Json, where: string): Listed {
  const fields = new Fields(value, where);
  const digits = (name: string): string => hex(fromHex(fields.string(name, 64), 32, where));
  const [ref, id, digest] = [digits("ref"), digits("id"), digits("digest")];
  const size = fields.integer("size");
  const state = fields.literal("state", "held", ...MISSING);
  fields.end();
  return { ref, id, digest, size, state };
}

/**
 * EVI-73: every file is the one that a message names, as sealing it again under the message's key shows, and the list
 * has each that is named, no other, and none twice. Throws EvidenceError "attachment".
 */
export async function checkAttachments(
  attachments: readonly CollectedAttachment[],
  references: readonly AttachmentReference[],
): Promise<Attachments> {
  if (attachments.length === 0) return null;
  const named = new Map(references.map((reference) => [referenceName(reference), reference]));
  if ([...named.keys()].sort().join() !== attachments.map(({ ref }) => ref).join()) {
    throw new EvidenceError("attachment", LIST);
  }
  for (const one of attachments) {
    const reference = named.get(one.ref) as AttachmentReference;
    const isSame = one.id === reference.id && one.digest === reference.digest && one.size === reference.size;
    if (!isSame) throw new EvidenceError("attachment", LIST);
    if (one.state === "held" && (await sealedDigest(one.content, reference)) !== reference.digest) {
      throw new EvidenceError("attachment", attachmentPath(one.ref));
    }
  }
  return new Map(attachments.map((one) => [one.ref, one]));
}

/** The digest (ATT-1) of the ciphertext that content and key make (ATT-2 to ATT-4); `null` where the content has another size. */
async function sealedDigest(content: Uint8Array, { key, size }: AttachmentReference): Promise<string | null> {
  if (content.length !== size) return null;
  const layout = layoutOf(size);
  const keys = keyFrom(fromBase64(key, 32));
  const digests: Uint8Array[] = [];
  for (let part = 0; part < layout.parts; part++) {
    const { start, length } = layout.plaintext(part);
    const sealed = await sealPart(nodeSuite, keys, layout, part, content.subarray(start, start + length));
    digests.push(await nodeSuite.sha256(sealed));
  }
  return hex(digestOf(digests));
}

export function isMissing(state: unknown): state is MissingAttachment {
  return MISSING.some((one) => one === state);
}

/** What stands beside a file that is not in a package. */
export function missingWords(state: MissingAttachment): string {
  return {
    gone: "the provider no longer had it",
    "out-of-scope":
      "it was uploaded by another account, in another conversation or on another day than the order opens",
    altered: "what the provider held is not the file that the message names",
    "too-large": "the files together are larger than one package takes",
  }[state];
}
