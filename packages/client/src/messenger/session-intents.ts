import { MAX_ATTACHMENTS } from "@porchlight/attachment";
import { type AccountId, base64, hex } from "@porchlight/encoding";
import { type Content, formatContent, titleIn } from "../content.ts";
import { ClientError } from "../error.ts";
import { exported } from "./export.ts";
import type { IntentName, Intents, NewAttachment } from "./intents.ts";
import { formatVerification, grouped, parseContactCode, safetyNumber, verifies } from "./safety-number.ts";
import type { Session } from "./session.ts";
import type { Thread } from "./thread.ts";
import { contentOf, type PendingFile } from "./thread-record.ts";
import type { MemberView, MentionView } from "./view.ts";

/** How an intent is carried out: its input, and a promise of its answer. */
export type Handlers<Names extends IntentName> = {
  readonly [Name in Names]: (
    input: Parameters<Intents[Name]>[0],
  ) => Promise<ReturnType<Intents[Name]>> | ReturnType<Intents[Name]>;
};

/** What an unlocked device does on its person's word, but for what belongs to the account (`account-intents.ts`). */
export type TalkIntent =
  | "createConversation"
  | "addMembers"
  | "removeMember"
  | "rename"
  | "members"
  | "pin"
  | "mute"
  | "archive"
  | "proposeCharter"
  | "acceptCharter"
  | "send"
  | "edit"
  | "deleteMessage"
  | "react"
  | "markRead"
  | "typing"
  | "draft"
  | "retry"
  | "discard"
  | "entries"
  | "indexOf"
  | "download"
  | "cancelTransfer"
  | "resumeUpload"
  | "addContact"
  | "safetyNumber"
  | "verifyContact"
  | "confirmDevices"
  | "unverifyContact"
  | "changeSettings"
  | "exportData";

/** Entries of one answer. */
const MAX_ENTRIES = 1000;

