// HI1Message of TS 103 120, clause 6, as the profile takes and sends it.
import { EncodingError, type Json, parseJson, utf8 } from "@porchlight/encoding";
import { z } from "zod";
import { endpointSchema, failureSchema, type Hi1Object, objectSchemas, objectTypeOf } from "./object.ts";
import { Hi1Error, type Hi1Refusal, refusal } from "./refusal.ts";
import { dateTime, etsiEntry, microsecondDateTime, shortString, uuid } from "./value.ts";

/** HI1-1: bytes of a message. Larger acts go by their hash. */
export const MAX_MESSAGE_BYTES = 16 * 2 ** 20;
/** Bytes of what one object of a message holds, an act or an answer: as base64 they leave room for all else in it. */
export const MAX_CONTENTS_BYTES = 11 * 2 ** 20;
const MAX_ACTIONS = 100;

const OBJECT_NAMES = ["Authorisation", "Document", "Notification", "LDTask", "LPTask", "Delivery"] as const;

const header = z.strictObject({
  SenderIdentifier: endpointSchema,
  ReceiverIdentifier: endpointSchema,
  TransactionIdentifier: uuid,
  Timestamp: microsecondDateTime,
  Version: z.strictObject({
    ETSIVersion: z
      .string()
      .regex(/^V[0-9]+\.[0-9]+\.[0-9]+$/)
      .max(20),
    NationalProfileOwner: shortString,
    NationalProfileVersion: shortString,
  }),
});
export type Header = z.infer<typeof header>;

const identifier = z.strictObject({ Identifier: uuid });
const list = z.strictObject({
  ObjectType: etsiEntry("ObjectType", OBJECT_NAMES).optional(),
  LastChanged: dateTime.optional(),
  MaximumObjectCount: z.int().min(1).optional(),
});
const withObject = z.strictObject({ HI1Object: z.json() });
const deliver = z.strictObject({ Identifier: uuid, HI1Object: z.json() });

/** What one action asks for. An object that the profile refuses is a refusal already, so that the others still count. */
export type Action =
  | { readonly kind: "get"; readonly id: string }
  | { readonly kind: "create" | "update"; readonly object: Hi1Object }
  | { readonly kind: "list"; readonly filter: z.infer<typeof list> }
  | { readonly kind: "deliver"; readonly object: Hi1Object }
  | { readonly kind: "refused"; readonly refusal: Hi1Refusal };

const listRecord = z.strictObject({
  ObjectType: etsiEntry("ObjectType", OBJECT_NAMES),
  Identifier: uuid,
  OwnerIdentifier: shortString.optional(),
  Generation: z.int().min(0),
  LastChanged: dateTime.optional(),
});
export type ListRecord = z.infer<typeof listRecord>;

const response = z.union([
  z.strictObject({ ActionIdentifier: z.int().min(0), GETResponse: withObject }),
  z.strictObject({
    ActionIdentifier: z.int().min(0),
    CREATEResponse: z.strictObject({ Identifier: uuid, HI1Object: z.json().optional() }),
  }),
  z.strictObject({
    ActionIdentifier: z.int().min(0),
    UPDATEResponse: z.strictObject({ Identifier: uuid, HI1Object: z.json().optional() }),
  }),
  z.strictObject({
    ActionIdentifier: z.int().min(0),
    LISTResponse: z.strictObject({ ListResponseRecord: z.array(listRecord).optional() }),
  }),
  z.strictObject({ ActionIdentifier: z.int().min(0), DELIVERResponse: identifier }),
  z.strictObject({ ActionIdentifier: z.int().min(0), ErrorInformation: failureSchema }),
]);
export type ActionResponse = z.infer<typeof response>;

export type Signature = { readonly protected: string; readonly signature: string };

export type Payload =
  | { readonly kind: "request"; readonly actions: ReadonlyMap<number, Action> }
  | { readonly kind: "response"; readonly responses: readonly ActionResponse[] }
  | { readonly kind: "failure"; readonly failure: z.infer<typeof failureSchema> };

export type Message = {
  readonly header: Header;
  readonly payload: Payload;
  readonly signature: Signature | null;
  /** The message as it was read, signature taken out: what a signature covers (HI1-5). */
  readonly signed: Json;
};

const signature = z.strictObject({ protected: z.string().max(1000), signature: z.string().max(1000) });
const envelope = z.looseObject({
  Header: header,
  Payload: z.union([
    z.strictObject({
      RequestPayload: z.strictObject({
        ActionRequests: z.strictObject({
          ActionRequest: z
            .array(z.looseObject({ ActionIdentifier: z.int().min(0) }))
            .min(1)
            .max(MAX_ACTIONS),
        }),
      }),
    }),
    z.strictObject({
      ResponsePayload: z.union([
        z.strictObject({
          ActionResponses: z.strictObject({ ActionResponse: z.array(response).max(MAX_ACTIONS) }),
        }),
        z.strictObject({ ErrorInformation: failureSchema }),
      ]),
    }),
  ]),
  Signature: signature.optional(),
});

