import {
  asString,
  type CharterId,
  type Commitment,
  charterId,
  commitment,
  concat,
  EncodingError,
  equalBytes,
  Fields,
  fromBase64,
  fromHex,
  hex,
  idBytes,
  type Json,
  type KeyholderIndex,
  keyholderIndex,
  parseJson,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { type AccessLabel, accessLabel, parseAccessLabel } from "@porchlight/envelope";
import {
  type Curve,
  type KeyShare,
  openFrom,
  PARTIAL_LENGTH,
  partialRelease,
  type Random,
  sealTo,
} from "@porchlight/quorum";
import { checkGrant, type Grant, notGranted } from "./grant.ts";
import { readGenerations, type ShareGeneration, slotOf } from "./intent.ts";
import { areCanonical, MAX_LABELS } from "./labels.ts";

/** A share in use: one key period's, of one generation, with that period's master public key (96 B). */
export type HeldShare = { readonly generation: number; readonly share: KeyShare; readonly mpk: Uint8Array };

export type ReleasedPartial = {
  readonly label: AccessLabel;
  /** Encrypted partial key, 192 B (REL-2). */
  readonly partial: Uint8Array;
};

/** What one keyholder releases for one order (BUN-4). */
export type Bundle = {
  readonly charter: CharterId;
  readonly keyholder: KeyholderIndex;
  readonly generations: readonly ShareGeneration[];
  readonly commitment: Commitment;
  /** Ascending by the labels' bytes. */
  readonly partials: readonly ReleasedPartial[];
};

const INFO = utf8("porchlight-v1/bundle");
const RANDOM_LENGTH = 32;

/**
 * The share's only use: one label of a grant, encrypted to the grant's requester. Some 10 ms of work, 2 on an accelerated `curve`; between
 * two labels the caller can let other work through. Throws GateError "not-granted" for a grant that `passGate` did not make,
 * a label that it does not hold and a share of another keyholder or generation.
 */
export function releaseLabel(
  grant: Grant,
  label: AccessLabel,
  held: HeldShare,
  random: Random,
  curve?: Curve,
): ReleasedPartial {
  const granted = checkGrant(grant);
  const bytes = accessLabel(label);
  const asked = granted.has(hex(bytes));
  const fits =
    held.share.keyholder === grant.keyholder &&
    held.generation === grant.generations.get(periodOf(label.day));
  if (!asked || !fits) throw notGranted();
  const requester = fromHex(grant.requesterPoint, 48);
  const partial = partialRelease({
    share: held.share,
    mpk: held.mpk,
    label: bytes,
    requester,
    random,
    curve,
  });
  return { label, partial };
}

/** The bundle of a grant. Throws GateError "not-granted" unless there is one partial for each of its labels. */
export function makeBundle(grant: Grant, partials: readonly ReleasedPartial[]): Bundle {
  checkGrant(grant);
  const whole =
    partials.length === grant.labels.length &&
    grant.labels.every(
      (label, i) => hex(accessLabel(label)) === hex(accessLabel(partials[i]?.label ?? label)),
    );
  if (!whole) throw notGranted();
  const { charter, keyholder, commitment, generations } = grant;
  return {
    charter,
    keyholder,
    generations: [...generations].map(([period, generation]) => ({ period, generation })),
    commitment,
    partials,
  };
}

/** The canonical bytes under the release's commitment in the log. */
export function formatBundle(bundle: Bundle): Uint8Array {
  return utf8(
    JSON.stringify({
      version: 1,
      charter: bundle.charter,
      keyholder: bundle.keyholder,
      generations: bundle.generations.map(({ period, generation }) => ({ period, generation })),
      commitment: bundle.commitment,
      partials: bundle.partials.map(({ label, partial }) => ({
        label: hex(accessLabel(label)),
        partial: hex(partial),
      })),
    }),
  );
}

/** Strict inverse of {@link formatBundle}; the partials' points are not looked at. Throws EncodingError. */
export function parseBundle(bytes: Uint8Array): Bundle {
  const fields = new Fields(parseJson(bytes, "bundle"), "bundle");
  fields.literal("version", 1);
  const bundle: Bundle = {
    charter: charterId(fields.string("charter")),
    keyholder: keyholderIndex(fields.integer("keyholder")),
    generations: readGenerations(fields, "bundle"),
    commitment: commitment(fields.string("commitment")),
    partials: fields.array("partials", readPartial, MAX_LABELS),
  };
  fields.end();
  const canonical =
    areCanonical(bundle.partials.map(({ label }) => label)) && equalBytes(formatBundle(bundle), bytes);
  if (!canonical) throw new EncodingError("not-canonical", "bundle");
  return bundle;
}

/**
 * BUN-5: seals a bundle to the requester that its grant names. `random` (32 B) goes along inside and makes the release's
 * slot in the log; `seed` is 64 fresh random bytes.
 */
export function sealBundle(
  grant: Grant,
  bundle: Bundle,
  { random, seed }: { readonly random: Uint8Array; readonly seed: Uint8Array },
): { readonly sealed: Uint8Array; readonly slot: string } {
  checkGrant(grant);
  if (bundle.commitment !== grant.commitment || bundle.keyholder !== grant.keyholder) throw notGranted();
  const bytes = formatBundle(bundle);
  const requester = fromBase64(grant.requesterKey, 1216);
  return {
    sealed: sealTo(requester, concat(random, bytes), INFO, context(bundle), seed),
    slot: slotOf(random, bytes),
  };
}

/**
 * The requester's side of {@link sealBundle}. Throws QuorumError "refused" for altered bytes and for another order's or
 * keyholder's bundle, EncodingError for a malformed one. The partials are still to be verified.
 */
export function openBundle(
  sealed: Uint8Array,
  secret: Uint8Array,
  expected: Pick<Bundle, "charter" | "commitment" | "keyholder">,
): {
  readonly bundle: Bundle;
  readonly bytes: Uint8Array;
  /** 32 bytes: with them anyone can see that the slot in the log is of these bytes. */
  readonly random: Uint8Array;
  readonly slot: string;
} {
  const plaintext = openFrom(secret, sealed, INFO, context(expected));
  const bytes = plaintext.slice(RANDOM_LENGTH);
  const bundle = parseBundle(bytes);
  if (
    bundle.charter !== expected.charter ||
    bundle.commitment !== expected.commitment ||
    bundle.keyholder !== expected.keyholder
  ) {
    throw new EncodingError("not-canonical", "bundle");
  }
  const random = plaintext.slice(0, RANDOM_LENGTH);
  return { bundle, bytes, random, slot: slotOf(random, bytes) };
}

function context({ charter, commitment, keyholder }: Pick<Bundle, "charter" | "commitment" | "keyholder">) {
  return concat(idBytes(charter), idBytes(commitment), Uint8Array.of(keyholder));
}

function readPartial(value: Json, where: string): ReleasedPartial {
  const fields = new Fields(value, where);
  const partial = {
    label: parseAccessLabel(fromHex(asString(fields.json("label"), `${where}.label`), undefined, where)),
    partial: fromHex(asString(fields.json("partial"), `${where}.partial`), PARTIAL_LENGTH, where),
  };
  fields.end();
  return partial;
}
