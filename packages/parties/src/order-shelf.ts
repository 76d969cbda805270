import { formatOrderFile, namesOf, type OrderFile, readOrderFile } from "./request-file.ts";
import { Shelf } from "./shelf.ts";

/** An order in a party's directory, by a name that it has for as long as its bytes are the same. */
export type KeptOrder = { readonly name: string; readonly order: OrderFile };

function shelfOf(directory: string): Shelf<OrderFile> {
  return new Shelf(directory, "orders", { read: readOrderFile, format: formatOrderFile });
}

function nameOf(order: OrderFile): string {
  return namesOf(order).commitment.slice(0, 16);
}

/** Keeps an order as orders/NAME.json; its path. One that is in the log never loses its place there. */
export async function keepOrder(directory: string, order: OrderFile): Promise<string> {
  const shelf = shelfOf(directory);
  const name = nameOf(order);
  const index = order.index ?? (await shelf.find(name))?.index ?? null;
  return await shelf.keep(name, { ...order, index });
}

/** All orders of a party's directory, by name. Throws PartyError "file-malformed". */
export async function keptOrders(directory: string): Promise<KeptOrder[]> {
  return (await shelfOf(directory).all()).map(({ name, one }) => ({ name, order: one }));
}

/** `null` where there is none of that name. */
export async function keptOrder(directory: string, name: string): Promise<OrderFile | null> {
  return await shelfOf(directory).find(name);
}

/** Takes an order that became another one out of the directory; one that is in the log stays. */
export async function dropOrder(directory: string, name: string): Promise<void> {
  const order = await keptOrder(directory, name);
  if (order !== null && order.index === null) await shelfOf(directory).drop(name);
}
