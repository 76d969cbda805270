// Files as a sender's device encrypts them, and what its message then says of them. For tests only.
import { createHash } from "node:crypto";
import { type AttachmentReference, fileKeyOf, keyFrom, layoutOf, sealPart } from "@porchlight/attachment";
import { nodeSuite } from "@porchlight/attachment/node";
import { base64, concat, hex, utf8 } from "@porchlight/encoding";
import { seedOf } from "../../../vectors/fixture/deployment.ts";

export type SealedFile = {
  readonly reference: AttachmentReference;
  readonly content: Uint8Array;
  readonly ciphertext: Uint8Array;
};

export async function sealFile(
  name: string,
  content: Uint8Array | string,
  type = "application/octet-stream",
): Promise<SealedFile> {
  const bytes = typeof content === "string" ? utf8(content) : content;
  const size = bytes.length;
  const digest = new Uint8Array(createHash("sha256").update(bytes).digest());
  const fileKey = fileKeyOf(seedOf(`file ${name}`), { size, digest });
  const layout = layoutOf(size);
  const parts: Uint8Array[] = [];
  for (let part = 0; part < layout.parts; part++) {
    const { start, length } = layout.plaintext(part);
    parts.push(
      await sealPart(nodeSuite, keyFrom(fileKey), layout, part, bytes.subarray(start, start + length)),
    );
  }
  const ciphertext = concat(...parts);
  const reference = {
    id: hex(seedOf(`file id ${name}`)),
    key: base64(fileKey),
    digest: createHash("sha256").update(ciphertext).digest("hex"),
    size,
    type,
    name,
  };
  return { reference, content: bytes, ciphertext };
}
