import type { ContactView } from "@porchlight/client/page";
import { useNavigate } from "@tanstack/react-router";
import { type ReactElement, useEffect, useState } from "react";
import { NewConversation } from "../conversations/new.tsx";
import { useAsk } from "../messenger/use.ts";
import { contactCodeOf } from "./contact-link.ts";

/** Opened by somebody's contact link: they are added, and a conversation with them is offered. */
export function ContactArrival(): ReactElement | null {
  const ask = useAsk();
  const navigate = useNavigate();
  const [offered, setOffered] = useState<ContactView["account"] | null>(null);
  useEffect(() => {
    const take = (): void => {
      if (!location.hash.startsWith("#contact=")) return;
      const code = contactCodeOf(location.hash);
      history.replaceState(history.state, "", "/");
      void ask("addContact", { code }).then((added) => {
        if (added !== null) setOffered(added.account);
        void navigate({ to: "/" });
      });
    };
    take();
    // A link that is opened in a tab that is here already loads nothing.
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, [ask, navigate]);
  return offered === null ? null : (
    <NewConversation key={offered} withWhom={[offered]} onClose={() => setOffered(null)} />
  );
}
