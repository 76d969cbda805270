import { createHash } from "node:crypto";
import {
  type Charter,
  CharterError,
  formatSignedDocument,
  parseSignedDocument,
  type SignedDocument,
  type VerifiedDocument,
  verifyDocument,
} from "@porchlight/charter";
import { EncodingError, Fields, fromUtf8, parseJson, utf8 } from "@porchlight/encoding";
import { Shelf } from "@porchlight/parties";
import type { Download } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";

/** What in a house takes two: everything that does not stop an order (DIR-2, PRES-13). */
const HALF_KINDS = ["resumption", "extension", "notice-release", "preservation-lift"] as const;
export type HalfKind = (typeof HALF_KINDS)[number];

/** What one of a house's two has signed, and the other has not: nobody was sent it. */
export type Half = {
  readonly id: string;
  readonly kind: HalfKind;
  /** Name of the order, or of the order to preserve. */
  readonly of: string;
  /** Of the log when it came here: an entry of this kind from there on is this one's. */
  readonly size: number;
  readonly document: SignedDocument;
};

/** The half-signed decisions of an issuer's directory. */
export class Halves {
  readonly #shelf: Shelf<Omit<Half, "id">>;

  constructor(directory: string) {
    this.#shelf = new Shelf(directory, "halves", { read: readHalfFile, format: formatHalfFile });
  }

  /** The same payload with a signature more takes the place of what was there. */
  async keep(half: Omit<Half, "id">): Promise<void> {
    const { kind, of, document } = half;
    const id = createHash("sha256").update(`${kind} ${of} ${document.payload}`).digest("hex").slice(0, 16);
    await this.#shelf.keep(id, half);
  }

  async list(of: string): Promise<Half[]> {
    const { whole } = await this.#shelf.all();
    return whole.filter(({ one }) => one.of === of).map(({ name, one }) => ({ id: name, ...one }));
  }

  /** Files that cannot be read: of what they are about nobody knows any more. */
  async damaged(): Promise<readonly string[]> {
    return (await this.#shelf.all()).damaged;
  }

  /** Throws DeskError "not-found". */
  async find(id: string): Promise<Half> {
    const half = await this.#shelf.find(id);
    if (half === null) throw new DeskError("not-found", "there is no such half-signed decision here");
    return { id, ...half };
  }

  async drop(id: string): Promise<void> {
    await this.#shelf.drop(id);
  }
}

function formatHalfFile({ kind, of, size, document }: Omit<Half, "id">): Uint8Array {
  const text = fromUtf8(formatSignedDocument(document));
  return utf8(`${JSON.stringify({ version: 1, kind, of, size, document: text }, null, 2)}\n`);
}

function readHalfFile(bytes: Uint8Array): Omit<Half, "id"> {
  const fields = new Fields(parseJson(bytes, "half"), "half");
  fields.literal("version", 1);
  return {
    kind: fields.literal("kind", ...HALF_KINDS),
    of: fields.string("of", 64),
    size: fields.integer("size"),
    document: parseSignedDocument(utf8(fields.string("document", 2 ** 20)), "half"),
  };
}

/** The payload of a document of this kind that issuers of the charter signed, and who did. `null` for what is none. */
export async function signedByIssuers(
  kind: HalfKind | "preservation" | "registration",
  document: SignedDocument,
  charter: Charter,
): Promise<VerifiedDocument | null> {
  const keys = new Map(charter.issuers.map(({ name, key }) => [name, key]));
  try {
    return await verifyDocument(kind, document, keys);
  } catch (error) {
    if (error instanceof CharterError || error instanceof EncodingError) return null;
    throw error;
  }
}

/** What a file is that one issuer signed: its signature is good for one kind only. `null` for what is none. */
export async function halfKindOf(
  document: SignedDocument,
  charter: Charter,
): Promise<({ readonly kind: HalfKind } & VerifiedDocument) | null> {
  for (const kind of HALF_KINDS) {
    const found = await signedByIssuers(kind, document, charter);
    if (found !== null) return { kind, ...found };
  }
  return null;
}

export function halfDownload({ kind, document }: Half, reference: string): Download {
  return {
    name: `${kind}-${reference}.json`,
    type: "application/json",
    bytes: formatSignedDocument(document),
  };
}

/** A file that the other of two signed. Throws DeskError "form-invalid" for what is no signed document. */
export function readSignedFile(sent: Form): SignedDocument {
  const file = sent.file("half");
  if (file === null) throw new DeskError("form-invalid", "choose the file that the other person signed");
  try {
    return parseSignedDocument(file.bytes, "half");
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new DeskError("form-invalid", "this file is no signed decision: ask for it again, unchanged", {
      cause,
    });
  }
}
