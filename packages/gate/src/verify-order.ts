import {
  type Charter,
  CharterError,
  type PersonStatement,
  parseSignedDocument,
  verifyStatement,
} from "@porchlight/charter";
import { type AccountId, EncodingError } from "@porchlight/encoding";
import { GateError, type WarrantCode } from "./error.ts";
import { coreOf } from "./order.ts";
import { MAX_WARRANT_BYTES, type VerifiedWarrant, verifyWarrant } from "./verify-warrant.ts";

declare const whole: unique symbol;

/** A verified warrant with everyone whom it opens: WAR-1 to WAR-12 and WAR-18 to WAR-20 hold. What the gate takes. */
export type VerifiedOrder = VerifiedWarrant & {
  /** What the commitment in the log covers (WAR-13). */
  readonly core: Uint8Array;
  /** Of an order over both sides: whose accounts it opens beside the warrant's. */
  readonly others: PersonStatement | null;
  readonly [whole]: true;
};

/** The exact bytes of an order's two documents. */
export type OrderDocuments = { readonly warrant: Uint8Array; readonly others?: Uint8Array | null };

/** The only maker of {@link VerifiedOrder}. Throws GateError; no retry with the same bytes can help. */
export async function verifyOrder(documents: OrderDocuments, charter: Charter): Promise<VerifiedOrder> {
  const warrant = await verifyWarrant(documents.warrant, charter);
  const { mode, accounts } = warrant.document;
  if ((mode === "both-sides") !== (documents.others != null)) {
    throw refused(
      "WAR-18",
      "others-mismatch",
      "An order over both sides of a conversation names everyone whom it opens, and no other order does.",
    );
  }
  const others = documents.others == null ? null : await verifyOthers(documents.others, charter);
  if (others !== null) {
    const named = others.accounts.map(({ account }) => account);
    if (named.length === 0 || named.some((account) => accounts.includes(account))) {
      throw refused(
        "WAR-20",
        "others-mismatch",
        "The further accounts of the order are none, or are accounts that the warrant itself names.",
      );
    }
  }
  const core = coreOf({ warrant: warrant.bytes, others: documents.others ?? null });
  return Object.freeze({ ...warrant, core, others }) as VerifiedOrder;
}

async function verifyOthers(bytes: Uint8Array, charter: Charter): Promise<PersonStatement> {
  const reason = "The statement of whose the further accounts are is not the provider's for this charter.";
  if (bytes.length > MAX_WARRANT_BYTES) throw refused("WAR-19", "statement-invalid", reason);
  try {
    const document = parseSignedDocument(bytes, "others");
    return await verifyStatement(document, charter);
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw refused("WAR-19", "statement-invalid", reason, cause);
  }
}

/** Everyone whom an order opens, ascending: each counts in the caps, and each is told. */
export function openedAccounts({
  document,
  others,
}: Pick<VerifiedOrder, "document" | "others">): AccountId[] {
  return [...document.accounts, ...otherAccounts(others)].sort();
}

/** The accounts that an order opens beside the warrant's own. */
export function otherAccounts(others: PersonStatement | null): AccountId[] {
  return others?.accounts.map(({ account }) => account) ?? [];
}

/** The provider's word on everyone whom an order opens. */
export function personsOf({
  statement,
  others,
}: Pick<VerifiedOrder, "statement" | "others">): PersonStatement["accounts"] {
  return [...statement.accounts, ...(others?.accounts ?? [])];
}

function refused(rule: string, code: WarrantCode, reason: string, cause?: unknown): GateError {
  return new GateError({ rule, code, reason, waits: false }, { cause });
}
