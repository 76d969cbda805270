// HI1-14, HI1-15: who may bring an object from which status to which. The owner asks (`DesiredStatus`), the receiver
// sets. What has no arrow is refused.
import type { Hi1Object, LPTask, ObjectType } from "./object.ts";
import { objectTypeOf } from "./object.ts";

type Arrows = {
  readonly [from: string]: { readonly owner: readonly string[]; readonly receiver: readonly string[] };
};

const over = { owner: [], receiver: [] } as const;

const ARROWS: { readonly [type in Exclude<ObjectType, "Notification">]: Arrows } = {
  Authorisation: {
    AwaitingApproval: { owner: ["Cancelled"], receiver: ["Approved", "Rejected", "Expired", "Invalid"] },
    Approved: { owner: ["Cancelled"], receiver: ["Suspended", "Cancelled", "Expired", "Invalid"] },
    Suspended: { owner: ["Cancelled"], receiver: ["Approved", "Cancelled", "Expired"] },
    Rejected: over,
    Cancelled: over,
    Expired: over,
    Invalid: over,
  },
  LDTask: {
    AwaitingApproval: {
      owner: ["Cancelled"],
      receiver: ["AwaitingDisclosure", "Rejected", "Cancelled", "Invalid"],
    },
    AwaitingDisclosure: {
      owner: ["Cancelled"],
      receiver: ["Disclosed", "DisclosureNotAvailable", "Rejected", "Cancelled", "Error", "Invalid"],
    },
    Error: { owner: ["Cancelled"], receiver: ["AwaitingDisclosure", "DisclosureNotAvailable"] },
    Disclosed: over,
    DisclosureNotAvailable: over,
    Rejected: over,
    Cancelled: over,
    Invalid: over,
  },
  LPTask: {
    AwaitingPreservation: {
      owner: ["Cancelled"],
      receiver: ["Preserved", "PreservationNotAvailable", "Rejected", "Error", "Invalid"],
    },
    Preserved: { owner: ["Cancelled"], receiver: ["Expired", "Error"] },
    Error: { owner: ["Cancelled"], receiver: ["AwaitingPreservation", "PreservationNotAvailable"] },
    PreservationNotAvailable: over,
    Rejected: over,
    Cancelled: over,
    Expired: over,
    Invalid: over,
  },
  Document: {
    AwaitingApproval: { owner: ["Cancelled"], receiver: ["Approved", "Rejected", "Invalid", "Expired"] },
    Approved: { owner: ["Cancelled"], receiver: ["Suspended", "Expired"] },
    Suspended: { owner: ["Cancelled"], receiver: ["Approved", "Expired"] },
    Rejected: over,
    Cancelled: over,
    Expired: over,
    Invalid: over,
  },
  Delivery: {
    Available: { owner: [], receiver: ["Received", "Expired", "Error"] },
    Received: { owner: [], receiver: ["Acknowledged", "Error"] },
    Error: { owner: ["Available"], receiver: [] },
    Acknowledged: over,
    Expired: over,
  },
};

/** The members that hold what is and what is wished, for each type that has them. */
const MEMBERS = {
  Authorisation: ["auth:AuthorisationStatus", "auth:AuthorisationDesiredStatus", "AuthorisationStatus"],
  LDTask: ["task:Status", "task:DesiredStatus", "LDTaskStatus"],
  LPTask: ["task:Status", "task:DesiredStatus", "LPTaskStatus"],
  Document: ["doc:DocumentStatus", "doc:DocumentDesiredStatus", "DocumentStatus"],
  Delivery: ["delivery:DeliveryStatus", "delivery:DeliveryDesiredStatus", "DeliveryStatus"],
} as const;

/** The status in which an object begins (HI1-15). A notification has none. */
export const FIRST_STATUS = {
  Authorisation: "AwaitingApproval",
  LDTask: "AwaitingApproval",
  LPTask: "AwaitingPreservation",
  Document: "AwaitingApproval",
  Delivery: "Available",
} as const;

