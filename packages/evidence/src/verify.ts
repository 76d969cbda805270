import type { X509Certificate } from "node:crypto";
import { charterIdOfDocument, parseEntry, unverifiedPayload } from "@porchlight/charter";
import { EncodingError } from "@porchlight/encoding";
import { checkBag, type Finding } from "./bag.ts";
import { bagInfo, derivedFiles, PAGE_VERSION, PAGES, pageVersionOf } from "./derived.ts";
import { EvidenceError, type EvidenceErrorCode } from "./error.ts";
import { type Files, readFiles, sha256 } from "./files.ts";
import { limitsOf } from "./limits.ts";
import { packagedAtOf, readSource } from "./package.ts";
import { type OpenedRelease, openRelease } from "./release.ts";
import { packageDigest, TIME_STAMP, type TimeStamp, timeStampWords, verifyTimeStamp } from "./time-stamp.ts";

/** EVI-70: what a verification found. Without findings every check passed. */
export type EvidenceReport =
  | {
      readonly kind: "verified";
      readonly release: OpenedRelease;
      /** SHA-256 of tagmanifest-sha256.txt, which fixes every byte of the package. */
      readonly digest: string;
      readonly limits: readonly string[];
      /** Page and certificate where another version of the program wrote them (EVI-72): do not rely on those two. */
      readonly notCompared: readonly string[];
      /** The page as this version makes it, from what was verified. */
      readonly page: Uint8Array;
      /** EVI-74; `null` where the package has none. */
      readonly timeStamp: Extract<TimeStamp, { readonly kind: "holds" }> | null;
    }
  | { readonly kind: "refused"; readonly findings: readonly Finding[] };

// The rule of spec/evidence.md behind each way in which a package's content can fail.
const RULES: Readonly<Record<EvidenceErrorCode, readonly [rule: string, what: string]>> = {
  "archive-malformed": ["EVI-41", "is not an archive of an evidence package"],
  "archive-too-large": ["EVI-41", "is larger than a package's file can be"],
  "file-name": ["EVI-2", "has a name that no file of a package has"],
  "not-a-file": ["EVI-2", "is a link or a device"],
  "not-a-package": ["EVI-1", "is missing, or does not belong in an evidence package"],
  exists: ["EVI-1", "is there already"],
  "cannot-decrypt": ["EVI-42", "does not decrypt"],
  recipient: ["EVI-42", "has no recipient"],
  content: ["EVI-20", "is not in the prescribed form"],
  malformed: ["EVI-1", "is not in the prescribed form"],
  charter: ["EVI-61", "does not hold: its signatures or its content are not those of a charter"],
  keys: ["EVI-62", "does not hold: its signatures or its points are not those of the charter's keyholders"],
  warrant: ["EVI-63", "does not hold: a signature, the provider's statement or a rule of the order fails"],
  log: ["EVI-60", "does not hold: the log, its witnesses or its proofs do not confirm it"],
  succession: [
    "EVI-16",
    "does not hold: it is not what all who must have signed for a lost keyholder's place",
  ],
  revoked: ["EVI-65", "shows that the order was revoked"],
  "out-of-scope": ["EVI-69", "has a key that the order does not ask for"],
  "day-not-over": ["EVI-67", "has a key of a day that was not over"],
  "label-key": ["EVI-68", "has a key that is not the one of its label"],
  release: ["EVI-66", "does not hold: it is not what a keyholder of the charter released for this order"],
  custody: ["EVI-30", "is not an unbroken record"],
  attachment: ["EVI-73", "is not what the messages name"],
};

/** What the reader knows from elsewhere: the service's charter, and authorities whose time stamps count. */
type Trust = { readonly charter?: string; readonly timeAnchors?: readonly X509Certificate[] };

/** `directory` is the unpacked package. Offline. Throws only for what is not about the package (a disk that fails). */
export async function verifyEvidence(directory: string, trust: Trust = {}): Promise<EvidenceReport> {
  let files: Files;
  try {
    files = await readFiles(directory);
  } catch (error) {
    if (error instanceof EvidenceError) return refused(error);
    throw error;
  }
  return await verifyFiles(files, trust);
}

