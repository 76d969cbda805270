// A requester's side of TS 103 120: signed messages to the provider, and answers that the provider signed (spec/hi1.md).
import { randomUUID } from "node:crypto";
import type { Json } from "@porchlight/encoding";
import {
  type ActionResponse,
  canonicalJson,
  checkMessage,
  type Endpoint,
  etsi,
  Hi1Error,
  type Hi1Object,
  type Message,
  type Profile,
  parseMessage,
  refusal,
  signedMessage,
  typeName,
} from "@porchlight/hi1";
import { PartyError } from "./error.ts";
import type { Service } from "./service.ts";

/** Who speaks with whom, under which profile. */
export type ProviderLine = {
  readonly own: Endpoint;
  readonly provider: Endpoint;
  /** `NationalProfileOwner` and its version. */
  readonly owner: string;
  readonly version: string;
  /** Ed25519, 32 B. */
  readonly seed: Uint8Array;
};

/** What a task to disclose asks for. */
export type TaskType = "StoredContentData" | "SubscriberData" | "TrafficData";

/** A task's or authorisation's days: whole UTC days, both included (HI1-16). */
export type Span = { readonly first: string; readonly last: string };

export type TaskTargets = {
  readonly accounts: readonly string[];
  readonly names: readonly string[];
  readonly conversations: readonly string[];
};

const TWO = { start: "T00:00:00Z", end: "T23:59:59Z" } as const;

function base(line: ProviderLine, belongsTo: readonly string[]) {
  return {
    ObjectIdentifier: randomUUID() as string,
    CountryCode: line.own.CountryCode,
    OwnerIdentifier: line.own.UniqueIdentifier,
    ...(belongsTo.length === 0 ? {} : { AssociatedObjects: { AssociatedObject: [...belongsTo] } }),
  };
}

function national(line: ProviderLine, name: string, value: string) {
  return { "common:Owner": line.owner, "common:Name": name, "common:Value": value };
}

export function authorisationOf(
  line: ProviderLine,
  about: {
    readonly reference: string;
    readonly legalBasis: string;
    readonly offenceCategory: string;
    readonly days: Span;
    readonly isEmergency: boolean;
  },
): Hi1Object {
  return {
    "@xsi:type": typeName("Authorisation"),
    ...base(line, []),
    "auth:AuthorisationReference": about.reference,
    "auth:AuthorisationLegalType": national(line, "LegalBasis", about.legalBasis),
    "auth:AuthorisationTimespan": {
      "auth:StartTime": about.days.first + TWO.start,
      "auth:EndTime": about.days.last + TWO.end,
    },
    "auth:AuthorisationCSPID": { "auth:CSPID": [line.provider] },
    ...(about.isEmergency
      ? {
          "auth:AuthorisationFlags": { "auth:AuthorisationFlag": [etsi("AuthorisationFlag", "IsEmergency")] },
        }
      : {}),
    "auth:AuthorisationTypeOfCase": national(line, "OffenceCategory", about.offenceCategory),
  } as Hi1Object;
}

function details(line: ProviderLine, type: string | null, days: Span, targets: TaskTargets) {
  const values = (name: string, all: readonly string[]) =>
    all.map((value) => ({
      "task:FormatType": { "task:FormatOwner": line.owner, "task:FormatName": name },
      "task:Value": value,
    }));
  return {
    ...(type === null ? {} : { "task:Type": etsi("RequestType", type) }),
    "task:StartTime": days.first + TWO.start,
    "task:EndTime": days.last + TWO.end,
    "task:RequestValues": {
      "task:RequestValue": [
        ...values("Account", targets.accounts),
        ...values("Name", targets.names),
        ...values("Conversation", targets.conversations),
      ],
    },
  };
}

export function taskOf(
  line: ProviderLine,
  authorisation: string,
  about: {
    /** LDID; `null`: one is made of country, endpoint and the task's own identifier. */
    readonly reference: string | null;
    readonly type: TaskType;
    readonly days: Span;
    readonly targets: TaskTargets;
    readonly isEmergency: boolean;
  },
): Hi1Object {
  const common = base(line, [authorisation]);
  const { CountryCode, UniqueIdentifier } = line.own;
  return {
    "@xsi:type": typeName("LDTask"),
    ...common,
    "task:Reference":
      about.reference ?? `${CountryCode}-${UniqueIdentifier}-${common.ObjectIdentifier.slice(0, 8)}`,
    "task:RequestDetails": details(line, about.type, about.days, about.targets),
    "task:CSPID": line.provider,
    ...(about.isEmergency
      ? { "task:Flags": { "task:LDTaskFlag": [etsi("LDTaskFlag", "IsEmergency")] } }
      : {}),
  } as Hi1Object;
}

export function preservationTaskOf(
  line: ProviderLine,
  about: {
    readonly reference: string;
    readonly days: Span;
    readonly targets: TaskTargets;
    /** YYYY-MM-DD, that day included. */
    readonly until: string;
  },
): Hi1Object {
  return {
    "@xsi:type": typeName("LPTask"),
    ...base(line, []),
    ExternalIdentifier: about.reference,
    "task:RequestDetails": details(line, null, about.days, about.targets),
    "task:DesiredPreservationExpiration": about.until + TWO.end,
    "task:CSPID": line.provider,
  } as Hi1Object;
}

