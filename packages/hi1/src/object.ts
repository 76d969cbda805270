// The objects of TS 103 120 that the profile takes (HI1-9), in ETSI's own names, with the members that the profile
// knows. What ETSI allows and the profile does not know is refused: nobody may think it was heeded.
import { z } from "zod";
import {
  AUTHORISATION_STATUS,
  base64Text,
  countryCode,
  DELIVERY_STATUS,
  DOCUMENT_STATUS,
  dateTime,
  etsiEntry,
  LD_TASK_STATUS,
  LP_TASK_STATUS,
  ldid,
  longString,
  nationalEntry,
  REQUEST_TYPES,
  shortString,
  uuid,
} from "./value.ts";

const NAMESPACES = {
  Authorisation: "{http://uri.etsi.org/03120/common/2020/09/Authorisation}AuthorisationObject",
  LDTask: "{http://uri.etsi.org/03120/common/2020/09/Task}LDTaskObject",
  LPTask: "{http://uri.etsi.org/03120/common/2020/09/Task}LPTaskObject",
  Document: "{http://uri.etsi.org/03120/common/2020/09/Document}DocumentObject",
  Notification: "{http://uri.etsi.org/03120/common/2016/02/Notification}NotificationObject",
  Delivery: "{http://uri.etsi.org/03120/common/2019/10/Delivery}DeliveryObject",
} as const;

export type ObjectType = keyof typeof NAMESPACES;
const OBJECT_TYPES = Object.keys(NAMESPACES) as ObjectType[];

/** `@xsi:type` of each object. */
export function typeName<T extends ObjectType>(type: T): (typeof NAMESPACES)[T] {
  return NAMESPACES[type];
}

const endpoint = z.strictObject({ CountryCode: countryCode, UniqueIdentifier: longString });
export type Endpoint = z.infer<typeof endpoint>;
export const endpointSchema = endpoint;

const base = {
  ObjectIdentifier: uuid,
  CountryCode: countryCode.optional(),
  OwnerIdentifier: shortString.optional(),
  Generation: z.int().min(0).optional(),
  ExternalIdentifier: longString.optional(),
  AssociatedObjects: z.strictObject({ AssociatedObject: z.array(uuid).max(1000).optional() }).optional(),
  LastChanged: dateTime.optional(),
};

const failure = z.strictObject({ ErrorCode: z.int().min(0), ErrorDescription: longString });
export const failureSchema = failure;

const approval = z.strictObject({
  "common:ApprovalType": longString.optional(),
  "common:ApprovalDescription": longString.optional(),
  "common:ApprovalReference": longString.optional(),
  "common:ApproverDetails": z
    .strictObject({
      "common:ApproverName": longString.optional(),
      "common:ApproverRole": longString.optional(),
    })
    .optional(),
  "common:ApprovalTimestamp": dateTime.optional(),
  "common:ApprovalIsEmergency": z.boolean().optional(),
});

const authorisation = z.strictObject({
  "@xsi:type": z.literal(NAMESPACES.Authorisation),
  ...base,
  "auth:AuthorisationReference": longString.optional(),
  "auth:AuthorisationLegalType": nationalEntry.optional(),
  "auth:AuthorisationPriority": etsiEntry("AuthorisationPriority", ["High", "Routine"]).optional(),
  "auth:AuthorisationStatus": etsiEntry("AuthorisationStatus", AUTHORISATION_STATUS).optional(),
  "auth:AuthorisationDesiredStatus": etsiEntry("AuthorisationDesiredStatus", AUTHORISATION_STATUS).optional(),
  "auth:AuthorisationTimespan": z
    .strictObject({ "auth:StartTime": dateTime.optional(), "auth:EndTime": dateTime.optional() })
    .optional(),
  "auth:AuthorisationCSPID": z
    .strictObject({ "auth:CSPID": z.array(endpoint).min(1).max(100).optional() })
    .optional(),
  "auth:AuthorisationCreationTimestamp": dateTime.optional(),
  "auth:AuthorisationServedTimestamp": dateTime.optional(),
  "auth:AuthorisationTerminationTimestamp": dateTime.optional(),
  "auth:AuthorisationApprovalDetails": z.array(approval).max(100).optional(),
  "auth:AuthorisationInvalidReason": failure.optional(),
  "auth:AuthorisationFlags": z
    .strictObject({
      "auth:AuthorisationFlag": z
        .array(etsiEntry("AuthorisationFlag", ["IsEmergency", "IsTest"]))
        .max(10)
        .optional(),
    })
    .optional(),
  "auth:AuthorisationManualInformation": longString.optional(),
  "auth:AuthorisationJurisdiction": longString.optional(),
  "auth:AuthorisationTypeOfCase": nationalEntry.optional(),
  "auth:AuthorisationLegalEntity": shortString.optional(),
});

