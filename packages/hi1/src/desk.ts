// What an endpoint does with a message: a pure step over the objects that it holds. The program around it keeps the
// changes and the answer in one durable write before the answer leaves (HI1-7).
import type { Json, UnixSeconds } from "@porchlight/encoding";
import {
  type Action,
  type ActionResponse,
  formatJson,
  type Header,
  type ListRecord,
  MAX_MESSAGE_BYTES,
  type Message,
} from "./message.ts";
import {
  type Authorisation,
  apart,
  type Delivery,
  type DocumentObject,
  type Hi1Object,
  type LDTask,
  type LPTask,
  type Notification,
  type ObjectType,
  objectTypeOf,
} from "./object.ts";
import {
  associatedWith,
  type Judged,
  judgeAuthorisation,
  judgeDocument,
  judgeLDTask,
  judgeLength,
  judgeLPTask,
  type Profile,
  type Resolve,
  type Scope,
} from "./profile.ts";
import { type Hi1Refusal, refusal } from "./refusal.ts";
import { checkSignature } from "./signature.ts";
import { desiredStatusOf, FIRST_STATUS, inStatus, isAllowed, isStateful, statusOf } from "./status.ts";
import { dateTimeOf, secondsOf } from "./value.ts";

/** Seconds by which a message's time and this endpoint's clock may differ (HI1-6). */
export const MESSAGE_TOLERANCE = 600;
/** Seconds for which what its sender cancelled counts on (HI1-27). */
export const CANCELLED_COUNTS = 86_400;
const MAX_LISTED = 1000;
/** Bytes of objects and lists in one answer; its head and signature, and the other answers, have the rest. */
const MAX_ANSWERED = MAX_MESSAGE_BYTES - 2 ** 18;

/** An object as an endpoint holds it. */
export type Held = {
  readonly type: ObjectType;
  /** The endpoint that made it: its UniqueIdentifier. */
  readonly owner: string;
  /** With status, generation and `LastChanged` as they are. */
  readonly object: Hi1Object;
  /** What a task is about; null for everything else. */
  readonly scope: Scope | null;
  /** When it came into its present status. */
  readonly since: UnixSeconds;
};

/** The objects that an endpoint holds. A view: what a step changes it returns. */
export type Shelf = {
  readonly get: (id: string) => Held | undefined;
  readonly of: (owner: string) => Iterable<Held>;
  /** How many of an owner's wait for a decision, or were cancelled within {@link CANCELLED_COUNTS} (HI1-27). */
  readonly counted: (owner: string) => number;
};

export type DeskContext = {
  readonly profile: Profile;
  /** Registered endpoints: UniqueIdentifier → Ed25519 public key, 32 bytes. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly resolve: Resolve;
  readonly now: UnixSeconds;
  /** A provider takes orders; a requester takes deliveries and notifications. */
  readonly takes: "orders" | "deliveries";
};

export type Answer = { readonly responses: readonly ActionResponse[]; readonly changes: readonly Held[] };

/**
 * HI1-2 to HI1-6: whether the message as a whole is for this endpoint, of its profile, by who it says, and of now. That
 * its transaction is new (HI1-7) is for who keeps the transactions.
 */
export function checkMessage(message: Message, context: DeskContext): Hi1Refusal | null {
  const { header } = message;
  const { endpoint, owner, version } = context.profile;
  if (!speaks(header, owner, version)) return refusal("version-unknown");
  const receiver = header.ReceiverIdentifier;
  if (
    receiver.CountryCode !== endpoint.CountryCode ||
    receiver.UniqueIdentifier !== endpoint.UniqueIdentifier
  ) {
    return refusal("receiver-wrong");
  }
  const unsigned = checkSignature(message, context.keys);
  if (unsigned !== null) return unsigned;
  const at = secondsOf(header.Timestamp.replace(/\.[0-9]{6}/, ""));
  if (at === null || Math.abs(at - context.now) > MESSAGE_TOLERANCE) return refusal("clock-off");
  return null;
}

/** HI1-3: TS 103 120 from V1.13.0 on, under this deployment's profile. */
function speaks({ Version }: Header, owner: string, version: string): boolean {
  const [major = 0, minor = 0] = Version.ETSIVersion.slice(1).split(".").map(Number);
  const known = major === 1 && minor >= 13;
  return known && Version.NationalProfileOwner === owner && Version.NationalProfileVersion === version;
}

