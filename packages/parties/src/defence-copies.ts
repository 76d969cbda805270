import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { createFileDurable, readFileOrNull } from "@porchlight/durable";
import { hex, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import {
  type CustodyStep,
  EvidenceError,
  type Files,
  formatCopies,
  packageDigest,
  packagedAt,
  parseCopies,
  sealEvidence,
  sha256,
} from "@porchlight/evidence";
import { parseWarrant } from "@porchlight/gate";
import type { Agency } from "./agency.ts";
import { PartyError } from "./error.ts";
import type { OrderFile } from "./request-file.ts";

/** For whom a copy is: a part in the case, so that no record names a person (EVI-45). */
export const DEFENCE_ROLES = ["counsel", "person", "expert"] as const;
export type DefenceRole = (typeof DEFENCE_ROLES)[number];

/** As everybody reads it. */
export const DEFENCE_ROLE_WORDS: Readonly<Record<DefenceRole, string>> = {
  counsel: "counsel of the defence",
  person: "the person themselves",
  expert: "an expert of the defence",
};

export type DefenceCopyWish = {
  /** Number and files of a package that was verified; `digest` is what the verification said. */
  readonly number: number;
  readonly files: Files;
  readonly digest: string;
  readonly role: DefenceRole;
  /** age recipients of whom it is for. */
  readonly recipients: readonly string[];
  /** Whether whoever decides about it has allowed to hand on what an order opened that touches privileged communication. */
  readonly isPrivilegeCleared: boolean;
  readonly now: UnixSeconds;
};

/** One copy, and the step of the record that says so. Numbers count from 1. */
export type DefenceCopy = { readonly number: number; readonly path: string; readonly step: CustodyStep };

/**
 * EVI-44, EVI-45: the whole package once more, sealed to the defence, as copy-N.age beside it. The record has it before the
 * copy is there. Throws PartyError "moved-on" where the files are not what was verified, "privilege-open"; EvidenceError
 * "recipient", "custody" where the record so far does not hold.
 */
export async function copyForDefence(
  agency: Agency,
  order: OrderFile,
  wish: DefenceCopyWish,
): Promise<DefenceCopy> {
  const { files, role, isPrivilegeCleared } = wish;
  if (hex(packageDigest(files)) !== wish.digest)
    throw new PartyError("moved-on", "this is not the package that was checked: have it checked again");
  if (isPrivileged(order) && !isPrivilegeCleared) {
    throw new PartyError(
      "privilege-open",
      "the order touches privileged communication, and a copy holds all of it: whoever decides about that has to allow it first",
    );
  }
  const sealed = await sealEvidence(files, wish.recipients, packagedAt(files));
  const folder = await agency.evidenceFolder(order);
  for (;;) {
    const before = (await copiesIn(folder)).map(({ step }) => step);
    const step: CustodyStep = {
      at: unixSeconds(Math.max(wish.now, before.at(-1)?.at ?? 0)),
      actor: agency.name,
      action: "copied",
      subject: `package ${wish.number} (${wish.digest}) for ${DEFENCE_ROLE_WORDS[role]}${isPrivileged(order) ? ", privilege cleared" : ""}`,
      digest: sha256(sealed),
    };
    const number = before.length + 1;
    const line = formatCopies([...before, step]).at(-1) as Uint8Array;
    if (!(await createFileDurable(join(folder, `copy-${number}.jsonl`), line))) continue;
    const path = join(folder, `copy-${number}.age`);
    if (!(await createFileDurable(path, sealed))) throw takenOut(`copy-${number}.age`);
    return { number, path, step };
  }
}

/** Of an order, oldest first. Throws EvidenceError "custody" where the record was altered or a line of it is gone. */
export async function defenceCopies(agency: Agency, order: OrderFile): Promise<DefenceCopy[]> {
  return await copiesIn(await agency.evidenceFolder(order));
}

async function copiesIn(folder: string): Promise<DefenceCopy[]> {
  // Before the lines are read: of a copy that is made meanwhile there is a line by then.
  const names = await namesIn(folder);
  const lines: Uint8Array[] = [];
  for (;;) {
    const line = await readFileOrNull(join(folder, `copy-${lines.length + 1}.jsonl`));
    if (line === null) break;
    lines.push(line);
  }
  const beyond = names.find(
    (name) => Number(/^copy-([1-9]\d*)\.(?:jsonl|age)$/.exec(name)?.[1]) > lines.length,
  );
  if (beyond !== undefined) throw takenOut(beyond);
  return parseCopies(lines).map((step, i) => {
    const number = i + 1;
    return { number, path: join(folder, `copy-${number}.age`), step };
  });
}

/** `beyond`: a file of a copy whose line, or one before it, is not there. */
function takenOut(beyond: string): EvidenceError {
  return new EvidenceError("custody", beyond, { cause: "a line is gone" });
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** WAR-1: what the order says of itself. */
export function isPrivileged({ warrant }: OrderFile): boolean {
  return parseWarrant(unverifiedPayload(parseSignedDocument(warrant, "warrant"))).privileged;
}
