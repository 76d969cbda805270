import { useNavigate } from "@tanstack/react-router";
import { type ReactElement, useEffect, useState } from "react";
import { NewConversation } from "../conversations/new.tsx";
import { useAsk } from "../messenger/use.ts";
import { contactCodeOf } from "./contact-link.ts";

/** Opened by somebody's contact link: they are added, and a conversation with them is offered. */
export function ContactArrival(): ReactElement | null {
  const ask = useAsk();
  const navigate = useNavigate();
  const [isOffered, setOffered] = useState(false);
  useEffect(() => {
    if (!location.hash.startsWith("#contact=")) return;
    const code = contactCodeOf(location.hash);
    history.replaceState(history.state, "", "/");
    void ask("addContact", { code }).then((added) => {
      if (added !== null) setOffered(true);
      void navigate({ to: "/" });
    });
  }, [ask, navigate]);
  return isOffered ? <NewConversation onClose={() => setOffered(false)} /> : null;
}
