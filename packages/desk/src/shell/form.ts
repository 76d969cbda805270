import { asProse } from "@porchlight/charter";
import { EncodingError } from "@porchlight/encoding";
import { DeskError } from "./error.ts";

const MAX_FIELDS = 2000;

export type Upload = { readonly name: string; readonly bytes: Uint8Array };

/** What a form brought. Line ends are line feeds; control characters are refused. */
export class Form {
  readonly #texts: ReadonlyMap<string, readonly string[]>;
  readonly #files: ReadonlyMap<string, Upload>;

  constructor(texts: ReadonlyMap<string, readonly string[]>, files: ReadonlyMap<string, Upload>) {
    this.#texts = texts;
    this.#files = files;
  }

  /** Trimmed; "" where it is absent. Throws DeskError "form-invalid" where it came twice. */
  text(name: string): string {
    const values = this.#texts.get(name) ?? [];
    if (values.length > 1) throw new DeskError("form-invalid", "a field was sent twice: load the page again");
    return (values[0] ?? "").trim();
  }

  /** Every value of a field that can be chosen several times. */
  all(name: string): readonly string[] {
    return this.#texts.get(name) ?? [];
  }

  checked(name: string): boolean {
    return this.all(name).length > 0;
  }

  /** `null` where none was chosen. */
  file(name: string): Upload | null {
    return this.#files.get(name) ?? null;
  }
}

/** Reads a form as browsers send it, either way. Throws DeskError "form-invalid". */
export async function readForm(type: string, body: Uint8Array): Promise<Form> {
  const texts = new Map<string, string[]>();
  const files = new Map<string, Upload>();
  let count = 0;
  const add = (name: string, value: string): void => {
    if (++count > MAX_FIELDS) throw invalid();
    const text = value.replaceAll("\r\n", "\n");
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (/[\u0000-\u0008\u000b-\u001f\u007f\ufffd]/.test(text) || !text.isWellFormed()) {
      throw new DeskError(
        "form-invalid",
        "a field holds characters that are no text: type it instead of pasting it",
      );
    }
    texts.set(name, [...(texts.get(name) ?? []), text]);
  };
  if (type.startsWith("multipart/form-data")) {
    let data: FormData;
    try {
      data = await new Response(Uint8Array.from(body), { headers: { "content-type": type } }).formData();
    } catch (cause) {
      throw invalid({ cause });
    }
    for (const [name, value] of data) {
      if (typeof value === "string") add(name, value);
      else if (value.size > 0 || value.name !== "") {
        if (files.has(name)) throw invalid();
        files.set(name, { name: value.name, bytes: new Uint8Array(await value.arrayBuffer()) });
      }
    }
  } else if (type.startsWith("application/x-www-form-urlencoded")) {
    for (const [name, value] of new URLSearchParams(Buffer.from(body).toString("utf8"))) add(name, value);
  } else throw invalid();
  return new Form(texts, files);
}

function invalid(options?: ErrorOptions): DeskError {
  return new DeskError(
    "form-invalid",
    "the form did not arrive as this page sends it: load it again",
    options,
  );
}

/** Whether a text can stand in a signed document as prose (CHA-6), and says anything. */
export function isProse(text: string): boolean {
  try {
    return asProse(text, "text").trim() !== "";
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}