const format = z.strictObject({ "task:FormatOwner": shortString, "task:FormatName": shortString });
const requestValues = z.strictObject({
  "task:RequestValue": z
    .array(z.strictObject({ "task:FormatType": format, "task:Value": longString }))
    .max(1000)
    .optional(),
});
const subtype = z.strictObject({ "task:RequestSubtype": z.array(nationalEntry).max(10).optional() });
const address = z.union([
  z.strictObject({ "task:IPv4Address": shortString }),
  z.strictObject({ "task:IPv6Address": shortString }),
  z.strictObject({ "task:URL": longString }),
  z.strictObject({ "task:FQDN": longString }),
  z.strictObject({ "task:EmailAddress": shortString }),
  z.strictObject({ "task:EndpointID": endpoint }),
  z.strictObject({ "task:DeliveryInformationID": longString }),
]);
const reference = z.strictObject({
  "task:ReferenceValue": longString,
  "task:NatureOfReference": longString.optional(),
  "task:TransmissionTime": dateTime.optional(),
});

const ldTask = z.strictObject({
  "@xsi:type": z.literal(NAMESPACES.LDTask),
  ...base,
  "task:Reference": ldid.optional(),
  "task:Status": etsiEntry("LDTaskStatus", LD_TASK_STATUS).optional(),
  "task:StatusReason": failure.optional(),
  "task:DesiredStatus": etsiEntry("LDTaskDesiredStatus", LD_TASK_STATUS).optional(),
  "task:RequestDetails": z
    .strictObject({
      "task:Type": etsiEntry("RequestType", REQUEST_TYPES).optional(),
      "task:StartTime": dateTime.optional(),
      "task:EndTime": dateTime.optional(),
      "task:RequestValues": requestValues.optional(),
      "task:Subtype": subtype.optional(),
    })
    .optional(),
  "task:DeliveryDetails": z
    .strictObject({
      "task:LDDeliveryDestination": z
        .array(z.strictObject({ "task:DeliveryAddress": address.optional() }))
        .min(1)
        .max(10)
        .optional(),
    })
    .optional(),
  "task:CSPID": endpoint.optional(),
  "task:Flags": z
    .strictObject({
      "task:LDTaskFlag": z
        .array(etsiEntry("LDTaskFlag", ["IsEmergency", "IsTest"]))
        .max(10)
        .optional(),
    })
    .optional(),
  "task:AlternativePreservationReferences": z
    .strictObject({ "task:AlternativePreservationReference": z.array(reference).min(1).max(100).optional() })
    .optional(),
  "task:Deadlines": z
    .strictObject({
      "task:LDDeadline": z
        .array(
          z.strictObject({
            "task:DateTime": dateTime.optional(),
            "task:OtherInformation": longString.optional(),
          }),
        )
        .max(10)
        .optional(),
    })
    .optional(),
  "task:ManualInformation": longString.optional(),
});