/**
 * HI1-1 to HI1-3: strict JSON of the schema's form. Throws Hi1Error for a message that cannot be read at all; an
 * object inside that the profile refuses becomes an action of kind `refused`.
 */
export function parseMessage(bytes: Uint8Array): Message {
  if (bytes.length > MAX_MESSAGE_BYTES) throw new Hi1Error(refusal("too-large"));
  const json = readJson(bytes);
  const { Header, Payload, Signature: signed, ...rest } = parsed(envelope, json, "message");
  const unknown = Object.keys(rest).find((name) => !name.startsWith("@"));
  if (unknown !== undefined) throw new Hi1Error(refusal("malformed", unknown.slice(0, 40)));
  const { Signature: _, ...withoutSignature } = json as { readonly [name: string]: Json };
  return {
    header: Header,
    payload: payloadOf(Payload),
    signature: signed ?? null,
    signed: withoutSignature,
  };
}

function payloadOf(payload: z.infer<typeof envelope>["Payload"]): Payload {
  if ("ResponsePayload" in payload) {
    const answer = payload.ResponsePayload;
    return "ErrorInformation" in answer
      ? { kind: "failure", failure: answer.ErrorInformation }
      : { kind: "response", responses: answer.ActionResponses.ActionResponse };
  }
  const actions = new Map<number, Action>();
  for (const { ActionIdentifier, ...asked } of payload.RequestPayload.ActionRequests.ActionRequest) {
    // Two answers would bear one number.
    if (actions.has(ActionIdentifier)) throw new Hi1Error(refusal("malformed", "ActionIdentifier"));
    actions.set(ActionIdentifier, actionOf(asked));
  }
  return { kind: "request", actions };
}

function actionOf(asked: Record<string, unknown>): Action {
  const [verb, ...others] = Object.keys(asked);
  if (verb === undefined || others.length > 0) throw new Hi1Error(refusal("malformed", "ActionRequest"));
  const body = asked[verb];
  try {
    switch (verb) {
      case "GET":
        return { kind: "get", id: parsed(identifier, body, verb).Identifier };
      case "LIST":
        return { kind: "list", filter: parsed(list, body, verb) };
      case "CREATE":
        return { kind: "create", object: parseObject(parsed(withObject, body, verb).HI1Object) };
      case "UPDATE":
        return { kind: "update", object: parseObject(parsed(withObject, body, verb).HI1Object) };
      case "DELIVER": {
        const { Identifier, HI1Object } = parsed(deliver, body, verb);
        const object = parseObject(HI1Object);
        if (object.ObjectIdentifier !== Identifier)
          throw new Hi1Error(refusal("malformed", "DELIVER.Identifier"));
        return { kind: "deliver", object };
      }
      default:
        return { kind: "refused", refusal: refusal("action-unsupported") };
    }
  } catch (error) {
    if (error instanceof Hi1Error) return { kind: "refused", refusal: error.refusal };
    throw error;
  }
}

/** HI1-9: an object of one of the profile's six types. Throws Hi1Error. */
export function parseObject(value: unknown): Hi1Object {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const type = isObject ? objectTypeOf((value as Record<string, unknown>)["@xsi:type"]) : null;
  if (type === null) throw new Hi1Error(refusal("object-unsupported"));
  return parsed(objectSchemas[type] as z.ZodType<Hi1Object>, value, type);
}

/** A message in the profile's own form: compact, namespaces first. `signature` is added by {@link signMessage}. */
export function messageJson(
  head: Header,
  payload: Json,
  signed: Signature | null = null,
): { readonly [name: string]: Json } {
  return {
    "@xmlns": "http://uri.etsi.org/03120/common/2019/10/Core",
    Header: head as unknown as Json,
    Payload: payload,
    ...(signed === null ? {} : { Signature: signed }),
  };
}

/** Bytes of a JSON value as they travel. */
export function formatJson(value: Json): Uint8Array {
  return utf8(JSON.stringify(value));
}

function readJson(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes, "message");
  } catch (cause) {
    if (!(cause instanceof EncodingError)) throw cause;
    throw new Hi1Error(refusal("malformed"), { cause });
  }
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // Only ETSI's member names travel back, never what was sent in a member that nobody knows.
  const [issue] = result.error.issues;
  const path = issue?.path.filter((part) => typeof part === "number" || KNOWN_NAME.test(String(part))) ?? [];
  throw new Hi1Error(refusal("malformed", [where, ...path].join(".").slice(0, 200)));
}

const KNOWN_NAME = /^(?:[a-z]+:)?[A-Za-z]{1,60}$/;
