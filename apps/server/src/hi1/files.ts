import { type Json, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import {
  type Authorisation,
  associatedWith,
  type Deadlines,
  type DocumentObject,
  deadlineOf,
  type Held,
  isEmergency,
  isOver,
  type LDTask,
  type LPTask,
  secondsOf,
  statusOf,
} from "@porchlight/hi1";
import { documentType, papers, requestType } from "./checks.ts";
import type { Kept } from "./object-store.ts";

/** An authorisation with the tasks and documents that belong to it. */
export type File = { readonly authorisation: Kept | null; readonly siblings: readonly Kept[] };

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
  const isFlagged =
    authorisation !== null && isEmergency(authorisation.held.object as unknown as Authorisation);
  return isFlagged || siblings.some(({ held }) => held.scope?.isEmergency === true);
}

/**
 * By when something has to be done with an object: an LDTask's own deadline; of a kept LPTask the end of what is kept; of an
 * authorisation or a document the earliest deadline of a task of its file. Null where no clock runs.
 */
export function clockOf(kept: Kept, file: File, deadlines: Deadlines): UnixSeconds | null {
  if (!isOpen(kept)) return null;
  const { type, object } = kept.held;
  if (type === "LPTask") return secondsOf((object as LPTask)["task:PreservationExpiration"] ?? "");
  return type === "LDTask" ? deadline(kept, file, deadlines) : earliest(file, deadlines);
}

/** The earliest deadline of a file's open tasks. */
export function earliest(file: File, deadlines: Deadlines): UnixSeconds | null {
  const all = file.siblings.flatMap((one) => deadline(one, file, deadlines) ?? []);
  return all.length === 0 ? null : unixSeconds(Math.min(...all));
}

/** HI1-25: from when the task and the paper that it needs are both here; null while one is missing or all is done. */
function deadline(kept: Kept, { siblings }: File, deadlines: Deadlines): UnixSeconds | null {
  const { held, received } = kept;
  if (held.type !== "LDTask" || !isOpen(kept)) return null;
  const type = requestType(held.object as LDTask) === "StoredContentData" ? "Warrant" : "OriginalAct";
  const here = papers(siblings, type).map((paper) => paper.received as number);
  if (here.length === 0) return null;
  const since = unixSeconds(Math.max(received, Math.min(...here)));
  return deadlineOf(since, held.scope?.isEmergency ?? false, deadlines);
}

/** Whether a kept task asks for a longer time than it is kept (HI1-34). Dates that say nothing ask for it too. */
export function wantsMore({ type, object }: Held): boolean {
  if (type !== "LPTask" || statusOf(object) !== "Preserved") return false;
  const { "task:DesiredPreservationExpiration": wanted, "task:PreservationExpiration": granted } =
    object as LPTask;
  return (secondsOf(wanted ?? "") ?? Number.POSITIVE_INFINITY) > (secondsOf(granted ?? "") ?? 0);
}

export function whatOf({ type, object }: Held): string {
  if (type === "LDTask") return requestType(object as LDTask);
  if (type === "Document") return documentType(object as DocumentObject);
  return type;
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
