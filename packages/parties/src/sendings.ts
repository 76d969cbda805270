import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  DurableError,
  makeDirectory,
  readFileOrNull,
  removeFileDurable,
  writeFileDurable,
} from "@porchlight/durable";
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

/**
 * What became of a part. `held-back`: it was not sent, because what it belongs to was refused, or because the rest was left unsent.
 * `left`: it may have been sent, no answer came, and it was left so: the provider's list says whether it is there.
 */
type Outcome = Created | { readonly kind: "unanswered" | "held-back" | "left" };

export type SentPart = Part & { readonly outcome: Outcome };

/** What was last sent for an application, and how far that came. */
export type Sending = {
  readonly at: UnixSeconds;
  /** What was typed for it. */
  readonly typed: Readonly<Record<string, string>>;
  readonly parts: readonly SentPart[];
};

const FOLDER = "sendings";
const NAME = /^request-[0-9a-f]{24}$/;

export function isUnfinished({ parts }: Sending): boolean {
  return parts.some(({ outcome }) => outcome.kind === "unanswered");
}

/** How far a sending came, part by part: what somebody was shown is compared with what there is when it is done. */
export function progressOf(sending: Sending | null): readonly string[] {
  return sending?.parts.map(({ object, outcome }) => `${object.ObjectIdentifier} ${outcome.kind}`) ?? [];
}

/**
 * What an agency sends, each object in a message of its own. All of them are on the disk before the first leaves, each answer
 * before the next: whoever goes on after a crash sends the very same objects, and what the provider has already counts as taken.
 * Whatever changes one application's goes one after the other, and reads afresh what there is.
 */
export class Sendings {
  readonly #agency: Agency;
  readonly #line: ProviderLine;
  /** The last that changes an application's, by its name. */
  readonly #lanes: Map<string, Promise<unknown>>;
  /** Files that were read for {@link open}, by name: SHA-256, and whether there is anything to say of it. */
  readonly #read = new Map<string, { readonly hash: string; readonly standing: OpenSending | null }>();

  /** `before`: those of the same agency over another line, which may be at work. */
  constructor(agency: Agency, line: ProviderLine, before: Sendings | null = null) {
    this.#agency = agency;
    this.#line = line;
    this.#lanes = before === null ? new Map() : before.#lanes;
  }

  /** By the application's name. Throws PartyError "file-malformed". */
  async read(name: string): Promise<Sending | null> {
    const sealed = await readFileOrNull(this.#path(name));
    return sealed === null ? null : await this.#open(sealed);
  }

  /** What is not sent to its end, and what cannot be read any more, by the application's name. */
  async open(): Promise<readonly OpenSending[]> {
    const files = await readdir(join(this.#agency.directory, FOLDER)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      },
    );
    const found: OpenSending[] = [];
    for (const file of files.sort()) {
      const name = file.endsWith(".sealed") ? file.slice(0, -".sealed".length) : "";
      const sealed = NAME.test(name) ? await readFileOrNull(this.#path(name)) : null;
      if (sealed === null) continue;
      const hash = createHash("sha256").update(sealed).digest("hex");
      const known = this.#read.get(name);
      const standing = known?.hash === hash ? known.standing : await this.#standing(name, sealed);
      this.#read.set(name, { hash, standing });
      if (standing !== null) found.push(standing);
    }
    return found;
  }

  async #standing(name: string, sealed: Uint8Array): Promise<OpenSending | null> {
    const sending = await this.#open(sealed).catch(unlessDamaged);
    if (sending === null) return { name, isDamaged: true };
    return isUnfinished(sending) ? { name, isDamaged: false } : null;
  }

  /**
   * Durable when it returns; nothing is sent yet. `seen`: {@link progressOf} what was there when it was planned. Throws PartyError
   * "moved-on" where it is not that any more, "exists" while an earlier one is not sent to its end.
   */
  async begin(
    name: string,
    about: {
      readonly at: UnixSeconds;
      readonly typed: Sending["typed"];
      readonly parts: readonly Part[];
      readonly seen: readonly string[];
    },
  ): Promise<void> {
    await this.#alone(name, async () => {
      const before = await this.read(name);
      if (JSON.stringify(progressOf(before)) !== JSON.stringify(about.seen)) throw movedOn();
      if (before !== null && isUnfinished(before))
        throw new PartyError("exists", "what was sent before has no answer yet: go on with that first");
      const { at, typed } = about;
      const parts = about.parts.map((part) => ({ ...part, outcome: { kind: "unanswered" } as const }));
      await this.#keep(name, { at, typed, parts });
    });
  }

