import type { CharterId, Commitment, KeyholderIndex, Period } from "@porchlight/encoding";
import { GateError } from "./error.ts";
import { type LabelRequest, nameOfLabel } from "./labels.ts";

declare const granted: unique symbol;

/**
 * What one keyholder may release, to whom and why: exactly the labels that passed the gate. Made by `passGate` alone,
 * also at run time: a copy or a look-alike releases nothing.
 */
export type Grant = {
  readonly charter: CharterId;
  readonly keyholder: KeyholderIndex;
  readonly commitment: Commitment;
  /** T, 96 hex digits: the only key that can read what is released. */
  readonly requesterPoint: string;
  /** Base64 of the X-Wing key to which the bundle is sealed. */
  readonly requesterKey: string;
  readonly labels: readonly LabelRequest[];
  readonly generations: ReadonlyMap<Period, number>;
  /** The slot of the log in which the intent stands, 64 hex digits. */
  readonly intent: string;
  readonly [granted]: true;
};

/** Every grant that was made here, and its labels by name: out of reach of whoever holds the grant. */
const grants = new WeakMap<object, ReadonlySet<string>>();

/** For gate.ts only; the package does not export it. */
export function makeGrant(content: Omit<Grant, typeof granted>): Grant {
  const labels = Object.freeze(content.labels.map((label) => Object.freeze({ ...label })));
  const grant = Object.freeze({ ...content, labels, generations: new Map(content.generations) });
  grants.set(grant, new Set(labels.map(nameOfLabel)));
  return grant as unknown as Grant;
}

/** The names of a grant's labels. Throws GateError "not-granted" for anything that {@link makeGrant} did not make. */
export function checkGrant(grant: Grant): ReadonlySet<string> {
  const names = grants.get(grant);
  if (names === undefined) throw notGranted();
  return names;
}

export function notGranted(): GateError {
  return new GateError({
    rule: "GATE-30",
    code: "not-granted",
    reason: "What is to be released did not pass the gate.",
    waits: false,
  });
}
