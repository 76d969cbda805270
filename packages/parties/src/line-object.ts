// What an authority has at its provider, in the words of this house: read from objects of TS 103 120 as the provider
// signed them.
import type { UnixSeconds } from "@porchlight/encoding";
import {
  type Authorisation,
  associatedWith,
  clockOf,
  type Delivery,
  type DocumentObject,
  EU_DEADLINES,
  type Hi1Object,
  isAllowed,
  isEmergency,
  isOver,
  isStateful,
  type LDTask,
  type LPTask,
  type Notification,
  type ObjectType,
  objectTypeOf,
  reasonOf,
  referenceOf,
  secondsOf,
  statusOf,
  whatOf,
} from "@porchlight/hi1";

/** An object as the provider showed it, contents of documents and deliveries left out. */
export type TakenObject = {
  readonly object: Hi1Object;
  /** When it was made, where it was seen before it changed. */
  readonly made: UnixSeconds | null;
  /** Of a document: its contents came with it, not its hash alone (HI1-24). Absent in what an earlier version kept. */
  readonly isWhole?: boolean;
};

/** What a requester may do with an object of its own as it stands. */
export type LineAct = "cancel" | "extend" | "receive" | "acknowledge";

export type LineObject = {
  readonly id: string;
  readonly type: ObjectType;
  /** What a task asks for, what a document is; else the type. */
  readonly what: string;
  /** "" for a notification. */
  readonly status: string;
  readonly generation: number;
  readonly reference: string | null;
  /** The provider's words, where it refused or had nothing (HI1-33). */
  readonly reason: string | null;
  /** What the provider asked back, oldest first. */
  readonly challenges: readonly { readonly at: UnixSeconds | null; readonly words: string }[];
  /** The objects that it belongs to. */
  readonly belongsTo: readonly string[];
  readonly isEmergency: boolean;
  /** At its end: nothing comes of it any more. */
  readonly isOver: boolean;
  /** By when the provider has to answer it, or until when it keeps what it preserves (HI1-25, HI1-34). */
  readonly deadline: UnixSeconds | null;
  readonly made: UnixSeconds | null;
  readonly changed: UnixSeconds | null;
  /** YYYY-MM-DD. */
  readonly days: { readonly first: string; readonly last: string } | null;
  /** Of an authorisation. */
  readonly legalBasis: string | null;
  readonly offence: string | null;
  /** How each target is named, and the name. */
  readonly targets: readonly { readonly format: string; readonly value: string }[];
  /** Of a preservation: until when it was asked for, and until when it is granted. YYYY-MM-DD. */
  readonly asked: string | null;
  readonly granted: string | null;
  /** Of a document or delivery. */
  readonly contentType: string | null;
  readonly checksum: string | null;
  /** Of a document: whether the provider has its contents, and not its hash alone; `null` where that is not known, and of everything else. */
  readonly isWhole: boolean | null;
  readonly acts: readonly LineAct[];
};

/** What challenges and deadlines are read from are the others of the same list. Notifications are in what they are about. */
export function lineObjects(taken: readonly TakenObject[]): LineObject[] {
  const papers = taken.flatMap(({ object, made }) =>
    typeOf(object) === "Document" ? [{ object, came: made }] : [],
  );
  const asked = taken.flatMap(({ object }) =>
    typeOf(object) === "Notification" ? [object as Notification] : [],
  );
  return taken
    .filter(({ object }) => typeOf(object) !== "Notification")
    .map(({ object, made, isWhole }): LineObject => {
      const { ObjectIdentifier: id, Generation: generation = 0 } = object;
      const type = typeOf(object);
      const status = statusOf(object) ?? "";
      const about = asked.filter((one) => associatedWith(one).includes(id));
      return {
        ...{ id, type, status, generation, made },
        what: whatOf(object),
        reference: referenceOf(object),
        reason: reasonOf(object),
        challenges: about
          .map((one) => ({
            at: instantOf(one["notification:NotificationTimestamp"]),
            words: one["notification:NotificationDetails"] ?? "",
          }))
          .sort((a, b) => (a.at ?? 0) - (b.at ?? 0)),
        belongsTo: associatedWith(object),
        isEmergency: isEmergency(object),
        isOver: isOver(object),
        // Under the EU's times, as a provider has them where it configured no others.
        deadline: clockOf({ object, came: made }, papers, EU_DEADLINES),
        changed: instantOf(object.LastChanged),
        ...detailsOf(object),
        isWhole: type === "Document" ? (isWhole ?? null) : null,
        acts: actsOf(type, status),
      };
    });
}