/** The answer to every action of a request that {@link checkMessage} let pass, in ascending order of their numbers. */
export function answerActions(
  actions: ReadonlyMap<number, Action>,
  sender: string,
  shelf: Shelf,
  context: DeskContext,
): Answer {
  const changes = new Map<string, Held>();
  // An action sees what those before it did: a task may come in one message with its authorisation.
  const view: Shelf = {
    get: (id) => changes.get(id) ?? shelf.get(id),
    of: (owner) => {
      const known = new Map([...shelf.of(owner)].map((held) => [held.object.ObjectIdentifier, held]));
      for (const [id, held] of changes) if (held.owner === owner) known.set(id, held);
      return known.values();
    },
    // What waited and is cancelled counts as before.
    counted: (owner) =>
      [...changes].filter(([id, held]) => held.owner === owner && shelf.get(id) === undefined).length +
      shelf.counted(owner),
  };
  let left = MAX_ANSWERED;
  const responses = [...actions]
    .sort(([a], [b]) => a - b)
    .map(([ActionIdentifier, action]): ActionResponse => {
      const result = take(action, sender, view, context);
      if (result.kind === "refused") return { ActionIdentifier, ErrorInformation: errorOf(result) };
      for (const held of result.changes) changes.set(held.object.ObjectIdentifier, held);
      const size = formatJson(result.response as Json).length;
      if (size > left) return { ActionIdentifier, ...shortened(result.response) };
      left -= size;
      return { ActionIdentifier, ...result.response } as ActionResponse;
    });
  return { responses, changes: [...changes.values()] };
}

/** HI1-8: what was asked for and has no room is asked for again; what was done is said without the object. */
function shortened(
  response: object,
):
  | { readonly ErrorInformation: ReturnType<typeof errorOf> }
  | { readonly UPDATEResponse: { readonly Identifier: string } } {
  if (!("UPDATEResponse" in response)) return { ErrorInformation: errorOf(refusal("answer-too-large")) };
  const { Identifier } = response.UPDATEResponse as { readonly Identifier: string };
  return { UPDATEResponse: { Identifier } };
}

/** `ErrorInformation` as it travels: the number and the sentence, with the place where it helps. */
export function errorOf({ number, description, field }: Hi1Refusal): {
  ErrorCode: number;
  ErrorDescription: string;
} {
  return {
    ErrorCode: number,
    ErrorDescription: field === undefined ? description : `${description} (${field})`,
  };
}

type Taken =
  | { readonly kind: "done"; readonly response: object; readonly changes: readonly Held[] }
  | ({ readonly kind: "refused" } & Hi1Refusal);

const no = (...args: Parameters<typeof refusal>): Taken => ({ kind: "refused", ...refusal(...args) });

function take(action: Action, sender: string, shelf: Shelf, context: DeskContext): Taken {
  switch (action.kind) {
    case "refused":
      return { kind: "refused", ...action.refusal };
    case "get": {
      const held = shelf.get(action.id);
      if (held === undefined || held.owner !== sender) return no("object-unknown");
      return { kind: "done", response: { GETResponse: { HI1Object: held.object } }, changes: [] };
    }
    case "list":
      return { kind: "done", response: { LISTResponse: listed(action.filter, sender, shelf) }, changes: [] };
    case "create":
      return created(action.object, sender, shelf, context, "CREATEResponse");
    case "deliver":
      return objectTypeOf(action.object["@xsi:type"]) === "Delivery"
        ? created(action.object, sender, shelf, context, "DELIVERResponse")
        : no("object-unsupported");
    case "update":
      return updated(action.object, sender, shelf, context);
  }
}

/** Which types who takes: orders come to a provider, deliveries and notifications to a requester. */
const TAKEN: { readonly [takes in DeskContext["takes"]]: readonly ObjectType[] } = {
  orders: ["Authorisation", "LDTask", "LPTask", "Document"],
  deliveries: ["Delivery", "Notification"],
};

