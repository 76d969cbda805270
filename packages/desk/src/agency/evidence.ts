import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { Fields, formatInstant, fromUtf8, type Json, unixSeconds, utf8 } from "@porchlight/encoding";
import {
  EvidenceError,
  type EvidenceReport,
  type Files,
  isMissing,
  missingWords,
  readCertificates,
  type StoryLine,
  sealEvidence,
  storyOf,
  timeStampOf,
  timeStampWords,
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
  /** SHA-256 of the sealed package that it is of, hexadecimal. */
  readonly mark: string;
  readonly lines: readonly Line[];
  readonly story: ReturnType<typeof storyOf>;
  /** Stored items that did not open or verify, in sentences. */
  readonly failures: readonly string[];
  readonly gaps: number;
  /** When and by whom the package was stamped (RFC 3161); `null` where it was not. */
  readonly stamp: string | null;
};

export type Checked =
  | { readonly kind: "checking" }
  | { readonly kind: "verified"; readonly digest: string }
  | { readonly kind: "refused"; readonly findings: readonly string[] };

const READING = "reading.age";
const READING_PART = "reading.json.gz";
const MAC_PART = "reading.mac";
const MAC_DOMAIN = "porchlight-v1/agency-reading\0";

/**
 * The evidence of one agency: opened when it is read, one package at a time, and never written in clear. A package of many
 * messages takes seconds to decrypt; so what people read of it lies beside it once more, sealed like it, in `reading.age`.
 * Anybody can seal to this agency: a reading counts with a MAC under the agency's own key over order, package and content,
 * and is made anew where it has none. Whoever has to rely on it has the package checked, and then reads what was checked.
 */
export class EvidenceShelf {
  readonly #agency: Agency;
  #open: { readonly path: string; readonly evidence: Evidence } | null = null;
  /** By package: order and mark. */
  readonly #checked = new Map<string, Checked>();
  readonly #marks = new Map<string, { readonly state: string; readonly mark: string }>();

  constructor(agency: Agency) {
    this.#agency = agency;
  }

