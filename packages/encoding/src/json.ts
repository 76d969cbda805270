import { EncodingError } from "./error.ts";
import { fromUtf8 } from "./text.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

const MAX_DEPTH = 32;
const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20] as const;

/**
 * Strict JSON (ENC-4): RFC 8259 without insignificant white space left open to abuse — duplicate member names,
 * `__proto__`, lone surrogates, numbers that are not safe integers and nesting deeper than 32 are refused.
 * Bytes after the value are refused.
 */
export function parseJson(bytes: Uint8Array, field = "json"): Json {
  const text = fromUtf8(bytes, field);
  let at = 0;

  const fail = (code: "not-json" | "duplicate-key" | "out-of-range" | "trailing-bytes"): never => {
    throw new EncodingError(code, field);
  };
  const space = (): void => {
    while (text[at] === " " || text[at] === "\n" || text[at] === "\t" || text[at] === "\r") at++;
  };
  const string = (): string => {
    const end = endOfString(text, at);
    if (end === null) return fail("not-json");
    const quoted = text.slice(at, end);
    at = end;
    const value = JSON.parse(quoted) as string;
    return value.isWellFormed() ? value : fail("not-json");
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) return fail("out-of-range");
    space();
    const char = text[at];
    if (char === "{") {
      const members = new Map<string, Json>();
      at++;
      space();
      if (text[at] === "}") {
        at++;
        return {};
      }
      for (;;) {
        space();
        const name = string();
        if (members.has(name) || name === "__proto__") fail("duplicate-key");
        space();
        if (text[at++] !== ":") fail("not-json");
        members.set(name, value(depth + 1));
        space();
        const next = text[at++];
        if (next === "}") return Object.fromEntries(members);
        if (next !== ",") fail("not-json");
      }
    }
    if (char === "[") {
      const items: Json[] = [];
      at++;
      space();
      if (text[at] === "]") {
        at++;
        return items;
      }
      for (;;) {
        items.push(value(depth + 1));
        space();
        const next = text[at++];
        if (next === "]") return items;
        if (next !== ",") fail("not-json");
      }
    }
    if (char === '"') return string();
    for (const [word, meaning] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    const number = /-?(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y;
    number.lastIndex = at;
    const match = number.exec(text);
    if (match === null || match[0] === "-0") return fail("not-json");
    at += match[0].length;
    const parsed = Number(match[0]);
    return Number.isSafeInteger(parsed) ? parsed : fail("out-of-range");
  };

  const result = value(0);
  space();
  if (at !== text.length) fail("trailing-bytes");
  return result;
}

const ESCAPED = new Set('"\\/bfnrt');
const HEX_DIGITS = /[0-9a-fA-F]{4}/y;

/**
 * The index behind the string that begins at `from`; `null` where none does. Read step by step: the stack on which V8 runs a
 * pattern that repeats a group is finite, and whoever writes the text chooses its length.
 */
function endOfString(text: string, from: number): number | null {
  if (text[from] !== '"') return null;
  let at = from + 1;
  for (;;) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) return at + 1;
    // Not a number behind the end of the text.
    if (!(char >= SPACE)) return null;
    if (char !== BACKSLASH) {
      at++;
      continue;
    }
    const escaped = text.charAt(at + 1);
    HEX_DIGITS.lastIndex = at + 2;
    if (escaped === "u" ? !HEX_DIGITS.test(text) : !ESCAPED.has(escaped)) return null;
    at += escaped === "u" ? 6 : 2;
  }
}

/** Typed access to a JSON object of which every member must be read: {@link Fields.end} refuses unknown ones. */
export class Fields {
  readonly #object: JsonObject;
  readonly #where: string;
  readonly #left: Set<string>;

  constructor(value: Json | undefined, where: string) {
    if (value === undefined) throw new EncodingError("missing-field", where);
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw new EncodingError("wrong-type", where);
    }
    this.#object = value as JsonObject;
    this.#where = where;
    this.#left = new Set(Object.keys(this.#object));
  }

  /** The member itself; `undefined` where it is absent. */
  optional(name: string): Json | undefined {
    this.#left.delete(name);
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  json(name: string): Json {
    const value = this.optional(name);
    if (value === undefined) throw new EncodingError("missing-field", `${this.#where}.${name}`);
    return value;
  }

  string(name: string, maximum = 1000): string {
    const value = this.json(name);
    if (typeof value !== "string") throw new EncodingError("wrong-type", `${this.#where}.${name}`);
    if (value.length > maximum) throw new EncodingError("too-long", `${this.#where}.${name}`);
    return value;
  }

  integer(name: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): number {
    const value = this.json(name);
    if (typeof value !== "number") throw new EncodingError("wrong-type", `${this.#where}.${name}`);
    if (value < minimum || value > maximum) throw new EncodingError("out-of-range", `${this.#where}.${name}`);
    return value;
  }

  boolean(name: string): boolean {
    const value = this.json(name);
    if (typeof value !== "boolean") throw new EncodingError("wrong-type", `${this.#where}.${name}`);
    return value;
  }

  literal<const T extends string | number>(name: string, ...allowed: readonly T[]): T {
    const value = this.json(name);
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw new EncodingError("out-of-range", `${this.#where}.${name}`);
    return found;
  }

  array<T>(name: string, item: (value: Json, where: string) => T, maximum = 1000): T[] {
    const value = this.json(name);
    if (!Array.isArray(value)) throw new EncodingError("wrong-type", `${this.#where}.${name}`);
    if (value.length > maximum) throw new EncodingError("too-long", `${this.#where}.${name}`);
    return value.map((entry: Json, index) => item(entry, `${this.#where}.${name}[${index}]`));
  }

  object(name: string): Fields {
    return new Fields(this.json(name), `${this.#where}.${name}`);
  }

  /** Refuses members that nothing read. */
  end(): void {
    for (const name of this.#left)
      throw new EncodingError("unknown-field", `${this.#where}.${name.slice(0, 40)}`);
  }
}

/** A JSON string value, or a typed refusal. */
export function asString(value: Json, where: string, maximum = 1000): string {
  if (typeof value !== "string") throw new EncodingError("wrong-type", where);
  if (value.length > maximum) throw new EncodingError("too-long", where);
  return value;
}
