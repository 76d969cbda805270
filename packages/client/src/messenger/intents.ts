// What a user interface asks for. Each is saved before it is answered; what needs the network then goes on by itself.
import type { AccountId, CharterId, ConversationId, UnixSeconds } from "@porchlight/encoding";
import type {
  AllClearView,
  EntryView,
  LogPlace,
  MemberView,
  MentionView,
  NoticeView,
  PasskeyView,
  PreviewImage,
  SafetyNumberView,
  SettingsView,
  ThreadView,
  UnlockWay,
} from "./view.ts";

/** What the person unlocks with. `prf`: 32 bytes, the passkey's `prf.results.first`; the page forgets it at once. */
export type UnlockSecret =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | {
      readonly kind: "passkey";
      /** base64url. */
      readonly credential: string;
      /** base64url of the 32 bytes that were given as `eval.first`. */
      readonly prfInput: string;
      /** What the person calls it: at most 60 letters are kept. */
      readonly label?: string;
      readonly prf: Uint8Array;
    };

export type NewAttachment = {
  /** Read in slices while it is being sent; it must stay the same. */
  readonly file: Blob;
  readonly name: string;
  /** A picture of at most 12 kB that the page made of it. */
  readonly preview: PreviewImage | null;
};

type In = { readonly conversation: ConversationId };
type About = In & { readonly message: string };

/**
 * Every intent with its input and its answer. A refusal is a ClientError with its code, and changed nothing. All are
 * possible in state "ready" only, but for the first group.
 */
