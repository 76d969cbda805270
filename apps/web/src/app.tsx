import type { MessengerPage } from "@porchlight/client/page";
import { RouterProvider } from "@tanstack/react-router";
import { type ReactElement, useEffect, useReducer, useState } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { locale } from "./i18n/say.tsx";
import { MessengerContext } from "./messenger/use.ts";
import { Toasts } from "./parts/toast.tsx";
import { createAppRouter } from "./router.tsx";

export function App({
  messenger,
  at,
}: {
  readonly messenger: MessengerPage;
  readonly at?: string;
}): ReactElement {
  const [router] = useState(() => createAppRouter(at));
  return (
    <I18nProvider locale={locale}>
      <MessengerContext value={messenger}>
        <Routes router={router} />
        <Toasts />
      </MessengerContext>
    </I18nProvider>
  );
}

/**
 * Drawn anew after each navigation. The router tells its outermost component of every one with a state that is always the
 * same; React keeps each such word until that component is drawn, and nothing else ever draws it. What is below is memoised.
 */
function Routes({ router }: { readonly router: ReturnType<typeof createAppRouter> }): ReactElement {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => router.subscribe("onResolved", redraw), [router]);
  return <RouterProvider router={router} />;
}
