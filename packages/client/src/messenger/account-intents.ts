import type { Session } from "./session.ts";
import type { Handlers } from "./session-intents.ts";

/** What a person does about the own account. */
export type AccountIntent = "setName";

export function accountIntents(session: Session): Handlers<AccountIntent> {
  return {
    setName: async ({ name }) => {
      await session.profile.rename(name);
      session.onName(session.profile.name);
      for (const thread of session.threads.values()) {
        await thread.change({ nameDue: true });
        session.kick(thread.id);
      }
    },
  };
}