/**
 * {@link verifyEvidence} in memory. First the files against their manifests; only if they are whole is everything
 * reopened from wire messages and label keys and compared. `trust.charter` is the id of the charter that the reader
 * knows to be the service's; without it the package can only be consistent with itself.
 */
export async function verifyFiles(files: Files, trust: Trust = {}): Promise<EvidenceReport> {
  const findings = checkBag(files);
  if (findings.length > 0) return { kind: "refused", findings };
  const payload = new Map([...files].filter(([path]) => path.startsWith("data/")));
  try {
    const input = readSource(payload);
    const packagedAt = packagedAtOf(input.custody);
    if (trust.charter !== undefined && charterIdIn(input.charter) !== trust.charter) {
      const what = "is another charter than the one given as trusted";
      return { kind: "refused", findings: [{ rule: "EVI-61", file: "data/charter.json", what }] };
    }
    const release = await openRelease(input);
    const stated = pageVersionOf(files.get("bag-info.txt"));
    const notCompared = stated === null || stated === PAGE_VERSION ? [] : PAGES;
    const expected = new Map(derivedFiles(release, input, packagedAt));
    const page = expected.get("data/index.html") as Uint8Array;
    expected.set("bag-info.txt", bagInfo(release, payload, { packagedAt, page: stated ?? PAGE_VERSION }));
    for (const [path, bytes] of expected) {
      const found = files.get(path);
      if (found === undefined) findings.push({ rule: "EVI-12", file: path, what: "is missing" });
      else if (!notCompared.includes(path) && Buffer.compare(found, bytes) !== 0) {
        findings.push({ rule: "EVI-18", file: path, what: difference(path, found, bytes) });
      }
    }
    const timeStamp = timeStampOf(files, trust.timeAnchors);
    if (timeStamp?.kind === "refused") {
      const what = `does not hold: ${timeStampWords(timeStamp.fault)}`;
      findings.push({ rule: "EVI-74", file: TIME_STAMP, what });
    }
    if (findings.length > 0 || timeStamp?.kind === "refused") return { kind: "refused", findings };
    const digest = sha256(files.get("tagmanifest-sha256.txt") as Uint8Array);
    return {
      kind: "verified",
      release,
      digest,
      limits: limitsOf(release.charter),
      notCompared,
      page,
      timeStamp,
    };
  } catch (error) {
    if (error instanceof EvidenceError) return refused(error);
    if (error instanceof EncodingError) {
      return {
        kind: "refused",
        findings: [{ rule: "EVI-1", file: error.field, what: "is not in the prescribed form" }],
      };
    }
    throw error;
  }
}

/** What a package's time stamp says of it; `null` where it has none. */
export function timeStampOf(files: Files, anchors?: readonly X509Certificate[]): TimeStamp | null {
  const reply = files.get(TIME_STAMP);
  if (reply === undefined) return null;
  return verifyTimeStamp(reply, {
    digest: packageDigest(files),
    ...(anchors === undefined ? {} : { anchors }),
  });
}

function refused(error: EvidenceError): EvidenceReport {
  const [rule, what] = RULES[error.code];
  return { kind: "refused", findings: [{ rule, file: error.where, what: `${what}${causeOf(error)}` }] };
}

/** The narrower refusal of the room below: a code and a place, never content. */
function causeOf(error: EvidenceError): string {
  const { cause } = error;
  return cause instanceof Error ? ` (${cause.message})` : typeof cause === "string" ? ` (${cause})` : "";
}

function charterIdIn(entry: Uint8Array): string | null {
  const parsed = parseEntry(entry);
  return parsed.type === "charter" ? charterIdOfDocument(unverifiedPayload(parsed.document)) : null;
}

/** Names the first line that differs; its content stays out of the report. */
function difference(path: string, found: Uint8Array, expected: Uint8Array): string {
  const [a, b] = [found, expected].map((bytes) => Buffer.from(bytes).toString("latin1").split("\n"));
  const line = (a as string[]).findIndex((text, i) => text !== (b as string[])[i]);
  const where = line === -1 ? "at its end" : `in line ${line + 1}`;
  return path === "data/messages.jsonl"
    ? `differs ${where} from what the encrypted messages say when they are opened again`
    : `differs ${where} from what follows from the rest of the package`;
}
