import type { ReactElement, ReactNode } from "react";
import { createPortal } from "react-dom";
import { Say, utcDateOf } from "../i18n/say.tsx";
import { useReady } from "../messenger/use.ts";

/** A code as it is printed, on a sheet of its own: whoever finds it in a drawer must know what it is and where it is good. */
export function Paper({
  title,
  code,
  children,
}: {
  readonly title: string;
  readonly code: string;
  readonly children: ReactNode;
}): ReactElement {
  const { deployment } = useReady();
  return createPortal(
    <section className="paper">
      <p className="strong">Porchlight</p>
      <h1>{title}</h1>
      <p className="code-large">{code}</p>
      {children}
      <p className="small">
        <Say k="paper.made" v={{ date: utcDateOf(Date.now() / 1000), deployment: deployment.origin }} />
      </p>
    </section>,
    document.body,
  );
}
