import { type CharterDocument, type CharterKind, formatCharter, type Issuer } from "@porchlight/charter";
import { type DayNumber, dayNumber, fromBase64, keyholderIndex } from "@porchlight/encoding";
import { accountablePolicyText } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { KEYHOLDER_NAMES, THRESHOLD } from "./layout.ts";
import { TERMS } from "./terms.ts";

/** `public.json` of the parties, as they publish it. */
export type ServerIdentity = {
  readonly key: string;
  readonly xwing: string;
  readonly intake: string;
  readonly log: { readonly origin: string; readonly vkey: string };
};
export type KeyholderIdentity = {
  readonly name: string;
  readonly vkey: string;
  readonly key: string;
  readonly xwing: string;
};
export type WitnessIdentity = { readonly name: string; readonly vkey: string };

export type Identities = {
  readonly server: ServerIdentity;
  /** With the address at which each is reached. */
  readonly keyholders: readonly (KeyholderIdentity & { readonly url: string })[];
  readonly witnesses: readonly (WitnessIdentity & { readonly url: string })[];
};

/** Both witnesses and four of five keyholders, as tlog-policy text with everyone's address. */
export function policyText(identities: Identities): string {
  return accountablePolicyText(
    {
      log: { vkey: identities.server.log.vkey },
      witnesses: identities.witnesses,
      keyholders: identities.keyholders,
      threshold: THRESHOLD,
    },
    nodeSuite,
  );
}

/**
 * The charter of a deployment on one computer. It does not pretend: owner, payer and jurisdiction of all five keyholders
 * are this computer, so every client warns that they protect nobody from each other.
 */
export function draftCharter(input: {
  readonly kind: CharterKind;
  readonly deployment: string;
  readonly clock: "system" | "replay";
  readonly from: DayNumber;
  readonly days: number;
  readonly identities: Identities;
  readonly issuers: readonly Issuer[];
  readonly inspectors: readonly Issuer[];
}): Uint8Array {
  const terms = TERMS[input.kind];
  const { identities } = input;
  const { server } = identities;
  const document: CharterDocument = {
    kind: input.kind,
    deployment: input.deployment,
    clock: input.clock,
    validFrom: input.from,
    validUntil: dayNumber(input.from + input.days),
    provider: {
      name: terms.provider,
      key: fromBase64(server.key, 32),
      xwing: fromBase64(server.xwing, 1216),
    },
    keyholders: identities.keyholders.map((keyholder, i) => ({
      index: keyholderIndex(i + 1),
      name: KEYHOLDER_NAMES[i] as string,
      owner: "whoever runs this computer",
      payer: "whoever runs this computer",
      jurisdiction: "this computer",
      url: keyholder.url,
      vkey: keyholder.vkey,
      key: fromBase64(keyholder.key, 32),
      xwing: fromBase64(keyholder.xwing, 1216),
    })),
    threshold: THRESHOLD,
    issuers: input.issuers,
    inspection:
      terms.inspection === null ? null : { inspectors: input.inspectors, days: terms.inspection.days },
    intake: { key: fromBase64(server.intake, 32) },
    log: { origin: server.log.origin, vkey: server.log.vkey, policy: policyText(identities) },
    retentionDays: terms.retentionDays,
    contestDays: terms.contestDays,
    longestSecrecyDays: terms.longestSecrecyDays,
    longestPreservationDays: terms.longestPreservationDays,
    caps: terms.caps,
    legalBases: terms.legalBases,
    offenceCategories: terms.offenceCategories,
  };
  return formatCharter(document);
}