  async has(order: OrderFile): Promise<boolean> {
    return (await stateOf(this.#path(order))) !== null;
  }

  /** Throws DeskError "not-found", EvidenceError. */
  async read(order: OrderFile): Promise<Evidence> {
    const path = this.#path(order);
    const known = await this.#mark(path);
    if (this.#open?.path === path && this.#open.evidence.mark === known) return this.#open.evidence;
    const kept = await this.#reading(order, known);
    if (kept !== null) return this.#show(order, kept);
    const sealed = await this.sealed(order);
    const reading = readingOf(await this.#agency.unseal(sealed), digestOf(sealed));
    await this.#keep(order, reading);
    return this.#show(order, reading);
  }

  /** After a collection, while its files are at hand. `sealed`: the package that they were sealed into. */
  async prepare(order: OrderFile, files: Files, sealed: Uint8Array): Promise<void> {
    await this.#keep(order, readingOf(files, digestOf(sealed)));
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
  checked(order: OrderFile, { mark }: Evidence): Checked | null {
    return this.#checked.get(packageOf(order, mark)) ?? null;
  }

  /**
   * Opens every message again from the released keys and compares, in the background; what people read is then made anew
   * from exactly what was compared. Resolves when that is over.
   */
  async check(order: OrderFile, { mark }: Evidence, charter: string): Promise<void> {
    const key = packageOf(order, mark);
    if (this.#checked.get(key)?.kind === "checking") return;
    this.#checked.set(key, { kind: "checking" });
    try {
      const sealed = await this.sealed(order);
      // Another package by now: nothing was found of the one that was asked about.
      if (digestOf(sealed) !== mark) return void this.#checked.delete(key);
      const files = await this.#agency.unseal(sealed);
      const service = await this.#agency.timeStamps();
      const anchors = service === null ? {} : { timeAnchors: readCertificates(service.anchors) };
      const checked = checkedOf(await verifyFiles(files, { charter, ...anchors }), order);
      if (checked.kind === "verified") {
        const reading = readingOf(files, mark);
        await this.#keep(order, reading);
        this.#show(order, reading);
      }
      this.#checked.set(key, checked);
    } catch {
      this.#checked.delete(key);
    }
  }

  #path(order: OrderFile): string {
    return join(this.#agency.evidenceFolder(order), "evidence.age");
  }

  #show(order: OrderFile, { mark, lines, failures, gaps, stamp }: Reading): Evidence {
    const evidence = { mark, lines, story: storyOf(lines), failures, gaps, stamp };
    this.#open = { path: this.#path(order), evidence };
    return evidence;
  }

  /** The package's hash, taken again whenever the file is another or was changed. */
  async #mark(path: string): Promise<string> {
    const state = await stateOf(path);
    if (state === null) throw nothing();
    const known = this.#marks.get(path);
    if (known?.state === state) return known.mark;
    const mark = digestOf(new Uint8Array(await readFile(path)));
    this.#marks.set(path, { state, mark });
    return mark;
  }

  /** What this desk kept to be read of exactly this package; `null` where there is none. */
  async #reading(order: OrderFile, mark: string): Promise<Reading | null> {
    const sealed = await readFileOrNull(join(this.#agency.evidenceFolder(order), READING));
    if (sealed === null) return null;
    const parts = await this.#agency.unseal(sealed).catch((error: unknown) => {
      if (error instanceof EvidenceError) return new Map<string, Uint8Array>();
      throw error;
    });
    const [packed, mac] = [parts.get(READING_PART), parts.get(MAC_PART)];
    if (packed === undefined || mac === undefined) return null;
    const own = await this.#mac(order, mark, packed);
    if (mac.length !== own.length || !timingSafeEqual(mac, own)) return null;
    return parseReading(JSON.parse(gunzipSync(packed).toString("utf8")) as Json, mark);
  }

  async #keep(order: OrderFile, reading: Reading): Promise<void> {
    const packed = new Uint8Array(gzipSync(utf8(JSON.stringify(reading)), { level: 1 }));
    const parts = new Map([
      [READING_PART, packed],
      [MAC_PART, await this.#mac(order, reading.mark, packed)],
    ]);
    const sealed = await sealEvidence(parts, this.#agency.recipients, unixSeconds(0));
    await writeFileDurable(join(this.#agency.evidenceFolder(order), READING), sealed);
  }

  async #mac(order: OrderFile, mark: string, packed: Uint8Array): Promise<Uint8Array> {
    const mac = createHmac("sha256", await this.#agency.ownKey());
    return new Uint8Array(
      mac
        .update(`${MAC_DOMAIN}${packageOf(order, mark)}\0`)
        .update(packed)
        .digest(),
    );
  }
}

/** What `reading.age` holds: parts of the package as they are, without what proves them. */
type Reading = {
  readonly version: 3;
  readonly mark: string;
  readonly lines: readonly Line[];
  readonly failures: readonly string[];
  readonly gaps: number;
  readonly stamp: string | null;
};

/** Another where the file is another or was written to: the change time is the kernel's, nobody sets it. */
async function stateOf(path: string): Promise<string | null> {
  try {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
    return `${ino}-${size}-${mtimeNs}-${ctimeNs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function nothing(): DeskError {
  return new DeskError("not-found", "nothing was opened under this order yet");
}

/** A package that holds and is another order's is no evidence of this one. */
function checkedOf(report: EvidenceReport, order: OrderFile): Checked {
  if (report.kind === "refused") {
    const findings = report.findings.map(({ rule, file, what }) => `${file} ${what} (${rule})`);
    return { kind: "refused", findings };
  }
  if (report.release.commitment !== namesOf(order).commitment) {
    return { kind: "refused", findings: ["It is the package of another order."] };
  }
  return { kind: "verified", digest: report.digest };
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function packageOf(order: OrderFile, mark: string): string {
  return `${namesOf(order).commitment} ${mark}`;
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
    version: 3,
    mark,
    lines: texts.map((text, i) => lineOf(JSON.parse(text) as Loose, about[i] as Loose, i + 1)),
    failures,
    gaps: report.array("gaps", (item) => item, 2 ** 31).length,
    stamp: stampIn(files),
  };
}

/** What {@link readingOf} wrote. `null` for another version's, and another package's. */
function parseReading(value: Json, mark: string): Reading | null {
  const { version, mark: of, lines, failures, gaps, stamp } = value as Loose;
  if (version !== 3 || of !== mark || !Array.isArray(lines) || !Array.isArray(failures)) return null;
  return {
    version,
    mark,
    lines: (lines as Loose[]).map((line, i) => ({
      ...lineOf(line, line, i + 1),
      attachments: keptAttachments(line["attachments"]),
    })),
    failures: failures.map(textIn),
    gaps: typeof gaps === "number" ? gaps : 0,
    stamp: typeof stamp === "string" ? stamp : null,
  };
}

function keptAttachments(value: Json | undefined): readonly Attachment[] {
  if (!Array.isArray(value) || value.length === 0) return NONE;
  return (value as Loose[]).map(({ name, type, size, digest, file, missing }) => ({
    name: textIn(name),
    type: textIn(type),
    size: typeof size === "number" ? size : 0,
    digest: textIn(digest),
    file: typeof file === "string" ? file : null,
    missing: typeof missing === "string" ? missing : null,
  }));
}

/** It was verified against the agency's authorities before it was added; a check asks them again. */
function stampIn(files: Files): string | null {
  const stamp = timeStampOf(files);
  if (stamp === null) return null;
  return stamp.kind === "holds"
    ? `${formatInstant(stamp.at)} by ${stamp.authority}`
    : `not to be relied on: ${timeStampWords(stamp.fault)}`;
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
