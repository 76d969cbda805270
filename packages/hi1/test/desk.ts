// An endpoint and those who write to it, with the smallest store there is.
import { type AccountId, accountId, type Json, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { nobleSuite } from "@porchlight/tlog";
import {
  type Action,
  type ActionResponse,
  advance,
  answerActions,
  CANCELLED_COUNTS,
  checkMessage,
  type DeskContext,
  dateTimeOf,
  type Endpoint,
  etsi,
  formatJson,
  type Header,
  type Held,
  type Hi1Refusal,
  messageJson,
  type Profile,
  parseMessage,
  signMessage,
  statusOf,
  typeName,
  WAITING,
} from "../src/index.ts";

export const NOW = unixSeconds(Date.parse("2026-03-20T09:00:00Z") / 1000);
export const PROVIDER: Endpoint = { CountryCode: "XX", UniqueIdentifier: "PROVIDER" };
export const AGENCY: Endpoint = { CountryCode: "XX", UniqueIdentifier: "AGENCY" };
export const OTHER: Endpoint = { CountryCode: "XX", UniqueIdentifier: "OTHER" };
export const seeds = new Map(
  [AGENCY, OTHER, PROVIDER].map(({ UniqueIdentifier }, i) => [
    UniqueIdentifier,
    new Uint8Array(32).fill(i + 1),
  ]),
);
export const ADA = accountId("a1".repeat(32));

export const profile: Profile = {
  endpoint: PROVIDER,
  owner: "porchlight",
  version: "1",
  legalBases: ["Code of Criminal Procedure, section 100a"],
  offenceCategories: ["Stalking"],
  preservationDays: 60,
  preservationExtensionDays: 30,
  waitingObjects: 20,
  takesTests: false,
};

export const uuidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

export function authorisation(id: number, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    "@xsi:type": typeName("Authorisation"),
    ObjectIdentifier: uuidOf(id),
    CountryCode: "XX",
    OwnerIdentifier: "AGENCY",
    "auth:AuthorisationReference": "4 Gs 17/26",
    "auth:AuthorisationLegalType": national("LegalBasis", "Code of Criminal Procedure, section 100a"),
    "auth:AuthorisationTimespan": {
      "auth:StartTime": "2026-03-01T00:00:00Z",
      "auth:EndTime": "2026-03-10T23:59:59Z",
    },
    "auth:AuthorisationCSPID": { "auth:CSPID": [PROVIDER] },
    "auth:AuthorisationTypeOfCase": national("OffenceCategory", "Stalking"),
    ...change,
  };
}

export function ldTask(
  id: number,
  belongsTo: number,
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    "@xsi:type": typeName("LDTask"),
    ObjectIdentifier: uuidOf(id),
    CountryCode: "XX",
    OwnerIdentifier: "AGENCY",
    AssociatedObjects: { AssociatedObject: [uuidOf(belongsTo)] },
    "task:Reference": "XX-AGENCY-17",
    "task:RequestDetails": details(),
    "task:CSPID": PROVIDER,
    ...change,
  };
}

export function lpTask(id: number, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    "@xsi:type": typeName("LPTask"),
    ObjectIdentifier: uuidOf(id),
    CountryCode: "XX",
    OwnerIdentifier: "AGENCY",
    "task:RequestDetails": details(),
    "task:DesiredPreservationExpiration": "2026-05-19T00:00:00Z",
    "task:CSPID": PROVIDER,
    ...change,
  };
}

export function details(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    "task:Type": etsi("RequestType", "StoredContentData"),
    "task:StartTime": "2026-03-02T00:00:00Z",
    "task:EndTime": "2026-03-04T23:59:59Z",
    "task:RequestValues": { "task:RequestValue": [target("Name", "Ada")] },
    ...change,
  };
}

export function target(format: string, value: string, owner = "porchlight"): Record<string, unknown> {
  return { "task:FormatType": { "task:FormatOwner": owner, "task:FormatName": format }, "task:Value": value };
}