/** In which an object waits for a person's decision. */
export const WAITING: readonly string[] = ["AwaitingApproval", "AwaitingPreservation"];

/** From which something leads on, whatever the object. */
export const OPEN: readonly string[] = [
  ...new Set(
    Object.values<Arrows>(ARROWS).flatMap((arrows) =>
      Object.keys(arrows).filter((status) => arrows[status] !== over),
    ),
  ),
];

export type Stateful = keyof typeof MEMBERS;

export function isStateful(type: ObjectType): type is Stateful {
  return type !== "Notification";
}

function valueOf(object: Hi1Object, member: string): string | null {
  const entry = (object as Record<string, unknown>)[member] as { "common:Value"?: string } | undefined;
  return entry?.["common:Value"] ?? null;
}

/** The object's status as it stands in it; null for none. */
export function statusOf(object: Hi1Object): string | null {
  const type = objectTypeOf(object["@xsi:type"]);
  return type === null || !isStateful(type) ? null : valueOf(object, MEMBERS[type][0]);
}

/** Nothing leads on from where it stands. A notification stands nowhere, and is never over. */
export function isOver(object: Hi1Object): boolean {
  const type = objectTypeOf(object["@xsi:type"]);
  if (type === null || !isStateful(type)) return false;
  const arrows = ARROWS[type];
  const status = statusOf(object) ?? "";
  return !Object.hasOwn(arrows, status) || arrows[status] === over;
}

export function desiredStatusOf(object: Hi1Object): string | null {
  const type = objectTypeOf(object["@xsi:type"]);
  return type === null || !isStateful(type) ? null : valueOf(object, MEMBERS[type][1]);
}

/** The object in another status; the wish is gone with it. */
export function inStatus<T extends Hi1Object>(object: T, type: Stateful, status: string): T {
  const [member, wish, dictionary] = MEMBERS[type];
  const { [wish]: _, ...rest } = object as Record<string, unknown>;
  return {
    ...rest,
    [member]: { "common:Owner": "ETSI", "common:Name": dictionary, "common:Value": status },
  } as unknown as T;
}

/** HI1-15: whether `by` may bring an object of this type from one status to another. */
export function isAllowed(type: Stateful, from: string, to: string, by: "owner" | "receiver"): boolean {
  const arrows: Arrows = ARROWS[type];
  return Object.hasOwn(arrows, from) && (arrows[from]?.[by].includes(to) ?? false);
}

/**
 * HI1-14: what an UPDATE holds by which an object's owner, who saw it in this generation, asks for another status. Throws
 * TypeError for a notification, which has none.
 */
export function wishFor(seen: Hi1Object, status: string): Hi1Object {
  const type = objectTypeOf(seen["@xsi:type"]);
  if (type === null || !isStateful(type)) throw new TypeError("an object without a status");
  const { ObjectIdentifier, Generation = 0 } = seen;
  const wish = { "common:Owner": "ETSI", "common:Name": `${type}DesiredStatus`, "common:Value": status };
  const asked = { "@xsi:type": seen["@xsi:type"], ObjectIdentifier, Generation, [MEMBERS[type][1]]: wish };
  return asked as unknown as Hi1Object;
}

/** HI1-23: a preservation that is asked for until a later instant; whole, because whom it is about is looked up again. */
export function longerFor(seen: LPTask, until: string): LPTask {
  return { ...seen, "task:DesiredPreservationExpiration": until };
}

/** HI1-33: why an object came to where it is, in the words of who decided; null where nothing was said. */
export function reasonOf(object: Hi1Object): string | null {
  const all = object as Partial<Record<(typeof REASONS)[number], { readonly ErrorDescription: string }>>;
  for (const member of REASONS) if (all[member] !== undefined) return all[member].ErrorDescription;
  return null;
}

const REASONS = [
  "auth:AuthorisationInvalidReason",
  "task:StatusReason",
  "doc:DocumentInvalidReason",
] as const;