export type Intents = {
  // before "ready"

  /** From "signed-out". The invitation's text as it stands in the link; `null` where the deployment asks for none. */
  signUp: (input: {
    readonly invitation: string | null;
    readonly name: string;
    /** What the person's other devices call this one. */
    readonly deviceName?: string;
    readonly secret: UnlockSecret;
  }) => void;
  /** From "signed-out": account and history from an encrypted backup. */
  restore: (input: {
    readonly recoveryCode: string;
    /** Of the device; the person's own comes back with the backup. */
    readonly name: string;
    readonly secret: UnlockSecret;
  }) => void;
  /**
   * Who invites, before anything is decided or made: refused as `signUp` would refuse this invitation, or none, and this
   * name. `name` of the answer: theirs as the link says it, "" where it does not. `expires`: `null` without an invitation.
   */
  lookInvitation: (input: { readonly invitation: string | null; readonly name?: string }) => {
    readonly inviter: { readonly account: AccountId; readonly name: string } | null;
    readonly expires: UnixSeconds | null;
  };
  /** From "signed-out": asks an own device to take this one in; the state then has `pairing`. */
  beginPairing: (input: { readonly deviceName: string; readonly secret: UnlockSecret }) => void;
  /**
   * Before it is let in, nothing is left. While the history comes over ("receiving"), and when it came short, it goes on
   * without the rest; where nothing has come it gives up ("abandoned"), and is answered when that is done.
   */
  cancelPairing: () => void;
  /** From "locked". Wrong: ClientError "unlock-refused". */
  unlock: (input: UnlockSecret) => void;
  /** Forgets the key; nothing is received until it is unlocked again. */
  lock: () => void;
  /**
   * From "elsewhere": whoever has this device open lets go of it. ClientError "held-elsewhere": they do not answer;
   * "pairing-elsewhere": they are letting another device in.
   */
  takeOver: () => void;

  // conversations

  /** One peer and no title is a direct conversation. */
  createConversation: (input: {
    readonly charter: CharterId | null;
    readonly title: string;
    readonly accounts: readonly AccountId[];
  }) => { readonly conversation: ConversationId };
  addMembers: (input: In & { readonly accounts: readonly AccountId[] }) => void;
  removeMember: (input: In & { readonly account: AccountId }) => void;
  leave: (input: In) => void;
  rename: (input: In & { readonly title: string }) => void;
  members: (input: In) => readonly MemberView[];
  pin: (input: In & { readonly pinned: boolean }) => void;
  mute: (input: In & { readonly muted: boolean }) => void;
  archive: (input: In & { readonly archived: boolean }) => void;
  /** Proposes another charter to everybody; those who do not accept it stay outside. */
  proposeCharter: (input: In & { readonly charter: CharterId | null }) => void;
  acceptCharter: (input: In & { readonly charter: CharterId | null }) => void;
  /** Leaves: without a yes the conversation goes on without this person. */
  declineCharter: (input: In) => void;

  // messages

  /** Answers when it is saved; its delivery state tells the rest. */
  send: (
    input: In & {
      readonly text: string;
      readonly replyTo?: string;
      readonly mentions?: readonly MentionView[];
      readonly attachments?: readonly NewAttachment[];
    },
  ) => { readonly message: string };
  edit: (input: About & { readonly text: string; readonly mentions?: readonly MentionView[] }) => void;
  /** Takes an own message back on all devices that follow the rules. */
  deleteMessage: (input: About) => void;
  /** One emoji a person and message; "" takes it back. */
  react: (input: About & { readonly emoji: string }) => void;
  /** Everything up to and with the entry at this index was seen. */
  markRead: (input: In & { readonly upTo: number }) => void;
  typing: (input: In & { readonly isTyping: boolean }) => void;
  draft: (input: In & { readonly text: string }) => void;
  /** A refused message again, as it is; or by its id a refused change (`changes`, `renameRefused`). */
  retry: (input: About) => void;
  /** A message or a change that is not sent yet, or refused: forgets it. */
  discard: (input: About) => void;

  // threads

  /** Begins to tell this connection of changes; ends with `closeThread`. */
  openThread: (input: In) => ThreadView;
  closeThread: (input: In) => void;
  /** At most 1000 at once; fewer where the thread is shorter. */
  entries: (input: In & { readonly from: number; readonly to: number }) => readonly EntryView[];
  /** Where a message stands now; `null`: not in this device's history. */
  indexOf: (input: About) => number | null;

  // files

  /** Fetches, checks and gives the file. Progress and cancel by the transfer `down-MESSAGE-ATTACHMENT`. */
  download: (input: About & { readonly attachment: number }) => { readonly file: Blob };
  /** One that is being sent is taken out of its message, which goes without it; nothing left, nothing is sent. */
  cancelTransfer: (input: { readonly transfer: string }) => void;
  /** The same file again, after a restart. Another one: ClientError "source-changed". */
  resumeUpload: (input: { readonly transfer: string; readonly file: Blob }) => void;

  // people

  /** A contact code as its person shared it. */
  addContact: (input: { readonly code: string }) => { readonly account: AccountId };
  safetyNumber: (input: { readonly account: AccountId }) => SafetyNumberView;
  /**
   * `scanned`: the text of their QR code; `null`: the person compared the digits. Both are of the accounts: devices that are
   * new since they were compared before stay new (CON-22).
   */
  verifyContact: (input: { readonly account: AccountId; readonly scanned: string | null }) => {
    readonly matches: boolean;
  };
  /** The person asked, and these of `trust.newDevices` are theirs. Refused with "device-unknown" where one is not among them. */
  confirmDevices: (input: { readonly account: AccountId; readonly devices: readonly string[] }) => void;
  unverifyContact: (input: { readonly account: AccountId }) => void;

  // me

  setName: (input: { readonly name: string }) => void;
  changeSettings: (input: Partial<SettingsView>) => void;
  /** How this device can be unlocked. */
  unlockWays: () => readonly UnlockWay[];
  /**
   * At most 32: ClientError "unlock-ways-full". A passphrase takes the place of the one before; that needs a `proof`, a way
   * that there is, which has to open: ClientError "unlock-refused".
   */
  addUnlockWay: (input: UnlockSecret & { readonly proof?: UnlockSecret }) => void;
  /**
   * The passkey, or the passphrase for `null`, opens this device no more. The last way stays: ClientError
   * "unlock-way-last". `proof`: another way, which has to open: ClientError "unlock-refused".
   */
  removeUnlockWay: (input: { readonly credential: string | null; readonly proof: UnlockSecret }) => void;
  /** A link for somebody new. */
  invite: () => { readonly link: string; readonly expires: UnixSeconds };
  /**
   * On the device that has the account: the code that the new one shows, typed or scanned. The state then has `pairing`;
   * answered when there are digits to compare. A pairing that has no yes yet is refused in its favour: its own answer is
   * "pairing-stopped". Refused with "not-now" while a device is let in.
   */
  approveDevice: (input: { readonly code: string }) => void;
  /**
   * The person compared these digits. What becomes of it stands in `pairing`. With `history`, what this device has goes to
   * the new one, device to device. Other digits than those that are to be compared now: ClientError "pairing-changed".
   */
  confirmDevice: (input: {
    readonly digits: string;
    readonly yes: boolean;
    readonly history: boolean;
  }) => void;
  /** Ends what is under way (PairingHostView). */
  stopPairing: () => void;
  /** The person knows what became of it. */
  closePairing: () => void;
  nameDevice: (input: { readonly name: string }) => void;
  endSession: (input: { readonly session: string }) => void;
  /** What `navigator.credentials.create` takes, as JSON (`startRegistration({optionsJSON})`). */
  beginPasskey: () => { readonly options: unknown };
  /** `response`: the browser's answer as JSON, without results of extensions. */
  finishPasskey: (input: { readonly response: unknown; readonly label: string }) => void;
  passkeys: () => readonly PasskeyView[];
  /** At the server, and from this device's ways to unlock; where it is one of these, with a `proof` as above. */
  removePasskey: (input: { readonly passkey: string; readonly proof: UnlockSecret | null }) => void;
  /** Removes an own device from the account and from every conversation. */
  removeDevice: (input: { readonly device: string }) => void;
  /**
   * A new code, which replaces the one before; shown once. The backup that it opens is then sent by and by: `me.backup`.
   * After an error `me.backup` may be "unfinished": asked again, it is the same code.
   */
  makeRecoveryCode: () => { readonly recoveryCode: string };
  /** What a browser subscribes for (`applicationServerKey`, 65 bytes); `null`: this server sends no push messages. */
  pushKey: () => { readonly key: Uint8Array | null };
  /** PUSH-1: where this device is told that something waits, and never what. */
  subscribePush: (input: {
    readonly endpoint: string;
    readonly p256dh: Uint8Array;
    readonly auth: Uint8Array;
  }) => void;
  unsubscribePush: () => void;
  /** A code to print: with it any browser can read later notices about this account, also after leaving. */
  noticeCode: () => { readonly noticeCode: string };
  /** In any state: what the log shows for a printed notice code. It is read from the log's beginning, and not kept. */
  readNotices: (input: { readonly noticeCode: string }) => {
    readonly notices: readonly NoticeView[];
    readonly allClear: AllClearView | null;
    readonly place: LogPlace;
  };
  /**
   * Contests an order that the person was told of first (CONT-3): by the code, or `null` for the unlocked account's own.
   * `document`: the provider's signed word that it has it, as JSON; of the own account's it is kept (`contested`).
   */
  contestOrder: (input: {
    readonly noticeCode: string | null;
    readonly notice: string;
    readonly ground: string;
  }) => { readonly document: string };
  markNoticeRead: (input: { readonly notice: string }) => void;
  /** Everything that this device has, as JSON lines in clear: the person's own. */
  exportData: () => { readonly file: Blob };
  /**
   * Deletes what this device has, of a device that cannot be unlocked or read any more; the account stays. Refusal
   * "not-now" while it can be used.
   */
  startOver: () => void;
  /** Leaves every conversation, deletes the account at the server and everything here. Not to be undone. */
  deleteAccount: () => void;
};

export type IntentName = keyof Intents;
export type IntentInput<Name extends IntentName> = Parameters<Intents[Name]>[0];
export type IntentResult<Name extends IntentName> = ReturnType<Intents[Name]>;
