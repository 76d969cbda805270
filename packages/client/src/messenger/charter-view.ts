import type { Charter } from "@porchlight/charter";
import type { DayNumber } from "@porchlight/encoding";
import type { CharterView, CharterWarning } from "./view.ts";

/**
 * What a person is told of a charter whose signatures this device has verified; `charter` is the one with the keyholders
 * of now.
 */
export function charterView(
  charter: Charter,
  today: DayNumber,
  { history, replacements }: Pick<CharterView, "history" | "replacements">,
): CharterView {
  const { keyholders, threshold } = charter;
  const warnings: CharterWarning[] = [];
  for (const [kind, of] of [
    ["shared-owner", "owner"],
    ["shared-payer", "payer"],
    ["shared-jurisdiction", "jurisdiction"],
  ] as const) {
    const counts = new Map<string, number>();
    for (const keyholder of keyholders) counts.set(keyholder[of], (counts.get(keyholder[of]) ?? 0) + 1);
    for (const [name, count] of counts) if (count >= threshold) warnings.push({ kind, name });
  }
  if (today < charter.validFrom || today > charter.validUntil) warnings.push({ kind: "not-in-force" });
  return {
    id: charter.id,
    kind: charter.kind,
    deployment: charter.deployment,
    isReplay: charter.clock === "replay",
    validFrom: charter.validFrom,
    validUntil: charter.validUntil,
    provider: charter.provider.name,
    threshold,
    keyholders: keyholders.map(({ name, owner, payer, jurisdiction }) => ({
      name,
      owner,
      payer,
      jurisdiction,
    })),
    replacements,
    issuers: charter.issuers.map(({ name, title }) => ({ name, title })),
    inspection:
      charter.inspection === null
        ? null
        : {
            inspectors: charter.inspection.inspectors.map(({ name, title }) => ({ name, title })),
            days: charter.inspection.days,
          },
    legalBases: charter.legalBases,
    offenceCategories: charter.offenceCategories,
    retentionDays: charter.retentionDays,
    contestDays: charter.contestDays,
    longestSecrecyDays: charter.longestSecrecyDays,
    longestPreservationDays: charter.longestPreservationDays,
    caps: charter.caps,
    warnings,
    history,
  };
}
