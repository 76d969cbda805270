import { type Json, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import {
  associatedWith,
  type Come,
  clockOf,
  type Deadlines,
  type DocumentObject,
  type Held,
  isEmergency,
  isOver,
  type LPTask,
  secondsOf,
  statusOf,
} from "@porchlight/hi1";
import type { Kept } from "./object-store.ts";

/** An authorisation with the tasks and documents that belong to it. */
export type File = { readonly authorisation: Kept | null; readonly siblings: readonly Kept[] };

/** Characters of a text and items of a list in a line. */
const MAX_TEXT = 300;
const MAX_ITEMS = 10;

/** As a list shows it, which is never the whole: what came before HI1-28 is of any length. */
export function brief(kept: Kept): Kept {
  const object = shorter(kept.held.object as unknown as Json) as unknown as Held["object"];
  return { ...kept, held: { ...kept.held, object, scope: null } };
}

function shorter(value: Json): Json {
  if (typeof value === "string") return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(shorter);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shorter(one as Json)]));
}

export function isOpen({ held }: Kept): boolean {
  return statusOf(held.object) !== null && !isOver(held.object);
}

/** The authorisation that an object is or belongs to; its own name where it belongs to none. */
export function fileOf({ type, object }: Held): string {
  return type === "Authorisation"
    ? object.ObjectIdentifier
    : (associatedWith(object)[0] ?? object.ObjectIdentifier);
}

export function filesOf(all: readonly Kept[]): ReadonlyMap<string, File> {
  const files = new Map<string, { authorisation: Kept | null; siblings: Kept[] }>();
  for (const kept of all) {
    const { type } = kept.held;
    if (type !== "Authorisation" && type !== "LDTask" && type !== "Document") continue;
    const name = fileOf(kept.held);
    const file = files.get(name) ?? { authorisation: null, siblings: [] };
    if (type === "Authorisation") file.authorisation = kept;
    else file.siblings.push(kept);
    files.set(name, file);
  }
  return files;
}

/** Whether anything of a file is flagged as an emergency's: what has to be approved for it is urgent too (HI1-25). */
export function isUrgent({ authorisation, siblings }: File): boolean {
  return [...siblings, ...(authorisation === null ? [] : [authorisation])].some(({ held }) =>
    isEmergency(held.object),
  );
}

/** By when something has to be done with an object: its own clock; of an authorisation or a document its file's earliest. */
export function dueOf(kept: Kept, file: File, deadlines: Deadlines): UnixSeconds | null {
  if (!isOpen(kept)) return null;
  const { type } = kept.held;
  return type === "Authorisation" || type === "Document"
    ? earliest(file, deadlines)
    : clock(kept, file, deadlines);
}

/** The earliest deadline of a file's open tasks. */
export function earliest(file: File, deadlines: Deadlines): UnixSeconds | null {
  const all = file.siblings.flatMap((one) => clock(one, file, deadlines) ?? []);
  return all.length === 0 ? null : unixSeconds(Math.min(...all));
}

function clock(kept: Kept, { siblings }: File, deadlines: Deadlines): UnixSeconds | null {
  const come = ({ held, received }: Kept): Come => ({ object: held.object, came: received });
  return clockOf(come(kept), siblings.map(come), deadlines);
}

/** Whether a kept task asks for a longer time than it is kept (HI1-34). Dates that say nothing ask for it too. */
export function wantsMore({ type, object }: Held): boolean {
  if (type !== "LPTask" || statusOf(object) !== "Preserved") return false;
  const { "task:DesiredPreservationExpiration": wanted, "task:PreservationExpiration": granted } =
    object as LPTask;
  return (secondsOf(wanted ?? "") ?? Number.POSITIVE_INFINITY) > (secondsOf(granted ?? "") ?? 0);
}

/** What a document is, without its contents: those may be megabytes, and an officer reads them as a file. */
export function documentFacts(object: DocumentObject): Json {
  const body = object["doc:DocumentBody"];
  return {
    contentType: body?.["doc:ContentType"] ?? null,
    checksum: body?.["doc:Checksum"] ?? null,
    isKeptHere: body?.["doc:Contents"] !== undefined,
  };
}
