import type { DayNumber } from "@porchlight/encoding";
import { Fragment, type ReactNode } from "react";
import { isolated } from "../text/marks.ts";
import { type Key, locale, phrase, type Values } from "./catalogue.ts";

export { locale };

const HOLE = /\{([a-zA-Z]+)\}/;
const HOLES = new RegExp(HOLE, "g");

/** A phrase as text, for labels and titles. Values are isolated, so that a name never turns the sentence around. */
export function say<K extends Key>(key: K, ...[values]: Values<K, string | number>): string {
  const given = (values ?? {}) as Readonly<Record<string, string | number>>;
  return phrase(key, given["count"]).replace(HOLES, (_, name: string) => {
    const value = given[name] ?? "";
    return typeof value === "number" ? number(value) : isolated(value);
  });
}

/** A phrase as content, whose values may be elements. */
export function Say<K extends Key>(
  props: { readonly k: K } & (Values<K, ReactNode> extends [infer V]
    ? { readonly v: V }
    : { readonly v?: never }),
): ReactNode {
  const given = ((props as { v?: unknown }).v ?? {}) as Readonly<Record<string, ReactNode>>;
  const parts = phrase(props.k, given["count"]).split(HOLE);
  return parts.map((part, i) => {
    if (i % 2 === 0) return <Fragment key={i}>{part}</Fragment>;
    const value = given[part];
    return (
      <Fragment key={i}>
        {typeof value === "number" ? number(value) : typeof value === "string" ? <bdi>{value}</bdi> : value}
      </Fragment>
    );
  });
}

const numbers = new Intl.NumberFormat(locale);
const times = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
const days = new Intl.DateTimeFormat(locale, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});
const shortDays = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const dates = new Intl.DateTimeFormat(locale, {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

export function number(value: number): string {
  return numbers.format(value);
}

/** Unix seconds as the time of day where the reader is. */
export function timeOfDay(at: number): string {
  return times.format(at * 1000);
}

export function longDay(at: number): string {
  return days.format(at * 1000);
}

/** Time of today's, day of older. */
export function shortWhen(at: number, now: number): string {
  const same = new Date(at * 1000).toDateString() === new Date(now * 1000).toDateString();
  return same ? timeOfDay(at) : shortDays.format(at * 1000);
}

/** A UTC day number as a date: days of keys and charters are UTC days everywhere. */
export function utcDate(day: DayNumber | number): string {
  return dates.format(day * 86_400_000);
}

/** The UTC date of a moment, for what is dated in a public document. */
export function utcDateOf(at: number): string {
  return dates.format(at * 1000);
}

const UNITS = ["B", "kB", "MB", "GB"] as const;

export function fileSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${number(value < 10 && unit > 0 ? Math.round(value * 10) / 10 : Math.round(value))} ${UNITS[unit]}`;
}