/** `contents` is null where the act stays with the court and only its hash goes (HI1-24). */
export function documentOf(
  line: ProviderLine,
  authorisation: string,
  about: {
    readonly type: "Warrant" | "OriginalAct";
    readonly contentType: string;
    /** SHA-256, hexadecimal. */
    readonly checksum: string;
    readonly contents: Uint8Array | null;
  },
): Hi1Object {
  return {
    "@xsi:type": typeName("Document"),
    ...base(line, [authorisation]),
    "doc:DocumentType":
      about.type === "Warrant" ? etsi("DocumentType", "Warrant") : national(line, "DocumentType", about.type),
    "doc:DocumentBody": {
      ...(about.contents === null ? {} : { "doc:Contents": Buffer.from(about.contents).toString("base64") }),
      "doc:ContentType": about.contentType,
      "doc:Checksum": about.checksum,
      "doc:ChecksumType": "SHA-256",
    },
  } as Hi1Object;
}

/** What came of an object that was sent. The words are the provider's. */
export type Created =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly number: number; readonly words: string };

/**
 * Sends one object. The very same one is sent again without harm: what the provider has already is taken. Throws as
 * {@link askProvider}.
 */
export async function createAtProvider(
  service: Service,
  line: ProviderLine,
  object: Hi1Object,
): Promise<Created> {
  const [answer] = await askProvider(service, line, [{ CREATE: { HI1Object: object } }]);
  if (answer === undefined || !("ErrorInformation" in answer)) return { kind: "taken" };
  const { ErrorCode: number, ErrorDescription: words } = answer.ErrorInformation;
  if (number === refusal("object-exists").number && (await isThere(service, line, object)))
    return { kind: "taken" };
  return { kind: "refused", number, words };
}

/** Whether the provider has an object with everything that this one says. */
async function isThere(service: Service, line: ProviderLine, object: Hi1Object): Promise<boolean> {
  const [answer] = await askProvider(service, line, [{ GET: { Identifier: object.ObjectIdentifier } }]);
  if (answer === undefined || !("GETResponse" in answer)) return false;
  const there = answer.GETResponse.HI1Object as Readonly<Record<string, Json>>;
  return Object.entries(object as Readonly<Record<string, Json>>).every(
    ([name, value]) =>
      Object.hasOwn(there, name) && canonicalJson(there[name] as Json) === canonicalJson(value),
  );
}

/**
 * Sends actions in one message and gives the provider's answers, in the order of the actions; every answer is the
 * provider's signed one to this very message. Throws PartyError "hi1-refused" for a message refused as a whole, "hi1-untrue";
 * WireError.
 */
export async function askProvider(
  service: Service,
  line: ProviderLine,
  actions: readonly object[],
): Promise<readonly ActionResponse[]> {
  return (await exchange(service, line, actions)).responses;
}

/** {@link askProvider}, with the message that the provider signed: whoever keeps it can prove the answer. */
export async function exchange(
  service: Service,
  line: ProviderLine,
  actions: readonly object[],
): Promise<{ readonly responses: readonly ActionResponse[]; readonly signed: Uint8Array }> {
  const asked = actions.map((action, ActionIdentifier) => ({ ActionIdentifier, ...action }));
  const transaction = randomUUID();
  const sent = signedMessage(
    {
      sender: line.own,
      receiver: line.provider,
      transaction,
      owner: line.owner,
      version: line.version,
    },
    { RequestPayload: { ActionRequests: { ActionRequest: asked } } },
    service.now(),
    line.seed,
  );
  const received = await service.server.hi1(sent);
  const answer = read(received);
  const profile = {
    endpoint: line.own,
    owner: line.owner,
    version: line.version,
    legalBases: [],
    offenceCategories: [],
    preservationDays: 0,
    preservationExtensionDays: 0,
    waitingObjects: 0,
    takesTests: false,
  } satisfies Profile;
  const keys = new Map([[line.provider.UniqueIdentifier, service.charter.provider.key]]);
  const context = { profile, keys, resolve: () => null, now: service.now(), takes: "deliveries" } as const;
  const refused = checkMessage(answer, context);
  if (refused !== null || answer.header.TransactionIdentifier !== transaction) {
    throw untrue(refused?.description ?? "It is to another message.");
  }
  const { payload } = answer;
  if (payload.kind === "failure") throw new PartyError("hi1-refused", payload.failure.ErrorDescription);
  if (payload.kind !== "response") throw untrue("It is no answer.");
  const byNumber = new Map(payload.responses.map((one) => [one.ActionIdentifier, one]));
  const responses = actions.map((_, i) => {
    const found = byNumber.get(i);
    if (found === undefined) throw untrue("An action has no answer.");
    return found;
  });
  return { responses, signed: received };
}

function read(bytes: Uint8Array): Message {
  try {
    return parseMessage(bytes);
  } catch (cause) {
    if (!(cause instanceof Hi1Error)) throw cause;
    throw untrue(cause.refusal.description, cause);
  }
}

/** PartyError "hi1-untrue". */
export function untrue(why: string, cause?: unknown): PartyError {
  return new PartyError("hi1-untrue", `the answer is not the provider's (${why})`, { cause });
}
