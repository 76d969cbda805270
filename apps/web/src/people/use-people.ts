import type { ConversationView, MemberView } from "@porchlight/client/page";
import { useEffect, useMemo, useState } from "react";
import { useMessenger, useReady } from "../messenger/use.ts";
import { shownName } from "../text/marks.ts";
import type { Person } from "../thread/mention.ts";

/** Members with their devices, fetched again whenever they change; `null` until they are here. */
export function useMembers({ id, membersVersion }: ConversationView): readonly MemberView[] | null {
  const messenger = useMessenger();
  const [members, setMembers] = useState<readonly MemberView[] | null>(null);
  useEffect(() => {
    let isGone = false;
    messenger.perform("members", { conversation: id }).then(
      (found) => (isGone ? undefined : setMembers(found)),
      () => undefined,
    );
    return () => {
      isGone = true;
    };
    // The version says that there is something new to fetch.
  }, [messenger, id, membersVersion]);
  return members;
}

/** Whom a message can mention. */
export function usePeople(conversation: ConversationView): readonly Person[] {
  const members = useMembers(conversation);
  const { contacts } = useReady();
  return useMemo(
    () =>
      (members ?? [])
        .filter(({ isMe }) => !isMe)
        .map(({ account, name }) => ({
          account,
          name: shownName(name),
          isAmbiguous: contacts[account]?.isNameAmbiguous === true,
        })),
    [members, contacts],
  );
}
