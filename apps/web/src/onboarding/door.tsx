import type { ReactElement, ReactNode } from "react";
import { Icon } from "../parts/icon.tsx";

/** The frame of everything before the conversations: one card, one thing to do. */
export function Door({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <main className="door" id="main">
      <p className="door-brand">
        <Icon name="lamp" /> Porchlight
      </p>
      <div className="door-card stack">{children}</div>
    </main>
  );
}
