import type { ConversationView, ReadyState } from "@porchlight/client/page";
import { lazy, type ReactElement, Suspense, useEffect, useSyncExternalStore } from "react";
import { CharterText, NoCharter, UnknownCharter } from "./charter/page.tsx";
import { ConversationList } from "./conversations/list.tsx";
import { ConversationPage, GoneConversation, NoConversation } from "./conversations/page.tsx";
import { say } from "./i18n/say.tsx";
import { useMessenger, useReady } from "./messenger/use.ts";
import { Arrival, Skip } from "./parts/arrival.tsx";
import { Waiting } from "./parts/banner.tsx";
import { Icon } from "./parts/icon.tsx";
import { Link } from "./parts/link.tsx";
import { ContactArrival } from "./people/contact-arrival.tsx";
import { PeoplePanel } from "./people/page.tsx";
import { endSubscription, keepSubscribed } from "./pwa/push.ts";
import { keepStorage } from "./pwa/storage.ts";
import { useTold } from "./pwa/told.ts";
import { Standing } from "./standing.tsx";
import { shownName } from "./text/marks.ts";

const NoticesPage = lazy(async () => ({ default: (await import("./notices/page.tsx")).NoticesPage }));
const SettingsView = lazy(async () => ({ default: (await import("./settings/view.tsx")).SettingsView }));

export type ShellView =
  | { readonly kind: "none" }
  | { readonly kind: "conversation"; readonly id: string; readonly side: "people" | null }
  | { readonly kind: "charter"; readonly id: string }
  | { readonly kind: "notices" }
  | { readonly kind: "settings"; readonly section: string };

/** The list of conversations on the left, one thing in the middle, people on the right; on a phone one at a time. */
export function Shell({ view }: { readonly view: ShellView }): ReactElement {
  const ready = useReady();
  const open = view.kind === "conversation" ? (view.id as ConversationView["id"]) : null;
  const conversation = open === null ? undefined : ready.conversations[open];
  useTitle(ready, view, conversation);
  useKept(ready);
  useTold(ready);
  const isNarrow = useNarrow();
  const skip = (
    <Skip words={isNarrow && view.kind === "none" ? say("skip.list") : say(`skip.${view.kind}`)} />
  );
  const arrival = <Arrival {...placeOf(view)} />;
  if (view.kind === "settings" || view.kind === "notices") {
    return (
      <>
        {skip}
        <Standing />
        <Suspense fallback={<Waiting label={say("starting")} />}>
          {view.kind === "notices" ? <NoticesPage /> : <SettingsView section={view.section} />}
          {arrival}
        </Suspense>
      </>
    );
  }
  const pane =
    view.kind === "conversation" ? (
      conversation === undefined ? (
        <GoneConversation />
      ) : isNarrow && view.side !== null ? null : (
        <ConversationPage key={conversation.id} conversation={conversation} />
      )
    ) : view.kind === "charter" ? (
      <CharterPane id={view.id} />
    ) : isNarrow ? null : (
      <NoConversation />
    );
  return (
    <>
      {skip}
      <div
        className={`shell shell-${view.kind}${view.kind === "conversation" && view.side !== null ? " shell-side" : ""}`}
      >
        {isNarrow && view.kind !== "none" ? null : <ConversationList open={open} isAlone={isNarrow} />}
        {pane}
        {view.kind === "conversation" && view.side === "people" && conversation !== undefined ? (
          <PeoplePanel conversation={conversation} isAlone={isNarrow} />
        ) : null}
        <ContactArrival />
      </div>
      {arrival}
    </>
  );
}

function placeOf(view: ShellView): { readonly page: string; readonly part?: string } {
  switch (view.kind) {
    case "conversation":
      return { page: `conversation ${view.id}`, part: view.side ?? "" };
    case "charter":
      return { page: `charter ${view.id}` };
    case "settings":
      return { page: "settings", part: view.section };
    case "none":
    case "notices":
      return { page: view.kind };
  }
}

function CharterPane({ id }: { readonly id: string }): ReactElement {
  const { charters } = useReady();
  const charter = (
    charters as Readonly<Record<string, ReadyState["charters"][keyof ReadyState["charters"]]>>
  )[id];
  return (
    <main className="conversation reading-pane" id="main">
      <header className="page-head">
        <Link to="/" className="icon-button" aria-label={say("settings.back")}>
          <Icon name="back" />
        </Link>
      </header>
      <Standing />
      {id === "none" ? (
        <NoCharter />
      ) : charter === undefined ? (
        <UnknownCharter />
      ) : (
        <CharterText charter={charter} />
      )}
    </main>
  );
}

const NARROW = "(max-width: 44rem)";

/** Whether there is room for one pane only: then the others are not drawn at all. */
function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = matchMedia(NARROW);
      query.addEventListener("change", listener);
      return () => query.removeEventListener("change", listener);
    },
    () => matchMedia(NARROW).matches,
  );
}

/** What is only here is to stay, and who allowed it is told of messages also after a new session; who wants none is not. */
function useKept({ connection, settings }: ReadyState): void {
  const messenger = useMessenger();
  const isOnline = connection.kind === "online";
  const wantsNone = settings.notifications === "none";
  useEffect(() => void keepStorage().catch(() => {}), []);
  useEffect(() => {
    if (wantsNone) endSubscription(messenger).catch(() => {});
    else if (isOnline) keepSubscribed(messenger).catch(() => {});
  }, [messenger, isOnline, wantsNone]);
}

/** The tab says what is open and how much is unread. */
function useTitle(ready: ReadyState, view: ShellView, conversation: ConversationView | undefined): void {
  const unread = Object.values(ready.conversations).reduce(
    (sum, one) => sum + (one.muted ? 0 : one.unread),
    0,
  );
  const place =
    conversation !== undefined
      ? shownName(conversation.title) || say("conversation.untitled")
      : view.kind === "charter"
        ? say("who.title")
        : view.kind === "notices"
          ? say("notices.title")
          : view.kind === "settings"
            ? say("settings.title")
            : null;
  const title = place === null ? "Porchlight" : `${place} · Porchlight`;
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
  }, [unread, title]);
}
