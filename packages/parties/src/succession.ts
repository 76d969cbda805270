// A lost keyholder's place is given to another (CHA-21): one file that goes from party to party until all have signed.
import {
  type Charter,
  formatSuccession,
  parseCharter,
  parseSuccession,
  reviewSuccession,
  type SignedDocument,
  type SuccessionDocument,
  verifySuccession,
} from "@porchlight/charter";
import {
  asString,
  base64url,
  EncodingError,
  Fields,
  fromBase64url,
  fromUtf8,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { sha256 } from "@porchlight/evidence";
import { PartyError } from "./error.ts";

type Signature = SignedDocument["signatures"][number];

/** What is passed on: the charter as it was signed, the successions before this one, the document, and who has signed. */
export type SuccessionFile = {
  /** The charter document, exact bytes. */
  readonly charter: Uint8Array;
  /** The succession document, exact bytes. */
  readonly succession: Uint8Array;
  /** Who has to sign, by name: the provider, the remaining keyholders and the new one. */
  readonly parties: readonly string[];
  readonly signatures: readonly Signature[];
};

/** How far a succession is. Whether the signatures hold {@link completeSuccession} says. */
export type SuccessionState = {
  readonly document: SuccessionDocument;
  /** What each operator compares and names when signing: SHA-256 of the document, hexadecimal. */
  readonly digest: string;
  readonly signed: readonly string[];
  readonly missing: readonly string[];
};

/** Drafts the document. `present` is the charter with earlier successions. Throws CharterError for what cannot be one. */
export function draftSuccession(
  present: Charter,
  charter: Uint8Array,
  about: Pick<SuccessionDocument, "keyholder" | "ground" | "at">,
): SuccessionFile {
  const succession = formatSuccession({ charter: present.id, ...about });
  reviewSuccession(succession, present);
  const remaining = present.keyholders.filter(({ index }) => index !== about.keyholder.index);
  const parties = [present.provider, ...remaining, about.keyholder].map(({ name }) => name);
  return { charter, succession, parties, signatures: [] };
}

export function formatSuccessionFile({
  charter,
  succession,
  parties,
  signatures,
}: SuccessionFile): Uint8Array {
  const document = {
    version: 1,
    kind: "succession",
    charter: fromUtf8(charter),
    succession: fromUtf8(succession),
    parties,
    signatures: signatures.map((made) => ({ protected: made.protected, signature: made.signature })),
  };
  return utf8(`${JSON.stringify(document, null, 2)}\n`);
}

/** Throws PartyError "file-malformed". */
export function readSuccessionFile(bytes: Uint8Array): SuccessionFile {
  try {
    const fields = new Fields(parseJson(bytes, "succession"), "succession");
    fields.literal("version", 1);
    fields.literal("kind", "succession");
    const file: SuccessionFile = {
      charter: utf8(fields.string("charter", 2 ** 17)),
      succession: utf8(fields.string("succession", 2 ** 16)),
      parties: fields.array("parties", (item, where) => asString(item, where), 32),
      signatures: fields.array("signatures", readSignature, 32),
    };
    fields.end();
    parseCharter(file.charter);
    return file;
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new PartyError("file-malformed", `the succession is not in the agreed form (${cause.message})`, {
      cause,
    });
  }
}

/** One more signature; the same again changes nothing. */
export function withSignature(file: SuccessionFile, signature: Signature): SuccessionFile {
  const others = file.signatures.filter((made) => made.protected !== signature.protected);
  return { ...file, signatures: [...others, signature] };
}

/** Throws EncodingError for what is no succession; whether it can be one each party asks when it signs. */
export function stateOfSuccession(file: SuccessionFile): SuccessionState {
  const document = parseSuccession(file.succession);
  const signed = new Set(file.signatures.map(signerOf));
  return {
    document,
    digest: sha256(file.succession),
    signed: file.parties.filter((name) => signed.has(name)),
    missing: file.parties.filter((name) => !signed.has(name)),
  };
}

/** The document that all have signed, for the log. Throws CharterError where one has not. */
export async function completeSuccession(file: SuccessionFile, present: Charter): Promise<SignedDocument> {
  const document = { payload: base64url(file.succession), signatures: file.signatures };
  await verifySuccession(document, present);
  return document;
}

function signerOf({ protected: header }: Signature): string {
  const fields = new Fields(parseJson(fromBase64url(header, undefined, "header"), "header"), "header");
  return fields.string("kid");
}

function readSignature(value: Json, where: string): Signature {
  const fields = new Fields(value, where);
  const signature = {
    protected: fields.string("protected", 1000),
    signature: fields.string("signature", 86),
  };
  fields.end();
  return signature;
}