  /**
   * Sends what has no answer yet. `contentsOf` gives a document's contents by their SHA-256 in hexadecimal. What the provider answers is kept before the next
   * leaves; where somebody left the rest meanwhile, nothing more is sent. Throws as {@link createAtProvider}; PartyError "contents-missing".
   */
  async send(
    service: Service,
    name: string,
    contentsOf: (checksum: string) => Promise<Uint8Array | null>,
  ): Promise<Sending> {
    let sending = await this.#alone(name, async () => await this.read(name));
    if (sending === null) throw new PartyError("contents-missing", "nothing was begun for this application");
    for (const { object } of sending.parts) {
      const now: Sending | null = await this.#alone(name, async () => {
        const there = await this.read(name);
        const i = there?.parts.findIndex((one) => one.object.ObjectIdentifier === object.ObjectIdentifier);
        const part = there?.parts[i ?? -1];
        if (there === null || i === undefined || part === undefined) return null;
        if (part.outcome.kind !== "unanswered") return there;
        const outcome: Outcome = isHeldBack(part, there.parts)
          ? { kind: "held-back" }
          : await createAtProvider(service, this.#line, await whole(part, contentsOf));
        const after = { ...there, parts: there.parts.with(i, { ...part, outcome }) };
        await this.#keep(name, after);
        return after;
      });
      // Another took its place: then this one had been left.
      if (now === null) return leftAsIs(sending);
      sending = now;
    }
    return sending;
  }

  /**
   * What has no answer is not sent any more, and what comes of a message that is under way is kept first. `ids`: the objects of the
   * sending that was shown. Throws PartyError "moved-on" where there is another by now.
   */
  async leave(name: string, ids: readonly string[]): Promise<Sending> {
    return await this.#alone(name, async () => {
      const sending = await this.read(name);
      if (sending === null || JSON.stringify(idsOf(sending.parts)) !== JSON.stringify(ids)) throw movedOn();
      const left = leftAsIs(sending);
      await this.#keep(name, left);
      return left;
    });
  }

  /** Moves away one that is damaged; it stays beside the others under another name. Throws PartyError "moved-on" for one that can be read. */
  async setAside(name: string): Promise<void> {
    await this.#alone(name, async () => {
      const path = this.#path(name);
      const sealed = await readFileOrNull(path);
      if (sealed === null || (await this.#open(sealed).catch(unlessDamaged)) !== null) throw movedOn();
      const hash = createHash("sha256").update(sealed).digest("hex");
      await writeFileDurable(`${path}.damaged-${hash.slice(0, 8)}`, sealed);
      await removeFileDurable(path);
    });
  }

  async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#lanes.get(name) ?? Promise.resolve()).then(work);
    this.#lanes.set(
      name,
      done.catch(() => {}),
    );
    return await done;
  }

  /** One flipped bit of what this directory sealed, and its passphrase seems wrong: it opened the directory, so it is damage. */
  async #open(sealed: Uint8Array): Promise<Sending> {
    try {
      return readSending(await this.#agency.unsealOwn(sealed));
    } catch (cause) {
      if (!(cause instanceof DurableError)) throw cause;
      throw damaged(cause);
    }
  }

  async #keep(name: string, { at, typed, parts }: Sending): Promise<void> {
    await makeDirectory(join(this.#agency.directory, FOLDER));
    const text = JSON.stringify({ version: 1, at, typed, parts });
    await writeFileDurable(this.#path(name), await this.#agency.sealOwn(utf8(text)));
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new TypeError("an application's name");
    return join(this.#agency.directory, FOLDER, `${name}.sealed`);
  }
}

/** An application whose sending is not sent to its end, or whose file of it is damaged. */
export type OpenSending = { readonly name: string; readonly isDamaged: boolean };

function movedOn(): PartyError {
  return new PartyError("moved-on", "it has gone on since you looked: look again");
}

function damaged(cause: unknown): PartyError {
  const words = "what was noted of the last sending is damaged. What the provider has stands in its list";
  return new PartyError("file-malformed", words, { cause });
}

function unlessDamaged(error: unknown): null {
  if (error instanceof PartyError && error.code === "file-malformed") return null;
  throw error;
}

function idsOf(parts: readonly Part[]): string[] {
  return parts.map(({ object }) => object.ObjectIdentifier);
}

/** They leave in their order, each after the answer to the one before: only the first without one can be at the provider. */
function leftAsIs(sending: Sending): Sending {
  const { parts } = sending;
  const first = parts.findIndex(({ outcome }) => outcome.kind === "unanswered");
  return {
    ...sending,
    parts: parts.map((part, i): SentPart => {
      if (part.outcome.kind !== "unanswered") return part;
      const mayBeThere = i === first && !isHeldBack(part, parts);
      return { ...part, outcome: { kind: mayBeThere ? "left" : "held-back" } };
    }),
  };
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

function readSending(bytes: Uint8Array): Sending {
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
    throw damaged(cause);
  }
}

function readOutcome(fields: Fields): Outcome {
  const kind = fields.literal("kind", "unanswered", "held-back", "left", "taken", "refused");
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
  ).parts.map(({ object, isWhole }) => ({ object, isWhole }));
}