function typeOf(object: Hi1Object): ObjectType {
  return objectTypeOf(object["@xsi:type"]) as ObjectType;
}

function instantOf(text: string | undefined): UnixSeconds | null {
  return text === undefined ? null : secondsOf(text);
}

type Details = Pick<
  LineObject,
  "days" | "legalBasis" | "offence" | "targets" | "asked" | "granted" | "contentType" | "checksum"
>;
const NO_DETAILS: Details = {
  days: null,
  legalBasis: null,
  offence: null,
  targets: [],
  asked: null,
  granted: null,
  contentType: null,
  checksum: null,
};

function detailsOf(object: Hi1Object): Details {
  switch (typeOf(object)) {
    case "Authorisation": {
      const authorisation = object as Authorisation;
      const span = authorisation["auth:AuthorisationTimespan"];
      return {
        ...NO_DETAILS,
        days: daysOf(span?.["auth:StartTime"], span?.["auth:EndTime"]),
        legalBasis: authorisation["auth:AuthorisationLegalType"]?.["common:Value"] ?? null,
        offence: authorisation["auth:AuthorisationTypeOfCase"]?.["common:Value"] ?? null,
      };
    }
    case "LDTask":
    case "LPTask": {
      const details = (object as LDTask | LPTask)["task:RequestDetails"];
      const preservation = object as LPTask;
      return {
        ...NO_DETAILS,
        days: daysOf(details?.["task:StartTime"], details?.["task:EndTime"]),
        targets: (details?.["task:RequestValues"]?.["task:RequestValue"] ?? []).map((one) => ({
          format: one["task:FormatType"]["task:FormatName"],
          value: one["task:Value"],
        })),
        asked: preservation["task:DesiredPreservationExpiration"]?.slice(0, 10) ?? null,
        granted: preservation["task:PreservationExpiration"]?.slice(0, 10) ?? null,
      };
    }
    case "Document": {
      const body = (object as DocumentObject)["doc:DocumentBody"];
      return {
        ...NO_DETAILS,
        contentType: body?.["doc:ContentType"] ?? null,
        checksum: body?.["doc:Checksum"] ?? null,
      };
    }
    case "Delivery": {
      const delivered = (object as Delivery)["delivery:Delivery"];
      if (delivered === undefined || !("delivery:BinaryData" in delivered)) return NO_DETAILS;
      const data = delivered["delivery:BinaryData"];
      return {
        ...NO_DETAILS,
        contentType: data["delivery:ContentType"] ?? null,
        checksum: data["delivery:Checksum"] ?? null,
      };
    }
    case "Notification":
      return NO_DETAILS;
  }
}

function daysOf(first: string | undefined, last: string | undefined): LineObject["days"] {
  return first === undefined || last === undefined
    ? null
    : { first: first.slice(0, 10), last: last.slice(0, 10) };
}

function actsOf(type: ObjectType, status: string): readonly LineAct[] {
  if (!isStateful(type)) return [];
  if (type === "Delivery") {
    return [
      ...(isAllowed(type, status, "Received", "receiver") ? (["receive"] as const) : []),
      ...(isAllowed(type, status, "Acknowledged", "receiver") ? (["acknowledge"] as const) : []),
    ];
  }
  return [
    ...(type === "LPTask" && status === "Preserved" ? (["extend"] as const) : []),
    ...(isAllowed(type, status, "Cancelled", "owner") ? (["cancel"] as const) : []),
  ];
}
