import type { ReactElement } from "react";

/** Digits to be compared: read out one by one, and not as a number. */
export function Digits({ digits }: { readonly digits: string }): ReactElement {
  return (
    <p className="code-large digits">
      <span aria-hidden="true">{digits}</span>
      <span className="visually-hidden">{[...digits].join(" ")}</span>
    </p>
  );
}
