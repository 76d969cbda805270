// Primitive types of TS 103 280 and the dictionaries of TS 103 120, as far as the profile uses them.
import {
  type DayNumber,
  dayNumber,
  SECONDS_PER_DAY,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { z } from "zod";

export const shortString = z.string().min(1).max(255);
export const longString = z.string().min(1).max(65_535);
export const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
export const countryCode = z.string().regex(/^[A-Z]{2}$/);
/** TS 103 280 QualifiedDateTime: whole seconds with an offset. */
export const dateTime = z.string().refine((text) => secondsOf(text) !== null);
/** TS 103 280 QualifiedMicrosecondDateTime. */
export const microsecondDateTime = z
  .string()
  .regex(/\.[0-9]{6}(?:Z|[+-][0-9]{2}:[0-9]{2})$/)
  .refine((text) => secondsOf(text.replace(/\.[0-9]{6}/, "")) !== null);
/**
 * TS 103 280 LDID: country, owner, number. The length comes first: where one pattern has two parts of any length, it takes the
 * square of the text's length to say no.
 */
export const ldid = z.string().refine((text) => text.length <= 255 && /^[A-Z]{2}-.+-.+$/.test(text));
/** One class of characters, no group: V8's stack for repeated groups ends before a message of HI1-1 does. */
export const base64Text = z
  .string()
  .refine((text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text));

export type DictionaryEntry = {
  readonly "common:Owner": string;
  readonly "common:Name": string;
  readonly "common:Value": string;
};

/** An entry of one of ETSI's own dictionaries. */
export function etsiEntry<const V extends string>(name: string, values: readonly V[]) {
  return z.strictObject({
    "common:Owner": z.literal("ETSI"),
    "common:Name": z.literal(name),
    "common:Value": z.enum(values),
  });
}

/** An entry of a dictionary of the profile's owner; which values there are, the charter says (HI1-21). */
export const nationalEntry = z.strictObject({
  "common:Owner": shortString,
  "common:Name": shortString,
  "common:Value": shortString,
});

export function etsi<const N extends string, const V extends string>(name: N, value: V) {
  return { "common:Owner": "ETSI" as const, "common:Name": name, "common:Value": value };
}

export const AUTHORISATION_STATUS = [
  "AwaitingApproval",
  "EmergencyApproval",
  "Approved",
  "Rejected",
  "Suspended",
  "Cancelled",
  "Expired",
  "Invalid",
] as const;
export const LD_TASK_STATUS = [
  "AwaitingApproval",
  "AwaitingDisclosure",
  "Disclosed",
  "DisclosureNotAvailable",
  "Rejected",
  "Cancelled",
  "Error",
  "Invalid",
] as const;
export const LP_TASK_STATUS = [
  "AwaitingPreservation",
  "Preserved",
  "PreservationNotAvailable",
  "Rejected",
  "Cancelled",
  "Expired",
  "Error",
  "Invalid",
] as const;
export const DOCUMENT_STATUS = [
  "AwaitingApproval",
  "Approved",
  "Rejected",
  "Suspended",
  "Cancelled",
  "Expired",
  "Invalid",
] as const;
export const DELIVERY_STATUS = ["Available", "Acknowledged", "Received", "Expired", "Error"] as const;
/** What the quorum opens (StoredContentData) and what the provider itself answers, which is counted apart (HI1-30). */
export const REQUEST_TYPES = ["StoredContentData", "SubscriberData", "TrafficData"] as const;

const DATE_TIME = /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})$/;

/** Seconds of a QualifiedDateTime; null where it is none that the calendar has. */
export function secondsOf(text: string): UnixSeconds | null {
  const match = DATE_TIME.exec(text);
  if (match === null) return null;
  const [, date = "", hours = "", minutes = "", seconds = ""] = match;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const exists = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date);
  if (!exists || hours > "23" || minutes > "59" || seconds > "59") return null;
  const at = Date.parse(text) / 1000;
  return Number.isNaN(at) || at < 0 ? null : unixSeconds(at);
}

/** How instants are written here. */
export function dateTimeOf(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
}

/** The day that begins at this instant; null where none does (HI1-16). */
export function dayBeginning(text: string): DayNumber | null {
  const at = secondsOf(text);
  return at === null || at % SECONDS_PER_DAY !== 0 ? null : dayNumber(at / SECONDS_PER_DAY);
}

/** The day whose last second this is; null where it is no last second (HI1-16). */
export function dayEnding(text: string): DayNumber | null {
  const at = secondsOf(text);
  return at === null || (at + 1) % SECONDS_PER_DAY !== 0 ? null : dayNumber((at + 1) / SECONDS_PER_DAY - 1);
}
