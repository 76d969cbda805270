import { formatInstant } from "@porchlight/encoding";
import { type Held, type Hi1Object, isEmergency, secondsOf } from "@porchlight/hi1";

/** One thing that an object asks for or says, for the officer who decides on it. */
type Asked = { readonly term: string; readonly text: string };

/** Members by the officer's words. One that has none here is shown under its own name: nothing that was asked stays unseen. */
const TERMS: Readonly<Record<string, string>> = {
  "auth:AuthorisationLegalType": "Legal basis",
  "auth:AuthorisationTypeOfCase": "Offence",
  "auth:AuthorisationTimespan": "May be disclosed",
  "auth:AuthorisationPriority": "Priority",
  "auth:AuthorisationFlags": "Flags",
  "auth:AuthorisationManualInformation": "Information for you to read",
  "auth:AuthorisationJurisdiction": "Jurisdiction",
  "auth:AuthorisationLegalEntity": "Legal entity",
  "auth:AuthorisationApprovalDetails": "Approved by, as the sender says",
  "auth:AuthorisationCreationTimestamp": "Made",
  "auth:AuthorisationServedTimestamp": "Served",
  "auth:AuthorisationTerminationTimestamp": "Ends",
  "auth:AuthorisationInvalidReason": "Reason given",
  "task:RequestValues": "Asked for, in the sender's words",
  "task:Subtype": "Kind",
  "task:Flags": "Flags",
  "task:Deadlines": "Wished by",
  "task:DeliveryDetails": "To be delivered to",
  "task:AlternativePreservationReferences": "Kept before under",
  "task:ManualInformation": "Information for you to read",
  "task:DesiredPreservationExpiration": "Asked to be kept until",
  "task:PreservationExpiration": "Kept until",
  "task:StatusReason": "Reason given",
  "doc:DocumentName": "Name",
  "doc:DocumentInvalidReason": "Reason given",
};

/** What the page says already: which object this is, how it stands, its days, its document. */
const TOLD: ReadonlySet<string> = new Set([
  "@xsi:type",
  "ObjectIdentifier",
  "CountryCode",
  "OwnerIdentifier",
  "Generation",
  "AssociatedObjects",
  "LastChanged",
  "auth:AuthorisationReference",
  "auth:AuthorisationStatus",
  "auth:AuthorisationCSPID",
  "task:Reference",
  "task:Status",
  "task:Type",
  "task:StartTime",
  "task:EndTime",
  "task:CSPID",
  "doc:DocumentReference",
  "doc:DocumentStatus",
  "doc:DocumentType",
  "doc:DocumentBody",
]);

/** Everything that an object says beside {@link TOLD}, as it came (HI1-35). */
export function askedIn({ type, object }: Held): Asked[] {
  const { "task:RequestDetails": details = {}, ...rest } = object as Hi1Object & {
    "task:RequestDetails"?: Readonly<Record<string, unknown>>;
  };
  const members = Object.entries({ ...details, ...rest })
    .filter(([member]) => !TOLD.has(member) && !(type === "LPTask" && member === "ExternalIdentifier"))
    .map(([member, value]) => ({ term: TERMS[member] ?? member, text: textOf(member, value) }));
  if (type !== "Authorisation" && type !== "LDTask") return members;
  return [{ term: "Emergency", text: isEmergency(object) ? "Yes, says the sender." : "No." }, ...members];
}

function textOf(member: string, value: unknown): string {
  if (member !== "task:RequestValues") return said(value, false);
  const { "task:RequestValue": all = [] } = value as {
    "task:RequestValue"?: readonly {
      "task:FormatType": { "task:FormatName": string };
      "task:Value": string;
    }[];
  };
  return all
    .map((one) => `${one["task:FormatType"]["task:FormatName"]}: ${oneLine(one["task:Value"])}`)
    .join("\n");
}

/** `isInside`: one line among others, that what was typed cannot imitate. */
function said(value: unknown, isInside: boolean): string {
  if (typeof value === "string") {
    const at = secondsOf(value);
    if (at !== null) return formatInstant(at);
    return isInside ? oneLine(value) : value;
  }
  if (Array.isArray(value)) return value.map((one) => said(one, true)).join("\n");
  if (typeof value !== "object" || value === null) return String(value);
  if ("common:Value" in value) return said(value["common:Value"], isInside);
  return Object.entries(value)
    .map(([member, one]) => {
      const name = member.replace(/^[a-z]+:(?:Authorisation)?/, "");
      const text = said(one, true);
      return typeof one === "object" && !isEntry(one) ? text : `${name}: ${text}`;
    })
    .join("\n");
}

function isEntry(value: unknown): boolean {
  return typeof value === "object" && value !== null && "common:Value" in value;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}
