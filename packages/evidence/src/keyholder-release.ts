import type { Charter, Keyholder } from "@porchlight/charter";
import {
  type Commitment,
  EncodingError,
  Fields,
  fromHex,
  fromUtf8,
  hex,
  type KeyholderIndex,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { accessLabel } from "@porchlight/envelope";
import { type Bundle, parseBundle, slotOf } from "@porchlight/gate";
import { EvidenceError } from "./error.ts";
import type { Files } from "./files.ts";
import type { LogFacts } from "./log-extract.ts";
import { LABEL_KEYS, type ReleasedLabel, reading, take } from "./material.ts";

/** What one keyholder released: the bundle's exact bytes, and the 32 bytes with which they are one slot in the log. */
export type KeyholderRelease = { readonly bundle: Uint8Array; readonly random: Uint8Array };

/** A release as the log knows it: who held the place then, and the entry that commits to exactly these bytes. */
export type ReleaseFacts = {
  readonly keyholder: KeyholderIndex;
  readonly holder: Keyholder;
  readonly logIndex: number;
};

const PATH = /^data\/releases\/keyholder-[0-9]{3}-[0-9]{4}\.json$/;

function pathOf(keyholder: number, release: number): string {
  const digits = (value: number, length: number) => String(value).padStart(length, "0");
  return `data/releases/keyholder-${digits(keyholder, 3)}-${digits(release, 4)}.json`;
}

/** EVI-17: one file a bundle, named by its keyholder's index in the charter and, from 1, by which of its bundles it is. */
export function releaseFiles(releases: readonly KeyholderRelease[]): Files {
  const files = new Map<string, Uint8Array>();
  const counts = new Map<number, number>();
  for (const { bundle, random } of releases) {
    const { keyholder } = parseBundle(bundle);
    const count = (counts.get(keyholder) ?? 0) + 1;
    counts.set(keyholder, count);
    const path = pathOf(keyholder, count);
    files.set(path, utf8(`{"random":"${hex(random)}","bundle":${fromUtf8(bundle, path)}}\n`));
  }
  return files;
}

/** Strict inverse of {@link releaseFiles}, by keyholder. */
export function readReleases(files: Files, left: Set<string>): KeyholderRelease[] {
  const counts = new Map<number, number>();
  return [...files.keys()]
    .filter((path) => PATH.test(path))
    .sort()
    .map((path) => {
      const bytes = take(files, path, left);
      return reading(path, () => {
        const fields = new Fields(parseJson(bytes, path), path);
        const random = fromHex(fields.string("random", 64), 32, path);
        fields.json("bundle");
        fields.end();
        const text = fromUtf8(bytes, path);
        // The bundle's bytes as they were sealed, not a rewritten JSON of them.
        const bundle = utf8(text.slice(text.indexOf('"bundle":') + '"bundle":'.length, -"}\n".length));
        const { keyholder } = parseBundle(bundle);
        const count = (counts.get(keyholder) ?? 0) + 1;
        counts.set(keyholder, count);
        if (pathOf(keyholder, count) !== path) throw new EncodingError("not-canonical", path);
        return { bundle, random };
      });
    });
}

/**
 * EVI-66: each bundle is of this order and of whoever held a keyholder's place and committed to it in the log after the
 * order, and at least t distinct keyholders' bundles cover every label. Who released is told by the log alone: whoever
 * has t partials can compute another keyholder's.
 */
export function checkReleases(
  releases: readonly KeyholderRelease[],
  order: {
    readonly charter: Charter;
    readonly commitment: Commitment;
    readonly labels: readonly ReleasedLabel[];
    readonly log: LogFacts;
  },
): ReleaseFacts[] {
  const { charter, commitment, log } = order;
  const covered = new Map<string, Set<KeyholderIndex>>();
  const facts = releases.map(({ bundle: bytes, random }) => {
    const bundle: Bundle = parseBundle(bytes);
    const { keyholder } = bundle;
    const path = pathOf(keyholder, 1);
    const known = charter.keyholders.some(({ index }) => index === keyholder);
    if (!known || bundle.charter !== charter.id || bundle.commitment !== commitment) {
      throw new EvidenceError("release", path);
    }
    for (const { label } of bundle.partials) {
      const name = hex(accessLabel(label));
      covered.set(name, (covered.get(name) ?? new Set()).add(keyholder));
    }
    // Distinct bundles of one keyholder never count as two keyholders: `covered` holds keyholders, not bundles.
    const slot = log.slots.get(slotOf(random, bytes));
    if (slot?.keyholder.index !== keyholder) {
      throw new EvidenceError("release", path, { cause: "not in the log" });
    }
    return { keyholder, holder: slot.keyholder, logIndex: slot.index };
  });
  for (const { label } of order.labels) {
    if ((covered.get(hex(accessLabel(label)))?.size ?? 0) < charter.threshold) {
      throw new EvidenceError("release", LABEL_KEYS);
    }
  }
  return facts.sort((a, b) => a.keyholder - b.keyholder || a.logIndex - b.logIndex);
}
