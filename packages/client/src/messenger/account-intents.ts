import { fromHex } from "@porchlight/encoding";
import { formatNoticeCode } from "@porchlight/notice";
import { WireError } from "@porchlight/wire";
import type { Account } from "../account.ts";
import { ClientError } from "../error.ts";
import { invitationLink } from "../invitation.ts";
import { beginPasskey, finishPasskey, type PasskeyCreated } from "../passkey.ts";
import type { UnlockSecret } from "./intents.ts";
import { LettingIn } from "./letting-in.ts";
import { formatContactCode } from "./safety-number.ts";
import type { Session } from "./session.ts";
import type { Handlers } from "./session-intents.ts";

/** What a person does about the own account. */
export type AccountIntent =
  | "setName"
  | "leave"
  | "declineCharter"
  | "invite"
  | "approveDevice"
  | "confirmDevice"
  | "stopPairing"
  | "closePairing"
  | "nameDevice"
  | "removeDevice"
  | "endSession"
  | "beginPasskey"
  | "finishPasskey"
  | "passkeys"
  | "removePasskey"
  | "makeRecoveryCode"
  | "pushKey"
  | "subscribePush"
  | "unsubscribePush"
  | "noticeCode"
  | "markNoticeRead";

/** `removeUnlockWay`: makes this device open no more with a passkey; `proof` of another way is needed where it did. */
export function accountIntents(
  session: Session,
  removeUnlockWay: (credential: string, proof: UnlockSecret | null) => Promise<void>,
): Handlers<AccountIntent> {
  const lettingIn = new LettingIn(session);

  const account = (): Account => {
    if (session.account !== null) return session.account;
    throw new ClientError("offline", "there is no connection: try again when there is");
  };

  const leave = async ({ conversation }: Parameters<Handlers<"leave">["leave"]>[0]): Promise<void> => {
    const thread = session.thread(conversation);
    if (thread.others().size > 0) {
      const here = account();
      await session.sayLeaving(thread);
      await here.leave(conversation);
    }
    await thread.change({ left: true });
    await thread.note({ kind: "event", at: session.now(), by: session.me, event: { kind: "you-left" } });
  };

  return {
    setName: async ({ name }) => {
      await session.profile.rename(name);
      session.onName(session.profile.name);
      for (const thread of session.threads.values()) {
        await thread.change({ nameDue: true });
        session.kick(thread.id);
      }
    },

    leave,
    declineCharter: leave,

    noticeCode: () => ({ noticeCode: formatNoticeCode(session.member.noticeKey.seed) }),

    markNoticeRead: async ({ notice }) => {
      await session.profile.readNotice(notice);
    },

    invite: async () => {
      const { secret, invitation } = await account().invite();
      const contact = formatContactCode(session.me, session.profile.name);
      return { link: invitationLink(session.config.url, secret, contact), expires: invitation.expires };
    },

    approveDevice: ({ code }) => lettingIn.approve(account(), code),
    confirmDevice: (answer) => lettingIn.confirm(answer),
    stopPairing: () => lettingIn.stop(),
    closePairing: () => lettingIn.close(),

    nameDevice: async ({ name }) => {
      await account().renameDevice(name);
      await session.refreshDevices();
    },

    removeDevice: async ({ device }) => {
      await account().removeDevice(fromHex(device, 32));
      await session.refreshDevices();
      for (const conversation of session.threads.keys()) session.kick(conversation);
    },

    endSession: async ({ session: id }) => {
      await account().endSession(id);
      await session.refreshDevices();
    },

    beginPasskey: async () => ({
      options: await beginPasskey(session.server.account, { name: session.profile.name }),
    }),

    finishPasskey: async ({ response, label }) => {
      const created = { ...(response as PasskeyCreated), clientExtensionResults: {} };
      await finishPasskey(session.server.account, created, { label });
    },

    passkeys: async () =>
      (await session.server.account.passkeys()).map(({ id, label, created, lastUsed }) => ({
        id,
        label,
        created,
        lastUsed,
      })),

    removePasskey: async ({ passkey, proof }) => {
      await removeUnlockWay(passkey, proof);
      await session.server.account.removePasskey(passkey);
    },

    pushKey: async () => {
      try {
        return { key: await session.server.pushKey() };
      } catch (error) {
        if (error instanceof WireError && error.refusal === "not-found") return { key: null };
        throw error;
      }
    },

    subscribePush: async (subscription) => {
      await session.server.subscribePush(subscription);
    },

    unsubscribePush: async () => {
      await session.server.unsubscribePush();
    },

    makeRecoveryCode: async () => {
      const recoveryCode = await session.backup.begin(account());
      session.wake();
      return { recoveryCode };
    },
  };
}
