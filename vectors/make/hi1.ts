// A signed message of the TS 103 120 profile, what its signature covers, and the table of refusals.
import { hex, type Json } from "../../packages/encoding/src/index.ts";
import {
  canonicalJson,
  etsi,
  messageJson,
  refusalTable,
  signMessage,
  typeName,
} from "../../packages/hi1/src/index.ts";
import { nobleSuite } from "../../packages/tlog/src/index.ts";

const PROVIDER = { CountryCode: "XX", UniqueIdentifier: "PROVIDER" };

export function make(): unknown {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
  const header = {
    SenderIdentifier: { CountryCode: "XX", UniqueIdentifier: "AGENCY" },
    ReceiverIdentifier: PROVIDER,
    TransactionIdentifier: "c02358b2-76cf-4ba4-a8eb-f6436ccaea2e",
    Timestamp: "2026-03-20T09:00:00.000000Z",
    Version: { ETSIVersion: "V1.14.1", NationalProfileOwner: "porchlight", NationalProfileVersion: "1" },
  };
  const object = {
    "@xsi:type": typeName("LPTask"),
    ObjectIdentifier: "f1205c94-4f56-4d97-9717-39410073979b",
    "task:DesiredStatus": etsi("LPTaskDesiredStatus", "Preserved"),
    "task:RequestDetails": {
      "task:StartTime": "2026-03-02T00:00:00Z",
      "task:EndTime": "2026-03-04T23:59:59Z",
      "task:RequestValues": {
        "task:RequestValue": [
          {
            "task:FormatType": { "task:FormatOwner": "porchlight", "task:FormatName": "Name" },
            "task:Value": "Ada",
          },
        ],
      },
    },
    "task:DesiredPreservationExpiration": "2026-05-19T00:00:00Z",
    "task:CSPID": PROVIDER,
  };
  const payload: Json = {
    RequestPayload: {
      ActionRequests: { ActionRequest: [{ ActionIdentifier: 0, CREATE: { HI1Object: object } }] },
    },
  };
  const unsigned = messageJson(header, payload);
  const signature = signMessage(unsigned, { name: "AGENCY", seed });
  return {
    description: "Orders between authorities and providers (spec/hi1.md). Seed and key are hexadecimal.",
    message: {
      seed: hex(seed),
      publicKey: hex(nobleSuite.publicKeyOf(seed)),
      canonical: canonicalJson(unsigned),
      message: messageJson(header, payload, signature),
    },
    refusals: refusalTable().map(({ number, code, rule, description }) => ({
      number,
      code,
      rule,
      description,
    })),
  };
}