function created(
  object: Hi1Object,
  sender: string,
  shelf: Shelf,
  context: DeskContext,
  verb: "CREATEResponse" | "DELIVERResponse",
): Taken {
  const type = typeOf(object);
  if (!TAKEN[context.takes].includes(type)) return no("object-unsupported");
  if (shelf.get(object.ObjectIdentifier) !== undefined) return no("object-exists");
  if (object.OwnerIdentifier !== undefined && object.OwnerIdentifier !== sender) return no("not-owner");
  if (context.takes === "orders") {
    if (statusOf(object) !== null) return no("status-not-yours");
    const long = judgeLength(object);
    if (long !== null) return { kind: "refused", ...long };
    if (shelf.counted(sender) >= context.profile.waitingObjects) return no("too-many-waiting");
  }
  const judged = judge(object, sender, shelf, context, null);
  if (judged.kind === "refused") return judged;
  const first = isStateful(type) ? inStatus(object, type, FIRST_STATUS[type]) : object;
  const held = hold(first, type, sender, judged.scope, context.now, context.now, 0);
  const Identifier = object.ObjectIdentifier;
  return { kind: "done", response: { [verb]: { Identifier } }, changes: [held] };
}

function updated(object: Hi1Object, sender: string, shelf: Shelf, context: DeskContext): Taken {
  const before = shelf.get(object.ObjectIdentifier);
  if (before === undefined || before.owner !== sender) return no("object-unknown");
  const { type } = before;
  if (typeOf(object) !== type || !isStateful(type)) return no("field-fixed", "@xsi:type");
  const generation = before.object.Generation ?? 0;
  if (object.Generation !== generation) return no("generation-stale", "Generation");
  const status = statusOf(before.object) ?? "";
  const wished = desiredStatusOf(object);
  if (wished !== null && wished !== status) {
    // HI1-32: a delivery is the provider's to offer and the requester's to receive, wherever it lies.
    const by = type === "Delivery" && context.takes === "orders" ? "receiver" : "owner";
    if (!isAllowed(type, status, wished, by)) return no("transition-refused");
    return changed(inStatus(before.object, type, wished), before, context, true);
  }
  // What an authorisation or a task says is fixed once it is made; a preservation may be asked for longer.
  const wanted = type === "LPTask" ? (object as LPTask)["task:DesiredPreservationExpiration"] : undefined;
  if (type !== "LPTask" || wanted === undefined || status !== "Preserved") return no("field-fixed");
  // Why more was refused before says nothing of what is asked now.
  const { "task:StatusReason": _, ...granted } = before.object as LPTask;
  const extended = { ...granted, "task:DesiredPreservationExpiration": wanted };
  const judged = judge(extended, sender, shelf, context, before);
  return judged.kind === "refused" ? judged : changed(extended, before, context, false);
}

function changed(object: Hi1Object, before: Held, { now }: DeskContext, isNewStatus: boolean): Taken {
  const generation = (before.object.Generation ?? 0) + 1;
  const since = isNewStatus ? now : before.since;
  const held = hold(object, before.type, before.owner, before.scope, since, now, generation);
  const HI1Object = apart(held.object).bare;
  const response = { UPDATEResponse: { Identifier: object.ObjectIdentifier, HI1Object } };
  return { kind: "done", response, changes: [held] };
}

/**
 * HI1-15: the receiver's own step: the object in another status, with `members` of its own; null where there is no such
 * arrow.
 */
export function advance(
  held: Held,
  status: string,
  now: UnixSeconds,
  reason?: Hi1Refusal,
  members: object = {},
): Held | null {
  const { type, object, owner, scope } = held;
  if (!isStateful(type) || !isAllowed(type, statusOf(object) ?? "", status, "receiver")) return null;
  const next = { ...inStatus(object, type, status), ...members } as Hi1Object;
  const why = reason === undefined ? next : withReason(next, type, reason);
  return hold(why, type, owner, scope, now, now, (object.Generation ?? 0) + 1);
}

/** The same status with other members: what was granted, as it is now. */
export function revise(held: Held, members: object, now: UnixSeconds): Held {
  const { type, object, owner, scope, since } = held;
  const revised = { ...object, ...members } as Hi1Object;
  return hold(revised, type, owner, scope, since, now, (object.Generation ?? 0) + 1);
}

