import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";

export type CharterKind = "court" | "house" | "none" | "unknown";

type Known = Readonly<Record<string, { readonly kind: "court" | "house" }>>;

/** Rules that this device could not check are not "nobody": nothing is known of who can open it. */
export function charterKind(charter: string | null, charters: Known): CharterKind {
  return charter === null ? "none" : (charters[charter]?.kind ?? "unknown");
}

/**
 * The sign of who can open a conversation. A court has columns in a square, a house a roof in a round field, none an
 * empty broken ring: three colours, three shapes and three words, so that no two are taken for each other. What is not
 * known here warns.
 */
export function CharterMark({
  kind,
  withWords = false,
}: {
  readonly kind: CharterKind;
  readonly withWords?: boolean;
}): ReactElement {
  return (
    <span className={`charter-mark charter-mark-${kind}`} title={say(`charter.mark.${kind}`)}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        {kind === "court" ? (
          <path d="M4 9l8-5 8 5M5 9h14M7 10v7M12 10v7M17 10v7M4 19h16" />
        ) : kind === "house" ? (
          <path d="M4 12l8-7 8 7M7 11v8h10v-8M10 19v-4h4v4" />
        ) : kind === "unknown" ? (
          <path d="M12 4l9 16H3zM12 10v4M12 17v.01" />
        ) : (
          <path d="M12 4a8 8 0 0 1 8 8M18.500 16.500a8 8 0 0 1-6.500 3.500M5.500 16.500A8 8 0 0 1 4 12M6.500 6.500A8 8 0 0 1 8 5" />
        )}
      </svg>
      {withWords ? (
        <span>{say(`charter.mark.${kind}`)}</span>
      ) : (
        <span className="visually-hidden">{say(`charter.mark.${kind}`)}</span>
      )}
    </span>
  );
}