export function national(name: string, value: string): Record<string, string> {
  return { "common:Owner": "porchlight", "common:Name": name, "common:Value": value };
}

/** A desk with a store in memory: what a step changes is kept, what it answers is returned. */
export class Desk {
  readonly objects = new Map<string, Held>();
  now: UnixSeconds = NOW;
  #transactions = 0;
  readonly takes: DeskContext["takes"];

  constructor(takes: DeskContext["takes"] = "orders") {
    this.takes = takes;
  }

  get context(): DeskContext {
    const keys = new Map([...seeds].map(([name, seed]) => [name, nobleSuite.publicKeyOf(seed)]));
    const resolve = (_: string, value: string): AccountId | null =>
      value === "Ada" || value === ADA ? ADA : null;
    return { profile, keys, resolve, now: this.now, takes: this.takes };
  }

  header(from: Endpoint, change: Partial<Header> = {}): Header {
    return {
      SenderIdentifier: from,
      ReceiverIdentifier: PROVIDER,
      TransactionIdentifier: uuidOf(++this.#transactions),
      Timestamp: dateTimeOf(this.now).replace("Z", ".000000Z"),
      Version: { ETSIVersion: "V1.14.1", NationalProfileOwner: "porchlight", NationalProfileVersion: "1" },
      ...change,
    };
  }

  request(actions: readonly object[], from: Endpoint = AGENCY, change: Partial<Header> = {}): Uint8Array {
    const asked = actions.map((action, ActionIdentifier) => ({ ActionIdentifier, ...action }));
    // By way of text, as it travels: members that are undefined are not there.
    const payload = JSON.parse(
      JSON.stringify({ RequestPayload: { ActionRequests: { ActionRequest: asked } } }),
    ) as Json;
    const header = this.header(from, change);
    const unsigned = messageJson(header, payload);
    const seed = seeds.get(from.UniqueIdentifier) ?? new Uint8Array(32);
    return formatJson(
      messageJson(header, payload, signMessage(unsigned, { name: from.UniqueIdentifier, seed })),
    );
  }

  /** Takes the bytes of a request, as the program around a desk does. */
  take(bytes: Uint8Array): readonly ActionResponse[] | Hi1Refusal {
    const message = parseMessage(bytes);
    const refused = checkMessage(message, this.context);
    if (refused !== null) return refused;
    if (message.payload.kind !== "request") throw new TypeError("no request");
    return this.answer(message.payload.actions, message.header.SenderIdentifier.UniqueIdentifier);
  }

  /** The answers to actions of a message that counts as checked. */
  answer(actions: ReadonlyMap<number, Action>, sender: string): readonly ActionResponse[] {
    const shelf = {
      get: (id: string) => this.objects.get(id),
      of: (owner: string) => [...this.objects.values()].filter((held) => held.owner === owner),
      counted: (owner: string) =>
        [...this.objects.values()].filter((held) => {
          const status = statusOf(held.object) ?? "";
          const isFresh = held.since > this.now - CANCELLED_COUNTS;
          return held.owner === owner && (WAITING.includes(status) || (status === "Cancelled" && isFresh));
        }).length,
    };
    const { responses, changes } = answerActions(actions, sender, shelf, this.context);
    for (const held of changes) this.objects.set(held.object.ObjectIdentifier, held);
    return responses;
  }

  ask(actions: readonly object[], from: Endpoint = AGENCY): readonly ActionResponse[] {
    const answer = this.take(this.request(actions, from));
    if (!Array.isArray(answer)) throw new TypeError((answer as Hi1Refusal).code);
    return answer as readonly ActionResponse[];
  }

  advance(id: number, status: string): void {
    const next = advance(this.objects.get(uuidOf(id)) as Held, status, this.now);
    if (next === null) throw new TypeError("no such arrow");
    this.objects.set(uuidOf(id), next);
  }
}

export const create = (object: object): object => ({ CREATE: { HI1Object: object } });
export const update = (object: object): object => ({ UPDATE: { HI1Object: object } });