export function talkIntents(session: Session): Handlers<TalkIntent> {
  const { member, people, transfers } = session;
  const seatOf = (thread: Thread) => member.seat(thread.id);

  /** Queues a content that is no speech, and lets it go. */
  const queue = async (thread: Thread, content: Omit<Content, "id" | "at">): Promise<void> => {
    const whole = { id: session.newId(), at: session.now(), ...content };
    formatContent(whole);
    await thread.queue({ content: whole, files: [] });
    session.kick(thread.id);
  };

  const ownMessage = async (thread: Thread, id: string): Promise<void> => {
    if (thread.record.pending.some(({ content }) => content.id === id)) return;
    if ((await thread.message(id)).from === session.me) return;
    throw new ClientError("not-the-author", "only who wrote a message can change it");
  };

  const attach = async (thread: Thread, attachments: readonly NewAttachment[]): Promise<PendingFile[]> => {
    if (attachments.length > MAX_ATTACHMENTS) {
      throw new ClientError("content-malformed", "too many files for one message: send several");
    }
    const files: PendingFile[] = [];
    try {
      for (const { file, name, preview } of attachments) {
        const kept =
          preview === null
            ? null
            : {
                type: preview.type,
                width: preview.width,
                height: preview.height,
                data: base64(preview.bytes),
              };
        files.push(await transfers.begin(thread.id, file, { name, preview: kept }));
      }
    } catch (error) {
      for (const { upload } of files) await transfers.forget(upload, { atServer: false });
      throw error;
    }
    return files;
  };

  /** Only what is there can be referred to; what is refused here was never saved. */
  const checkContent = (content: Content, files: readonly PendingFile[]): void => {
    const stand = files.map((file) => ({
      ...file,
      reference: {
        id: "0".repeat(64),
        key: base64(new Uint8Array(32)),
        digest: "0".repeat(64),
        size: file.size,
        type: file.type,
        name: file.name,
      },
    }));
    formatContent(contentOf({ content, files: stand, refused: null }));
  };

  return {
    createConversation: async ({ charter, title, accounts }) => {
      const name = title === "" ? "" : checkedTitle(title);
      const seat = await member.createConversation({ charter });
      const thread = await session.begun(seat);
      for (const account of accounts) people.meet(account);
      await thread.note({
        kind: "event",
        at: session.now(),
        by: session.me,
        event: { kind: "created", charter },
      });
      await thread.change({ waitingFor: accounts, nameDue: true });
      if (name !== "") await queue(thread, { text: name, kind: "title" });
      session.kick(thread.id);
      return { conversation: thread.id };
    },

    addMembers: async ({ conversation, accounts }) => {
      const thread = session.thread(conversation);
      for (const account of accounts) people.meet(account);
      const there = new Set([...thread.others(), ...thread.record.waitingFor, session.me]);
      const waitingFor = [
        ...thread.record.waitingFor,
        ...new Set(accounts.filter((account) => !there.has(account))),
      ];
      await thread.change({ waitingFor });
      session.kick(conversation);
    },

    removeMember: async ({ conversation, account }) => {
      const thread = session.thread(conversation);
      if (thread.record.waitingFor.includes(account)) {
        return await thread.change({
          waitingFor: thread.record.waitingFor.filter((other) => other !== account),
        });
      }
      await seatOf(thread).changeMembers({ removes: [account] });
      await session.work(conversation);
    },

    rename: async ({ conversation, title }) => {
      await queue(session.thread(conversation), { text: checkedTitle(title), kind: "title" });
    },

    members: ({ conversation }) => {
      const devices = new Map<AccountId, string[]>();
      for (const { account, deviceKey } of session.seatOf(session.thread(conversation).id)?.members ?? []) {
        devices.set(account, [...(devices.get(account) ?? []), hex(deviceKey)]);
      }
      return [...devices].map(
        ([account, keys]): MemberView => ({
          account,
          name: account === session.me ? session.profile.name : people.name(account),
          isMe: account === session.me,
          trust: account === session.me ? { kind: "unverified" } : people.trust(account),
          devices: keys,
        }),
      );
    },

    pin: ({ conversation, pinned }) => session.thread(conversation).change({ pinned }),
    mute: ({ conversation, muted }) => session.thread(conversation).change({ muted }),
    archive: ({ conversation, archived }) => session.thread(conversation).change({ archived }),

    proposeCharter: async ({ conversation, charter }) => {
      await seatOf(session.thread(conversation)).proposeCharter(charter);
      await session.work(conversation);
    },

    acceptCharter: async ({ conversation, charter }) => {
      await seatOf(session.thread(conversation)).acceptCharter(charter);
      // The next group's Welcome may be waiting already.
      session.wake();
      await session.work(conversation);
    },

    send: async ({ conversation, text, replyTo, mentions, attachments = [] }) => {
      const thread = session.thread(conversation);
      demandOpen(session, thread);
      if (text === "" && attachments.length === 0) {
        throw new ClientError("content-malformed", "there is nothing to send");
      }
      const content = {
        id: session.newId(),
        at: session.now(),
        ...spoken(text, mentions),
        ...(replyTo === undefined ? {} : { replyTo }),
      };
      checkContent(content, []);
      const files = await attach(thread, attachments);
      try {
        checkContent(content, files);
      } catch (error) {
        for (const { upload } of files) await transfers.forget(upload, { atServer: false });
        throw error;
      }
      await thread.queue({ content, files }, { clearsDraft: true });
      session.kick(conversation);
      return { message: content.id };
    },

    edit: async ({ conversation, message, text, mentions }) => {
      const thread = session.thread(conversation);
      await ownMessage(thread, message);
      await queue(thread, { ...spoken(text, mentions), kind: "edit", target: message });
    },

    deleteMessage: async ({ conversation, message }) => {
      const thread = session.thread(conversation);
      await ownMessage(thread, message);
      await queue(thread, { text: "", kind: "deletion", target: message });
    },

    react: async ({ conversation, message, emoji }) => {
      const thread = session.thread(conversation);
      if ((await thread.find(message)) === null) {
        throw new ClientError("unknown-message", "this message is not on this device");
      }
      await queue(thread, { text: emoji, kind: "reaction", target: message });
    },

    markRead: async ({ conversation, upTo }) => {
      const thread = session.thread(conversation);
      const { unread } = thread.record;
      await thread.markRead(upTo);
      if (thread.record.unread !== unread) session.kick(conversation);
    },

    typing: ({ conversation, isTyping }) => {
      session.typing.tell(session.thread(conversation).id, isTyping);
    },

    draft: ({ conversation, text }) => session.thread(conversation).change({ draft: text }),

    retry: async ({ conversation, message }) => {
      await session.thread(conversation).refuse(new Set([message]), null);
      session.kick(conversation);
    },

    discard: async ({ conversation, message }) => {
      const thread = session.thread(conversation);
      const ids = new Set([message]);
      const pending = thread.record.pending.find(({ content }) => content.id === message);
      if (pending === undefined) throw new ClientError("already-sent", "it was sent: delete it instead");
      await seatOf(thread).withdraw(ids);
      if (seatOf(thread).underway.has(message)) {
        throw new ClientError("already-sent", "it is on its way: delete it when it is there");
      }
      await thread.drop(ids);
      // What the server has of them is taken back with their records, also where that is only possible later.
      for (const { upload } of pending.files) await transfers.stop(upload);
      session.sweepLater();
    },

    entries: async ({ conversation, from, to }) =>
      await session.thread(conversation).entries(from, Math.min(to, from + MAX_ENTRIES)),

    indexOf: async ({ conversation, message }) => await session.thread(conversation).find(message),

    download: async ({ conversation, message, attachment }) => {
      const { body } = await session.thread(conversation).message(message);
      const reference = body?.attachments?.[attachment];
      if (reference === undefined) throw new ClientError("unknown-message", "there is no such file");
      return { file: await transfers.download({ conversation, message, attachment }, reference) };
    },

    cancelTransfer: async ({ transfer }) => {
      const view = session.state.transfers[transfer];
      if (view === undefined) return;
      await transfers.stop(transfer);
      if (view.direction === "down") return;
      const taken = await session.thread(view.conversation).dropFile(view.message, transfer);
      if (taken !== null) transfers.moved(view.message, taken);
      session.sweepLater();
      session.kick(view.conversation);
    },

    resumeUpload: ({ transfer, file }) => {
      const view = session.state.transfers[transfer];
      if (view === undefined) throw new ClientError("upload-unknown", "no such file waits to be sent");
      if (file.size !== view.size) throw new ClientError("source-changed", "this is another file");
      transfers.resume(transfer, file);
      session.kick(view.conversation);
    },

    addContact: async ({ code }) => {
      const { account, name } = parseContactCode(code);
      people.meet(account);
      if (people.name(account) === "") people.named(account, name);
      await people.save();
      return { account };
    },

    safetyNumber: ({ account }) => {
      demandKnown(session, account);
      return {
        digits: grouped(safetyNumber(session.me, account)),
        qr: formatVerification(session.me, account),
        contact: people.contact(account, session.profile.name),
      };
    },

    verifyContact: async ({ account, scanned }) => {
      demandKnown(session, account);
      const matches = scanned === null || verifies(scanned, session.me, account);
      if (!matches) return { matches };
      const isFirst = people.trust(account).kind === "unverified";
      const devices = member.seats
        .flatMap(({ members }) => members)
        // CON-22. The digits say nothing of a device that came since, told or not.
        .filter((one) => isFirst && one.account === account)
        .map(({ deviceKey }) => hex(deviceKey));
      people.verify(account, session.now(), [...new Set(devices)]);
      await people.save();
      return { matches };
    },

    confirmDevices: async ({ account, devices }) => {
      const trust = people.trust(account);
      const unseen = new Set(trust.kind === "changed" ? trust.newDevices : []);
      if (devices.length === 0 || !devices.every((device) => unseen.has(device))) {
        throw new ClientError("device-unknown", "that device is not new any more: look again");
      }
      people.verify(account, session.now(), devices);
      await people.save();
    },

    unverifyContact: async ({ account }) => {
      people.unverify(account, session.now());
      await people.save();
    },

    changeSettings: (settings) => session.profile.choose(settings),

    exportData: async () => ({ file: await exported(session) }),
  };
}

function spoken(
  text: string,
  mentions: readonly MentionView[] | undefined,
): Pick<Content, "text" | "mentions"> {
  // Half a surrogate pair cannot travel.
  return {
    text: text.toWellFormed(),
    ...(mentions === undefined || mentions.length === 0 ? {} : { mentions }),
  };
}

function checkedTitle(text: string): string {
  const title = titleIn(text);
  if (title !== null) return title;
  throw new ClientError(
    "name-refused",
    "a name has 1 to 100 characters, on one line, without invisible ones",
  );
}

function demandOpen(session: Session, thread: Thread): void {
  const seat = session.seatOf(thread.id);
  if (seat === null || seat.kind === "removed" || thread.record.left) {
    throw new ClientError("not-in-conversation", "this device is not in the conversation any more");
  }
}

function demandKnown(session: Session, account: AccountId): void {
  if (!session.people.knows(account)) {
    throw new ClientError("unknown-contact", "nobody of this account was met on this device");
  }
}
