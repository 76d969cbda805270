import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  Fields,
  formatInstant,
  fromUtf8,
  type Json,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  EvidenceError,
  type EvidenceReport,
  type Files,
  isMissing,
  missingWords,
  type StoryLine,
  sealEvidence,
  storyOf,
  timeStampOf,
  timeStampWords,
  verifyFiles,
} from "@porchlight/evidence";
import {
  type Agency,
  copyForDefence,
  type DefenceCopy,
  type DefenceRole,
  defenceCopies,
  type KeptPackage,
  namesOf,
  type OrderFile,
} from "@porchlight/parties";
import { DeskError } from "../shell/error.ts";
import { explain } from "../shell/sentences.ts";

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
  /** Of the package among those of its order. */
  readonly number: number;
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
  | { readonly kind: "refused"; readonly findings: readonly string[] }
  /** Nothing was found, for or against it. */
  | { readonly kind: "failed"; readonly code: string; readonly why: string };

const READING = "reading.age";
const READING_PART = "reading.json.gz";
const MAC_PART = "reading.mac";
const MAC_DOMAIN = "porchlight-v1/agency-reading\0";

/** Milliseconds for which a package that was opened whole stays open for the next download from it. */
const OPEN_FOR = 60_000;

/**
 * The evidence of one agency: opened when it is read, one package at a time, and never written in clear. A package of many
 * messages takes seconds to decrypt; so what people read of the newest of an order lies beside it once more, sealed like it,
 * in `reading.age`. Where no number says which package of an order is meant, it is the newest. Anybody can seal to this agency: a reading counts with a MAC under the agency's own key over order, package and content,
 * and is made anew where it has none. Whoever has to rely on it has the package checked, and then reads what was checked.
 */
export class EvidenceShelf {
  readonly #agency: Agency;
  #open: { readonly path: string; readonly evidence: Evidence } | null = null;
  /** By package: order and mark. */
  readonly #checked = new Map<string, Checked>();
  readonly #marks = new Map<string, { readonly state: string; readonly mark: string }>();
  /** A package can fill a good part of the memory: one after the other is opened whole, and one at a time stays open. */
  #lane: Promise<unknown> = Promise.resolve();
  #whole: { readonly key: string; readonly files: Files; readonly end: NodeJS.Timeout } | null = null;

  constructor(agency: Agency) {
    this.#agency = agency;
  }

  async has(order: OrderFile): Promise<boolean> {
    return (await this.packages(order)).length > 0;
  }

  async packages(order: OrderFile): Promise<readonly KeptPackage[]> {
    return await this.#agency.packages(order);
  }

  /** Throws DeskError "not-found", EvidenceError. */
  async read(order: OrderFile, number?: number): Promise<Evidence> {
    const kept = await this.#find(order, number);
    const known = await this.#mark(kept.path);
    if (this.#open?.path === kept.path && this.#open.evidence.mark === known) return this.#open.evidence;
    const read = await this.#reading(order, known);
    if (read !== null) return this.#show(kept, read);
    const reading = await this.#inTurn(async () => {
      const sealed = await readSealed(kept);
      return readingOf(await this.#agency.unseal(sealed), digestOf(sealed));
    });
    await this.#keep(order, kept, reading);
    return this.#show(kept, reading);
  }

  /** After a collection, while its files are at hand. `sealed`: the package that they were sealed into. */
  async prepare(order: OrderFile, files: Files, sealed: Uint8Array): Promise<void> {
    await this.#keep(order, await this.#find(order), readingOf(files, digestOf(sealed)));
  }

