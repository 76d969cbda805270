import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { Fields, fromUtf8, type Json, unixSeconds, utf8 } from "@porchlight/encoding";
import {
  EvidenceError,
  type EvidenceReport,
  type Files,
  isMissing,
  missingWords,
  type StoryLine,
  sealEvidence,
  storyOf,
  verifyFiles,
} from "@porchlight/evidence";
import type { Agency, OrderFile } from "@porchlight/parties";
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

type Attachment = {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly digest: string;
  /** Its file in the package, by its name there. */
  readonly file: string | null;
  /** Why it is not there. */
  readonly missing: string | null;
};

/** What of a package people read here, in this process' memory. */
export type Evidence = {
  /** Tells one sealed package from the next of the same order. */
  readonly mark: string;
  readonly lines: readonly Line[];
  readonly story: ReturnType<typeof storyOf>;
  /** Stored items that did not open or verify, in sentences. */
  readonly failures: readonly string[];
  readonly gaps: number;
};

export type Checked =
  | { readonly kind: "checking" }
  | { readonly kind: "verified"; readonly digest: string }
  | { readonly kind: "refused"; readonly findings: readonly string[] };

const READING = "reading.age";
const READING_PART = "reading.json.gz";

/**
 * The evidence of one agency: opened when it is read, one package at a time, and never written in clear. A package of many
 * messages takes seconds to decrypt; so what people read of it lies beside it once more, sealed like it, in `reading.age`.
 * Whoever has to rely on it has the package checked.
 */
export class EvidenceShelf {
  readonly #agency: Agency;
  #open: { readonly path: string; readonly evidence: Evidence } | null = null;
  readonly #checked = new Map<string, Checked>();

  constructor(agency: Agency) {
    this.#agency = agency;
  }

  async has(order: OrderFile): Promise<boolean> {
    return (await markOf(this.#path(order))) !== null;
  }

  /** Throws DeskError "not-found", EvidenceError. */
  async read(order: OrderFile): Promise<Evidence> {
    const path = this.#path(order);
    const mark = await markOf(path);
    if (mark === null) throw nothing();
    if (this.#open?.path === path && this.#open.evidence.mark === mark) return this.#open.evidence;
    const reading =
      (await this.#reading(order, mark)) ?? (await this.#make(order, mark, await this.files(order)));
    const evidence = evidenceIn(reading, mark);
    this.#open = { path, evidence };
    return evidence;
  }

  /** After a collection, while its files are at hand. */
  async prepare(order: OrderFile, files: Files): Promise<void> {
    const mark = await markOf(this.#path(order));
    if (mark !== null) await this.#make(order, mark, files);
  }

  async sealed(order: OrderFile): Promise<Uint8Array> {
    if (!(await this.has(order))) throw nothing();
    return new Uint8Array(await readFile(this.#path(order)));
  }

  /** The whole package. Throws EvidenceError "cannot-decrypt" where it was sealed to keys that are not here. */
  async files(order: OrderFile): Promise<Files> {
    return await this.#agency.unseal(await this.sealed(order));
  }

  /** What a check of exactly this package found; `null` where none was made since the desk started. */
  checked({ mark }: Evidence): Checked | null {
    return this.#checked.get(mark) ?? null;
  }

  /** Opens every message again from the released keys and compares, in the background. */
  check(order: OrderFile, { mark }: Evidence, charter: string): void {
    if (this.#checked.get(mark)?.kind === "checking") return;
    this.#checked.set(mark, { kind: "checking" });
    this.files(order)
      .then(async (files) => await verifyFiles(files, { charter }))
      .then(
        (report) => void this.#checked.set(mark, checkedOf(report)),
        () => void this.#checked.delete(mark),
      );
  }

  #path(order: OrderFile): string {
    return join(this.#agency.evidenceFolder(order), "evidence.age");
  }

  /** What was kept to be read of exactly this package; `null` where there is none. */
  async #reading(order: OrderFile, mark: string): Promise<Reading | null> {
    const sealed = await readFileOrNull(join(this.#agency.evidenceFolder(order), READING));
    if (sealed === null) return null;
    const packed = (await this.#agency.unseal(sealed)).get(READING_PART);
    if (packed === undefined) return null;
    const reading = JSON.parse(gunzipSync(packed).toString("utf8")) as Reading;
    return reading.version === 2 && reading.mark === mark ? reading : null;
  }

  async #make(order: OrderFile, mark: string, files: Files): Promise<Reading> {
    const reading = readingOf(files, mark);
    const packed = new Uint8Array(gzipSync(utf8(JSON.stringify(reading)), { level: 1 }));
    const { recipients } = this.#agency;
    const sealed = await sealEvidence(new Map([[READING_PART, packed]]), recipients, unixSeconds(0));
    await writeFileDurable(join(this.#agency.evidenceFolder(order), READING), sealed);
    return reading;
  }
}

/** What `reading.age` holds: parts of the package as they are, without what proves them. */
type Reading = {
  readonly version: 2;
  readonly mark: string;
  readonly lines: readonly Line[];
  readonly failures: readonly string[];
  readonly gaps: number;
};

/** A package that is collected again is another file. */
async function markOf(path: string): Promise<string | null> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return `${ino}-${size}-${Math.trunc(mtimeMs)}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function nothing(): DeskError {
  return new DeskError("not-found", "nothing was opened under this order yet");
}

function checkedOf(report: EvidenceReport): Checked {
  return report.kind === "verified"
    ? { kind: "verified", digest: report.digest }
    : {
        kind: "refused",
        findings: report.findings.map(({ rule, file, what }) => `${file} ${what} (${rule})`),
      };
}

function evidenceIn({ lines, failures, gaps }: Reading, mark: string): Evidence {
  return { mark, lines, story: storyOf(lines), failures, gaps };
}

/** The lines of messages.jsonl beside what report.json says of each (EVI-21, EVI-23). Throws EvidenceError. */
function readingOf(files: Files, mark: string): Reading {
  const report = new Fields(JSON.parse(textOf(files, "data/report.json")) as Json, "report");
  const about = report.json("messages");
  const texts = textOf(files, "data/messages.jsonl").split("\n").slice(0, -1);
  if (!Array.isArray(about) || about.length !== texts.length) {
    throw new EvidenceError("malformed", "data/report.json");
  }
  const failures = report.array(
    "failures",
    (item, where) => {
      const fields = new Fields(item, where);
      return `${fields.string("kind")} no. ${fields.integer("seq")} of ${fields.string("day")}: ${fields.string("reason")}`;
    },
    2 ** 31,
  );
  return {
    version: 2,
    mark,
    lines: texts.map((text, i) => lineOf(JSON.parse(text) as Loose, about[i] as Loose, i + 1)),
    failures,
    gaps: report.array("gaps", (item) => item, 2 ** 31).length,
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
  return (value as Loose[]).map(({ name, type, size, digest, file, state }) => ({
    name: name === undefined ? "without a name" : textIn(name),
    type: textIn(type),
    size: typeof size === "number" ? size : 0,
    digest: textIn(digest),
    file: typeof file === "string" ? file.replace("data/attachments/", "") : null,
    missing: isMissing(state) ? missingWords(state) : null,
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
