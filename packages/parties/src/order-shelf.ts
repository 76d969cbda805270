import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, readFileOrNull, removeFileDurable, writeFileDurable } from "@porchlight/durable";
import { equalBytes } from "@porchlight/encoding";
import { formatOrderFile, namesOf, type OrderFile, readOrderFile } from "./request-file.ts";

const FOLDER = "orders";

/** An order in a party's directory, by a name that it has for as long as its bytes are the same. */
export type KeptOrder = { readonly name: string; readonly order: OrderFile };

function nameOf(order: OrderFile): string {
  return namesOf(order).commitment.slice(0, 16);
}

/** Keeps an order as orders/NAME.json; its path. One that is in the log never loses its place there. */
export async function keepOrder(directory: string, order: OrderFile): Promise<string> {
  const folder = join(directory, FOLDER);
  await makeDirectory(folder);
  const name = nameOf(order);
  const path = join(folder, `${name}.json`);
  const present = await readFileOrNull(path);
  const index = order.index ?? (present === null ? null : readOrderFile(present).index);
  const bytes = formatOrderFile({ ...order, index });
  if (present === null || !equalBytes(present, bytes)) await writeFileDurable(path, bytes);
  return path;
}

/** All orders of a party's directory, by name. Throws PartyError "file-malformed". */
export async function keptOrders(directory: string): Promise<KeptOrder[]> {
  const names = await readdir(join(directory, FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const orders: KeptOrder[] = [];
  for (const file of names.sort()) {
    const name = /^([0-9a-f]{16})\.json$/.exec(file)?.[1];
    const order = name === undefined ? null : await keptOrder(directory, name);
    if (name !== undefined && order !== null) orders.push({ name, order });
  }
  return orders;
}

/** `null` where there is none of that name. */
export async function keptOrder(directory: string, name: string): Promise<OrderFile | null> {
  if (!/^[0-9a-f]{16}$/.test(name)) return null;
  const bytes = await readFileOrNull(join(directory, FOLDER, `${name}.json`));
  return bytes === null ? null : readOrderFile(bytes);
}

/** Takes an order that became another one out of the directory; one that is in the log stays. */
export async function dropOrder(directory: string, name: string): Promise<void> {
  const order = await keptOrder(directory, name);
  if (order !== null && order.index === null) {
    await removeFileDurable(join(directory, FOLDER, `${name}.json`));
  }
}
