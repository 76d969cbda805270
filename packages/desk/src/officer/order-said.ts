import { CharterError, parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { EncodingError, parseJson, utf8 } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { GateError, parseWarrant } from "@porchlight/gate";
import { AdminRefusal } from "@porchlight/runtime";
import { orderRequest } from "@porchlight/wire";
import { orderWords } from "../orders.ts";
import type { OfficerSocket, Shown } from "./client.ts";

/**
 * What a signed order says, under its own charter; nothing of another document, or of one that is not in the agreed form or
 * under a charter that nobody knows.
 */
export async function orderSaid(socket: OfficerSocket, shown: Shown): Promise<readonly Words[]> {
  if (shown.what !== "Warrant" || shown.document?.isKeptHere !== true) return [];
  try {
    const read = orderRequest.safeParse(parseJson(await socket.contents(shown.id), "order"));
    if (!read.success) return [];
    const { warrant, others, opening } = read.data;
    const order = { warrant: utf8(warrant), others: others === undefined ? null : utf8(others), opening };
    const { charter } = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant, "warrant")));
    return await orderWords({ ...order, index: null }, await socket.charter(charter));
  } catch (error) {
    // Its checks say so, in words: it is not approved.
    const isUnknown = error instanceof AdminRefusal && error.code === "unknown-charter";
    if (
      isUnknown ||
      error instanceof EncodingError ||
      error instanceof CharterError ||
      error instanceof GateError
    ) {
      return [];
    }
    throw error;
  }
}
