// When what an issuer says of its order later counts: the log holds it, and an extension keeps to the charter's bounds.
import { verifyEntrySignature } from "@porchlight/charter";
import { type DayNumber, dayOf, dayStart, periodOf } from "@porchlight/encoding";
import { type Direction, directionOf, type VerifiedDirection } from "./direction.ts";
import { evaluate, type Rule } from "./evaluate.ts";
import { type LogFacts, logFacts, type OrderInput } from "./facts.ts";
import type { Refused } from "./gate.ts";
import { directionEntries } from "./log-view.ts";
import { viewRules } from "./rules.ts";
import { noticeDue, secrecyEnds } from "./secrecy.ts";

/** Seconds before the end of secrecy by which an extension has to be witnessed (DIR-8). */
export const EXTENSION_NOTICE = 86_400;

type DirectionFacts = LogFacts & {
  readonly direction: Direction;
  /** The entry that stands for it, at the index where it is said to be. */
  readonly logged: ReturnType<typeof directionEntries>[number] | null;
  /** When secrecy ends without it, early releases left aside. */
  readonly due: DayNumber;
  readonly told: boolean;
};

function directionIsLogged({ logged }: DirectionFacts): boolean {
  return logged !== null;
}

function intakeSignedIt({ logged, warrant }: DirectionFacts): boolean {
  return logged === null || verifyEntrySignature(logged.entry, warrant.charter);
}

function orderIsSecret({ direction, warrant }: DirectionFacts): boolean {
  return direction.kind !== "extension" || warrant.document.disclosure.kind === "secret";
}

function movesForward({ direction, due }: DirectionFacts): boolean {
  return direction.kind !== "extension" || direction.until > due;
}

function staysWithinTheLongestSecrecy({ direction, warrant }: DirectionFacts): boolean {
  const { document, charter } = warrant;
  return (
    direction.kind !== "extension" || direction.until <= dayOf(document.issued) + charter.longestSecrecyDays
  );
}

function cameInTime({ direction, due, at }: DirectionFacts): boolean {
  return direction.kind !== "extension" || at <= dayStart(due) - EXTENSION_NOTICE;
}

function nobodyWasTold({ direction, told }: DirectionFacts): boolean {
  return direction.kind !== "extension" || !told;
}

const placeRules: readonly Rule<DirectionFacts>[] = Object.freeze([
  ...viewRules,
  {
    id: "DIR-3",
    code: "direction-not-logged",
    reason: "The public log does not hold this direction at the place that was named.",
    waits: true,
    holds: directionIsLogged,
  },
  {
    id: "DIR-4",
    code: "direction-intake-invalid",
    reason: "The entry of the direction was not admitted by the charter's intake.",
    holds: intakeSignedIt,
  },
] as const);

/** What a direction has to keep to wherever it is logged. */
const boundRules: readonly Rule<DirectionFacts>[] = Object.freeze([
  {
    id: "DIR-5",
    code: "extension-not-secret",
    reason: "The order is not secret: there is nothing to extend.",
    holds: orderIsSecret,
  },
  {
    id: "DIR-6",
    code: "extension-shorter",
    reason: "The extension does not end later than the secrecy that it extends.",
    holds: movesForward,
  },
  {
    id: "DIR-7",
    code: "extension-too-long",
    reason: "With the extension the order would be secret for longer than the charter allows.",
    holds: staysWithinTheLongestSecrecy,
  },
  {
    id: "DIR-8",
    code: "extension-too-late",
    reason: "The extension was not witnessed twenty-four hours before the secrecy that it extends ends.",
    holds: cameInTime,
  },
  {
    id: "DIR-10",
    code: "already-told",
    reason: "The persons are told already: a release of the notices came before the extension.",
    holds: nobodyWasTold,
  },
] as const);

export const directionRules = Object.freeze([...placeRules, ...boundRules]);

/** DIR-5 to DIR-10, as if the direction came next in the log: what the intake asks before it logs it. */
export function checkDirectionDraft(
  input: OrderInput,
  verified: VerifiedDirection,
): { readonly kind: "clear" } | Refused {
  const refusal = evaluate(boundRules, directionFacts(input, { verified, at: Number.POSITIVE_INFINITY }));
  return refusal === null ? { kind: "clear" } : { kind: "refused", ...refusal };
}

/**
 * DIR-3 to DIR-10: whether a direction of the issuer counts, on one witnessed view. `input.directions` are those that
 * counted before it; `at` is where the log is said to hold it. Pure; throws EncodingError as `passGate` does.
 */
export function checkDirection(
  input: OrderInput,
  { verified, at }: { readonly verified: VerifiedDirection; readonly at: number },
): { readonly kind: "counts" } | Refused {
  const facts = directionFacts(input, { verified, at });
  const refusal = evaluate(directionRules, facts);
  return refusal === null ? { kind: "counts" } : { kind: "refused", ...refusal };
}

/** What the rules of directions look at. */
export function directionFacts(
  input: OrderInput,
  { verified, at }: { readonly verified: VerifiedDirection; readonly at: number },
): DirectionFacts {
  const facts = logFacts(input);
  const { warrant, opening, view } = input;
  const { direction } = verified;
  const entries = directionEntries(view, warrant.charter, facts.commitment);
  const logged =
    entries.find(
      ({ index, entry }) =>
        index === at &&
        directionOf(entry, opening, [verified]) !== null &&
        (entry.type !== "extension" ||
          (direction.kind === "extension" && entry.secretUntil === periodOf(direction.until))),
    ) ?? null;
  // Only what came before it in the log: the lower index wins.
  const before = { ...view, entries: view.entries.filter(({ index }) => index < at) };
  const directions = input.directions.filter((one) => one.direction.kind === "extension");
  const due = noticeDue({ ...input, view: before, directions });
  const told = entries.some(
    ({ index, entry }) =>
      index < at && entry.type === "notice-release" && directionOf(entry, opening, input.directions) !== null,
  );
  return {
    ...facts,
    direction,
    logged,
    due: due?.day ?? secrecyEnds(warrant.document, facts.loggedDay),
    told,
  };
}
