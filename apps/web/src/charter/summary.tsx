import type { CharterView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { Say } from "../i18n/say.tsx";

/** A charter in one sentence. */
export function CharterSummary({ charter }: { readonly charter: CharterView }): ReactElement {
  const { kind, threshold, keyholders, issuers } = charter;
  return (
    <p className="small">
      <Say
        k={`charter.summary.${kind}`}
        v={{
          threshold,
          keyholders: keyholders.length,
          issuer: issuers.map(({ title }) => title).join(", "),
        }}
      />
    </p>
  );
}
