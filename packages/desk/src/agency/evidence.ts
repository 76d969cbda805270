import { createHash } from "node:crypto";
import { Fields, fromUtf8, type Json } from "@porchlight/encoding";
import {
  EvidenceError,
  type EvidenceReport,
  type Files,
  type StoryLine,
  storyOf,
  verifyFiles,
} from "@porchlight/evidence";
import { type Agency, namesOf, type OrderFile } from "@porchlight/parties";
import { DeskError } from "../shell/error.ts";

/** One message as the viewer shows and searches it. */
export type Line = StoryLine & {
  /** From 1, as the package's own page counts. */
  readonly number: number;
  readonly at: string;
  readonly from: string;
  readonly text: string;
  /** YYYY-MM-DD, of the key that opened it. */
  readonly day: string;
  readonly attachments: readonly Attachment[];
};

export type Attachment = {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly digest: string;
};

/** A package that this agency collected, decrypted in this process' memory. */
export type Evidence = {
  readonly files: Files;
  /** Of the sealed file. */
  readonly digest: string;
  readonly lines: readonly Line[];
  readonly story: ReturnType<typeof storyOf>;
  /** Stored items that did not open or verify, in sentences. */
  readonly failures: readonly string[];
  readonly gaps: number;
  readonly packagedAt: string;
};

export type Checked =
  | { readonly kind: "checking" }
  | { readonly kind: "verified"; readonly digest: string }
  | { readonly kind: "refused"; readonly findings: readonly string[] };

/** The evidence of one agency: opened when it is read, one package at a time, and never written in clear. */
export class EvidenceShelf {
  readonly #agency: Agency;
  #open: { readonly name: string; readonly evidence: Evidence } | null = null;
  readonly #checked = new Map<string, Checked>();

  constructor(agency: Agency) {
    this.#agency = agency;
  }

  async has(order: OrderFile): Promise<boolean> {
    return (await this.#agency.evidenceOf(order)) !== null;
  }

  /** Throws DeskError "not-found", EvidenceError. */
  async read(order: OrderFile): Promise<Evidence> {
    const name = namesOf(order).commitment;
    const sealed = await this.sealed(order);
    const digest = createHash("sha256").update(sealed).digest("hex");
    if (this.#open?.name === name && this.#open.evidence.digest === digest) return this.#open.evidence;
    const evidence = evidenceIn(await this.#agency.unseal(sealed), digest);
    this.#open = { name, evidence };
    return evidence;
  }

  async sealed(order: OrderFile): Promise<Uint8Array> {
    const sealed = await this.#agency.evidenceOf(order);
    if (sealed === null) throw new DeskError("not-found", "nothing was opened under this order yet");
    return sealed;
  }

  /** What a check of exactly this package found; `null` where none was made since the desk started. */
  checked({ digest }: Evidence): Checked | null {
    return this.#checked.get(digest) ?? null;
  }

  /** Opens every message again from the released keys and compares, in the background. */
  check({ digest, files }: Evidence, charter: string): void {
    if (this.#checked.get(digest)?.kind === "checking") return;
    this.#checked.set(digest, { kind: "checking" });
    verifyFiles(files, { charter }).then(
      (report) => void this.#checked.set(digest, checkedOf(report)),
      () => void this.#checked.delete(digest),
    );
  }
}

function checkedOf(report: EvidenceReport): Checked {
  return report.kind === "verified"
    ? { kind: "verified", digest: report.digest }
    : {
        kind: "refused",
        findings: report.findings.map(({ rule, file, what }) => `${file} ${what} (${rule})`),
      };
}

/** The lines of messages.jsonl beside what report.json says of each (EVI-21, EVI-23). Throws EvidenceError. */
function evidenceIn(files: Files, digest: string): Evidence {
  const report = new Fields(JSON.parse(textOf(files, "data/report.json")) as Json, "report");
  const about = report.json("messages");
  const texts = textOf(files, "data/messages.jsonl").split("\n").slice(0, -1);
  if (!Array.isArray(about) || about.length !== texts.length) {
    throw new EvidenceError("malformed", "data/report.json");
  }
  const lines = texts.map((text, i) => lineOf(JSON.parse(text) as Loose, about[i] as Loose, i + 1));
  const failures = report.array(
    "failures",
    (item, where) => {
      const fields = new Fields(item, where);
      return `${fields.string("kind")} no. ${fields.integer("seq")} of ${fields.string("day")}: ${fields.string("reason")}`;
    },
    2 ** 31,
  );
  return {
    files,
    digest,
    lines,
    story: storyOf(lines),
    failures,
    gaps: report.array("gaps", (item) => item, 2 ** 31).length,
    packagedAt: report.string("packagedAt"),
  };
}

// This desk wrote these files itself and age says that nobody altered them: they are read, not judged, and a hundred
// thousand of them at once. What is no text becomes none.
type Loose = { readonly [name: string]: Json | undefined };

function lineOf(line: Loose, facts: Loose, number: number): Line {
  const { kind } = line;
  const { id, about } = facts;
  return {
    number,
    at: textIn(line["at"]),
    from: textIn(line["from"]),
    text: textIn(line["text"]),
    day: textIn(facts["day"]),
    conversation: textIn(facts["conversation"]),
    account: textIn(facts["account"]),
    ...(typeof kind === "string" ? { kind } : {}),
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof about === "string" ? { about } : {}),
    attachments: attachmentsIn(facts["attachments"]),
  };
}

function attachmentsIn(value: Json | undefined): readonly Attachment[] {
  if (!Array.isArray(value)) return NONE;
  return (value as Loose[]).map(({ name, type, size, digest }) => ({
    name: name === undefined ? "without a name" : textIn(name),
    type: textIn(type),
    size: typeof size === "number" ? size : 0,
    digest: textIn(digest),
  }));
}

const NONE: readonly Attachment[] = [];

function textIn(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function textOf(files: Files, path: string): string {
  const bytes = files.get(path);
  if (bytes === undefined) throw new EvidenceError("not-a-package", path);
  return fromUtf8(bytes, path);
}