/** HI1-32: what a provider makes for a requester, in its first status: a delivery or a notification. */
export function offer(object: Delivery | Notification, requester: string, now: UnixSeconds): Held {
  const type = typeOf(object);
  const first = isStateful(type) ? inStatus(object, type, FIRST_STATUS[type]) : object;
  return hold(first, type, requester, null, now, now, 0);
}

function withReason(object: Hi1Object, type: ObjectType, reason: Hi1Refusal): Hi1Object {
  const member = {
    Authorisation: "auth:AuthorisationInvalidReason",
    LDTask: "task:StatusReason",
    LPTask: "task:StatusReason",
    Document: "doc:DocumentInvalidReason",
    Notification: null,
    Delivery: null,
  }[type];
  return member === null ? object : ({ ...object, [member]: errorOf(reason) } as Hi1Object);
}

function hold(
  object: Hi1Object,
  type: ObjectType,
  owner: string,
  scope: Scope | null,
  since: UnixSeconds,
  now: UnixSeconds,
  generation: number,
): Held {
  const kept = { ...object, OwnerIdentifier: owner, Generation: generation, LastChanged: dateTimeOf(now) };
  return { type, owner, object: kept, scope, since };
}

function judge(
  object: Hi1Object,
  sender: string,
  shelf: Shelf,
  { profile, resolve, now }: DeskContext,
  before: Held | null,
): Judged {
  switch (typeOf(object)) {
    case "Authorisation":
      return judgeAuthorisation(object as Authorisation, profile);
    case "LDTask": {
      const authorisation = authorisationOf(object, sender, shelf);
      if (authorisation === null)
        return { kind: "refused", ...refusal("authorisation-missing", "AssociatedObjects") };
      return judgeLDTask(object as LDTask, authorisation, profile, resolve);
    }
    case "LPTask": {
      const granted = (before?.object as LPTask | undefined)?.["task:PreservationExpiration"];
      const until = granted === undefined ? null : secondsOf(granted);
      return judgeLPTask(object as LPTask, profile, resolve, now, until);
    }
    case "Document": {
      const authorisation = authorisationOf(object, sender, shelf);
      if (authorisation === null)
        return { kind: "refused", ...refusal("authorisation-missing", "AssociatedObjects") };
      return judgeDocument(object as DocumentObject, profile);
    }
    case "Notification":
    case "Delivery":
      return { kind: "taken", scope: null };
  }
}

/** HI1-17: the one authorisation, of the same owner and not at its end, that an object belongs to. */
function authorisationOf(object: Hi1Object, sender: string, shelf: Shelf): Authorisation | null {
  const found = associatedWith(object).map((id) => shelf.get(id));
  const [held] = found;
  if (found.length !== 1 || held?.type !== "Authorisation" || held.owner !== sender) return null;
  const isOpen = ["AwaitingApproval", "Approved", "Suspended"].includes(statusOf(held.object) ?? "");
  return isOpen ? (held.object as Authorisation) : null;
}

function listed(
  filter: Extract<Action, { kind: "list" }>["filter"],
  sender: string,
  shelf: Shelf,
): { ListResponseRecord: ListRecord[] } {
  const type = filter.ObjectType?.["common:Value"];
  const since = filter.LastChanged === undefined ? null : secondsOf(filter.LastChanged);
  const records = [...shelf.of(sender)]
    .filter((held) => type === undefined || held.type === type)
    .filter(({ object }) => since === null || (secondsOf(object.LastChanged ?? "") ?? 0) >= since)
    .map(
      ({ type: objectType, object, owner }): ListRecord => ({
        ObjectType: { "common:Owner": "ETSI", "common:Name": "ObjectType", "common:Value": objectType },
        Identifier: object.ObjectIdentifier,
        OwnerIdentifier: owner,
        Generation: object.Generation ?? 0,
        ...(object.LastChanged === undefined ? {} : { LastChanged: object.LastChanged }),
      }),
    );
  return {
    ListResponseRecord: records.slice(0, Math.min(filter.MaximumObjectCount ?? MAX_LISTED, MAX_LISTED)),
  };
}

function typeOf(object: Hi1Object): ObjectType {
  const type = objectTypeOf(object["@xsi:type"]);
  if (type === null) throw new TypeError("an object of no type of the profile's");
  return type;
}
