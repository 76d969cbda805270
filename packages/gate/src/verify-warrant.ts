import { sha256 } from "@noble/hashes/sha2.js";
import {
  type Charter,
  CharterError,
  type PersonStatement,
  parseSignedDocument,
  unverifiedPayload,
  verifyDocument,
  verifyStatement,
} from "@porchlight/charter";
import { concat, dayOf, EncodingError, idBytes, utf8, Writer } from "@porchlight/encoding";
import { verifyRequesterPoint } from "@porchlight/quorum";
import { GateError, type WarrantCode } from "./error.ts";
import { evaluate, type Rule } from "./evaluate.ts";
import { parseWarrant, type WarrantDocument } from "./warrant.ts";

declare const verified: unique symbol;

/** Evidence that an issuer of `charter` signed exactly these bytes and that WAR-1 to WAR-12 hold. */
export type VerifiedWarrant = {
  /** The signed document as it was sent: what the commitment in the log covers. */
  readonly bytes: Uint8Array;
  readonly document: WarrantDocument;
  readonly charter: Charter;
  readonly signers: ReadonlySet<string>;
  readonly statement: PersonStatement;
  readonly [verified]: true;
};

/** What the rules of a warrant look at, once its signatures and the provider's hold. */
export type WarrantFacts = {
  readonly document: WarrantDocument;
  readonly charter: Charter;
  readonly signers: ReadonlySet<string>;
  readonly statement: PersonStatement;
};

export const MAX_WARRANT_BYTES = 262_144;

/** The context of the requester's proof (WAR-12): a proof made for one warrant's particulars serves no other. */
export function requesterContext(
  warrant: Pick<WarrantDocument, "charter" | "reference" | "actHash"> & {
    readonly requester: { readonly name: string; readonly xwing: Uint8Array };
  },
): Uint8Array {
  const { charter, reference, actHash, requester } = warrant;
  const fields = new Writer();
  for (const field of [idBytes(charter), utf8(reference), actHash, utf8(requester.name), requester.xwing]) {
    fields.opaque(field, 4);
  }
  return sha256(concat(utf8("porchlight-v1/requester\0"), fields.finish()));
}

function isOfThisCharter({ document, charter }: WarrantFacts): boolean {
  return document.charter === charter.id;
}

function namedIssuerSigned({ document, signers }: WarrantFacts): boolean {
  return signers.has(document.issuer);
}

function houseHasTwoSigners({ charter, signers }: WarrantFacts): boolean {
  return charter.kind === "court" || signers.size >= 2;
}

function basisIsOfTheCharter({ document, charter }: WarrantFacts): boolean {
  return charter.legalBases.includes(document.legalBasis);
}

function categoryIsOfTheCharter({ document, charter }: WarrantFacts): boolean {
  return charter.offenceCategories.includes(document.offenceCategory);
}

function datesAreInOrder({ document }: WarrantFacts): boolean {
  const { issued, expires, firstDay, lastDay, disclosure } = document;
  const secrecyEndsAfterIssue = disclosure.kind !== "secret" || disclosure.until >= dayOf(issued);
  return issued < expires && firstDay <= lastDay && secrecyEndsAfterIssue;
}

function statementCoversEveryAccount({ document, statement }: WarrantFacts): boolean {
  const stated = new Set(statement.accounts.map(({ account }) => account));
  return document.accounts.every((account) => stated.has(account));
}

function requesterPointIsProven({ document }: WarrantFacts): boolean {
  const { point, proof } = document.requester;
  return verifyRequesterPoint(point, proof, requesterContext(document));
}

export const warrantRules: readonly Rule<WarrantFacts>[] = Object.freeze([
  {
    id: "WAR-4",
    code: "wrong-charter",
    reason: "The order was made under another charter.",
    holds: isOfThisCharter,
  },
  {
    id: "WAR-5",
    code: "wrong-issuer",
    reason: "The issuer that the order names did not sign it.",
    holds: namedIssuerSigned,
  },
  {
    id: "WAR-6",
    code: "second-signature-missing",
    reason: "A hold order needs the signatures of two of the persons whom the charter names.",
    holds: houseHasTwoSigners,
  },
  {
    id: "WAR-7",
    code: "basis-unknown",
    reason: "The legal basis is none of those that the charter allows.",
    holds: basisIsOfTheCharter,
  },
  {
    id: "WAR-8",
    code: "category-unknown",
    reason: "The category of offence is none of those that the charter allows.",
    holds: categoryIsOfTheCharter,
  },
  {
    id: "WAR-9",
    code: "dates-inconsistent",
    reason: "The order's dates contradict each other.",
    holds: datesAreInOrder,
  },
  {
    id: "WAR-11",
    code: "statement-incomplete",
    reason: "The provider has not stated whose account this is for every account of the order.",
    holds: statementCoversEveryAccount,
  },
  {
    id: "WAR-12",
    code: "requester-unproven",
    reason:
      "The requester has not proven for this order that the key which is to read the release is its own.",
    holds: requesterPointIsProven,
  },
] as const);

/**
 * The only maker of {@link VerifiedWarrant}: parses strictly, verifies every signature and all rules of a warrant. It
 * asks neither the log nor the clock; the gate does. Throws GateError; no retry with the same bytes can help.
 */
export async function verifyWarrant(bytes: Uint8Array, charter: Charter): Promise<VerifiedWarrant> {
  const kept = bytes.slice();
  const { signed, document } = parsed(kept);
  const signers = await issuers(signed, charter);
  const statement = await provided(document, charter);
  const refusal = evaluate(warrantRules, { document, charter, signers, statement });
  if (refusal !== null) throw new GateError(refusal);
  return Object.freeze({ bytes: kept, document, charter, signers, statement }) as VerifiedWarrant;
}

function parsed(bytes: Uint8Array) {
  const reason = "The order is not in the agreed form.";
  if (bytes.length > MAX_WARRANT_BYTES) throw refused("WAR-1", "malformed", reason);
  try {
    const signed = parseSignedDocument(bytes, "warrant");
    return { signed, document: parseWarrant(unverifiedPayload(signed)) };
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw refused("WAR-1", "malformed", reason, cause);
  }
}

async function issuers(signed: Parameters<typeof verifyDocument>[1], charter: Charter) {
  const keys = new Map(charter.issuers.map(({ name, key }) => [name, key]));
  try {
    return (await verifyDocument("warrant", signed, keys)).signers;
  } catch (cause) {
    if (cause instanceof CharterError && cause.code === "signer-unknown") {
      throw refused("WAR-3", "wrong-issuer", "Someone signed who is no issuer of this charter.", cause);
    }
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw refused("WAR-3", "signature-invalid", "A signature on the order does not hold.", cause);
  }
}

async function provided(document: WarrantDocument, charter: Charter): Promise<PersonStatement> {
  try {
    return await verifyStatement(document.statement, charter);
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    const reason = "The statement of whose accounts these are is not the provider's for this charter.";
    throw refused("WAR-10", "statement-invalid", reason, cause);
  }
}

function refused(rule: string, code: WarrantCode, reason: string, cause?: unknown): GateError {
  return new GateError({ rule, code, reason, waits: false }, { cause });
}
