import { asName, type SignedDocument } from "@porchlight/charter";
import {
  base64,
  type CharterId,
  type Commitment,
  charterId,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { commitmentOf, coreOf, orderIdOf, type Requester, requesterContext } from "@porchlight/gate";
import { verifyRequesterPoint } from "@porchlight/quorum";
import { PartyError } from "./error.ts";

/** What a requester hands to the court: the particulars that its proof is bound to, and its fresh keys. */
export type Request = {
  readonly charter: CharterId;
  readonly reference: string;
  /** SHA-256 of the original act, 32 B. */
  readonly actHash: Uint8Array;
  readonly requester: Requester;
};

export function formatRequest({ charter, reference, actHash, requester }: Request): Uint8Array {
  const document = {
    version: 1,
    kind: "request",
    charter,
    reference,
    actHash: hex(actHash),
    requester: {
      name: requester.name,
      point: hex(requester.point),
      proof: hex(requester.proof),
      xwing: base64(requester.xwing),
    },
  };
  return utf8(`${JSON.stringify(document, null, 2)}\n`);
}

/** Parses and checks the proof. Throws PartyError "file-malformed" or "request-unproven". */
export function readRequest(bytes: Uint8Array): Request {
  const request = parsing("the request", () => {
    const fields = new Fields(parseJson(bytes, "request"), "request");
    fields.literal("version", 1);
    fields.literal("kind", "request");
    const found = {
      charter: charterId(fields.string("charter")),
      reference: asName(fields.json("reference"), "request.reference"),
      actHash: fromHex(fields.string("actHash"), 32, "request.actHash"),
      requester: readRequester(fields.object("requester")),
    };
    fields.end();
    if (!equalBytes(formatRequest(found), bytes)) throw new EncodingError("not-canonical", "request");
    return found;
  });
  const { point, proof } = request.requester;
  if (!verifyRequesterPoint(point, proof, requesterContext(request))) {
    throw new PartyError(
      "request-unproven",
      "the requester has not proven that the key in this request is its own: ask it for a new request",
    );
  }
  return request;
}

function readRequester(fields: Fields): Requester {
  const requester = {
    name: asName(fields.json("name"), "request.requester.name"),
    point: fromHex(fields.string("point"), 48, "request.requester.point"),
    proof: fromHex(fields.string("proof"), undefined, "request.requester.proof"),
    xwing: fromBase64(fields.string("xwing", 2000), 1216, "request.requester.xwing"),
  };
  fields.end();
  return requester;
}

/**
 * A signed order as a file: what court, agency and keyholders pass on. Whoever has it can ask for the order's status and,
 * as the requester, collect: keep it as confidential as the order.
 */
export type OrderFile = {
  /** The signed warrant's exact bytes. */
  readonly warrant: Uint8Array;
  /** Of an order over both sides: the provider's statement of the further accounts, exact bytes. */
  readonly others: Uint8Array | null;
  /** 32 random bytes. */
  readonly opening: Uint8Array;
  /** Where it is in the log; `null` before it was handed in. */
  readonly index: number | null;
};

export function formatOrderFile({ warrant, others, opening, index }: OrderFile): Uint8Array {
  const document = {
    version: 1,
    kind: "order",
    warrant: fromUtf8(warrant),
    ...(others === null ? {} : { others: fromUtf8(others) }),
    opening: hex(opening),
    index,
  };
  return utf8(`${JSON.stringify(document, null, 2)}\n`);
}

export function readOrderFile(bytes: Uint8Array): OrderFile {
  return parsing("the order", () => {
    const fields = new Fields(parseJson(bytes, "order"), "order");
    fields.literal("version", 1);
    fields.literal("kind", "order");
    const order = {
      warrant: utf8(fields.string("warrant", 2 ** 20)),
      others: fields.optional("others") === undefined ? null : utf8(fields.string("others", 2 ** 20)),
      opening: fromHex(fields.string("opening"), 32, "order.opening"),
      index: fields.json("index") === null ? null : fields.integer("index"),
    };
    fields.end();
    return order;
  });
}

/** The order's secret name and what the log shows of it. */
export function namesOf({ warrant, others, opening }: Pick<OrderFile, "warrant" | "others" | "opening">): {
  readonly orderId: string;
  readonly commitment: Commitment;
} {
  return { orderId: orderIdOf(opening), commitment: commitmentOf(opening, coreOf({ warrant, others })) };
}

/** Reads a signed document from a file (the provider's statement). Throws PartyError "file-malformed". */
export function readStatementFile(bytes: Uint8Array, read: (value: Json) => SignedDocument): SignedDocument {
  return parsing("the statement", () => read(parseJson(bytes, "statement")));
}

function parsing<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof EncodingError) {
      throw new PartyError("file-malformed", `${what} is not in the agreed form (${cause.message})`, {
        cause,
      });
    }
    throw cause;
  }
}
