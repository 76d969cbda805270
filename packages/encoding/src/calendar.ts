import { type DayNumber, dayNumber, type Period, type UnixSeconds, unixSeconds } from "./brands.ts";
import { EncodingError } from "./error.ts";

export const SECONDS_PER_DAY = 86_400;

/** The UTC day that an instant falls on. */
export function dayOf(at: UnixSeconds): DayNumber {
  return dayNumber(Math.floor(at / SECONDS_PER_DAY));
}

/** First second of a UTC day. */
export function dayStart(day: DayNumber): UnixSeconds {
  return unixSeconds(day * SECONDS_PER_DAY);
}

/** `YYYY-MM-DD`, existing dates only. */
export function parseDay(text: string, field = "day"): DayNumber {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) throw new EncodingError("not-canonical", field);
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds)) throw new EncodingError("out-of-range", field);
  const day = dayNumber(Math.floor(milliseconds / 1000 / SECONDS_PER_DAY));
  if (formatDay(day) !== text) throw new EncodingError("out-of-range", field);
  return day;
}

export function formatDay(day: DayNumber): string {
  return new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
}

/** `YYYY-MM-DDTHH:MM:SSZ`, the only form accepted. */
export function parseInstant(text: string, field = "instant"): UnixSeconds {
  const milliseconds = Date.parse(text);
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(text) || Number.isNaN(milliseconds)) {
    throw new EncodingError("not-canonical", field);
  }
  const at = unixSeconds(milliseconds / 1000);
  if (formatInstant(at) !== text) throw new EncodingError("out-of-range", field);
  return at;
}

export function formatInstant(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
}

/** QUO-1: the day fixes the key period, its calendar month. */
export function periodOf(day: DayNumber): Period {
  return formatDay(day).slice(0, 7) as Period;
}

export function parsePeriod(text: string, field = "period"): Period {
  if (!/^[0-9]{4}-(?:0[1-9]|1[0-2])$/.test(text)) throw new EncodingError("not-canonical", field);
  return text as Period;
}

/** The last UTC day of a calendar month. */
export function lastDayOf(period: Period): DayNumber {
  const [year = 0, month = 0] = period.split("-").map(Number);
  const next = month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, "0")}-01`;
  return dayNumber(parseDay(next) - 1);
}