const lpTask = z.strictObject({
  "@xsi:type": z.literal(NAMESPACES.LPTask),
  ...base,
  "task:Status": etsiEntry("LPTaskStatus", LP_TASK_STATUS).optional(),
  "task:StatusReason": failure.optional(),
  "task:DesiredStatus": etsiEntry("LPTaskDesiredStatus", LP_TASK_STATUS).optional(),
  "task:RequestDetails": z
    .strictObject({
      "task:Type": etsiEntry("RequestType", REQUEST_TYPES).optional(),
      "task:StartTime": dateTime.optional(),
      "task:EndTime": dateTime.optional(),
      "task:RequestValues": requestValues.optional(),
      "task:Subtype": subtype.optional(),
    })
    .optional(),
  "task:DesiredPreservationExpiration": dateTime.optional(),
  "task:PreservationExpiration": dateTime.optional(),
  "task:CSPID": endpoint.optional(),
});

const document = z.strictObject({
  "@xsi:type": z.literal(NAMESPACES.Document),
  ...base,
  "doc:DocumentReference": longString.optional(),
  "doc:DocumentName": longString.optional(),
  "doc:DocumentStatus": etsiEntry("DocumentStatus", DOCUMENT_STATUS).optional(),
  "doc:DocumentDesiredStatus": etsiEntry("DocumentDesiredStatus", DOCUMENT_STATUS).optional(),
  "doc:DocumentType": nationalEntry.optional(),
  "doc:DocumentBody": z
    .strictObject({
      "doc:Contents": base64Text.optional(),
      "doc:ContentType": shortString.optional(),
      "doc:Checksum": shortString.optional(),
      "doc:ChecksumType": shortString.optional(),
    })
    .optional(),
  "doc:DocumentInvalidReason": failure.optional(),
});

const notification = z.strictObject({
  "@xsi:type": z.literal(NAMESPACES.Notification),
  ...base,
  "notification:NotificationDetails": longString.optional(),
  "notification:NotificationType": nationalEntry.optional(),
  "notification:NewNotification": z.boolean().optional(),
  "notification:NotificationTimestamp": dateTime.optional(),
  "notification:StatusOfAssociatedObjects": z
    .strictObject({
      "notification:AssociatedObjectStatus": z
        .array(
          z.strictObject({
            "notification:AssociatedObject": uuid,
            "notification:Status": nationalEntry,
            "notification:Details": longString.optional(),
          }),
        )
        .min(1)
        .max(100)
        .optional(),
    })
    .optional(),
});

const delivery = z.strictObject({
  "@xsi:type": z.literal(NAMESPACES.Delivery),
  ...base,
  "delivery:Reference": z.strictObject({ "delivery:LDID": ldid }).optional(),
  "delivery:DeliveryID": uuid.optional(),
  "delivery:SequenceNumber": z.int().min(0).optional(),
  "delivery:LastSequence": z.boolean().optional(),
  "delivery:Manifest": z
    .strictObject({
      "delivery:ExternalSchema": z.strictObject({
        "delivery:ManifestID": longString.optional(),
        "delivery:ManifestContents": z
          .union([
            z.strictObject({ "delivery:BinaryData": z.strictObject({ "delivery:Data": base64Text }) }),
            z.strictObject({ "delivery:JSONSchema": z.json() }),
          ])
          .optional(),
      }),
    })
    .optional(),
  "delivery:Delivery": z
    .union([
      z.strictObject({
        "delivery:BinaryData": z.strictObject({
          "delivery:Data": base64Text,
          "delivery:ContentType": shortString.optional(),
          "delivery:Checksum": shortString.optional(),
          "delivery:ChecksumType": shortString.optional(),
          "delivery:ContentLength": z.int().min(0).optional(),
        }),
      }),
      z.strictObject({ "delivery:JSONData": z.json() }),
      z.strictObject({ "delivery:DataExistence": z.boolean() }),
    ])
    .optional(),
  "delivery:DeliveryStatus": etsiEntry("DeliveryStatus", DELIVERY_STATUS).optional(),
  "delivery:DeliveryDesiredStatus": etsiEntry("DeliveryDesiredStatus", DELIVERY_STATUS).optional(),
});

