import { basename, resolve } from "node:path";
import { openAgency } from "./agency/desk.ts";
import { openCourt } from "./court/desk.ts";
import { openInspector } from "./inspector/desk.ts";
import { openKeyholder } from "./keyholder/desk.ts";
import { openOfficer } from "./officer/desk.ts";
import type { Desk, DeskContext } from "./shell/desk.ts";
import { DeskError } from "./shell/error.ts";

/** Every kind of desk, and what opens it. */
const DESKS: Readonly<Record<string, (context: DeskContext) => Promise<Desk>>> = {
  court: openCourt,
  inspector: openInspector,
  agency: openAgency,
  keyholder: openKeyholder,
  officer: openOfficer,
};

export const DESK_KINDS: readonly string[] = Object.keys(DESKS);

/** Throws DeskError "config-invalid" for a kind that there is not, and whatever keeps the party from working. */
export async function openDesk(kind: string, context: DeskContext): Promise<Desk> {
  const open = Object.hasOwn(DESKS, kind) ? DESKS[kind] : undefined;
  if (open === undefined) throw new DeskError("config-invalid", `a desk is one of ${DESK_KINDS.join(", ")}`);
  return await open(context);
}

/** The host name's label of a desk where none is given: several keyholders, or a house's two, can be on one computer. */
export function labelOf(kind: string, directory: string): string {
  const name = basename(resolve(directory));
  const isOneOfSeveral = kind === "keyholder" || kind === "court" || kind === "inspector";
  return isOneOfSeveral && /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(name) ? name : kind;
}
