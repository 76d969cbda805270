import type { MessengerPage } from "@porchlight/client/page";
import { RouterProvider } from "@tanstack/react-router";
import { type ReactElement, useState } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { locale, say } from "./i18n/say.tsx";
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
        <a className="skip" href="#main">
          {say("skip")}
        </a>
        <RouterProvider router={router} />
        <Toasts />
      </MessengerContext>
    </I18nProvider>
  );
}
