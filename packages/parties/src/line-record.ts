import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  createFileDurable,
  DurableError,
  makeDirectory,
  readFileOrNull,
  writeFileDurable,
} from "@porchlight/durable";
import {
  EncodingError,
  fromBase64,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import type { Files } from "@porchlight/evidence";
import {
  type ActionResponse,
  apart,
  type Delivery,
  type DocumentObject,
  dateTimeOf,
  formatJson,
  Hi1Error,
  type Hi1Object,
  type LPTask,
  longerFor,
  type ObjectType,
  objectTypeOf,
  parseObject,
  refusal,
  secondsOf,
  wishFor,
} from "@porchlight/hi1";
import type { Agency } from "./agency.ts";
import { PartyError } from "./error.ts";
import { type LineObject, lineObjects, type TakenObject } from "./line-object.ts";
import { exchange, type ProviderLine, untrue } from "./provider-line.ts";
import type { Service } from "./service.ts";

/** Objects that one message asks for; of documents and deliveries, which may be megabytes, one. */
const ASKED_AT_ONCE = 50;
/** What a provider lists at most. */
const MAX_LISTED = 1000;
const FILE = "provider-line.sealed";
const DELIVERIES = "deliveries";
const DELIVERED = "delivered";

/** What this authority has at its provider, as the provider said last. */
export type LineRecord = {
  /** When that was; `null` before it was ever asked. */
  readonly at: UnixSeconds | null;
  readonly objects: readonly LineObject[];
  /** What the provider has and cannot be read: it is asked for again each time. */
  readonly unread: readonly UnreadObject[];
  /** The provider may have more than it lists. */
  readonly isCut: boolean;
};

export type UnreadObject = {
  readonly id: string;
  readonly type: ObjectType;
  /** A sentence; the provider's where it is a refusal. */
  readonly why: string;
};

type Kept = {
  readonly at: UnixSeconds | null;
  readonly isCut: boolean;
  readonly taken: ReadonlyMap<string, TakenObject>;
  readonly unread: ReadonlyMap<string, UnreadObject>;
};

const NOTHING: Kept = { at: null, isCut: false, taken: new Map(), unread: new Map() };

/** What came of asking for an object: itself, or why it cannot be read. */
type Fetched =
  | { readonly kind: "read"; readonly object: Hi1Object }
  | { readonly kind: "unread"; readonly id: string; readonly why: string };

/**
 * A requester's own record of what it has at the provider. It is read again from what changed since, and kept sealed in the
 * agency's directory, so that it is there while the provider is away. Every question is a signed message (HI1-5) that changes
 * nothing; every act names the generation that was seen (HI1-12).
 */
export class LineRecords {
  readonly #agency: Agency;
  readonly #line: ProviderLine;
  /** One after the other: each keeps the whole record. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(agency: Agency, line: ProviderLine) {
    this.#agency = agency;
    this.#line = line;
  }

  /** As the provider said last, without asking it. */
  async known(): Promise<LineRecord> {
    return shown(await this.#read());
  }

  /** As it is now, less what cannot be read, which is named. Throws PartyError "hi1-refused", "hi1-untrue"; WireError. */
  async ask(service: Service): Promise<LineRecord> {
    return await this.#alone(async () => {
      const before = await this.#read();
      const since = Math.max(
        0,
        ...[...before.taken.values()].map(({ object }) => secondsOf(object.LastChanged ?? "") ?? 0),
      );
      const filter = since === 0 ? {} : { LastChanged: dateTimeOf(unixSeconds(since)) };
      const [listed] = await this.#exchange(service, [{ LIST: filter }]);
      if (listed === undefined || !("LISTResponse" in listed)) throw untrue("It lists nothing.");
      const records = listed.LISTResponse.ListResponseRecord ?? [];
      // What could not be read has told of no change: it is asked for, whether it is listed or not.
      const changed = new Map([...before.unread.values()].map(({ id, type }) => [id, type]));
      // Whether its contents went with it an earlier version did not note.
      for (const [id, { object, isWhole }] of before.taken) {
        const type = objectTypeOf(object["@xsi:type"]);
        if (type === "Document" && isWhole === undefined) changed.set(id, type);
      }
      for (const { Identifier: id, Generation, ObjectType } of records) {
        if (before.taken.get(id)?.object.Generation !== Generation)
          changed.set(id, ObjectType["common:Value"]);
      }
      const isLarge = (id: string): boolean =>
        ["Document", "Delivery"].includes(changed.get(id) as ObjectType);
      const light = [...changed.keys()].filter((id) => !isLarge(id));
      const turns = [...changed.keys()].filter(isLarge).map((id) => [id]);
      for (let i = 0; i < light.length; i += ASKED_AT_ONCE) turns.push(light.slice(i, i + ASKED_AT_ONCE));
      let kept: Kept = {
        ...before,
        at: service.now(),
        isCut: before.isCut || records.length >= MAX_LISTED,
      };
      for (const ids of turns) {
        const unread = new Map(kept.unread);
        const objects: Hi1Object[] = [];
        for (const one of await this.#fetch(service, ids)) {
          if (one.kind === "read") {
            objects.push(one.object);
            unread.delete(one.object.ObjectIdentifier);
          } else {
            const { id, why } = one;
            unread.set(id, { id, type: changed.get(id) as ObjectType, why });
          }
        }
        kept = { ...joined(kept, objects, "get"), unread };
      }
      await this.#keep(kept);
      return shown(kept);
    });
  }

  /** The owner's cancellation (HI1-15). Throws as {@link ask}. */
  async cancel(service: Service, seen: { readonly id: string; readonly generation: number }): Promise<void> {
    await this.#update(service, wishFor(await this.#seen(seen), "Cancelled"));
  }

  /** HI1-23. `until`: YYYY-MM-DD, that day included. Throws as {@link ask}. */
  async extend(
    service: Service,
    { until, ...seen }: { readonly id: string; readonly generation: number; readonly until: string },
  ): Promise<void> {
    const object = await this.#seen(seen);
    if (objectTypeOf(object["@xsi:type"]) !== "LPTask")
      throw new PartyError("hi1-refused", "only what is kept from deletion can be kept for longer");
    await this.#update(service, longerFor(object as LPTask, `${until}T23:59:59Z`));
  }

  /**
   * Fetches a delivery, checks it against its own checksum, keeps it encrypted to the agency's recipients with the message that
   * the provider signed, and only then says that it is received: whoever is told so deletes it (HI1-32). Throws as
   * {@link ask}; PartyError "delivery-damaged".
   */
  async receive(service: Service, seen: { readonly id: string; readonly generation: number }): Promise<void> {
    const { responses, signed } = await exchange(service, this.#line, [{ GET: { Identifier: seen.id } }]);
    const object = responses.map(given)[0] as Hi1Object;
    if (objectTypeOf(object["@xsi:type"]) !== "Delivery")
      throw new PartyError("hi1-refused", "this is no delivery");
    const { delivered, json } = contentsOf(object as Delivery);
    const files: Files = new Map([
      ["answer.json", signed],
      ["object.json", json],
      ...(delivered === null ? [] : [[DELIVERED, delivered] as const]),
    ]);
    await makeDirectory(join(this.#agency.directory, DELIVERIES));
    // What was received once stays as it was.
    await createFileDurable(this.#pathOf(seen.id), await this.#agency.sealFiles(files, service.now()));
    await this.#update(service, wishFor({ ...object, Generation: seen.generation }, "Received"));
  }

  /** That what was received was read and is whole. Throws as {@link ask}. */
  async acknowledge(
    service: Service,
    seen: { readonly id: string; readonly generation: number },
  ): Promise<void> {
    await this.#update(service, wishFor(await this.#seen(seen), "Acknowledged"));
  }

  /** A delivery that was received, as it is kept: encrypted to the agency's recipients. `null` where it was not. */
  async sealedDelivery(id: string): Promise<Uint8Array | null> {
    return await readFileOrNull(this.#pathOf(id));
  }

  /** What was delivered; `null` where it was not received, or no file was in it. Throws EvidenceError "cannot-decrypt". */
  async delivered(id: string): Promise<Uint8Array | null> {
    const sealed = await this.sealedDelivery(id);
    return sealed === null ? null : ((await this.#agency.unseal(sealed)).get(DELIVERED) ?? null);
  }

  #pathOf(id: string): string {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new TypeError("a delivery has an ObjectIdentifier");
    return join(this.#agency.directory, DELIVERIES, `${id}.age`);
  }

  /** What was seen of an object, in the generation in which that was. */
  async #seen({ id, generation }: { readonly id: string; readonly generation: number }): Promise<Hi1Object> {
    const found = (await this.#read()).taken.get(id);
    if (found === undefined) throw new PartyError("hi1-refused", "the provider has no such object of yours");
    return { ...found.object, Generation: generation };
  }

  async #update(service: Service, HI1Object: Hi1Object): Promise<void> {
    await this.#alone(async () => {
      const [answer] = await this.#exchange(service, [{ UPDATE: { HI1Object } }]);
      const object =
        answer !== undefined && "UPDATEResponse" in answer ? answer.UPDATEResponse.HI1Object : undefined;
      // Who gives none back is asked the next time.
      if (object !== undefined) await this.#keep(joined(await this.#read(), [readObject(object)], "update"));
    });
  }

  /** One that cannot be read spoils no other: what does not come together is asked for alone. Throws as {@link ask}. */
  async #fetch(service: Service, ids: readonly string[]): Promise<readonly Fetched[]> {
    const alone = async (): Promise<readonly Fetched[]> => {
      const all: Fetched[] = [];
      for (const id of ids) all.push(...(await this.#fetch(service, [id])));
      return all;
    };
    try {
      const actions = ids.map((Identifier) => ({ GET: { Identifier } }));
      const { responses } = await exchange(service, this.#line, actions);
      const isCut = responses.some(
        (one) =>
          "ErrorInformation" in one && one.ErrorInformation.ErrorCode === refusal("answer-too-large").number,
      );
      if (isCut && ids.length > 1) return await alone();
      return responses.map((one, i) => fetched(one, ids[i] as string));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (ids.length > 1) return await alone();
      return ids.map((id) => ({ kind: "unread", id, why: error.message }));
    }
  }

  async #exchange(service: Service, actions: readonly object[]): Promise<readonly ActionResponse[]> {
    const { responses } = await exchange(service, this.#line, actions);
    const refused = responses.find((one) => "ErrorInformation" in one);
    if (refused !== undefined && "ErrorInformation" in refused)
      throw new PartyError("hi1-refused", refused.ErrorInformation.ErrorDescription);
    return responses;
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return await done;
  }

  get #path(): string {
    return join(this.#agency.directory, FILE);
  }

  /** Of another line than this one, nothing. */
  async #read(): Promise<Kept> {
    const sealed = await readFileOrNull(this.#path);
    if (sealed === null) return NOTHING;
    try {
      const { version, between, at, isCut, taken, unread } = parseJson(
        await this.#agency.unsealOwn(sealed),
        FILE,
      ) as unknown as Written;
      if (version !== 1 || between !== this.#between) return NOTHING;
      const all = taken.map(({ object, made, isWhole }) => [
        object.ObjectIdentifier,
        {
          object: readObject(object as unknown as Json),
          made: made === null ? null : unixSeconds(made),
          ...(isWhole === undefined ? {} : { isWhole }),
        },
      ]);
      return {
        at,
        isCut,
        taken: new Map(all as [string, TakenObject][]),
        unread: new Map((unread ?? []).map((one) => [one.id, one])),
      };
    } catch (error) {
      // It is a copy: what cannot be read is asked for again.
      const isDamaged = [DurableError, EncodingError, PartyError].some((one) => error instanceof one);
      if (isDamaged) return NOTHING;
      throw error;
    }
  }

  async #keep({ at, isCut, taken, unread }: Kept): Promise<void> {
    const written: Written = {
      version: 1,
      between: this.#between,
      ...{ at, isCut, taken: [...taken.values()], unread: [...unread.values()] },
    };
    await writeFileDurable(this.#path, await this.#agency.sealOwn(utf8(JSON.stringify(written))));
  }

  get #between(): string {
    const { own, provider, owner, version } = this.#line;
    return JSON.stringify([own, provider, owner, version]);
  }
}

type Written = {
  readonly version: 1;
  readonly between: string;
  readonly at: UnixSeconds | null;
  readonly isCut: boolean;
  readonly taken: readonly TakenObject[];
  /** Absent in what an earlier version wrote. */
  readonly unread?: readonly UnreadObject[];
};

function shown({ at, isCut, taken, unread }: Kept): LineRecord {
  return { at, isCut, objects: lineObjects([...taken.values()]), unread: [...unread.values()] };
}

/** An UPDATE's answer has no document's contents (HI1-8): whether they are there a GET alone says. */
function joined(kept: Kept, objects: readonly Hi1Object[], from: "get" | "update"): Kept {
  const taken = new Map(kept.taken);
  for (const object of objects) {
    const id = object.ObjectIdentifier;
    const isNew = (object.Generation ?? 0) === 0;
    const made = taken.get(id)?.made ?? (isNew ? secondsOf(object.LastChanged ?? "") : null);
    const isWhole =
      from === "get"
        ? (object as DocumentObject)["doc:DocumentBody"]?.["doc:Contents"] !== undefined
        : taken.get(id)?.isWhole;
    taken.set(id, { object: bare(object), made, ...(isWhole === undefined ? {} : { isWhole }) });
  }
  return { ...kept, taken };
}

/** Without what a document or a delivery holds: that may be megabytes, and a delivery's is evidence. */
function bare(object: Hi1Object): Hi1Object {
  const { "delivery:Delivery": delivered, ...rest } = object as Delivery;
  return delivered !== undefined && "delivery:JSONData" in delivered ? rest : apart(object).bare;
}

/** Not that another signed it: that it is no message that can be read. */
function isUnreadable(error: unknown): error is PartyError {
  return error instanceof PartyError && error.code === "hi1-untrue" && error.cause instanceof Hi1Error;
}

function fetched(answer: ActionResponse, id: string): Fetched {
  try {
    const object = given(answer);
    if (object.ObjectIdentifier === id) return { kind: "read", object };
    return { kind: "unread", id, why: "another object came for it" };
  } catch (error) {
    if (!(error instanceof PartyError)) throw error;
    return { kind: "unread", id, why: error.message };
  }
}

function given(answer: ActionResponse): Hi1Object {
  if ("ErrorInformation" in answer)
    throw new PartyError("hi1-refused", answer.ErrorInformation.ErrorDescription);
  if (!("GETResponse" in answer)) throw untrue("It gives no object.");
  return readObject(answer.GETResponse.HI1Object);
}

function readObject(object: unknown): Hi1Object {
  try {
    return parseObject(object);
  } catch (cause) {
    if (!(cause instanceof Hi1Error)) throw cause;
    throw untrue(cause.refusal.description, cause);
  }
}

/** The bytes of a delivery; `null` for one that only says whether there is anything. Throws PartyError "delivery-damaged". */
function contentsOf(object: Delivery): { readonly delivered: Uint8Array | null; readonly json: Uint8Array } {
  const json = formatJson(object as unknown as Json);
  const delivered = object["delivery:Delivery"];
  if (delivered === undefined || "delivery:DataExistence" in delivered) return { delivered: null, json };
  if ("delivery:JSONData" in delivered)
    return { delivered: formatJson(delivered["delivery:JSONData"]), json };
  const data = delivered["delivery:BinaryData"];
  const bytes = bytesIn(data["delivery:Data"]);
  const isWhole =
    data["delivery:ChecksumType"] === "SHA-256" &&
    bytes !== null &&
    createHash("sha256").update(bytes).digest("hex") === data["delivery:Checksum"];
  if (!isWhole) {
    throw new PartyError(
      "delivery-damaged",
      "what was delivered and its checksum do not agree, or there is none: it is not received. Ask the provider for it again",
    );
  }
  return { delivered: bytes, json };
}

/** `null` where another text is the base64 of the same bytes. */
function bytesIn(data: string): Uint8Array | null {
  try {
    return fromBase64(data, undefined, "delivery:Data");
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}
