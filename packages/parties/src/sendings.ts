import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  EncodingError,
  Fields,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { associatedWith, type DocumentObject, Hi1Error, type Hi1Object, parseObject } from "@porchlight/hi1";
import type { Agency } from "./agency.ts";
import { PartyError } from "./error.ts";
import { type Created, createAtProvider, type ProviderLine } from "./provider-line.ts";
import type { Part } from "./sending.ts";
import type { Service } from "./service.ts";

/** What became of a part. `held-back`: what it belongs to was refused, so it was not sent. */
type Outcome = Created | { readonly kind: "unanswered" | "held-back" };

export type SentPart = Part & { readonly outcome: Outcome };

/** What was last sent for an application, and how far that came. */
export type Sending = {
  readonly at: UnixSeconds;
  /** What was typed for it. */
  readonly typed: Readonly<Record<string, string>>;
  readonly parts: readonly SentPart[];
};

const FOLDER = "sendings";

export function isUnfinished({ parts }: Sending): boolean {
  return parts.some(({ outcome }) => outcome.kind === "unanswered");
}

/**
 * What an agency sends, each object in a message of its own. All of them are on the disk before the first leaves, each answer
 * before the next: whoever goes on after a crash sends the very same objects, and what the provider has already counts as taken.
 */
export class Sendings {
  readonly #agency: Agency;
  readonly #line: ProviderLine;

  constructor(agency: Agency, line: ProviderLine) {
    this.#agency = agency;
    this.#line = line;
  }

  /** By the application's name. Throws PartyError "file-malformed", DurableError "secret-unreadable". */
  async read(name: string): Promise<Sending | null> {
    const sealed = await readFileOrNull(this.#path(name));
    return sealed === null ? null : readSending(await this.#agency.unsealOwn(sealed), this.#path(name));
  }

  /** Durable when it returns; nothing is sent yet. Throws PartyError "exists" while an earlier one is not sent to its end. */
  async begin(
    name: string,
    about: { readonly at: UnixSeconds; readonly typed: Sending["typed"]; readonly parts: readonly Part[] },
  ): Promise<void> {
    const before = await this.read(name);
    if (before !== null && isUnfinished(before))
      throw new PartyError("exists", "what was sent before has no answer yet: go on with that first");
    const parts = about.parts.map((part) => ({ ...part, outcome: { kind: "unanswered" } as const }));
    await this.#keep(name, { ...about, parts });
  }

  /**
   * Sends what has no answer yet. `contentsOf` gives a document's contents by their SHA-256 in hexadecimal. What the provider answers is kept before the next
   * leaves. Throws as {@link createAtProvider}; PartyError "contents-missing".
   */
  async send(
    service: Service,
    name: string,
    contentsOf: (checksum: string) => Promise<Uint8Array | null>,
  ): Promise<Sending> {
    let sending = await this.read(name);
    if (sending === null) throw new PartyError("contents-missing", "nothing was begun for this application");
    for (const [i, part] of sending.parts.entries()) {
      if (part.outcome.kind !== "unanswered") continue;
      const outcome: Outcome = isHeldBack(part, sending.parts)
        ? { kind: "held-back" }
        : await createAtProvider(service, this.#line, await whole(part, contentsOf));
      sending = { ...sending, parts: sending.parts.with(i, { ...part, outcome }) };
      await this.#keep(name, sending);
    }
    return sending;
  }

  /** What has no answer is not sent any more. The provider may have it all the same: then it lists it. */
  async leave(name: string): Promise<void> {
    const sending = await this.read(name);
    if (sending === null) return;
    const parts = sending.parts.map((part) =>
      part.outcome.kind === "unanswered" ? { ...part, outcome: { kind: "held-back" } as const } : part,
    );
    await this.#keep(name, { ...sending, parts });
  }

  async #keep(name: string, { at, typed, parts }: Sending): Promise<void> {
    await makeDirectory(join(this.#agency.directory, FOLDER));
    const text = JSON.stringify({ version: 1, at, typed, parts });
    await writeFileDurable(this.#path(name), await this.#agency.sealOwn(utf8(text)));
  }

  #path(name: string): string {
    if (!/^request-[0-9a-f]{24}$/.test(name)) throw new TypeError("an application's name");
    return join(this.#agency.directory, FOLDER, `${name}.sealed`);
  }
}

function isHeldBack({ object }: Part, parts: readonly SentPart[]): boolean {
  const above = associatedWith(object);
  return parts.some((one) => above.includes(one.object.ObjectIdentifier) && one.outcome.kind !== "taken");
}

async function whole(
  { object, isWhole }: Part,
  contentsOf: (checksum: string) => Promise<Uint8Array | null>,
): Promise<Hi1Object> {
  if (!isWhole) return object;
  const document = object as DocumentObject;
  const body = document["doc:DocumentBody"];
  const checksum = body?.["doc:Checksum"] ?? "";
  const contents = await contentsOf(checksum);
  if (contents === null || createHash("sha256").update(contents).digest("hex") !== checksum)
    throw new PartyError("contents-missing", "what is to be sent is not in this directory any more");
  const text = Buffer.from(contents).toString("base64");
  return { ...document, "doc:DocumentBody": { "doc:Contents": text, ...body } };
}

function readSending(bytes: Uint8Array, where: string): Sending {
  try {
    const fields = new Fields(parseJson(bytes, "sending"), "sending");
    fields.literal("version", 1);
    const at = unixSeconds(fields.integer("at"));
    const typed = fields.json("typed") as Record<string, string>;
    const parts = fields.array("parts", (item, place): SentPart => {
      const part = new Fields(item, place);
      const object = parseObject(part.json("object"));
      return { object, isWhole: part.boolean("isWhole"), outcome: readOutcome(part.object("outcome")) };
    });
    fields.end();
    return { at, typed, parts };
  } catch (cause) {
    if (!(cause instanceof EncodingError || cause instanceof Hi1Error)) throw cause;
    throw new PartyError(
      "file-malformed",
      `${where} is damaged: move it away. What the provider has stands in its list`,
      { cause },
    );
  }
}

function readOutcome(fields: Fields): Outcome {
  const kind = fields.literal("kind", "unanswered", "held-back", "taken", "refused");
  return kind === "refused"
    ? { kind, number: fields.integer("number"), words: fields.string("words", 70_000) }
    : { kind };
}

/** For a payload that a page kept: what {@link Sendings.begin} takes. Throws PartyError "file-malformed". */
export function readParts(value: Json): readonly Part[] {
  return readSending(
    utf8(
      JSON.stringify({
        version: 1,
        at: 0,
        typed: {},
        parts: (value as Json[]).map((one) => ({ ...(one as object), outcome: { kind: "unanswered" } })),
      }),
    ),
    "the payload",
  ).parts.map(({ object, isWhole }) => ({ object, isWhole }));
}