  async sealed(order: OrderFile, number?: number): Promise<Uint8Array> {
    return await readSealed(await this.#find(order, number));
  }

  /** A file of a package. Throws EvidenceError "cannot-decrypt" where it was sealed to keys that are not here. */
  async file(order: OrderFile, path: string, number?: number): Promise<Uint8Array | null> {
    const kept = await this.#find(order, number);
    return await this.#inTurn(async () => (await this.#files(kept)).get(path) ?? null);
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#lane.then(run);
    this.#lane = turn.catch(() => null);
    return await turn;
  }

  async #files(kept: KeptPackage): Promise<Files> {
    const key = `${kept.path} ${await this.#mark(kept.path)}`;
    const files = this.#whole?.key === key ? this.#whole.files : null;
    if (this.#whole !== null) clearTimeout(this.#whole.end);
    this.#whole = null;
    const opened = files ?? (await this.#agency.unseal(await readSealed(kept)));
    const end = setTimeout(() => {
      if (this.#whole?.end === end) this.#whole = null;
    }, OPEN_FOR).unref();
    this.#whole = { key, files: opened, end };
    return opened;
  }

  /** What a check of exactly this package found; `null` where none was made since the desk started. */
  checked(order: OrderFile, { mark }: Evidence): Checked | null {
    return this.#checked.get(packageOf(order, mark)) ?? null;
  }

  /**
   * Opens every message again from the released keys and compares, in the background; what people read is then made anew
   * from exactly what was compared. Resolves when that is over.
   */
  async check(order: OrderFile, { mark, number }: Evidence, charter: string): Promise<void> {
    const key = packageOf(order, mark);
    if (this.#checked.get(key)?.kind === "checking") return;
    this.#checked.set(key, { kind: "checking" });
    try {
      const kept = await this.#find(order, number);
      const sealed = await readSealed(kept);
      // Another package by now: nothing was found of the one that was asked about.
      if (digestOf(sealed) !== mark) return void this.#checked.delete(key);
      const files = await this.#agency.unseal(sealed);
      const timeAnchors = await this.#agency.timeAnchors();
      const trust = { charter, ...(timeAnchors === null ? {} : { timeAnchors }) };
      const checked = checkedOf(await verifyFiles(files, trust), order);
      if (checked.kind === "verified") {
        const reading = readingOf(files, mark);
        await this.#keep(order, kept, reading);
        this.#show(kept, reading);
      }
      this.#checked.set(key, checked);
    } catch (error) {
      this.#checked.set(key, failedOf(error));
    }
  }

  /** Copies for the defence that were made of an order; `null` where their record was altered. */
  async copies(order: OrderFile): Promise<readonly DefenceCopy[] | null> {
    return await defenceCopies(this.#agency, order).catch((error: unknown) => {
      if (error instanceof EvidenceError) return null;
      throw error;
    });
  }

  /** EVI-44: of a package that was checked here, from the very bytes that were. Throws DeskError "not-now", PartyError. */
  async copy(
    order: OrderFile,
    of: { readonly number: number; readonly mark: string; readonly digest: string },
    to: {
      readonly role: DefenceRole;
      readonly recipients: readonly string[];
      readonly isPrivilegeCleared: boolean;
      readonly now: UnixSeconds;
    },
  ): Promise<DefenceCopy> {
    return await this.#inTurn(async () => {
      const { number } = of;
      const sealed = await readSealed(await this.#find(order, number));
      if (digestOf(sealed) !== of.mark)
        throw new DeskError("not-now", "the package is another by now: have it checked again");
      const files = await this.#agency.unseal(sealed);
      return await copyForDefence(this.#agency, order, { number, files, digest: of.digest, ...to });
    });
  }

  async #find(order: OrderFile, wanted?: number): Promise<KeptPackage> {
    const all = await this.packages(order);
    const found = wanted === undefined ? all.at(-1) : all.find(({ number }) => number === wanted);
    if (found === undefined) throw nothing();
    return found;
  }

  #show({ path, number }: KeptPackage, { mark, lines, failures, gaps, stamp }: Reading): Evidence {
    const evidence = { number, mark, lines, story: storyOf(lines), failures, gaps, stamp };
    this.#open = { path, evidence };
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
    const sealed = await readFileOrNull(join(await this.#agency.evidenceFolder(order), READING));
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

  /** One reading an order: of what is read most. */
  async #keep(order: OrderFile, { number }: KeptPackage, reading: Reading): Promise<void> {
    if ((await this.#find(order)).number !== number) return;
    const packed = new Uint8Array(gzipSync(utf8(JSON.stringify(reading)), { level: 1 }));
    const parts = new Map([
      [READING_PART, packed],
      [MAC_PART, await this.#mac(order, reading.mark, packed)],
    ]);
    const sealed = await sealEvidence(parts, this.#agency.recipients, unixSeconds(0));
    await writeFileDurable(join(await this.#agency.evidenceFolder(order), READING), sealed);
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

async function readSealed({ path }: KeptPackage): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
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

/** What threw is a fault here, or a package that is no package any more: the person decides with the reason in hand. */
function failedOf(error: unknown): Checked {
  const { isFault, code, title, detail } = explain(error);
  return isFault
    ? {
        kind: "failed",
        code: error instanceof Error ? error.name : code,
        why: "Tell whoever runs this desk.",
      }
    : { kind: "failed", code, why: `${title}. ${detail ?? ""}` };
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
