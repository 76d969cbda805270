import type { Line } from "./evidence.ts";

/** What somebody looks for in opened messages. Empty members ask for nothing. */
export type Search = {
  /** Words that all have to be there, in any order; capitals do not matter. */
  readonly words: string;
  readonly from: string;
  /** YYYY-MM-DD */
  readonly day: string;
  /** "00" to "23", of one day. */
  readonly hour: string;
  readonly conversation: string;
  readonly onlyFiles: boolean;
};

export type Bar = { readonly key: string; readonly count: number };

export function searchOf(query: URLSearchParams): Search {
  const text = (name: string): string => (query.get(name) ?? "").slice(0, 500).trim();
  return {
    words: text("words"),
    from: text("from"),
    day: text("day"),
    hour: text("hour"),
    conversation: text("conversation"),
    onlyFiles: query.has("files"),
  };
}

/** The query of a page with this search. */
export function queryOf(search: Partial<Search>, page = 1): string {
  const query = new URLSearchParams();
  for (const name of ["words", "from", "day", "hour", "conversation"] as const) {
    const value = search[name] ?? "";
    if (value !== "") query.set(name, value);
  }
  if (search.onlyFiles === true) query.set("files", "yes");
  if (page > 1) query.set("page", String(page));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export function find(lines: readonly Line[], search: Search): Line[] {
  const words = search.words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return lines.filter((line) => {
    if (search.from !== "" && line.from !== search.from) return false;
    if (search.day !== "" && line.day !== search.day) return false;
    if (search.hour !== "" && hourOf(line) !== search.hour) return false;
    if (search.conversation !== "" && line.conversation !== search.conversation) return false;
    if (search.onlyFiles && line.attachments.length === 0) return false;
    if (words.length === 0) return true;
    const text = `${line.text} ${line.attachments.map(({ name }) => name).join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Messages a day; of one day, an hour. In order of time, those that are empty left out. */
export function timeline(lines: readonly Line[]): {
  readonly by: "day" | "hour";
  readonly bars: readonly Bar[];
} {
  const days = countBy(lines, ({ day }) => day);
  if (days.size !== 1) return { by: "day", bars: barsOf(days) };
  return { by: "hour", bars: barsOf(countBy(lines, hourOf)) };
}

/** The hour that the sender's device wrote; "?" where what it wrote is no time. */
function hourOf({ at }: Line): string {
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2}T([0-9]{2}):/.exec(at)?.[1] ?? "?";
}

function countBy(lines: readonly Line[], key: (line: Line) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(key(line), (counts.get(key(line)) ?? 0) + 1);
  return counts;
}

function barsOf(counts: ReadonlyMap<string, number>): Bar[] {
  return [...counts].map(([key, count]) => ({ key, count })).sort((a, b) => (a.key < b.key ? -1 : 1));
}
