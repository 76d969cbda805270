import { readFileSync } from "node:fs";
import {
  asString,
  type DayNumber,
  dayOf,
  EncodingError,
  Fields,
  parseInstant,
  parseJson,
  type UnixSeconds,
} from "@porchlight/encoding";
import { DeploymentError } from "./error.ts";

/** One line of a chat file: JSON with `at`, `from`, `text`, and `kind: "action"` where it is not plain speech. */
export type ChatLine = {
  readonly at: string;
  readonly time: UnixSeconds;
  readonly from: string;
  readonly text: string;
  readonly kind?: "action";
};

/** All lines of one UTC day, in order. */
export type ChatDay = { readonly day: DayNumber; readonly lines: readonly ChatLine[] };

const MAX_LINE_BYTES = 64 * 1024;

function parseLine(bytes: Uint8Array): ChatLine {
  if (bytes.length > MAX_LINE_BYTES) throw new EncodingError("too-long", "line");
  const fields = new Fields(parseJson(bytes, "line"), "line");
  const at = fields.string("at", 20);
  const from = fields.string("from", 100);
  if (from.length === 0) throw new EncodingError("out-of-range", "line.from");
  const text = fields.string("text", MAX_LINE_BYTES);
  const kind = fields.optional("kind");
  fields.end();
  if (kind !== undefined && asString(kind, "line.kind") !== "action") {
    throw new EncodingError("out-of-range", "line.kind");
  }
  return {
    at,
    time: parseInstant(at, "line.at"),
    from,
    text,
    ...(kind === undefined ? {} : { kind: "action" }),
  };
}

/** Reads chat files (JSON lines, UTF-8) and returns their days in order. Names the file and line it cannot read. */
export function readChats(files: readonly string[]): ChatDay[] {
  const lines: ChatLine[] = [];
  for (const file of files) {
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (cause) {
      throw new DeploymentError("chat-invalid", `${file} cannot be read: does the file exist?`, { cause });
    }
    let start = 0;
    let number = 1;
    while (start < bytes.length) {
      const newline = bytes.indexOf(0x0a, start);
      const end = newline === -1 ? bytes.length : newline;
      if (end > start) {
        try {
          lines.push(parseLine(bytes.subarray(start, end)));
        } catch (cause) {
          const why = cause instanceof EncodingError ? `${cause.field}: ${cause.code}` : "unreadable";
          throw new DeploymentError(
            "chat-invalid",
            `${file}, line ${number}: ${why}. A line is {"at":"YYYY-MM-DDTHH:MM:SSZ","from":NAME,"text":TEXT}`,
            { cause },
          );
        }
      }
      start = end + 1;
      number++;
    }
  }
  if (lines.length === 0) throw new DeploymentError("chat-empty", "the chat files hold no message");
  // Stable: lines of the same second keep the order they have in their file.
  lines.sort((a, b) => a.time - b.time);
  const days = new Map<DayNumber, ChatLine[]>();
  for (const line of lines) {
    const day = dayOf(line.time);
    const existing = days.get(day);
    if (existing === undefined) days.set(day, [line]);
    else existing.push(line);
  }
  return [...days].map(([day, dayLines]) => ({ day, lines: dayLines }));
}

/** The people of a chat, in order of first appearance. */
export function speakersOf(days: readonly ChatDay[]): string[] {
  return [...new Set(days.flatMap((day) => day.lines.map((line) => line.from)))];
}
