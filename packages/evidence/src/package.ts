import { fromHex, fromUtf8, hex, type Period, parseJson, parsePeriod, utf8 } from "@porchlight/encoding";
import { otherSideMembers, readOtherSide } from "@porchlight/gate";
import { attachmentFiles, checkAttachments, readAttachments } from "./attachments.ts";
import { makeBag } from "./bag.ts";
import { CUSTODY, type CustodyStep, formatCustody, parseCustody } from "./custody.ts";
import { bagInfo, derivedFiles, PAGE_VERSION } from "./derived.ts";
import { EvidenceError } from "./error.ts";
import { type Files, writeFiles } from "./files.ts";
import { readReleases, releaseFiles } from "./keyholder-release.ts";
import { logFiles, readLog, successionPath } from "./log-extract.ts";
import { labelFiles, reading, readLabels, take } from "./material.ts";
import {
  CHARTER,
  keysPath,
  type OpenedRelease,
  OTHERS,
  openRelease,
  type ReleaseInput,
  WARRANT,
} from "./release.ts";

const OTHER_SIDES = "data/other-sides.jsonl";
const OPENING = "data/opening.txt";
/** Files that EVI-18 derives from the others. */
export const DERIVED = [
  "data/messages.jsonl",
  "data/report.json",
  "data/certificate.txt",
  "data/index.html",
  "data/messages.rsmf",
];

/** What a package is made from. The last custody step is "packaged", and its time that of the package. */
export type PackageInput = ReleaseInput & { readonly custody: readonly CustodyStep[] };

/** The files that a package's other files follow from (EVI-14 to EVI-17, EVI-30). */
function sourceFiles(input: PackageInput): Files {
  return new Map([
    [WARRANT, input.warrant],
    ...(input.others == null ? [] : othersFiles(input.others)),
    [OPENING, utf8(`${hex(input.opening)}\n`)],
    [CHARTER, input.charter],
    ...[...input.keys].map(([period, entry]) => [keysPath(period), entry] as const),
    ...input.successions.map((entry, position) => [successionPath(position), entry] as const),
    ...labelFiles(input.labels),
    ...releaseFiles(input.releases),
    ...logFiles(input.log),
    ...attachmentFiles(input.attachments ?? []),
    [CUSTODY, formatCustody(input.custody)],
  ]);
}

/** Strict inverse of {@link sourceFiles}: an unknown file of the payload is "not-a-package". Nothing is verified. */
export function readSource(payload: Files): PackageInput {
  const left = new Set([...payload.keys()].filter((path) => !DERIVED.includes(path)));
  const keys = new Map<Period, Uint8Array>();
  for (const path of [...payload.keys()].sort()) {
    const match = /^data\/keys-([0-9]{4}-[0-9]{2})\.json$/.exec(path);
    if (match !== null) keys.set(parsePeriod(match[1] as string), take(payload, path, left));
  }
  const successions: Uint8Array[] = [];
  while (payload.has(successionPath(successions.length))) {
    successions.push(take(payload, successionPath(successions.length), left));
  }
  const opening = fromUtf8(take(payload, OPENING, left), OPENING);
  if (!/^[0-9a-f]{64}\n$/.test(opening)) throw new EvidenceError("malformed", OPENING);
  const input: PackageInput = {
    warrant: take(payload, WARRANT, left),
    others: payload.has(OTHERS) ? readOthers(payload, left) : null,
    opening: fromHex(opening.trimEnd(), 32),
    charter: take(payload, CHARTER, left),
    keys,
    successions,
    labels: readLabels(payload, left),
    releases: readReleases(payload, left),
    attachments: readAttachments(payload, left),
    log: readLog(payload, { periods: [...keys.keys()], successions: successions.length }, left),
    custody: parseCustody(take(payload, CUSTODY, left)),
  };
  for (const path of left) throw new EvidenceError("not-a-package", path);
  // Written again it must be the same bytes: one encoding, so that no file can say a thing in two ways.
  for (const [path, bytes] of sourceFiles(input)) {
    if (Buffer.compare(bytes, payload.get(path) ?? new Uint8Array()) !== 0)
      throw new EvidenceError("malformed", path);
  }
  return input;
}

/** EVI-19: of an order over both sides, the provider's statement and what each further account signed, one a line. */
function othersFiles({ statement, sides }: NonNullable<ReleaseInput["others"]>): [string, Uint8Array][] {
  const lines = sides.map((side) => `${JSON.stringify(otherSideMembers(side))}\n`).join("");
  return [
    [OTHERS, statement],
    [OTHER_SIDES, utf8(lines)],
  ];
}

function readOthers(payload: Files, left: Set<string>): NonNullable<ReleaseInput["others"]> {
  const statement = take(payload, OTHERS, left);
  const bytes = take(payload, OTHER_SIDES, left);
  const sides = reading(OTHER_SIDES, () =>
    fromUtf8(bytes, OTHER_SIDES)
      .split("\n")
      .slice(0, -1)
      .map((line) => readOtherSide(parseJson(utf8(line), OTHER_SIDES), OTHER_SIDES)),
  );
  return { statement, sides };
}

/** Time of the last custody step, which has to be "packaged". */
export function packagedAtOf(custody: readonly CustodyStep[]): CustodyStep["at"] {
  const last = custody.at(-1);
  if (last?.action !== "packaged") throw new EvidenceError("custody", CUSTODY);
  return last.at;
}

/** When a package says that it was made. Throws EvidenceError. */
export function packagedAt(files: Files): CustodyStep["at"] {
  const bytes = files.get(CUSTODY);
  if (bytes === undefined) throw new EvidenceError("not-a-package", CUSTODY);
  return packagedAtOf(parseCustody(bytes));
}

/**
 * Opens a release and makes the whole package of it. `finish` gets what was opened, to fetch what its messages name, and
 * gives what is still to come. Throws EvidenceError where something other than a message fails.
 */
export async function makePackage(
  begun: PackageInput,
  finish: (opened: OpenedRelease) => Promise<Pick<PackageInput, "attachments" | "custody">> = async () =>
    begun,
): Promise<{ readonly files: Files; readonly opened: OpenedRelease }> {
  const release = await openRelease({ ...begun, attachments: [] });
  const input = { ...begun, ...(await finish(release)) };
  const attachments = await checkAttachments(input.attachments ?? [], release.references);
  const opened = { ...release, attachments };
  const at = packagedAtOf(input.custody);
  const payload = new Map([...sourceFiles(input), ...derivedFiles(opened, input, at)]);
  const info = bagInfo(opened, payload, { packagedAt: at, page: PAGE_VERSION });
  return { files: makeBag(payload, info), opened };
}

/** {@link makePackage}, written as the new directory `directory`, whole or not at all. */
export async function writeEvidence(directory: string, input: PackageInput): Promise<OpenedRelease> {
  const { files, opened } = await makePackage(input);
  await writeFiles(directory, files);
  return opened;
}
