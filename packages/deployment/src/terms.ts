import type { CharterDocument, CharterKind } from "@porchlight/charter";

/** A party whose key a charter names: its directory, and what the charter says of it. */
export type Office = { readonly directory: string; readonly name: string; readonly title: string };

/** What a charter of this kind says here, beside keys and dates. */
export type Terms = {
  /** Each signs orders; of a house all of them together. */
  readonly issuers: readonly [Office, ...Office[]];
  /** They can stop a house's orders, which wait for them so many whole days. */
  readonly inspection: { readonly inspectors: readonly Office[]; readonly days: number } | null;
  readonly provider: string;
} & Pick<
  CharterDocument,
  | "retentionDays"
  | "contestDays"
  | "longestSecrecyDays"
  | "longestPreservationDays"
  | "caps"
  | "legalBases"
  | "offenceCategories"
>;

export const TERMS: Readonly<Record<CharterKind, Terms>> = {
  court: {
    issuers: [{ directory: "court", name: "district-court", title: "District Court (demonstration)" }],
    inspection: null,
    provider: "provider",
    retentionDays: 365,
    contestDays: 14,
    longestSecrecyDays: 180,
    longestPreservationDays: 90,
    caps: { accountsPerWarrant: 3, daysPerWarrant: 31, warrantsPer30Days: 20 },
    legalBases: ["Code of Criminal Procedure, s. 100 (demonstration)"],
    offenceCategories: ["fraud", "threats", "child protection"],
  },
  house: {
    issuers: [
      { directory: "legal", name: "legal", title: "Head of legal affairs (demonstration)" },
      { directory: "management", name: "management", title: "Managing director (demonstration)" },
    ],
    inspection: {
      inspectors: [
        { directory: "works-council", name: "works-council", title: "Works council (demonstration)" },
      ],
      days: 1,
    },
    provider: "harbour-clinic-it",
    retentionDays: 180,
    contestDays: 7,
    longestSecrecyDays: 90,
    longestPreservationDays: 90,
    caps: { accountsPerWarrant: 1, daysPerWarrant: 7, warrantsPer30Days: 3 },
    legalBases: ["Works agreement on legal holds, s. 4 (demonstration)"],
    offenceCategories: ["pending lawsuit", "internal investigation"],
  },
};
