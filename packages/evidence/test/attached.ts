// Files as a sender's device encrypts them, and what its message then says of them. For tests only.
import {
  type AttachmentReference,
  digestOf,
  fileKeyOf,
  keyFrom,
  layoutOf,
  sealPart,
} from "@porchlight/attachment";
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
  const layout = layoutOf(size);
  const contents = Array.from({ length: layout.parts }, (_, part) => {
    const { start, length } = layout.plaintext(part);
    return bytes.subarray(start, start + length);
  });
  const digest = digestOf(await Promise.all(contents.map(nodeSuite.sha256)));
  const fileKey = fileKeyOf(seedOf(`file ${name}`), { size, digest });
  const key = keyFrom(fileKey);
  const parts = await Promise.all(
    contents.map((content, part) => sealPart(nodeSuite, key, layout, part, content)),
  );
  const reference = {
    id: hex(seedOf(`file id ${name}`)),
    key: base64(fileKey),
    digest: hex(digestOf(await Promise.all(parts.map(nodeSuite.sha256)))),
    size,
    type,
    name,
  };
  return { reference, content: bytes, ciphertext: concat(...parts) };
}
