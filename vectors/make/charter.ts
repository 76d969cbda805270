import {
  type CharterDocument,
  type CharterKind,
  formatCharter,
  formatKeys,
  formatSignedDocument,
  formatStatement,
  parseStatement,
  unverifiedPayload,
} from "../../packages/charter/src/index.ts";
import { fromUtf8, hex, type Period } from "../../packages/encoding/src/index.ts";
import {
  charterDocument,
  charterOf,
  keysDocument,
  POLICY,
  publicKeyOf,
  sharedKey,
  signedCharter,
  signedKeys,
  WEAK_POLICY,
} from "../fixture/deployment.ts";
import { statementOf } from "../fixture/order.ts";

const PERIOD = "2026-09" as Period;

export async function make(): Promise<unknown> {
  const kinds: CharterKind[] = ["court", "house"];
  const court = await charterOf("court");
  const keys = keysDocument(court, PERIOD);
  const statement = await statementOf(court);
  return {
    description:
      "Charters, keys and the provider's statement (spec/charter.md). `signed` is a whole signed document, `document` " +
      "its payload. In `refused`, the first occurrence of `from` in the court's document is replaced by `to`; " +
      "`signer` names whose signature decides.",
    charters: await Promise.all(
      kinds.map(async (kind) => {
        const document = charterDocument(kind);
        const signed = await signedCharter(document);
        return {
          kind,
          id: (await charterOf(kind)).id,
          document: fromUtf8(formatCharter(document)),
          signed: fromUtf8(formatSignedDocument(signed)),
        };
      }),
    ),
    refused: refusedEdits(charterDocument("court")),
    keys: {
      charter: court.id,
      document: fromUtf8(formatKeys(keys)),
      signed: fromUtf8(formatSignedDocument(await signedKeys(keys))),
      refused: [
        {
          name: "a verifying share off the polynomial",
          from: hex(keys.access.verifyingShares[4] as Uint8Array),
          to: hex(sharedKey("another").verifyingShares[4] as Uint8Array),
        },
        { name: "one master key for access and notice", from: sideOf(keys.notice), to: sideOf(keys.access) },
        { name: "a period outside the charter's dates", from: PERIOD, to: "2027-01" },
        { name: "another charter", from: court.id, to: (await charterOf("house")).id },
      ],
    },
    statement: {
      charter: court.id,
      document: fromUtf8(formatStatement(parseStatement(unverifiedPayload(statement)))),
      signed: fromUtf8(formatSignedDocument(statement)),
    },
  };
}

function sideOf({
  mpk,
  verifyingShares,
}: {
  mpk: Uint8Array;
  verifyingShares: readonly Uint8Array[];
}): string {
  return JSON.stringify({ mpk: hex(mpk), verifyingShares: verifyingShares.map((share) => hex(share)) }).slice(
    1,
    -1,
  );
}

function refusedEdits({ keyholders, issuers, provider }: CharterDocument): unknown[] {
  const b64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const issuersText = `"issuers":${JSON.stringify(issuers.map(({ name, title, key }) => ({ name, title, key: b64(key) })))}`;
  const [first, second] = keyholders as [
    CharterDocument["keyholders"][number],
    CharterDocument["keyholders"][number],
  ];
  const text = (policy: string) => JSON.stringify(policy).slice(1, -1);
  return [
    ["CHA-2", "not-canonical", "white space", '"version":1', '"version": 1'],
    ["CHA-2", "unknown-field", "an unknown member", '"version":1', '"version":1,"more":0'],
    ["CHA-2", "duplicate-key", "a member twice", '"threshold":3', '"threshold":3,"threshold":3'],
    ["CHA-2", "missing-field", "a member missing", '"threshold":3,', ""],
    ["CHA-2", "not-canonical", "an escape that is not needed", '"Foundation 1"', '"\\u0046oundation 1"'],
    ["CHA-5", "not-canonical", "a name that reorders itself", "Keyholder 1", "Keyholder \\u202e1"],
    ["CHA-5", "not-canonical", "a name with surrounding space", '"Keyholder 1"', '"Keyholder 1 "'],
    ["CHA-7", "out-of-range", "another version", '"version":1', '"version":2'],
    ["CHA-7", "out-of-range", "a date that does not exist", "2026-01-01", "2026-02-30"],
    ["CHA-9", "charter-inconsistent", "dates out of order", "2026-01-01", "2027-01-01"],
    ["CHA-10", "charter-inconsistent", "a keyholder left out", '"index":5', '"index":6'],
    ["CHA-10", "charter-inconsistent", "more needed than there are", '"threshold":3', '"threshold":6'],
    ["CHA-10", "out-of-range", "one is enough", '"threshold":3', '"threshold":1'],
    ["CHA-11", "charter-inconsistent", "a court without an issuer", issuersText, '"issuers":[]'],
    ["CHA-24", "missing-field", "a house that does not say who inspects", '"kind":"court"', '"kind":"house"'],
    ["CHA-12", "charter-inconsistent", "two parties of one name", "Keyholder 2", "Keyholder 1"],
    ["CHA-12", "charter-inconsistent", "two parties with one key", b64(second.key), b64(first.key)],
    [
      "CHA-12",
      "charter-inconsistent",
      "two parties with one X-Wing key",
      b64(second.xwing),
      b64(provider.xwing),
    ],
    [
      "CHA-12",
      "charter-inconsistent",
      "a key with two purposes",
      b64(publicKeyOf("Intake")),
      b64(publicKeyOf("Provider")),
    ],
    ["CHA-13", "charter-inconsistent", "a log of another name", '"origin":"log.', '"origin":"log2.'],
    ["CHA-13", "policy-weak", "one witness is enough", text(POLICY), text(WEAK_POLICY)],
    ["CHA-13", "policy-weak", "too few keyholders are enough", "group keyholders 4", "group keyholders 3"],
    ["CHA-14", "charter-inconsistent", "a category twice", '"stalking","fraud"', '"fraud","fraud"'],
  ].map(([rule, code, name, from, to]) => ({ rule, code, name, from, to }));
}
