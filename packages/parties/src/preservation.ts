import { randomBytes } from "node:crypto";
import {
  type Charter,
  CharterError,
  formatSignedDocument,
  type PreservationDocument,
  parsePreservation,
  parseSignedDocument,
  preservationCommitment,
  type SignedDocument,
  unverifiedPayload,
  verifyPreservation,
  verifyPreservationLift,
} from "@porchlight/charter";
import {
  type DayNumber,
  EncodingError,
  Fields,
  fromHex,
  fromUtf8,
  hex,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Court } from "./court.ts";
import { PartyError } from "./error.ts";
import type { Service } from "./service.ts";

/** An order to preserve as its issuer keeps it. */
export type PreservationFile = {
  /** The signed document's exact bytes. */
  readonly preservation: Uint8Array;
  /** 32 random bytes: whoever has them can show which entry of the log is this order's. */
  readonly opening: Uint8Array;
};

/** What an issuer decides; the rest follows from the charter and the clock. */
export type PreservationDecision = Omit<PreservationDocument, "charter" | "issuer">;

export function formatPreservationFile({ preservation, opening }: PreservationFile): Uint8Array {
  const document = {
    version: 1,
    kind: "preservation",
    preservation: fromUtf8(preservation),
    opening: hex(opening),
  };
  return utf8(`${JSON.stringify(document, null, 2)}\n`);
}

/** Throws PartyError "file-malformed". */
export function readPreservationFile(bytes: Uint8Array): PreservationFile {
  try {
    const fields = new Fields(parseJson(bytes, "file"), "file");
    fields.literal("version", 1);
    fields.literal("kind", "preservation");
    const file = {
      preservation: utf8(fields.string("preservation", 2 ** 20)),
      opening: fromHex(fields.string("opening"), 32, "file.opening"),
    };
    fields.end();
    return file;
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new PartyError("file-malformed", `the order is not in the agreed form (${cause.message})`, {
      cause,
    });
  }
}

/** What a file's order says, and how many signed it. Nothing is verified: {@link lodgePreservation}'s provider does. */
export function preservationOf({ preservation }: PreservationFile): {
  readonly document: PreservationDocument;
  readonly signatures: number;
} {
  const signed = parseSignedDocument(preservation, "preservation");
  return { document: parsePreservation(unverifiedPayload(signed)), signatures: signed.signatures.length };
}

/** Signs an order to preserve. A house's takes a second person: {@link cosignPreservation}. */
export async function signPreservation(
  court: Court,
  charter: Charter,
  decision: PreservationDecision,
): Promise<PreservationFile> {
  const signed = await court.signPreservation(charter, {
    ...decision,
    charter: charter.id,
    issuer: court.name,
  });
  const file = { preservation: formatSignedDocument(signed), opening: new Uint8Array(randomBytes(32)) };
  if (charter.kind === "court") await check(file, charter);
  return file;
}

/** Adds this person's signature. What the order commits to changes, so it has a fresh opening. */
export async function cosignPreservation(
  court: Court,
  charter: Charter,
  file: PreservationFile,
): Promise<PreservationFile> {
  const signed = await court.cosign("preservation", parseSignedDocument(file.preservation, "preservation"));
  const cosigned = { preservation: formatSignedDocument(signed), opening: new Uint8Array(randomBytes(32)) };
  await check(cosigned, charter);
  return cosigned;
}

async function check({ preservation }: PreservationFile, charter: Charter): Promise<void> {
  try {
    await verifyPreservation(preservation, charter);
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw new PartyError("order-refused", `the provider would refuse this order (${cause.message})`, {
      cause,
    });
  }
}

/**
 * Has the provider log the order, waits until witnesses have seen its entry, and hands in the proof: from then on nothing
 * that it names is deleted. Idempotent: run again after whatever went wrong. Throws WireError, PartyError.
 */
export async function lodgePreservation(
  service: Service,
  { preservation, opening }: PreservationFile,
): Promise<{ readonly index: number; readonly until: DayNumber }> {
  const order = { preservation: fromUtf8(preservation), opening };
  const { index } = await service.server.preserve(order);
  if (!(await service.covers(index + 1))) {
    throw new PartyError("order-not-logged", "the witnesses have not seen the entry yet: run it again");
  }
  const commitment = preservationCommitment(opening, preservation);
  const [entry] = service.entriesFrom(index);
  const shown = service.find((one) => one.type === "preservation" && one.commitment === commitment);
  if (entry === undefined || shown?.index !== index) {
    throw new PartyError("order-not-logged", "the log does not show the entry where the provider says it is");
  }
  const answer = await service.server.preserve({ ...order, proof: await service.proof(index) });
  if (answer.state !== "held")
    throw new PartyError("order-not-logged", "the provider did not take the proof");
  return { index, until: answer.until };
}

/**
 * Signs that an order to preserve ends early, or adds the second person's signature to `half`. Throws PartyError
 * "order-refused" where the provider would refuse it; not for a house's first signature.
 */
export async function signPreservationLift(
  court: Court,
  charter: Charter,
  { preservation, opening }: PreservationFile,
  said: { readonly issued: UnixSeconds; readonly ground: string } | { readonly half: SignedDocument },
): Promise<SignedDocument> {
  const of = preservationCommitment(opening, preservation);
  const lift =
    "half" in said
      ? await court.cosign("preservation-lift", said.half)
      : await court.signPreservationLift(charter, {
          charter: charter.id,
          preservation: of,
          issuer: preservationOf({ preservation, opening }).document.issuer,
          ...said,
        });
  if (charter.kind === "house" && !("half" in said)) return lift;
  try {
    await verifyPreservationLift(lift, await verifyPreservation(preservation, charter), of);
    return lift;
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw new PartyError("order-refused", `the provider would refuse this lift (${cause.message})`, {
      cause,
    });
  }
}
