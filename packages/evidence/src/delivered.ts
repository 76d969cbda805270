import { fromUtf8, parseJson } from "@porchlight/encoding";
import { attachmentPath } from "./attachments.ts";
import { EvidenceError } from "./error.ts";
import { type Files, sha256 } from "./files.ts";
import { LABEL_KEYS, numbered, reading } from "./material.ts";

/** What of a package came from the provider: a mark of each stored message and envelope with its label, and of each file. */
export type Delivered = { readonly stored: ReadonlySet<string>; readonly files: ReadonlySet<string> };

/** Nothing is verified. Throws EvidenceError for what is no package. */
export function deliveredIn(files: Files): Delivered {
  const of = (path: string): Uint8Array => {
    const bytes = files.get(path);
    if (bytes === undefined) throw new EvidenceError("not-a-package", path);
    return bytes;
  };
  const labels = reading(LABEL_KEYS, () => parseJson(of(LABEL_KEYS), LABEL_KEYS));
  if (!Array.isArray(labels)) throw new EvidenceError("malformed", LABEL_KEYS);
  const stored = new Set<string>();
  for (const [position, { label }] of (labels as { readonly label?: unknown }[]).entries()) {
    for (const folder of ["wire", "envelopes"] as const) {
      const path = numbered(folder, position);
      const lines = reading(path, () => fromUtf8(of(path), path))
        .split("\n")
        .slice(0, -1);
      for (const line of lines) stored.add(sha256(Buffer.from(`${String(label)} ${folder} ${line}`)));
    }
  }
  return { stored, files: new Set([...files.keys()].filter((path) => path.startsWith(attachmentPath("")))) };
}
