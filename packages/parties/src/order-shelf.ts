import { parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { parseWarrant, type WarrantDocument } from "@porchlight/gate";
import { formatOrderFile, namesOf, type OrderFile, readOrderFile } from "./request-file.ts";
import { Shelf } from "./shelf.ts";

/** What a kept file says; whether its signatures hold was asked when it came in. */
type Kept = { readonly order: OrderFile; readonly document: WarrantDocument };

/** An order in a party's directory, by a name that it has for as long as its bytes are the same. */
export type KeptOrder = Kept & { readonly name: string };

function keptOf(order: OrderFile): Kept {
  const document = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant, "warrant")));
  return { order, document };
}

function shelfOf(directory: string): Shelf<Kept> {
  return new Shelf(directory, "orders", {
    read: (bytes) => keptOf(readOrderFile(bytes)),
    format: ({ order }) => formatOrderFile(order),
  });
}

/** The order's name in the directory and in what else is kept there of it: the beginning of its commitment, or the whole of it. */
export async function orderName(directory: string, order: OrderFile): Promise<string> {
  const { commitment } = namesOf(order);
  return await shelfOf(directory).nameFor(commitment, (kept) => namesOf(kept.order).commitment);
}

/** Keeps an order as orders/NAME.json; its path. One that is in the log never loses its place there. */
export async function keepOrder(directory: string, order: OrderFile): Promise<string> {
  const shelf = shelfOf(directory);
  const name = await orderName(directory, order);
  // In the place of a damaged one too: by its name it is the same.
  const index = order.index ?? (await shelf.whole(name))?.order.index ?? null;
  return await shelf.keep(name, keptOf({ ...order, index }));
}

/** All orders of a party's directory, by name, and the files of it that are damaged. */
export async function keptOrders(
  directory: string,
): Promise<{ readonly orders: readonly KeptOrder[]; readonly damaged: readonly string[] }> {
  const { whole, damaged } = await shelfOf(directory).all();
  return { orders: whole.map(({ name, one }) => ({ name, ...one })), damaged };
}

/** `null` where there is none of that name. Throws what is wrong with a damaged one. */
export async function keptOrder(directory: string, name: string): Promise<OrderFile | null> {
  return (await shelfOf(directory).find(name))?.order ?? null;
}

/** Takes an order that became another one out of the directory; one that is in the log stays. */
export async function dropOrder(directory: string, name: string): Promise<void> {
  const order = await keptOrder(directory, name);
  if (order !== null && order.index === null) await shelfOf(directory).drop(name);
}
