import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Line = {
  readonly at: string;
  readonly from: string;
  readonly text: string;
  readonly kind?: "action";
};

const corpus = join(import.meta.dirname, "../../shared/data/support-chat");

/** Files of the real chats that lie beside some checkouts; none where they do not. */
export const realChats: readonly string[] = existsSync(corpus)
  ? readdirSync(corpus)
      .sort()
      .map((name) => join(corpus, name))
  : [];

export function linesOf(file: string): Line[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

export function temporary(name: string): string {
  return mkdtempSync(join(tmpdir(), `porchlight-${name}-`));
}

export function writeChat(lines: readonly Line[]): string {
  const file = join(temporary("chat"), "chat.jsonl");
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

const PEOPLE = ["ada", "bo", "cem", "dee"];
/** A sentence with markup, a bidi override, stacked marks and a line separator. */
export const HOSTILE =
  "<script>alert(1)</script> \u202Eevil\u202C z\u0337\u0322a\u0334lgo \u2028 'quoted' \u{1F511}";

/** A chat of our own writing over three days and two key periods: four people, one of them absent on the second day. */
export const ownChat: readonly Line[] = ["2020-01-30", "2020-01-31", "2020-02-01"].flatMap((date, day) =>
  Array.from({ length: 14 }, (_, i): Line => {
    const from = PEOPLE[(i * 3 + day) % (day === 1 ? 3 : 4)] as string;
    const text = i === 5 ? HOSTILE : `On ${date} ${from} says sentence number ${i} about the lost ladder.`;
    return {
      at: `${date}T${String(8 + Math.floor(i / 3)).padStart(2, "0")}:${String(10 + i).padStart(2, "0")}:00Z`,
      from,
      text,
      ...(i === 7 ? { kind: "action" as const } : {}),
    };
  }),
);
