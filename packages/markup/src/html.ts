import { createHash } from "node:crypto";

/**
 * Markup that this package made; only {@link html} and {@link join} make it, so no text gets into a page unescaped. It is
 * told by a private field, which nothing that was parsed can have: an object with a member `markup` is none.
 */
class Made {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get markup(): string {
    return this.#text;
  }

  static is(value: unknown): value is Made {
    return typeof value === "object" && value !== null && #text in value;
  }
}

export type Markup = Made;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// What is invisible, reorders its neighbours or is no character: shown by number, so that nothing that a sender typed
// can make a page read otherwise than the bytes do (EVI-52). Tab and line feed are left to the style sheet.
const HIDDEN =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Where a value stands: in the page's text, within a tag, or in an element whose text holds no elements. */
type Place = "text" | "tag" | "title" | "textarea";

function escape(text: string, place: Place): string {
  return text
    .replace(/[&<>"']/g, (char) => ENTITIES[char] as string)
    .replace(HIDDEN, (char) => {
      const code = (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0");
      switch (place) {
        case "text":
          return `<span class="hidden-char">U+${code}</span>`;
        case "title":
          return `U+${code}`;
        case "tag":
        case "textarea":
          // Sent back by a form as it came: what somebody wrote changes by no visit of a page. A control character
          // has no reference that gives it back.
          return char < "\u00a0" ? `U+${code}` : `&#x${code};`;
      }
    });
}

const places = new WeakMap<TemplateStringsArray, readonly Place[]>();

/** Of each value of a template, by the template's own text: no value can open or close anything. */
function placesIn(parts: TemplateStringsArray): readonly Place[] {
  const known = places.get(parts);
  if (known !== undefined) return known;
  let before = "";
  const found = parts.map((part): Place => {
    before += part;
    if (before.lastIndexOf("<") > before.lastIndexOf(">")) return "tag";
    const [, element] = /<(title|textarea)\b[^<>]*>[^<]*$/.exec(before) ?? [];
    return (element as Place | undefined) ?? "text";
  });
  places.set(parts, found);
  return found;
}

/**
 * Template of trusted markup; text and numbers are escaped. Throws TypeError for whatever else arrives where the types
 * were talked out of it.
 */
export function html(parts: TemplateStringsArray, ...values: readonly (Markup | string | number)[]): Markup {
  const standing = placesIn(parts);
  let markup = parts[0] as string;
  values.forEach((value, i) => {
    const text = Made.is(value) ? value.markup : escape(textOf(value), standing[i] as Place);
    markup += text + (parts[i + 1] as string);
  });
  return new Made(markup);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new TypeError("neither text nor markup of this package");
}

export function join(items: readonly Markup[]): Markup {
  return new Made(items.map((item) => (Made.is(item) ? item.markup : escape(textOf(item), "text"))).join(""));
}

export const NOTHING: Markup = new Made("");

/** What a page may do beside showing itself. */
export type PageOptions = {
  /** Address of the one script that it runs, of its own origin; the script may ask that origin and nothing else. */
  readonly script?: string;
  /** Its forms may be sent to its own origin, which is then told where they come from. */
  readonly forms?: boolean;
  /** It shows pictures of its own origin. */
  readonly pictures?: boolean;
};

/**
 * A whole page. Its policy (EVI-51) allows the one style sheet, by its hash, and nothing else: no script, no image, no
 * font, no connection, no form. With `script`, that script and its origin too; with `forms`, forms to its own origin; with `pictures`, pictures of it.
 */
export function page(
  title: string,
  style: string,
  body: Markup,
  { script, forms = false, pictures = false }: PageOptions = {},
): string {
  const hash = createHash("sha256").update(style).digest("base64");
  const scripted =
    script === undefined
      ? ""
      : "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; ";
  const policy = `default-src 'none'; ${scripted}${pictures ? "img-src 'self'; " : ""}style-src 'sha256-${hash}'; base-uri 'none'; form-action ${forms ? "'self'" : "'none'"}`;
  // Without a referrer a browser calls the origin of a form "null", and nobody could tell it from a foreign one.
  const referrer = forms ? "same-origin" : "no-referrer";
  const loaded = script === undefined ? NOTHING : html`<script type="module" src="${script}"></script>\n`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Made(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="${referrer}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Made(style)}</style>
${loaded}</head>
<body>
${body}
</body>
</html>
`.markup;
}
