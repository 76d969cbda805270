import type { ReactElement, ReactNode } from "react";
import { Arrival } from "../parts/arrival.tsx";
import { Icon } from "../parts/icon.tsx";

/** The frame of everything before the conversations: one card, one thing to do. */
export function Door({
  at,
  children,
}: {
  /** Which of them it is; `null` for one that nobody stays at. */
  readonly at: string | null;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <main className="door" id="main">
      <p className="door-brand">
        <Icon name="lamp" /> Porchlight
      </p>
      <div className="door-card stack">{children}</div>
      {at === null ? null : <Arrival page={at} />}
    </main>
  );
}
