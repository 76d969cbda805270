import type { AppState, ReadyState } from "@porchlight/client/page";
import { type ReactElement, type ReactNode, useEffect, useState } from "react";
import { useApp } from "./messenger/use.ts";
import { Locked } from "./onboarding/locked.tsx";
import { keepPasskey } from "./onboarding/passkey.ts";
import { SignedOut } from "./onboarding/signed-out.tsx";
import { Elsewhere, Failed, Starting } from "./onboarding/standstill.tsx";
import { Welcome } from "./onboarding/welcome.tsx";
import { forgetUnsent } from "./thread/unsent.ts";

/** Every state of the application but "ready" has its own screen, whatever the address says. */
export function Gate({ children }: { readonly children: ReactNode }): ReactElement {
  const state = useApp();
  const isReady = state.kind === "ready";
  useEffect(() => {
    if (!isReady) forgetUnsent();
  }, [isReady]);
  switch (state.kind) {
    case "starting":
      return <Starting />;
    case "elsewhere":
      return <Elsewhere />;
    case "signed-out":
      return <Nobody state={state} />;
    case "locked":
      return <Locked state={state} />;
    case "failed":
      return <Failed code={state.code} />;
    case "ready":
      return <FirstRead state={state}>{children}</FirstRead>;
  }
}

const READ = "porchlight.charters-read";

/** Whoever comes in next has read nothing yet. */
function Nobody({ state }: { readonly state: Extract<AppState, { kind: "signed-out" }> }): ReactElement {
  useEffect(() => localStorage.removeItem(READ), []);
  return <SignedOut state={state} />;
}

function chartersRead(): readonly string[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(READ) ?? "[]");
    return Array.isArray(read) ? read.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** Nobody writes before having seen once who can open it. */
function FirstRead({
  state,
  children,
}: {
  readonly state: ReadyState;
  readonly children: ReactNode;
}): ReactElement {
  const [read, setRead] = useState(chartersRead);
  useEffect(keepPasskey, []);
  const next = Object.values(state.charters).find(
    ({ id, warnings }) => !read.includes(id) && !warnings.some(({ kind }) => kind === "not-in-force"),
  );
  if (next === undefined) return <>{children}</>;
  return (
    <Welcome
      charter={next}
      onRead={() => {
        const now = [...read, next.id];
        localStorage.setItem(READ, JSON.stringify(now));
        setRead(now);
      }}
    />
  );
}