export const objectSchemas = {
  Authorisation: authorisation,
  LDTask: ldTask,
  LPTask: lpTask,
  Document: document,
  Notification: notification,
  Delivery: delivery,
} as const;

export type Authorisation = z.infer<typeof authorisation>;
export type LDTask = z.infer<typeof ldTask>;
export type LPTask = z.infer<typeof lpTask>;
export type DocumentObject = z.infer<typeof document>;
export type Notification = z.infer<typeof notification>;
export type Delivery = z.infer<typeof delivery>;
export type Hi1Object = Authorisation | LDTask | LPTask | DocumentObject | Notification | Delivery;

/** Which of the profile's types an `@xsi:type` names; null for all others, whatever they are. */
export function objectTypeOf(xsiType: unknown): ObjectType | null {
  return OBJECT_TYPES.find((type) => NAMESPACES[type] === xsiType) ?? null;
}

/** An object without what a document or a delivery holds, and that in base64; null where it holds nothing. */
export function apart(object: Hi1Object): { readonly bare: Hi1Object; readonly contents: string | null } {
  const body = (object as DocumentObject)["doc:DocumentBody"];
  if (body?.["doc:Contents"] !== undefined) {
    const { "doc:Contents": contents, ...rest } = body;
    return { bare: { ...(object as DocumentObject), "doc:DocumentBody": rest }, contents };
  }
  const data = dataOf(object);
  if (data === null || data["delivery:Data"] === "") return { bare: object, contents: null };
  // ETSI's schema demands the member.
  return { bare: delivering(object, { ...data, "delivery:Data": "" }), contents: data["delivery:Data"] };
}

/** The whole again of what {@link apart} gave. */
export function together(bare: Hi1Object, contents: string): Hi1Object {
  const data = dataOf(bare);
  if (data !== null) return delivering(bare, { ...data, "delivery:Data": contents });
  const document = bare as DocumentObject;
  return {
    ...document,
    "doc:DocumentBody": { "doc:Contents": contents, ...document["doc:DocumentBody"] },
  };
}

type BinaryData = Extract<
  NonNullable<Delivery["delivery:Delivery"]>,
  { "delivery:BinaryData": unknown }
>["delivery:BinaryData"];

function dataOf(object: Hi1Object): BinaryData | null {
  const delivered = (object as Delivery)["delivery:Delivery"];
  return delivered !== undefined && "delivery:BinaryData" in delivered
    ? delivered["delivery:BinaryData"]
    : null;
}

function delivering(object: Hi1Object, data: BinaryData): Delivery {
  return { ...(object as Delivery), "delivery:Delivery": { "delivery:BinaryData": data } };
}

/** By what its owner calls it; of a delivery the task that it answers. Null where nothing was said. */
export function referenceOf(object: Hi1Object): string | null {
  switch (objectTypeOf(object["@xsi:type"])) {
    case "Authorisation":
      return (object as Authorisation)["auth:AuthorisationReference"] ?? null;
    case "LDTask":
      return (object as LDTask)["task:Reference"] ?? null;
    case "LPTask":
      return object.ExternalIdentifier ?? null;
    case "Document":
      return (object as DocumentObject)["doc:DocumentReference"] ?? null;
    case "Delivery":
      return (object as Delivery)["delivery:Reference"]?.["delivery:LDID"] ?? null;
    default:
      return null;
  }
}

/** What a task asks for, what a document is; else the type. */
export function whatOf(object: Hi1Object): string {
  const type = objectTypeOf(object["@xsi:type"]) ?? "";
  switch (type) {
    case "LDTask":
      return (object as LDTask)["task:RequestDetails"]?.["task:Type"]?.["common:Value"] ?? type;
    case "Document":
      return (object as DocumentObject)["doc:DocumentType"]?.["common:Value"] ?? type;
    default:
      return type;
  }
}
