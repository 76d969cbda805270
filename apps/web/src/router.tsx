import {
  createBrowserHistory,
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  useParams,
} from "@tanstack/react-router";
import type { ReactElement } from "react";
import { Gate } from "./gate.tsx";
import { Failed } from "./onboarding/standstill.tsx";
import { Shell, type ShellView } from "./shell.tsx";

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: () => <Inside view={{ kind: "none" }} />,
});

/** A view behind the door: shown when there is a device here and it is open. */
function Inside({ view }: { readonly view: ShellView }): ReactElement {
  return (
    <Gate>
      <Shell view={view} />
    </Gate>
  );
}

function useParam(name: string): string {
  const params: Readonly<Record<string, string | undefined>> = useParams({ strict: false });
  return params[name] ?? "";
}

const inside = <Path extends string>(path: Path, view: (param: (name: string) => string) => ShellView) =>
  createRoute({
    getParentRoute: () => root,
    path,
    component: function View() {
      return <Inside view={view(useParam)} />;
    },
  });

const routes = [
  inside("/", () => ({ kind: "none" })),
  inside("/join", () => ({ kind: "none" })),
  inside("/c/$conversation", (param) => ({ kind: "conversation", id: param("conversation"), side: null })),
  inside("/c/$conversation/people", (param) => ({
    kind: "conversation",
    id: param("conversation"),
    side: "people",
  })),
  inside("/who/$charter", (param) => ({ kind: "charter", id: param("charter") })),
  inside("/notices", () => ({ kind: "notices" })),
  inside("/settings", () => ({ kind: "settings", section: "profile" })),
  inside("/settings/$section", (param) => ({ kind: "settings", section: param("section") })),
  // Before the door: whoever has the code needs no device here.
  createRoute({
    getParentRoute: () => root,
    path: "/notices/code",
    component: lazyRouteComponent(() => import("./notices/code-page.tsx"), "NoticeCodePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/design",
    component: lazyRouteComponent(() => import("./design/page.tsx"), "DesignPage"),
  }),
] as const;

/** `at`: a router of its own that starts there and leaves the address bar alone, for the gallery. */
export function createAppRouter(at?: string) {
  return createRouter({
    routeTree: root.addChildren(routes),
    history: at === undefined ? createBrowserHistory() : createMemoryHistory({ initialEntries: [at] }),
    defaultErrorComponent: () => <Failed code="internal" />,
    defaultPreload: false,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
